/**
 * The steps of replicating one version: which calls are made, by whom, and what each of them must be allowed to do.
 *
 * This list is written once and has four readers: the engine performs it, the doctor replays it against facts, the lab
 * judges calls by its actions, people see it drawn. No other file knows which permission an action needs.
 *
 * @source aws-replication.md §5.1–5.4, §5.7
 */
import { bucketArn, bucketOfArn, objectArn, parseArn } from "./arn.ts";
import { encryptionContext, keyContext, replicaEncryption } from "./encryption.ts";
import type { FailureCode } from "./failures/catalogue.ts";
import type { RequestContext } from "./iam/model.ts";
import type { Encryption, ObjectVersion, Operation, Rule } from "./model.ts";

/** What a step is for. A plan holds each name at most once. */
export type StepName =
  | "assumeRole"
  | "headVersion"
  | "readVersion"
  | "readAcl"
  | "readTags"
  | "readRetention"
  | "readLegalHold"
  | "writeReplica"
  | "createUpload"
  | "uploadParts"
  | "completeUpload"
  | "writeMarker"
  | "writeTags"
  | "writeAcl"
  | "writeRetention"
  | "writeLegalHold"
  | "confirmGone"
  | "removeReplica";

/** The API call that a step makes, by its name in the API reference. */
export type Call =
  | "AssumeRole"
  | "HeadObject"
  | "GetObject"
  | "GetObjectAcl"
  | "GetObjectTagging"
  | "GetObjectRetention"
  | "GetObjectLegalHold"
  | "PutObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "ListParts"
  | "CopyObject"
  | "UploadPartCopy"
  | "DeleteObject"
  | "PutObjectTagging"
  | "PutObjectAcl"
  | "PutObjectRetention"
  | "PutObjectLegalHold";

/** One thing that must be allowed for a step to succeed. */
export interface Check {
  readonly action: string;
  /** Full ARN of what the action is on. */
  readonly resource: string;
  readonly on: "role" | "sourceBucket" | "sourceObject" | "sourceKey" | "destinationObject" | "replicaKey";
  /** Condition keys that this check adds to those of the caller. */
  readonly context: RequestContext;
  /** What the failure is called when this check says no. */
  readonly deniedCode: FailureCode;
}

export interface Step {
  readonly name: StepName;
  readonly call: Call;
  /** Who asks: the S3 service for the role, the role for everything else. */
  readonly by: "service" | "role";
  readonly side: "role" | "source" | "destination";
  readonly checks: readonly Check[];
  /** False for steps whose denial still lets the replica be written, without what the step would have brought. */
  readonly bodyNeedsIt: boolean;
}

/** What the steps depend on. Unknown Regions leave `kms:ViaService` out of the context. */
export interface PlanRequest {
  readonly operation: Operation;
  readonly version: Pick<ObjectVersion, "bucket" | "key" | "encryption"> & {
    readonly tagCount: number;
    /** 1 for objects that were put whole. */
    readonly partsCount: number;
    /** True for objects that were uploaded in one part, too; undefined: when there are more. */
    readonly isMultipart?: boolean;
    /** Whether it has a retention, a legal hold: undefined when that is not known, and then nothing is planned for it. */
    readonly retained?: boolean;
    readonly held?: boolean;
  };
  readonly rule: Rule;
  readonly roleArn: string;
  readonly sourceRegion?: string;
  readonly destinationRegion?: string;
  /** What the destination gives to replicas of unencrypted versions. */
  readonly destinationDefault?: Encryption;
  /** Object Ownership is BucketOwnerEnforced: the owner need not be overridden. */
  readonly destinationOwnerEnforced?: boolean;
  /** Whether the source bucket has Object Lock: then every version is asked for its retention and legal hold. */
  readonly sourceObjectLock?: boolean;
  /** Both buckets are of one store, which copies by itself: whoever writes has to be allowed to read. */
  readonly copiesWithin?: boolean;
}

/** The session name by which replication is known in policies, logs and events. */
export const REPLICATION_SESSION = "s3-replication";

/** The service that assumes the replication role. */
export const REPLICATION_SERVICE = "s3.amazonaws.com";

