/**
 * The operations of S3 that the lab emulates, by the names of the API reference, and the IAM actions each one needs.
 *
 * The table is the only place that knows the actions of ordinary callers. Calls that S3 makes itself to replicate
 * need other actions; those are in `core/plan.ts` and are applied by `access.ts`.
 *
 * @source https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */

/** Actions of one operation: with `versioned` in place of `plain` when the request names a version. */
export interface OperationActions {
  /** The resource is the object, the bucket, or the account's namespace. */
  readonly on: "object" | "bucket" | "account";
  readonly plain: string;
  readonly versioned?: string;
}

const account = (plain: string): OperationActions => ({ on: "account", plain: `s3:${plain}` });
const bucket = (plain: string): OperationActions => ({ on: "bucket", plain: `s3:${plain}` });
const object = (plain: string, versioned?: string): OperationActions => ({
  on: "object",
  plain: `s3:${plain}`,
  ...(versioned === undefined ? {} : { versioned: `s3:${versioned}` }),
});

export const OPERATIONS = {
  ListBuckets: account("ListAllMyBuckets"),

  CreateBucket: bucket("CreateBucket"),
  DeleteBucket: bucket("DeleteBucket"),
  HeadBucket: bucket("ListBucket"),
  GetBucketLocation: bucket("GetBucketLocation"),
  GetBucketVersioning: bucket("GetBucketVersioning"),
  PutBucketVersioning: bucket("PutBucketVersioning"),
  GetBucketPolicy: bucket("GetBucketPolicy"),
  PutBucketPolicy: bucket("PutBucketPolicy"),
  DeleteBucketPolicy: bucket("DeleteBucketPolicy"),
  GetBucketPolicyStatus: bucket("GetBucketPolicyStatus"),
  GetBucketEncryption: bucket("GetEncryptionConfiguration"),
  PutBucketEncryption: bucket("PutEncryptionConfiguration"),
  DeleteBucketEncryption: bucket("PutEncryptionConfiguration"),
  GetBucketReplication: bucket("GetReplicationConfiguration"),
  PutBucketReplication: bucket("PutReplicationConfiguration"),
  DeleteBucketReplication: bucket("PutReplicationConfiguration"),
  GetPublicAccessBlock: bucket("GetBucketPublicAccessBlock"),
  PutPublicAccessBlock: bucket("PutBucketPublicAccessBlock"),
  DeletePublicAccessBlock: bucket("PutBucketPublicAccessBlock"),
  GetBucketOwnershipControls: bucket("GetBucketOwnershipControls"),
  PutBucketOwnershipControls: bucket("PutBucketOwnershipControls"),
  DeleteBucketOwnershipControls: bucket("PutBucketOwnershipControls"),
  GetBucketTagging: bucket("GetBucketTagging"),
  PutBucketTagging: bucket("PutBucketTagging"),
  DeleteBucketTagging: bucket("PutBucketTagging"),
  GetBucketAcl: bucket("GetBucketAcl"),
  PutBucketAcl: bucket("PutBucketAcl"),
  GetBucketRequestPayment: bucket("GetBucketRequestPayment"),
  PutBucketRequestPayment: bucket("PutBucketRequestPayment"),
  GetBucketLifecycleConfiguration: bucket("GetLifecycleConfiguration"),
  GetBucketCors: bucket("GetBucketCORS"),
  GetBucketWebsite: bucket("GetBucketWebsite"),
  GetBucketLogging: bucket("GetBucketLogging"),
  PutBucketLogging: bucket("PutBucketLogging"),
  GetBucketInventoryConfiguration: bucket("GetInventoryConfiguration"),
  ListBucketInventoryConfigurations: bucket("GetInventoryConfiguration"),
  PutBucketInventoryConfiguration: bucket("PutInventoryConfiguration"),
  DeleteBucketInventoryConfiguration: bucket("PutInventoryConfiguration"),
  GetBucketNotificationConfiguration: bucket("GetBucketNotification"),
  PutBucketNotificationConfiguration: bucket("PutBucketNotification"),
  GetBucketAccelerateConfiguration: bucket("GetAccelerateConfiguration"),
  GetObjectLockConfiguration: bucket("GetBucketObjectLockConfiguration"),
  PutObjectLockConfiguration: bucket("PutBucketObjectLockConfiguration"),

  ListObjects: bucket("ListBucket"),
  ListObjectsV2: bucket("ListBucket"),
  ListObjectVersions: bucket("ListBucketVersions"),
  ListMultipartUploads: bucket("ListBucketMultipartUploads"),

  GetObject: object("GetObject", "GetObjectVersion"),
  HeadObject: object("GetObject", "GetObjectVersion"),
  GetObjectAttributes: object("GetObjectAttributes", "GetObjectVersionAttributes"),
  PutObject: object("PutObject"),
  CopyObject: object("PutObject"),
  DeleteObject: object("DeleteObject", "DeleteObjectVersion"),
  DeleteObjects: object("DeleteObject", "DeleteObjectVersion"),
  GetObjectTagging: object("GetObjectTagging", "GetObjectVersionTagging"),
  PutObjectTagging: object("PutObjectTagging", "PutObjectVersionTagging"),
  DeleteObjectTagging: object("DeleteObjectTagging", "DeleteObjectVersionTagging"),
  GetObjectAcl: object("GetObjectAcl", "GetObjectVersionAcl"),
  PutObjectAcl: object("PutObjectAcl", "PutObjectVersionAcl"),
  RestoreObject: object("RestoreObject"),
  GetObjectRetention: object("GetObjectRetention"),
  PutObjectRetention: object("PutObjectRetention"),
  GetObjectLegalHold: object("GetObjectLegalHold"),
  PutObjectLegalHold: object("PutObjectLegalHold"),

  CreateMultipartUpload: object("PutObject"),
  UploadPart: object("PutObject"),
  UploadPartCopy: object("PutObject"),
  CompleteMultipartUpload: object("PutObject"),
  AbortMultipartUpload: object("AbortMultipartUpload"),
  ListParts: object("ListMultipartUploadParts"),
} as const satisfies Record<string, OperationActions>;

export type S3Operation = keyof typeof OPERATIONS;

/** Actions whose policies may look at the tags that the object already has (`s3:ExistingObjectTag/KEY`). */
export const ACTIONS_WITH_EXISTING_TAGS: ReadonlySet<string> = new Set([
  "s3:GetObject",
  "s3:GetObjectVersion",
  "s3:GetObjectAcl",
  "s3:GetObjectVersionAcl",
  "s3:GetObjectAttributes",
  "s3:GetObjectVersionAttributes",
  "s3:GetObjectTagging",
  "s3:GetObjectVersionTagging",
  "s3:PutObjectTagging",
  "s3:PutObjectVersionTagging",
  "s3:DeleteObjectTagging",
  "s3:DeleteObjectVersionTagging",
  "s3:PutObjectAcl",
  "s3:PutObjectVersionAcl",
]);
