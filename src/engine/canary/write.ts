/** Writes one canary at the source. */
import type { UploadedPart } from "../../s3/store.ts";
import type { PlannedCanary } from "./kinds.ts";
import type { CanaryEnd } from "./model.ts";
import { abortUpload } from "./removal.ts";

export interface WrittenCanary {
  /** The literal `null` where the bucket keeps no versions. */
  readonly versionId: string;
  readonly body: Uint8Array;
}

/** Rejects with an S3Error; then no upload is left. */
export async function writeCanary(source: CanaryEnd, { key, write, parts }: PlannedCanary): Promise<WrittenCanary> {
  const bodies = parts.map((sizeBytes, index) => filled(`lockstep canary ${key}, part ${index + 1}\n`, sizeBytes));
  const body = Buffer.concat(bodies);
  const { store, bucket } = source;
  if (bodies.length === 1) {
    const { versionId = "null" } = await store.putObject({ ...write, body });
    return { versionId, body };
  }
  const { uploadId } = await store.createMultipartUpload(write);
  const upload = { bucket, key, uploadId };
  try {
    const uploaded: UploadedPart[] = [];
    for (const [index, part] of bodies.entries()) {
      uploaded.push(await store.uploadPart({ ...upload, partNumber: index + 1, body: part }));
    }
    const { versionId = "null" } = await store.completeMultipartUpload({ ...upload, parts: uploaded });
    return { versionId, body };
  } catch (error) {
    await abortUpload(source, upload);
    throw error;
  }
}

/** The text again and again. */
function filled(text: string, sizeBytes: number): Buffer {
  return Buffer.alloc(sizeBytes, text);
}
