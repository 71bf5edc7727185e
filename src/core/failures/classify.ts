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
}

/** Names the failure. Pure and total. */
export function classify(step: AnsweredStep, answer: WireAnswer): FailureCode {
  if (answer.network !== undefined) return networkFailure(answer.network);
  const named = answer.code === undefined ? undefined : byErrorCode(step, answer.code);
  if (named !== undefined) return named;
  const status = answer.status ?? 0;
  if (status === 401 || status === 403) return step.deniedCode;
  if (status === 404) return notFound(step);
  if (status === 408 || status === 429) return "RequestThrottled";
  return status >= 500 ? "StoreUnavailable" : "UnknownAnswer";
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
      return "ChecksumMismatch";
    default:
      return unreachable(network);
  }
}

/** Codes that mean the same on both sides. */
const EITHER_SIDE: Readonly<Record<string, FailureCode>> = {
  InvalidAccessKeyId: "CredentialsInvalid",
  SignatureDoesNotMatch: "CredentialsInvalid",
  InvalidToken: "CredentialsExpired",
  ExpiredToken: "CredentialsExpired",
  ExpiredTokenException: "CredentialsExpired",
  RequestTimeTooSkewed: "ClockSkewed",
  SlowDown: "RequestThrottled",
  RequestLimitExceeded: "RequestThrottled",
  TooManyRequests: "RequestThrottled",
  Throttling: "RequestThrottled",
  ThrottlingException: "RequestThrottled",
  "KMS.ThrottlingException": "KmsThrottled",
  BadDigest: "ChecksumMismatch",
  XAmzContentSHA256Mismatch: "ChecksumMismatch",
  XAmzContentChecksumMismatch: "ChecksumMismatch",
  IncompleteBody: "ChecksumMismatch",
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
  "KMS.DisabledException": "DstKmsKeyInvalidState",
  "KMS.KMSInvalidStateException": "DstKmsKeyInvalidState",
  "KMS.InvalidStateException": "DstKmsKeyInvalidState",
  "KMS.NotFoundException": "DstKmsKeyNotFound",
};

function byErrorCode(step: AnsweredStep, code: string): FailureCode | undefined {
  const tables = step.side === "source" ? [SOURCE, EITHER_SIDE] : [DESTINATION, EITHER_SIDE];
  for (const table of step.side === "role" ? [EITHER_SIDE] : tables) {
    const found = Object.hasOwn(table, code) ? table[code] : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function notFound(step: AnsweredStep): FailureCode {
  switch (step.side) {
    case "role":
      return "AssumeRoleNotPermitted";
    case "source":
      return "SrcObjectNotFound";
    case "destination":
      return step.name === "writeTags" ? "DstVersionNotFound" : "DstBucketNotFound";
    default:
      return unreachable(step.side);
  }
}
