/**
 * The client: a Store, and the settings of its buckets, over signed HTTP.
 *
 * One call is one request: nothing is retried, no redirect is followed, no error is turned into another. What a store
 * does differently stands in its profile (`profiles.ts`).
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
import { assert } from "../core/assert.ts";
import type { AccessControlList, Credentials, Retention } from "../core/model.ts";
import { childText } from "../core/xml.ts";
import { optional, readAcl, readChecksums, readObjectHead, readRetention, readTags, unquoted } from "./answers.ts";
import { bucketSettingsOf } from "./bucket-settings.ts";
import { Caller, type PageKind } from "./caller.ts";
import { checksumOf } from "./checksum.ts";
import { copyObject, uploadPartCopy } from "./copy-calls.ts";
import { S3Error } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { ListingError, readPartPage, readVersionPage } from "./listings.ts";
import { failedCall } from "./network-errors.ts";
import { readPlainVersionPage } from "./plain-listings.ts";
import { type ProviderProfile, profileOf } from "./profiles.ts";
import { MINIO_MARKER_HEADER, SEALED_HEADER } from "./replica-headers.ts";
import {
  aclDocument,
  addChecksum,
  addReplica,
  completeUploadDocument,
  completeUploadHeaders,
  createUploadHeaders,
  type Headers,
  legalHoldDocument,
  replicaQuery,
  retentionDocument,
  taggingDocument,
  writeHeaders,
} from "./requests.ts";
import type { BucketSettings } from "./settings.ts";
import type {
  CallOptions,
  CompleteUploadRequest,
  CreateUploadRequest,
  DeleteReply,
  DeleteRequest,
  GetRequest,
  ListPartsRequest,
  ListVersionsRequest,
  ObjectHead,
  ObjectReply,
  PartPage,
  PutAclRequest,
  PutLegalHoldRequest,
  PutReply,
  PutRequest,
  PutRetentionRequest,
  PutTaggingRequest,
  ReadRequest,
  Store,
  UploadedPart,
  UploadPartRequest,
  UploadRef,
  VersionPage,
} from "./store.ts";
import { parseEndpoint } from "./target.ts";
import { Transport } from "./transport.ts";

export interface S3ClientOptions {
  /** `http[s]://host[:port][/prefix]` */
  readonly endpoint: string;
  readonly region: string;
  /** A provider is asked before every request, so it should keep what it fetched. */
  readonly credentials: Credentials | (() => Credentials | Promise<Credentials>);
  /** The present, in milliseconds. */
  readonly clock: () => number;
  /** Default: what the endpoint's name tells. */
  readonly profile?: ProviderProfile;
  /** Default: the profile's. */
  readonly addressing?: ProviderProfile["addressing"];
  /** To one host; default 64. */
  readonly connectionsMax?: number;
  /** Default 5 s. */
  readonly connectTimeoutMs?: number;
  /** From the request's last byte to the answer's first; default 60 s. CompleteMultipartUpload has 10 min. */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of a body; default 60 s. */
  readonly bodyIdleTimeoutMs?: number;
  readonly userAgent?: string;
  /** Certificates to trust in place of the well-known ones, in PEM: what `AWS_CA_BUNDLE` holds. */
  readonly ca?: string;
}

export interface S3Client extends Store, BucketSettings {
  /** Closes every connection; calls under way are cancelled. */
  close(): Promise<void>;
}

const BYPASS_HEADER = "x-amz-bypass-governance-retention";

/** A version that nothing protects, by S3's word and by that of radosgw 16.2.15, whose word S3 keeps for buckets. */
const NO_LOCK_CODES: ReadonlySet<string | undefined> = new Set([
  "NoSuchObjectLockConfiguration",
  "ObjectLockConfigurationNotFoundError",
]);

/** S3 assembles large uploads before it answers. */
const COMPLETE_TIMEOUT_MS = 600_000;

/**
 * Makes a client.
 *
 * @throws TypeError when the endpoint is no http or https URL
 */
export function createS3Client(options: S3ClientOptions): S3Client {
  const profile = options.profile ?? profileOf(options.endpoint);
  const transport = new Transport({
    connectionsMax: options.connectionsMax ?? 64,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    headersTimeoutMs: options.headersTimeoutMs ?? 60_000,
    bodyIdleTimeoutMs: options.bodyIdleTimeoutMs ?? 60_000,
    ...optional("ca", options.ca),
  });
  const caller = new Caller({
    endpoint: parseEndpoint(options.endpoint),
    region: options.region,
    credentials: options.credentials,
    profile,
    addressing: options.addressing ?? profile.addressing,
    userAgent: options.userAgent ?? "lockstep",
    clock: options.clock,
    transport,
  });
  return { ...storeOf(caller), ...bucketSettingsOf(caller), close: () => transport.close() };
}

