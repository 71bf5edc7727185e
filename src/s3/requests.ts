/**
 * From the requests of the Store port to the headers and documents that S3 reads. Pure; sending is in `caller.ts`.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html and its neighbours
 */
import type { AccessControlList, AclGrant, Encryption, Retention, Tag } from "../core/model.ts";
import { escapeXml, printXml, type XmlNode } from "../core/xml.ts";
import { CHECKSUM_ALGORITHMS, checksumHeader } from "./checksum.ts";
import { toHeaderText } from "./header-text.ts";
import type { ProviderProfile } from "./profiles.ts";
import {
  MINIO_DATE_HEADER,
  MINIO_REPLICATION_HEADER,
  MINIO_STATUS_HEADER,
  REPLICA_LAST_MODIFIED_HEADER,
  REPLICA_OWNER_HEADER,
  REPLICA_OWNER_OVERRIDDEN,
  REPLICA_VERSION_ID_HEADER,
  SEALED_HEADER,
} from "./replica-headers.ts";
import { encodeUri } from "./sigv4.ts";
import type {
  ChecksumAlgorithm,
  Checksums,
  CompleteUploadRequest,
  CopySource,
  CreateUploadRequest,
  ReplicaIdentity,
  WriteRequest,
} from "./store.ts";

export const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** How a store wants to be spoken to. */
export type Dialect = Pick<ProviderProfile, "metadataText" | "replicaWay">;

/** Headers in the making: names in lower case, one character per byte. */
export type Headers = Record<string, string>;

/** The headers of whatever writes a version: metadata, storage class, encryption, tags, identity. */
export function writeHeaders(request: WriteRequest, dialect: Dialect): Headers {
  const headers: Headers = {};
  const { contentHeaders, userMetadata, storageClass, encryption, tags, replica } = request;
  for (const name in contentHeaders) headers[name] = toHeaderText(contentHeaders[name] ?? "", "utf-8");
  for (const name in userMetadata) {
    headers[`x-amz-meta-${name}`] = toHeaderText(userMetadata[name] ?? "", dialect.metadataText);
  }
  if (storageClass !== undefined) headers["x-amz-storage-class"] = storageClass;
  if (encryption !== undefined) addEncryption(headers, encryption);
  if (tags !== undefined && tags.length > 0) headers["x-amz-tagging"] = tagQuery(tags);
  if (request.acl !== undefined) addGrants(headers, request.acl);
  if (request.retention !== undefined) {
    headers["x-amz-object-lock-mode"] = request.retention.mode;
    headers["x-amz-object-lock-retain-until-date"] = new Date(request.retention.retainUntilMs).toISOString();
  }
  if (request.legalHold !== undefined) headers["x-amz-object-lock-legal-hold"] = request.legalHold ? "ON" : "OFF";
  if (replica !== undefined) {
    addReplica(headers, replica, dialect);
    // Headers of grants do not say whose the version is.
    if (dialect.replicaWay === undefined && request.acl !== undefined && replica.ownerOverride !== true) {
      headers[REPLICA_OWNER_HEADER] = request.acl.ownerId;
    }
  }
  return headers;
}

/** Says which version is copied. */
export function copySourceHeaders({ bucket, key, versionId, ifMatch }: CopySource): Headers {
  const version = versionId === undefined ? "" : `?versionId=${encodeUri(versionId)}`;
  return {
    "x-amz-copy-source": `/${encodeUri(bucket)}/${encodeUri(key, true)}${version}`,
    ...(ifMatch === undefined ? {} : { "x-amz-copy-source-if-match": `"${ifMatch}"` }),
  };
}

const GRANT_HEADERS: Readonly<Record<AclGrant["permission"], string>> = {
  FULL_CONTROL: "x-amz-grant-full-control",
  READ: "x-amz-grant-read",
  READ_ACP: "x-amz-grant-read-acp",
  WRITE: "x-amz-grant-write",
  WRITE_ACP: "x-amz-grant-write-acp",
};

/** Grants in headers replace the default ones, so the owner's own is among them. */
function addGrants(headers: Headers, acl: AccessControlList): void {
  for (const { grantee, permission } of acl.grants) {
    const name = GRANT_HEADERS[permission];
    const text = grantee.kind === "user" ? `id="${grantee.id}"` : `uri="${grantee.uri}"`;
    headers[name] = headers[name] === undefined ? text : `${headers[name]}, ${text}`;
  }
}

