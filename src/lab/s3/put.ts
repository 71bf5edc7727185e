/** PutObject: authorise, take the bytes in, commit. What other writes share with it is exported. */
import type { RequestContext } from "../../core/iam/model.ts";
import type { Encryption, Tag } from "../../core/model.ts";
import { REPLICATION_TAGS_ACTION } from "../../core/plan.ts";
import type { Checksums, ObjectMetadata, ReplicaIdentity } from "../../s3/store.ts";
import { authorise, authoriseAction, requestTagContext, requireBucket } from "./access.ts";
import { type AclWish, aclContext } from "./acl-wish.ts";
import type { Bucket } from "./bucket.ts";
import { type IncomingBody, isReplicator, type S3Call } from "./call.ts";
import { commitVersion, requireVersioning } from "./commit.ts";
import { checkWriteConditions, type WriteConditions } from "./conditions.ts";
import { type EncryptionWish, type KmsContext, makeDataKey, type SealingKey } from "./encryption.ts";
import { invalidArgument, s3Error } from "./errors.ts";
import { admitLock, requireLockDigest } from "./lock-access.ts";
import { lockContext, type ObjectLock } from "./object-lock.ts";
import type { S3Operation } from "./operations.ts";
import { aclOfWrite } from "./ownership.ts";
import { type BodyClaims, type ReceivedBody, receiveBody } from "./receive.ts";
import { describeSealed, openSealedVersion } from "./sealed.ts";
import type { S3Service } from "./service.ts";
import { checkTags } from "./tags.ts";
import { isVersionId } from "./version-id.ts";
import { latestVersion, type StoredMetadata, type StoredVersion } from "./versions.ts";

/** What every write of a version says of it. */
export interface WriteInput {
  readonly bucket: string;
  readonly key: string;
  readonly metadata: ObjectMetadata;
  readonly storageClass?: string;
  readonly encryption: EncryptionWish;
  readonly tags: readonly Tag[];
  readonly acl?: AclWish;
  /** Undefined when the request says nothing of it. */
  readonly lock?: ObjectLock;
  readonly conditions?: WriteConditions;
  /** Ignored unless a service that replicates says it. */
  readonly replica?: ReplicaIdentity;
  /** Condition keys of this kind of write alone. */
  readonly context?: RequestContext;
}

export interface PutInput extends WriteInput {
  readonly claims: BodyClaims;
}

/** What the answer to a write tells. */
export interface WriteAnswer {
  readonly versionId?: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  readonly encryption: Encryption;
  readonly customerKeyMd5?: string;
  readonly kmsContext?: KmsContext;
  readonly checksums?: Checksums;
}

export async function putObject(
  s3: S3Service,
  call: S3Call,
  input: PutInput,
  body: IncomingBody,
): Promise<WriteAnswer> {
  const bucket = requireBucket(s3, input.bucket);
  const replica = admitWrite(s3, call, "PutObject", bucket, input);
  const acl = aclOfWrite(s3, call, bucket, input);
  requireLockDigest(call, bucket, input.lock, input.claims, "Put Object");
  if (input.conditions !== undefined) {
    // Decided for good in the transaction; here to spare the client the upload.
    checkWriteConditions(latestVersion(s3.database.committed, bucket.id, input.key), input.conditions, input.key);
  }
  const sealed = replica?.sealed === undefined ? undefined : openSealedVersion(s3, call, bucket, input.key, replica);
  const sealing = sealed ?? (await makeDataKey(s3, call, bucket, input.key, input.encryption));
  const received = await receiveBody(s3, body, input.claims, bodySealing(sealing, call));
  try {
    const committed = await commitVersion(
      s3,
      call,
      bucket,
      {
        key: input.key,
        ...(sealed === undefined ? describeReceived(received) : describeSealed(sealed, received)),
        body: received,
        sealing,
        storageClass: input.storageClass ?? "STANDARD",
        metadata: storedMetadata(input.metadata, sealing, received),
        tags: input.tags,
        ...(acl === undefined ? {} : { acl }),
        ...(input.lock === undefined ? {} : { lock: input.lock }),
        modifiedMs: wholeSeconds(call.nowMs),
        store: (connection) => received.store(connection),
        drop: () => (received.inFile ? [received.bodyId] : []),
      },
      {
        event: "ObjectCreated:Put",
        ...(input.conditions === undefined ? {} : { conditions: input.conditions }),
        ...(replica === undefined ? {} : { replica }),
      },
    );
    return writeAnswer(committed.version, committed.shownVersionId);
  } catch (error) {
    received.discard();
    throw error;
  }
}

/**
 * Checks and authorises what a write says of its version.
 *
 * @returns the identity of the replica, when the caller may write one and does
 * @throws ServiceError
 */
