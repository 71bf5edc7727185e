/**
 * The Ledger port: the durable record of replication work that is not done.
 *
 * One row is one task: one version × one destination × one operation. A row is
 * - *waiting*: due at `nextTryAtMs`, held by nobody;
 * - *leased*: held by one worker until `leaseUntilMs`; a lease that runs out makes the row waiting again;
 * - *parked*: FAILED with a permanent failure; only `redrive` makes it waiting again.
 * `complete` removes the row and adds to the counters. Nothing else removes a row but `discard`.
 *
 * Lanes: rows with the same bucket, key and destination form a lane in the order in which they were added. Only the
 * oldest row of a lane that is not parked can be leased, so work on one key is serial over every way in, and a row that
 * waits for its next try holds back only the rows behind it. Parked rows hold back nothing.
 *
 * Every promise resolves after its effect is durable. Every method may be called by several workers at once.
 * Implementations pass `test/conformance/ledger.ts`.
 */
import type { Operation, VersionRef } from "../core/model.ts";

export interface Ledger {
  /**
   * Adds tasks that are not there yet. A task with the same version, destination and operation that waits or is leased
   * is left as it is; a parked one is left parked. Idempotent.
   *
   * A `tags`, `acl`, `retention` or `legalHold` task that is leased may already have read the source; adding it again
   * then adds a row behind it.
   */
  add(tasks: readonly NewTask[]): Promise<{ readonly added: number }>;

  /** Leases up to `limit` due tasks to `worker`, the longest due first within a priority, one per lane at most. */
  claim(request: ClaimRequest): Promise<readonly Claim[]>;

  /** Extends leases; returns the ids of those that are lost (run out and taken by somebody else, or discarded). */
  renew(claims: readonly Claim[], leaseUntilMs: number): Promise<{ readonly lost: readonly number[] }>;

  /** Gives leases back unused; the tasks are due as before and no attempt is counted. */
  release(claims: readonly Claim[]): Promise<void>;

  /** Removes a done task and counts it. False when the lease was lost: then nothing is changed. */
  complete(claim: Claim, done: Completion): Promise<boolean>;

  /** Ends an attempt that failed for now. The row waits until `nextTryAtMs`. False when the lease was lost. */
  retryLater(claim: Claim, attempt: FailedAttempt, nextTryAtMs: number): Promise<boolean>;

  /** Ends an attempt that failed for good. The row is parked. False when the lease was lost. */
  park(claim: Claim, attempt: FailedAttempt): Promise<boolean>;

  /** Makes parked tasks waiting again, at the end of their lanes, tries counted anew. Returns how many. */
  redrive(selection: Selection, nowMs: number, origin?: TaskOrigin): Promise<{ readonly redriven: number }>;

  /** Drops tasks that nobody holds, uncounted. */
  discard(selection: Selection): Promise<{ readonly discarded: number }>;

  /** One page, ordered by id; costs O(page). */
  list(selection: Selection, page: { readonly afterId?: number; readonly limit: number }): Promise<readonly TaskRow[]>;

  /** All rows of these versions, grouped by version in the order asked. */
  ofVersions(versions: readonly VersionRef[]): Promise<readonly (readonly TaskRow[])[]>;

  /** Exact counts of a bucket, or of all: views of the rows and counters, the same after any restart. */
  counts(bucket?: string): Promise<readonly Count[]>;

  /** When the earliest waiting task is due; undefined when none waits. */
  nextDueAtMs(): Promise<number | undefined>;

  /** The destination's version id of a replicated version, where the destination mints its own. */
  replicaOf(version: VersionRef, destinationArn: string): Promise<string | undefined>;

  /** Small durable values by name: positions of feeds and scans. */
  checkpoint(name: string): Promise<string | undefined>;
  setCheckpoint(name: string, value: string): Promise<void>;

  close(): Promise<void>;
}

export type TaskState = "waiting" | "leased" | "parked";

/** Where a task came from: `live` work goes before `resync` and `scan`. */
export type TaskOrigin = "live" | "resync" | "scan";

export interface NewTask {
  readonly version: VersionRef;
  readonly operation: Operation;
  readonly destinationArn: string;
  readonly ruleId: string;
  readonly origin: TaskOrigin;
  readonly sizeBytes: number;
  /** When the source was written: replication lag is counted from here. */
  readonly writtenAtMs: number;
  /** When the task may start. */
  readonly dueAtMs: number;
}

export interface ClaimRequest {
  readonly worker: string;
  readonly limit: number;
  readonly nowMs: number;
  readonly leaseUntilMs: number;
  /** Only tasks of at most or of more than so many bytes: lanes for small and for large objects. */
  readonly sizeAtMostBytes?: number;
  readonly sizeOverBytes?: number;
}

/** A leased task. The fence grows with every lease of a row, so a worker that lost its lease is recognised. */
export interface Claim {
  readonly task: TaskRow;
  readonly fence: number;
}

export interface TaskRow extends NewTask {
  /** Grows in the order of adding. */
  readonly id: number;
  readonly state: TaskState;
  readonly nextTryAtMs: number;
  readonly attempts: number;
  readonly firstAttemptAtMs?: number;
  readonly lastAttemptAtMs?: number;
  readonly failure?: TaskFailure;
}

/** Why the last attempt failed: the catalogue's code, and the raw answer kept as it came. */
export interface TaskFailure {
  /** Code of the failure catalogue. */
  readonly code: string;
  /** Name of the plan's step that failed. */
  readonly step: string;
  readonly httpStatus?: number;
  readonly errorCode?: string;
  readonly message: string;
  readonly sourceRequestId?: string;
  readonly destinationRequestId?: string;
}

export interface FailedAttempt {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly failure: TaskFailure;
}

export interface Completion {
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Bytes that were sent. */
  readonly bytes: number;
  /** Only when it differs from the source's version id. */
  readonly replicaVersionId?: string;
}

/** All given conditions must hold; an empty selection is every row. */
export interface Selection {
  readonly bucket?: string;
  readonly prefix?: string;
  readonly key?: string;
  readonly versionId?: string;
  readonly state?: TaskState;
  readonly ruleId?: string;
  readonly destinationArn?: string;
  readonly operation?: Operation;
  /** Codes of the last failure; a row must have one of them. */
  readonly failureCodes?: readonly string[];
  readonly ids?: readonly number[];
}

/** How many tasks of one kind there are, or were completed. */
export interface Count {
  readonly bucket: string;
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly operation: Operation;
  readonly state: TaskState | "completed";
  /** For waiting rows that were tried and for parked rows. */
  readonly failureCode?: string;
  readonly tasks: number;
  readonly bytes: number;
  /** `writtenAtMs` of the oldest; not for completed ones. */
  readonly oldestWrittenAtMs?: number;
}
