/**
 * ACLs, as far as they are with ACLs disabled: everything belongs to the bucket's owner, and nobody else is granted
 * anything. What says otherwise is refused.
 */
import type { AccessControlList } from "../../core/model.ts";
import { authorise, requireBucket } from "./access.ts";
import type { Bucket } from "./bucket.ts";
import type { S3Call } from "./call.ts";
import { checkAcl } from "./put.ts";
import { locate, type ReadInput } from "./read.ts";
import type { S3Service } from "./service.ts";

export function getObjectAcl(
  s3: S3Service,
  call: S3Call,
  input: Pick<ReadInput, "bucket" | "key" | "versionId">,
): AccessControlList {
  return ownersAcl(s3, locate(s3, call, "GetObjectAcl", input).bucket);
}

export function getBucketAcl(s3: S3Service, call: S3Call, bucketName: string): AccessControlList {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "GetBucketAcl", { bucket });
  return ownersAcl(s3, bucket);
}

/** @param acl canned; undefined when a document was sent @throws ServiceError AccessControlListNotSupported */
export function putObjectAcl(
  s3: S3Service,
  call: S3Call,
  input: Pick<ReadInput, "bucket" | "key" | "versionId"> & { readonly acl: string },
): void {
  checkAcl(locate(s3, call, "PutObjectAcl", input).bucket, input.acl);
}

export function putBucketAcl(s3: S3Service, call: S3Call, bucketName: string, acl: string): void {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "PutBucketAcl", { bucket, context: { "s3:x-amz-acl": acl } });
  checkAcl(bucket, acl);
}

function ownersAcl(s3: S3Service, bucket: Bucket): AccessControlList {
  const ownerId = s3.identity.canonicalUserId(bucket.account);
  return { ownerId, grants: [{ grantee: { kind: "user", id: ownerId }, permission: "FULL_CONTROL" }] };
}
