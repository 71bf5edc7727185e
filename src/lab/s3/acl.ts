/**
 * ACLs of versions and buckets: read and replaced. What they mean for a request is in `acl-policy.ts`, what a write
 * stores in `ownership.ts`.
 */
import type { AccessControlList } from "../../core/model.ts";
import { authorise, requireBucket } from "./access.ts";
import { type AclWish, aclContext, aclOfWish, checkGrants, ownersAcl } from "./acl-wish.ts";
import type { Bucket } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import { changeMetadata, type VersionInput } from "./metadata.ts";
import { aclOfVersion, refusePublicAcl, storedAcl } from "./ownership.ts";
import { locate } from "./read.ts";
import type { S3Service } from "./service.ts";
import type { StoredVersion } from "./versions.ts";

export function getObjectAcl(s3: S3Service, call: S3Call, input: VersionInput): AccessControlList {
  const { bucket, version } = locate(s3, call, "GetObjectAcl", input);
  return aclOfVersion(s3, bucket, version);
}

/**
 * Replaces the ACL of a version; its owner stays.
 *
 * What replication says is taken or dropped, never refused for its form: a bucket that disables ACLs needs none, and a
 * replica whose owner was overridden keeps the list of its new owner.
 *
 * @throws ServiceError AccessControlListNotSupported, AccessDenied
 * @source aws-replication.md §2 row 24
 */
export async function putObjectAcl(
  s3: S3Service,
  call: S3Call,
  input: VersionInput & { readonly acl: AclWish },
): Promise<void> {
  const { acl: wish, key } = input;
  const { bucket, version } = locate(s3, call, "PutObjectAcl", input, aclContext(wish));
  if (bucket.ownerEnforced) {
    if (isReplicator(call)) return;
    throw s3Error("AccessControlListNotSupported");
  }
  // The version that was judged, whatever is written meanwhile.
  const wanted = { bucket, key, versionId: version.versionId, seen: version };
  const change = (found: StoredVersion) => changedAcl(s3, call, bucket, found, wish);
  await changeMetadata(s3, call, wanted, "acl", change, "ObjectAcl:Put");
}

function changedAcl(s3: S3Service, call: S3Call, bucket: Bucket, version: StoredVersion, wish: AclWish): StoredVersion {
  const bucketOwnerId = s3.identity.canonicalUserId(bucket.account);
  const { ownerId } = aclOfVersion(s3, bucket, version);
  const isReplicated = isReplicator(call);
  const acl = isReplicated ? replicatedAcl(wish, ownerId) : wantedAcl(s3, wish, { ownerId, bucketOwnerId });
  refusePublicAcl(call, bucket, isReplicated ? "s3:ReplicateObject" : "s3:PutObjectAcl", { key: version.key, acl });
  const isOverridden = ownerId === bucketOwnerId && acl.ownerId !== ownerId;
  return isOverridden ? version : withAcl(version, storedAcl(acl, bucketOwnerId));
}

/** A list that names another owner than there is is not one of this object. */
function wantedAcl(
  s3: S3Service,
  wish: AclWish,
  owners: { readonly ownerId: string; readonly bucketOwnerId: string },
): AccessControlList {
  if (wish.kind === "grants") {
    if (wish.ownerId !== undefined && wish.ownerId !== owners.ownerId) throw s3Error("AccessDenied");
    checkGrants(wish.grants, s3.identity);
  }
  return aclOfWish(wish, owners);
}

/** The source's list, owner and all. */
function replicatedAcl(wish: AclWish, ownerId: string): AccessControlList {
  if (wish.kind === "grants") return { ownerId: wish.ownerId ?? ownerId, grants: wish.grants };
  return aclOfWish(wish, { ownerId, bucketOwnerId: ownerId });
}

/** The version with this ACL in place of its own. */
function withAcl(version: StoredVersion, acl: AccessControlList | undefined): StoredVersion {
  const { acl: _before, ...rest } = version;
  return acl === undefined ? rest : { ...rest, acl };
}

export function getBucketAcl(s3: S3Service, call: S3Call, bucketName: string): AccessControlList {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "GetBucketAcl", { bucket });
  const ownerId = s3.identity.canonicalUserId(bucket.account);
  const { acl } = bucket.settings;
  return acl === undefined ? ownersAcl(ownerId) : { ownerId, grants: acl };
}

/** @throws ServiceError AccessControlListNotSupported, AccessDenied when public ACLs are blocked */
export async function putBucketAcl(s3: S3Service, call: S3Call, bucketName: string, wish: AclWish): Promise<void> {
  const bucket = requireBucket(s3, bucketName);
  authorise(s3, call, "PutBucketAcl", { bucket, context: aclContext(wish) });
  const ownerId = s3.identity.canonicalUserId(bucket.account);
  const acl = wantedAcl(s3, wish, { ownerId, bucketOwnerId: ownerId });
  await s3.buckets.update(bucket, ({ settings: { acl: _before, ...settings }, ownerEnforced }) => {
    if (ownerEnforced) throw s3Error("AccessControlListNotSupported");
    refusePublicAcl(call, bucket, "s3:PutBucketAcl", { acl });
    return { settings: storedAcl(acl, ownerId) === undefined ? settings : { ...settings, acl: acl.grants } };
  });
}
