/** The phases that only read: does anybody answer, does it know the caller, does the bucket keep versions. */
import type { FailureCode } from "../../core/failures/catalogue.ts";
import type { S3Error } from "../../s3/errors.ts";
import type { VersioningStatus } from "../../s3/settings.ts";
import type { PutReply } from "../../s3/store.ts";
import { type Bench, codeOfError, failureOf } from "./bench.ts";

/** @returns whether it makes sense to go on */
export async function reach(bench: Bench): Promise<boolean> {
  const error = await bench.refusal(() => bench.settings.headBucket(bench.bucket));
  if (error !== undefined && codeOfError(error) === "broken") {
    bench.note("reach.answer", "broken", "nobody answers, or not as a store does", error);
    return false;
  }
  bench.note("reach.answer", "ok", "the store answers");
  const region = error?.fields.details?.["Region"];
  if (error?.status === 404) {
    bench.note("reach.bucket", "absent", `there is no bucket ${bench.bucket}`, error, "DstBucketNotFound");
    return false;
  }
  if (error !== undefined && (error.status ?? 0) < 400) {
    bench.note(
      "reach.bucket",
      "differs",
      `the bucket is elsewhere${region === undefined ? "" : `: in ${region}`}`,
      error,
    );
    return false;
  }
  // Who may not look at it may still write to it: then the first write tells.
  if (error === undefined) bench.note("reach.bucket", "ok", "the bucket is there");
  return true;
}

/** Failures that say that the caller is not known, whatever is asked. */
const UNKNOWN_CALLER: ReadonlySet<FailureCode | undefined> = new Set([
  "CredentialsInvalid",
  "CredentialsExpired",
  "ClockSkewed",
]);

/** @returns whether it makes sense to go on */
export async function auth(bench: Bench): Promise<boolean> {
  // Not HEAD: its answers have no body, and so no word for what is wrong.
  const { bucket, prefix, store } = bench;
  const error = await bench.refusal(() => store.listObjectVersions({ bucket, prefix, maxKeys: 1 }));
  if (error === undefined) {
    bench.note("auth.credentials", "ok", "the credentials are accepted");
    bench.note("auth.list", "ok", "versions may be listed");
    return true;
  }
  if (UNKNOWN_CALLER.has(failureOf(error))) {
    bench.note("auth.credentials", "refused", credentialsWords(error), error);
    return false;
  }
  if (codeOfError(error) === "broken") {
    bench.noteError("auth.credentials", "whether the credentials are accepted", error);
    return false;
  }
  bench.note("auth.credentials", "ok", "the credentials are accepted");
  bench.noteError("auth.list", "versions cannot be listed", error);
  return true;
}

function credentialsWords(error: S3Error): string {
  const words: Readonly<Record<string, string>> = {
    InvalidAccessKeyId: "the store does not know the access key",
    SignatureDoesNotMatch: "the secret key does not belong to the access key",
    UserSuspended: "the user is suspended",
    RequestTimeTooSkewed: "the clocks of store and caller are too far apart",
  };
  return words[error.code ?? ""] ?? "the credentials are not accepted";
}

export async function versioning(bench: Bench): Promise<void> {
  const status = await bench.attempt("versioning.enabled", "the versioning of the bucket cannot be read", async () => ({
    is: await bench.settings.getBucketVersioning(bench.bucket),
  }));
  if (status === undefined) return;
  noteVersioning(bench, status.is);
}

function noteVersioning(bench: Bench, status: VersioningStatus | undefined): void {
  bench.found.versioning = status === "Enabled";
  if (status === "Enabled") {
    bench.note("versioning.enabled", "ok", "the bucket keeps versions");
    return;
  }
  const says = status === "Suspended" ? "versioning is suspended" : "the bucket has no versioning";
  bench.note("versioning.enabled", "absent", says, undefined, "DstBucketUnversioned");
}

/** What the first write tells of that which the caller may not read. */
export function learnFromWrite(bench: Bench, { versionId }: Pick<PutReply, "versionId">): void {
  if (bench.codeOf("reach.bucket") === undefined) bench.note("reach.bucket", "ok", "the bucket is there");
  if (bench.found.versioning !== undefined) return;
  if (versionId === "null") noteVersioning(bench, "Suspended");
  else noteVersioning(bench, versionId === undefined ? undefined : "Enabled");
}

/**
 * Whether what is written could be removed again.
 *
 * @returns false when the bucket would protect it
 */
export async function locking(bench: Bench): Promise<boolean> {
  const read = await bench.attempt("lock.configured", "the Object Lock of the bucket cannot be read", async () => ({
    lock: await bench.settings.getObjectLock(bench.bucket),
  }));
  if (read === undefined) return true;
  bench.found.objectLock = read.lock !== undefined;
  if (read.lock === undefined) {
    bench.note("lock.configured", "absent", "the bucket was made without Object Lock");
    return true;
  }
  const retention = read.lock.defaultRetention;
  if (retention === undefined) {
    bench.note("lock.configured", "ok", "the bucket has Object Lock");
    return true;
  }
  const span = retention.years === undefined ? `${retention.days ?? 0} days` : `${retention.years} years`;
  bench.note(
    "lock.configured",
    "ok",
    `the bucket retains every version for ${span} (${retention.mode}): nothing was written, for it could not be removed`,
  );
  return false;
}