function storeOf(caller: Caller): Store {
  return {
    headObject: (request, options) => headObject(caller, request, options),
    getObject: (request, options) => getObject(caller, request, options),
    putObject: (request, options) => putObject(caller, request, options),
    deleteObject: (request, options) => deleteObject(caller, request, options),
    createMultipartUpload: (request, options) => createMultipartUpload(caller, request, options),
    uploadPart: (request, options) => uploadPart(caller, request, options),
    completeMultipartUpload: (request, options) => completeMultipartUpload(caller, request, options),
    abortMultipartUpload: (request, options) => abortMultipartUpload(caller, request, options),
    listParts: (request, options) => listParts(caller, request, options),
    copyObject: (request, options) => copyObject(caller, request, options),
    uploadPartCopy: (request, options) => uploadPartCopy(caller, request, options),
    getObjectTagging: (request, options) => getObjectTagging(caller, request, options),
    putObjectTagging: (request, options) => putObjectTagging(caller, request, options),
    getObjectAcl: (request, options) => getObjectAcl(caller, request, options),
    putObjectAcl: (request, options) => putObjectAcl(caller, request, options),
    getObjectRetention: (request, options) => getObjectRetention(caller, request, options),
    putObjectRetention: (request, options) => putObjectRetention(caller, request, options),
    getObjectLegalHold: (request, options) => getObjectLegalHold(caller, request, options),
    putObjectLegalHold: (request, options) => putObjectLegalHold(caller, request, options),
    listObjectVersions: (request, options) => listObjectVersions(caller, request, options),
  };
}

async function headObject(caller: Caller, request: ReadRequest, options?: CallOptions): Promise<ObjectHead> {
  const call = {
    operation: "HeadObject",
    method: "HEAD",
    ...readCall(request),
    headers: checksumMode(request),
  } as const;
  return headOf(caller, await caller.sendOnly(call, options));
}

async function getObject(caller: Caller, request: GetRequest, options?: CallOptions): Promise<ObjectReply> {
  const headers = checksumMode(request);
  if (request.sealed === true) headers[SEALED_HEADER] = "true";
  if (request.ifMatch !== undefined) headers["if-match"] = `"${request.ifMatch}"`;
  if (request.range !== undefined) headers["range"] = `bytes=${request.range.firstByte}-${request.range.lastByte}`;
  const exchange = await caller.send({ operation: "GetObject", method: "GET", ...readCall(request), headers }, options);
  if (!exchange.hasLength) {
    exchange.cancel();
    throw failedCall("protocol", exchange.call, undefined, "the answer does not say how long its body is");
  }
  // A store that does not know ranges sends the whole object under 200: those bytes are not the ones asked for.
  if (request.range !== undefined && exchange.status !== 206) {
    exchange.cancel();
    throw failedCall("protocol", exchange.call, undefined, "the answer is the whole object, not the range");
  }
  return { head: headOf(caller, exchange), body: exchange };
}

/** Checksums are told only to those who ask for them. */
function checksumMode({ checksums }: ReadRequest): Headers {
  return checksums === false ? {} : { "x-amz-checksum-mode": "ENABLED" };
}

function readCall(request: ReadRequest) {
  const { bucket, key, versionId, partNumber } = request;
  if (versionId === undefined && partNumber === undefined) return { bucket, key };
  return { bucket, key, query: { versionId, partNumber } };
}

function headOf(caller: Caller, exchange: Exchange): ObjectHead {
  const head = readObjectHead(exchange, caller.profile.metadataText);
  if (Number.isFinite(head.sizeBytes) && Number.isFinite(head.lastModifiedMs)) return head;
  exchange.cancel();
  throw failedCall("protocol", exchange.call, undefined, "the answer lacks the object's size or date");
}

async function putObject(caller: Caller, request: PutRequest, options?: CallOptions): Promise<PutReply> {
  const { bucket, key, body, checksums, md5 } = request;
  const headers = writeHeaders(request, caller.profile);
  if (request.onlyIfAbsent === true) headers["if-none-match"] = "*";
  if (md5 !== undefined) headers["content-md5"] = md5;
  if (checksums !== undefined) {
    assert(checksums.type === "FULL_OBJECT", "an object that is put whole has a checksum of its bytes");
    addChecksum(headers, checksums);
  } else if (
    md5 === undefined &&
    body instanceof Uint8Array &&
    (request.retention ?? request.legalHold) !== undefined
  ) {
    // S3 takes what it is to protect with a digest only.
    headers["content-md5"] = await checksumOf("MD5", body);
  }
  const query = replicaQuery(request.replica, caller.profile);
  const call = { operation: "PutObject", method: "PUT", bucket, key, query, headers, payload: body } as const;
  return putReply(await caller.sendOnly(call, options), undefined);
}

