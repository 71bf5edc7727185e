/**
 * The steps of replicating one version: which calls are made, by whom, and what each of them must be allowed to do.
 *
 * This list is written once and has four readers: the engine performs it, the doctor replays it against facts, the lab
 * judges calls by its actions, people see it drawn. No other file knows which permission an action needs.
 *
 * @source aws-replication.md §5.1–5.4, §5.7
 */
import { bucketArn, bucketOfArn, objectArn, parseArn } from "./arn.ts";
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
  | "writeReplica"
  | "createUpload"
  | "uploadParts"
  | "completeUpload"
  | "writeMarker"
  | "writeTags";

/** The API call that a step makes, by its name in the API reference. */
export type Call =
  | "AssumeRole"
  | "HeadObject"
  | "GetObject"
  | "GetObjectAcl"
  | "GetObjectTagging"
  | "PutObject"
  | "CreateMultipartUpload"
  | "UploadPart"
  | "CompleteMultipartUpload"
  | "AbortMultipartUpload"
  | "DeleteObject"
  | "PutObjectTagging";

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
  };
  readonly rule: Rule;
  readonly roleArn: string;
  readonly sourceRegion?: string;
  readonly destinationRegion?: string;
  /** What the destination gives to replicas of unencrypted versions. */
  readonly destinationDefault?: Encryption;
  /** Object Ownership is BucketOwnerEnforced: the owner need not be overridden. */
  readonly destinationOwnerEnforced?: boolean;
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
  DeleteObject: "s3:ReplicateDelete",
  PutObjectTagging: "s3:ReplicateTags",
};

/** Judges the tags that come along with a replica's write. */
export const REPLICATION_TAGS_ACTION = REPLICATION_ACTIONS.PutObjectTagging;
/** Judges a write that makes the destination's owner the replica's owner. */
export const OWNER_OVERRIDE_ACTION = "s3:ObjectOwnerOverrideToBucketOwner";

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

/**
 * Lists the steps of one task in the order in which they are made.
 *
 * Pure. Lock changes are not planned yet: such operations have the steps of none.
 */
export function planReplication(request: PlanRequest): readonly Step[] {
  const steps = operationSteps(request);
  return steps.length === 0 ? [] : [assumeRole(request), ...steps];
}

function operationSteps(request: PlanRequest): Step[] {
  switch (request.operation) {
    case "put":
      return putSteps(request);
    case "deleteMarker":
      return [headVersion(request, "marker"), writeMarker(request)];
    case "tags":
      return [headVersion(request, "object"), readTags(request), writeTags(request)];
    case "acl":
    case "retention":
    case "legalHold":
      return [];
  }
}

function putSteps(request: PlanRequest): Step[] {
  const read = [readVersion(request), readAcl(request), ...(request.version.tagCount > 0 ? [readTags(request)] : [])];
  if (request.version.partsCount <= 1) return [...read, writeReplica(request, "writeReplica")];
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

const WRITES = {
  writeReplica: { call: "PutObject", deniedCode: "DstPutObjectNotPermitted" },
  createUpload: { call: "CreateMultipartUpload", deniedCode: "DstMultipartInitNotPermitted" },
  uploadParts: { call: "UploadPart", deniedCode: "DstMultipartUploadNotPermitted" },
  completeUpload: { call: "CompleteMultipartUpload", deniedCode: "DstMultipartCompleteNotPermitted" },
} as const;

function writeReplica(request: PlanRequest, name: keyof typeof WRITES): Step {
  const { call, deniedCode } = WRITES[name];
  const encryption = replicaEncryption(request.version.encryption, request.rule);
  const checks = [destinationCheck(request, REPLICATION_ACTIONS[call], deniedCode, encryptionContext(encryption))];
  const isFirstWrite = name === "writeReplica" || name === "createUpload";
  if (isFirstWrite && request.rule.destination.ownerOverride && request.destinationOwnerEnforced !== true) {
    checks.push(destinationCheck(request, OWNER_OVERRIDE_ACTION, deniedCode));
  }
  if (isFirstWrite) checks.push(...replicaKeyChecks(request, deniedCode));
  if (isFirstWrite && request.version.tagCount > 0) {
    checks.push(destinationCheck(request, REPLICATION_TAGS_ACTION, "DstPutTaggingNotPermitted"));
  }
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

function writeMarker(request: PlanRequest): Step {
  const check = destinationCheck(request, REPLICATION_ACTIONS.DeleteObject, "DstDelObjNotPermitted");
  return {
    name: "writeMarker",
    call: "DeleteObject",
    by: "role",
    side: "destination",
    checks: [check],
    bodyNeedsIt: true,
  };
}

function writeTags(request: PlanRequest): Step {
  const check = destinationCheck(request, REPLICATION_ACTIONS.PutObjectTagging, "DstPutTaggingNotPermitted");
  return {
    name: "writeTags",
    call: "PutObjectTagging",
    by: "role",
    side: "destination",
    checks: [check],
    bodyNeedsIt: true,
  };
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

/** The condition keys of a write that names its encryption. */
function encryptionContext(encryption: Encryption | undefined): RequestContext {
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
function keyContext(
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
