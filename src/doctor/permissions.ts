/**
 * The calls that the doctor makes, and the action that each of them must be allowed: one table, by which denials are named
 * and from which `lockstep policy` prints what to allow.
 *
 * What replication itself needs stands in `core/plan.ts`, and nowhere else.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
import type { AwsError } from "../aws/errors.ts";
import type { PatchTarget } from "../core/diagnose/report.ts";
import { S3Error } from "../s3/errors.ts";

/** What an action is allowed on. Some calls of KMS and all of Organizations name nothing that they are on. */
export type PermissionOn =
  | "source"
  | "destination"
  | "sourceObjects"
  | "destinationObjects"
  | "role"
  | "policy"
  | "key"
  | "evidence"
  | "evidenceObjects"
  | "queue"
  | "any";

export interface Permission {
  readonly action: string;
  readonly on: readonly PermissionOn[];
}

const BUCKETS: readonly PermissionOn[] = ["source", "destination"];
const OBJECTS: readonly PermissionOn[] = ["sourceObjects", "destinationObjects"];

/** By `service:Operation`; operations of IAM, KMS and Organizations are actions of the same name. */
export const READS: Readonly<Record<string, Permission>> = {
  // A HEAD of a bucket, and of a key that is not there, answers 403 to those who may not list.
  "s3:HeadBucket": { action: "s3:ListBucket", on: BUCKETS },
  "s3:ListObjectVersions": { action: "s3:ListBucketVersions", on: BUCKETS },
  "s3:GetBucketVersioning": { action: "s3:GetBucketVersioning", on: BUCKETS },
  "s3:GetBucketPolicy": { action: "s3:GetBucketPolicy", on: BUCKETS },
  "s3:GetBucketReplication": { action: "s3:GetReplicationConfiguration", on: ["source"] },
  "s3:GetBucketEncryption": { action: "s3:GetEncryptionConfiguration", on: BUCKETS },
  "s3:GetBucketOwnershipControls": { action: "s3:GetBucketOwnershipControls", on: BUCKETS },
  "s3:GetBucketAcl": { action: "s3:GetBucketAcl", on: BUCKETS },
  "s3:GetObjectLockConfiguration": { action: "s3:GetBucketObjectLockConfiguration", on: BUCKETS },
  "s3:GetBucketRequestPayment": { action: "s3:GetBucketRequestPayment", on: BUCKETS },
  "s3:GetPublicAccessBlock": { action: "s3:GetBucketPublicAccessBlock", on: BUCKETS },
  "s3:GetBucketNotificationConfiguration": { action: "s3:GetBucketNotification", on: BUCKETS },
  "s3:ListBucketInventoryConfigurations": { action: "s3:GetInventoryConfiguration", on: BUCKETS },
  "s3:HeadObject": { action: "s3:GetObjectVersion", on: OBJECTS },
  "s3:GetObjectTagging": { action: "s3:GetObjectVersionTagging", on: OBJECTS },
  "s3:GetObjectAcl": { action: "s3:GetObjectVersionAcl", on: OBJECTS },
  "iam:GetRole": { action: "iam:GetRole", on: ["role"] },
  "iam:ListRolePolicies": { action: "iam:ListRolePolicies", on: ["role"] },
  "iam:GetRolePolicy": { action: "iam:GetRolePolicy", on: ["role"] },
  "iam:ListAttachedRolePolicies": { action: "iam:ListAttachedRolePolicies", on: ["role"] },
  "iam:GetPolicy": { action: "iam:GetPolicy", on: ["policy"] },
  "iam:GetPolicyVersion": { action: "iam:GetPolicyVersion", on: ["policy"] },
  "kms:DescribeKey": { action: "kms:DescribeKey", on: ["key"] },
  "kms:GetKeyPolicy": { action: "kms:GetKeyPolicy", on: ["key"] },
  "kms:ListGrants": { action: "kms:ListGrants", on: ["key"] },
  "kms:ListAliases": { action: "kms:ListAliases", on: ["any"] },
  "kms:ListKeys": { action: "kms:ListKeys", on: ["any"] },
  "organizations:DescribeOrganization": { action: "organizations:DescribeOrganization", on: ["any"] },
  "organizations:ListParents": { action: "organizations:ListParents", on: ["any"] },
  "organizations:ListRoots": { action: "organizations:ListRoots", on: ["any"] },
  "organizations:ListPoliciesForTarget": { action: "organizations:ListPoliciesForTarget", on: ["any"] },
  "organizations:DescribePolicy": { action: "organizations:DescribePolicy", on: ["any"] },
};

