/** CompleteMultipartUpload: checks the parts that are named and makes one version of them. */
import { createHash } from "node:crypto";
import type { Connection } from "../../ledger/database.ts";
import { compositeChecksum } from "../../s3/checksum.ts";
import { combineCrcs } from "../../s3/crc-combine.ts";
import type { Checksums, ReplicaIdentity } from "../../s3/store.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { commitVersion } from "./commit.ts";
import type { WriteConditions } from "./conditions.ts";
import type { CustomerKey } from "./encryption.ts";
import { invalidRequest, s3Error } from "./errors.ts";
import { locateUpload, type UploadRefInput } from "./multipart.ts";
import { storedMetadata, type WriteAnswer, wholeSeconds, writeAnswer } from "./put.ts";
import type { S3Service } from "./service.ts";
import { findUpload, noSuchUpload, PARTS_MAX, partsOfUpload, type StoredPart, type Upload } from "./upload-rows.ts";
import { dropBody, dropParts } from "./versions.ts";

/** Every part but the last must have this much. */
const PART_BYTES_MIN = 5 * 1024 * 1024;

export interface CompletedPart {
  readonly partNumber: number;
  /** Without quotes. */
  readonly etag: string;
  readonly checksums?: Checksums["values"];
}

export interface CompleteInput extends UploadRefInput {
  readonly parts: readonly CompletedPart[];
  /** Of the whole object, as the sender knows it. */
  readonly checksums?: Checksums;
  readonly conditions?: WriteConditions;
  /** `x-amz-mp-object-size` */
  readonly sizeBytes?: number;
  readonly customerKey?: CustomerKey;
  /** Ignored unless a service that replicates says it. */
  readonly replica?: ReplicaIdentity;
}

