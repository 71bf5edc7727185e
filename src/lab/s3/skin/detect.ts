/**
 * Which operation a request is, by name: from method, whether there is a bucket and a key, sub-resource and a few
 * headers. Nothing else in the skin looks at these to tell operations apart.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
 */
import type { GapOperation } from "../gaps.ts";
import type { S3Operation } from "../operations.ts";

export type DetectedOperation = S3Operation | GapOperation;

type Methods = Readonly<Partial<Record<string, DetectedOperation>>>;

/** Sub-resources of a bucket, by the query parameter that names them. */
const BUCKET_SUBRESOURCES: Readonly<Record<string, Methods>> = {
  abac: { GET: "GetBucketAbac", PUT: "PutBucketAbac" },
  accelerate: { GET: "GetBucketAccelerateConfiguration", PUT: "PutBucketAccelerateConfiguration" },
  acl: { GET: "GetBucketAcl", PUT: "PutBucketAcl" },
  analytics: {
    GET: "GetBucketAnalyticsConfiguration",
    PUT: "PutBucketAnalyticsConfiguration",
    DELETE: "DeleteBucketAnalyticsConfiguration",
  },
  cors: { GET: "GetBucketCors", PUT: "PutBucketCors", DELETE: "DeleteBucketCors" },
  delete: { POST: "DeleteObjects" },
  encryption: { GET: "GetBucketEncryption", PUT: "PutBucketEncryption", DELETE: "DeleteBucketEncryption" },
  "intelligent-tiering": {
    GET: "GetBucketIntelligentTieringConfiguration",
    PUT: "PutBucketIntelligentTieringConfiguration",
    DELETE: "DeleteBucketIntelligentTieringConfiguration",
  },
  inventory: {
    GET: "GetBucketInventoryConfiguration",
    PUT: "PutBucketInventoryConfiguration",
    DELETE: "DeleteBucketInventoryConfiguration",
  },
  lifecycle: {
    GET: "GetBucketLifecycleConfiguration",
    PUT: "PutBucketLifecycleConfiguration",
    DELETE: "DeleteBucketLifecycle",
  },
  location: { GET: "GetBucketLocation" },
  logging: { GET: "GetBucketLogging", PUT: "PutBucketLogging" },
  metadataConfiguration: {
    GET: "GetBucketMetadataConfiguration",
    POST: "CreateBucketMetadataConfiguration",
    DELETE: "DeleteBucketMetadataConfiguration",
  },
  metadataInventoryTable: { PUT: "UpdateBucketMetadataInventoryTableConfiguration" },
  metadataJournalTable: { PUT: "UpdateBucketMetadataJournalTableConfiguration" },
  metadataTable: {
    GET: "GetBucketMetadataTableConfiguration",
    POST: "CreateBucketMetadataTableConfiguration",
    DELETE: "DeleteBucketMetadataTableConfiguration",
  },
  metrics: {
    GET: "GetBucketMetricsConfiguration",
    PUT: "PutBucketMetricsConfiguration",
    DELETE: "DeleteBucketMetricsConfiguration",
  },
  notification: { GET: "GetBucketNotificationConfiguration", PUT: "PutBucketNotificationConfiguration" },
  "object-lock": { GET: "GetObjectLockConfiguration", PUT: "PutObjectLockConfiguration" },
  ownershipControls: {
    GET: "GetBucketOwnershipControls",
    PUT: "PutBucketOwnershipControls",
    DELETE: "DeleteBucketOwnershipControls",
  },
  policy: { GET: "GetBucketPolicy", PUT: "PutBucketPolicy", DELETE: "DeleteBucketPolicy" },
  policyStatus: { GET: "GetBucketPolicyStatus" },
  publicAccessBlock: { GET: "GetPublicAccessBlock", PUT: "PutPublicAccessBlock", DELETE: "DeletePublicAccessBlock" },
  replication: { GET: "GetBucketReplication", PUT: "PutBucketReplication", DELETE: "DeleteBucketReplication" },
  requestPayment: { GET: "GetBucketRequestPayment", PUT: "PutBucketRequestPayment" },
  session: { GET: "CreateSession" },
  tagging: { GET: "GetBucketTagging", PUT: "PutBucketTagging", DELETE: "DeleteBucketTagging" },
  uploads: { GET: "ListMultipartUploads" },
  versioning: { GET: "GetBucketVersioning", PUT: "PutBucketVersioning" },
  versions: { GET: "ListObjectVersions" },
  website: { GET: "GetBucketWebsite", PUT: "PutBucketWebsite", DELETE: "DeleteBucketWebsite" },
};

