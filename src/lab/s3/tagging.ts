/** Tags of versions: read, replaced, removed. A change follows the version to its replicas. */
import type { Tag } from "../../core/model.ts";
import { authorise, mayList, requestTagContext, requireBucket } from "./access.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import { badVersionId, locate, noSuchKey, noSuchVersion, shownVersionId } from "./read.ts";
import { admitMetadata, announceChange } from "./replication.ts";
import type { S3Service } from "./service.ts";
import { checkTags } from "./tags.ts";
import { isVersionId } from "./version-id.ts";
import { updateVersion, wantedVersion } from "./versions.ts";

export interface TaggingInput {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
}

export interface TaggingAnswer {
  readonly versionId?: string;
  readonly tags: readonly Tag[];
}

export function getObjectTagging(s3: S3Service, call: S3Call, input: TaggingInput): TaggingAnswer {
  const { bucket, version } = locate(s3, call, "GetObjectTagging", input);
  const shown = shownVersionId(bucket, version);
  return { tags: version.tags, ...(shown === undefined ? {} : { versionId: shown }) };
}

/** Replaces the whole set. */
export function putObjectTagging(
  s3: S3Service,
  call: S3Call,
  input: TaggingInput,
  tags: readonly Tag[],
): Promise<TaggingAnswer> {
  return changeTags(s3, call, "PutObjectTagging", input, tags);
}

export function deleteObjectTagging(s3: S3Service, call: S3Call, input: TaggingInput): Promise<TaggingAnswer> {
  return changeTags(s3, call, "DeleteObjectTagging", input, []);
}

async function changeTags(
  s3: S3Service,
  call: S3Call,
  operation: "PutObjectTagging" | "DeleteObjectTagging",
  input: TaggingInput,
  tags: readonly Tag[],
): Promise<TaggingAnswer> {
  const bucket = requireBucket(s3, input.bucket);
  const { key, versionId } = input;
  if (versionId !== undefined && !isVersionId(versionId)) throw badVersionId(versionId);
  const seen = wantedVersion(s3.database.committed, bucket.id, key, versionId);
  authorise(s3, call, operation, {
    bucket,
    key,
    ...(versionId === undefined ? {} : { versionId }),
    ...(seen === undefined ? {} : { existingTags: seen.tags }),
    context: requestTagContext(tags),
  });
  checkTags(tags, "object");
  const listable = seen !== undefined || mayList(s3, call, bucket);
  const { answer, isTaken } = await s3.database.write((connection) => {
    const now = s3.buckets.current(connection, bucket);
    const version = wantedVersion(connection, bucket.id, key, versionId);
    if (version === undefined && !listable) throw s3Error("AccessDenied");
    if (version === undefined) throw versionId === undefined ? noSuchKey(key) : noSuchVersion(key, versionId);
    if (version.isMarker) throw s3Error("MethodNotAllowed", { headers: { "x-amz-delete-marker": "true" } });
    const changed = { ...version, tags };
    // What replication writes does not enter replication again.
    const stored = isReplicator(call) ? changed : admitMetadata(connection, now, changed, "tags", call.nowMs);
    updateVersion(connection, stored);
    const shown = shownVersionId(now, version);
    return {
      answer: { tags, ...(shown === undefined ? {} : { versionId: shown }) },
      isTaken: stored !== changed,
    };
  });
  if (isTaken) announceChange(s3);
  return answer;
}
