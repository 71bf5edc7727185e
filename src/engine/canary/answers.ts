/** Answers of stores in the words of a canary. */
import type { S3Error } from "../../s3/errors.ts";

/** `AccessDenied (403): …`, or why there is no answer. */
export function answerWords({ status, code, fields, message }: S3Error): string {
  if (status === undefined) return `no answer (${fields.network ?? "unknown"})`;
  return code === undefined ? `status ${status}` : `${code} (${status}): ${message}`;
}