export async function completeMultipartUpload(s3: S3Service, call: S3Call, input: CompleteInput): Promise<WriteAnswer> {
  const { bucket, upload } = locateUpload(s3, call, "CompleteMultipartUpload", input);
  const { details } = upload;
  const parts = chooseParts(upload, partsOfUpload(s3.database.committed, upload.id), input.parts);
  const sizeBytes = parts.reduce((sum, part) => sum + part.sizeBytes, 0);
  if (input.sizeBytes !== undefined && input.sizeBytes !== sizeBytes) {
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${input.sizeBytes} does not match what was computed: ${sizeBytes}`,
    );
  }
  const checksums = await checksumsOfParts(details.checksum, parts);
  checkWholeChecksum(checksums, input.checksums);
  const replica = isReplicator(call) ? (input.replica ?? details.replica) : undefined;
  const keep = new Set(parts.map((part) => part.number));
  const left: number[] = [];
  const committed = await commitVersion(
    s3,
    call,
    bucket,
    {
      key: input.key,
      sizeBytes,
      digest: `${etagOfParts(parts)}-${parts.length}`,
      body: { upload: upload.id, partCount: parts.length },
      sealing: { encryption: details.encryption, wrappedKey: upload.wrappedKey },
      storageClass: details.storageClass,
      checksums,
      metadata: storedMetadata(details.metadata, details),
      tags: details.tags,
      ...(details.acl === undefined ? {} : { acl: details.acl }),
      ...(details.lock === undefined ? {} : { lock: details.lock }),
      // S3 dates a multipart object by the start of its upload.
      modifiedMs: wholeSeconds(upload.startedMs),
      store: (connection) => {
        requireSameParts(connection, upload, parts);
        connection.prepare("DELETE FROM s3_uploads WHERE id = ?").run(upload.id);
        left.push(...dropOtherParts(connection, upload.id, keep));
      },
      drop: (connection) => {
        connection.prepare("DELETE FROM s3_uploads WHERE id = ?").run(upload.id);
        return dropParts(connection, upload.id);
      },
    },
    {
      event: "ObjectCreated:CompleteMultipartUpload",
      ...(input.conditions === undefined ? {} : { conditions: input.conditions }),
      ...(replica === undefined ? {} : { replica }),
    },
  );
  s3.blobs.remove(left);
  return writeAnswer(committed.version, committed.shownVersionId);
}

function chooseParts(upload: Upload, stored: readonly StoredPart[], named: readonly CompletedPart[]): StoredPart[] {
  if (named.length === 0 || named.length > PARTS_MAX) throw s3Error("MalformedXML");
  const byNumber = new Map(stored.map((part) => [part.number, part]));
  const { checksum, checksumWasNamed } = upload.details;
  let previous = 0;
  const chosen = named.map((one) => {
    if (one.partNumber <= previous) throw s3Error("InvalidPartOrder", { details: { UploadId: upload.id } });
    previous = one.partNumber;
    const part = byNumber.get(one.partNumber);
    if (part === undefined || part.etag !== one.etag) throw invalidPart(upload, one);
    const claimed = one.checksums?.[checksum.algorithm];
    if (claimed !== undefined && claimed !== part.checksum.value) throw invalidPart(upload, one);
    if (claimed === undefined && checksumWasNamed && checksum.type === "COMPOSITE") {
      const name = checksum.algorithm.toLowerCase();
      throw invalidRequest(
        `The upload was created using a ${name} checksum. The complete request must include the checksum for each part. It was missing for part ${one.partNumber} in the request.`,
      );
    }
    return part;
  });
  for (const part of chosen.slice(0, -1)) {
    if (part.sizeBytes >= PART_BYTES_MIN) continue;
    throw s3Error("EntityTooSmall", {
      details: {
        ProposedSize: String(part.sizeBytes),
        MinSizeAllowed: String(PART_BYTES_MIN),
        PartNumber: String(part.number),
        ETag: part.etag,
      },
    });
  }
  return chosen;
}

/** The MD5 of the parts' etags, which are hashes themselves. */
function etagOfParts(parts: readonly StoredPart[]): string {
  const hash = createHash("md5");
  for (const part of parts) hash.update(Buffer.from(part.etag, "hex"));
  return hash.digest("hex");
}

async function checksumsOfParts(
  { algorithm, type }: Upload["details"]["checksum"],
  parts: readonly StoredPart[],
): Promise<Checksums> {
  if (type === "FULL_OBJECT" && algorithm !== "SHA1" && algorithm !== "SHA256") {
    const pieces = parts.map((part) => ({ checksum: part.checksum.value, sizeBytes: part.sizeBytes }));
    return { type, values: { [algorithm]: combineCrcs(algorithm, pieces) } };
  }
  const values = parts.map((part) => part.checksum.value);
  return { type: "COMPOSITE", values: { [algorithm]: await compositeChecksum(algorithm, values) } };
}

function checkWholeChecksum(computed: Checksums, claimed: Checksums | undefined): void {
  if (claimed === undefined) return;
  for (const [algorithm, value] of Object.entries(claimed.values)) {
    const known = (computed.values as Readonly<Record<string, string>>)[algorithm];
    // Senders leave the number of parts out of a composite checksum, or do not.
    if (known !== undefined && known !== value && known.split("-")[0] !== value) {
      throw s3Error("BadDigest", {
        message: `The ${algorithm} you specified did not match the calculated checksum.`,
      });
    }
  }
}

/** A part that was uploaded anew while the upload was being completed is another part. */
function requireSameParts(connection: Connection, upload: Upload, parts: readonly StoredPart[]): void {
  if (findUpload(connection, upload.id) === undefined) throw noSuchUpload(upload.id);
  const now = new Map(partsOfUpload(connection, upload.id).map((part) => [part.number, part.bodyId]));
  for (const part of parts) {
    if (now.get(part.number) !== part.bodyId) throw s3Error("InvalidPart", { details: { UploadId: upload.id } });
  }
}

function dropOtherParts(connection: Connection, uploadId: string, keep: ReadonlySet<number>): number[] {
  const others = partsOfUpload(connection, uploadId).filter((part) => !keep.has(part.number));
  const statement = connection.prepare("DELETE FROM s3_parts WHERE upload = ? AND number = ?");
  return others.flatMap((part) => {
    statement.run(uploadId, part.number);
    return dropBody(connection, part.bodyId, part.inFile);
  });
}

function invalidPart(upload: Upload, { partNumber, etag }: CompletedPart): Error {
  return s3Error("InvalidPart", { details: { UploadId: upload.id, PartNumber: String(partNumber), ETag: etag } });
}
