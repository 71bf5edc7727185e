/** Reads that are allowed to fail: what comes of one is a fact, whatever it is. */
import { AwsError } from "../aws/errors.ts";
import type { Read } from "../core/diagnose/facts.ts";
import { S3Error } from "../s3/errors.ts";

/** Runs a read; denials and outages become words, "there is none" is told apart from both. */
export async function read<T>(ask: () => Promise<T | undefined>): Promise<Read<T>> {
  try {
    const value = await ask();
    return value === undefined ? { state: "absent" } : { state: "read", value };
  } catch (error) {
    if (error instanceof S3Error || error instanceof AwsError) return { state: "unreadable", because: error.message };
    throw error;
  }
}
