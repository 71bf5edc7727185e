/**
 * From the raw answer of a store to a code of the catalogue: which step was made, on which side, and what came back.
 *
 * 404, 405, 403, 5xx and "no answer" are five different things. Decided by status, error code and kind of network
 * failure, never by message. An answer that the table does not know is `UnknownAnswer`, kept as it came.
 */

import { unreachable } from "../assert.ts";
import type { StepName } from "../plan.ts";
import { type FailureCode, failureEntry } from "./catalogue.ts";

/** An answer as it came over the wire; the fields of an S3Error fit. */
export interface WireAnswer {
  /** HTTP status; undefined when there was no answer. */
  readonly status?: number;
  /** Error code of the body; HEAD answers have none. */
  readonly code?: string;
  /** Why there was no answer. */
  readonly network?: "dns" | "refused" | "reset" | "timeout" | "tls" | "aborted" | "truncated" | "protocol";
}

/** Where the answer came from. */
export interface AnsweredStep {
  readonly name: StepName;
  readonly side: "role" | "source" | "destination";
  /** What a denial of this step is called. */
  readonly deniedCode: FailureCode;
  /** Whether the write carried a retention or a legal hold. */
  readonly locked?: boolean;
}

/** Names the failure. Pure and total. */
export function classify(step: AnsweredStep, answer: WireAnswer): FailureCode {
  if (answer.network !== undefined) return networkFailure(answer.network);
  const named = answer.code === undefined ? undefined : byErrorCode(step, answer.code);
  if (named !== undefined) return named;
  return byStatus(step, answer.status ?? 0);
}

function byStatus(step: AnsweredStep, status: number): FailureCode {
  switch (status) {
    case 401:
    case 403:
      return step.deniedCode;
    case 404:
      return notFound(step);
    case 405:
      return notAllowed(step);
    case 408:
    case 429:
      return "RequestThrottled";
    case 412:
      return changed(step);
    case 413:
      return step.side === "destination" ? "BodyTooLarge" : "UnknownAnswer";
    case 501:
      return "FeatureUnsupported";
    case 507:
      return step.side === "destination" ? "DstStorageFull" : "StoreUnavailable";
    default:
      return status >= 500 ? "StoreUnavailable" : "UnknownAnswer";
  }
}

/** Whether the failure passes by itself: the version stays PENDING. */
export function isTransient(code: FailureCode): boolean {
  return failureEntry(code).retry === "later";
}

function networkFailure(network: NonNullable<WireAnswer["network"]>): FailureCode {
  switch (network) {
    case "dns":
      return "DnsFailed";
    case "tls":
      return "TlsFailed";
    case "refused":
    case "timeout":
      return "EndpointUnreachable";
    case "reset":
    case "aborted":
    case "protocol":
      return "ConnectionBroken";
    case "truncated":
      return "TruncatedBody";
    default:
      return unreachable(network);
  }
}

/** Codes that mean the same on both sides. */
const EITHER_SIDE: Readonly<Record<string, FailureCode>> = {
  InvalidAccessKeyId: "CredentialsInvalid",
  SignatureDoesNotMatch: "CredentialsInvalid",
  // radosgw: the user is locked out.
  UserSuspended: "CredentialsInvalid",
  InvalidToken: "CredentialsExpired",
  // MinIO's word for it.
  InvalidTokenId: "CredentialsExpired",
  ExpiredToken: "CredentialsExpired",
  ExpiredTokenException: "CredentialsExpired",
  RequestTimeTooSkewed: "ClockSkewed",
  SlowDown: "RequestThrottled",
  SlowDownRead: "RequestThrottled",
  SlowDownWrite: "RequestThrottled",
  RequestLimitExceeded: "RequestThrottled",
  TooManyRequests: "RequestThrottled",
  Throttling: "RequestThrottled",
  ThrottlingException: "RequestThrottled",
  "KMS.ThrottlingException": "KmsThrottled",
  "KMS.LimitExceededException": "KmsThrottled",
  "KMS.KMSInternalException": "StoreUnavailable",
  "KMS.DependencyTimeoutException": "StoreUnavailable",
  "KMS.KeyUnavailableException": "StoreUnavailable",
  NotImplemented: "FeatureUnsupported",
  BadDigest: "ChecksumMismatch",
  XAmzContentSHA256Mismatch: "ChecksumMismatch",
  XAmzContentChecksumMismatch: "ChecksumMismatch",
  IncompleteBody: "TruncatedBody",
  RequestTimeout: "ConnectionBroken",
  InternalError: "StoreUnavailable",
  ServiceUnavailable: "StoreUnavailable",
  OperationAborted: "StoreUnavailable",
  ConditionalRequestConflict: "StoreUnavailable",
  // An upload that vanished between two of its parts: the next try starts a new one.
  NoSuchUpload: "StoreUnavailable",
};

