/**
 * Changes of documents, as small as they can be, and the patches that come of them.
 *
 * An edit knows the document it changes and how; edits of one document compose, so that several causes that are
 * removed together yield one patch. Members that Lockstep does not know stay as they are.
 */
import { asArray, asObject, type DocumentValue, type Members } from "../config/document.ts";
import { shortHash } from "./hash.ts";
import type { Patch, PatchTarget } from "./report.ts";

export interface Edit {
  readonly target: PatchTarget;
  readonly resource: string;
  readonly name?: string;
  /** null: there is none yet. */
  readonly before: DocumentValue;
  readonly change: (document: DocumentValue) => DocumentValue;
}

/** Documents on which others depend come first: a rule is changed only after what it needs is in place. */
export const PATCH_TARGETS = [
  "organization-policy",
  "versioning",
  "ownership",
  "encryption",
  "object-lock",
  "request-payment",
  "kms-key-state",
  "kms-key-policy",
  "bucket-policy",
  "iam-role",
  "iam-trust-policy",
  "iam-boundary-policy",
  "iam-role-policy",
  "replication",
] as const satisfies readonly PatchTarget[];

/** Makes one patch per document, in the order in which they are to be applied. Edits that change nothing yield none. */
export function patchesOf(edits: readonly Edit[]): Patch[] {
  const byDocument = new Map<string, { first: Edit; after: DocumentValue }>();
  for (const edit of edits) {
    const place = `${edit.target} ${edit.resource} ${edit.name ?? ""}`;
    const before = byDocument.get(place);
    byDocument.set(place, { first: before?.first ?? edit, after: edit.change(before?.after ?? edit.before) });
  }
  return [...byDocument.entries()]
    .filter(([, { first, after }]) => JSON.stringify(first.before) !== JSON.stringify(after))
    .map(([place, { first, after }]): Patch => {
      const { target, resource, name, before } = first;
      const id = `p-${shortHash(`${place} ${JSON.stringify(after)}`)}`;
      return { id, target, resource, ...(name === undefined ? {} : { name }), before, after };
    })
    .sort((a, b) => PATCH_TARGETS.indexOf(a.target) - PATCH_TARGETS.indexOf(b.target));
}

/** What a policy is to allow. Members that are undefined are left out of the statement. */
export interface Allowance {
  readonly action: string;
  readonly resource?: string;
  readonly principal?: Members;
  readonly condition?: Members;
}

/**
 * Adds an allowance to a policy document: to the statement that allows other actions on just that, or as a new one.
 */
export function allow(document: DocumentValue, allowance: Allowance): DocumentValue {
  const policy = asObject(document) ?? { Version: "2012-10-17", Statement: [] };
  const held = policy["Statement"];
  const statements = Array.isArray(held) ? [...held] : held === undefined ? [] : [held];
  const at = statements.findIndex((one) => fits(asObject(one), allowance));
  const found = asObject(statements[at]);
  if (found === undefined) statements.push(newStatement(allowance, statements));
  else {
    const actions = toList(found["Action"]);
    if (actions.includes(allowance.action)) return document;
    statements[at] = { ...found, Action: [...actions, allowance.action] };
  }
  return { ...policy, Statement: statements };
}

/** How a role or user is shown in a policy that was deleted since: a policy that names one is refused when it is put. */
const GONE_PRINCIPAL = /^A(?:ROA|IDA)[A-Z0-9]{12,}$/;

/** The document without those who are gone; a statement that named nobody else goes with them. */
export function withoutGone(document: DocumentValue): DocumentValue {
  const policy = asObject(document);
  const held = policy?.["Statement"];
  if (policy === undefined || held === undefined) return document;
  const statements = (Array.isArray(held) ? asArray(held) : [held]).flatMap((one) => {
    const statement = asObject(one);
    const principal = asObject(statement?.["Principal"]);
    const named = toList(principal?.["AWS"]);
    const left = named.filter((name) => typeof name !== "string" || !GONE_PRINCIPAL.test(name));
    if (statement === undefined || left.length === named.length) return [one];
    return left.length === 0 ? [] : [{ ...statement, Principal: { ...principal, AWS: left } }];
  });
  return { ...policy, Statement: statements };
}

/** Whether the statement that allows what the allowance asks for could be the very same but for its actions. */
export function fits(statement: Members | undefined, allowance: Allowance): boolean {
  if (statement?.["Effect"] !== "Allow" || statement["Action"] === undefined) return false;
  if (["NotResource", "NotPrincipal"].some((name) => statement[name] !== undefined)) return false;
  const resources = toList(statement["Resource"]);
  return (
    (allowance.resource === undefined
      ? statement["Resource"] === undefined
      : resources.length === 1 && resources[0] === allowance.resource) &&
    sameValue(statement["Principal"], allowance.principal) &&
    sameValue(statement["Condition"], allowance.condition)
  );
}

function newStatement(allowance: Allowance, others: readonly DocumentValue[]): Members {
  const base = `Lockstep${(allowance.action.split(":")[1] ?? "").replace(/[^A-Za-z0-9]/g, "")}`;
  const taken = new Set(others.map((one) => asObject(one)?.["Sid"]));
  let sid = base;
  for (let next = 2; taken.has(sid); next++) sid = `${base}${next}`;
  return {
    Sid: sid,
    Effect: "Allow",
    ...(allowance.principal === undefined ? {} : { Principal: allowance.principal }),
    Action: [allowance.action],
    ...(allowance.resource === undefined ? {} : { Resource: allowance.resource }),
    ...(allowance.condition === undefined ? {} : { Condition: allowance.condition }),
  };
}

/** Changes one rule of a replication configuration document. */
export function changeRule(
  document: DocumentValue,
  ruleId: string,
  change: (rule: Members) => DocumentValue,
): DocumentValue {
  const root = asObject(document) ?? {};
  const rules = asArray(root["Rules"]).map((one) => {
    const rule = asObject(one);
    return rule !== undefined && (rule["ID"] ?? "") === ruleId ? change(rule) : one;
  });
  return { ...root, Rules: rules };
}

/** Lets a rule select KMS-encrypted versions and names the key of their replicas. */
export function selectKms(rule: Members, replicaKeyArn: string): Members {
  const destination = asObject(rule["Destination"]) ?? {};
  return {
    ...rule,
    SourceSelectionCriteria: {
      ...asObject(rule["SourceSelectionCriteria"]),
      SseKmsEncryptedObjects: { Status: "Enabled" },
    },
    Destination: {
      ...destination,
      EncryptionConfiguration: {
        ...asObject(destination["EncryptionConfiguration"]),
        ReplicaKmsKeyID: replicaKeyArn,
      },
    },
  };
}

/** Gives a rule another prefix, wherever it keeps its own. */
export function renamePrefix(rule: Members, prefix: string): Members {
  if (rule["Prefix"] !== undefined) return { ...rule, Prefix: prefix };
  const filter = asObject(rule["Filter"]) ?? {};
  const and = asObject(filter["And"]);
  const renamed = and === undefined ? { ...filter, Prefix: prefix } : { ...filter, And: { ...and, Prefix: prefix } };
  return { ...rule, Filter: renamed };
}

function toList(value: DocumentValue | undefined): readonly DocumentValue[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

function sameValue(a: DocumentValue | undefined, b: DocumentValue | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
