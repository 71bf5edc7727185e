/** One call as a log tells of it, the same from access logs and from CloudTrail, and what its failure is called. Pure. */
import { parseArn } from "../arn.ts";
import type { FailureCode } from "../failures/catalogue.ts";
import { type AnsweredStep, classify } from "../failures/classify.ts";
import { BODY_WRITES, type Call, METADATA_WRITES, REPLICATION_SERVICE, REPLICATION_SESSION } from "../plan.ts";
import type { AccessLine } from "./access-line.ts";
import { type DenialText, readDenial } from "./denial-text.ts";
import { type TrailRecord, textOf } from "./trail-record.ts";

export interface LogCall {
  readonly atMs: number;
  /** "" where the call is about none. */
  readonly bucket: string;
  readonly key?: string;
  readonly versionId?: string;
  /** An API call's name; what the access log says where it is none that replication makes. */
  readonly operation: string;
  /** Undefined for calls that are not replication's. */
  readonly step?: AnsweredStep;
  /** An ARN where the log tells it. */
  readonly principal: string;
  /** 0 where the log tells none. */
  readonly status: number;
  readonly errorCode?: string;
  readonly denial?: DenialText;
  /** A KMS key or a role, where the call is about one. */
  readonly resource?: string;
  readonly requestId: string;
}

/** How the requester of an access log ends, where it is replication. @source aws-replication.md §9.2 */
export const REPLICATION_REQUESTER = `/${REPLICATION_SESSION}`;

function source(name: AnsweredStep["name"], deniedCode: FailureCode): AnsweredStep {
  return { name, side: "source", deniedCode };
}

function write(name: keyof typeof BODY_WRITES | keyof typeof METADATA_WRITES): AnsweredStep {
  const { deniedCode } = { ...BODY_WRITES, ...METADATA_WRITES }[name];
  return { name, side: "destination", deniedCode };
}

/** What replication's session makes each call for. That it asks a destination with HEAD is not known of AWS. */
const STEPS: Readonly<Record<Call, AnsweredStep>> = {
  AssumeRole: { name: "assumeRole", side: "role", deniedCode: "AssumeRoleNotPermitted" },
  HeadObject: source("headVersion", "SrcHeadObjectNotPermitted"),
  GetObject: source("readVersion", "SrcGetObjectNotPermitted"),
  GetObjectAcl: source("readAcl", "SrcGetAclNotPermitted"),
  GetObjectTagging: source("readTags", "SrcGetTaggingNotPermitted"),
  GetObjectRetention: source("readRetention", "SrcGetRetentionNotPermitted"),
  GetObjectLegalHold: source("readLegalHold", "SrcGetLegalHoldNotPermitted"),
  PutObject: write("writeReplica"),
  CreateMultipartUpload: write("createUpload"),
  UploadPart: write("uploadParts"),
  CompleteMultipartUpload: write("completeUpload"),
  AbortMultipartUpload: write("uploadParts"),
  ListParts: write("uploadParts"),
  CopyObject: write("writeReplica"),
  UploadPartCopy: write("uploadParts"),
  DeleteObject: write("writeMarker"),
  PutObjectTagging: write("writeTags"),
  PutObjectAcl: write("writeAcl"),
  PutObjectRetention: write("writeRetention"),
  PutObjectLegalHold: write("writeLegalHold"),
};

/** Whose denial by KMS ends which step. A destination with a bucket key asks Decrypt too; a log does not tell the two apart. */
const KEY_STEPS: Readonly<Record<string, AnsweredStep>> = {
  Decrypt: STEPS.GetObject,
  Encrypt: STEPS.PutObject,
  GenerateDataKey: STEPS.PutObject,
  ReEncrypt: STEPS.PutObject,
};

/** @source aws-replication.md §9.1 field 7, §9.2; the names of locks are unconfirmed */
const ACCESS_LOG_NAMES: Readonly<Record<string, Call>> = {
  "REST.HEAD.OBJECT": "HeadObject",
  "REST.GET.OBJECT": "GetObject",
  "REST.GET.ACL": "GetObjectAcl",
  "REST.GET.OBJECT_TAGGING": "GetObjectTagging",
  "REST.GET.OBJECT_LOCK_RETENTION": "GetObjectRetention",
  "REST.GET.OBJECT_LOCK_LEGALHOLD": "GetObjectLegalHold",
  "REST.PUT.OBJECT": "PutObject",
  "REST.POST.UPLOADS": "CreateMultipartUpload",
  "REST.PUT.PART": "UploadPart",
  "REST.POST.UPLOAD": "CompleteMultipartUpload",
  "REST.DELETE.UPLOAD": "AbortMultipartUpload",
  "REST.GET.UPLOAD": "ListParts",
  "REST.COPY.OBJECT": "CopyObject",
  "REST.COPY.PART": "UploadPartCopy",
  "REST.DELETE.OBJECT": "DeleteObject",
  "REST.PUT.OBJECT_TAGGING": "PutObjectTagging",
  "REST.PUT.ACL": "PutObjectAcl",
  "REST.PUT.OBJECT_LOCK_RETENTION": "PutObjectRetention",
  "REST.PUT.OBJECT_LOCK_LEGALHOLD": "PutObjectLegalHold",
};

/** Where CloudTrail has a name of its own. */
const TRAIL_NAMES: Readonly<Record<string, Call>> = {
  GetObjectLockRetention: "GetObjectRetention",
  GetObjectLockLegalHold: "GetObjectLegalHold",
  PutObjectLockRetention: "PutObjectRetention",
  PutObjectLockLegalHold: "PutObjectLegalHold",
};

