/**
 * Settings of a bucket: versioning, default encryption, replication, public access block, ownership, tags.
 *
 * Policies have a file of their own (`policy.ts`).
 */
import { randomBytes } from "node:crypto";
import { parseArn } from "../../core/arn.ts";
import { asArray, asObject, type DocumentValue } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { ConfigProblem } from "../../core/config/problems.ts";
import type { ReplicationConfiguration, Tag } from "../../core/model.ts";
import { authorise, requireBucket } from "./access.ts";
import {
  type Bucket,
  type BucketEncryption,
  type BucketSettings,
  DEFAULT_ENCRYPTION,
  type DefaultRetention,
  type ObjectLockSettings,
  type ObjectOwnership,
  type PublicAccessBlock,
} from "./bucket.ts";
import { REPLICATION_SERVICE, type S3Call } from "./call.ts";
import { invalidArgument, invalidRequest, type S3ErrorCode, s3Error } from "./errors.ts";
import type { S3Operation } from "./operations.ts";
import { destinationOf } from "./replication.ts";
import type { S3Service } from "./service.ts";
import { checkTags } from "./tags.ts";

/** Finds a bucket whose settings are read or changed, and authorises that. */
export function openSettings(s3: S3Service, call: S3Call, operation: S3Operation, name: string): Bucket {
  const bucket = requireBucket(s3, name);
  authorise(s3, call, operation, { bucket });
  return bucket;
}

/** Settings that are read and deleted as documents; the others have defaults. */
type DocumentSetting = Exclude<
  keyof BucketSettings,
  "acl" | "requesterPays" | "notification" | "logging" | "inventories"
>;

/** What is read but was never set. @source the error codes of each GET in the API reference */
const UNSET = {
  objectLock: "ObjectLockConfigurationNotFoundError",
  encryption: "ServerSideEncryptionConfigurationNotFoundError",
  ownership: "OwnershipControlsNotFoundError",
  policy: "NoSuchBucketPolicy",
  publicAccessBlock: "NoSuchPublicAccessBlockConfiguration",
  replication: "ReplicationConfigurationNotFoundError",
  tags: "NoSuchTagSet",
} as const satisfies Record<DocumentSetting, S3ErrorCode>;

/** One setting. @throws ServiceError with the code that says it is not set */
export function getSetting<Name extends DocumentSetting>(
  s3: S3Service,
  call: S3Call,
  operation: S3Operation,
  bucketName: string,
  name: Name,
): NonNullable<BucketSettings[Name]> {
  const value = openSettings(s3, call, operation, bucketName).settings[name];
  if (value === undefined) throw s3Error(UNSET[name], { details: { BucketName: bucketName } });
  return value;
}

/** Goes back to how it is without the setting. Idempotent. */
export async function deleteSetting(
  s3: S3Service,
  call: S3Call,
  operation: S3Operation,
  bucketName: string,
  name: DocumentSetting,
): Promise<void> {
  const bucket = openSettings(s3, call, operation, bucketName);
  await s3.buckets.update(bucket, ({ settings }) => {
    const { [name]: _gone, ...rest } = settings;
    return { settings: rest };
  });
}

async function putSetting(s3: S3Service, bucket: Bucket, change: BucketSettings): Promise<void> {
  await s3.buckets.update(bucket, ({ settings }) => ({ settings: { ...settings, ...change } }));
}

/** @throws ServiceError InvalidBucketState while a replication configuration needs versioning */
export async function putBucketVersioning(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  status: string | undefined,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketVersioning", bucketName);
  if (status === undefined) throw s3Error("IllegalVersioningConfigurationException");
  if (status !== "Enabled" && status !== "Suspended") throw s3Error("MalformedXML");
  await s3.buckets.update(bucket, ({ settings }) => {
    if (status === "Suspended" && settings.replication !== undefined) {
      throw s3Error("InvalidBucketState", {
        message:
          "A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration.",
      });
    }
    if (status === "Suspended" && settings.objectLock !== undefined) {
      throw s3Error("InvalidBucketState", {
        message: "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
      });
    }
    return { versioning: status };
  });
}

export async function putBucketEncryption(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  encryption: Omit<BucketEncryption, "blockedTypes"> & Partial<BucketEncryption>,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketEncryption", bucketName);
  if (encryption.kind === "SSE-S3" && encryption.kmsKeyId !== undefined) {
    throw s3Error("InvalidArgument", {
      message: "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse",
    });
  }
  await s3.buckets.update(bucket, ({ settings }) => {
    // Who says nothing of blocked types leaves them as they are (so Terraform's provider tells: its issue 47320).
    const { blockedTypes } = settings.encryption ?? DEFAULT_ENCRYPTION;
    return { settings: { ...settings, encryption: { blockedTypes, ...encryption } } };
  });
}

/** Goes back to SSE-S3. That what is blocked stays blocked is unconfirmed. */
export async function deleteBucketEncryption(s3: S3Service, call: S3Call, bucketName: string): Promise<void> {
  const bucket = openSettings(s3, call, "DeleteBucketEncryption", bucketName);
  await s3.buckets.update(bucket, ({ settings }) => {
    const { blockedTypes } = settings.encryption ?? DEFAULT_ENCRYPTION;
    return { settings: { ...settings, encryption: { ...DEFAULT_ENCRYPTION, blockedTypes } } };
  });
}

