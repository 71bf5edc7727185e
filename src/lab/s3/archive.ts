/**
 * Archived versions: those of GLACIER and DEEP_ARCHIVE, and those of INTELLIGENT_TIERING in one of its archive tiers. They
 * cannot be read before they are restored, and replication cannot read them at all.
 *
 * RestoreObject makes a copy of the first for some days, and the class stays as it is; of the second it ends the archive
 * tier. On AWS that takes minutes to days; here it is done at once. How far a tier is gone is set by the lab's own
 * calls, for nothing here ages by itself.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html; aws-replication.md §2 rows 9, 10
 */
import { isReplicator, type S3Call } from "./call.ts";
import { invalidRequest, s3Error } from "./errors.ts";
import { locate, type ReadInput } from "./read.ts";
import type { S3Service } from "./service.ts";
import { findVersion, type StoredVersion, updateVersion } from "./versions.ts";

/** What is known of an archived version. */
export interface ArchiveState {
  /** The tier of INTELLIGENT_TIERING that it is in. */
  readonly status?: ArchiveStatus;
  /** Until when its restored copy is there. */
  readonly restoredUntilMs?: number;
}

export type ArchiveStatus = "ARCHIVE_ACCESS" | "DEEP_ARCHIVE_ACCESS";

const ARCHIVED: ReadonlySet<string> = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/** @throws ServiceError InvalidObjectState when the version would have to be restored first */
export function refuseArchived(call: S3Call, { storageClass, metadata }: StoredVersion): void {
  const { archive } = metadata;
  const isArchived = ARCHIVED.has(storageClass);
  if (!isArchived && archive?.status === undefined) return;
  if (isArchived && isRestored(archive, call.nowMs) && !isReplicator(call)) return;
  throw s3Error("InvalidObjectState", {
    details: {
      StorageClass: storageClass,
      ...(archive?.status === undefined ? {} : { AccessTier: archive.status }),
    },
  });
}

export interface RestoreInput extends Pick<ReadInput, "bucket" | "key" | "versionId"> {
  /** How long the copy stays; only with GLACIER and DEEP_ARCHIVE. */
  readonly days?: number;
}

/** Resolves with whether a copy was there already, whose end is then moved. @throws ServiceError */
export async function restoreObject(s3: S3Service, call: S3Call, input: RestoreInput): Promise<boolean> {
  const { bucket, version } = locate(s3, call, "RestoreObject", input);
  const isArchived = ARCHIVED.has(version.storageClass);
  if (!isArchived && version.metadata.archive?.status === undefined) {
    throw s3Error("InvalidObjectState", {
      message: "Restore is not allowed for the object's current storage class",
      details: { StorageClass: version.storageClass },
    });
  }
  const { days } = input;
  if (isArchived && (days === undefined || !Number.isInteger(days) || days < 1)) throw s3Error("MalformedXML");
  if (!isArchived && days !== undefined) {
    throw invalidRequest("Days must not be specified for objects in the INTELLIGENT_TIERING storage class");
  }
  const archive: ArchiveState | undefined =
    days === undefined ? undefined : { restoredUntilMs: endOfCopy(call.nowMs, days) };
  await s3.database.write((connection) => {
    const now = findVersion(connection, bucket.id, version.key, version.versionId);
    if (now !== undefined) updateVersion(connection, withArchive(now, archive));
  });
  return isArchived && isRestored(version.metadata.archive, call.nowMs);
}

/** Puts a version into an archive tier, or takes it out. @throws ServiceError for other classes */
export function archiveVersion(version: StoredVersion, status: ArchiveStatus | undefined): StoredVersion {
  if (version.storageClass !== "INTELLIGENT_TIERING") {
    throw invalidRequest("only versions of the class INTELLIGENT_TIERING have archive tiers");
  }
  return withArchive(version, status === undefined ? undefined : { status });
}

/** The headers that tell of it in answers to reads. */
export function archiveHeaders({ status, restoredUntilMs }: ArchiveState, nowMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  if (status !== undefined) headers["x-amz-archive-status"] = status;
  if (restoredUntilMs !== undefined && restoredUntilMs > nowMs) {
    headers["x-amz-restore"] = `ongoing-request="false", expiry-date="${new Date(restoredUntilMs).toUTCString()}"`;
  }
  return headers;
}

function isRestored(archive: ArchiveState | undefined, nowMs: number): boolean {
  return archive?.restoredUntilMs !== undefined && archive.restoredUntilMs > nowMs;
}

const DAY_MS = 24 * 3_600_000;

/** S3 rounds the end up to the next midnight UTC. */
function endOfCopy(nowMs: number, days: number): number {
  return Math.ceil((nowMs + days * DAY_MS) / DAY_MS) * DAY_MS;
}

function withArchive(version: StoredVersion, archive: ArchiveState | undefined): StoredVersion {
  const { archive: _before, ...metadata } = version.metadata;
  return { ...version, metadata: archive === undefined ? metadata : { ...metadata, archive } };
}
