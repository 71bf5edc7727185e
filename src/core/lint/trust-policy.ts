/**
 * Checks whether S3 may assume a role by its trust policy.
 *
 * @source aws-replication.md §4.1 AssumeRoleNotPermitted, §5.1, §11.3 row 24
 */
import { bucketArn, parseArn } from "../arn.ts";
import type { Members } from "../config/document.ts";
import { compilePolicy } from "../iam/compile.ts";
import { compileCondition } from "../iam/conditions.ts";
import { principalContext } from "../iam/context.ts";
import type { Condition, Statement } from "../iam/document.ts";
import { evaluate } from "../iam/evaluate.ts";
import { sayDecision } from "../iam/explain.ts";
import type { AccessRequest, Decision, Principal, RequestContext } from "../iam/model.ts";
import { parsePolicy } from "../iam/parse.ts";
import { REPLICATION_ACTIONS, REPLICATION_SERVICE } from "../plan.ts";
import type { LintOptions, Problem } from "./model.ts";
import { conditionPath, type PlacedStatement } from "./statements.ts";

const BATCH_SERVICE = "batchoperations.s3.amazonaws.com";

export function trustProblems(
  policy: Members,
  statements: readonly PlacedStatement[],
  options: LintOptions,
): Problem[] {
  const { document } = parsePolicy(policy, "trust");
  if (document === undefined) return [];
  const anywhere = { ...document, statements: document.statements.map(withoutResource) };
  const compiled = compilePolicy(anywhere, { kind: "resource", name: "this trust policy" });
  const decide = (service: string) => {
    const request = assumption({ kind: "service", service });
    return { request, decision: evaluate(request, { identity: [], resource: compiled, resourceRule: "resource" }) };
  };
  const forS3 = decide(REPLICATION_SERVICE);
  if (forS3.decision.allowed) return [];
  const conditioned = statements.filter((one) => isForS3(one));
  if (conditioned.length > 0 && forS3.decision.because === "noAllow") {
    return conditioned.flatMap((placed) => failedConditions(placed, options));
  }
  if (decide(BATCH_SERVICE).decision.allowed) {
    return [{ rule: "trust-only-batch", path: "Statement", says: `${BATCH_SERVICE} may assume it, S3 may not` }];
  }
  return [{ rule: "trust-lacks-s3", path: "Statement", says: sayDenial(forS3.request, forS3.decision) }];
}

/** A resource does not belong into a trust policy, and is told of as that. */
function withoutResource(statement: Statement): Statement {
  const { resource: _, ...others } = statement;
  return others;
}

function sayDenial(request: AccessRequest, decision: Decision): string {
  return sayDecision(request, decision).replace(` on ${request.resource}`, " on the role");
}

function assumption(principal: Principal): AccessRequest {
  return {
    principal,
    action: REPLICATION_ACTIONS.AssumeRole,
    resource: "arn:aws:iam::000000000000:role/this",
    resourceAccount: "000000000000",
    context: assumptionContext(principal),
  };
}

function assumptionContext(principal: Principal): RequestContext {
  return { ...principalContext(principal), "aws:securetransport": "true" };
}

/** Whether the statement would let S3 in but for its conditions. */
function isForS3({ statement }: PlacedStatement): boolean {
  const { effect, principal, conditions } = statement;
  if (effect !== "Allow" || conditions.length === 0 || principal === undefined) return false;
  const unconditional = { ...withoutResource(statement), conditions: [] };
  const free = compilePolicy({ version: "2012-10-17", statements: [unconditional] }, { kind: "resource", name: "" });
  const request = assumption({ kind: "service", service: REPLICATION_SERVICE });
  return evaluate(request, { identity: [], resource: free, resourceRule: "resource" }).allowed;
}

/** Those that other files tell of: addresses, VPCs and second factors. */
const TOLD_ELSEWHERE = /^aws:(?:sourceip|sourcevpc.*|vpcsourceip|multifactorauth.*)$/;
const SOURCE = /^aws:source(?:arn|account|orgid|orgpaths)$/;

function failedConditions(placed: PlacedStatement, options: LintOptions): Problem[] {
  const context = assumptionContext({ kind: "service", service: REPLICATION_SERVICE });
  return placed.statement.conditions.flatMap((condition): Problem[] => {
    const key = condition.key.toLowerCase();
    if (TOLD_ELSEWHERE.test(key) || compileCondition(condition, true).holds(context)) return [];
    const path = conditionPath(placed, condition);
    if (!SOURCE.test(key)) {
      const says = `S3 sends no ${condition.key} when it assumes a role`;
      return [{ rule: "trust-condition-never-holds", path, says }];
    }
    if (isOfOtherBucket(condition, options.source)) {
      const says = `${condition.values.join(", ")} is not ${bucketArn(options.source ?? "")}`;
      return [{ rule: "trust-source-of-other-bucket", path, says }];
    }
    return [{ rule: "trust-source-unconfirmed", path, says: `It holds only if S3 sends ${condition.key}` }];
  });
}

function isOfOtherBucket(condition: Condition, source: string | undefined): boolean {
  if (source === undefined || condition.key.toLowerCase() !== "aws:sourcearn") return false;
  const namesBuckets = condition.values.every((value) => parseArn(value)?.service === "s3");
  return namesBuckets && !compileCondition(condition, true).holds({ "aws:sourcearn": bucketArn(source) });
}
