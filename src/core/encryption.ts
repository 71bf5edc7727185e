/**
 * How replicas are encrypted, and what a request that encrypts or decrypts says of itself to policies.
 *
 * @source aws-replication.md §2 rows 3, 5, 35; §5.3
 */
import { bucketArn, objectArn, parseArn } from "./arn.ts";
import type { RequestContext } from "./iam/model.ts";
import type { Encryption, Rule } from "./model.ts";

/**
 * How the replica is encrypted: encrypted versions keep their kind, and KMS ones take the rule's key; unencrypted
 * ones get what the destination gives by default (undefined).
 *
 * @source aws-replication.md §2 rows 3, 5, 35
 */
export function replicaEncryption(source: Encryption, rule: Rule): Encryption | undefined {
  switch (source.kind) {
    case "NOT-SSE":
      return undefined;
    case "SSE-S3":
    case "SSE-C":
      return { kind: source.kind };
    case "SSE-KMS":
    case "DSSE-KMS": {
      const kmsKeyArn = rule.destination.replicaKmsKeyArn;
      return {
        kind: source.kind,
        ...(kmsKeyArn === undefined ? {} : { kmsKeyArn }),
        bucketKey: source.bucketKey === true,
      };
    }
  }
}

/** The condition keys of a write that names its encryption. */
export function encryptionContext(encryption: Encryption | undefined): RequestContext {
  if (encryption?.kind === "SSE-S3") return { "s3:x-amz-server-side-encryption": "AES256" };
  if (encryption?.kind !== "SSE-KMS" && encryption?.kind !== "DSSE-KMS") return {};
  return {
    "s3:x-amz-server-side-encryption": encryption.kind === "SSE-KMS" ? "aws:kms" : "aws:kms:dsse",
    ...(encryption.kmsKeyArn === undefined
      ? {}
      : { "s3:x-amz-server-side-encryption-aws-kms-key-id": encryption.kmsKeyArn }),
  };
}

/** The encryption context that S3 sends to KMS: the object's ARN, or the bucket's with a bucket key. */
export function keyContext(
  bucket: string,
  key: string,
  encryption: Encryption,
  region: string | undefined,
  roleArn: string,
): RequestContext {
  const arn = encryption.bucketKey === true ? bucketArn(bucket) : objectArn(bucket, key);
  return {
    "kms:calleraccount": parseArn(roleArn)?.account ?? "",
    "kms:encryptioncontext:aws:s3:arn": arn,
    "kms:encryptioncontextkeys": ["aws:s3:arn"],
    ...(region === undefined ? {} : { "kms:viaservice": `s3.${region}.amazonaws.com` }),
  };
}
