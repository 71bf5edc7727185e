/** Changes of a version that leave its bytes as they are: one transaction, and replication is asked in it. */
import { mayList, requireBucket } from "./access.ts";
import type { Bucket } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import type { EventName } from "./events/configuration.ts";
import { addEvent, announceEvents, originOf } from "./events/outbox.ts";
import { badVersionId, noSuchKey, noSuchVersion, shownVersionId } from "./read.ts";
import { admitMetadata, announceChange, type MetadataOperation } from "./replication.ts";
import type { S3Service } from "./service.ts";
import { isVersionId } from "./version-id.ts";
import { type StoredVersion, updateVersion, wantedVersion } from "./versions.ts";

export interface VersionInput {
  readonly bucket: string;
  readonly key: string;
  /** Undefined: the current version. */
  readonly versionId?: string;
}

/** The version that is to be changed, as it was seen before the caller was judged. */
export interface Wanted {
  readonly bucket: Bucket;
  readonly key: string;
  readonly versionId?: string;
  readonly seen?: StoredVersion;
}

export interface ChangedVersion {
  readonly version: StoredVersion;
  readonly shownVersionId?: string;
}

/** @throws ServiceError NoSuchBucket, InvalidArgument */
export function findWanted(s3: S3Service, input: VersionInput): Wanted {
  const bucket = requireBucket(s3, input.bucket);
  const { key, versionId } = input;
  if (versionId !== undefined && !isVersionId(versionId)) throw badVersionId(versionId);
  const seen = wantedVersion(s3.database.committed, bucket.id, key, versionId);
  return {
    bucket,
    key,
    ...(versionId === undefined ? {} : { versionId }),
    ...(seen === undefined ? {} : { seen }),
  };
}

/**
 * Changes a version for a caller who was found to be allowed to. Users' changes follow the version to its replicas; what
 * replication writes does not enter replication again.
 *
 * @param change sees the version as the transaction does; what it throws is thrown, and nothing is changed
 * @param event what notifications call the change, where they tell of it
 * @throws ServiceError NoSuchKey, NoSuchVersion, AccessDenied where the caller may not know; MethodNotAllowed for a marker
 */
export async function changeMetadata(
  s3: S3Service,
  call: S3Call,
  wanted: Wanted,
  operation: MetadataOperation,
  change: (version: StoredVersion) => StoredVersion,
  event?: EventName,
): Promise<ChangedVersion> {
  const { bucket, key, versionId } = wanted;
  // Replication works inside S3: it is told what is not there, whatever its role may list.
  const listable = wanted.seen !== undefined || isReplicator(call) || mayList(s3, call, bucket);
  const { changed, isTaken, now } = await s3.database.write((connection) => {
    const now = s3.buckets.current(connection, bucket);
    const before = wantedVersion(connection, bucket.id, key, versionId);
    if (before === undefined && !listable) throw s3Error("AccessDenied");
    if (before === undefined) throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
    if (before.isMarker) {
      throw s3Error("MethodNotAllowed", {
        details: { ResourceType: "DeleteMarker" },
        headers: { "x-amz-delete-marker": "true" },
      });
    }
    const after = change(before);
    const version = isReplicator(call) ? after : admitMetadata(connection, now, after, operation, call.nowMs);
    updateVersion(connection, version);
    if (event !== undefined) {
      const told = { name: event, key, versionId: version.versionId, etag: version.etag };
      addEvent(s3, connection, now, told, originOf(call));
    }
    const shown = shownVersionId(now, version);
    return {
      changed: { version, ...(shown === undefined ? {} : { shownVersionId: shown }) },
      isTaken: version !== after,
      now,
    };
  });
  if (isTaken) announceChange(s3);
  if (event !== undefined) announceEvents(s3, now);
  return changed;
}
