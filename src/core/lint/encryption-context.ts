/**
 * The encryption context by which S3 uses keys: the object's ARN, or the bucket's with a bucket key.
 *
 * @source aws-replication.md §5.3
 */
import { bucketArn, bucketOfArn, objectArn, parseArn } from "../arn.ts";
import { compileCondition, readOperator } from "../iam/conditions.ts";
import type { Condition } from "../iam/document.ts";
import { isService } from "./action-index.ts";
import type { Problem } from "./model.ts";
import { nearestName } from "./nearest.ts";
import { conditionPath, type PlacedStatement } from "./statements.ts";

const CONTEXT = "kms:encryptioncontext:";
const S3_KEY = "aws:s3:arn";
/** What the page about troubleshooting prints. */
const DOCUMENTED_TYPO = "arn:aws:arn";

/** Whether a key of the encryption context is S3's with a mistake. Other services and customers have keys of their own. */
export function isMisspeltContext(key: string): boolean {
  const lower = key.toLowerCase();
  if (!lower.startsWith(CONTEXT)) return false;
  const name = lower.slice(CONTEXT.length);
  if (name === S3_KEY) return false;
  const [, service = ""] = name.split(":");
  const isForeign = name.startsWith("aws:") && service !== "s3" && (isService(service) || name.split(":").length > 2);
  return name === DOCUMENTED_TYPO || (!isForeign && nearestName(name, [S3_KEY]) !== undefined);
}

export function encryptionContextProblems(placed: PlacedStatement): Problem[] {
  return placed.statement.conditions.flatMap((condition): Problem[] => {
    if (isMisspeltContext(condition.key)) {
      const path = conditionPath(placed, condition);
      return [{ rule: "encryption-context-misspelt", path, says: `S3 sends ${S3_KEY}, and not ${condition.key}` }];
    }
    return condition.key.toLowerCase() === CONTEXT + S3_KEY ? reachProblems(placed, condition) : [];
  });
}

/** Whether the values that a statement asks for hold for both forms of the context. */
function reachProblems(placed: PlacedStatement, condition: Condition): Problem[] {
  const operator = readOperator(condition.operator);
  if (operator === undefined || operator.negated || operator.family === "null") return [];
  const { holds } = compileCondition(condition, true);
  const holdsFor = (arn: string) => holds({ [CONTEXT + S3_KEY]: arn });
  const seen = new Set<string>();
  return condition.values.flatMap((value, index): Problem[] => {
    const resource = parseArn(value)?.resource ?? "";
    const [bucket = ""] = resource.split("/");
    const isLiteral = bucket !== "" && !/[*?$]/.test(bucket);
    if (!isLiteral || seen.has(bucket)) return [];
    seen.add(bucket);
    const path = conditionPath(placed, condition, index);
    if (resource.includes("/") && !holdsFor(bucketArn(bucket))) {
      const says = `${value} does not match ${bucketArn(bucket)}, which is the context of objects with a bucket key`;
      return [{ rule: "encryption-context-objects-only", path, says }];
    }
    const namesObjects = condition.values.some(
      (one) => one !== value && parseArn(one)?.resource.startsWith(`${bucket}/`),
    );
    if (bucketOfArn(value) === bucket && !namesObjects && !holdsFor(objectArn(bucket, "any"))) {
      const says = `${value} does not match ${objectArn(bucket, "*")}, the context of objects without a bucket key`;
      return [{ rule: "encryption-context-bucket-only", path, says }];
    }
    return [];
  });
}