/** Without a configuration S3 encrypts with its own keys, and says so. */
export function getBucketEncryption(s3: S3Service, call: S3Call, bucketName: string): BucketEncryption {
  const bucket = openSettings(s3, call, "GetBucketEncryption", bucketName);
  return bucket.settings.encryption ?? DEFAULT_ENCRYPTION;
}

export async function putPublicAccessBlock(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  publicAccessBlock: PublicAccessBlock,
): Promise<void> {
  await putSetting(s3, openSettings(s3, call, "PutPublicAccessBlock", bucketName), { publicAccessBlock });
}

/**
 * Decides about versions that are there as well: their owners are computed, not stored.
 *
 * @throws ServiceError InvalidBucketAclWithObjectOwnership while the bucket's ACL lets others in
 */
export async function putBucketOwnershipControls(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  ownership: ObjectOwnership,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketOwnershipControls", bucketName);
  await s3.buckets.update(bucket, ({ settings }) => {
    if (ownership === "BucketOwnerEnforced" && settings.acl !== undefined) {
      throw s3Error("InvalidBucketAclWithObjectOwnership");
    }
    return { settings: { ...settings, ownership } };
  });
}

export async function putBucketTagging(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  tags: readonly Tag[],
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketTagging", bucketName);
  checkTags(tags, "bucket");
  await putSetting(s3, bucket, { tags });
}

/** Enables Object Lock, for good, and sets or takes away the default retention. */
export async function putObjectLockConfiguration(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  objectLock: ObjectLockSettings,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutObjectLockConfiguration", bucketName);
  const { defaultRetention } = objectLock;
  if (defaultRetention !== undefined) checkDefaultRetention(defaultRetention);
  await s3.buckets.update(bucket, ({ settings, versioning }) => {
    if (versioning !== "Enabled") {
      throw s3Error("InvalidBucketState", {
        message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
      });
    }
    return { settings: { ...settings, objectLock } };
  });
}

const RETENTION_DAYS_MAX = 36_500;
const RETENTION_YEARS_MAX = 100;

function checkDefaultRetention(retention: DefaultRetention): void {
  const [argument, count, most] =
    "days" in retention
      ? (["Days", retention.days, RETENTION_DAYS_MAX] as const)
      : (["Years", retention.years, RETENTION_YEARS_MAX] as const);
  if (count < 1) {
    const message = "Default retention period must be a positive integer value.";
    throw invalidArgument(argument, String(count), message);
  }
  if (count > most) throw invalidArgument(argument, String(count), "Default retention period too large.");
}

/**
 * Sets the replication configuration, checked in the order in which S3 checks: the document, the role, versioning of
 * the source, the rules, the destinations.
 *
 * @source aws-replication.md §1.4
 */
export async function putBucketReplication(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  document: DocumentValue,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketReplication", bucketName);
  const named = withRuleIds(document);
  const { configuration, problems } = parseReplication(named);
  const first = problems.find((one) => one.code === "MalformedXML" || one.path === "Role");
  if (first !== undefined) throw problemError(first);
  if (configuration === undefined) throw s3Error("MalformedXML");
  requireRole(s3, call, bucket, configuration);
  if (bucket.versioning !== "Enabled") {
    throw invalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration");
  }
  const [problem] = problems;
  if (problem !== undefined) throw problemError(problem);
  checkDestinations(s3, bucket, configuration);
  await s3.buckets.update(bucket, ({ settings, versioning }) => {
    if (versioning !== "Enabled") throw s3Error("InvalidBucketState");
    return { settings: { ...settings, replication: named } };
  });
}

/** The role must be of the bucket's account, and the caller must be allowed to pass it. Whether it exists is not asked. */
function requireRole(s3: S3Service, call: S3Call, bucket: Bucket, { roleArn }: ReplicationConfiguration): void {
  if (parseArn(roleArn)?.account !== bucket.account) throw s3Error("AccessDenied");
  s3.identity.requirePassRole(call.caller, { roleArn, service: REPLICATION_SERVICE, context: call.context });
}

function checkDestinations(s3: S3Service, bucket: Bucket, { rules }: ReplicationConfiguration): void {
  for (const rule of rules) {
    const destination = destinationOf(s3, rule);
    // @source aws-replication.md §1.4 row 11: which text AWS uses is unconfirmed
    if (destination === undefined) throw invalidRequest("Destination bucket must exist.");
    if (destination.id === bucket.id) {
      throw invalidRequest("Destination bucket cannot be the same as the source bucket.");
    }
    if (destination.versioning !== "Enabled") throw invalidRequest("Destination bucket must have versioning enabled.");
  }
}

/** S3 gives an id to every rule that has none. */
function withRuleIds(document: DocumentValue): DocumentValue {
  const root = asObject(document);
  if (root === undefined || !Array.isArray(root["Rules"])) return document;
  const rules = asArray(root["Rules"]).map((rule): DocumentValue => {
    const members = asObject(rule);
    if (members === undefined || (members["ID"] !== undefined && members["ID"] !== "")) return rule;
    return { ...members, ID: randomBytes(24).toString("base64url") };
  });
  return { ...root, Rules: rules };
}

function problemError(problem: ConfigProblem): Error {
  const details: Record<string, string> = problem.argument === undefined ? {} : { ArgumentName: problem.argument };
  return s3Error(problem.code, { message: problem.message, details });
}