/** Configurations of which a bucket can have many: without `id` a GET lists them. */
const LISTED: Readonly<Record<string, DetectedOperation>> = {
  analytics: "ListBucketAnalyticsConfigurations",
  "intelligent-tiering": "ListBucketIntelligentTieringConfigurations",
  inventory: "ListBucketInventoryConfigurations",
  metrics: "ListBucketMetricsConfigurations",
};

const OBJECT_SUBRESOURCES: Readonly<Record<string, Methods>> = {
  acl: { GET: "GetObjectAcl", PUT: "PutObjectAcl" },
  attributes: { GET: "GetObjectAttributes" },
  encryption: { PUT: "UpdateObjectEncryption" },
  "legal-hold": { GET: "GetObjectLegalHold", PUT: "PutObjectLegalHold" },
  renameObject: { PUT: "RenameObject" },
  restore: { POST: "RestoreObject" },
  retention: { GET: "GetObjectRetention", PUT: "PutObjectRetention" },
  select: { POST: "SelectObjectContent" },
  tagging: { GET: "GetObjectTagging", PUT: "PutObjectTagging", DELETE: "DeleteObjectTagging" },
  torrent: { GET: "GetObjectTorrent" },
  uploads: { POST: "CreateMultipartUpload" },
};

const PLAIN_BUCKET: Methods = { PUT: "CreateBucket", HEAD: "HeadBucket", DELETE: "DeleteBucket", POST: "PostObject" };
const PLAIN_OBJECT: Methods = { GET: "GetObject", HEAD: "HeadObject", PUT: "PutObject", DELETE: "DeleteObject" };
const OF_UPLOAD: Methods = {
  GET: "ListParts",
  PUT: "UploadPart",
  POST: "CompleteMultipartUpload",
  DELETE: "AbortMultipartUpload",
};

export interface Detectable {
  readonly method: string;
  /** "" when there is none. */
  readonly bucket: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The operation; undefined when S3 has none for this method here (405). */
export function detectOperation(request: Detectable): DetectedOperation | undefined {
  const { method, bucket, key, query } = request;
  if (bucket === "") return method === "GET" && key === "" ? "ListBuckets" : undefined;
  if (key === "") return detectOnBucket(method, query);
  return detectOnObject(request);
}

function detectOnBucket(method: string, query: ReadonlyMap<string, string>): DetectedOperation | undefined {
  for (const name of query.keys()) {
    const methods = Object.hasOwn(BUCKET_SUBRESOURCES, name) ? BUCKET_SUBRESOURCES[name] : undefined;
    if (methods === undefined) continue;
    const listed = LISTED[name];
    return listed !== undefined && method === "GET" && !query.has("id") ? listed : methods[method];
  }
  if (method === "GET") return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
  return PLAIN_BUCKET[method];
}

function detectOnObject({ method, query, headers }: Detectable): DetectedOperation | undefined {
  const isCopy = headers["x-amz-copy-source"] !== undefined;
  if (query.has("uploadId")) {
    const operation = OF_UPLOAD[method];
    return operation === "UploadPart" && isCopy ? "UploadPartCopy" : operation;
  }
  for (const name of query.keys()) {
    const methods = Object.hasOwn(OBJECT_SUBRESOURCES, name) ? OBJECT_SUBRESOURCES[name] : undefined;
    if (methods !== undefined) return methods[method];
  }
  const operation = PLAIN_OBJECT[method];
  return operation === "PutObject" && isCopy ? "CopyObject" : operation;
}
