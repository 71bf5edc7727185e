/**
 * Retention and legal hold of versions: read, set, lifted. A change follows the version to its replicas.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
 */
import type { RequestContext } from "../../core/iam/model.ts";
import type { Retention } from "../../core/model.ts";
import { authorise, type Target } from "./access.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { bypassOf } from "./lock-access.ts";
import { changeMetadata, findWanted, type VersionInput, type Wanted } from "./metadata.ts";
import { lockContext, requireFuture, requireObjectLock, requireRetentionChange } from "./object-lock.ts";
import { locate } from "./read.ts";
import type { S3Service } from "./service.ts";

/** Undefined when the version has none. @throws ServiceError InvalidRequest in a bucket without Object Lock */
export function getObjectRetention(s3: S3Service, call: S3Call, input: VersionInput): Retention | undefined {
  const { bucket, version } = locate(s3, call, "GetObjectRetention", input);
  requireObjectLock(bucket);
  return version.lock?.retention;
}

/** Undefined when there never was one. @throws ServiceError InvalidRequest in a bucket without Object Lock */
export function getObjectLegalHold(s3: S3Service, call: S3Call, input: VersionInput): boolean | undefined {
  const { bucket, version } = locate(s3, call, "GetObjectLegalHold", input);
  requireObjectLock(bucket);
  return version.lock?.legalHold;
}

export interface PutRetentionInput extends VersionInput {
  /** Undefined ends the retention. */
  readonly retention?: Retention;
  readonly bypassGovernance?: boolean;
}

/** @throws ServiceError AccessDenied when the retention that is there may not be replaced by this one */
export async function putObjectRetention(s3: S3Service, call: S3Call, input: PutRetentionInput): Promise<void> {
  const { retention } = input;
  const wanted = findWanted(s3, input);
  const target = targetOf(wanted, lockContext(retention === undefined ? {} : { retention }, call.nowMs));
  authorise(s3, call, "PutObjectRetention", target);
  requireObjectLock(wanted.bucket);
  // A replica mirrors what its source has, also a date that has passed meanwhile.
  if (!isReplicator(call)) requireFuture(retention, call.nowMs, "RetainUntilDate");
  const bypass = bypassOf(s3, call, target, input.bypassGovernance);
  await changeMetadata(s3, call, wanted, "retention", (version) => {
    requireRetentionChange(version.lock?.retention, retention, call.nowMs, bypass);
    const { retention: _before, ...rest } = version.lock ?? {};
    return { ...version, lock: retention === undefined ? rest : { ...rest, retention } };
  });
}

export interface PutLegalHoldInput extends VersionInput {
  readonly legalHold: boolean;
}

export async function putObjectLegalHold(s3: S3Service, call: S3Call, input: PutLegalHoldInput): Promise<void> {
  const { legalHold } = input;
  const wanted = findWanted(s3, input);
  authorise(s3, call, "PutObjectLegalHold", targetOf(wanted, lockContext({ legalHold }, call.nowMs)));
  requireObjectLock(wanted.bucket);
  await changeMetadata(s3, call, wanted, "legalHold", (version) => ({
    ...version,
    lock: { ...version.lock, legalHold },
  }));
}

function targetOf(wanted: Wanted, context: RequestContext): Target {
  const { bucket, key, versionId } = wanted;
  return { bucket, key, context, ...(versionId === undefined ? {} : { versionId }) };
}
