/**
 * Multipart uploads: create, upload parts, abort. `complete.ts` makes versions of them, `uploads.ts` lists them.
 *
 * An upload is a row until it is completed or aborted; its parts are bodies of their own and stay where they are when it
 * becomes a version. All parts share the data key that the upload got when it was created. S3 keeps that key for the
 * upload (wrapped by the lab) so that replication, which may only encrypt, can add parts; everybody else must be
 * allowed to decrypt with the KMS key, as AWS demands.
 */
import { createHash, randomBytes } from "node:crypto";
import type { RequestContext } from "../../core/iam/model.ts";
import type { Encryption } from "../../core/model.ts";
import type { ChecksumAlgorithm, Checksums, ReplicaIdentity } from "../../s3/store.ts";
import { authorise, requireBucket } from "./access.ts";
import type { Bucket } from "./bucket.ts";
import { type IncomingBody, isReplicator, type S3Call } from "./call.ts";
import { isMd5Etag } from "./commit.ts";
import { type CustomerKey, makeDataKey, openDataKey, type SealingKey } from "./encryption.ts";
import { invalidArgument, invalidRequest } from "./errors.ts";
import { requireLockDigest } from "./lock-access.ts";
import type { S3Operation } from "./operations.ts";
import { aclOfWrite } from "./ownership.ts";
import { admitWrite, bodySealing, storedMetadata, type WriteInput, wholeSeconds } from "./put.ts";
import { type BodyClaims, type NamedChecksum, type ReceivedBody, receiveBody } from "./receive.ts";
import { describeSealedPart, openSealedPart, openSealedVersion } from "./sealed.ts";
import type { S3Service } from "./service.ts";
import {
  findUpload,
  noSuchUpload,
  PARTS_MAX,
  replacePart,
  type StoredPart,
  type Upload,
  type UploadDetails,
} from "./upload-rows.ts";
import { dropParts } from "./versions.ts";

