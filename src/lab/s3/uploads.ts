/** Listings of uploads and of their parts. */

import { authorise, requireBucket } from "./access.ts";
import type { S3Call } from "./call.ts";
import { compareKeys, successor } from "./listing.ts";
import { locateUpload, type UploadRefInput } from "./multipart.ts";
import type { S3Service } from "./service.ts";
import { PARTS_MAX, partsOfUpload, type StoredPart, type Upload, uploadOfRow } from "./upload-rows.ts";

export interface ListPartsInput extends UploadRefInput {
  readonly afterNumber: number;
  readonly maxParts: number;
}

export interface PartsPage {
  readonly upload: Upload;
  readonly ownerId: string;
  readonly parts: readonly StoredPart[];
  readonly isTruncated: boolean;
}

export function listParts(s3: S3Service, call: S3Call, input: ListPartsInput): PartsPage {
  const { bucket, upload } = locateUpload(s3, call, "ListParts", input);
  const { afterNumber, maxParts } = input;
  const found = partsOfUpload(s3.database.committed, upload.id, {
    afterNumber: Math.min(afterNumber, PARTS_MAX),
    limit: maxParts + 1,
  });
  return {
    upload,
    ownerId: s3.identity.canonicalUserId(bucket.account),
    parts: found.slice(0, maxParts),
    isTruncated: found.length > maxParts && maxParts > 0,
  };
}

export interface ListUploadsInput {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string;
  readonly uploadIdMarker: string;
  readonly maxUploads: number;
}

export interface UploadsPage {
  readonly ownerId: string;
  readonly uploads: readonly Upload[];
  readonly commonPrefixes: readonly string[];
  readonly next?: { readonly key: string; readonly uploadId: string };
}

/** In the order of keys, within a key in the order in which they were started. */
export function listMultipartUploads(s3: S3Service, call: S3Call, input: ListUploadsInput): UploadsPage {
  const bucket = requireBucket(s3, input.bucket);
  authorise(s3, call, "ListMultipartUploads", { bucket, context: { "s3:prefix": input.prefix } });
  const { prefix, delimiter, maxUploads } = input;
  const uploads: Upload[] = [];
  const commonPrefixes: string[] = [];
  let last: UploadsPage["next"];
  let isTruncated = false;
  const statement = s3.database.committed.prepare(
    "SELECT * FROM s3_uploads WHERE bucket_id = ? AND key >= ? ORDER BY key, place",
  );
  let from: string | undefined = compareKeys(input.keyMarker, prefix) > 0 ? input.keyMarker : prefix;
  const markerPlace = placeOfMarker(s3, input);
  while (from !== undefined && !isTruncated && maxUploads > 0) {
    const start: string = from;
    from = undefined;
    for (const row of statement.iterate(bucket.id, start)) {
      const upload = uploadOfRow(row);
      if (!upload.key.startsWith(prefix)) break;
      if (input.keyMarker !== "" && upload.key === input.keyMarker && upload.place <= markerPlace) continue;
      const end = delimiter === "" ? -1 : upload.key.indexOf(delimiter, prefix.length);
      const common = end < 0 ? undefined : upload.key.slice(0, end + delimiter.length);
      if (common !== undefined && common === input.keyMarker) {
        from = successor(common);
        break;
      }
      if (uploads.length + commonPrefixes.length >= maxUploads) {
        isTruncated = true;
        break;
      }
      if (common !== undefined) {
        commonPrefixes.push(common);
        last = { key: common, uploadId: "" };
        from = successor(common);
        break;
      }
      uploads.push(upload);
      last = { key: upload.key, uploadId: upload.id };
    }
  }
  const page = { ownerId: s3.identity.canonicalUserId(bucket.account), uploads, commonPrefixes };
  return isTruncated && last !== undefined ? { ...page, next: last } : page;
}

/** Without an upload id the marker stands behind all uploads of its key. */
function placeOfMarker(s3: S3Service, { uploadIdMarker }: ListUploadsInput): number {
  if (uploadIdMarker === "") return Number.MAX_SAFE_INTEGER;
  const row = s3.database.committed.prepare("SELECT place FROM s3_uploads WHERE id = ?").get(uploadIdMarker);
  return row === undefined ? Number.MAX_SAFE_INTEGER : Number(row["place"]);
}
