/**
 * Reads one statement of a policy document.
 *
 * @source aws-replication.md §10.1, §10.2; IAM User Guide, "Grammar of the IAM JSON policy language"
 */

import { acceptsValue, readOperator } from "./conditions.ts";
import type {
  Condition,
  DocumentKind,
  PatternElement,
  PrincipalElement,
  PrincipalEntry,
  Statement,
} from "./document.ts";
import type { JsonPath } from "./json-members.ts";
import { accountNamed } from "./principal-matcher.ts";
import { type ProblemList, shorten } from "./problems.ts";

/** Where a statement stands, and where its problems go. */
export interface StatementPlace {
  readonly kind: DocumentKind;
  readonly path: JsonPath;
  readonly problems: ProblemList;
}

type JsonObject = Readonly<Record<string, unknown>>;

const MEMBERS = new Set([
  "Sid",
  "Effect",
  "Principal",
  "NotPrincipal",
  "Action",
  "NotAction",
  "Resource",
  "NotResource",
  "Condition",
]);

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member of the object itself; undefined when it has none, whatever its prototype has. */
export function ownMember(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Reads one statement; undefined when its meaning is unclear, which is reported. */
export function parseStatement(value: unknown, place: StatementPlace): Statement | undefined {
  const { path, problems } = place;
  if (!isObject(value)) {
    problems.fatal("wrongType", path, "A statement is a JSON object.");
    return undefined;
  }
  problems.unknownMembers(value, MEMBERS, path);
  const sid = ownMember(value, "Sid");
  if (sid !== undefined && typeof sid !== "string") problems.add("wrongType", [...path, "Sid"], "Sid has to be text.");
  const effect = parseEffect(ownMember(value, "Effect"), place);
  const principal = parsePrincipalElement(value, place);
  const action = parseAction(value, place);
  const resource = parseResource(value, place);
  const conditions = parseConditions(ownMember(value, "Condition"), place);
  if (effect === undefined || action === undefined || conditions === undefined) return undefined;
  return {
    ...(typeof sid === "string" ? { sid } : {}),
    effect,
    ...(principal === undefined ? {} : { principal }),
    action,
    ...(resource === undefined ? {} : { resource }),
    conditions,
  };
}

function parseEffect(effect: unknown, { path, problems }: StatementPlace): Statement["effect"] | undefined {
  if (effect === "Allow" || effect === "Deny") return effect;
  const code = effect === undefined ? "missingMember" : "badEffect";
  problems.fatal(code, [...path, "Effect"], "A statement needs an Effect, either Allow or Deny.");
  return undefined;
}

/** Which of the two members is there; reports when both are, and takes the first. */
function chooseMember(value: JsonObject, name: string, { path, problems }: StatementPlace): string | undefined {
  const not = `Not${name}`;
  if (ownMember(value, name) !== undefined && ownMember(value, not) !== undefined) {
    problems.fatal("bothMembers", path, `A statement has either ${name} or ${not}, not both.`);
  }
  if (ownMember(value, name) !== undefined) return name;
  return ownMember(value, not) === undefined ? undefined : not;
}

const ACTION = /^(?:\*|(?:[A-Za-z0-9-]+|\*):[A-Za-z0-9*?_-]+)$/;
const TRUST_ACTION = /^sts:/i;

function parseAction(value: JsonObject, place: StatementPlace): PatternElement | undefined {
  const { kind, path, problems } = place;
  const member = chooseMember(value, "Action", place);
  if (member === undefined) {
    problems.fatal("missingMember", [...path, "Action"], "A statement needs an Action or a NotAction.");
    return undefined;
  }
  const patterns = parseTexts(ownMember(value, member), [...path, member], problems, (text, at) => {
    if (!ACTION.test(text)) {
      problems.add("badAction", at, `An action is written service:Name or *, and not ${shorten(text)}.`);
    } else if (kind === "trust" && !TRUST_ACTION.test(text)) {
      problems.add("badAction", at, `A trust policy is about sts actions only, and not about ${shorten(text)}.`);
    }
  });
  return patterns === undefined ? undefined : { not: member !== "Action", patterns };
}

function parseResource(value: JsonObject, place: StatementPlace): PatternElement | undefined {
  const { kind, path, problems } = place;
  const member = chooseMember(value, "Resource", place);
  if (member === undefined) {
    if (kind !== "trust") {
      problems.fatal("missingMember", [...path, "Resource"], "A statement needs a Resource or a NotResource.");
    }
    return undefined;
  }
  if (kind === "trust") {
    problems.add(
      "resourceNotAllowed",
      [...path, member],
      "A trust policy names no resource: it is about its own role.",
    );
  }
  const patterns = parseTexts(ownMember(value, member), [...path, member], problems, (text, at) => {
    const complaint = complaintAboutResource(text);
    if (complaint !== undefined) problems.add("badResource", at, complaint);
  });
  return patterns === undefined ? undefined : { not: member !== "Resource", patterns };
}

function complaintAboutResource(text: string): string | undefined {
  if (text === "*") return undefined;
  const [scheme, , service = "", , , resource] = text.split(":", 6);
  if (scheme !== "arn" || resource === undefined) {
    return `A resource is * or an ARN of six parts, and not ${shorten(text)}.`;
  }
  return /[*?]/.test(service) ? `The service of an ARN takes no wildcard: ${shorten(text)}.` : undefined;
}

/** One text or a list of texts; undefined when it is neither, which is reported. */
function parseTexts(
  value: unknown,
  path: JsonPath,
  problems: ProblemList,
  check: (text: string, path: JsonPath) => void,
): readonly string[] | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0) problems.add("emptyList", path, "The list needs at least one entry.");
  const texts: string[] = [];
  for (const [index, one] of list.entries()) {
    const at = Array.isArray(value) ? [...path, index] : path;
    if (typeof one === "string") {
      check(one, at);
      texts.push(one);
    } else problems.fatal("wrongType", at, "Only text may stand here.");
  }
  return texts.length < list.length ? undefined : texts;
}

