/**
 * Who may do what: finds the bucket, names the action, gathers the condition keys and asks the authoriser.
 *
 * Ordinary callers are judged by the actions of `operations.ts`. Calls of a role that S3 assumed to replicate are
 * judged by the actions of `core/plan.ts`.
 */
import { bucketArn, objectArn } from "../../core/arn.ts";
import type { Principal, RequestContext } from "../../core/iam/model.ts";
import type { AccessControlList, Tag } from "../../core/model.ts";
import { REPLICATION_ACTIONS } from "../../core/plan.ts";
import type { Ask } from "../model.ts";
import { policyWithAcls } from "./acl-policy.ts";
import { type Bucket, noSuchBucket } from "./bucket.ts";
import { isReplicator, type S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import { ACTIONS_WITH_EXISTING_TAGS, OPERATIONS, type OperationActions, type S3Operation } from "./operations.ts";
import type { S3Service } from "./service.ts";
import type { StoredVersion } from "./versions.ts";

/** @throws ServiceError NoSuchBucket */
export function requireBucket(s3: S3Service, name: string): Bucket {
  const bucket = s3.buckets.find(name);
  if (bucket === undefined) throw noSuchBucket(name);
  return bucket;
}

/** What is acted on. */
export interface Target {
  readonly bucket: Bucket;
  readonly key?: string;
  readonly versionId?: string;
  /** Tags of the version as it is. */
  readonly existingTags?: readonly Tag[];
  /** Of the version as it is, where it is not the bucket owner's alone. */
  readonly acl?: AccessControlList;
  /** Condition keys of this operation, names in lower case. */
  readonly context?: RequestContext;
}

/** @throws ServiceError AccessDenied */
export function authorise(s3: S3Service, call: S3Call, operation: S3Operation, target: Target): void {
  authoriseAction(s3, call, actionOf(call, operation, target.versionId), target);
}

/** The action that decides about one operation of this caller. */
export function actionOf(call: S3Call, operation: S3Operation, versionId: string | undefined): string {
  if (isReplicator(call)) {
    const action: string | undefined = (REPLICATION_ACTIONS as Readonly<Record<string, string>>)[operation];
    if (action !== undefined) return action;
  }
  const actions: OperationActions = OPERATIONS[operation];
  return versionId === undefined ? actions.plain : (actions.versioned ?? actions.plain);
}

/** @throws ServiceError AccessDenied */
export function authoriseAction(s3: S3Service, call: S3Call, action: string, target: Target): void {
  const { bucket } = target;
  if (isRestrictedFromPublic(call.caller.principal, bucket)) throw s3Error("AccessDenied");
  if (bucket.settings.requesterPays === true && !isPaidFor(call, bucket)) throw s3Error("AccessDenied");
  const ask = askOf(s3, call, action, target);
  if (ask === undefined) throw s3Error("AccessDenied");
  s3.authoriser.require(call.caller, ask);
}

/** What of a version that is there has a say in who may do what with it. */
export function existing(version: StoredVersion | undefined): Pick<Target, "existingTags" | "acl"> {
  if (version === undefined) return {};
  return version.acl === undefined ? { existingTags: version.tags } : { existingTags: version.tags, acl: version.acl };
}

/** Like `authoriseAction`, for what an answer depends on. */
export function isAllowed(s3: S3Service, call: S3Call, action: string, target: Target): boolean {
  if (isRestrictedFromPublic(call.caller.principal, target.bucket)) return false;
  const ask = askOf(s3, call, action, target);
  return ask !== undefined && s3.authoriser.decide(call.caller, ask).allowed;
}

/** Whether the caller may see what keys there are: it decides between 404 and 403 for those that are not. */
export function mayList(s3: S3Service, call: S3Call, bucket: Bucket): boolean {
  return isAllowed(s3, call, "s3:ListBucket", { bucket });
}

/** Condition keys for tags that a request writes. */
export function requestTagContext(tags: readonly Tag[]): RequestContext {
  const context: Record<string, string | readonly string[]> = {};
  for (const { key, value } of tags) context[`s3:requestobjecttag/${key.toLowerCase()}`] = value;
  if (tags.length > 0) context["s3:requestobjecttagkeys"] = tags.map((tag) => tag.key);
  return context;
}

/** The account of whoever asks; undefined for callers without one. */
export function accountOf(principal: Principal): string | undefined {
  return principal.kind === "anonymous" || principal.kind === "service" ? undefined : principal.accountId;
}

/** Undefined where an object is another account's, and that account grants nothing. */
function askOf(s3: S3Service, call: S3Call, action: string, target: Target): Ask | undefined {
  const { bucket, key, versionId, existingTags, context } = target;
  const policy = bucket.ownerEnforced ? bucket.policy : policyWithAcls(s3, call.caller, action, target);
  if (policy === "refused") return undefined;
  const resource = key === undefined ? bucketArn(bucket.name) : objectArn(bucket.name, key);
  const keys: Record<string, string | readonly string[]> = {
    ...call.context,
    ...context,
    "aws:resourceaccount": bucket.account,
    "s3:resourceaccount": bucket.account,
  };
  if (versionId !== undefined) keys["s3:versionid"] = versionId;
  if (existingTags !== undefined && ACTIONS_WITH_EXISTING_TAGS.has(action)) {
    for (const tag of existingTags) keys[`s3:existingobjecttag/${tag.key.toLowerCase()}`] = tag.value;
  }
  return {
    action,
    resource,
    resourceAccount: bucket.account,
    context: keys,
    ...(policy === undefined ? {} : { resourcePolicy: policy }),
  };
}

/**
 * Whether a bucket whose requesters pay serves the caller. Replication does not offer to pay, so what it writes for
 * another account is refused; by which code AWS calls that is unconfirmed (A19).
 *
 * @source aws-replication.md §2 row 32
 */
function isPaidFor(call: S3Call, bucket: Bucket): boolean {
  const account = accountOf(call.caller.principal);
  return account === bucket.account || (account !== undefined && call.paysRequest === true && !isReplicator(call));
}

/** RestrictPublicBuckets: a bucket with a public policy is for its own account only. */
function isRestrictedFromPublic(principal: Principal, bucket: Bucket): boolean {
  if (!bucket.policyIsPublic || bucket.settings.publicAccessBlock?.restrictPublicBuckets !== true) return false;
  return accountOf(principal) !== bucket.account;
}