/** Sealed bytes say themselves what key they are under. */
function addEncryption(headers: Headers, encryption: Encryption): void {
  const { kind, kmsKeyArn, bucketKey } = encryption;
  if (kind === "NOT-SSE" || kind === "SSE-C") return;
  if (kind === "SSE-S3") {
    headers["x-amz-server-side-encryption"] = "AES256";
    return;
  }
  headers["x-amz-server-side-encryption"] = kind === "SSE-KMS" ? "aws:kms" : "aws:kms:dsse";
  if (kmsKeyArn !== undefined) headers["x-amz-server-side-encryption-aws-kms-key-id"] = kmsKeyArn;
  if (bucketKey !== undefined) headers["x-amz-server-side-encryption-bucket-key-enabled"] = String(bucketKey);
}

/** Adds what makes the written version the source's own, besides what `replicaQuery` says. */
export function addReplica(
  headers: Headers,
  replica: ReplicaIdentity,
  { replicaWay }: Pick<Dialect, "replicaWay">,
): void {
  const { lastModifiedMs } = replica;
  if (replicaWay === "minio") {
    headers[MINIO_REPLICATION_HEADER] = "true";
    headers[MINIO_STATUS_HEADER] = "REPLICA";
    if (lastModifiedMs !== undefined) headers[MINIO_DATE_HEADER] = new Date(lastModifiedMs).toISOString();
    return;
  }
  headers[REPLICA_VERSION_ID_HEADER] = replica.versionId;
  if (lastModifiedMs !== undefined) headers[REPLICA_LAST_MODIFIED_HEADER] = String(lastModifiedMs);
  if (replica.ownerOverride === true) headers[REPLICA_OWNER_HEADER] = REPLICA_OWNER_OVERRIDDEN;
  if (replica.sealed !== undefined) headers[SEALED_HEADER] = replica.sealed;
}

/** The parameters of a request that does so. */
export function replicaQuery(replica: ReplicaIdentity | undefined, { replicaWay }: Pick<Dialect, "replicaWay">) {
  return replica === undefined || replicaWay !== "minio" ? {} : { versionId: replica.versionId };
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
export function createUploadHeaders(request: CreateUploadRequest, dialect: Dialect): Headers {
  const headers = writeHeaders(request, dialect);
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
export function completeUploadHeaders(request: CompleteUploadRequest, dialect: Pick<Dialect, "replicaWay">): Headers {
  const headers: Headers = {};
  if (request.checksums !== undefined) {
    headers["x-amz-checksum-type"] = request.checksums.type;
    if (request.checksums.type === "FULL_OBJECT") addChecksum(headers, request.checksums);
  }
  if (request.replica !== undefined) addReplica(headers, request.replica, dialect);
  return headers;
}

/** How a checksum is called in documents. */
export const CHECKSUM_ELEMENTS: Readonly<Record<ChecksumAlgorithm, string>> = {
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

/** The document of PutObjectAcl. */
export function aclDocument(acl: AccessControlList): string {
  return (
    `<AccessControlPolicy xmlns="${S3_NAMESPACE}"><Owner><ID>${escapeXml(acl.ownerId)}</ID></Owner>` +
    `<AccessControlList>${grantElements(acl.grants)}</AccessControlList></AccessControlPolicy>`
  );
}

/** `<Grant>…</Grant>`, one after the other. */
export function grantElements(grants: AccessControlList["grants"]): string {
  // A grantee's type is an attribute, which the printer of documents does not know.
  const elements = grants.map(({ grantee, permission }) => {
    const type = grantee.kind === "user" ? "CanonicalUser" : "Group";
    const name = grantee.kind === "user" ? `<ID>${escapeXml(grantee.id)}</ID>` : `<URI>${escapeXml(grantee.uri)}</URI>`;
    return (
      `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">${name}</Grantee>` +
      `<Permission>${permission}</Permission></Grant>`
    );
  });
  return elements.join("");
}

/** The document of PutObjectRetention; an empty one ends the retention. */
export function retentionDocument(retention: Retention | undefined): string {
  const nodes: XmlNode[] =
    retention === undefined
      ? []
      : [
          ["Mode", retention.mode],
          ["RetainUntilDate", new Date(retention.retainUntilMs).toISOString()],
        ];
  return printXml(["Retention", nodes], S3_NAMESPACE);
}

/** The document of PutObjectLegalHold. */
export function legalHoldDocument(legalHold: boolean): string {
  return printXml(["LegalHold", [["Status", legalHold ? "ON" : "OFF"]]], S3_NAMESPACE);
}
