/** From a row of a listing to a version as rules judge it. */
import type { ObjectVersion, ReplicationConfiguration, Tag } from "../core/model.ts";
import { replicationStatusOf } from "../core/status.ts";
import { S3Error } from "../s3/errors.ts";
import type { ListedVersion, ObjectHead, Store } from "../s3/store.ts";
import { isMarked } from "./mark.ts";

/**
 * An object with what rules ask of it, read from its store.
 *
 * @returns undefined when the version is gone meanwhile, "unreadable" when the caller may not see more than its name
 */
export async function objectOf(
  bucket: string,
  store: Store,
  listed: ListedVersion,
  configuration: ReplicationConfiguration,
  signal: AbortSignal,
): Promise<ObjectVersion | "unreadable" | undefined> {
  const ref = { bucket, key: listed.key, versionId: listed.versionId };
  let head: ObjectHead;
  let tags: readonly Tag[] = [];
  try {
    head = await store.headObject(ref, { signal });
    const tagsDecide = configuration.rules.some((rule) => rule.tags.length > 0);
    if (tagsDecide && head.tagCount !== 0) tags = await store.getObjectTagging(ref, { signal });
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.status === 404 || error.status === 405) return undefined;
    // Another account wrote it and did not let the bucket's owner in.
    if (error.status === 403) return "unreadable";
    throw error;
  }
  const { sizeBytes, etag, lastModifiedMs, storageClass, encryption } = head;
  const status = isMarked(head.userMetadata, ref.key) ? "REPLICA" : replicationStatusOf(head.replicationStatus);
  return {
    ...ref,
    isDeleteMarker: false,
    sizeBytes,
    etag,
    lastModifiedMs,
    storageClass,
    encryption,
    tags,
    ...(status === undefined ? {} : { replicationStatus: status }),
  };
}

/** A delete marker, of which a listing tells all there is. */
export function markerOf(bucket: string, listed: ListedVersion): ObjectVersion {
  return {
    bucket,
    key: listed.key,
    versionId: listed.versionId,
    isDeleteMarker: true,
    sizeBytes: 0,
    etag: "",
    lastModifiedMs: listed.lastModifiedMs,
    storageClass: listed.storageClass,
    encryption: { kind: "NOT-SSE" },
    tags: [],
  };
}

/** A version as far as its listing tells, without tags, encryption and status. */
export function asListed(bucket: string, listed: ListedVersion): ObjectVersion {
  if (listed.isDeleteMarker) return markerOf(bucket, listed);
  const { key, versionId, sizeBytes, etag, lastModifiedMs, storageClass } = listed;
  const known = { bucket, key, versionId, isDeleteMarker: false, sizeBytes, etag, lastModifiedMs, storageClass };
  return { ...known, encryption: { kind: "NOT-SSE" }, tags: [] };
}
