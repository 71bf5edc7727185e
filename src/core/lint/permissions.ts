/**
 * Checks documents together: does what the rules of a configuration will do find its permissions in the given policies?
 *
 * The actions are those of `core/plan.ts`, the decisions those of `core/iam`. Policies that were not given are taken to
 * allow everything, so a denial is one that the given ones decide. Only where the role's own policies lack an action
 * that a policy of the resource could allow instead, that is told too, as a warning.
 *
 * @source aws-replication.md §5.1–5.4
 */
import { parseArn } from "../arn.ts";
import { parseReplication } from "../config/parse.ts";
import { principalContext } from "../iam/context.ts";
import { evaluate, type Policies } from "../iam/evaluate.ts";
import { explain, sayDecision, sayNearMiss } from "../iam/explain.ts";
import type { AccessRequest, Decision, NearMiss, PolicyKind } from "../iam/model.ts";
import { matchesTexts } from "../iam/text-matcher.ts";
import type { Encryption, Operation, ReplicationConfiguration, Rule } from "../model.ts";
import { type Check, planReplication } from "../plan.ts";
import { ALLOW_EVERYBODY, ALLOW_EVERYTHING, compileGiven, delegation, type GivenPolicies } from "./given-policies.ts";
import type { LintDocument, LintOptions, Problem } from "./model.ts";
import { placedRules, sayRule } from "./placed-rules.ts";
import type { LintRuleId } from "./rules.ts";

/** A problem with the document it belongs to. */
export interface PermissionProblem {
  readonly file: string;
  readonly problem: Problem;
}

export interface PermissionReport {
  readonly problems: readonly PermissionProblem[];
  /** What was not looked at, and what would be needed, in sentences. */
  readonly unchecked: readonly string[];
}

/** One kind of version that a rule takes, and what its permissions are called when they are missing. */
interface Scenario {
  readonly operation: Operation;
  readonly encryption: Encryption;
  readonly tagCount: number;
  readonly of: string;
  readonly rule: LintRuleId;
}

export function permissionProblems(documents: readonly LintDocument[], options: LintOptions): PermissionReport {
  const problems: PermissionProblem[] = [];
  const unchecked = new Set<string>();
  const policies = documents.filter((one) => one.kind !== "replication");
  for (const one of documents) {
    if (one.kind !== "replication" || policies.every(({ kind }) => kind === "trust-policy")) continue;
    const { configuration } = parseReplication(one.value);
    if (configuration === undefined) continue;
    const given = compileGiven(configuration, policies);
    for (const { rule } of placedRules(one.value, configuration)) {
      if (rule.enabled) problems.push(...ruleProblems(rule, given, options));
    }
    problems.push(...decryptProblems(configuration, given));
    if (options.source === undefined && given.role.length > 0) {
      unchecked.add("Reading the source was not checked against the role's policy: say which bucket with --source");
    }
  }
  return { problems: withoutRepeats(problems), unchecked: [...unchecked] };
}

const PLAIN: Encryption = { kind: "SSE-S3" };

function scenariosOf(rule: Rule): readonly Scenario[] {
  const put = { operation: "put" as const, encryption: PLAIN, tagCount: 0 };
  const withTags = { ...put, tagCount: 1, of: "versions with tags" };
  const kms = (bucketKey: boolean): Encryption => ({ kind: "SSE-KMS", bucketKey });
  const encrypted = "versions with SSE-KMS";
  return [
    { ...put, of: "versions", rule: "permission-missing" },
    ...(rule.deleteMarkers === false
      ? []
      : [{ ...put, operation: "deleteMarker" as const, of: "delete markers", rule: "permission-missing" as const }]),
    { ...withTags, rule: rule.tags.length > 0 ? "permission-missing" : "permission-missing-for-tags" },
    ...(rule.kmsObjects
      ? [
          { ...put, encryption: kms(false), of: encrypted, rule: "permission-missing" as const },
          {
            ...put,
            encryption: kms(true),
            of: `${encrypted} and a bucket key`,
            rule: "permission-missing-for-bucket-keys" as const,
          },
        ]
      : []),
  ];
}

/** Any key that the rule takes: permissions are given by prefix, and this one has the rule's. */
const SAMPLE_KEY = "any-key";

function ruleProblems(rule: Rule, given: GivenPolicies, options: LintOptions): PermissionProblem[] {
  const seen = new Set<string>();
  return scenariosOf(rule).flatMap((scenario) => {
    const { operation, encryption, tagCount } = scenario;
    const steps = planReplication({
      operation,
      version: {
        bucket: options.source ?? "",
        key: `${rule.prefix}${SAMPLE_KEY}`,
        encryption,
        tagCount,
        partsCount: 1,
      },
      rule,
      roleArn: given.roleArn,
      ...(options.sourceRegion === undefined ? {} : { sourceRegion: options.sourceRegion }),
      ...(options.destinationRegion === undefined ? {} : { destinationRegion: options.destinationRegion }),
    });
    return steps
      .flatMap((step) => step.checks)
      .flatMap((check) => {
        const id = JSON.stringify([check.action, check.resource, check.context]);
        if (seen.has(id) || !isDecided(check, options)) return [];
        seen.add(id);
        return checkProblems(check, scenario, rule, given);
      });
  });
}

