/**
 * Conditional requests: If-Match and its kin, on reads, copies and writes.
 *
 * @source RFC 9110 §13.2.2; https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
import { s3Error } from "./errors.ts";
import type { StoredVersion } from "./versions.ts";

export interface ReadConditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
  readonly ifModifiedSinceMs?: number;
  readonly ifUnmodifiedSinceMs?: number;
}

export interface WriteConditions {
  readonly ifMatch?: string;
  readonly ifNoneMatch?: string;
}

/** @throws ServiceError NotModified or PreconditionFailed */
export function checkReadConditions(version: StoredVersion, conditions: ReadConditions): void {
  switch (failedReadCondition(version, conditions)) {
    case undefined:
      return;
    case "If-None-Match":
    case "If-Modified-Since":
      throw s3Error("NotModified", { headers: notModifiedHeaders(version) });
    case "If-Match":
      throw preconditionFailed("If-Match");
    case "If-Unmodified-Since":
      throw preconditionFailed("If-Unmodified-Since");
  }
}

/** On the source of a copy every failed condition is a 412. @throws ServiceError PreconditionFailed */
export function checkCopyConditions(version: StoredVersion, conditions: ReadConditions): void {
  const failed = failedReadCondition(version, conditions);
  if (failed !== undefined) throw preconditionFailed(`x-amz-copy-source-${failed}`);
}

/**
 * Decides whether a write may go ahead, given the version that is current now.
 *
 * @throws ServiceError PreconditionFailed, or NoSuchKey when If-Match finds nothing to match
 */
export function checkWriteConditions(
  current: StoredVersion | undefined,
  conditions: WriteConditions,
  key: string,
): void {
  const object = current === undefined || current.isMarker ? undefined : current;
  if (conditions.ifNoneMatch !== undefined && object !== undefined && matches(conditions.ifNoneMatch, object.etag)) {
    throw preconditionFailed("If-None-Match");
  }
  if (conditions.ifMatch === undefined) return;
  if (object === undefined) throw s3Error("NoSuchKey", { details: { Key: key } });
  if (!matches(conditions.ifMatch, object.etag)) throw preconditionFailed("If-Match");
}

type Condition = "If-Match" | "If-Unmodified-Since" | "If-None-Match" | "If-Modified-Since";

/** The etag conditions win over the dates that come with them. */
function failedReadCondition(version: StoredVersion, conditions: ReadConditions): Condition | undefined {
  // Dates in headers have no milliseconds.
  const modified = Math.floor(version.modifiedMs / 1000) * 1000;
  const { ifMatch, ifNoneMatch, ifModifiedSinceMs, ifUnmodifiedSinceMs } = conditions;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, version.etag)) return "If-Match";
  } else if (ifUnmodifiedSinceMs !== undefined && modified > ifUnmodifiedSinceMs) return "If-Unmodified-Since";
  if (ifNoneMatch !== undefined) {
    if (matches(ifNoneMatch, version.etag)) return "If-None-Match";
  } else if (ifModifiedSinceMs !== undefined && modified <= ifModifiedSinceMs) return "If-Modified-Since";
  return undefined;
}

/** Whether a list of entity tags (quoted or not, weak or not, or `*`) holds this one. */
function matches(list: string, etag: string): boolean {
  return list
    .split(",")
    .map((one) => one.trim().replace(/^W\//, "").replace(/^"|"$/g, ""))
    .some((one) => one === "*" || one === etag);
}

function preconditionFailed(condition: string): Error {
  return s3Error("PreconditionFailed", { details: { Condition: condition } });
}

function notModifiedHeaders(version: StoredVersion): Record<string, string> {
  return { etag: `"${version.etag}"`, "last-modified": new Date(version.modifiedMs).toUTCString() };
}
