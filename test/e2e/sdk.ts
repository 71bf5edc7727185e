/** The unmodified AWS SDK, pointed at a served lab by the variables that `lockstep env` prints. */
import { S3 } from "@aws-sdk/client-s3";
import type { Environment } from "./binary.ts";

export function s3Of(environment: Environment, region = "us-east-1"): S3 {
  return new S3({
    endpoint: environment["AWS_ENDPOINT_URL"] ?? "",
    region,
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
    forcePathStyle: true,
  });
}

/** One version as the SDK sees it, everything that a replica has to have in common with its source. */
export interface SeenVersion {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly body?: string;
  readonly contentType?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly tags?: readonly string[];
  readonly lastModified?: string | undefined;
  readonly etag?: string | undefined;
}

export interface SeenBucket {
  readonly versions: readonly SeenVersion[];
  /** By `key versionId`. */
  readonly statuses: Readonly<Record<string, string | undefined>>;
  readonly keys: Readonly<Record<string, string | undefined>>;
}

/** Reads a bucket whole: every version with its bytes, metadata and tags. */
export async function readBucket(s3: S3, bucket: string, prefix = ""): Promise<SeenBucket> {
  const versions: SeenVersion[] = [];
  const statuses: Record<string, string | undefined> = {};
  const keys: Record<string, string | undefined> = {};
  let marker: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await s3.listObjectVersions({ Bucket: bucket, Prefix: prefix, ...marker });
    for (const { Key = "", VersionId = "" } of page.DeleteMarkers ?? []) {
      versions.push({ key: Key, versionId: VersionId, isDeleteMarker: true });
    }
    for (const { Key = "", VersionId = "" } of page.Versions ?? []) {
      const object = await s3.getObject({ Bucket: bucket, Key, VersionId });
      const tagging = await s3.getObjectTagging({ Bucket: bucket, Key, VersionId });
      const bytes = await object.Body?.transformToByteArray();
      statuses[`${Key} ${VersionId}`] = object.ReplicationStatus;
      keys[`${Key} ${VersionId}`] = object.SSEKMSKeyId;
      versions.push({
        key: Key,
        versionId: VersionId,
        isDeleteMarker: false,
        body: Buffer.from(bytes ?? []).toString("base64"),
        contentType: object.ContentType,
        metadata: object.Metadata,
        tags: (tagging.TagSet ?? []).map((one) => `${one.Key}=${one.Value}`).sort(),
        lastModified: object.LastModified?.toISOString(),
        etag: object.ETag,
      });
    }
    if (page.IsTruncated !== true) break;
    marker = { KeyMarker: page.NextKeyMarker ?? "", VersionIdMarker: page.NextVersionIdMarker ?? "" };
  }
  versions.sort((a, b) => (`${a.key} ${a.versionId}` < `${b.key} ${b.versionId}` ? -1 : 1));
  return { versions, statuses, keys };
}