/**
 * The IAM action by which a store judges a call that replication makes; a version id is always given.
 *
 * @source aws-replication.md §5.4
 */
export const REPLICATION_ACTIONS: Readonly<Record<Call, string>> = {
  AssumeRole: "sts:AssumeRole",
  HeadObject: "s3:GetObjectVersionForReplication",
  GetObject: "s3:GetObjectVersionForReplication",
  GetObjectAcl: "s3:GetObjectVersionAcl",
  GetObjectTagging: "s3:GetObjectVersionTagging",
  PutObject: "s3:ReplicateObject",
  CreateMultipartUpload: "s3:ReplicateObject",
  UploadPart: "s3:ReplicateObject",
  CompleteMultipartUpload: "s3:ReplicateObject",
  AbortMultipartUpload: "s3:ReplicateObject",
  ListParts: "s3:ReplicateObject",
  CopyObject: "s3:ReplicateObject",
  UploadPartCopy: "s3:ReplicateObject",
  DeleteObject: "s3:ReplicateDelete",
  PutObjectTagging: "s3:ReplicateTags",
  GetObjectRetention: "s3:GetObjectRetention",
  GetObjectLegalHold: "s3:GetObjectLegalHold",
  // ReplicateObject covers access control lists; retention and holds have no action of replication's own.
  PutObjectAcl: "s3:ReplicateObject",
  PutObjectRetention: "s3:PutObjectRetention",
  PutObjectLegalHold: "s3:PutObjectLegalHold",
};

/** Judges the tags that come along with a replica's write. */
export const REPLICATION_TAGS_ACTION = REPLICATION_ACTIONS.PutObjectTagging;
/** Judges a write that makes the destination's owner the replica's owner. */
export const OWNER_OVERRIDE_ACTION = "s3:ObjectOwnerOverrideToBucketOwner";

/**
 * Lists the steps of one task in the order in which they are made.
 *
 * Pure. What belongs to a version besides its bytes goes along with the write that carries them, so its checks stand
 * there; only changes made later have steps of their own.
 */
export function planReplication(request: PlanRequest): readonly Step[] {
  return [assumeRole(request), ...operationSteps(request)];
}

function operationSteps(request: PlanRequest): Step[] {
  switch (request.operation) {
    case "put":
      return putSteps(request);
    case "deleteMarker":
      return [headVersion(request, "marker"), write(request, "writeMarker")];
    case "tags":
      return [headVersion(request, "object"), readTags(request), write(request, "writeTags")];
    case "acl":
      return [headVersion(request, "object"), readAcl(request), write(request, "writeAcl")];
    case "retention":
      return [headVersion(request, "object"), readRetention(request), write(request, "writeRetention")];
    case "legalHold":
      return [headVersion(request, "object"), readLegalHold(request), write(request, "writeLegalHold")];
    case "delete":
      return [confirmGone(request), removeReplica(request)];
  }
}

function putSteps(request: PlanRequest): Step[] {
  const locks = request.sourceObjectLock === true ? [readRetention(request), readLegalHold(request)] : [];
  const tags = request.version.tagCount > 0 ? [readTags(request)] : [];
  const read = [readVersion(request), readAcl(request), ...tags, ...locks];
  const { partsCount, isMultipart = partsCount > 1 } = request.version;
  if (!isMultipart) return [...read, writeReplica(request, "writeReplica")];
  return [
    ...read,
    writeReplica(request, "createUpload"),
    writeReplica(request, "uploadParts"),
    writeReplica(request, "completeUpload"),
  ];
}

function assumeRole(request: PlanRequest): Step {
  const check: Check = {
    action: REPLICATION_ACTIONS.AssumeRole,
    resource: request.roleArn,
    on: "role",
    context: {},
    deniedCode: "AssumeRoleNotPermitted",
  };
  return { name: "assumeRole", call: "AssumeRole", by: "service", side: "role", checks: [check], bodyNeedsIt: true };
}

