/**
 * Corrects a statement that would have allowed but for a slip, in its place: a bucket where its objects are meant, a
 * role's old name, an encryption context from before S3 Bucket Keys. What is no slip is left to a statement of its own.
 *
 * @source aws-replication.md §11.3 rows 25–27, 34
 */
import { parseArn } from "../arn.ts";
import { asArray, asObject, type DocumentValue, type Members } from "../config/document.ts";
import type { AccessRequest, FailedCondition, NearMiss } from "../iam/model.ts";
import { OWNER_OVERRIDE_ACTION, REPLICATION_ACTIONS } from "../plan.ts";

/** A correction of one statement: what it is, for people, and how it is done. */
export interface Repair {
  readonly says: string;
  readonly change: (statement: Members) => Members;
}

/** The correction of a near miss; undefined when it is none that anybody would make without asking. */
export function repairOf(statement: Members, miss: NearMiss, request: AccessRequest): Repair | undefined {
  switch (miss.failed) {
    case "resource":
      return repairResource(statement, request);
    case "principal":
      return repairPrincipal(statement, request);
    case "condition":
      return repairConditions(miss.conditions ?? [], request);
    case "action":
      return undefined;
  }
}

/** A document with one of its statements changed. @param at from 0, in document order */
export function changeStatement(document: DocumentValue, at: number, change: Repair["change"]): DocumentValue {
  const policy = asObject(document);
  const held = policy?.["Statement"];
  if (policy === undefined || held === undefined) return document;
  const statements: readonly DocumentValue[] = Array.isArray(held) ? held : [held];
  const statement = asObject(statements[at]);
  if (statement === undefined) return document;
  const changed = change(statement);
  return { ...policy, Statement: Array.isArray(held) ? asArray(held).with(at, changed) : changed };
}

/** Actions on objects: a statement of these alone can only have meant objects. */
const OBJECT_ACTIONS = new Set(
  [...Object.values(REPLICATION_ACTIONS), OWNER_OVERRIDE_ACTION, "s3:GetObjectVersion", "s3:Replicate*"].map((one) =>
    one.toLowerCase(),
  ),
);

/** `bucket` and `bucket/` name no object; `bucket/*` names all. */
function repairResource(statement: Members, { resource }: AccessRequest): Repair | undefined {
  const slash = resource.indexOf("/");
  if (slash < 0 || parseArn(resource)?.service !== "s3") return undefined;
  const bucket = resource.slice(0, slash);
  const named = textsOf(statement["Resource"]);
  const slip = named.find((one) => one === `${bucket}/`) ?? named.find((one) => one === bucket);
  if (slip === undefined) return undefined;
  const objects = `${bucket}/*`;
  const actions = textsOf(statement["Action"]);
  // What a wildcard would allow on objects nobody has asked for.
  if (actions.length === 0 || actions.some((one) => /[*?]/.test(one) && one !== "s3:Replicate*")) return undefined;
  const isOfObjects = actions.every((one) => OBJECT_ACTIONS.has(one.toLowerCase()));
  // A statement that also holds actions on the bucket needs the bucket's own name too.
  const keeps = slip === bucket && !isOfObjects;
  return {
    says: `"${slip}" names no object: "${objects}" does`,
    change: (held) => {
      const texts = textsOf(held["Resource"]);
      const changed = keeps ? withAdded(texts, objects) : texts.map((one) => (one === slip ? objects : one));
      return { ...held, Resource: likeBefore(held["Resource"], changed) };
    },
  };
}

const UNIQUE_ID = /^AROA[A-Z0-9]{12,}$/;

/** IAM shows a role that is gone by its id, and a role without its path is another role. */
function repairPrincipal(statement: Members, { principal }: AccessRequest): Repair | undefined {
  if (principal.kind !== "session") return undefined;
  const { roleArn } = principal;
  const named = textsOf(asObject(statement["Principal"])?.["AWS"]);
  const gone = named.filter((one) => UNIQUE_ID.test(one));
  const slip = named.find((one) => isSameRoleName(one, roleArn)) ?? (gone.length === 1 ? gone[0] : undefined);
  if (slip === undefined) return undefined;
  return {
    says: UNIQUE_ID.test(slip)
      ? `${slip} is the id of a role that is gone: a role that is made anew has another id, and is named by its ARN`
      : `${slip} is not the role's ARN: ${roleArn} is, with its path`,
    change: (held) => {
      const entries = asObject(held["Principal"]) ?? {};
      const changed = withAdded(
        textsOf(entries["AWS"]).filter((one) => one !== slip),
        roleArn,
      );
      return { ...held, Principal: { ...entries, AWS: likeBefore(entries["AWS"], changed) } };
    },
  };
}

