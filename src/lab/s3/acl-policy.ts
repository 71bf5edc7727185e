/**
 * What ACLs have to say when a request is judged, in buckets that enable them.
 *
 * S3 turns ACLs into policies for each request. A grant that reaches the caller is one more Allow beside the bucket
 * policy. An object of another account than the bucket's is its owner's business: without a grant of its own ACL
 * nothing allows, and of the bucket policy only the Denies count. Actions that no permission of an ACL stands for (tags,
 * retention, deleting) stay the bucket owner's.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-auth-workflow-object-operation.html
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */
import { type CompiledPolicy, compilePolicy } from "../../core/iam/compile.ts";
import type { PrincipalEntry } from "../../core/iam/document.ts";
import type { AccessControlList, AclGrant } from "../../core/model.ts";
import type { Caller } from "../model.ts";
import type { Bucket } from "./bucket.ts";
import type { S3Service } from "./service.ts";

type Permission = AclGrant["permission"];

/** What the ACL of an object decides. What replication reads is read like everything else. */
const OBJECT_PERMISSIONS: Readonly<Record<string, Permission>> = {
  "s3:GetObject": "READ",
  "s3:GetObjectVersion": "READ",
  "s3:GetObjectVersionForReplication": "READ",
  "s3:GetObjectAttributes": "READ",
  "s3:GetObjectVersionAttributes": "READ",
  "s3:GetObjectAcl": "READ_ACP",
  "s3:GetObjectVersionAcl": "READ_ACP",
  "s3:PutObjectAcl": "WRITE_ACP",
  "s3:PutObjectVersionAcl": "WRITE_ACP",
};

/** What the ACL of a bucket decides. */
const BUCKET_PERMISSIONS: Readonly<Record<string, Permission>> = {
  "s3:ListBucket": "READ",
  "s3:ListBucketVersions": "READ",
  "s3:ListBucketMultipartUploads": "READ",
  "s3:PutObject": "WRITE",
  "s3:DeleteObject": "WRITE",
  "s3:GetBucketAcl": "READ_ACP",
  "s3:PutBucketAcl": "WRITE_ACP",
};

export const GROUPS = {
  allUsers: "http://acs.amazonaws.com/groups/global/AllUsers",
  authenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
  logDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery",
} as const;

/** The service that writes server access logs. */
export const LOGGING_SERVICE = "logging.s3.amazonaws.com";

/** The owner of what callers without a signature write. @source AWS's documentation of ACLs, "anonymous user" */
export const ANONYMOUS_ID = "65a011a29cdf8ec533ec3d1ccaae921c";

/** By what S3 knows the account of a caller; undefined for callers without one. */
export function canonicalIdOf(s3: S3Service, { principal }: Caller): string | undefined {
  return "accountId" in principal ? s3.identity.canonicalUserId(principal.accountId) : undefined;
}

/** Whether the grantee is everybody, or everybody with an account: what Block Public Access is about. */
export function isPublicGrant({ grantee }: AclGrant): boolean {
  return grantee.kind === "group" && (grantee.uri === GROUPS.allUsers || grantee.uri === GROUPS.authenticatedUsers);
}

/**
 * The resource's side of a decision: the bucket policy, with what ACLs add to it or keep from it.
 *
 * @param acl of the version that is acted on; undefined when it is the bucket owner's alone, and when there is none
 * @returns `refused` when the object is another account's that grants the caller nothing
 */
export function policyWithAcls(
  s3: S3Service,
  caller: Caller,
  action: string,
  { bucket, acl }: { readonly bucket: Bucket; readonly acl?: AccessControlList },
): CompiledPolicy | undefined | "refused" {
  const onObject = OBJECT_PERMISSIONS[action];
  const permission = onObject ?? BUCKET_PERMISSIONS[action];
  if (permission === undefined) return bucket.policy;
  const bucketOwnerId = s3.identity.canonicalUserId(bucket.account);
  const asking: Asking = {
    callerId: canonicalIdOf(s3, caller),
    account: "accountId" in caller.principal ? caller.principal.accountId : undefined,
    permission,
    groupsCount: bucket.settings.publicAccessBlock?.ignorePublicAcls !== true,
    deliversLogs: caller.principal.kind === "service" && caller.principal.service === LOGGING_SERVICE,
  };
  if (onObject === undefined) {
    // Who may write to a bucket may delete what is his own there.
    if (action === "s3:DeleteObject" && (acl === undefined || acl.ownerId !== asking.callerId)) return bucket.policy;
    return withAllow(bucket, reachOf({ ownerId: bucketOwnerId, grants: bucket.settings.acl ?? [] }, asking));
  }
  if (acl === undefined) return bucket.policy;
  const reached = reachOf(acl, asking);
  if (acl.ownerId === bucketOwnerId) return withAllow(bucket, reached);
  if (reached === undefined) return "refused";
  // Everybody's right to another account's object is no word of the bucket owner to its own users.
  const account: PrincipalEntry = asking.account === undefined ? EVERYBODY : accountEntry(asking.account);
  return { ...allowOnly(account), denies: bucket.policy?.denies ?? [] };
}

/** Who asks, and for what. */
interface Asking {
  readonly callerId: string | undefined;
  readonly account: string | undefined;
  readonly permission: Permission;
  /** False where public ACLs are ignored. */
  readonly groupsCount: boolean;
  /** Whether it is the service that the group of log delivery stands for. */
  readonly deliversLogs: boolean;
}

const EVERYBODY: PrincipalEntry = { type: "*", value: "*" };

/** How the list reaches who asks: as everybody, or by the account; undefined when it does not. */
function reachOf(acl: AccessControlList, asking: Asking): PrincipalEntry | undefined {
  const { account, callerId, permission } = asking;
  const granting = acl.grants.filter((one) => one.permission === "FULL_CONTROL" || one.permission === permission);
  const isLogDelivery = ({ grantee }: AclGrant) => grantee.kind === "group" && grantee.uri === GROUPS.logDelivery;
  if (asking.deliversLogs && granting.some(isLogDelivery)) return EVERYBODY;
  if (asking.groupsCount && granting.some(({ grantee }) => grantee.kind === "group" && isIn(grantee.uri, account))) {
    return EVERYBODY;
  }
  if (account === undefined || callerId === undefined) return undefined;
  const granted = granting.some(({ grantee }) => grantee.kind === "user" && grantee.id === callerId);
  return granted || acl.ownerId === callerId ? accountEntry(account) : undefined;
}

function isIn(groupUri: string, account: string | undefined): boolean {
  return groupUri === GROUPS.allUsers || (groupUri === GROUPS.authenticatedUsers && account !== undefined);
}

/** An account hands on to its users and roles what it was granted, so their own policies have to allow too. */
function accountEntry(account: string): PrincipalEntry {
  return { type: "AWS", value: `arn:aws:iam::${account}:root` };
}

function withAllow(bucket: Bucket, entry: PrincipalEntry | undefined): CompiledPolicy | undefined {
  if (entry === undefined) return bucket.policy;
  const allow = allowOnly(entry);
  return bucket.policy === undefined ? allow : { ...bucket.policy, allows: [...bucket.policy.allows, ...allow.allows] };
}

/** Which action on what has been decided: the statement only says for whom. */
function allowOnly(entry: PrincipalEntry): CompiledPolicy {
  return compilePolicy(
    {
      version: "2012-10-17",
      statements: [
        {
          effect: "Allow",
          principal: { not: false, entries: [entry] },
          action: { not: false, patterns: ["*"] },
          resource: { not: false, patterns: ["*"] },
          conditions: [],
        },
      ],
    },
    { kind: "resource", name: "access control list" },
  );
}
