/** Tags of versions: read, replaced, removed. A change follows the version to its replicas. */
import type { Tag } from "../../core/model.ts";
import { authorise, requestTagContext } from "./access.ts";
import type { S3Call } from "./call.ts";
import { changeMetadata, findWanted, type VersionInput } from "./metadata.ts";
import { locate, shownVersionId } from "./read.ts";
import type { S3Service } from "./service.ts";
import { checkTags } from "./tags.ts";
import type { StoredVersion } from "./versions.ts";

export interface TaggingAnswer {
  readonly versionId?: string;
  readonly tags: readonly Tag[];
}

export function getObjectTagging(s3: S3Service, call: S3Call, input: VersionInput): TaggingAnswer {
  const { bucket, version } = locate(s3, call, "GetObjectTagging", input);
  const shown = shownVersionId(bucket, version);
  return { tags: version.tags, ...(shown === undefined ? {} : { versionId: shown }) };
}

/** Replaces the whole set. */
export function putObjectTagging(
  s3: S3Service,
  call: S3Call,
  input: VersionInput,
  tags: readonly Tag[],
): Promise<TaggingAnswer> {
  return changeTags(s3, call, "PutObjectTagging", input, tags);
}

export function deleteObjectTagging(s3: S3Service, call: S3Call, input: VersionInput): Promise<TaggingAnswer> {
  return changeTags(s3, call, "DeleteObjectTagging", input, []);
}

async function changeTags(
  s3: S3Service,
  call: S3Call,
  operation: "PutObjectTagging" | "DeleteObjectTagging",
  input: VersionInput,
  tags: readonly Tag[],
): Promise<TaggingAnswer> {
  const { seen, ...target } = findWanted(s3, input);
  authorise(s3, call, operation, {
    ...target,
    ...(seen === undefined ? {} : { existingTags: seen.tags }),
    context: requestTagContext(tags),
  });
  checkTags(tags, "object");
  const wanted = seen === undefined ? target : { ...target, seen };
  const event = operation === "PutObjectTagging" ? "ObjectTagging:Put" : "ObjectTagging:Delete";
  const change = (version: StoredVersion) => ({ ...version, tags });
  const { shownVersionId: shown } = await changeMetadata(s3, call, wanted, "tags", change, event);
  return { tags, ...(shown === undefined ? {} : { versionId: shown }) };
}
