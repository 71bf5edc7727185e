/**
 * The table of versions: find, add, replace, remove. SQL lives here; rules of S3 (what a DELETE does, what is taken
 * by replication) live with the operations. Listings have a file of their own (`listing.ts`).
 *
 * Invariant, kept by `insertVersion` and `removeVersion`: of the versions of a key exactly the one with the greatest
 * place has `is_latest`.
 */
import type { AccessControlList, Encryption, ReplicationStatus, Tag } from "../../core/model.ts";
import type { Connection, Row, SqlValue } from "../../ledger/database.ts";
import type { Checksums, ObjectMetadata } from "../../s3/store.ts";
import type { ArchiveState } from "./archive.ts";
import type { ObjectLock } from "./object-lock.ts";
import { NULL_VERSION, placeOfVersionId } from "./version-id.ts";

/** A row of `s3_versions`. */
export interface StoredVersion {
  readonly bucketId: number;
  readonly key: string;
  readonly place: number;
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly isMarker: boolean;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedMs: number;
  readonly storageClass: string;
  readonly encryption: Encryption;
  /** The data key as KMS, the lab or the customer's key wrapped it; markers have none, and listings leave it out. */
  readonly wrappedKey?: Uint8Array;
  readonly bodyId?: number;
  /** Whether the body is a blob; else it is in `s3_bodies`. */
  readonly inFile: boolean;
  /** The upload whose parts are the body. */
  readonly upload?: string;
  readonly partCount?: number;
  readonly checksums?: Checksums;
  readonly metadata: StoredMetadata;
  readonly tags: readonly Tag[];
  /** What protects the version; undefined when nothing ever did. */
  readonly lock?: ObjectLock;
  /** Whether Lifecycle made the marker. */
  readonly byLifecycle?: boolean;
  /** Whether replication wrote it. */
  readonly isReplica: boolean;
  /** As it is shown. */
  readonly replicationStatus?: ReplicationStatus;
  /** Status by destination ARN, for versions that rules took. */
  readonly destinations?: Readonly<Record<string, ReplicationStatus>>;
  /** Owner and grants, where they are not the bucket owner's alone. They sleep while ACLs are disabled. */
  readonly acl?: AccessControlList;
}

export interface StoredMetadata extends ObjectMetadata {
  /** Base64 MD5 of the customer's key, with SSE-C. */
  readonly customerKeyMd5?: string;
  /** Only with SSE-C. */
  readonly sealing?: Sealing;
  /** Only when there is something to say: see `archive.ts`. */
  readonly archive?: ArchiveState;
  /** What the customer added to the encryption context, with KMS. */
  readonly kmsContext?: Readonly<Record<string, string>>;
}

/** What is known of sealed bytes besides their key: `sealed.ts` moves them without opening them. */
export interface Sealing {
  /** What the wrapped key is bound to, when it was wrapped for another bucket's object. */
  readonly keyContext?: string;
  /** The body id that the frames are numbered under, when they were sealed as another body. */
  readonly frameId?: number;
  /** Of the stored bytes, in base64; the parts of a version have one each. */
  readonly sha256?: string;
}

/** What a new row has; whether it is the latest follows from its place. */
export type NewVersion = Omit<StoredVersion, "isLatest">;

export const NO_METADATA: StoredMetadata = { contentHeaders: {}, userMetadata: {} };
/** The columns that `versionOfRow` reads, for who needs the bytes and for who does not. */
const NO_TAGS: readonly Tag[] = [];

export const VERSION_COLUMNS = "key, place, version_id, is_latest, is_marker, wrapped_key, details";
export const LISTED_COLUMNS = "key, place, version_id, is_latest, is_marker, details";

const FIND_FOREIGN = `SELECT ${VERSION_COLUMNS} FROM s3_versions WHERE bucket_id = ? AND key = ? AND version_id = ? AND foreign_id = 1`;
const FIND_OWN = `SELECT ${VERSION_COLUMNS} FROM s3_versions WHERE bucket_id = ? AND key = ? AND place = ? AND version_id = ?`;

/** The latest version of a key, marker or not. */
export function latestVersion(connection: Connection, bucketId: number, key: string): StoredVersion | undefined {
  const row = connection
    .prepare(`SELECT ${VERSION_COLUMNS} FROM s3_versions WHERE bucket_id = ? AND key = ? ORDER BY place DESC LIMIT 1`)
    .get(bucketId, key);
  return row === undefined ? undefined : versionOfRow(bucketId, row);
}

