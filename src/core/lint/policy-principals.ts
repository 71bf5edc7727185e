/**
 * Checks the principals of a statement.
 *
 * @source aws-replication.md §10.1, §11.3 rows 25 and 26
 */

import { readOperator } from "../iam/conditions.ts";
import type { PrincipalEntry, Statement } from "../iam/document.ts";
import { REPLICATION_SESSION } from "../plan.ts";
import { isService } from "./action-index.ts";
import type { PolicyLintKind, Problem } from "./model.ts";
import { nearestName } from "./nearest.ts";
import { lacksServicePath } from "./role-names.ts";
import { memberPath, type PlacedStatement, principalPath } from "./statements.ts";

export function principalProblems(placed: PlacedStatement, kind: PolicyLintKind): Problem[] {
  const { principal, effect } = placed.statement;
  if (principal === undefined || kind === "role-policy") return [];
  const problems = principal.entries.flatMap((entry): Problem[] => {
    const found = entryProblem(entry, placed.statement, kind);
    return found === undefined ? [] : [{ ...found, path: principalPath(placed, entry) }];
  });
  if (!principal.not) return problems;
  const rule = effect === "Deny" ? "not-principal-with-deny" : "not-principal-with-allow";
  const says =
    effect === "Deny"
      ? "A session is spared only where its account, its role and the session itself are listed, and never with a boundary"
      : `Everybody but ${principal.entries.map((one) => one.value).join(", ")} is let in`;
  return [...problems, { rule, path: memberPath(placed, "NotPrincipal"), says }];
}

const SESSION = /^arn:[a-z-]+:sts::\d{12}:assumed-role\/[^/]+\/(.+)$/;
/** Roles begin with AROA, users with AIDA. */
const UNIQUE_ID = /^A(?:ROA|IDA)[A-Z0-9]{12,}$/;

function entryProblem(
  { type, value }: PrincipalEntry,
  statement: Statement,
  kind: PolicyLintKind,
): Omit<Problem, "path"> | undefined {
  const not = statement.principal?.not === true;
  if (type === "Service") return serviceProblem(value);
  if (type !== "AWS" && type !== "*") return undefined;
  if (value === "*") {
    if (statement.effect !== "Allow" || not || isNarrowed(statement)) return undefined;
    return {
      rule: "principal-everyone",
      says: "Nothing but the conditions keeps anybody out, and none is about who asks",
    };
  }
  if (UNIQUE_ID.test(value)) {
    return { rule: "principal-unique-id", says: `${value} is what IAM leaves of a role or user that was deleted` };
  }
  const [, session] = SESSION.exec(value) ?? [];
  // A NotPrincipal has to list sessions, and a role that is assumed from a session is no replication role.
  if (session !== undefined && session !== REPLICATION_SESSION && !not && kind !== "trust-policy") {
    return { rule: "principal-session", says: `${value} is the session ${session} and no other` };
  }
  return lacksServicePath(value) ? { rule: "role-without-path", says: `${value} has no path` } : undefined;
}

const SERVICE = /^([a-z0-9-]+)(?:\.[a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$/;
const REPLICATION_SERVICES = ["s3.amazonaws.com", "batchoperations.s3.amazonaws.com"];

function serviceProblem(value: string): Omit<Problem, "path"> | undefined {
  if (value === "*" || REPLICATION_SERVICES.includes(value)) return undefined;
  const [, service] = SERVICE.exec(value) ?? [];
  // Regional names of S3 exist for no purpose of replication.
  const isOther = service !== undefined && service !== "s3" && isService(service);
  if (isOther) return undefined;
  const nearest = nearestName(value, REPLICATION_SERVICES);
  if (service !== undefined && service !== "s3" && nearest === undefined) return undefined;
  const remedy = nearest === undefined ? {} : { remedy: `Did you mean ${nearest}?` };
  return { rule: "principal-service-unknown", says: `There is no service principal ${value}`, ...remedy };
}

const NARROWING =
  /^(?:aws:principal|aws:source|aws:userid$|aws:vpcsourceip$|kms:calleraccount$|s3:dataaccesspointaccount$)/;

/** Whether a condition that has to hold is about who asks. */
function isNarrowed({ conditions }: Statement): boolean {
  return conditions.some(({ operator, key }) => {
    const known = readOperator(operator);
    const mustHold = known !== undefined && known.family !== "null" && !known.ifExists && !known.negated;
    return mustHold && known.set !== "all" && NARROWING.test(key.toLowerCase());
  });
}
