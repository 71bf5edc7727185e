/** What `lockstep logs --json` says. Fields are added, never renamed. */

import type { FailureCode } from "../failures/catalogue.ts";
import type { FailureClass } from "../failures/entry.ts";
import type { DenyingPolicy } from "./denial-text.ts";
import type { Onset } from "./onset.ts";

export interface LogReport {
  readonly read: LogsRead;
  /** Failures of replication, the most frequent first. */
  readonly causes: readonly LogCause[];
  /** Failures of calls that are not replication's, likewise. They are no findings. */
  readonly others: readonly OtherFailure[];
  /** What was counted and is in no list, for there were too many kinds. */
  readonly leftOut: { readonly failures: number; readonly others: number; readonly changes: number };
}

export interface LogsRead {
  /** Lines of access logs. */
  readonly lines: number;
  /** Records of CloudTrail. */
  readonly records: number;
  /** Calls of replication among them, and how many of those failed. */
  readonly replicationCalls: number;
  readonly replicationFailures: number;
  /** The same failed call told a second time: redelivered, told to two accounts, or in both kinds of logs. */
  readonly duplicates: number;
  /** Outside of the time or bucket that was asked for. */
  readonly outside: number;
  /** Lines and records that could not be understood, and some of them. */
  readonly bad: number;
  readonly badSamples: readonly { readonly in: string; readonly text: string }[];
}

export interface LogCause {
  /** The same for the same cause on every run. */
  readonly id: string;
  readonly code: FailureCode;
  readonly class: FailureClass;
  readonly title: string;
  readonly errorCode?: string;
  readonly httpStatus?: number;
  /** The API call. */
  readonly operation: string;
  /** What had to be allowed: told by the message, else that of the call. */
  readonly action?: string;
  /** What it had to be allowed on: one thing, or all that is alike. */
  readonly resource?: string;
  readonly principal: string;
  readonly bucket?: string;
  /** As the message tells it. */
  readonly policy?: DenyingPolicy;
  /** The reason in the store's words. */
  readonly reason?: string;
  /** proven: the answer says what was missing. */
  readonly confidence: "proven" | "likely";
  readonly count: number;
  /** ISO 8601 */
  readonly first: string;
  readonly last: string;
  readonly samples: readonly LogSample[];
  readonly onset: Onset;
  readonly remedy: string;
}

export interface LogSample {
  readonly at: string;
  readonly key?: string;
  readonly versionId?: string;
  readonly requestId: string;
}

export interface OtherFailure {
  readonly bucket: string;
  readonly operation: string;
  readonly errorCode?: string;
  readonly httpStatus?: number;
  readonly count: number;
  readonly first: string;
  readonly last: string;
}
