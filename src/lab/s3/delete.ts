/**
 * DeleteObject and DeleteObjects: a delete marker, or the end of a version.
 *
 * Without a version id a versioned bucket gets a marker (a `null` one while versioning is suspended) and an unversioned
 * one loses the object. With one, that version is gone for good, and no replica follows.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html; aws-replication.md §2 rows 13–18
 */
import type { Connection } from "../../ledger/database.ts";
import type { ReplicaIdentity } from "../../s3/store.ts";
import { ServiceError } from "../model.ts";
import { authorise, existing, mayList, requireBucket } from "./access.ts";
import type { Bucket } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { dropNullVersion, type NewReplica, placeOfReplica, requireVersioning } from "./commit.ts";
import { checkWriteConditions } from "./conditions.ts";
import { invalidRequest, s3Error } from "./errors.ts";
import { addEvent, announceEvents, type EventOrigin, originOf } from "./events/outbox.ts";
import { rememberRemovedReplica } from "./initiate.ts";
import { bypassOf, checkBypass } from "./lock-access.ts";
import { type Bypass, requireUnprotected } from "./object-lock.ts";
import { checkKey, wholeSeconds } from "./put.ts";
import { badVersionId } from "./read.ts";
import { admitNew, announceChange } from "./replication.ts";
import type { S3Service } from "./service.ts";
import { untrack } from "./tracking.ts";
import { isVersionId, mintVersionId, NULL_VERSION } from "./version-id.ts";
import {
  dropVersion,
  findVersion,
  insertVersion,
  latestVersion,
  type NewVersion,
  NO_METADATA,
  type StoredVersion,
  wantedVersion,
} from "./versions.ts";

export interface DeleteInput {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  readonly ifMatch?: string;
  /** Whether GOVERNANCE mode is to be bypassed; undefined when the request says nothing of it. */
  readonly bypassGovernance?: boolean;
  /** Ignored unless a service that replicates says it. */
  readonly replica?: ReplicaIdentity;
}

export interface DeleteAnswer {
  /** Of the marker that was made, or of the version that was removed; undefined in unversioned buckets. */
  readonly versionId?: string;
  readonly isMarker: boolean;
}

export async function deleteObject(s3: S3Service, call: S3Call, input: DeleteInput): Promise<DeleteAnswer> {
  const bucket = requireBucket(s3, input.bucket);
  checkBypass(bucket, input.bypassGovernance);
  return deleteFrom(s3, call, "DeleteObject", bucket, input);
}

export interface DeletedKey {
  readonly key: string;
  readonly versionId?: string;
  readonly answer: DeleteAnswer | ServiceError;
}

export const DELETE_OBJECTS_MAX = 1000;

/** Deletes many; each has an outcome of its own. @param keys 1..1000 */
export async function deleteObjects(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  keys: readonly Pick<DeleteInput, "key" | "versionId" | "ifMatch">[],
  { bypassGovernance }: Pick<DeleteInput, "bypassGovernance"> = {},
): Promise<readonly DeletedKey[]> {
  const bucket = requireBucket(s3, bucketName);
  checkBypass(bucket, bypassGovernance);
  if (keys.length === 0 || keys.length > DELETE_OBJECTS_MAX) throw s3Error("MalformedXML");
  return Promise.all(
    keys.map(async ({ key, versionId, ifMatch }): Promise<DeletedKey> => {
      const named = { key, ...(versionId === undefined ? {} : { versionId }) };
      const input = {
        bucket: bucketName,
        ...named,
        ...(ifMatch === undefined ? {} : { ifMatch }),
        ...(bypassGovernance === undefined ? {} : { bypassGovernance }),
      };
      try {
        return { ...named, answer: await deleteFrom(s3, call, "DeleteObjects", bucket, input) };
      } catch (error) {
        if (error instanceof ServiceError) return { ...named, answer: error };
        throw error;
      }
    }),
  );
}

/** What a transaction did. */
export interface Deleted {
  readonly answer: DeleteAnswer;
  readonly freed: readonly number[];
  readonly isTaken: boolean;
  /** Whether there is one version less: a delete of what is not there is no event. */
  readonly isRemoved?: boolean;
}

async function deleteFrom(
  s3: S3Service,
  call: S3Call,
  operation: "DeleteObject" | "DeleteObjects",
  bucket: Bucket,
  input: DeleteInput,
): Promise<DeleteAnswer> {
  const { key, versionId } = input;
  if (versionId !== undefined && !isVersionId(versionId)) throw badVersionId(versionId);
  checkKey(key);
  const replica = isReplicator(call) ? input.replica : undefined;
  const target = { bucket, key, ...(versionId === undefined ? {} : { versionId }) };
  authorise(s3, call, operation, {
    ...target,
    ...(bucket.ownerEnforced ? {} : existing(wantedVersion(s3.database.committed, bucket.id, key, versionId))),
  });
  const bypass = isReplicator(call) ? undefined : bypassOf(s3, call, target, input.bypassGovernance);
  const listable = input.ifMatch === undefined || mayList(s3, call, bucket);
  const at = { place: s3.sequence.next(call.nowMs), nowMs: call.nowMs };
  const { answer, freed, isTaken, now } = await s3.database.write((connection) => {
    const now = s3.buckets.current(connection, bucket);
    if (input.ifMatch !== undefined) checkDeleteCondition(connection, now, input, input.ifMatch, listable);
    const deleted = deleteIn(s3, connection, now, input, { ...at, replica, bypass });
    addDeleteEvent(s3, connection, now, { key, place: at.place, deleted, prefix: "ObjectRemoved" }, originOf(call));
    return { ...deleted, now };
  });
  s3.blobs.remove(freed);
  if (isTaken) announceChange(s3);
  announceEvents(s3, now);
  return answer;
}

