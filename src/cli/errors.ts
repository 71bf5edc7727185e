/** From whatever was thrown to one clear line and the right exit status. */
import type { ExitStatus } from "./command.ts";

/** Something is wrong with what was typed, or with a file that it names. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Something cannot be reached, or may not be. */
export class AccessError extends Error {
  override readonly name = "AccessError";
}

/** What was asked for would do harm, and is not done. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

export interface Complaint {
  readonly status: ExitStatus;
  /** One line: what is wrong, with what, and what to do. */
  readonly line: string;
  /** For faults of our own. */
  readonly stack?: string;
}

/** Errors are told apart by name and typed fields, so that this file loads none of the rooms that throw them. */
export function complaintOf(error: unknown): Complaint {
  if (!(error instanceof Error)) return { status: 4, line: `unexpected: ${String(error)}` };
  const line = error.message.split("\n", 1)[0] ?? error.name;
  switch (error.name) {
    case "UsageError":
    case "EvidenceError":
    case "SnapshotError":
      return { status: 2, line };
    case "AccessError":
    case "S3Error":
    case "AwsError":
    case "ListenError":
    case "CredentialsProviderError":
      return { status: 3, line };
    case "ChangedError":
    case "RefusedError":
      return { status: 1, line };
    case "ApplyError":
      return { status: 3, line };
    case "DatabaseError":
      return { status: "reason" in error && error.reason === "io" ? 3 : 2, line };
    default:
      return { status: 4, line, ...(error.stack === undefined ? {} : { stack: error.stack }) };
  }
}
