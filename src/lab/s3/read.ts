/** GetObject and HeadObject: find the version, authorise, decide conditions and range, open the bytes. */

import type { RequestContext } from "../../core/iam/model.ts";
import { authorise, existing, mayList, requireBucket } from "./access.ts";
import { refuseArchived } from "./archive.ts";
import type { Bucket } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { checkReadConditions, type ReadConditions } from "./conditions.ts";
import type { CustomerKey } from "./encryption.ts";
import { checkCustomerKey, openDataKey } from "./encryption.ts";
import { invalidArgument, invalidRequest, s3Error } from "./errors.ts";
import { visibleLock } from "./lock-access.ts";
import type { ObjectLock } from "./object-lock.ts";
import type { S3Operation } from "./operations.ts";
import { parseRange } from "./ranges.ts";
import { describeStored } from "./sealed.ts";
import { type ByteRange, findBytes, findStoredBytes } from "./serve.ts";
import type { S3Service } from "./service.ts";
import { isVersionId, NULL_VERSION } from "./version-id.ts";
import { type StoredVersion, wantedVersion } from "./versions.ts";

export interface ReadInput {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  readonly conditions?: ReadConditions;
  /** The `Range` header as it came. */
  readonly range?: string;
  /** From 1; not together with a range. */
  readonly partNumber?: number;
  readonly customerKey?: CustomerKey;
  /** The stored bytes of an SSE-C version; ignored unless a service that replicates asks. */
  readonly sealed?: boolean;
}

/** What a HEAD tells. */
export interface ReadAnswer {
  readonly version: StoredVersion;
  /** Undefined in buckets that were never versioned. */
  readonly shownVersionId?: string;
  /** The bytes that were asked for; undefined for all of them. */
  readonly range?: ByteRange;
  /** Only when a part was asked for. */
  readonly partsCount?: number;
  /** What describes the bytes, when they are sealed. */
  readonly sealed?: string;
  /** As far as the caller may see it. */
  readonly lock?: ObjectLock;
}

export interface BytesAnswer extends ReadAnswer {
  /** How many bytes come: of the range, or of the whole version. */
  readonly sizeBytes: number;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** Gives up the bytes. Idempotent; needed when they are not read to their end. */
  cancel(): void;
}

export async function getObject(s3: S3Service, call: S3Call, input: ReadInput): Promise<BytesAnswer> {
  const answer = await openObject(s3, call, input);
  const disturbances = s3.disturbances.active;
  if (disturbances === undefined) return answer;
  return { ...answer, body: disturbances.spoil({ ...input, operation: "GetObject" }, answer.body) };
}

async function openObject(s3: S3Service, call: S3Call, input: ReadInput): Promise<BytesAnswer> {
  const { bucket, version } = locate(s3, call, "GetObject", input);
  const answer = judge(s3, call, bucket, version, input);
  refuseArchived(call, version);
  if (wantsSealed(call, version, input)) {
    const sealed = sealedAnswer(s3, bucket, answer, input);
    const stored = findStoredBytes(s3, version, indexOfPart(input));
    return { ...sealed, sizeBytes: stored.sizeBytes, body: stored.body, cancel: () => stored.release() };
  }
  const { range } = answer;
  const sizeBytes = range === undefined ? version.sizeBytes : range.lastByte - range.firstByte + 1;
  // Found before KMS is asked: what is deleted meanwhile is still read whole.
  const bytes = findBytes(s3, version, range);
  try {
    const dataKey = await openDataKey(s3, call, bucket, version, input.customerKey);
    return { ...answer, sizeBytes, body: bytes.read(dataKey), cancel: () => bytes.release() };
  } catch (error) {
    bytes.release();
    throw error;
  }
}

/** Like `getObject` without the bytes; KMS is not asked, as S3 does not ask it. */
export function headObject(s3: S3Service, call: S3Call, input: ReadInput): ReadAnswer {
  const { bucket, version } = locate(s3, call, "HeadObject", input);
  // Replication has no customer's key and needs none to learn what there is to move.
  if (!isReplicator(call) || input.customerKey !== undefined) checkCustomerKey(version, input.customerKey);
  const answer = judge(s3, call, bucket, version, input);
  return wantsSealed(call, version, input) ? sealedAnswer(s3, bucket, answer, input) : answer;
}

function wantsSealed(call: S3Call, version: StoredVersion, input: ReadInput): boolean {
  return input.sealed === true && version.encryption.kind === "SSE-C" && isReplicator(call);
}

/** Sealed bytes are no range of the object, so none is told. */
function sealedAnswer(s3: S3Service, bucket: Bucket, answer: ReadAnswer, input: ReadInput): ReadAnswer {
  if (input.range !== undefined) throw invalidRequest("Sealed bytes are read whole, or part by part.");
  const { range: _range, ...rest } = answer;
  return { ...rest, sealed: describeStored(s3, bucket, answer.version, indexOfPart(input)) };
}

