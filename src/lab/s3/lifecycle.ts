/**
 * What Lifecycle does to an object whose time has come. There are no lifecycle rules here: who sets up a case says when.
 *
 * @source aws-replication.md §2 row 17, §3.3
 */
import { randomUUID } from "node:crypto";
import { noSuchBucket } from "./bucket.ts";
import { addDeleteEvent, addMarker, type DeleteAnswer } from "./delete.ts";
import { s3Error } from "./errors.ts";
import { announceEvents, ownOrigin } from "./events/outbox.ts";
import { noSuchKey } from "./read.ts";
import type { S3Service } from "./service.ts";
import { latestVersion } from "./versions.ts";

/**
 * Expires the current version of a key: a delete marker that is never replicated, or, without versioning, its end.
 *
 * @throws ServiceError NoSuchBucket; NoSuchKey when there is no current object; InvalidObjectState while replication has
 *   not settled the version: S3 keeps Lifecycle off versions that are PENDING or FAILED
 */
export async function expireObject(
  s3: S3Service,
  { bucket: name, key }: { readonly bucket: string; readonly key: string },
  nowMs: number,
): Promise<DeleteAnswer> {
  const bucket = s3.buckets.find(name);
  if (bucket === undefined) throw noSuchBucket(name);
  const place = s3.sequence.next(nowMs);
  const { answer, freed, now } = await s3.database.write((connection) => {
    const now = s3.buckets.current(connection, bucket);
    const current = latestVersion(connection, now.id, key);
    if (current === undefined || current.isMarker) throw noSuchKey(key);
    const { replicationStatus: status } = current;
    if (status === "PENDING" || status === "FAILED") {
      throw s3Error("InvalidObjectState", {
        message: `Lifecycle leaves versions alone whose replication is ${status}`,
      });
    }
    const deleted = addMarker(s3, connection, now, key, { place, nowMs, byLifecycle: true });
    const event = { key, place, deleted, prefix: "LifecycleExpiration" } as const;
    addDeleteEvent(s3, connection, now, event, ownOrigin(randomUUID(), nowMs));
    return { ...deleted, now };
  });
  s3.blobs.remove(freed);
  announceEvents(s3, now);
  return answer;
}