export function findVersion(
  connection: Connection,
  bucketId: number,
  key: string,
  versionId: string,
): StoredVersion | undefined {
  const place = placeOfVersionId(versionId);
  const row =
    place === undefined
      ? connection.prepare(FIND_FOREIGN).get(bucketId, key, versionId)
      : connection.prepare(FIND_OWN).get(bucketId, key, place, versionId);
  return row === undefined ? undefined : versionOfRow(bucketId, row);
}

/** The version that a request means: the named one, or the latest. */
export function wantedVersion(
  connection: Connection,
  bucketId: number,
  key: string,
  versionId: string | undefined,
): StoredVersion | undefined {
  return versionId === undefined
    ? latestVersion(connection, bucketId, key)
    : findVersion(connection, bucketId, key, versionId);
}

/** Adds a version; there must be none with its id. */
export function insertVersion(connection: Connection, version: NewVersion): StoredVersion {
  const before = connection
    .prepare("SELECT place, version_id FROM s3_versions WHERE bucket_id = ? AND key = ? ORDER BY place DESC LIMIT 1")
    .get(version.bucketId, version.key);
  const isLatest = before === undefined || isBefore(before, version);
  if (before !== undefined && isLatest) markLatest(connection, version, before, 0);
  connection.prepare(INSERT).run(...valuesOf(version, isLatest));
  return { ...version, isLatest };
}

/** Removes a version and lets the next one be the latest. */
export function removeVersion(connection: Connection, version: StoredVersion): void {
  connection
    .prepare("DELETE FROM s3_versions WHERE bucket_id = ? AND key = ? AND place = ? AND version_id = ?")
    .run(version.bucketId, version.key, version.place, version.versionId);
  if (!version.isLatest) return;
  const next = connection
    .prepare("SELECT place, version_id FROM s3_versions WHERE bucket_id = ? AND key = ? ORDER BY place DESC LIMIT 1")
    .get(version.bucketId, version.key);
  if (next !== undefined) markLatest(connection, version, next, 1);
}

/**
 * Removes a version with the bytes that only it names.
 *
 * @returns the blobs that were its body: to be removed after the commit
 */
export function dropVersion(connection: Connection, version: StoredVersion): number[] {
  removeVersion(connection, version);
  return dropBytes(connection, version);
}

/** Removes the bytes of a version that is about to get others. Returns blobs, as `dropVersion` does. */
export function dropBytes(connection: Connection, version: StoredVersion): number[] {
  if (version.upload !== undefined) return dropParts(connection, version.upload);
  return dropBody(connection, version.bodyId, version.inFile);
}

/** Removes an inline body; a blob is named for the caller. */
export function dropBody(connection: Connection, bodyId: number | undefined, inFile: boolean): number[] {
  if (bodyId === undefined) return [];
  if (inFile) return [bodyId];
  connection.prepare("DELETE FROM s3_bodies WHERE id = ?").run(bodyId);
  return [];
}

/** Removes the parts of an upload, or of the version that it became. */
export function dropParts(connection: Connection, upload: string): number[] {
  const rows = connection.prepare("SELECT body_id, in_file FROM s3_parts WHERE upload = ?").all(upload);
  connection.prepare("DELETE FROM s3_parts WHERE upload = ?").run(upload);
  return rows.flatMap((row) => dropBody(connection, Number(row["body_id"]), row["in_file"] === 1));
}

/** Replaces everything but the identity of a version. */
export function updateVersion(connection: Connection, version: StoredVersion): void {
  const [bucketId = null, key = null, place = null, versionId = null, , ...rest] = valuesOf(version, version.isLatest);
  connection.prepare(UPDATE).run(...rest, bucketId, key, place, versionId);
}

/** Whether the bucket has any version, marker included. */
export function hasVersions(connection: Connection, bucketId: number): boolean {
  return connection.prepare("SELECT 1 FROM s3_versions WHERE bucket_id = ? LIMIT 1").get(bucketId) !== undefined;
}

/** Equal places are ordered by id, as the primary key does: the smaller id is the newer one. */
function isBefore(row: Row, version: NewVersion): boolean {
  const place = Number(row["place"]);
  return place < version.place || (place === version.place && String(row["version_id"]) > version.versionId);
}

function markLatest(
  connection: Connection,
  { bucketId, key }: Pick<StoredVersion, "bucketId" | "key">,
  row: Row,
  isLatest: 0 | 1,
): void {
  connection
    .prepare("UPDATE s3_versions SET is_latest = ? WHERE bucket_id = ? AND key = ? AND place = ? AND version_id = ?")
    .run(isLatest, bucketId, key, row["place"] ?? null, row["version_id"] ?? null);
}

