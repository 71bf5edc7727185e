/** What a bucket policy says, as text: compiled for the authoriser, and whether it lets everybody in. Pure. */
import { bucketArn, objectArn } from "../../core/arn.ts";
import { assert } from "../../core/assert.ts";
import { type CompiledPolicy, compilePolicy } from "../../core/iam/compile.ts";
import { parsePolicy } from "../../core/iam/parse.ts";

/** Compiles a policy that was checked when it was stored. */
export function compileBucketPolicy(text: string, bucketName: string): CompiledPolicy {
  const { document } = parsePolicy(text, "resource");
  assert(document !== undefined, `the policy of ${bucketName} was stored although it does not parse`);
  return compilePolicy(document, {
    kind: "resource",
    name: `bucket policy of ${bucketName}`,
    attachedTo: bucketArn(bucketName),
  });
}

interface StatementText {
  readonly Effect?: unknown;
  readonly Principal?: unknown;
  readonly NotPrincipal?: unknown;
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
  readonly Condition?: unknown;
}

/** Condition keys whose fixed values make an allow for everybody one for few. */
const NARROWING_KEYS: ReadonlySet<string> = new Set([
  "aws:principalaccount",
  "aws:principalarn",
  "aws:principalorgid",
  "aws:principalorgpaths",
  "aws:sourceaccount",
  "aws:sourcearn",
  "aws:sourceip",
  "aws:sourceowner",
  "aws:sourcevpc",
  "aws:sourcevpce",
  "aws:userid",
  "s3:dataaccesspointaccount",
  "s3:dataaccesspointarn",
]);

/**
 * Whether a policy lets everybody in, as Block Public Access sees it.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html ("The meaning of public")
 */
export function isPolicyPublic(text: string): boolean {
  return statementsOf(text).some((statement) => {
    if (statement.Effect !== "Allow") return false;
    if (statement.NotPrincipal === undefined && !namesEverybody(statement.Principal)) return false;
    return !isNarrowed(statement.Condition);
  });
}

/** Whether every statement is about this bucket or its objects, as S3 demands. */
export function isAboutBucket(text: string, bucketName: string): boolean {
  const bucket = bucketArn(bucketName);
  const objects = objectArn(bucketName, "");
  const resources = statementsOf(text).flatMap((one) => listOf(one.Resource ?? one.NotResource).map(String));
  return resources.every((resource) => {
    const head = resource.split(/[*?$]/, 1)[0] ?? "";
    const isPattern = head.length < resource.length;
    return (
      resource === bucket ||
      resource.startsWith(objects) ||
      (isPattern && (bucket.startsWith(head) || head.startsWith(bucket)))
    );
  });
}

function statementsOf(text: string): StatementText[] {
  const policy = JSON.parse(text) as { readonly Statement?: unknown };
  return listOf(policy.Statement) as StatementText[];
}

function namesEverybody(principal: unknown): boolean {
  if (principal === "*") return true;
  if (typeof principal !== "object" || principal === null) return false;
  return listOf((principal as { readonly AWS?: unknown }).AWS).includes("*");
}

function isNarrowed(condition: unknown): boolean {
  if (typeof condition !== "object" || condition === null) return false;
  return Object.values(condition).some((keys: unknown) =>
    Object.entries((keys ?? {}) as Record<string, unknown>).some(
      ([key, values]) =>
        NARROWING_KEYS.has(key.toLowerCase()) &&
        listOf(values).every((value) => !/[*?]/.test(String(value)) && value !== "0.0.0.0/0" && value !== "::/0"),
    ),
  );
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}