const PRINCIPAL_TYPES = ["AWS", "Service", "Federated", "CanonicalUser"] as const;

function parsePrincipalElement(value: JsonObject, place: StatementPlace): PrincipalElement | undefined {
  const { kind, path, problems } = place;
  const member = chooseMember(value, "Principal", place);
  if (member === undefined) {
    if (kind !== "identity") {
      problems.add("missingMember", [...path, "Principal"], "A statement of this policy has to name a principal.");
    }
    return undefined;
  }
  const at = [...path, member];
  if (kind === "identity") {
    problems.add(
      "principalNotAllowed",
      at,
      "An identity policy names no principal: it is about whom it is attached to.",
    );
  }
  const not = member !== "Principal";
  const principal = ownMember(value, member);
  if (principal === "*") return { not, entries: [{ type: "*", value: "*" }] };
  if (!isObject(principal)) {
    problems.fatal("badPrincipal", at, 'A principal is "*" or an object such as {"AWS": "…"} or {"Service": "…"}.');
    return undefined;
  }
  const entries = parsePrincipalMap(principal, at, problems);
  if (Object.keys(principal).length === 0) problems.add("emptyList", at, "The object needs at least one principal.");
  return { not, entries };
}

function parsePrincipalMap(map: JsonObject, path: JsonPath, problems: ProblemList): readonly PrincipalEntry[] {
  const entries: PrincipalEntry[] = [];
  problems.unknownMembers(map, new Set(PRINCIPAL_TYPES), path);
  for (const type of PRINCIPAL_TYPES) {
    if (ownMember(map, type) === undefined) continue;
    const values = parseTexts(ownMember(map, type), [...path, type], problems, (text, at) => {
      const complaint = type === "AWS" ? complaintAboutPrincipal(text) : undefined;
      if (complaint !== undefined) problems.add("badPrincipal", at, complaint);
    });
    for (const value of values ?? []) entries.push({ type, value });
  }
  return entries;
}

const PRINCIPAL_ARN = /^arn:[a-z0-9-]+:(?:iam|sts)::[a-z0-9]+:.+$/;
const UNIQUE_ID = /^[A-Z0-9]{16,128}$/;

function complaintAboutPrincipal(text: string): string | undefined {
  if (text === "*" || accountNamed(text) !== undefined || UNIQUE_ID.test(text)) return undefined;
  if (!PRINCIPAL_ARN.test(text)) {
    return `An AWS principal is *, an account id, the ARN of an account, user, role or session, or a unique id, and not ${shorten(text)}.`;
  }
  return /[*?]/.test(text) ? `A principal is named in full, without wildcards: ${shorten(text)}.` : undefined;
}

const CONDITION_KEY = /^[^:\s]+:.+$/;

/** All conditions of a statement, in document order; undefined when one cannot be read, which is reported. */
function parseConditions(value: unknown, place: StatementPlace): readonly Condition[] | undefined {
  const { problems } = place;
  if (value === undefined) return [];
  const path = [...place.path, "Condition"];
  if (!isObject(value)) {
    problems.fatal("wrongType", path, "Condition is an object of operators.");
    return undefined;
  }
  const conditions: Condition[] = [];
  for (const [operator, keys] of Object.entries(value)) {
    const at = [...path, operator];
    if (readOperator(operator) === undefined) {
      problems.fatal("unknownOperator", at, `There is no condition operator ${shorten(operator)}.`);
    }
    if (!isObject(keys)) {
      problems.fatal("wrongType", at, "An operator holds an object of condition keys.");
      continue;
    }
    for (const [key, values] of Object.entries(keys))
      conditions.push(parseCondition(operator, key, values, { at, problems }));
  }
  return conditions;
}

function parseCondition(
  operator: string,
  key: string,
  value: unknown,
  { at, problems }: { readonly at: JsonPath; readonly problems: ProblemList },
): Condition {
  const path = [...at, key];
  if (!CONDITION_KEY.test(key)) {
    problems.add("badConditionKey", path, `A condition key is written service:name, and not ${shorten(key)}.`);
  }
  const known = readOperator(operator);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const values: string[] = [];
  for (const [index, one] of list.entries()) {
    const valuePath = Array.isArray(value) ? [...path, index] : path;
    if (typeof one !== "string" && typeof one !== "number" && typeof one !== "boolean") {
      problems.fatal("wrongType", valuePath, "A condition compares with text, a number or a boolean.");
      continue;
    }
    const text = String(one);
    if (known !== undefined && !acceptsValue(known, text)) {
      problems.add("badConditionValue", valuePath, `${operator} cannot compare with ${shorten(text)}.`);
    }
    values.push(text);
  }
  return { operator, key, values };
}
