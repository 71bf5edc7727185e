/**
 * Why there was no answer: codes of Node's network and of undici, told apart once for the whole room.
 *
 * Codes decide, never messages. Answers that are errors are made in `error-answers.ts`.
 */

import { type NetworkFailure, S3Error } from "./errors.ts";
import { errors } from "./undici.ts";

/** What was asked of which store: goes into every error. */
export interface CallName {
  readonly operation: string;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  /** `http://host:port` */
  readonly origin: string;
}

/** When the network failed: `body` is after the answer's headers. */
export type ExchangePhase = "request" | "body";

/** Makes the error of a call that the network let down. */
export function networkError(cause: unknown, call: CallName, phase: ExchangePhase): S3Error {
  if (cause instanceof S3Error) return cause;
  return failedCall(networkFailureOf(codeOf(cause), phase), call, cause);
}

/** Makes the error of a call for a reason that is already known. */
export function failedCall(network: NetworkFailure, call: CallName, cause?: unknown, detail?: string): S3Error {
  const { operation, bucket, key, origin } = call;
  const fields = {
    operation,
    ...(bucket === undefined ? {} : { bucket }),
    ...(key === undefined ? {} : { key }),
    network,
  };
  const message = `${callText(call)}: ${detail ?? explain(network, origin, codeOf(cause))}`;
  return new S3Error(message, fields, cause === undefined ? {} : { cause });
}

/** `GetObject of s3://bucket/key` */
export function callText(call: {
  readonly operation: string;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
}): string {
  if (call.bucket === undefined) return call.operation;
  return `${call.operation} of s3://${call.bucket}${call.key === undefined ? "" : `/${call.key}`}`;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  // undici 7.30 leaves its parser's errors without the code that it documents.
  if (error instanceof errors.HTTPParserError) return error.code ?? "HPE_ERROR";
  if ("code" in error && typeof error.code === "string") return error.code;
  // A host with several addresses fails with the errors of all of them.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : "";
}

const TLS_CODES: ReadonlySet<string> = new Set([
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "CERT_REVOKED",
  "CERT_SIGNATURE_FAILURE",
  "CERT_UNTRUSTED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "EPROTO",
  "HOSTNAME_MISMATCH",
  "INVALID_CA",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

/** @source https://nodejs.org/api/errors.html, https://github.com/nodejs/undici/blob/v7.30.2/docs/docs/api/Errors.md */
export function networkFailureOf(code: string, phase: ExchangePhase): NetworkFailure {
  if (TLS_CODES.has(code) || code.startsWith("ERR_TLS_") || code.startsWith("ERR_SSL_")) return "tls";
  // The HTTP parser's own codes. Within a body the parser meets the end of the connection in this way.
  if (code.startsWith("HPE_")) return phase === "body" ? "truncated" : "protocol";
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EAI_FAIL":
    case "EAI_NODATA":
    case "EAI_NONAME":
      return "dns";
    case "ECONNREFUSED":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EADDRNOTAVAIL":
    case "EHOSTDOWN":
      return "refused";
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
    case "UND_ERR_HEADERS_TIMEOUT":
    case "UND_ERR_BODY_TIMEOUT":
      return "timeout";
    case "UND_ERR_ABORTED":
    case "UND_ERR_CLOSED":
    case "UND_ERR_DESTROYED":
    case "ABORT_ERR":
      return "aborted";
    // The other side ended the connection in good order: fine for it, too early for the body.
    case "UND_ERR_SOCKET":
      return phase === "body" ? "truncated" : "reset";
    case "UND_ERR_RES_CONTENT_LENGTH_MISMATCH":
    case "UND_ERR_REQ_CONTENT_LENGTH_MISMATCH":
    case "IncompleteBody":
      return "truncated";
    case "UND_ERR_HEADERS_OVERFLOW":
    case "UND_ERR_INVALID_ARG":
    case "UND_ERR_NOT_SUPPORTED":
      return "protocol";
    default:
      // ECONNRESET, EPIPE, ECONNABORTED and what nobody has met yet: the connection broke, the cause is kept.
      return "reset";
  }
}

function explain(network: NetworkFailure, origin: string, code: string): string {
  const because = code === "" ? "" : ` (${code})`;
  switch (network) {
    case "refused":
      return `nothing listens at ${origin}${because}: start the store or set AWS_ENDPOINT_URL`;
    case "dns":
      return `the host of ${origin} is not known${because}: check the endpoint and the region in it`;
    case "timeout":
      return `${origin} did not answer in time${because}`;
    case "tls":
      return `no trusted connection to ${origin}${because}: check that it speaks https, and its certificate (AWS_CA_BUNDLE)`;
    case "reset":
      return `the connection to ${origin} broke${because}`;
    case "truncated":
      return `the body ended early${because}`;
    case "protocol":
      return `what was exchanged with ${origin} is not S3's protocol${because}: check that the endpoint is an S3 API`;
    case "aborted":
      return "the call was cancelled";
  }
}
