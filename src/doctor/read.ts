/** Reads that are allowed to fail: what comes of one is a fact, whatever it is. */
import { AwsError } from "../aws/errors.ts";
import type { Read } from "../core/diagnose/facts.ts";
import { S3Error } from "../s3/errors.ts";

/**
 * Runs a read; denials and outages become words, "there is none" is told apart from both.
 *
 * @param remedy what helps against a denial
 */
export async function read<T>(ask: () => Promise<T | undefined>, remedy?: string): Promise<Read<T>> {
  try {
    const value = await ask();
    return value === undefined ? { state: "absent" } : { state: "read", value };
  } catch (error) {
    if (error instanceof S3Error || error instanceof AwsError) return unreadable(error, remedy);
    throw error;
  }
}

/** What could not be read, and what would help. */
export function unreadable(
  error: S3Error | AwsError,
  remedy: string | undefined,
): Extract<Read<never>, { state: "unreadable" }> {
  const because = isDenied(error) && remedy !== undefined ? `${error.message}; ${remedy}` : error.message;
  return { state: "unreadable", because };
}

/** KMS denies with 400. */
export function isDenied(error: S3Error | AwsError): boolean {
  return error.status === 403 || error.code?.startsWith("AccessDenied") === true;
}
