/**
 * Checks conditions by what replication's requests are: an assumed role's, from inside S3, without an address, a VPC or
 * a second factor, to a key through S3 in the key's own Region.
 *
 * Whether a condition holds without a key is asked of the evaluator itself.
 *
 * @source aws-replication.md §5.3, §5.5, §5.7
 */
import { parseArn } from "../arn.ts";
import { compileCondition, readOperator } from "../iam/conditions.ts";
import type { Condition, PatternElement, Statement } from "../iam/document.ts";
import type { RequestContext } from "../iam/model.ts";
import { compileTexts, matchesTexts } from "../iam/text-matcher.ts";
import { OWNER_OVERRIDE_ACTION, REPLICATION_ACTIONS } from "../plan.ts";
import { encryptionContextProblems } from "./encryption-context.ts";
import type { LintOptions, PolicyLintKind, Problem } from "./model.ts";
import { lacksServicePath } from "./role-names.ts";
import { conditionPath, type PlacedStatement } from "./statements.ts";

export function replicationConditionProblems(
  placed: PlacedStatement,
  kind: PolicyLintKind,
  options: LintOptions,
): Problem[] {
  return [
    ...networkProblems(placed, kind),
    ...secondFactorProblems(placed, kind),
    ...encryptionContextProblems(placed),
    ...viaServiceProblems(placed, options),
    ...roleArnProblems(placed),
    ...passedServiceProblems(placed),
  ];
}

/** Every action that replication is judged by. */
const ACTIONS: readonly string[] = [
  ...new Set([...Object.values(REPLICATION_ACTIONS), OWNER_OVERRIDE_ACTION]),
  "s3:ListBucket",
  "s3:GetReplicationConfiguration",
  "kms:Decrypt",
  "kms:Encrypt",
  "kms:GenerateDataKey",
].map((action) => action.toLowerCase());

/** Those of them that nobody else needs: a statement that names one is about replication. */
const OWN_ACTIONS = /^s3:(?:replicate|getobjectversionforreplication$|objectowneroverride)/;

function covers(element: PatternElement, actions: readonly string[]): boolean {
  const matcher = compileTexts(element.patterns, { variables: false, wildcards: true, ignoreCase: true });
  return actions.some((action) => matchesTexts(matcher, action, {}) !== element.not);
}

const NETWORK_KEYS: ReadonlySet<string> = new Set([
  "aws:sourceip",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "aws:sourcevpcarn",
  "aws:vpcsourceip",
]);

function networkProblems(placed: PlacedStatement, kind: PolicyLintKind): Problem[] {
  const { statement } = placed;
  const conditions = statement.conditions.filter(({ key }) => NETWORK_KEYS.has(key.toLowerCase()));
  const [first] = conditions;
  if (first === undefined) return [];
  const says = (condition: Condition) => `${condition.key} is not in replication's requests`;
  if (statement.effect === "Deny") {
    const hits = conditions.every((one) => holdsFor(one, {})) && hitsReplication(statement, kind);
    return hits ? [{ rule: "network-condition-denies", path: conditionPath(placed, first), says: says(first) }] : [];
  }
  const failed = conditions.find((one) => !holdsFor(one, {}));
  if (failed === undefined || !isForReplication(statement, kind)) return [];
  return [{ rule: "network-condition-never-holds", path: conditionPath(placed, failed), says: says(failed) }];
}

const FACTOR_KEYS: ReadonlySet<string> = new Set(["aws:multifactorauthpresent", "aws:multifactorauthage"]);

/** CloudTrail shows `mfaAuthenticated` false for replication; whether the key is there or not is unconfirmed. */
const WITHOUT_FACTOR: readonly RequestContext[] = [{}, { "aws:multifactorauthpresent": "false" }];

function secondFactorProblems(placed: PlacedStatement, kind: PolicyLintKind): Problem[] {
  const { statement } = placed;
  const condition = statement.conditions.find(({ key }) => FACTOR_KEYS.has(key.toLowerCase()));
  if (condition === undefined) return [];
  const path = conditionPath(placed, condition);
  if (statement.effect === "Deny") {
    const hits = WITHOUT_FACTOR.some((context) => holdsFor(condition, context)) && hitsReplication(statement, kind);
    return hits ? [{ rule: "mfa-condition", path, says: "The statement denies replication" }] : [];
  }
  const never = WITHOUT_FACTOR.every((context) => !holdsFor(condition, context));
  return never && isForReplication(statement, kind)
    ? [{ rule: "mfa-condition", path, says: "The statement never allows replication anything" }]
    : [];
}

