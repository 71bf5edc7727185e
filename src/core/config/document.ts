/**
 * A replication configuration as a document: the JSON form that the AWS CLI and SDKs use (`Role`, `Rules[]`, …), with
 * members that Lockstep does not know kept as they are. XML is read into it (`documentOfXml`) and printed from it
 * (`print.ts`); `parse.ts` makes the typed configuration of it.
 *
 * JSON and XML differ in two places only: `Rules[]` is a repeated `<Rule>`, and `And.Tags[]` a repeated `<Tag>`.
 *
 * @source aws-replication.md §1.2
 */
import type { XmlElement } from "../xml.ts";

export type DocumentValue =
  | string
  | number
  | boolean
  | null
  | readonly DocumentValue[]
  | { readonly [name: string]: DocumentValue };

/** Names of list members by the path of the element that holds them; the path of a rule is `Rules`. */
export const LIST_MEMBERS: Readonly<Record<string, { readonly xml: string; readonly json: string }>> = {
  "": { xml: "Rule", json: "Rules" },
  "Rules.Filter.And": { xml: "Tag", json: "Tags" },
};

const INTEGERS = new Set(["Priority", "Minutes"]);

/** Elements whose children are elements even when there is no child: `<Filter/>` is `{}`, `<Prefix/>` is `""`. */
const STRUCTURES = new Set([
  "Filter",
  "And",
  "Tag",
  "SourceSelectionCriteria",
  "SseKmsEncryptedObjects",
  "ReplicaModifications",
  "ExistingObjectReplication",
  "DeleteMarkerReplication",
  "Destination",
  "AccessControlTranslation",
  "EncryptionConfiguration",
  "ReplicationTime",
  "Metrics",
  "Time",
  "EventThreshold",
]);

/** Reads the tree of a `<ReplicationConfiguration>`. Total: what is wrong with the document is found by `parse.ts`. */
export function documentOfXml(root: XmlElement): DocumentValue {
  return structureOf(root, "");
}

function structureOf(element: XmlElement, path: string): DocumentValue {
  const list = LIST_MEMBERS[path];
  const members: Record<string, DocumentValue> = {};
  for (const one of element.children) {
    const isListMember = list !== undefined && one.name === list.xml;
    const name = isListMember ? list.json : one.name;
    const value = readValue(one, path === "" ? name : `${path}.${name}`);
    const before = members[name];
    if (isListMember) members[name] = before === undefined ? [value] : [...(before as DocumentValue[]), value];
    else if (before === undefined) members[name] = value;
    else members[name] = Array.isArray(before) ? [...before, value] : [before, value];
  }
  return members;
}

function readValue(element: XmlElement, path: string): DocumentValue {
  if (element.children.length > 0 || STRUCTURES.has(element.name) || path === "Rules")
    return structureOf(element, path);
  if (INTEGERS.has(element.name) && /^-?[0-9]{1,15}$/.test(element.text)) return Number(element.text);
  return element.text;
}

/** The members of an object; undefined for every other value. */
export type Members = { readonly [name: string]: DocumentValue };

export function asObject(value: unknown): Members | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members) : undefined;
}

export function asArray(value: DocumentValue | undefined): readonly DocumentValue[] {
  return Array.isArray(value) ? value : [];
}

export function asString(value: DocumentValue | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}
