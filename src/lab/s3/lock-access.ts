/** What a caller may do about the protection of versions: ask for it, see it, get past it. The rules are in `object-lock.ts`. */
import { authoriseAction, isAllowed, type Target } from "./access.ts";
import type { Bucket } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { invalidArgument, invalidRequest } from "./errors.ts";
import { type Bypass, type ObjectLock, requireFuture } from "./object-lock.ts";
import type { BodyClaims } from "./receive.ts";
import type { S3Service } from "./service.ts";
import type { StoredVersion } from "./versions.ts";

/**
 * How this caller gets past GOVERNANCE mode: who asks to needs s3:BypassGovernanceRetention, once there is something to
 * bypass.
 *
 * Replication needs no bypass: it repeats what somebody was allowed to do at the source. Whether AWS sees it so is
 * unconfirmed.
 */
export function bypassOf(s3: S3Service, call: S3Call, target: Target, isAsked: boolean | undefined): Bypass {
  if (isReplicator(call)) return () => undefined;
  if (isAsked !== true) return undefined;
  return () => authoriseAction(s3, call, "s3:BypassGovernanceRetention", target);
}

/** The header that asks for the bypass is refused, whatever it says, where there is nothing to bypass. */
export function checkBypass(bucket: Bucket, isAsked: boolean | undefined): void {
  if (isAsked === undefined || bucket.objectLock) return;
  throw invalidArgument(
    "x-amz-bypass-governance-retention",
    String(isAsked),
    "x-amz-bypass-governance-retention is only applicable to Object Lock enabled buckets.",
  );
}

/**
 * Checks and authorises the protection that a write asks for. That replication needs these actions at the destination is
 * unconfirmed (A15).
 *
 * @throws ServiceError AccessDenied; InvalidArgument for a date that has passed; InvalidRequest without Object Lock
 */
export function admitLock(s3: S3Service, call: S3Call, target: Target, lock: ObjectLock): void {
  if (lock.retention !== undefined) authoriseAction(s3, call, "s3:PutObjectRetention", target);
  if (lock.legalHold !== undefined) authoriseAction(s3, call, "s3:PutObjectLegalHold", target);
  if (!isReplicator(call)) requireFuture(lock.retention, call.nowMs, "x-amz-object-lock-retain-until-date");
  // S3 words it differently for writes than for the sub-resources.
  if (!target.bucket.objectLock) throw invalidRequest("Bucket is missing ObjectLockConfiguration");
}

/**
 * What is going to be protected has to come with a digest, the bucket's default included.
 *
 * @throws ServiceError InvalidRequest
 */
export function requireLockDigest(
  call: S3Call,
  bucket: Bucket,
  lock: ObjectLock | undefined,
  claims: BodyClaims,
  what: "Put Object" | "Put Part",
): void {
  if (lock === undefined && bucket.settings.objectLock?.defaultRetention === undefined) return;
  if ((claims.contentMd5 ?? claims.checksum ?? claims.defaultAlgorithm) !== undefined || isReplicator(call)) return;
  throw invalidRequest(
    `Content-MD5 OR x-amz-checksum- HTTP header is required for ${what} requests with Object Lock parameters`,
  );
}

/** What of a version's protection this caller may see. */
export function visibleLock(s3: S3Service, call: S3Call, bucket: Bucket, version: StoredVersion): ObjectLock {
  const { retention, legalHold } = version.lock ?? {};
  const target = { bucket, key: version.key, versionId: version.versionId };
  const sees = (action: string): boolean => isAllowed(s3, call, action, target);
  return {
    ...(retention !== undefined && sees("s3:GetObjectRetention") ? { retention } : {}),
    ...(legalHold !== undefined && sees("s3:GetObjectLegalHold") ? { legalHold } : {}),
  };
}