/** Reading a marker's metadata answers 405 to those who may list the bucket, 403 to others. */
function headVersion(request: PlanRequest, of: "marker" | "object"): Step {
  const checks = [sourceCheck(request, "HeadObject", "SrcHeadObjectNotPermitted")];
  if (of === "marker") {
    checks.push({
      action: "s3:ListBucket",
      resource: bucketArn(request.version.bucket),
      on: "sourceBucket",
      context: {},
      deniedCode: "SrcHeadObjectNotPermitted",
    });
  }
  return sourceStep("headVersion", "HeadObject", checks);
}

/** Only who may list a bucket is told that a version is not there: others get a 403. */
function confirmGone(request: PlanRequest): Step {
  return { ...headVersion(request, "marker"), name: "confirmGone" };
}

/** AWS replicates no removals, so there is no action of replication's own for one. @source aws-replication.md §2 row 18 */
function removeReplica(request: PlanRequest): Step {
  const checks = [destinationCheck(request, "s3:DeleteObjectVersion", "DstDelObjNotPermitted")];
  return { name: "removeReplica", call: "DeleteObject", by: "role", side: "destination", checks, bodyNeedsIt: true };
}

function readVersion(request: PlanRequest): Step {
  const code = "SrcGetObjectNotPermitted";
  const checks = [sourceCheck(request, "GetObject", code)];
  const { encryption, bucket, key } = request.version;
  if (encryption.kmsKeyArn !== undefined) {
    checks.push({
      action: "kms:Decrypt",
      resource: encryption.kmsKeyArn,
      on: "sourceKey",
      context: keyContext(bucket, key, encryption, request.sourceRegion, request.roleArn),
      deniedCode: code,
    });
  }
  return sourceStep("readVersion", "GetObject", checks);
}

function readAcl(request: PlanRequest): Step {
  return sourceStep("readAcl", "GetObjectAcl", [sourceCheck(request, "GetObjectAcl", "SrcGetAclNotPermitted")]);
}

/** Without its tags a version is still written, and then FAILED. @source aws-replication.md §3.4 */
function readTags(request: PlanRequest): Step {
  const checks = [sourceCheck(request, "GetObjectTagging", "SrcGetTaggingNotPermitted")];
  return { ...sourceStep("readTags", "GetObjectTagging", checks), bodyNeedsIt: request.operation === "tags" };
}

/** What could not be told of a version's protection is not left out: the version is not written without it. */
function readRetention(request: PlanRequest): Step {
  const check = sourceCheck(request, "GetObjectRetention", "SrcGetRetentionNotPermitted");
  return sourceStep("readRetention", "GetObjectRetention", [check]);
}

function readLegalHold(request: PlanRequest): Step {
  const check = sourceCheck(request, "GetObjectLegalHold", "SrcGetLegalHoldNotPermitted");
  return sourceStep("readLegalHold", "GetObjectLegalHold", [check]);
}

export const BODY_WRITES = {
  writeReplica: { call: "PutObject", deniedCode: "DstPutObjectNotPermitted" },
  createUpload: { call: "CreateMultipartUpload", deniedCode: "DstMultipartInitNotPermitted" },
  uploadParts: { call: "UploadPart", deniedCode: "DstMultipartUploadNotPermitted" },
  completeUpload: { call: "CompleteMultipartUpload", deniedCode: "DstMultipartCompleteNotPermitted" },
} as const;

/** The same steps where the store copies by itself. */
const COPIES: Partial<Record<StepName, Call>> = { writeReplica: "CopyObject", uploadParts: "UploadPartCopy" };

function writeReplica(request: PlanRequest, name: keyof typeof BODY_WRITES): Step {
  const { deniedCode } = BODY_WRITES[name];
  const copy = request.copiesWithin === true ? COPIES[name] : undefined;
  const call = copy ?? BODY_WRITES[name].call;
  const encryption = replicaEncryption(request.version.encryption, request.rule);
  const checks = [destinationCheck(request, REPLICATION_ACTIONS[call], deniedCode, encryptionContext(encryption))];
  const isFirstWrite = name === "writeReplica" || name === "createUpload";
  if (isFirstWrite && request.rule.destination.ownerOverride && request.destinationOwnerEnforced !== true) {
    checks.push(destinationCheck(request, OWNER_OVERRIDE_ACTION, deniedCode));
  }
  if (isFirstWrite) checks.push(...replicaKeyChecks(request, deniedCode));
  if (isFirstWrite) checks.push(...belongings(request).map((one) => check(request, one)));
  if (copy !== undefined) checks.push(sourceCheck(request, "GetObject", "SrcGetObjectNotPermitted"));
  return { name, call, by: "role", side: "destination", checks, bodyNeedsIt: true };
}