const SOURCE: Readonly<Record<string, FailureCode>> = {
  NoSuchBucket: "SrcBucketNotFound",
  NoSuchKey: "SrcKeyNotFound",
  NoSuchVersion: "SrcVersionNotFound",
  ReplicationConfigurationNotFoundError: "SrcBucketReplicationConfigMissing",
  InvalidObjectState: "SrcObjectNotEligible",
  "KMS.DisabledException": "SrcKmsKeyInvalidState",
  "KMS.InvalidKeyUsageException": "SrcKmsKeyInvalidState",
  "KMS.KMSInvalidStateException": "SrcKmsKeyInvalidState",
  "KMS.InvalidStateException": "SrcKmsKeyInvalidState",
  // A key that is gone for good leaves its data unreadable: AWS has no nearer code (unconfirmed).
  "KMS.NotFoundException": "SrcKmsKeyInvalidState",
};

const DESTINATION: Readonly<Record<string, FailureCode>> = {
  NoSuchBucket: "DstBucketNotFound",
  NoSuchKey: "DstVersionNotFound",
  NoSuchVersion: "DstVersionNotFound",
  InvalidBucketState: "DstBucketUnversioned",
  ObjectLockConfigurationNotFoundError: "DstBucketObjectLockConfigMissing",
  QuotaExceeded: "DstQuotaExceeded",
  XMinioAdminBucketQuotaExceeded: "DstQuotaExceeded",
  XMinioStorageFull: "DstStorageFull",
  InsufficientStorage: "DstStorageFull",
  EntityTooLarge: "BodyTooLarge",
  InvalidStorageClass: "FeatureUnsupported",
  "KMS.DisabledException": "DstKmsKeyInvalidState",
  "KMS.InvalidKeyUsageException": "DstKmsKeyInvalidState",
  "KMS.KMSInvalidStateException": "DstKmsKeyInvalidState",
  "KMS.InvalidStateException": "DstKmsKeyInvalidState",
  "KMS.NotFoundException": "DstKmsKeyNotFound",
};

/** The codes by which stores say no, whatever the status: KMS's own are 400. */
const DENIALS: ReadonlySet<string> = new Set(["AccessDenied", "AccessDeniedException", "KMS.AccessDeniedException"]);

/** Steps that write metadata to a version that is at the destination already. */
const ON_REPLICAS: ReadonlySet<StepName> = new Set(["writeTags", "writeAcl", "writeRetention", "writeLegalHold"]);

function byErrorCode(step: AnsweredStep, code: string): FailureCode | undefined {
  if (DENIALS.has(code)) return step.deniedCode;
  if (code === "PreconditionFailed") return changed(step);
  if (code === "MethodNotAllowed") return notAllowed(step);
  if (code === "InvalidRequest") return lockRefused(step) ? "DstBucketObjectLockConfigMissing" : undefined;
  const tables = step.side === "source" ? [SOURCE, EITHER_SIDE] : [DESTINATION, EITHER_SIDE];
  for (const table of step.side === "role" ? [EITHER_SIDE] : tables) {
    const found = Object.hasOwn(table, code) ? table[code] : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A bucket without Object Lock calls a write that carries a lock an invalid request, and says so of nothing else. */
function lockRefused(step: AnsweredStep): boolean {
  const isLock = step.locked === true || step.name === "writeRetention" || step.name === "writeLegalHold";
  return step.side === "destination" && isLock;
}

/** A condition on the source says that it changed since it was looked at, one on the destination that the replica did. */
function changed(step: AnsweredStep): FailureCode {
  return step.side === "destination" ? "ReplicaAltered" : "SourceChanged";
}

/** What was a version is a delete marker now, or the store does not know the call at all. */
function notAllowed(step: AnsweredStep): FailureCode {
  if (step.side === "source") return "SrcVersionNotFound";
  return ON_REPLICAS.has(step.name) ? "DstVersionNotFound" : "FeatureUnsupported";
}

function notFound(step: AnsweredStep): FailureCode {
  switch (step.side) {
    case "role":
      return "AssumeRoleNotPermitted";
    case "source":
      return "SrcObjectNotFound";
    case "destination":
      return ON_REPLICAS.has(step.name) ? "DstVersionNotFound" : "DstBucketNotFound";
    default:
      return unreachable(step.side);
  }
}