export function admitWrite(
  s3: S3Service,
  call: S3Call,
  operation: S3Operation,
  bucket: Bucket,
  input: WriteInput,
): ReplicaIdentity | undefined {
  const replica = isReplicator(call) ? input.replica : undefined;
  const target = { bucket, key: input.key, context: writeContext(input, replica, call.nowMs) };
  authorise(s3, call, operation, target);
  if (input.tags.length > 0) {
    authoriseAction(s3, call, isReplicator(call) ? REPLICATION_TAGS_ACTION : "s3:PutObjectTagging", target);
  }
  if (input.lock !== undefined) admitLock(s3, call, target, input.lock);
  checkKey(input.key);
  checkTags(input.tags, "object");
  checkMetadata(input.metadata);
  if (input.storageClass !== undefined && !STORAGE_CLASSES.has(input.storageClass)) {
    throw s3Error("InvalidStorageClass", { details: { StorageClassRequested: input.storageClass } });
  }
  if (replica === undefined) return undefined;
  if (!isVersionId(replica.versionId)) {
    throw invalidArgument("x-amz-version-id", replica.versionId, "Invalid version id specified");
  }
  requireVersioning(bucket);
  return replica;
}

/** Condition keys that a write's own parameters set. */
function writeContext(input: WriteInput, replica: ReplicaIdentity | undefined, nowMs: number): RequestContext {
  const { storageClass, acl, encryption, lock } = input;
  const context: Record<string, string | readonly string[]> = { ...input.context, ...requestTagContext(input.tags) };
  if (acl !== undefined) Object.assign(context, aclContext(acl));
  if (storageClass !== undefined) context["s3:x-amz-storage-class"] = storageClass;
  if (encryption.kind !== undefined) context["s3:x-amz-server-side-encryption"] = SSE_HEADER[encryption.kind];
  if (encryption.kmsKeyId !== undefined) {
    context["s3:x-amz-server-side-encryption-aws-kms-key-id"] = encryption.kmsKeyId;
  }
  if (encryption.customerKey !== undefined || replica?.sealed !== undefined) {
    context["s3:x-amz-server-side-encryption-customer-algorithm"] = "AES256";
  }
  return lock === undefined ? context : { ...context, ...lockContext(lock, nowMs) };
}

/** The value of `x-amz-server-side-encryption`. */
export const SSE_HEADER = { "SSE-S3": "AES256", "SSE-KMS": "aws:kms", "DSSE-KMS": "aws:kms:dsse" } as const;

/** What S3 lets clients write to. */
const STORAGE_CLASSES: ReadonlySet<string> = new Set([
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "GLACIER_IR",
  "DEEP_ARCHIVE",
]);

const KEY_BYTES_MAX = 1024;
const USER_METADATA_BYTES_MAX = 2048;

/** @throws ServiceError KeyTooLongError, InvalidURI */
export function checkKey(key: string): void {
  if (key.includes("\0")) throw s3Error("InvalidURI");
  // One UTF-16 unit is at most three bytes, so short keys need no counting.
  if (key.length * 3 <= KEY_BYTES_MAX) return;
  const size = Buffer.byteLength(key);
  if (size > KEY_BYTES_MAX) {
    throw s3Error("KeyTooLongError", {
      details: { Size: String(size), MaxSizeAllowed: String(KEY_BYTES_MAX) },
    });
  }
}

function checkMetadata({ userMetadata }: ObjectMetadata): void {
  let size = 0;
  for (const name in userMetadata) size += Buffer.byteLength(name) + Buffer.byteLength(userMetadata[name] ?? "");
  if (size > USER_METADATA_BYTES_MAX) {
    throw s3Error("MetadataTooLarge", {
      details: { Size: String(size), MaxSizeAllowed: String(USER_METADATA_BYTES_MAX) },
    });
  }
}

/** What is kept with a version besides what the sender said of it. */
export function storedMetadata(
  metadata: ObjectMetadata,
  { customerKeyMd5, kmsContext, sealing }: Pick<SealingKey, "customerKeyMd5" | "kmsContext" | "sealing">,
  { sealedSha256 }: Pick<ReceivedBody, "sealedSha256"> = {},
): StoredMetadata {
  if (kmsContext !== undefined) return { ...metadata, kmsContext };
  if (customerKeyMd5 === undefined) return metadata;
  const known = sealedSha256 === undefined ? sealing : { ...sealing, sha256: sealedSha256 };
  return { ...metadata, customerKeyMd5, ...(known === undefined ? {} : { sealing: known }) };
}

/** How the body of a write is to be sealed. */
export function bodySealing({ dataKey, customerKeyMd5 }: Pick<SealingKey, "dataKey" | "customerKeyMd5">, call: S3Call) {
  return { dataKey, hashesSealed: customerKeyMd5 !== undefined, nowMs: call.nowMs };
}

function describeReceived({ sizeBytes, md5, checksum }: ReceivedBody) {
  const { algorithm, value } = checksum;
  const checksums: Checksums = { type: "FULL_OBJECT", values: { [algorithm]: value } };
  return { sizeBytes, digest: md5.toString("hex"), checksums };
}

/** S3 keeps no milliseconds of when a version was modified. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

export function writeAnswer(version: StoredVersion, shownVersionId: string | undefined): WriteAnswer {
  const { etag, sizeBytes, modifiedMs, encryption, checksums, metadata } = version;
  return {
    ...(shownVersionId === undefined ? {} : { versionId: shownVersionId }),
    etag,
    sizeBytes,
    modifiedMs,
    encryption,
    ...(checksums === undefined ? {} : { checksums }),
    ...(metadata.customerKeyMd5 === undefined ? {} : { customerKeyMd5: metadata.customerKeyMd5 }),
    ...(metadata.kmsContext === undefined ? {} : { kmsContext: metadata.kmsContext }),
  };
}