/** `kms:Encrypt` is enough without bucket keys; with one S3 also decrypts to verify it. @source aws-replication.md §5.3 */
function replicaKeyChecks(request: PlanRequest, deniedCode: FailureCode): Check[] {
  const { version, rule } = request;
  const chosen = replicaEncryption(version.encryption, rule);
  const encryption = chosen ?? request.destinationDefault;
  if (encryption?.kmsKeyArn === undefined) return [];
  const wrap = chosen === undefined ? "kms:GenerateDataKey" : "kms:Encrypt";
  const actions = encryption.bucketKey === true ? [wrap, "kms:Decrypt"] : [wrap];
  const bucket = bucketOfArn(rule.destination.bucketArn) ?? "";
  const keyRegion = parseArn(encryption.kmsKeyArn)?.region;
  const context = keyContext(bucket, version.key, encryption, request.destinationRegion ?? keyRegion, request.roleArn);
  const resource = encryption.kmsKeyArn;
  return actions.map((action) => ({ action, resource, on: "replicaKey", context, deniedCode }));
}

/** What is written beside a body: the call, and what its denial is called. */
export const METADATA_WRITES = {
  writeMarker: { call: "DeleteObject", deniedCode: "DstDelObjNotPermitted" },
  writeTags: { call: "PutObjectTagging", deniedCode: "DstPutTaggingNotPermitted" },
  writeAcl: { call: "PutObjectAcl", deniedCode: "DstPutAclNotPermitted" },
  writeRetention: { call: "PutObjectRetention", deniedCode: "DstPutRetentionNotPermitted" },
  writeLegalHold: { call: "PutObjectLegalHold", deniedCode: "DstPutLegalHoldNotPermitted" },
} as const satisfies Partial<Record<StepName, { readonly call: Call; readonly deniedCode: FailureCode }>>;

function write(request: PlanRequest, name: keyof typeof METADATA_WRITES): Step {
  const { call } = METADATA_WRITES[name];
  return { name, call, by: "role", side: "destination", checks: [check(request, name)], bodyNeedsIt: true };
}

function check(request: PlanRequest, name: keyof typeof METADATA_WRITES): Check {
  const { call, deniedCode } = METADATA_WRITES[name];
  return destinationCheck(request, REPLICATION_ACTIONS[call], deniedCode);
}

/**
 * What goes along with a version's bytes and needs an action of its own. That a replica's retention needs
 * s3:PutObjectRetention is unconfirmed (A15).
 */
function belongings({ version }: PlanRequest): (keyof typeof METADATA_WRITES)[] {
  return [
    ...(version.tagCount > 0 ? (["writeTags"] as const) : []),
    ...(version.retained === true ? (["writeRetention"] as const) : []),
    ...(version.held === true ? (["writeLegalHold"] as const) : []),
  ];
}

function sourceStep(name: StepName, call: Call, checks: readonly Check[]): Step {
  return { name, call, by: "role", side: "source", checks, bodyNeedsIt: true };
}

function sourceCheck(request: PlanRequest, call: Call, deniedCode: FailureCode): Check {
  const { bucket, key } = request.version;
  return {
    action: REPLICATION_ACTIONS[call],
    resource: objectArn(bucket, key),
    on: "sourceObject",
    context: {},
    deniedCode,
  };
}

function destinationCheck(
  request: PlanRequest,
  action: string,
  deniedCode: FailureCode,
  context: RequestContext = {},
): Check {
  const bucket = bucketOfArn(request.rule.destination.bucketArn) ?? "";
  return { action, resource: objectArn(bucket, request.version.key), on: "destinationObject", context, deniedCode };
}