export interface UploadRefInput {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export interface CreateUploadInput extends WriteInput {
  readonly checksum?: { readonly algorithm?: ChecksumAlgorithm; readonly type?: Checksums["type"] };
}

export async function createMultipartUpload(
  s3: S3Service,
  call: S3Call,
  input: CreateUploadInput,
): Promise<{ readonly uploadId: string; readonly details: UploadDetails }> {
  const bucket = requireBucket(s3, input.bucket);
  const replica = admitWrite(s3, call, "CreateMultipartUpload", bucket, input);
  const acl = aclOfWrite(s3, call, bucket, input);
  const checksum = chosenChecksum(input.checksum);
  const sealing: SealingKey =
    replica?.sealed === undefined
      ? await makeDataKey(s3, call, bucket, input.key, input.encryption)
      : openSealedVersion(s3, call, bucket, input.key, replica);
  const uploadId = randomBytes(48).toString("base64url");
  const details: UploadDetails = {
    encryption: sealing.encryption,
    ...(sealing.customerKeyMd5 === undefined ? {} : { customerKeyMd5: sealing.customerKeyMd5 }),
    ...(sealing.kmsContext === undefined ? {} : { kmsContext: sealing.kmsContext }),
    ...(sealing.sealing === undefined ? {} : { sealing: sealing.sealing }),
    storageClass: input.storageClass ?? "STANDARD",
    metadata: input.metadata,
    tags: input.tags,
    ...(acl === undefined ? {} : { acl }),
    checksum,
    checksumWasNamed: input.checksum?.algorithm !== undefined,
    ...(input.lock === undefined ? {} : { lock: input.lock }),
    ...(replica === undefined ? {} : { replica: identityOf(replica) }),
  };
  const keptKey =
    sealing.dataKey === undefined
      ? new Uint8Array(0)
      : s3.serviceKey.wrapServiceKey(sealing.dataKey, keptKeyContext(uploadId));
  const place = s3.sequence.next(call.nowMs);
  await s3.database.write((connection) => {
    s3.buckets.current(connection, bucket);
    connection
      .prepare("INSERT INTO s3_uploads VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
      .run(
        uploadId,
        bucket.id,
        input.key,
        place,
        call.nowMs,
        initiatorOf(call),
        keptKey,
        sealing.wrappedKey,
        JSON.stringify(details),
      );
  });
  return { uploadId, details };
}

/** What is sealed in it is described by the upload itself. */
function identityOf({ versionId, lastModifiedMs }: ReplicaIdentity) {
  return { versionId, ...(lastModifiedMs === undefined ? {} : { lastModifiedMs }) };
}

export interface UploadPartInput extends UploadRefInput {
  /** 1..10000 */
  readonly partNumber: number;
  readonly claims: BodyClaims;
  readonly customerKey?: CustomerKey;
  /** What describes a part that comes sealed; ignored unless a service that replicates says it. */
  readonly sealed?: string;
}

export async function uploadPart(
  s3: S3Service,
  call: S3Call,
  input: UploadPartInput,
  body: IncomingBody,
): Promise<AddedPart> {
  const { bucket, upload } = locateUpload(s3, call, "UploadPart", input);
  requireLockDigest(call, bucket, upload.details.lock, input.claims, "Put Part");
  return addPart(s3, call, bucket, upload, input, body);
}

export interface AddedPart {
  readonly part: StoredPart;
  readonly details: UploadDetails;
  /** What the sender claimed, where it claimed anything. */
  readonly claimed?: NamedChecksum;
}

/** Takes in a part; also the end of UploadPartCopy, whose bytes come from another version. */
export async function addPart(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  upload: Upload,
  input: Pick<UploadPartInput, "partNumber" | "claims" | "customerKey" | "sealed">,
  body: IncomingBody,
): Promise<AddedPart> {
  const { partNumber, claims } = input;
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > PARTS_MAX) {
    throw invalidArgument(
      "partNumber",
      String(partNumber),
      "Part number must be an integer between 1 and 10000, inclusive",
    );
  }
  const { details } = upload;
  if (
    claims.checksum !== undefined &&
    details.checksumWasNamed &&
    claims.checksum.algorithm !== details.checksum.algorithm
  ) {
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${details.checksum.algorithm.toLowerCase()}, actual checksum Type: ${claims.checksum.algorithm.toLowerCase()}`,
    );
  }
  const sealed =
    input.sealed === undefined || !isReplicator(call) ? undefined : openSealedPart(s3, upload, input.sealed);
  const dataKey = sealed === undefined ? await uploadKey(s3, call, bucket, upload, input.customerKey) : undefined;
  const sealing = bodySealing({ ...details, dataKey }, call);
  const received = await receiveBody(s3, body, { ...claims, keep: details.checksum.algorithm }, sealing);
  const { bodyId, inFile, sealedSha256 } = received;
  const part: StoredPart = {
    number: partNumber,
    bodyId,
    inFile,
    ...(sealed === undefined
      ? {
          sizeBytes: received.sizeBytes,
          etag: partEtag(received, details.encryption),
          checksum: received.checksum,
          ...(sealedSha256 === undefined ? {} : { sealing: { sha256: sealedSha256 } }),
        }
      : describeSealedPart(sealed, received)),
    modifiedMs: wholeSeconds(call.nowMs),
  };
  try {
    const freed = await s3.database.write((connection) => {
      const requireRoom = s3.quotas.watch(connection, bucket.id);
      const replaced = replacePart(connection, upload.id, part, received);
      requireRoom?.();
      return replaced;
    });
    s3.blobs.remove(freed);
  } catch (error) {
    received.discard();
    throw error;
  }
  return { part, details, ...(received.claimed === undefined ? {} : { claimed: received.claimed }) };
}

/** Idempotent only in that nothing is left behind; an unknown upload is NoSuchUpload, as S3 answers. */
export async function abortMultipartUpload(s3: S3Service, call: S3Call, input: UploadRefInput): Promise<void> {
  const { upload } = locateUpload(s3, call, "AbortMultipartUpload", input);
  const freed = await s3.database.write((connection) => {
    if (connection.prepare("DELETE FROM s3_uploads WHERE id = ?").run(upload.id).changes === 0)
      throw noSuchUpload(upload.id);
    return dropParts(connection, upload.id);
  });
  s3.blobs.remove(freed);
}

/** Finds an upload and checks that the caller may work on it. @param context condition keys of the operation */
export function locateUpload(
  s3: S3Service,
  call: S3Call,
  operation: S3Operation,
  input: UploadRefInput,
  context: RequestContext = {},
): { readonly bucket: Bucket; readonly upload: Upload } {
  const bucket = requireBucket(s3, input.bucket);
  authorise(s3, call, operation, { bucket, key: input.key, context });
  const upload = findUpload(s3.database.committed, input.uploadId);
  if (upload === undefined || upload.bucketId !== bucket.id || upload.key !== input.key) {
    throw noSuchUpload(input.uploadId);
  }
  return { bucket, upload };
}

/** Composite for the SHAs, of the full object for CRC64NVME; the other two may be either. */
function chosenChecksum(asked: CreateUploadInput["checksum"]): UploadDetails["checksum"] {
  const algorithm = asked?.algorithm ?? "CRC64NVME";
  const isSha = algorithm === "SHA1" || algorithm === "SHA256";
  const type = asked?.type ?? (algorithm === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE");
  if ((type === "FULL_OBJECT" && isSha) || (type === "COMPOSITE" && algorithm === "CRC64NVME")) {
    throw invalidRequest(
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return { algorithm, type };
}

/** With KMS the caller must be allowed to decrypt, unless it is replication. */
async function uploadKey(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  upload: Upload,
  customerKey: CustomerKey | undefined,
): Promise<Uint8Array> {
  const { key, wrappedKey, keptKey, details } = upload;
  if (details.sealing !== undefined) throw invalidRequest("The parts of this upload come sealed.");
  if (isReplicator(call)) return s3.serviceKey.unwrapServiceKey(keptKey, keptKeyContext(upload.id));
  const metadata = storedMetadata(details.metadata, details);
  return openDataKey(s3, call, bucket, { key, wrappedKey, encryption: details.encryption, metadata }, customerKey);
}

/** With KMS and customers' keys it is no MD5 of the part, but follows from it, so replicas have the source's etags. */
function partEtag(received: ReceivedBody, encryption: Encryption): string {
  const md5 = received.md5.toString("hex");
  return isMd5Etag(encryption) ? md5 : createHash("md5").update(`part ${md5}`).digest("hex");
}

function keptKeyContext(uploadId: string): string {
  return `upload ${uploadId}`;
}

function initiatorOf(call: S3Call): string {
  const { principal } = call.caller;
  return "arn" in principal ? principal.arn : "anonymous";
}
