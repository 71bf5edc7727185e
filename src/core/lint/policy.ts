/**
 * Checks one policy: everything for which AWS would refuse it, and what it takes but does not do.
 *
 * Each subject has a file: grammar and size are here, actions and resources in `policy-actions.ts`, principals in
 * `policy-principals.ts`, conditions in `policy-conditions.ts` and `replication-conditions.ts`, and what only one kind
 * of policy has in `trust-policy.ts` and `resource-policy.ts`.
 */
import { asObject, type DocumentValue, type Members } from "../config/document.ts";
import type { DocumentKind } from "../iam/document.ts";
import { parsePolicy } from "../iam/parse.ts";
import type { PolicyProblemCode } from "../iam/problems.ts";
import type { AwsRefusal, LintOptions, PolicyLintKind, Problem } from "./model.ts";
import { actionProblems } from "./policy-actions.ts";
import { conditionProblems } from "./policy-conditions.ts";
import { principalProblems } from "./policy-principals.ts";
import { replicationConditionProblems } from "./replication-conditions.ts";
import { resourcePolicyProblems } from "./resource-policy.ts";
import type { LintRuleId } from "./rules.ts";
import { conditionPath, memberPath, type PlacedStatement, patternPath, statementsOf } from "./statements.ts";
import { trustProblems } from "./trust-policy.ts";

/** Which rules of the grammar hold for a kind. */
export const GRAMMARS: Record<PolicyLintKind, DocumentKind> = {
  "role-policy": "identity",
  "trust-policy": "trust",
  "bucket-policy": "resource",
  "key-policy": "resource",
};

/** Problems in no particular order. */
export function policyProblems(value: DocumentValue, kind: PolicyLintKind, options: LintOptions): readonly Problem[] {
  const grammar = GRAMMARS[kind];
  const refusals = parsePolicy(value, grammar).problems.map(({ code, path, says }): Problem => {
    return { rule: GRAMMAR_RULES[code], path, says, aws: REFUSALS[kind] };
  });
  const policy = asObject(value);
  if (policy === undefined) return refusals;
  const statements = statementsOf(policy, grammar);
  const own = kind === "trust-policy" ? trustProblems(policy, statements, options) : [];
  const ofResource = kind === "bucket-policy" || kind === "key-policy" ? resourcePolicyProblems(statements, kind) : [];
  const ofStatements = statements.flatMap((one) => [
    ...actionProblems(one, kind),
    ...principalProblems(one, kind),
    ...conditionProblems(one),
    ...replicationConditionProblems(one, kind, options),
  ]);
  return [
    ...refusals,
    ...sizeProblems(policy, kind),
    ...versionProblems(policy, statements),
    ...repeatedStatements(statements),
    ...own,
    ...ofResource,
    ...ofStatements,
  ];
}

/** IAM, S3 and KMS have names of their own for the same answer. */
const REFUSALS: Record<PolicyLintKind, AwsRefusal> = {
  "role-policy": { code: "MalformedPolicyDocument", status: 400 },
  "trust-policy": { code: "MalformedPolicyDocument", status: 400 },
  "bucket-policy": { code: "MalformedPolicy", status: 400 },
  "key-policy": { code: "MalformedPolicyDocumentException", status: 400 },
};

const GRAMMAR_RULES: Record<PolicyProblemCode, LintRuleId> = {
  notJson: "unreadable-document",
  notAnObject: "policy-not-an-object",
  repeatedMember: "repeated-member",
  unknownMember: "policy-unknown-member",
  missingMember: "policy-missing-member",
  wrongType: "policy-wrong-type",
  emptyList: "policy-empty-list",
  bothMembers: "policy-both-members",
  badVersion: "policy-bad-version",
  badEffect: "policy-bad-effect",
  badSid: "policy-bad-sid",
  repeatedSid: "policy-repeated-sid",
  badAction: "policy-bad-action",
  badResource: "policy-bad-resource",
  badPrincipal: "policy-bad-principal",
  principalNotAllowed: "policy-principal-not-allowed",
  resourceNotAllowed: "policy-resource-not-allowed",
  unknownOperator: "policy-unknown-operator",
  badConditionKey: "policy-bad-condition-key",
  badConditionValue: "policy-bad-condition-value",
};

/**
 * Without white space, which IAM does not count; so a document that S3 or KMS would count with it is let pass.
 * The usual quota is the one of a managed policy, and the one of a trust policy that may be raised.
 */
const SIZES: Record<PolicyLintKind, { readonly bytesMax: number; readonly usualBytesMax?: number }> = {
  "role-policy": { bytesMax: 10_240, usualBytesMax: 6144 },
  "trust-policy": { bytesMax: 4096, usualBytesMax: 2048 },
  "bucket-policy": { bytesMax: 20_480 },
  "key-policy": { bytesMax: 32_768 },
};

function sizeProblems(policy: Members, kind: PolicyLintKind): Problem[] {
  const { bytesMax, usualBytesMax = bytesMax } = SIZES[kind];
  const size = bytesOf(JSON.stringify(policy));
  const says = `It has ${size} bytes without white space`;
  if (size > bytesMax) return [{ rule: "policy-too-large", path: "", says: `${says}; ${bytesMax} is the most` }];
  return size > usualBytesMax
    ? [{ rule: "policy-near-limit", path: "", says: `${says}; the usual quota is ${usualBytesMax}` }]
    : [];
}

/** In UTF-8, which the core cannot ask an encoder for. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

const VARIABLE = /\$\{[^}]+\}/;

function versionProblems(policy: Members, statements: readonly PlacedStatement[]): Problem[] {
  const version = policy["Version"];
  if (version !== undefined && version !== "2008-10-17") return [];
  const says = version === undefined ? "Without a Version it counts as 2008-10-17" : "Its Version is 2008-10-17";
  for (const placed of statements) {
    const { resource, conditions } = placed.statement;
    const pattern = resource?.patterns.findIndex((one) => VARIABLE.test(one)) ?? -1;
    const condition = conditions.find((one) => one.values.some((value) => VARIABLE.test(value)));
    if (pattern < 0 && condition === undefined) continue;
    const path = condition === undefined ? patternPath(placed, "Resource", pattern) : conditionPath(placed, condition);
    return [{ rule: "version-without-variables", path, says: `${says}, which takes \${…} literally` }];
  }
  return [{ rule: "version-old", path: "Version", says }];
}

function repeatedStatements(statements: readonly PlacedStatement[]): Problem[] {
  const seen = new Map<string, PlacedStatement>();
  return statements.flatMap((placed): Problem[] => {
    const { sid: _, ...said } = placed.statement;
    const text = JSON.stringify(said);
    const before = seen.get(text);
    if (before === undefined) {
      seen.set(text, placed);
      return [];
    }
    return [{ rule: "duplicate-statement", path: memberPath(placed), says: `It repeats ${memberPath(before)}` }];
  });
}