function isSameRoleName(one: string, other: string): boolean {
  const [a, b] = [parseArn(one), parseArn(other)];
  if (a === undefined || b === undefined || a.account !== b.account || one === other) return false;
  const name = (resource: string) => resource.slice(resource.lastIndexOf("/") + 1);
  return a.resource.startsWith("role/") && b.resource.startsWith("role/") && name(a.resource) === name(b.resource);
}

const CONTEXT_KEY = "kms:encryptioncontext:aws:s3:arn";
const POSITIVE = /^(?:ForAnyValue:)?(?:String(?:Equals|EqualsIgnoreCase|Like)|Arn(?:Equals|Like))(?:IfExists)?$/i;
const TAKES_WILDCARDS = /(?:StringLike|ArnEquals|ArnLike)/i;

/** Every condition that fails must be one that can be widened by a value, or nothing is gained. */
function repairConditions(failed: readonly FailedCondition[], request: AccessRequest): Repair | undefined {
  const wider: { readonly condition: FailedCondition; readonly value: string; readonly instead?: string }[] = [];
  for (const condition of failed) {
    const value = valueFor(condition, request);
    if (value === undefined) return undefined;
    wider.push({ condition, ...value });
  }
  if (wider.length === 0) return undefined;
  return {
    says: wider.map(({ condition, value }) => `${condition.operator} ${condition.key} needs "${value}"`).join("; "),
    change: (held) =>
      wider.reduce((statement, { condition, value, instead }) => widen(statement, condition, value, instead), held),
  };
}

function valueFor(
  { operator, key, actual, values }: FailedCondition,
  { principal }: AccessRequest,
): { readonly value: string; readonly instead?: string } | undefined {
  if (!POSITIVE.test(operator) || typeof actual !== "string") return undefined;
  switch (key.toLowerCase()) {
    case CONTEXT_KEY: {
      // With an S3 Bucket Key the context is the bucket, without it the object.
      const slash = actual.indexOf("/");
      if (slash < 0) return { value: actual };
      return TAKES_WILDCARDS.test(operator) ? { value: `${actual.slice(0, slash)}/*` } : undefined;
    }
    case "kms:viaservice":
      return { value: actual };
    case "aws:principalarn": {
      const instead =
        principal.kind === "session" ? values.find((one) => isSameRoleName(one, principal.roleArn)) : undefined;
      return instead === undefined ? undefined : { value: actual, instead };
    }
    default:
      return undefined;
  }
}

function widen(statement: Members, condition: FailedCondition, value: string, instead: string | undefined): Members {
  const conditions = asObject(statement["Condition"]) ?? {};
  const operator = nameLike(conditions, condition.operator);
  const keys = asObject(conditions[operator]) ?? {};
  const key = nameLike(keys, condition.key);
  const kept = textsOf(keys[key]).filter((one) => one !== instead);
  const values = likeBefore(keys[key], withAdded(kept, value));
  return { ...statement, Condition: { ...conditions, [operator]: { ...keys, [key]: values } } };
}

/** A member's name as the document spells it. */
function nameLike(members: Members, name: string): string {
  return Object.keys(members).find((one) => one.toLowerCase() === name.toLowerCase()) ?? name;
}

function textsOf(value: DocumentValue | undefined): string[] {
  const values: readonly DocumentValue[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  return values.filter((one) => typeof one === "string");
}

function withAdded(texts: readonly string[], added: string): string[] {
  return texts.includes(added) ? [...texts] : [...texts, added];
}

/** One value stays one value, a list a list. */
function likeBefore(held: DocumentValue | undefined, texts: readonly string[]): DocumentValue {
  const [only] = texts;
  return texts.length === 1 && only !== undefined && !Array.isArray(held) ? only : texts;
}