function indexOfPart({ partNumber }: ReadInput): number | undefined {
  return partNumber === undefined ? undefined : partNumber - 1;
}

/**
 * Finds the version that a read means and checks that the caller may read it.
 *
 * @param context condition keys of this operation
 * @throws ServiceError AccessDenied; NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker
 */
export function locate(
  s3: S3Service,
  call: S3Call,
  operation: S3Operation,
  input: Pick<ReadInput, "bucket" | "key" | "versionId">,
  context?: RequestContext,
): { readonly bucket: Bucket; readonly version: StoredVersion } {
  const bucket = requireBucket(s3, input.bucket);
  const { key, versionId } = input;
  if (versionId !== undefined && !isVersionId(versionId)) throw badVersionId(versionId);
  const version = wantedVersion(s3.database.committed, bucket.id, key, versionId);
  authorise(s3, call, operation, {
    bucket,
    key,
    ...(versionId === undefined ? {} : { versionId }),
    ...existing(version),
    ...(context === undefined ? {} : { context }),
  });
  if (version !== undefined && !version.isMarker) return { bucket, version };
  // Who may not list the bucket is not told what is there.
  if (!mayList(s3, call, bucket)) throw s3Error("AccessDenied");
  if (version === undefined) throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
  const headers = {
    "x-amz-delete-marker": "true",
    "x-amz-version-id": version.versionId,
    "last-modified": new Date(version.modifiedMs).toUTCString(),
  };
  if (versionId === undefined) throw s3Error("NoSuchKey", { details: { Key: key }, headers });
  throw s3Error("MethodNotAllowed", {
    details: { Method: "GET", ResourceType: "DeleteMarker" },
    headers: { ...headers, allow: "DELETE" },
  });
}

export function noSuchKey(key: string): Error {
  return s3Error("NoSuchKey", { details: { Key: key } });
}

export function noSuchVersion(key: string, versionId: string): Error {
  return s3Error("NoSuchVersion", { details: { Key: key, VersionId: versionId } });
}

export function badVersionId(versionId: string): Error {
  return invalidArgument("versionId", versionId, "Invalid version id specified");
}

/** What `x-amz-version-id` says of a version that is read. */
export function shownVersionId(bucket: Bucket, version: Pick<StoredVersion, "versionId">): string | undefined {
  return bucket.versioning === "" && version.versionId === NULL_VERSION ? undefined : version.versionId;
}

function judge(s3: S3Service, call: S3Call, bucket: Bucket, version: StoredVersion, input: ReadInput): ReadAnswer {
  if (input.conditions !== undefined) checkReadConditions(version, input.conditions);
  if (input.partNumber !== undefined && input.range !== undefined) {
    throw s3Error("InvalidRequest", { message: "Cannot specify both Range header and partNumber query parameter" });
  }
  const shown = shownVersionId(bucket, version);
  const answer = {
    version,
    ...(shown === undefined ? {} : { shownVersionId: shown }),
    ...(version.lock === undefined ? {} : { lock: visibleLock(s3, call, bucket, version) }),
  };
  if (input.partNumber !== undefined) return { ...answer, ...partOf(s3, version, input.partNumber) };
  const range = input.range === undefined ? undefined : parseRange(input.range, version.sizeBytes);
  return range === undefined ? answer : { ...answer, range };
}

/** Where a part lies in the object, by the sizes it was uploaded with. */
function partOf(s3: S3Service, version: StoredVersion, partNumber: number): Pick<ReadAnswer, "range" | "partsCount"> {
  const partsCount = version.partCount;
  if (version.upload === undefined || partsCount === undefined) {
    if (partNumber !== 1) throw unsatisfiablePart(partNumber, 1);
    return version.sizeBytes === 0 ? {} : { range: { firstByte: 0, lastByte: version.sizeBytes - 1 } };
  }
  // Parts are counted as S3 counts them: by their place in the object, whatever numbers they were uploaded with.
  const sizes = s3.database.committed
    .prepare("SELECT size FROM s3_parts WHERE upload = ? ORDER BY number")
    .all(version.upload)
    .map((row) => Number(row["size"]));
  const size = sizes[partNumber - 1];
  if (size === undefined) throw unsatisfiablePart(partNumber, partsCount);
  const firstByte = sizes.slice(0, partNumber - 1).reduce((sum, one) => sum + one, 0);
  return { ...(size === 0 ? {} : { range: { firstByte, lastByte: firstByte + size - 1 } }), partsCount };
}

function unsatisfiablePart(partNumber: number, partsCount: number): Error {
  return s3Error("InvalidPartNumber", {
    details: { PartNumberRequested: String(partNumber), ActualPartCount: String(partsCount) },
  });
}
