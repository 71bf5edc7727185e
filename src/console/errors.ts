/** From whatever a handler threw to the status and the words that are answered. */
import { z } from "zod";
import { AwsError } from "../aws/errors.ts";
import { DatabaseError } from "../ledger/database-error.ts";
import { S3Error } from "../s3/errors.ts";

export type RefusalStatus = 400 | 401 | 403 | 404 | 409 | 413 | 429 | 500 | 503;

/** A call that is not done, with the status of its kind. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: RefusalStatus;
  /** Further members of the answer. */
  readonly more: Readonly<Record<string, unknown>>;

  constructor(status: RefusalStatus, message: string, more: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.more = more;
  }
}

export interface Refusal {
  readonly status: RefusalStatus;
  readonly body: { readonly error: string };
  /** It is a fault of ours. */
  readonly isFault: boolean;
}

export function refusalOf(error: unknown): Refusal {
  const status = statusOf(error);
  return {
    status,
    body: { error: wordsOf(error), ...(error instanceof ApiError ? error.more : {}) },
    isFault: status === 500,
  };
}

/** What is told of an error, to a person. */
export function wordsOf(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error);
  if (error instanceof SyntaxError) return "the body is not JSON";
  if (error instanceof DatabaseError) {
    return `the ledger cannot be reached: ${error.message}; what is PENDING waits until it is back`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Errors of `cli`, which this room does not know, are told by their names. */
function statusOf(error: unknown): RefusalStatus {
  if (error instanceof ApiError) return error.status;
  if (error instanceof z.ZodError || error instanceof RangeError || error instanceof SyntaxError) return 400;
  if (error instanceof DatabaseError) return 503;
  if (error instanceof S3Error || error instanceof AwsError) return error.status === 404 ? 404 : 503;
  switch (error instanceof Error ? error.name : "") {
    case "UsageError":
      return 400;
    case "RefusedError":
    case "ChangedError":
      return 409;
    case "AccessError":
    case "ApplyError":
    case "CredentialsProviderError":
      return 503;
    default:
      return 500;
  }
}
