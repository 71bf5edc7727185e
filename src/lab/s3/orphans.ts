/** Blobs that no row names: what a crash between a blob and its row, or between a row's end and its blob's, left. */
import type { S3Service } from "./service.ts";

/** Only before the first call is served. Returns how many were removed. */
export function removeOrphanBlobs(s3: S3Service): number {
  const inVersion = s3.database.committed.prepare("SELECT 1 FROM s3_versions WHERE file_id = ?");
  const inPart = s3.database.committed.prepare("SELECT 1 FROM s3_parts WHERE body_id = ? AND in_file = 1");
  return s3.blobs.removeOrphans((id) => inVersion.get(id) !== undefined || inPart.get(id) !== undefined);
}
