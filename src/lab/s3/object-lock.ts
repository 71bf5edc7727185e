/**
 * Rules of Object Lock: what protects a version, which changes of a protection are allowed, what a new version gets by
 * default, and the condition keys of requests about it. Pure; the operations are in `retention.ts`.
 *
 * A retention protects until its date: in GOVERNANCE mode those who may can lift it, in COMPLIANCE mode nobody. A legal hold
 * protects until it is taken off, and nothing bypasses it. Protection is of one version: delete markers and newer versions
 * come on top of it freely.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
import type { RequestContext } from "../../core/iam/model.ts";
import type { Retention } from "../../core/model.ts";
import type { Bucket, DefaultRetention } from "./bucket.ts";
import { invalidArgument, invalidRequest, s3Error } from "./errors.ts";

/** What protects one version. A hold that was taken off is `false`; one that never was is undefined. */
export interface ObjectLock {
  readonly retention?: Retention;
  readonly legalHold?: boolean;
}

/** Asks whether the caller may bypass GOVERNANCE mode, and throws when not. Undefined: the caller did not ask to. */
export type Bypass = (() => void) | undefined;

const DAY_MS = 86_400_000;
/** S3 counts a year as 365 days. */
const YEAR_MS = 365 * DAY_MS;

/** @throws ServiceError AccessDenied while the version is protected */
export function requireUnprotected(lock: ObjectLock | undefined, nowMs: number, bypass: Bypass): void {
  if (lock === undefined) return;
  if (lock.legalHold === true) throw protectedByLock();
  requireRetentionChange(lock.retention, undefined, nowMs, bypass);
}

/**
 * Decides whether a retention may take the place of another one. To extend it in its own mode needs nothing more; another
 * mode, an earlier date and its end need the bypass, or cannot be while COMPLIANCE lasts.
 *
 * @throws ServiceError AccessDenied
 */
export function requireRetentionChange(
  before: Retention | undefined,
  after: Retention | undefined,
  nowMs: number,
  bypass: Bypass,
): void {
  if (before === undefined || before.retainUntilMs <= nowMs || isExtension(before, after)) return;
  if (before.mode === "COMPLIANCE" || bypass === undefined) throw protectedByLock();
  bypass();
}

function isAsStrong(one: Retention | undefined, as: Retention): boolean {
  if (one === undefined || one.retainUntilMs < as.retainUntilMs) return false;
  return one.mode === as.mode || one.mode === "COMPLIANCE";
}

function isExtension(before: Retention, after: Retention | undefined): boolean {
  return after !== undefined && after.mode === before.mode && after.retainUntilMs >= before.retainUntilMs;
}

/**
 * What protects a version that is written: what the request says, and the bucket's default where it says no retention.
 *
 * That the default counts from a replica's own date, which is its source's, is a guess (unconfirmed); AWS says "the object
 * version's creation timestamp".
 */
export function lockOfNew(bucket: Bucket, asked: ObjectLock | undefined, createdMs: number): ObjectLock | undefined {
  const byDefault = bucket.settings.objectLock?.defaultRetention;
  if (byDefault === undefined || asked?.retention !== undefined) return asked;
  const { mode } = byDefault;
  return { ...asked, retention: { mode, retainUntilMs: createdMs + periodMs(byDefault) } };
}

/**
 * What protects a replica that is written once more. Sending a version again lifts no protection: that comes as a change of
 * its own.
 */
export function lockOfRewritten(before: ObjectLock | undefined, sent: ObjectLock | undefined): ObjectLock | undefined {
  if (before === undefined || sent === undefined) return before ?? sent;
  const { retention: kept, legalHold: held } = before;
  const retention = kept !== undefined && !isAsStrong(sent.retention, kept) ? kept : sent.retention;
  const legalHold = held === true ? held : (sent.legalHold ?? held);
  return {
    ...(retention === undefined ? {} : { retention }),
    ...(legalHold === undefined ? {} : { legalHold }),
  };
}

/** @throws ServiceError InvalidRequest in a bucket without Object Lock */
export function requireObjectLock(bucket: Bucket): void {
  if (!bucket.objectLock) throw invalidRequest("Bucket is missing Object Lock Configuration");
}

/** @param argument by which the error calls the date @throws ServiceError InvalidArgument */
export function requireFuture(retention: Retention | undefined, nowMs: number, argument: string): void {
  if (retention === undefined || retention.retainUntilMs > nowMs) return;
  const value = new Date(retention.retainUntilMs).toISOString();
  throw invalidArgument(argument, value, "The retain until date must be in the future!");
}

/**
 * Condition keys of a request that protects a version. That a begun day counts as a remaining day is a guess (unconfirmed):
 * so a policy's bound of ten days takes a date ten days from now.
 */
export function lockContext({ retention, legalHold }: ObjectLock, nowMs: number): RequestContext {
  const context: Record<string, string> = {};
  if (retention !== undefined) {
    const { mode, retainUntilMs } = retention;
    context["s3:object-lock-mode"] = mode;
    context["s3:object-lock-retain-until-date"] = new Date(retainUntilMs).toISOString();
    context["s3:object-lock-remaining-retention-days"] = String(Math.ceil((retainUntilMs - nowMs) / DAY_MS));
  }
  if (legalHold !== undefined) context["s3:object-lock-legal-hold"] = legalHold ? "ON" : "OFF";
  return context;
}

function periodMs(period: DefaultRetention): number {
  return "days" in period ? period.days * DAY_MS : period.years * YEAR_MS;
}

function protectedByLock(): Error {
  return s3Error("AccessDenied", { message: "Access Denied because object protected by object lock." });
}