function isDecided(check: Check, { source }: LintOptions): boolean {
  switch (check.on) {
    case "role":
    case "sourceKey":
      return false;
    case "sourceBucket":
    case "sourceObject":
      return source !== undefined;
    case "destinationObject":
      return true;
    case "replicaKey":
      // An alias stands for a key that nobody here knows.
      return parseArn(check.resource)?.resource.startsWith("key/") === true;
  }
}

function checkProblems(check: Check, scenario: Scenario, rule: Rule, given: GivenPolicies): PermissionProblem[] {
  const isKey = check.on === "replicaKey";
  const arn = isKey ? check.resource : check.resource.replace(/\/.*$/, "");
  const policy = given.resources.get(arn);
  const owner = isKey
    ? parseArn(check.resource)?.account
    : check.on === "destinationObject"
      ? rule.destination.account
      : undefined;
  const request: AccessRequest = {
    principal: given.session,
    action: check.action,
    resource: check.resource,
    // An owner that nobody told is taken for the role's own account: there less is needed.
    resourceAccount: owner ?? given.account,
    context: { ...principalContext(given.session), "aws:securetransport": "true", ...check.context },
  };
  const identity = given.role.length > 0 ? given.role : [ALLOW_EVERYTHING];
  const resourceRule = isKey ? "resource" : "either";
  const generous: Policies = { identity, resource: policy ?? ALLOW_EVERYBODY, resourceRule };
  const needs = `${sayRule(rule)} needs ${check.action} on ${sayResource(check)} for ${scenario.of}`;
  const decision = evaluate(request, generous);
  if (!decision.allowed) return denials(request, generous, decision, { rule: scenario.rule, needs, given });
  if (policy !== undefined || given.role.length === 0 || scenario.rule === "permission-missing-for-bucket-keys")
    return [];
  const strict: Policies = { identity, resourceRule, ...(isKey ? { resource: delegation(owner ?? "") } : {}) };
  const alone = evaluate(request, strict);
  const id = scenario.rule === "permission-missing" ? "permission-not-in-role-policy" : scenario.rule;
  return alone.allowed ? [] : denials(request, strict, alone, { rule: id, needs, given });
}

function sayResource({ resource, on }: Check): string {
  return on === "sourceObject" || on === "destinationObject" ? resource.replace(SAMPLE_KEY, "*") : resource;
}

/** One problem in each document that would have to be changed. */
function denials(
  request: AccessRequest,
  policies: Policies,
  decision: Decision & { readonly allowed: false },
  { rule, needs, given }: { readonly rule: LintRuleId; readonly needs: string; readonly given: GivenPolicies },
): PermissionProblem[] {
  if (decision.because === "explicitDeny") {
    const { source, index } = decision.by;
    const says = `${needs}. ${sayDecision(request, decision)}`;
    const remedy = `Take ${request.action} by the replication role out of the deny`;
    return [{ file: source.name, problem: { rule, path: statementPath(source.name, index, given), says, remedy } }];
  }
  const { nearMisses } = explain(request, policies);
  return decision.missing.flatMap((kind): PermissionProblem[] => {
    const near = nearest(nearMisses.filter((one) => one.statement.source.kind === kind));
    const file = near?.statement.source.name ?? fileOf(kind, policies);
    if (file === undefined) return [];
    const path = near === undefined ? "Statement" : statementPath(file, near.statement.index, given);
    const says = [
      needs,
      near === undefined ? `No statement of ${file} allows it` : sayNearMiss(near).replace(SAMPLE_KEY, "*"),
    ].join(". ");
    const remedy = `Allow ${request.action} on ${patternOf(request)} to ${kind === "identity" ? "the role" : given.roleArn} in ${file}`;
    return [{ file, problem: { rule, path, says, remedy } }];
  });
}

/** The statement that was probably meant: one that names a whole account is about something else. */
function nearest(misses: readonly NearMiss[]): NearMiss | undefined {
  return misses.find(({ failed, expected }) => failed !== "principal" || !expected.endsWith(":root")) ?? misses[0];
}

function fileOf(kind: PolicyKind, { identity, resource }: Policies): string | undefined {
  const name = (kind === "identity" ? identity[0] : resource)?.source.name;
  return name === undefined || name === "" ? undefined : name;
}

function statementPath(file: string, index: number, given: GivenPolicies): string {
  return given.listed.has(file) ? `Statement[${index}]` : "Statement";
}

function patternOf({ resource }: AccessRequest): string {
  return parseArn(resource)?.service === "s3" ? resource.replace(/\/.*$/, "/*") : resource;
}

function decryptProblems(configuration: ReplicationConfiguration, given: GivenPolicies): PermissionProblem[] {
  const rule = configuration.rules.find((one) => one.enabled && one.kmsObjects);
  const [first] = given.role;
  if (rule === undefined || first === undefined) return [];
  const allows = given.role.some(({ allows }) =>
    allows.some(({ action, actionNot }) => matchesTexts(action, "kms:decrypt", {}) !== actionNot),
  );
  if (allows) return [];
  const says = `${sayRule(rule)} selects versions with SSE-KMS, and no statement allows kms:Decrypt`;
  return [{ file: first.source.name, problem: { rule: "decrypt-nowhere", path: "Statement", says } }];
}

/** Rules of one destination need the same: what one of them has told the others need not repeat. */
function withoutRepeats(problems: readonly PermissionProblem[]): PermissionProblem[] {
  const seen = new Set<string>();
  return problems.filter(({ file, problem }) => {
    const id = JSON.stringify([file, problem.rule, problem.path, problem.remedy]);
    const isNew = !seen.has(id);
    seen.add(id);
    return isNew;
  });
}