const INSERT = "INSERT INTO s3_versions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const UPDATE =
  "UPDATE s3_versions SET is_latest = ?, is_marker = ?, file_id = ?, wrapped_key = ?, details = ? WHERE bucket_id = ? AND key = ? AND place = ? AND version_id = ?";

function valuesOf(version: NewVersion, isLatest: boolean): SqlValue[] {
  const { bucketId, key, place, versionId, isMarker, wrappedKey, inFile, bodyId } = version;
  return [
    bucketId,
    key,
    place,
    versionId,
    isForeign(versionId) ? 1 : 0,
    isLatest ? 1 : 0,
    isMarker ? 1 : 0,
    inFile ? (bodyId ?? null) : null,
    wrappedKey ?? null,
    JSON.stringify(detailsOf(version)),
  ];
}

function isForeign(versionId: string): boolean {
  return versionId === NULL_VERSION || placeOfVersionId(versionId) === undefined;
}

/**
 * The column `details`: an array, which is read in a tenth of the time of the object that it stands for; null for what
 * is not there. Only ever append.
 */
type Details = readonly [
  sizeBytes: number,
  etag: string,
  modifiedMs: number,
  storageClass: string,
  kind: Encryption["kind"],
  kmsKeyArn: string | null,
  bucketKey: boolean,
  bodyId: number | null,
  inFile: boolean,
  upload: string | null,
  partCount: number | null,
  checksums: Checksums | null,
  metadata: StoredMetadata | null,
  tags: readonly Tag[] | null,
  isReplica: boolean,
  replicationStatus: ReplicationStatus | null,
  destinations: Readonly<Record<string, ReplicationStatus>> | null,
  lock?: ObjectLock | null,
  byLifecycle?: boolean,
  acl?: AccessControlList | null,
];

function detailsOf(version: NewVersion): Details {
  const { encryption, metadata, tags } = version;
  return [
    version.sizeBytes,
    version.etag,
    version.modifiedMs,
    version.storageClass,
    encryption.kind,
    encryption.kmsKeyArn ?? null,
    encryption.bucketKey === true,
    version.bodyId ?? null,
    version.inFile,
    version.upload ?? null,
    version.partCount ?? null,
    version.checksums ?? null,
    metadata === NO_METADATA ? null : metadata,
    tags.length === 0 ? null : tags,
    version.isReplica,
    version.replicationStatus ?? null,
    version.destinations ?? null,
    version.lock ?? null,
    version.byLifecycle === true,
    version.acl ?? null,
  ];
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** @param row with `VERSION_COLUMNS` or `LISTED_COLUMNS` */
export function versionOfRow(bucketId: number, row: Row): StoredVersion {
  const details = JSON.parse(row["details"] as string) as Details;
  const [, , , , kind, kmsKeyArn, bucketKey, bodyId, , upload, partCount, checksums, , , , status, destinations] =
    details;
  const version: Writable<StoredVersion> = {
    bucketId,
    key: row["key"] as string,
    place: row["place"] as number,
    versionId: row["version_id"] as string,
    isLatest: row["is_latest"] === 1,
    isMarker: row["is_marker"] === 1,
    sizeBytes: details[0],
    etag: details[1],
    modifiedMs: details[2],
    storageClass: details[3],
    encryption: kmsKeyArn === null ? { kind } : { kind, kmsKeyArn, bucketKey },
    inFile: details[8],
    metadata: details[12] ?? NO_METADATA,
    tags: details[13] ?? NO_TAGS,
    isReplica: details[14],
  };
  // Assigned one by one: most versions have few of these, and a row is read for every request.
  const wrappedKey = row["wrapped_key"];
  if (wrappedKey instanceof Uint8Array) version.wrappedKey = wrappedKey;
  if (bodyId !== null) version.bodyId = bodyId;
  if (upload !== null) version.upload = upload;
  if (partCount !== null) version.partCount = partCount;
  if (checksums !== null) version.checksums = checksums;
  if (status !== null) version.replicationStatus = status;
  if (destinations !== null) version.destinations = destinations;
  const lock = details[17];
  if (lock !== null && lock !== undefined) version.lock = lock;
  if (details[18] === true) version.byLifecycle = true;
  const acl = details[19];
  if (acl !== null && acl !== undefined) version.acl = acl;
  return version;
}
