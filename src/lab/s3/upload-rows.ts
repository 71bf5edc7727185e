/**
 * Uploads and their parts as they lie in `lab.db`: read, and a part put in the place of another. Who may do what with them
 * is decided in `multipart.ts` and `complete.ts`.
 */
import type { AccessControlList, Encryption, Tag } from "../../core/model.ts";
import type { Connection, Row } from "../../ledger/database.ts";
import type { ChecksumAlgorithm, Checksums, ObjectMetadata, ReplicaIdentity } from "../../s3/store.ts";
import type { KmsContext } from "./encryption.ts";
import { s3Error } from "./errors.ts";
import type { ObjectLock } from "./object-lock.ts";
import type { NamedChecksum, ReceivedBody } from "./receive.ts";
import { dropBody, type Sealing } from "./versions.ts";

export const PARTS_MAX = 10_000;

/** What was said when the upload was created. */
export interface UploadDetails {
  readonly encryption: Encryption;
  readonly customerKeyMd5?: string;
  readonly kmsContext?: KmsContext;
  /** Of an upload whose parts come sealed; the customer alone has its key. */
  readonly sealing?: Sealing;
  readonly storageClass: string;
  readonly metadata: ObjectMetadata;
  readonly tags: readonly Tag[];
  /** Whoever completes the upload: the version is its creator's. */
  readonly acl?: AccessControlList;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly type: Checksums["type"] };
  /** False when the client named no algorithm: parts and answers then carry no checksums. */
  readonly checksumWasNamed: boolean;
  readonly lock?: ObjectLock;
  /** Only from callers that may say so; where it is missing, whoever completes the upload may say it. */
  readonly replica?: Pick<ReplicaIdentity, "versionId" | "lastModifiedMs">;
}

/** A row of `s3_uploads`. */
export interface Upload {
  readonly id: string;
  readonly bucketId: number;
  readonly key: string;
  readonly place: number;
  readonly startedMs: number;
  /** ARN of who created it. */
  readonly initiator: string;
  /** The data key under the lab's own key. */
  readonly keptKey: Uint8Array;
  /** The data key as the version will have it. */
  readonly wrappedKey: Uint8Array;
  readonly details: UploadDetails;
}

/** A row of `s3_parts`. */
export interface StoredPart {
  readonly number: number;
  readonly bodyId: number;
  readonly inFile: boolean;
  readonly sizeBytes: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksum: NamedChecksum;
  /** Only with SSE-C. */
  readonly sealing?: Sealing;
  readonly modifiedMs: number;
}

export function findUpload(connection: Connection, uploadId: string): Upload | undefined {
  const row = connection.prepare("SELECT * FROM s3_uploads WHERE id = ?").get(uploadId);
  return row === undefined ? undefined : uploadOfRow(row);
}

export function uploadOfRow(row: Row): Upload {
  return {
    id: String(row["id"]),
    bucketId: Number(row["bucket_id"]),
    key: String(row["key"]),
    place: Number(row["place"]),
    startedMs: Number(row["started_ms"]),
    initiator: String(row["initiator"]),
    keptKey: row["data_key"] as Uint8Array,
    wrappedKey: row["wrapped_key"] as Uint8Array,
    details: JSON.parse(String(row["details"])) as UploadDetails,
  };
}

/** In the order of their numbers. */
export function partsOfUpload(
  connection: Connection,
  uploadId: string,
  page: { readonly afterNumber: number; readonly limit: number } = { afterNumber: 0, limit: PARTS_MAX },
): StoredPart[] {
  return connection
    .prepare("SELECT * FROM s3_parts WHERE upload = ? AND number > ? ORDER BY number LIMIT ?")
    .all(uploadId, page.afterNumber, page.limit)
    .map((row) => ({
      number: Number(row["number"]),
      bodyId: Number(row["body_id"]),
      inFile: row["in_file"] === 1,
      sizeBytes: Number(row["size"]),
      etag: String(row["etag"]),
      ...checksumOfRow(row),
      modifiedMs: Number(row["modified_ms"]),
    }));
}

/** The column `checksums` of a part. */
export function checksumOfRow(row: Row): Pick<StoredPart, "checksum" | "sealing"> {
  const { sealing, ...checksum } = JSON.parse(String(row["checksums"])) as NamedChecksum & Pick<StoredPart, "sealing">;
  return { checksum, ...(sealing === undefined ? {} : { sealing }) };
}

export function noSuchUpload(uploadId: string): Error {
  return s3Error("NoSuchUpload", { details: { UploadId: uploadId } });
}

export function replacePart(
  connection: Connection,
  uploadId: string,
  part: StoredPart,
  received: ReceivedBody,
): number[] {
  if (connection.prepare("SELECT 1 FROM s3_uploads WHERE id = ?").get(uploadId) === undefined) {
    throw noSuchUpload(uploadId);
  }
  const before = connection
    .prepare("SELECT body_id, in_file FROM s3_parts WHERE upload = ? AND number = ?")
    .get(uploadId, part.number);
  const freed = before === undefined ? [] : dropBody(connection, Number(before["body_id"]), before["in_file"] === 1);
  if (before !== undefined) {
    connection.prepare("DELETE FROM s3_parts WHERE upload = ? AND number = ?").run(uploadId, part.number);
  }
  received.store(connection);
  connection
    .prepare("INSERT INTO s3_parts VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
    .run(
      uploadId,
      part.number,
      part.bodyId,
      part.inFile ? 1 : 0,
      part.sizeBytes,
      part.etag,
      JSON.stringify(part.sealing === undefined ? part.checksum : { ...part.checksum, sealing: part.sealing }),
      part.modifiedMs,
    );
  return freed;
}