function putReply(exchange: Exchange, etag: string | undefined): PutReply {
  return {
    ...optional("versionId", exchange.header("x-amz-version-id")),
    etag: unquoted(etag ?? exchange.header("etag") ?? ""),
    ...optional("requestId", exchange.header("x-amz-request-id")),
  };
}

async function deleteObject(caller: Caller, request: DeleteRequest, options?: CallOptions): Promise<DeleteReply> {
  const { bucket, key, versionId, replica } = request;
  const headers: Headers = {};
  if (replica !== undefined) {
    addReplica(headers, replica, caller.profile);
    if (caller.profile.replicaWay === "minio") headers[MINIO_MARKER_HEADER] = "true";
  }
  if (request.bypassGovernance === true) headers[BYPASS_HEADER] = "true";
  const query = { versionId, ...replicaQuery(replica, caller.profile) };
  const call = { operation: "DeleteObject", method: "DELETE", bucket, key, query, headers } as const;
  const exchange = await caller.sendOnly(call, options);
  return {
    ...optional("versionId", exchange.header("x-amz-version-id")),
    isDeleteMarker: exchange.header("x-amz-delete-marker") === "true",
    ...optional("requestId", exchange.header("x-amz-request-id")),
  };
}

async function createMultipartUpload(
  caller: Caller,
  request: CreateUploadRequest,
  options?: CallOptions,
): Promise<{ readonly uploadId: string }> {
  const { bucket, key } = request;
  const headers = createUploadHeaders(request, caller.profile);
  const call = {
    operation: "CreateMultipartUpload",
    method: "POST",
    bucket,
    key,
    query: { uploads: "", ...replicaQuery(request.replica, caller.profile) },
    headers,
  } as const;
  const { root, exchange } = await caller.sendForDocument(call, ["InitiateMultipartUploadResult"], options);
  const uploadId = childText(root, "UploadId");
  if (uploadId) return { uploadId };
  throw failedCall("protocol", exchange.call, undefined, "the answer does not name the upload");
}

async function uploadPart(caller: Caller, request: UploadPartRequest, options?: CallOptions): Promise<UploadedPart> {
  const { bucket, key, uploadId, partNumber, body, checksums } = request;
  const headers: Headers = {};
  if (checksums !== undefined) addChecksum(headers, checksums);
  if (request.sealed !== undefined) headers[SEALED_HEADER] = request.sealed;
  const query = { partNumber, uploadId };
  const call = { operation: "UploadPart", method: "PUT", bucket, key, query, headers, payload: body } as const;
  const exchange = await caller.sendOnly(call, options);
  return {
    partNumber,
    etag: unquoted(exchange.header("etag") ?? ""),
    ...optional("checksums", readChecksums(exchange) ?? checksums),
  };
}

/** S3 may answer 200 before it knows, and then fail in the document: that is an error like any other. */
async function completeMultipartUpload(
  caller: Caller,
  request: CompleteUploadRequest,
  options?: CallOptions,
): Promise<PutReply> {
  const { bucket, key, uploadId } = request;
  const call = {
    operation: "CompleteMultipartUpload",
    method: "POST",
    bucket,
    key,
    query: { uploadId },
    headers: { ...completeUploadHeaders(request, caller.profile), "content-type": "application/xml" },
    payload: Buffer.from(completeUploadDocument(request)),
    headersTimeoutMs: COMPLETE_TIMEOUT_MS,
  } as const;
  const { root, exchange } = await caller.sendForDocument(call, ["CompleteMultipartUploadResult"], options);
  return putReply(exchange, childText(root, "ETag"));
}

async function abortMultipartUpload(caller: Caller, request: UploadRef, options?: CallOptions): Promise<void> {
  const { bucket, key, uploadId } = request;
  const call = { operation: "AbortMultipartUpload", method: "DELETE", bucket, key, query: { uploadId } } as const;
  try {
    await caller.sendOnly(call, options);
  } catch (error) {
    if (!(error instanceof S3Error) || error.code !== "NoSuchUpload") throw error;
  }
}

async function listParts(caller: Caller, request: ListPartsRequest, options?: CallOptions): Promise<PartPage> {
  const { bucket, key, uploadId, partNumberMarker, maxParts } = request;
  const query = { uploadId, "part-number-marker": partNumberMarker, "max-parts": maxParts };
  const call = { operation: "ListParts", method: "GET", bucket, key, query } as const;
  const { root, exchange } = await caller.sendForDocument(call, ["ListPartsResult"], options);
  try {
    return readPartPage(root);
  } catch (error) {
    if (error instanceof ListingError) throw failedCall("protocol", exchange.call, error, error.message);
    throw error;
  }
}

