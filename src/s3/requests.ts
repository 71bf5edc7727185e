/**
 * From the requests of the Store port to the headers and documents that S3 reads. Pure; sending is in `caller.ts`.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html and its neighbours
 */
import { assert } from "../core/assert.ts";
import type { Encryption, Tag } from "../core/model.ts";
import { printXml, type XmlNode } from "../core/xml.ts";
import { CHECKSUM_ALGORITHMS, checksumHeader } from "./checksum.ts";
import { type HeaderTextCustom, toHeaderText } from "./header-text.ts";
import { REPLICA_LAST_MODIFIED_HEADER, REPLICA_VERSION_ID_HEADER } from "./replica-headers.ts";
import { encodeUri } from "./sigv4.ts";
import type {
  ChecksumAlgorithm,
  Checksums,
  CompleteUploadRequest,
  CreateUploadRequest,
  ReplicaIdentity,
  WriteRequest,
} from "./store.ts";

export const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Headers in the making: names in lower case, one character per byte. */
export type Headers = Record<string, string>;

/** The headers of whatever writes a version: metadata, storage class, encryption, tags, identity. */
export function writeHeaders(request: WriteRequest, custom: HeaderTextCustom): Headers {
  const headers: Headers = {};
  const { contentHeaders, userMetadata, storageClass, encryption, tags, replica } = request;
  for (const name in contentHeaders) headers[name] = toHeaderText(contentHeaders[name] ?? "", "utf-8");
  for (const name in userMetadata) {
    headers[`x-amz-meta-${name}`] = toHeaderText(userMetadata[name] ?? "", custom);
  }
  if (storageClass !== undefined) headers["x-amz-storage-class"] = storageClass;
  if (encryption !== undefined) addEncryption(headers, encryption);
  if (tags !== undefined && tags.length > 0) headers["x-amz-tagging"] = tagQuery(tags);
  if (replica !== undefined) addReplica(headers, replica);
  return headers;
}

function addEncryption(headers: Headers, encryption: Encryption): void {
  const { kind, kmsKeyArn, bucketKey } = encryption;
  assert(kind !== "SSE-C", "a customer's key cannot be sent: the port does not carry one");
  if (kind === "NOT-SSE") return;
  if (kind === "SSE-S3") {
    headers["x-amz-server-side-encryption"] = "AES256";
    return;
  }
  headers["x-amz-server-side-encryption"] = kind === "SSE-KMS" ? "aws:kms" : "aws:kms:dsse";
  if (kmsKeyArn !== undefined) headers["x-amz-server-side-encryption-aws-kms-key-id"] = kmsKeyArn;
  if (bucketKey !== undefined) headers["x-amz-server-side-encryption-bucket-key-enabled"] = String(bucketKey);
}

/** Adds what makes the written version the source's own. */
export function addReplica(headers: Headers, replica: ReplicaIdentity): void {
  headers[REPLICA_VERSION_ID_HEADER] = replica.versionId;
  headers[REPLICA_LAST_MODIFIED_HEADER] = String(replica.lastModifiedMs);
}

function tagQuery(tags: readonly Tag[]): string {
  return tags.map(({ key, value }) => `${encodeUri(key)}=${encodeUri(value)}`).join("&");
}

/**
 * Adds the checksum that the store verifies. S3 takes one and refuses two, so the first in the order of
 * `CHECKSUM_ALGORITHMS` goes: the CRCs, which every store can compute while it writes, before the SHAs.
 */
export function addChecksum(headers: Headers, checksums: Checksums): void {
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = checksums.values[algorithm];
    if (value === undefined) continue;
    headers[checksumHeader(algorithm)] = value;
    return;
  }
}

/** The headers of CreateMultipartUpload. */
export function createUploadHeaders(request: CreateUploadRequest, custom: HeaderTextCustom): Headers {
  const headers = writeHeaders(request, custom);
  if (request.checksums !== undefined) {
    headers["x-amz-checksum-algorithm"] = request.checksums.algorithm;
    headers["x-amz-checksum-type"] = request.checksums.type;
  }
  return headers;
}

/**
 * The headers of CompleteMultipartUpload. A composite checksum is not sent: the parts' checksums in the document
 * determine it.
 */
export function completeUploadHeaders(request: CompleteUploadRequest): Headers {
  const headers: Headers = {};
  if (request.checksums !== undefined) {
    headers["x-amz-checksum-type"] = request.checksums.type;
    if (request.checksums.type === "FULL_OBJECT") addChecksum(headers, request.checksums);
  }
  if (request.replica !== undefined) addReplica(headers, request.replica);
  return headers;
}

const CHECKSUM_ELEMENTS: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: "ChecksumCRC32",
  CRC32C: "ChecksumCRC32C",
  CRC64NVME: "ChecksumCRC64NVME",
  SHA1: "ChecksumSHA1",
  SHA256: "ChecksumSHA256",
};

/** The document of CompleteMultipartUpload; parts go in the order of their numbers, as S3 demands. */
export function completeUploadDocument(request: CompleteUploadRequest): string {
  const parts = request.parts.toSorted((a, b) => a.partNumber - b.partNumber);
  const nodes = parts.map(({ partNumber, etag, checksums }): XmlNode => {
    const sums = CHECKSUM_ALGORITHMS.map(
      (algorithm): XmlNode => [CHECKSUM_ELEMENTS[algorithm], checksums?.values[algorithm]],
    );
    return ["Part", [...sums, ["ETag", `"${etag}"`], ["PartNumber", partNumber]]];
  });
  return printXml(["CompleteMultipartUpload", nodes], S3_NAMESPACE);
}

/** The document of PutObjectTagging. */
export function taggingDocument(tags: readonly Tag[]): string {
  const nodes = tags.map(
    ({ key, value }): XmlNode => [
      "Tag",
      [
        ["Key", key],
        ["Value", value],
      ],
    ],
  );
  return printXml(["Tagging", [["TagSet", nodes]]], S3_NAMESPACE);
}
