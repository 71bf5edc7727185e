/**
 * What is asked of a bucket before a canary is written that may come there: whether the caller could see it, and remove it
 * again. Nothing is written for it; what it removes is a version that nobody has.
 */
import { S3Error } from "../../s3/errors.ts";
import type { BucketEncryption } from "../../s3/settings.ts";
import { answerWords } from "./answers.ts";
import type { CanaryEnd, CanaryRefusal } from "./model.ts";

/** @param prefix under which canaries come there. @returns why nothing may be written; undefined when all is well */
export async function refusalOf(end: CanaryEnd, prefix: string): Promise<CanaryRefusal | undefined> {
  const { bucket, store } = end;
  const at = { bucket, key: `${prefix}none` };
  const asked: readonly (readonly [permission: string, ask: () => Promise<unknown>])[] = [
    ["s3:ListBucketVersions", () => store.listObjectVersions({ bucket, prefix, maxKeys: 1 })],
    ["s3:GetObject", () => store.headObject(at)],
    ["s3:DeleteObjectVersion", () => store.deleteObject({ ...at, versionId: "null" })],
  ];
  try {
    const retention = await retentionOf(end);
    if (retention === "unknown") {
      const says = `the caller lacks s3:GetBucketObjectLockConfiguration on s3://${bucket}: whether a canary could be removed is not known`;
      return { because: "access", says };
    }
    if (retention !== undefined) {
      const says = `s3://${bucket} retains every version (${retention}): a canary could not be removed, so none is written`;
      return { because: "kept", says };
    }
    for (const [permission, ask] of asked) {
      const says = await complaint(end, permission, ask);
      if (says !== undefined) return { because: "access", says };
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return { because: "access", says: `s3://${bucket} cannot be looked at: ${answerWords(error)}` };
  }
}

async function complaint(
  { bucket }: CanaryEnd,
  permission: string,
  ask: () => Promise<unknown>,
): Promise<string | undefined> {
  try {
    await ask();
    return undefined;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.status === 403 || error.status === 401) {
      return `the caller lacks ${permission} on s3://${bucket}: give it, or run canaries as somebody who has it`;
    }
    // No such object is what was to be expected, and no such feature no obstacle; no answer is.
    const isObstacle = error.status === undefined || error.status >= 502 || error.code === "NoSuchBucket";
    return isObstacle || error.status === 500 ? `s3://${bucket} cannot be looked at: ${answerWords(error)}` : undefined;
  }
}

/** In words, or `unknown`; undefined when nothing is retained by itself, or the store has no such thing. */
async function retentionOf({ bucket, settings }: CanaryEnd): Promise<string | undefined> {
  const lock = await ifTold(() => settings.getObjectLock(bucket), "unknown" as const);
  if (lock === "unknown") return lock;
  const retention = lock?.defaultRetention;
  if (retention === undefined) return undefined;
  const span = retention.years === undefined ? `${retention.days ?? 0} days` : `${retention.years} years`;
  return `${retention.mode}, ${span}`;
}

/** What objects get that ask for no encryption; undefined when it may not be read. */
export async function defaultEncryption({ bucket, settings }: CanaryEnd): Promise<BucketEncryption | undefined> {
  return await ifTold(() => settings.getBucketEncryption(bucket));
}

/** Stores differ in what they say of what they do not have. @param denied what a denial comes to */
async function ifTold<T, Denied = undefined>(ask: () => Promise<T>, denied?: Denied): Promise<T | Denied | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof S3Error) || error.status === undefined || error.status === 503) throw error;
    return error.status === 403 ? denied : undefined;
  }
}
