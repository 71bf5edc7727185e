/**
 * Bucket policies: checked when they are put, and pinned to the principals of that moment.
 *
 * Deciding by them is the authoriser's business.
 */
import { bucketArn } from "../../core/arn.ts";
import { parsePolicy } from "../../core/iam/parse.ts";
import { authorise, requireBucket } from "./access.ts";
import type { S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import { isAboutBucket, isPolicyPublic } from "./policy-document.ts";
import type { S3Service } from "./service.ts";

const POLICY_BYTES_MAX = 20 * 1024;

/** @throws ServiceError MalformedPolicy, AccessDenied when public policies are blocked */
export async function putBucketPolicy(s3: S3Service, call: S3Call, bucketName: string, text: string): Promise<void> {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "PutBucketPolicy", { bucket });
  if (text === "") throw s3Error("MissingRequestBodyError");
  if (Buffer.byteLength(text) > POLICY_BYTES_MAX)
    throw malformedPolicy("Policy exceeds the maximum allowed document size.");
  const { problems } = parsePolicy(text, "resource");
  const [problem] = problems;
  if (problem !== undefined) throw malformedPolicy(problem.says);
  if (!isAboutBucket(text, bucketName)) throw malformedPolicy("Policy has invalid resource");
  if (bucket.settings.publicAccessBlock?.blockPublicPolicy === true && isPolicyPublic(text)) {
    const who = "arn" in call.caller.principal ? call.caller.principal.arn : "anonymous";
    throw s3Error("AccessDenied", {
      message:
        `User: ${who} is not authorized to perform: s3:PutBucketPolicy on resource: "${bucketArn(bucketName)}" because ` +
        "public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access",
    });
  }
  const pinned = s3.identity.pinPrincipals(text);
  if ("unknownPrincipal" in pinned) {
    throw s3Error("MalformedPolicy", {
      message: "Invalid principal in policy",
      details: { Detail: pinned.unknownPrincipal },
    });
  }
  await s3.buckets.update(bucket, ({ settings }) => ({ settings: { ...settings, policy: pinned.document } }));
}

/** The text as a person wants to read it: ids of principals that still exist are their ARNs of today. */
export function getBucketPolicy(s3: S3Service, call: S3Call, bucketName: string): string {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "GetBucketPolicy", { bucket });
  const { policy } = bucket.settings;
  if (policy === undefined) throw noSuchPolicy(bucketName);
  return s3.identity.showPrincipals(policy);
}

/** Idempotent. */
export async function deleteBucketPolicy(s3: S3Service, call: S3Call, bucketName: string): Promise<void> {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "DeleteBucketPolicy", { bucket });
  await s3.buckets.update(bucket, ({ settings: { policy: _policy, ...settings } }) => ({ settings }));
}

export function getBucketPolicyStatus(s3: S3Service, call: S3Call, bucketName: string): { readonly isPublic: boolean } {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "GetBucketPolicyStatus", { bucket });
  const { policy } = bucket.settings;
  if (policy === undefined) throw noSuchPolicy(bucketName);
  return { isPublic: isPolicyPublic(policy) };
}

function malformedPolicy(message: string): Error {
  return s3Error("MalformedPolicy", { message });
}

function noSuchPolicy(bucketName: string): Error {
  return s3Error("NoSuchBucketPolicy", { details: { BucketName: bucketName } });
}
