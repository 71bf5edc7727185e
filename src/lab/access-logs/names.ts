/**
 * What server access logs call the operations of S3.
 *
 * @source aws-replication.md §9.1 field 7, §9.2; names that no published record shows are formed like the others, and
 *   stand in `UNCONFIRMED`
 */
import type { DetectedOperation } from "../s3/skin/detect.ts";

const NAMES: Readonly<Partial<Record<DetectedOperation, string>>> = {
  CopyObject: "REST.COPY.OBJECT",
  UploadPartCopy: "REST.COPY.PART",
  CreateBucket: "REST.PUT.BUCKET",
  DeleteBucket: "REST.DELETE.BUCKET",
  HeadBucket: "REST.HEAD.BUCKET",
  ListObjects: "REST.GET.BUCKET",
  ListObjectsV2: "REST.GET.BUCKET",
  ListObjectVersions: "REST.GET.BUCKETVERSIONS",
  GetBucketLocation: "REST.GET.LOCATION",
  GetBucketVersioning: "REST.GET.VERSIONING",
  PutBucketVersioning: "REST.PUT.VERSIONING",
  GetBucketPolicy: "REST.GET.BUCKETPOLICY",
  PutBucketPolicy: "REST.PUT.BUCKETPOLICY",
  DeleteBucketPolicy: "REST.DELETE.BUCKETPOLICY",
  GetBucketPolicyStatus: "REST.GET.POLICY_STATUS",
  GetBucketEncryption: "REST.GET.ENCRYPTION",
  PutBucketEncryption: "REST.PUT.ENCRYPTION",
  DeleteBucketEncryption: "REST.DELETE.ENCRYPTION",
  GetPublicAccessBlock: "REST.GET.PUBLIC_ACCESS_BLOCK",
  PutPublicAccessBlock: "REST.PUT.PUBLIC_ACCESS_BLOCK",
  DeletePublicAccessBlock: "REST.DELETE.PUBLIC_ACCESS_BLOCK",
  GetBucketOwnershipControls: "REST.GET.OWNERSHIP_CONTROLS",
  PutBucketOwnershipControls: "REST.PUT.OWNERSHIP_CONTROLS",
  DeleteBucketOwnershipControls: "REST.DELETE.OWNERSHIP_CONTROLS",
  GetBucketTagging: "REST.GET.TAGGING",
  PutBucketTagging: "REST.PUT.TAGGING",
  DeleteBucketTagging: "REST.DELETE.TAGGING",
  GetBucketAcl: "REST.GET.ACL",
  PutBucketAcl: "REST.PUT.ACL",
  GetBucketRequestPayment: "REST.GET.REQUEST_PAYMENT",
  PutBucketRequestPayment: "REST.PUT.REQUEST_PAYMENT",
  GetBucketCors: "REST.GET.CORS",
  GetBucketWebsite: "REST.GET.WEBSITE",
  GetBucketLogging: "REST.GET.LOGGING_STATUS",
  PutBucketLogging: "REST.PUT.LOGGING_STATUS",
  GetBucketNotificationConfiguration: "REST.GET.NOTIFICATION",
  PutBucketNotificationConfiguration: "REST.PUT.NOTIFICATION",
  ListMultipartUploads: "REST.GET.UPLOADS",
  GetObject: "REST.GET.OBJECT",
  HeadObject: "REST.HEAD.OBJECT",
  GetObjectAttributes: "REST.GET.OBJECT_ATTRIBUTES",
  PutObject: "REST.PUT.OBJECT",
  DeleteObject: "REST.DELETE.OBJECT",
  DeleteObjects: "REST.POST.MULTI_OBJECT_DELETE",
  GetObjectTagging: "REST.GET.OBJECT_TAGGING",
  PutObjectTagging: "REST.PUT.OBJECT_TAGGING",
  DeleteObjectTagging: "REST.DELETE.OBJECT_TAGGING",
  GetObjectAcl: "REST.GET.ACL",
  PutObjectAcl: "REST.PUT.ACL",
  CreateMultipartUpload: "REST.POST.UPLOADS",
  UploadPart: "REST.PUT.PART",
  CompleteMultipartUpload: "REST.POST.UPLOAD",
  AbortMultipartUpload: "REST.DELETE.UPLOAD",
  ListParts: "REST.GET.UPLOAD",
};

const UNCONFIRMED: Readonly<Partial<Record<DetectedOperation, string>>> = {
  GetBucketReplication: "REST.GET.REPLICATION",
  PutBucketReplication: "REST.PUT.REPLICATION",
  DeleteBucketReplication: "REST.DELETE.REPLICATION",
  GetObjectLockConfiguration: "REST.GET.OBJECT_LOCK_CONFIGURATION",
  PutObjectLockConfiguration: "REST.PUT.OBJECT_LOCK_CONFIGURATION",
  GetObjectRetention: "REST.GET.OBJECT_LOCK_RETENTION",
  PutObjectRetention: "REST.PUT.OBJECT_LOCK_RETENTION",
  GetObjectLegalHold: "REST.GET.OBJECT_LOCK_LEGALHOLD",
  PutObjectLegalHold: "REST.PUT.OBJECT_LOCK_LEGALHOLD",
  RestoreObject: "REST.POST.RESTORE",
  GetBucketLifecycleConfiguration: "REST.GET.LIFECYCLE",
  GetBucketAccelerateConfiguration: "REST.GET.ACCELERATE",
  GetBucketInventoryConfiguration: "REST.GET.INVENTORY",
  ListBucketInventoryConfigurations: "REST.GET.INVENTORY",
  PutBucketInventoryConfiguration: "REST.PUT.INVENTORY",
  DeleteBucketInventoryConfiguration: "REST.DELETE.INVENTORY",
};

/** One row of it for every key that a DeleteObjects names, beside the row of the call itself. */
export const BATCH_DELETE = "BATCH.DELETE.OBJECT";

/** @param method of requests whose operation S3 does not have, or the lab does not */
export function logNameOf(operation: DetectedOperation | undefined, method: string, hasKey: boolean): string {
  const named = operation === undefined ? undefined : (NAMES[operation] ?? UNCONFIRMED[operation]);
  return named ?? `REST.${method}.${hasKey ? "OBJECT" : "BUCKET"}`;
}
