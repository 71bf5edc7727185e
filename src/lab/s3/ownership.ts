/**
 * Who owns a version, and the ACL that it is written with.
 *
 * BucketOwnerEnforced: the bucket's owner owns everything, and stored ACLs sleep; they count again when ACLs are enabled
 * again. ObjectWriter: the account that wrote the version owns it. BucketOwnerPreferred: likewise, unless it gave
 * `bucket-owner-full-control`. A replica belongs to its source's owner, or to the destination's where the rule says so.
 *
 * A version whose ACL is the bucket owner's alone stores none.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html; aws-replication.md §2 row 24, §5.1
 */
import { bucketArn, objectArn } from "../../core/arn.ts";
import type { AccessControlList } from "../../core/model.ts";
import { OWNER_OVERRIDE_ACTION } from "../../core/plan.ts";
import type { ReplicaIdentity } from "../../s3/store.ts";
import { accountOf, authoriseAction } from "./access.ts";
import { ANONYMOUS_ID, canonicalIdOf } from "./acl-policy.ts";
import {
  type AclWish,
  aclContext,
  aclOfWish,
  checkGrants,
  isFullControlOf,
  isOwnersAlone,
  isPublicAcl,
  ownersAcl,
} from "./acl-wish.ts";
import type { Bucket } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import type { S3Service } from "./service.ts";
import type { StoredVersion } from "./versions.ts";

/** The ACL that holds for a version now. */
export function aclOfVersion(s3: S3Service, bucket: Bucket, version: Pick<StoredVersion, "acl">): AccessControlList {
  if (!bucket.ownerEnforced && version.acl !== undefined) return version.acl;
  return ownersAcl(s3.identity.canonicalUserId(bucket.account));
}

/** What is stored of an ACL: nothing, when it is the bucket owner's alone. */
export function storedAcl(acl: AccessControlList, bucketOwnerId: string): AccessControlList | undefined {
  return isOwnersAlone(acl, bucketOwnerId) ? undefined : acl;
}

/** What a write says that decides about ownership. */
export interface OwnedWrite {
  readonly key: string;
  readonly acl?: AclWish;
  /** Ignored unless a service that replicates says it. */
  readonly replica?: ReplicaIdentity;
}

/**
 * The ACL that a version is stored with; undefined when it is the bucket owner's alone.
 *
 * @throws ServiceError AccessControlListNotSupported, AccessDenied for ACLs that the caller may not set or that are public
 */
export function aclOfWrite(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  write: OwnedWrite,
): AccessControlList | undefined {
  if (isReplicator(call)) return bucket.ownerEnforced ? undefined : aclOfReplica(s3, call, bucket, write);
  const wish = write.acl;
  if (call.caller.principal.kind === "service") {
    // What AWS's services write for an account is the account's; only that account's settings grant more.
    if (wish === undefined || bucket.ownerEnforced) return undefined;
    const ownerId = s3.identity.canonicalUserId(bucket.account);
    return storedAcl(aclOfWish(wish, { ownerId, bucketOwnerId: ownerId }), ownerId);
  }
  if (wish === undefined && (bucket.ownerEnforced || accountOf(call.caller.principal) === bucket.account)) {
    return undefined;
  }
  const bucketOwnerId = s3.identity.canonicalUserId(bucket.account);
  const writerId = canonicalIdOf(s3, call.caller) ?? ANONYMOUS_ID;
  if (wish === undefined) return ownersAcl(writerId);
  if (wish.kind === "grants") checkGrants(wish.grants, s3.identity);
  const acl = aclOfWish(wish, { ownerId: writerId, bucketOwnerId });
  const isHandedOver = wish.kind === "canned" && wish.name === "bucket-owner-full-control";
  if (bucket.ownerEnforced) {
    if (isHandedOver || acl.grants.every((one) => isFullControlOf(one, bucketOwnerId))) return undefined;
    throw s3Error("AccessControlListNotSupported");
  }
  authoriseAction(s3, call, "s3:PutObjectAcl", {
    bucket,
    key: write.key,
    // The version that is to be: its writer's.
    acl: ownersAcl(writerId),
    context: aclContext(wish),
  });
  refusePublicAcl(call, bucket, "s3:PutObjectAcl", { key: write.key, acl });
  if (isHandedOver && bucket.settings.ownership === "BucketOwnerPreferred") return undefined;
  return storedAcl(acl, bucketOwnerId);
}

/** Where replication does not say whose the source is, it is the account's that replicates. */
function aclOfReplica(
  s3: S3Service,
  call: S3Call,
  bucket: Bucket,
  { key, acl: wish, replica }: OwnedWrite,
): AccessControlList | undefined {
  if (replica?.ownerOverride === true) {
    authoriseAction(s3, call, OWNER_OVERRIDE_ACTION, { bucket, key });
    return undefined;
  }
  const bucketOwnerId = s3.identity.canonicalUserId(bucket.account);
  const said = wish?.kind === "grants" ? wish.ownerId : undefined;
  const ownerId = said ?? canonicalIdOf(s3, call.caller) ?? bucketOwnerId;
  const acl = wish === undefined ? ownersAcl(ownerId) : aclOfWish(wish, { ownerId, bucketOwnerId });
  refusePublicAcl(call, bucket, "s3:ReplicateObject", { key, acl });
  return storedAcl(acl, bucketOwnerId);
}

/** @throws ServiceError AccessDenied when the ACL is public and the bucket blocks such */
export function refusePublicAcl(
  call: S3Call,
  bucket: Bucket,
  action: string,
  { key, acl }: { readonly key?: string; readonly acl: AccessControlList },
): void {
  if (bucket.settings.publicAccessBlock?.blockPublicAcls !== true || !isPublicAcl(acl)) return;
  const { principal } = call.caller;
  // Other accounts are told nothing, here as everywhere.
  if (accountOf(principal) !== bucket.account || !("arn" in principal)) throw s3Error("AccessDenied");
  const resource = key === undefined ? bucketArn(bucket.name) : objectArn(bucket.name, key);
  throw s3Error("AccessDenied", {
    message:
      `User: ${principal.arn} is not authorized to perform: ${action} on resource: "${resource}" because ` +
      "public access control lists (ACLs) are prevented by the BlockPublicAcls setting in S3 Block Public Access",
  });
}
