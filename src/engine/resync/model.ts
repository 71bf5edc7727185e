/** What a resync is asked for, how far it has come, and how both are kept in the row of its job. */
import type { JobRow, JobState, NewTask } from "../../ledger/ledger.ts";
import type { UntriedCursor } from "../untried.ts";

export interface ResyncRequest {
  readonly bucket: string;
  /** Tasks that are FAILED; all of them, or only those with one of the codes. */
  readonly failed: boolean;
  readonly failureCodes?: readonly string[];
  /** Versions that were never tried and that a rule takes now. */
  readonly untried: boolean;
  /** Versions that show one of these, and are not at a destination that a rule names now. Default: none. */
  readonly arrived?: readonly ("COMPLETED" | "REPLICA")[];
  /** Of versions that have arrived, tags, retention and holds that the replica has otherwise. `arrived` says of which. */
  readonly metadata?: boolean;
  readonly prefix?: string;
  /** FAILED ones that failed last at this time or later; others that were written then. */
  readonly sinceMs?: number;
  /** Likewise, before this time. */
  readonly untilMs?: number;
  /** Counts, and changes nothing. */
  readonly dryRun: boolean;
  /** So many tasks go first, and the others only when all of these are COMPLETED. */
  readonly canary?: number;
  /** At most so many tasks. */
  readonly limit?: number;
}

/** How far a job is. Numbers are of tasks: a version with two destinations has two. */
export interface ResyncProgress {
  readonly id: string;
  readonly kind: typeof RESYNC_KIND;
  readonly bucket: string;
  readonly state: JobState;
  /** What it is at while it runs: its canary, the listing of what there is, or the end of what was listed. */
  readonly stage: "canary" | "listing" | "finishing";
  readonly request: ResyncRequest;
  readonly dryRun: boolean;
  readonly createdAtMs: number;
  readonly endedAtMs?: number;
  readonly foundFailed: number;
  readonly foundUntried: number;
  /** Versions that were passed over, because the bucket's account may not read them. */
  readonly unreadable: number;
  readonly bytes: number;
  readonly completed: number;
  readonly failed: number;
  /** Tasks that are under way. */
  readonly open: number;
  /** Tasks of versions that were removed at the source for good: there is nothing to replicate, they are forgotten. */
  readonly gone: number;
  /** Why it is broken, or what it waits for. */
  readonly error?: string;
}

export const RESYNC_KIND = "resync";

/** Names of the counts in the job's row. */
export const COUNTS = ["foundFailed", "foundUntried", "unreadable", "bytes", "gone"] as const;
export type Counts = Partial<Record<(typeof COUNTS)[number], number>>;

/**
 * How far the walk has come: everything before the cursor has been dealt with.
 *
 * A page is counted and its position kept before it is fed, and the position goes on when it has been fed. So after a
 * crash the page is walked once more, and what `pending` says of it has been counted already.
 */
export interface Position {
  readonly walk: Cursor;
  /** The canary was COMPLETED as a whole. */
  readonly canaryPassed?: true;
  readonly pending?: Pending;
}

export type Cursor =
  | { readonly of: "failed"; readonly after?: string }
  | { readonly of: "untried"; readonly from?: UntriedCursor }
  | { readonly of: "nothing" };

/** A page that is counted, and may have been fed in part. */
export interface Pending {
  readonly tasks: number;
  readonly unreadable: number;
  readonly gone: number;
  /** Tasks that take the place of FAILED ones whose rule is gone: until they are added nobody else knows of them. */
  readonly renewed?: readonly NewTask[];
}

/** Where a walk begins. */
export function startOf(request: ResyncRequest): Cursor {
  if (request.failed) return { of: "failed" };
  return isUntriedAsked(request) ? { of: "untried" } : { of: "nothing" };
}

/** Whether the bucket itself is walked. */
export function isUntriedAsked({ untried, arrived = [] }: ResyncRequest): boolean {
  return untried || arrived.length > 0;
}

export function requestOf(job: JobRow): ResyncRequest {
  return JSON.parse(job.request) as ResyncRequest;
}

export function positionOf(job: JobRow): Position {
  return job.position === undefined ? { walk: startOf(requestOf(job)) } : (JSON.parse(job.position) as Position);
}

/** Tasks that the job has fed, whatever has become of them; those that no rule wanted any more are not among them. */
export function fedOf({ open, completed, failed }: JobRow): number {
  return open + completed + failed;
}

export function foundOf({ counts }: JobRow): number {
  return (counts["foundFailed"] ?? 0) + (counts["foundUntried"] ?? 0);
}

export function progressOf(job: JobRow): ResyncProgress {
  const request = requestOf(job);
  const { walk, canaryPassed } = positionOf(job);
  const isCanary = request.canary !== undefined && !request.dryRun && canaryPassed !== true;
  const { id, bucket, state, createdAtMs, endedAtMs, open, completed, failed, counts, error } = job;
  const counted = (name: (typeof COUNTS)[number]) => counts[name] ?? 0;
  return {
    id,
    kind: RESYNC_KIND,
    bucket,
    state,
    stage: isCanary ? "canary" : walk.of === "nothing" ? "finishing" : "listing",
    request,
    dryRun: request.dryRun,
    createdAtMs,
    ...(endedAtMs === undefined ? {} : { endedAtMs }),
    foundFailed: counted("foundFailed"),
    foundUntried: counted("foundUntried"),
    unreadable: counted("unreadable"),
    bytes: counted("bytes"),
    completed,
    failed,
    open,
    gone: counted("gone"),
    ...(error === undefined || error === "" ? {} : { error }),
  };
}