function deleteIn(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  { key, versionId }: DeleteInput,
  how: {
    readonly place: number;
    readonly nowMs: number;
    readonly replica: ReplicaIdentity | undefined;
    readonly bypass: Bypass;
  },
): Deleted {
  const { replica, ...rest } = how;
  if (replica !== undefined) return addReplicaMarker(connection, bucket, key, { ...replica, ...rest });
  if (versionId !== undefined) return removeVersionForGood(s3, connection, bucket, { key, versionId }, rest);
  return addMarker(s3, connection, bucket, key, rest);
}

/** The MD5 of nothing: what S3 shows as the etag of a marker in its events. */
const NO_BYTES_ETAG = "d41d8cd98f00b204e9800998ecf8427e";

/** Tells notifications of a delete that did something. */
export function addDeleteEvent(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  event: {
    readonly key: string;
    readonly place: number;
    readonly deleted: Deleted;
    readonly prefix: "ObjectRemoved" | "LifecycleExpiration";
  },
  origin: EventOrigin,
): void {
  const { key, place, deleted, prefix } = event;
  const { versionId, isMarker } = deleted.answer;
  const named = { key, place, ...(versionId === undefined ? {} : { versionId }) };
  if (deleted.isRemoved === true) {
    addEvent(s3, connection, bucket, { name: `${prefix}:Delete`, ...named }, origin);
  } else if (isMarker && deleted.isRemoved === undefined) {
    const marked = { name: `${prefix}:DeleteMarkerCreated` as const, etag: NO_BYTES_ETAG, ...named };
    addEvent(s3, connection, bucket, marked, origin);
  }
}

function checkDeleteCondition(
  connection: Connection,
  bucket: Bucket,
  { key, versionId }: DeleteInput,
  ifMatch: string,
  listable: boolean,
): void {
  const current =
    versionId === undefined
      ? latestVersion(connection, bucket.id, key)
      : findVersion(connection, bucket.id, key, versionId);
  if (current === undefined && !listable) throw s3Error("AccessDenied");
  checkWriteConditions(current, { ifMatch }, key);
}

/** Idempotent: a version that is not there was removed before. @throws ServiceError AccessDenied when it is protected */
function removeVersionForGood(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  { key, versionId }: { readonly key: string; readonly versionId: string },
  { nowMs, bypass }: { readonly nowMs: number; readonly bypass: Bypass },
): Deleted {
  const version = findVersion(connection, bucket.id, key, versionId);
  requireUnprotected(version?.lock, nowMs, bypass);
  const freed = version === undefined ? [] : dropVersion(connection, version);
  if (version?.isReplica === true) rememberRemovedReplica(connection, version);
  if (version !== undefined) untrack(s3, connection, bucket, version, nowMs);
  const answer = { versionId, isMarker: version?.isMarker === true };
  return { answer, freed, isTaken: false, isRemoved: version !== undefined };
}

/** A delete without a version id; in an unversioned bucket the object is gone. */
export function addMarker(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  key: string,
  { place, nowMs, byLifecycle }: { readonly place: number; readonly nowMs: number; readonly byLifecycle?: boolean },
): Deleted {
  if (bucket.versioning === "") {
    const isRemoved = findVersion(connection, bucket.id, key, NULL_VERSION) !== undefined;
    const freed = dropNullVersion(connection, bucket, key);
    return { answer: { isMarker: false }, freed, isTaken: false, isRemoved };
  }
  const versionId = bucket.versioning === "Enabled" ? mintVersionId(place, s3.flavour.now.versionIds) : NULL_VERSION;
  const freed = versionId === NULL_VERSION ? dropNullVersion(connection, bucket, key) : [];
  const made = marker(bucket, key, { versionId, place, isReplica: false, modifiedMs: wholeSeconds(nowMs) });
  const fresh = byLifecycle === true ? { ...made, byLifecycle } : made;
  const admission = admitNew(connection, bucket, fresh, "deleteMarker", nowMs);
  insertVersion(connection, { ...fresh, ...admission });
  return { answer: { versionId, isMarker: true }, freed, isTaken: admission.destinations !== undefined };
}

/** Writes the very marker that the source has. Idempotent. */
function addReplicaMarker(connection: Connection, bucket: Bucket, key: string, replica: NewReplica): Deleted {
  requireVersioning(bucket);
  const { versionId } = replica;
  const answer = { versionId, isMarker: true };
  const before = findVersion(connection, bucket.id, key, versionId);
  if (before?.isMarker === true) return { answer, freed: [], isTaken: false };
  if (before !== undefined) throw invalidRequest("The version exists and is not a delete marker");
  const { place, modifiedMs } = placeOfReplica(replica);
  const fresh = marker(bucket, key, { versionId, place, isReplica: true, modifiedMs });
  insertVersion(connection, { ...fresh, replicationStatus: "REPLICA" });
  return { answer, freed: [], isTaken: false };
}

function marker(
  bucket: Bucket,
  key: string,
  identity: Pick<StoredVersion, "versionId" | "place" | "isReplica" | "modifiedMs">,
): NewVersion {
  return {
    bucketId: bucket.id,
    key,
    ...identity,
    isMarker: true,
    sizeBytes: 0,
    etag: "",
    storageClass: "STANDARD",
    encryption: { kind: "NOT-SSE" },
    inFile: false,
    metadata: NO_METADATA,
    tags: [],
  };
}