/** The name under which an access log's operation of replication is known elsewhere; undefined where it makes none such. */
export function callOfLogName(operation: string): Call | undefined {
  return Object.hasOwn(ACCESS_LOG_NAMES, operation) ? ACCESS_LOG_NAMES[operation] : undefined;
}

/** @param atMs the line's time, which the caller has read */
export function callOfLine(line: AccessLine, atMs: number): LogCall {
  const { key, versionId, errorCode, operation, requester } = line;
  const call = line.requesterEndsWith(REPLICATION_REQUESTER) ? callOfLogName(operation) : undefined;
  return {
    atMs,
    bucket: line.bucket,
    ...(key === undefined ? {} : { key }),
    ...(versionId === undefined ? {} : { versionId }),
    operation: call ?? operation,
    ...(call === undefined ? {} : { step: STEPS[call] }),
    principal: requester,
    status: line.status,
    ...(errorCode === undefined ? {} : { errorCode }),
    requestId: line.requestId,
  };
}

/** Undefined for what is no call of replication and none on an object: configuration is read as a change, not as a call. */
export function callOfRecord(record: TrailRecord): LogCall | undefined {
  const { source: service, name, parameters, errorCode, errorMessage } = record;
  const step = stepOfRecord(record);
  const key = textOf(parameters, "key");
  if (step === undefined && (service !== "s3.amazonaws.com" || key === undefined)) return undefined;
  const denial = errorMessage === undefined ? undefined : readDenial(errorMessage);
  const versionId = textOf(parameters, "versionId") ?? textOf(parameters, "x-amz-version-id");
  const resource = service === "s3.amazonaws.com" ? undefined : (record.resources[0] ?? resourceOf(record, denial));
  return {
    atMs: record.atMs,
    bucket: textOf(parameters, "bucketName") ?? "",
    ...(key === undefined ? {} : { key }),
    ...(versionId === undefined ? {} : { versionId }),
    operation: TRAIL_NAMES[name] ?? name,
    ...(step === undefined ? {} : { step }),
    principal: record.by,
    status: 0,
    ...(errorCode === undefined
      ? {}
      : { errorCode: service === "kms.amazonaws.com" ? keyError(errorCode) : errorCode }),
    ...(denial === undefined ? {} : { denial }),
    ...(resource === undefined ? {} : { resource }),
    requestId: record.requestId,
  };
}

function stepOfRecord({ source: service, name, sessionName, invokedBy, parameters }: TrailRecord) {
  if (service === "sts.amazonaws.com") {
    const isForReplication =
      invokedBy === REPLICATION_SERVICE && textOf(parameters, "roleSessionName") === REPLICATION_SESSION;
    return name === "AssumeRole" && isForReplication ? STEPS.AssumeRole : undefined;
  }
  if (sessionName !== REPLICATION_SESSION) return undefined;
  if (service === "kms.amazonaws.com") return Object.hasOwn(KEY_STEPS, name) ? KEY_STEPS[name] : undefined;
  if (service !== "s3.amazonaws.com") return undefined;
  const call = TRAIL_NAMES[name] ?? name;
  return isCall(call) ? STEPS[call] : undefined;
}

function isCall(name: string): name is Call {
  return Object.hasOwn(STEPS, name);
}

function resourceOf({ parameters }: TrailRecord, denial: DenialText | undefined): string | undefined {
  return denial?.resource ?? textOf(parameters, "keyId") ?? textOf(parameters, "roleArn");
}

/** KMS names its errors without the prefix that S3 gives them. */
function keyError(code: string): string {
  return code.startsWith("AccessDenied") ? code : `KMS.${code}`;
}

/** Actions that S3 asks for beside the write's own, and what their denial is called. */
const BESIDE: Readonly<Record<string, FailureCode>> = {
  "s3:ReplicateTags": METADATA_WRITES.writeTags.deniedCode,
  "s3:PutObjectRetention": METADATA_WRITES.writeRetention.deniedCode,
  "s3:PutObjectLegalHold": METADATA_WRITES.writeLegalHold.deniedCode,
};

/** Names the failure of a call of replication. */
export function failureOf(step: AnsweredStep, call: LogCall): FailureCode {
  const { status, errorCode, denial } = call;
  const code = classify(step, {
    ...(status === 0 ? {} : { status }),
    ...(errorCode === undefined ? {} : { code: errorCode }),
  });
  if (denial === undefined || step.side !== "destination" || !Object.hasOwn(BESIDE, denial.action)) return code;
  return BESIDE[denial.action] ?? code;
}

/**
 * Whether a call went wrong. Some answers that look like it do not mean it: a HEAD asks whether something is there, of a
 * delete marker it is answered 405, and versions without a lock have no such configuration.
 *
 * @source aws-replication.md §5.4
 */
export function hasFailed({ operation, status, errorCode }: LogCall): boolean {
  if (status < 400 && errorCode === undefined) return false;
  if (operation === "HeadObject") {
    return !(status === 404 || status === 405 || HEAD_ANSWERS.has(errorCode ?? ""));
  }
  return errorCode !== "NoSuchObjectLockConfiguration";
}

const HEAD_ANSWERS: ReadonlySet<string> = new Set(["MethodNotAllowed", "NoSuchKey", "NoSuchVersion", "NotFound"]);

/** The role behind a session's ARN; undefined where that cannot be told. */
export function roleOfPrincipal(principal: string): string | undefined {
  return /^assumed-role\/([^/]+)\//.exec(parseArn(principal)?.resource ?? "")?.[1];
}
