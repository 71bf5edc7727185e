/** Parameters and answers of calls as CloudTrail shows them: JSON, names with a small first letter, no secrets. Pure. */
import type { XmlElement } from "../../core/xml.ts";
import { parseXml, XmlError } from "../../s3/xml.ts";
import { isObject } from "../json-protocol.ts";

export type Elements = Readonly<Record<string, unknown>>;

/** In small letters. Nothing under these names is ever recorded; more than AWS itself leaves out. */
const SECRET: ReadonlySet<string> = new Set([
  "ciphertextblob",
  "ciphertextforrecipient",
  "plaintext",
  "privatekeyplaintext",
  "secretaccesskey",
  "sessiontoken",
  "password",
  "oldpassword",
  "newpassword",
  "granttoken",
  "granttokens",
  "encryptedkeymaterial",
]);

/** Of parsed JSON. */
export function elementsOf(value: Elements): Elements {
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !SECRET.has(name.toLowerCase()))
      .map(([name, member]) => [uncapitalised(name), shown(member)]),
  );
}

function shown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shown);
  return isObject(value) ? elementsOf(value) : value;
}

/** `RoleName` is `roleName`, `AWSAccountId` is `aWSAccountId`. */
export function uncapitalised(name: string): string {
  return name.slice(0, 1).toLowerCase() + name.slice(1);
}

/** Of the query protocol: `Tags.member.1.Key=a` is `{tags: [{key: "a"}]}`. */
export function elementsOfQuery(values: Iterable<readonly [string, string]>): Elements {
  const root: Record<string, unknown> = {};
  for (const [name, value] of values) {
    if (name === "Action" || name === "Version") continue;
    const path = name.split(".").filter((one) => one !== "member");
    let place = root;
    for (const step of path.slice(0, -1)) {
      const inner = isObject(place[step]) ? place[step] : {};
      place[step] = inner;
      place = inner;
    }
    place[path.at(-1) ?? ""] = value;
  }
  return elementsOf(asLists(root) as Elements);
}

/** Members that are numbered from 1 are a list. */
function asLists(value: unknown): unknown {
  if (!isObject(value)) return value;
  const names = Object.keys(value);
  if (names.length > 0 && names.every((one) => /^\d+$/.test(one))) return Object.values(value).map(asLists);
  return Object.fromEntries(names.map((one) => [one, asLists(value[one])]));
}

/** The result of the query protocol; undefined when it has none. */
export function elementsOfResult(text: string, action: string): Elements | undefined {
  const result = documentOf(text)?.children.find((one) => one.name === `${action}Result`);
  if (result === undefined || result.children.length === 0) return undefined;
  return elementsOf(jsonOfElement(result, (one) => one === "member") as Elements);
}

/** A document of S3 under the name of its root; names and order are the document's own. */
export function elementsOfDocument(text: string): Elements | undefined {
  const root = documentOf(text);
  return root === undefined ? undefined : { [root.name]: jsonOfElement(root, () => false) };
}

function documentOf(text: string): XmlElement | undefined {
  try {
    return parseXml(text);
  } catch (error) {
    if (error instanceof XmlError) return undefined;
    throw error;
  }
}

function jsonOfElement(element: XmlElement, isListMember: (name: string) => boolean): unknown {
  const { children, text } = element;
  if (children.length === 0) return plainOf(text);
  if (children.every((one) => isListMember(one.name))) return children.map((one) => jsonOfElement(one, isListMember));
  const members: Record<string, unknown> = {};
  for (const one of children) {
    const value = jsonOfElement(one, isListMember);
    const before = members[one.name];
    if (before === undefined) members[one.name] = value;
    else members[one.name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return members;
}

function plainOf(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^(?:0|[1-9]\d{0,8})$/.test(text) ? Number(text) : text;
}