function holdsFor(condition: Condition, context: RequestContext): boolean {
  return compileCondition(condition, true).holds(context);
}

/** Conditions by which a Deny spares some principals; whether it spares the role is not for one document to tell. */
const EXEMPTING = /^aws:(?:principal(?!isawsservice)|userid$)/;

function hitsReplication(statement: Statement, kind: PolicyLintKind): boolean {
  const { action, conditions, principal } = statement;
  if (conditions.some(({ key }) => EXEMPTING.test(key.toLowerCase()))) return false;
  const others = principal?.entries.every(({ type, value }) => type !== "*" && /:user\//.test(value)) === true;
  const actions = kind === "trust-policy" ? ["sts:assumerole"] : ACTIONS;
  return !others && principal?.not !== true && covers(action, actions);
}

function isForReplication(statement: Statement, kind: PolicyLintKind): boolean {
  const { action, conditions, principal } = statement;
  switch (kind) {
    case "role-policy":
      return !action.not && covers(action, ACTIONS);
    case "trust-policy":
      return principal?.entries.some(({ type }) => type === "Service") === true;
    case "bucket-policy":
      return action.patterns.some((pattern) => OWN_ACTIONS.test(pattern.toLowerCase()));
    case "key-policy":
      return conditions.some(({ key, values }) => {
        return key.toLowerCase() === "kms:viaservice" && values.some((value) => value.startsWith("s3."));
      });
  }
}

const SERVICE_IN_REGION = /^([a-z0-9-]+)\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/;

function viaServiceProblems(placed: PlacedStatement, options: LintOptions): Problem[] {
  const { statement } = placed;
  return statement.conditions.flatMap((condition): Problem[] => {
    const operator = readOperator(condition.operator);
    if (condition.key.toLowerCase() !== "kms:viaservice" || operator?.family === "null") return [];
    const literal = condition.values.map((value, index) => ({ value, index, found: SERVICE_IN_REGION.exec(value) }));
    const odd = literal.filter(({ value, found }) => found === null && !/[*?$]/.test(value));
    const problems = odd.map(({ value, index }): Problem => {
      const path = conditionPath(placed, condition, index);
      return { rule: "via-service-shape", path, says: `${value} is not SERVICE.REGION.amazonaws.com` };
    });
    const regions = literal.flatMap(({ found }) => (found?.[1] === "s3" ? [found[2] ?? ""] : []));
    const expected = keyRegions(statement, options);
    const allNamed = regions.length === condition.values.length && operator?.negated === false;
    if (!allNamed || expected.length === 0 || regions.some((region) => expected.includes(region))) return problems;
    const says = `It names S3 in ${regions.join(", ")}, and the key is in ${expected.join(" or ")}`;
    return [...problems, { rule: "via-service-region", path: conditionPath(placed, condition), says }];
  });
}

/** The Regions of the statement's keys; those of the two buckets where it names no key. */
function keyRegions({ resource }: Statement, { sourceRegion, destinationRegion }: LintOptions): readonly string[] {
  const named = (resource?.patterns ?? []).flatMap((pattern) => {
    const arn = parseArn(pattern);
    return arn?.service === "kms" ? [arn.region] : [];
  });
  if (named.length > 0) return named.some((region) => /[*?$]/.test(region)) ? [] : [...new Set(named)];
  if (sourceRegion === undefined || destinationRegion === undefined) return [];
  return [...new Set([sourceRegion, destinationRegion])];
}

function roleArnProblems(placed: PlacedStatement): Problem[] {
  return placed.statement.conditions.flatMap((condition) =>
    condition.values.flatMap((value, index): Problem[] => {
      if (condition.key.toLowerCase() !== "aws:principalarn" || !lacksServicePath(value)) return [];
      return [
        { rule: "role-without-path", path: conditionPath(placed, condition, index), says: `${value} has no path` },
      ];
    }),
  );
}

const BATCH_SERVICE = "batchoperations.s3.amazonaws.com";

function passedServiceProblems(placed: PlacedStatement): Problem[] {
  const { statement } = placed;
  if (statement.effect !== "Allow" || !covers(statement.action, ["iam:passrole"])) return [];
  return statement.conditions.flatMap((condition): Problem[] => {
    if (condition.key.toLowerCase() !== "iam:passedtoservice" || holdsFor(condition, {})) return [];
    if (!holdsFor(condition, { "iam:passedtoservice": BATCH_SERVICE })) return [];
    const says = `Batch Operations takes its role without saying that it is for ${BATCH_SERVICE}`;
    return [{ rule: "passed-to-service-of-batch", path: conditionPath(placed, condition), says }];
  });
}
