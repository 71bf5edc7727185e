/** Reads that are allowed to fail: what comes of one is a fact, whatever it is. */
import { AwsError } from "../aws/errors.ts";
import type { Read } from "../core/diagnose/facts.ts";
import { S3Error } from "../s3/errors.ts";
import { actionOf } from "./permissions.ts";

/**
 * Runs a read; denials and outages become words, "there is none" is told apart from both.
 *
 * @param remedy what helps against a denial
 * @param onDenied told why, where the fact itself is not kept
 */
export async function read<T>(
  ask: () => Promise<T | undefined>,
  remedy?: string,
  onDenied?: (because: string) => void,
): Promise<Read<T>> {
  try {
    const value = await ask();
    return value === undefined ? { state: "absent" } : { state: "read", value };
  } catch (error) {
    if (!(error instanceof S3Error || error instanceof AwsError)) throw error;
    if (isDenied(error)) onDenied?.(whyUnread(error));
    return unreadable(error, remedy);
  }
}

/** What could not be read, and what would help. */
export function unreadable(error: S3Error | AwsError, remedy?: string): Extract<Read<never>, { state: "unreadable" }> {
  return { state: "unreadable", because: whyUnread(error, remedy) };
}

/**
 * Why something could not be read, in the same words for the same reason: of a denial the action that was denied, without
 * what is another one in every answer.
 */
export function whyUnread(error: S3Error | AwsError, remedy?: string): string {
  if (!isDenied(error)) return error.message;
  const says = `not readable: ${actionOf(error)} denied`;
  return remedy === undefined ? says : `${says}; ${remedy}`;
}

/** KMS denies with 400; the same status with another code says that the signature is wrong, the clock, or the key. */
export function isDenied(error: S3Error | AwsError): boolean {
  return error.code === undefined ? error.status === 403 : error.code.startsWith("AccessDenied");
}
