/** Buckets as such: create, delete, look at, list. What can be set on one is in `settings.ts`. */
import { bucketArn } from "../../core/arn.ts";
import type { AccessControlList, Tag } from "../../core/model.ts";
import { accountOf, authorise, requireBucket } from "./access.ts";
import { type AclWish, aclContext, aclOfWish, checkGrants, isOwnersAlone, isPublicAcl } from "./acl-wish.ts";
import type { Bucket, ObjectOwnership } from "./bucket.ts";
import type { S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import type { S3Service } from "./service.ts";
import { checkTags } from "./tags.ts";
import { hasVersions } from "./versions.ts";

const BUCKETS_PER_ACCOUNT_MAX = 10_000;

export interface CreateBucketInput {
  readonly bucket: string;
  /** From the body; undefined when it says nothing. */
  readonly locationConstraint?: string;
  readonly ownership?: ObjectOwnership;
  readonly acl?: AclWish;
  readonly tags?: readonly Tag[];
  /** Enables versioning, too. */
  readonly objectLock?: boolean;
}

/**
 * Creates a bucket as AWS does since 2023: ACLs disabled, public access blocked, SSE-S3.
 *
 * @throws ServiceError BucketAlreadyOwnedByYou, BucketAlreadyExists, InvalidLocationConstraint and kin
 */
export async function createBucket(s3: S3Service, call: S3Call, input: CreateBucketInput): Promise<Bucket> {
  const { bucket: name, locationConstraint } = input;
  const account = accountOf(call.caller.principal);
  if (account === undefined) throw s3Error("AccessDenied");
  if (!isBucketName(name)) throw s3Error("InvalidBucketName", { details: { BucketName: name } });
  const context = {
    ...call.context,
    ...(locationConstraint === undefined ? {} : { "s3:locationconstraint": locationConstraint }),
    ...(input.ownership === undefined ? {} : { "s3:x-amz-object-ownership": input.ownership }),
    ...aclContext(input.acl),
  };
  for (const action of actionsOf(input)) {
    s3.authoriser.require(call.caller, { action, resource: bucketArn(name), resourceAccount: account, context });
  }
  const region = chosenRegion(call.region, locationConstraint);
  if (input.tags !== undefined) checkTags(input.tags, "bucket");
  const ownership = input.ownership ?? "BucketOwnerEnforced";
  const acl = input.acl === undefined ? undefined : aclOfBucket(s3, account, ownership, input.acl);
  const existing = s3.buckets.find(name);
  if (existing !== undefined) {
    // In us-east-1, and only there, creating one's own bucket again is no error.
    if (existing.account === account && existing.region === DEFAULT_REGION && region === DEFAULT_REGION)
      return existing;
    throw alreadyThere(existing, account);
  }
  if (s3.buckets.ofAccount(account).length >= BUCKETS_PER_ACCOUNT_MAX) throw s3Error("TooManyBuckets");
  return s3.buckets.create({
    id: s3.sequence.next(call.nowMs),
    name,
    account,
    region,
    createdMs: call.nowMs,
    versioning: input.objectLock === true ? "Enabled" : "",
    settings: {
      ownership,
      ...(acl === undefined ? {} : { acl: acl.grants }),
      publicAccessBlock: {
        blockPublicAcls: true,
        ignorePublicAcls: true,
        blockPublicPolicy: true,
        restrictPublicBuckets: true,
      },
      ...(input.tags === undefined || input.tags.length === 0 ? {} : { tags: input.tags }),
      ...(input.objectLock === true ? { objectLock: {} } : {}),
    },
  });
}

/** @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html ("Permissions") */
function actionsOf({ acl, ownership, objectLock }: CreateBucketInput): string[] {
  return [
    "s3:CreateBucket",
    ...(objectLock === true ? ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"] : []),
    ...(acl === undefined ? [] : ["s3:PutBucketAcl"]),
    ...(ownership === undefined ? [] : ["s3:PutBucketOwnershipControls"]),
  ];
}

/** Public access is blocked in new buckets, so a public ACL is refused. Undefined when the ACL is the owner's alone. */
function aclOfBucket(
  s3: S3Service,
  account: string,
  ownership: ObjectOwnership,
  wish: AclWish,
): AccessControlList | undefined {
  const ownerId = s3.identity.canonicalUserId(account);
  if (wish.kind === "grants") checkGrants(wish.grants, s3.identity);
  const acl = aclOfWish(wish, { ownerId, bucketOwnerId: ownerId });
  if (isOwnersAlone(acl, ownerId)) return undefined;
  if (ownership === "BucketOwnerEnforced") throw s3Error("InvalidBucketAclWithObjectOwnership");
  if (isPublicAcl(acl)) throw s3Error("InvalidBucketAclWithBlockPublicAccessError");
  return acl;
}

/** Open uploads do not keep a bucket; versions and markers do. @throws ServiceError BucketNotEmpty */
export async function deleteBucket(s3: S3Service, call: S3Call, name: string): Promise<void> {
  const bucket = requireBucket(s3, name);
  authorise(s3, call, "DeleteBucket", { bucket });
  const freed: number[] = [];
  await s3.buckets.remove(bucket, (connection) => {
    if (hasVersions(connection, bucket.id)) throw s3Error("BucketNotEmpty", { details: { BucketName: name } });
    const parts = connection
      .prepare("SELECT p.* FROM s3_parts p JOIN s3_uploads u ON u.id = p.upload WHERE u.bucket_id = ?")
      .all(bucket.id);
    const bodies = connection.prepare("DELETE FROM s3_bodies WHERE id = ?");
    for (const part of parts) {
      if (part["in_file"] === 1) freed.push(Number(part["body_id"]));
      else bodies.run(part["body_id"] ?? null);
    }
    connection
      .prepare("DELETE FROM s3_parts WHERE upload IN (SELECT id FROM s3_uploads WHERE bucket_id = ?)")
      .run(bucket.id);
    connection.prepare("DELETE FROM s3_uploads WHERE bucket_id = ?").run(bucket.id);
    connection.prepare("DELETE FROM s3_changes WHERE bucket_id = ?").run(bucket.id);
  });
  s3.blobs.remove(freed);
}

export function headBucket(s3: S3Service, call: S3Call, name: string): Bucket {
  const bucket = requireBucket(s3, name);
  authorise(s3, call, "HeadBucket", { bucket });
  return bucket;
}

export function getBucketLocation(s3: S3Service, call: S3Call, name: string): Bucket {
  const bucket = requireBucket(s3, name);
  authorise(s3, call, "GetBucketLocation", { bucket });
  return bucket;
}

export interface ListBucketsInput {
  readonly prefix: string;
  readonly region?: string;
  readonly max: number;
  /** Continue behind this name. */
  readonly after: string;
}

export interface ListBucketsAnswer {
  readonly buckets: readonly Bucket[];
  readonly ownerId: string;
  /** Undefined on the last page. */
  readonly next?: string;
}

/** The buckets of the caller's own account. */
export function listBuckets(s3: S3Service, call: S3Call, input: ListBucketsInput): ListBucketsAnswer {
  const account = accountOf(call.caller.principal);
  if (account === undefined) throw s3Error("AccessDenied");
  s3.authoriser.require(call.caller, {
    action: "s3:ListAllMyBuckets",
    resource: bucketArn("*"),
    resourceAccount: account,
    context: call.context,
  });
  const found = s3.buckets
    .ofAccount(account)
    .filter((one) => one.name > input.after && one.name.startsWith(input.prefix))
    .filter((one) => input.region === undefined || one.region === input.region);
  const buckets = found.slice(0, input.max);
  const last = buckets.at(-1);
  return {
    buckets,
    ownerId: s3.identity.canonicalUserId(account),
    ...(found.length > buckets.length && last !== undefined ? { next: last.name } : {}),
  };
}

/** @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
export function isBucketName(name: string): boolean {
  return (
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) &&
    !name.includes("..") &&
    !/^\d+\.\d+\.\d+\.\d+$/.test(name) &&
    !/^(?:xn--|sthree-|amzn-s3-demo-)/.test(name) &&
    !/(?:-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$/.test(name)
  );
}

const DEFAULT_REGION = "us-east-1";

const REGION_NAME = /^[a-z]{2}(?:-[a-z]+)+-\d$/;

/**
 * The call's region and the body have to agree; only us-east-1 takes no constraint, or any. Some clients sign for
 * something that is no Region (s3cmd: "US"), and mean the default one.
 */
function chosenRegion(signedFor: string, constraint: string | undefined): string {
  const callRegion = REGION_NAME.test(signedFor) ? signedFor : DEFAULT_REGION;
  if (constraint === undefined || constraint === "") {
    if (callRegion === DEFAULT_REGION) return DEFAULT_REGION;
    throw incompatible("unspecified");
  }
  const region = constraint === "EU" ? "eu-west-1" : constraint;
  if (!REGION_NAME.test(region) || constraint === DEFAULT_REGION) {
    throw s3Error("InvalidLocationConstraint", { details: { LocationConstraint: constraint } });
  }
  if (region !== callRegion && callRegion !== DEFAULT_REGION) throw incompatible(constraint);
  return region;
}

function incompatible(constraint: string): Error {
  return s3Error("IllegalLocationConstraintException", {
    message: `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
  });
}

function alreadyThere(existing: Bucket, account: string): Error {
  const details = { BucketName: existing.name };
  return s3Error(existing.account === account ? "BucketAlreadyOwnedByYou" : "BucketAlreadyExists", { details });
}
