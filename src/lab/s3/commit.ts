/**
 * Adds a version to a key: the one transaction in which PutObject, CopyObject and CompleteMultipartUpload end.
 *
 * In it the bucket is looked at again, conditions are decided, the version gets its id and place, a `null` version
 * is replaced, the rules of replication are asked, and the outbox is written.
 */
import { createHash } from "node:crypto";
import type { AccessControlList, Encryption, ReplicationStatus, Tag } from "../../core/model.ts";
import type { Connection } from "../../ledger/database.ts";
import type { Checksums, ReplicaIdentity } from "../../s3/store.ts";
import type { Bucket } from "./bucket.ts";
import type { S3Call } from "./call.ts";
import { checkWriteConditions, type WriteConditions } from "./conditions.ts";
import type { SealingKey } from "./encryption.ts";
import { invalidRequest, s3Error } from "./errors.ts";
import type { EventName } from "./events/configuration.ts";
import { addEvent, announceEvents, originOf } from "./events/outbox.ts";
import { lockOfNew, lockOfRewritten, type ObjectLock, requireUnprotected } from "./object-lock.ts";
import { admitNew, announceChange, isOnItsWayBack } from "./replication.ts";
import type { S3Service } from "./service.ts";
import { mintVersionId, NULL_VERSION, placeOfTime, placeOfVersionId } from "./version-id.ts";
import {
  dropBytes,
  dropVersion,
  findVersion,
  insertVersion,
  latestVersion,
  type NewVersion,
  type StoredMetadata,
  type StoredVersion,
  updateVersion,
} from "./versions.ts";

/** A version whose bytes are in place and that has no name yet. */
export interface Content {
  readonly key: string;
  readonly sizeBytes: number;
  /** Hex; for KMS the etag is made of it, for others it is the etag. Multipart objects carry their part count. */
  readonly digest: string;
  /** In place of what would follow from the digest. */
  readonly etag?: string;
  readonly body:
    | { readonly bodyId: number; readonly inFile: boolean }
    | { readonly upload: string; readonly partCount: number };
  readonly sealing: Pick<SealingKey, "encryption" | "wrappedKey">;
  readonly storageClass: string;
  readonly checksums: Checksums;
  readonly metadata: StoredMetadata;
  readonly tags: readonly Tag[];
  /** Where it is not the bucket owner's alone. */
  readonly acl?: AccessControlList;
  /** What the request said; the bucket's default is added when the version is made. */
  readonly lock?: ObjectLock;
  readonly modifiedMs: number;
  /** Puts what belongs to the bytes into its tables. */
  store(connection: Connection): void;
  /** In place of `store`, when the bytes turn out not to be needed. Returns blobs that nothing names any more. */
  drop(connection: Connection): number[];
}

export interface CommitOptions {
  /** What notifications call the write. */
  readonly event: Extract<EventName, `ObjectCreated:${string}`>;
  readonly conditions?: WriteConditions;
  /** Only from callers that may say so. */
  readonly replica?: ReplicaIdentity;
}

export interface Committed {
  readonly version: StoredVersion;
  /** What the answer's `x-amz-version-id` says; undefined in buckets that were never versioned. */
  readonly shownVersionId?: string;
}

/** Resolves when the version is durable. @throws ServiceError; nothing is written then */
export async function commitVersion(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  content: Content,
  options: CommitOptions,
): Promise<Committed> {
  const place = s3.sequence.next(call.nowMs);
  const { version, freed, now } = await s3.database.write((connection) => {
    const current = s3.buckets.current(connection, bucket);
    const requireRoom = s3.quotas.watch(connection, bucket.id);
    if (options.conditions !== undefined) {
      checkWriteConditions(latestVersion(connection, bucket.id, content.key), options.conditions, content.key);
    }
    const written =
      options.replica === undefined
        ? writeOriginal(s3, connection, current, content, { place, nowMs: call.nowMs })
        : writeReplica(connection, current, content, { ...options.replica, place, nowMs: call.nowMs });
    requireRoom?.();
    const { key, versionId, sizeBytes, etag } = written.version;
    const event = { name: options.event, key, versionId, sizeBytes, etag, place };
    addEvent(s3, connection, current, event, originOf(call));
    return { ...written, now: current };
  });
  s3.blobs.remove(freed);
  if (version.destinations !== undefined) announceChange(s3);
  announceEvents(s3, now);
  return { version, ...(now.versioning === "" ? {} : { shownVersionId: version.versionId }) };
}

/** What a transaction did: the version that is there now, and blobs that nothing names any more. */
interface Written {
  readonly version: StoredVersion;
  readonly freed: readonly number[];
}

function writeOriginal(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  content: Content,
  { place, nowMs }: { readonly place: number; readonly nowMs: number },
): Written {
  const versionId = bucket.versioning === "Enabled" ? mintVersionId(place, s3.flavour.now.versionIds) : NULL_VERSION;
  const freed = versionId === NULL_VERSION ? dropNullVersion(connection, bucket, content.key) : [];
  content.store(connection);
  const fresh = newVersion(bucket, content, { versionId, place, isReplica: false, modifiedMs: content.modifiedMs });
  const admission = admitNew(connection, bucket, fresh, "put", nowMs);
  return { version: insertVersion(connection, { ...fresh, ...admission }), freed };
}

/**
 * Writes the very version that the source has. Idempotent, and a replica that was damaged or is another one is repaired
 * by it. A version that is an original here is never overwritten.
 *
 * @source aws-replication.md §0.2, §5.4
 */
