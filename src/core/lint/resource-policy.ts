/**
 * Checks what only policies of buckets and keys have: one resource that they are all about, and the account behind it.
 *
 * @source aws-replication.md §10.1, §10.4
 */
import { parseArn } from "../arn.ts";
import { accountNamed } from "../iam/principal-matcher.ts";
import { compileTexts, matchesTexts } from "../iam/text-matcher.ts";
import type { Problem } from "./model.ts";
import { memberPath, type PlacedStatement, patternPath } from "./statements.ts";

export function resourcePolicyProblems(
  statements: readonly PlacedStatement[],
  kind: "bucket-policy" | "key-policy",
): Problem[] {
  const own = kind === "bucket-policy" ? bucketProblems(statements) : keyPolicyProblems(statements);
  return [...repeatedSids(statements), ...own];
}

/** IAM refuses them; the services that keep policies of resources do not. */
function repeatedSids(statements: readonly PlacedStatement[]): Problem[] {
  const seen = new Set<string>();
  return statements.flatMap((placed): Problem[] => {
    const { sid = "" } = placed.statement;
    const isRepeated = sid !== "" && seen.has(sid);
    seen.add(sid);
    return isRepeated
      ? [{ rule: "duplicate-sid", path: memberPath(placed, "Sid"), says: `${sid} is the Sid of another statement too` }]
      : [];
  });
}

/** The name of the bucket that a resource is about; undefined where it is a pattern. */
export function bucketNamed(pattern: string): string | undefined {
  const arn = parseArn(pattern);
  if (arn?.service !== "s3" || arn.region !== "" || arn.account !== "") return undefined;
  const [bucket = ""] = arn.resource.split("/");
  return bucket === "" || /[*?$]/.test(bucket) ? undefined : bucket;
}

function bucketProblems(statements: readonly PlacedStatement[]): Problem[] {
  let first: string | undefined;
  return statements.flatMap((placed) =>
    (placed.statement.resource?.patterns ?? []).flatMap((pattern, index): Problem[] => {
      const bucket = bucketNamed(pattern);
      first ??= bucket;
      if (bucket === undefined || bucket === first) return [];
      const says = `${pattern} is not about ${first}, which the policy began with`;
      const aws = { code: "MalformedPolicy", status: 400, message: "Policy has invalid resource" };
      return [{ rule: "several-buckets", path: patternPath(placed, "Resource", index), says, aws }];
    }),
  );
}

function keyPolicyProblems(statements: readonly PlacedStatement[]): Problem[] {
  const problems = statements.flatMap((placed) =>
    (placed.statement.resource?.patterns ?? []).flatMap((pattern, index): Problem[] => {
      const arn = parseArn(pattern);
      // An alias is told of by the actions; a grammar's problem is told already.
      if (arn === undefined || arn.service === "kms") return [];
      const says = `${pattern} is no key`;
      return [{ rule: "key-policy-other-resource", path: patternPath(placed, "Resource", index), says }];
    }),
  );
  if (statements.length === 0 || statements.some(letsAccountDecide)) return problems;
  const says = "No statement allows the account of the key to manage and to use it";
  return [...problems, { rule: "key-policy-without-root", path: "Statement", says }];
}

function letsAccountDecide({ statement }: PlacedStatement): boolean {
  const { effect, principal, action, conditions } = statement;
  if (effect !== "Allow" || principal === undefined || principal.not || conditions.length > 0) return false;
  const isAccount = principal.entries.some(({ type, value }) => type === "AWS" && accountNamed(value) !== undefined);
  const matcher = compileTexts(action.patterns, { variables: false, wildcards: true, ignoreCase: true });
  return isAccount && matchesTexts(matcher, "kms:decrypt", {}) !== action.not;
}