/** What is asked besides facts: figures for `status`, changes for `diagnose --cloudtrail` and for a refused `fix --apply`. */
export const FIGURES_AND_CHANGES: readonly Permission[] = [
  { action: "cloudwatch:GetMetricData", on: ["any"] },
  { action: "cloudtrail:LookupEvents", on: ["any"] },
];

/** Logs, inventories, reports and events, where somebody names the buckets and queues that hold them. */
export const EVIDENCE: readonly Permission[] = [
  { action: "s3:ListBucket", on: ["evidence"] },
  { action: "s3:GetObject", on: ["evidenceObjects"] },
  { action: "sqs:ReceiveMessage", on: ["queue"] },
];

/** An audit that compares bytes reads encrypted ones, too. */
export const BYTES: readonly Permission[] = [{ action: "kms:Decrypt", on: ["key"] }];

/** What a canary does as whoever sends it: writes at the source, reads back at the destination, removes at both ends. */
export const CANARY: readonly Permission[] = [
  { action: "s3:ListBucket", on: BUCKETS },
  { action: "s3:ListBucketVersions", on: BUCKETS },
  { action: "s3:GetBucketObjectLockConfiguration", on: BUCKETS },
  { action: "s3:GetReplicationConfiguration", on: ["source"] },
  { action: "s3:GetEncryptionConfiguration", on: ["source"] },
  { action: "s3:GetObject", on: OBJECTS },
  { action: "s3:GetObjectVersion", on: OBJECTS },
  { action: "s3:DeleteObjectVersion", on: OBJECTS },
  { action: "s3:PutObject", on: ["sourceObjects"] },
  { action: "s3:PutObjectTagging", on: ["sourceObjects"] },
  { action: "s3:DeleteObject", on: ["sourceObjects"] },
  // Only an upload that could not be completed is aborted.
  { action: "s3:AbortMultipartUpload", on: ["sourceObjects"] },
  { action: "s3:GetObjectVersionTagging", on: ["destinationObjects"] },
  { action: "kms:GenerateDataKey", on: ["key"] },
  { action: "kms:Decrypt", on: ["key"] },
];

/** Actions without a call of their own: a HEAD shows more to those who have them, and of a current version asks for less. */
export const SHOWN_BY_HEAD: readonly Permission[] = [
  { action: "s3:GetObject", on: ["destinationObjects"] },
  { action: "s3:GetObjectRetention", on: ["sourceObjects"] },
  { action: "s3:GetObjectLegalHold", on: ["sourceObjects"] },
];

const allowed = (on: readonly PermissionOn[], ...actions: readonly string[]): Permission[] =>
  actions.map((action) => ({ action, on }));

const MANAGED_POLICY = allowed(
  ["policy"],
  "iam:ListPolicyVersions",
  "iam:CreatePolicyVersion",
  "iam:DeletePolicyVersion",
);

/** What writing a document needs besides reading it, and taking it back: by what a patch changes. */
export const WRITES: Readonly<Record<PatchTarget, readonly Permission[]>> = {
  replication: [...allowed(["source"], "s3:PutReplicationConfiguration"), ...allowed(["role"], "iam:PassRole")],
  "bucket-policy": allowed(BUCKETS, "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"),
  "iam-role-policy": [...allowed(["role"], "iam:PutRolePolicy", "iam:DeleteRolePolicy"), ...MANAGED_POLICY],
  // Roles are made for jobs of S3 Batch, and by no fix.
  "iam-role": [],
  "iam-trust-policy": allowed(["role"], "iam:UpdateAssumeRolePolicy"),
  "iam-boundary-policy": MANAGED_POLICY,
  "organization-policy": allowed(["any"], "organizations:UpdatePolicy"),
  "kms-key-policy": allowed(["key"], "kms:PutKeyPolicy"),
  "kms-key-state": allowed(
    ["key"],
    "kms:EnableKey",
    "kms:DisableKey",
    "kms:CancelKeyDeletion",
    "kms:ScheduleKeyDeletion",
  ),
  versioning: allowed(BUCKETS, "s3:PutBucketVersioning"),
  encryption: allowed(BUCKETS, "s3:PutEncryptionConfiguration"),
  ownership: allowed(BUCKETS, "s3:PutBucketOwnershipControls"),
  "object-lock": allowed(["destination"], "s3:PutBucketObjectLockConfiguration"),
  "request-payment": allowed(["destination"], "s3:PutBucketRequestPayment"),
};

/** The action that a call needs that an error answers. */
export function actionOf(error: S3Error | AwsError): string {
  const call =
    error instanceof S3Error ? `s3:${error.fields.operation}` : `${error.fields.service}:${error.fields.operation}`;
  return READS[call]?.action ?? call;
}