async function getObjectTagging(caller: Caller, request: ReadRequest, options?: CallOptions) {
  const { bucket, key, versionId } = request;
  const query = { tagging: "", versionId };
  const call = { operation: "GetObjectTagging", method: "GET", bucket, key, query } as const;
  const { root } = await caller.sendForDocument(call, ["Tagging"], options);
  return readTags(root);
}

async function putObjectTagging(caller: Caller, request: PutTaggingRequest, options?: CallOptions): Promise<void> {
  const call = { operation: "PutObjectTagging", resource: "tagging", document: taggingDocument(request.tags) };
  await putDocument(caller, request, call, options);
}

/** Replaces one of a version's sub-resources. */
async function putDocument(
  caller: Caller,
  { bucket, key, versionId }: ReadRequest,
  put: { readonly operation: string; readonly resource: string; readonly document: string; readonly headers?: Headers },
  options?: CallOptions,
): Promise<void> {
  const { operation, resource, document } = put;
  const payload = Buffer.from(document);
  const digest = { "content-type": "application/xml", "content-md5": await checksumOf("MD5", payload) };
  const headers = { ...put.headers, ...digest };
  const query = { [resource]: "", versionId };
  await caller.sendOnly({ operation, method: "PUT", bucket, key, query, headers, payload }, options);
}

async function getObjectAcl(caller: Caller, request: ReadRequest, options?: CallOptions): Promise<AccessControlList> {
  const { bucket, key, versionId } = request;
  const query = { acl: "", versionId };
  const call = { operation: "GetObjectAcl", method: "GET", bucket, key, query } as const;
  const { root } = await caller.sendForDocument(call, ["AccessControlPolicy"], options);
  return readAcl(root);
}

async function putObjectAcl(caller: Caller, request: PutAclRequest, options?: CallOptions): Promise<void> {
  const call = { operation: "PutObjectAcl", resource: "acl", document: aclDocument(request.acl) };
  await putDocument(caller, request, call, options);
}

/** A version without retention answers with an error of its own. */
async function getObjectRetention(
  caller: Caller,
  request: ReadRequest,
  options?: CallOptions,
): Promise<Retention | undefined> {
  const { bucket, key, versionId } = request;
  const query = { retention: "", versionId };
  const call = { operation: "GetObjectRetention", method: "GET", bucket, key, query } as const;
  try {
    return readRetention((await caller.sendForDocument(call, ["Retention"], options)).root);
  } catch (error) {
    if (error instanceof S3Error && NO_LOCK_CODES.has(error.code)) return undefined;
    throw error;
  }
}

async function putObjectRetention(caller: Caller, request: PutRetentionRequest, options?: CallOptions): Promise<void> {
  const bypass = request.bypassGovernance === true ? { [BYPASS_HEADER]: "true" } : {};
  const document = retentionDocument(request.retention);
  const call = { operation: "PutObjectRetention", resource: "retention", document, headers: bypass };
  await putDocument(caller, request, call, options);
}

async function getObjectLegalHold(caller: Caller, request: ReadRequest, options?: CallOptions): Promise<boolean> {
  const { bucket, key, versionId } = request;
  const query = { "legal-hold": "", versionId };
  const call = { operation: "GetObjectLegalHold", method: "GET", bucket, key, query } as const;
  try {
    const { root } = await caller.sendForDocument(call, ["LegalHold"], options);
    return childText(root, "Status") === "ON";
  } catch (error) {
    if (error instanceof S3Error && NO_LOCK_CODES.has(error.code)) return false;
    throw error;
  }
}

async function putObjectLegalHold(caller: Caller, request: PutLegalHoldRequest, options?: CallOptions): Promise<void> {
  const document = legalHoldDocument(request.legalHold);
  await putDocument(caller, request, { operation: "PutObjectLegalHold", resource: "legal-hold", document }, options);
}

async function listObjectVersions(
  caller: Caller,
  request: ListVersionsRequest,
  options?: CallOptions,
): Promise<VersionPage> {
  const { bucket, prefix, keyMarker, versionIdMarker, maxKeys } = request;
  // An empty marker is refused; a page may end without one.
  const markerId = versionIdMarker === "" ? undefined : versionIdMarker;
  const query = {
    versions: "",
    "encoding-type": "url",
    prefix,
    "key-marker": keyMarker,
    "version-id-marker": markerId,
    "max-keys": maxKeys,
  };
  const call = { operation: "ListObjectVersions", method: "GET", bucket, query } as const;
  const page = await caller.sendForPage(call, VERSION_PAGES, options);
  if (keyMarker === undefined || markerId !== undefined) return page;
  // Behind a key means behind all of its versions; radosgw 16.2.15 begins with them.
  return { ...page, versions: page.versions.filter((one) => one.key !== keyMarker) };
}

const VERSION_PAGES: PageKind<VersionPage> = {
  root: "ListVersionsResult",
  readPlain: readPlainVersionPage,
  read: readVersionPage,
};