function writeReplica(connection: Connection, bucket: Bucket, content: Content, replica: NewReplica): Written {
  requireVersioning(bucket);
  const { place, modifiedMs } = placeOfReplica(replica);
  const identity = { versionId: replica.versionId, place, isReplica: true, modifiedMs };
  const fresh = newVersion(bucket, content, identity);
  const before = findVersion(connection, bucket.id, content.key, replica.versionId);
  if (before === undefined) {
    content.store(connection);
    return { version: insertVersion(connection, { ...fresh, replicationStatus: "REPLICA" }), freed: [] };
  }
  if (!before.isReplica && before.versionId !== NULL_VERSION) {
    if (hasSameContent(before, fresh)) return { version: before, freed: content.drop(connection) };
    throw invalidRequest("The version exists and is not a replica");
  }
  const replicationStatus: ReplicationStatus = before.replicationStatus ?? "REPLICA";
  if (hasSameContent(before, fresh)) {
    // What is here may have been damaged where it lies, so the bytes are taken anew too: that is how it is repaired.
    const freed = dropBytes(connection, before);
    content.store(connection);
    const { bodyId: _body, upload: _upload, partCount: _count, acl: _kept, ...kept } = before;
    const { acl: _sent, ...sent } = fresh;
    // But a change made here that has not reached the source yet is newer than what the source sent.
    const { tags, acl } = isOnItsWayBack(bucket, before) ? before : fresh;
    const lock = lockOfRewritten(before.lock, fresh.lock);
    const version: StoredVersion = {
      ...kept,
      ...sent,
      tags,
      ...(acl === undefined ? {} : { acl }),
      ...(lock === undefined ? {} : { lock }),
      isReplica: true,
      replicationStatus,
    };
    updateVersion(connection, version);
    return { version, freed };
  }
  requireUnprotected(before.lock, replica.nowMs, undefined);
  const freed = dropVersion(connection, before);
  content.store(connection);
  const { destinations } = before;
  const repaired = { ...fresh, replicationStatus, ...(destinations === undefined ? {} : { destinations }) };
  return { version: insertVersion(connection, repaired), freed };
}

/** A replica, and the place and date that it gets where it brings none. */
export type NewReplica = ReplicaIdentity & { readonly place: number; readonly nowMs: number };

/** Where a replica stands among the versions of its key: where its source does, or where its date says, or on top. */
export function placeOfReplica({ versionId, lastModifiedMs, place, nowMs }: NewReplica) {
  const own = lastModifiedMs === undefined ? place : placeOfTime(lastModifiedMs);
  const modifiedMs = Math.floor((lastModifiedMs ?? nowMs) / 1000) * 1000;
  return { place: placeOfVersionId(versionId) ?? own, modifiedMs };
}

/** Replicas go to versioned buckets only. `InvalidBucketState` is what tells this from every other refusal. */
export function requireVersioning(bucket: Bucket): void {
  if (bucket.versioning === "Enabled") return;
  throw s3Error("InvalidBucketState", {
    message: "Versioning must be 'Enabled' on the bucket to receive replicas",
    details: { BucketName: bucket.name },
  });
}

/** Removes the `null` version that a new one takes the place of. */
export function dropNullVersion(connection: Connection, bucket: Bucket, key: string): number[] {
  const before = findVersion(connection, bucket.id, key, NULL_VERSION);
  return before === undefined ? [] : dropVersion(connection, before);
}

function newVersion(
  bucket: Bucket,
  content: Content,
  identity: Pick<NewVersion, "versionId" | "place" | "isReplica" | "modifiedMs">,
): NewVersion {
  const { body, sealing } = content;
  const lock = bucket.objectLock ? lockOfNew(bucket, content.lock, identity.modifiedMs) : undefined;
  return {
    bucketId: bucket.id,
    key: content.key,
    ...identity,
    isMarker: false,
    sizeBytes: content.sizeBytes,
    etag: content.etag ?? etagOf(content, sealing.encryption, identity.versionId),
    storageClass: content.storageClass,
    encryption: sealing.encryption,
    wrappedKey: sealing.wrappedKey,
    ...("upload" in body
      ? { upload: body.upload, partCount: body.partCount, inFile: false }
      : { bodyId: body.bodyId, inFile: body.inFile }),
    checksums: content.checksums,
    metadata: content.metadata,
    tags: content.tags,
    ...(content.acl === undefined ? {} : { acl: content.acl }),
    ...(lock === undefined ? {} : { lock }),
  };
}

/**
 * With KMS and with a customer's key the etag is no MD5 of the bytes. It follows from the MD5 and the version id, so
 * a replica has the etag of its source.
 */
function etagOf(content: Content, encryption: Encryption, versionId: string): string {
  if ("upload" in content.body || isMd5Etag(encryption)) return content.digest;
  return createHash("md5").update(content.digest).update(versionId).digest("hex");
}

/** Whether etags of this kind of encryption are MD5s of the bytes. */
export function isMd5Etag(encryption: Encryption): boolean {
  return encryption.kind === "SSE-S3" || encryption.kind === "NOT-SSE";
}

/** Etags that differ prove nothing; checksums of one kind do, and without them sizes and etags have to be equal. */
function hasSameContent(before: StoredVersion, fresh: NewVersion): boolean {
  if (before.isMarker || before.sizeBytes !== fresh.sizeBytes) return false;
  if (before.checksums !== undefined && before.checksums.type === fresh.checksums?.type) {
    for (const [algorithm, value] of Object.entries(fresh.checksums.values)) {
      const known = (before.checksums.values as Readonly<Record<string, string>>)[algorithm];
      if (known !== undefined) return known === value;
    }
  }
  return before.etag === fresh.etag;
}
