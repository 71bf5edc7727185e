/** Versions as they are at the source now, in the nouns that rules are asked with. */
import type { ObjectVersion, ReplicationConfiguration, Tag, VersionRef } from "../core/model.ts";
import { replicationStatusOf } from "../core/status.ts";
import { S3Error } from "../s3/errors.ts";
import type { ListedVersion, ObjectHead, Store } from "../s3/store.ts";
import { isMarked } from "./mark.ts";

/** Asks for an object's version: undefined when it is gone, `unreadable` when the bucket's own account may not read it. */
export async function objectOf(
  store: Store,
  { bucket, key, versionId }: VersionRef,
  configuration: ReplicationConfiguration,
  signal: AbortSignal,
): Promise<ObjectVersion | "unreadable" | undefined> {
  const ref = { bucket, key, versionId };
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
  const status = isMarked(head.userMetadata, key) ? "REPLICA" : replicationStatusOf(head.replicationStatus);
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

/** A delete marker has nothing that would have to be asked for. */
export function markerOf(marker: VersionRef & Pick<ObjectVersion, "lastModifiedMs" | "storageClass">): ObjectVersion {
  const { bucket, key, versionId, lastModifiedMs, storageClass } = marker;
  return {
    bucket,
    key,
    versionId,
    isDeleteMarker: true,
    sizeBytes: 0,
    etag: "",
    lastModifiedMs,
    storageClass,
    encryption: { kind: "NOT-SSE" },
    tags: [],
  };
}

/** A version as far as its listing tells: of objects no tags, encryption and status. */
export function asListed(bucket: string, listed: ListedVersion): ObjectVersion {
  if (listed.isDeleteMarker) return markerOf({ bucket, ...listed });
  const { key, versionId, sizeBytes, etag, lastModifiedMs, storageClass } = listed;
  const known = { bucket, key, versionId, isDeleteMarker: false, sizeBytes, etag, lastModifiedMs, storageClass };
  return { ...known, encryption: { kind: "NOT-SSE" }, tags: [] };
}
