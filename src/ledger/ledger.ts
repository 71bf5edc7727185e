/**
 * The Ledger port: the durable record of replication work that is not done.
 *
 * One row is one task: one version × one destination × one operation. A row is
 * - *waiting*: due at `nextTryAtMs`, held by nobody;
 * - *leased*: held by one worker, in whose hands it stays until it ends the lease or, from `untilMs` on, another
 *   `claim` takes the row. Nobody watches the clock in between: a lease that has run out is listed and counted as
 *   leased, may still be renewed, and its worker may still end it;
 * - *parked*: FAILED with a permanent failure; only `redrive` makes it waiting again.
 * `complete` removes the row and adds to the counters. Nothing else removes a row but `discard`.
 *
 * Lanes: rows with the same bucket, key and destination form a lane in the order in which they were added. Only the
 * oldest row of a lane that is not parked can be leased, so work on one key is serial over every way in, and a row that
 * waits for its next try holds back only the rows behind it. Parked rows hold back nothing. A lane is as urgent as the
 * most urgent origin in it, so that live work never waits behind the backlog of a scan.
 *
 * Every promise resolves after its effect is durable, and rejects only when the record itself cannot be read or
 * written (a DatabaseError) or for a bug of the caller. Every method may be called by several workers at once, in
 * several processes. Keys are any Unicode text up to 1024 bytes of UTF-8, and compare by those bytes.
 * Implementations pass `test/conformance/ledger.ts`.
 */
import type { Operation, VersionRef } from "../core/model.ts";
import type { OverdueCount, Tallies } from "./tallies.ts";

export interface Ledger {
  /**
   * Adds tasks that are not there yet, in the order given. A task with the same version, destination and operation
   * that waits or is leased is left as it is, but takes the more urgent origin of the two; a parked one is left
   * parked: what failed for good is tried again when somebody asks for it, not when a scan meets it once more.
   * Idempotent.
   *
   * A `tags`, `acl`, `retention` or `legalHold` task that is leased may already have read the source; adding it again
   * then adds a row behind it, one at most.
   *
   * Many tasks are added in several durable steps. After a crash add them all again.
   */
  add(tasks: readonly NewTask[]): Promise<{ readonly added: number }>;

  /**
   * Leases up to `limit` tasks to `worker`, one per lane at most: those that are due and those whose lease has run
   * out. Tasks of `live` lanes come before those of `resync`, these before those of `scan`. Among those of one origin the
   * streams take turns: next comes a task of the stream of which the fewest are `held` or were taken by this claim, of
   * several such streams the one whose task is the longest due; and of one stream the longest due task. So a stream with
   * a long backlog holds up no other. A claim costs no more for rows of streams that are left out; it looks once at
   * each stream that has rows.
   *
   * A lease that ran out is an attempt that nobody ended; it is counted in `attempts`, so that a task that kills
   * its worker is seen.
   */
  claim(request: ClaimRequest): Promise<readonly Claim[]>;

  /** Extends leases; returns the ids of those that are lost: ended, or run out and taken by somebody else. */
  renew(claims: readonly Claim[], leaseUntilMs: number): Promise<{ readonly lost: readonly number[] }>;

  /** Gives leases back unused; the tasks are due as before and no attempt is counted. Lost ones are passed over. */
  release(claims: readonly Claim[]): Promise<void>;

  /**
   * Ends every lease of a worker that is known to be dead, as if its time had run out. The caller vouches for that: a
   * worker of this name that lives loses its tasks to the next `claim`.
   */
  expireLeases(worker: string): Promise<void>;

  /** Removes a done task and counts it. False when the lease was lost: then nothing is changed. */
  complete(claim: Claim, done: Completion): Promise<boolean>;

  /**
   * Keeps a small text with a leased task, for whoever tries it next: how far a long try has come. It goes when the task
   * is completed or parked; undefined removes it. False when the lease was lost: then nothing is changed.
   */
  note(claim: Claim, text: string | undefined): Promise<boolean>;

  /** Ends an attempt that failed for now. The row waits until `nextTryAtMs`. False when the lease was lost. */
  retryLater(claim: Claim, attempt: FailedAttempt, nextTryAtMs: number): Promise<boolean>;

  /** Ends an attempt that failed for good. The row is parked. False when the lease was lost. */
  park(claim: Claim, attempt: FailedAttempt): Promise<boolean>;

  /**
   * Makes parked tasks waiting again, due at `nowMs`, at the end of their lanes in the order in which they were added.
   * Attempts are counted anew; the last failure stays readable. With `as` they are of that origin, and of that job, from
   * now on; without it of the job that they were of, which counts them among its open ones again.
   *
   * A large selection is worked off in several durable steps; work that comes in meanwhile is not held up, and each
   * row is redriven once at most. After a crash ask again.
   */
  redrive(selection: Selection, nowMs: number, as?: RedriveAs): Promise<{ readonly redriven: number }>;

  /**
   * Makes waiting tasks that were tried and were to be tried again later due at `nowMs`, because what held them up is over.
   * Tasks that were never tried keep their time. Attempts stay as they are counted. In several durable steps, as `redrive`.
   */
  hurry(stream: Stream, nowMs: number): Promise<{ readonly hurried: number }>;

  /**
   * Takes a redrive back: waiting tasks that were parked before are parked again, with the failure that they have, and
   * nothing is counted. Tasks that never were parked are left. In several durable steps, as `redrive`.
   */
  repark(selection: Selection): Promise<{ readonly reparked: number }>;

  /** Drops tasks that nobody holds, uncounted. In several durable steps, as `redrive`. */
  discard(selection: Selection): Promise<{ readonly discarded: number }>;

  /**
   * One page; costs O(page) for every selection. A row that matches while all pages are read is in one of them, once.
   *
   * `ids` come in the order of ids, rows of a `bucket` with a `key` or `prefix` in the order of keys, all others (those of
   * a job, too, and all that are leased) the oldest write first. Where no order of the record serves a selection, a page looks at a
   * limited number of rows, so it may hold fewer than `limit`, even none, and still have a next one.
   *
   * @param page `after` is the `next` of the page before, of the same selection (else a RangeError); `limit` is 1..1000
   */
  list(selection: Selection, page: { readonly after?: string; readonly limit: number }): Promise<TaskPage>;

  /** All rows of these versions, grouped by version in the order asked, within a version in the order of adding. */
  ofVersions(versions: readonly VersionRef[]): Promise<readonly (readonly TaskRow[])[]>;

  /** Exact counts of a bucket, or of all: views of the rows and counters, the same after any restart. */
  counts(bucket?: string): Promise<readonly Count[]>;

  /**
   * What has ended, of a bucket or of all, counted in the transactions that ended it, since the record is of a format that
   * counts it. Lag is of live tasks that brought a version or a delete marker, from `writtenAtMs` to the end of the
   * completion. Failures are tries that `retryLater` or `park` ended.
   */
  tallies(bucket?: string): Promise<Tallies>;

  /**
   * Live tasks that bring a version or a delete marker and are not completed, parked ones included, though they were
   * written before then. Of much that is overdue only the oldest is looked at, so that this ends.
   */
  overdue(writtenBeforeMs: number): Promise<readonly OverdueCount[]>;

  /**
   * When `claim` with these sizes may next have something to lease: the earliest due time of the first tasks of the
   * lanes, or the end of the first lease, but for streams with a limit of 0. Past when it has something now; undefined when
   * nothing is there to wait for.
   */
  nextDueAtMs(
    request?: Pick<ClaimRequest, "sizeAtMostBytes" | "sizeOverBytes" | "limits">,
  ): Promise<number | undefined>;

  /**
   * Where a waiting task stands: how many tasks of its lane go before it, and how many other lanes of its stream are due
   * now and go before its lane: more urgent, or as urgent and longer due. Counts end at 10,000, and cost as much as
   * they count. Undefined when it is not waiting.
   */
  standing(id: number, nowMs: number): Promise<Standing | undefined>;

  /**
   * Calls back, soon, when something may have become due earlier than `nextDueAtMs` said: added, given back, redriven,
   * or behind a task that was ended, by this process or another one that shares the record.
   *
   * A hint, so that nobody has to ask often: it may come without need, also before what it tells of is durable (a `claim`
   * sees it then), and while the record cannot be reached it does not come. Work that becomes due by the mere passing of time is not told.
   *
   * @returns what ends it
   */
  onDue(callback: () => void): () => void;

  /** The destination's version id of a replicated version, where the destination mints its own. */
  replicaOf(version: VersionRef, destinationArn: string): Promise<string | undefined>;

  /** All that `replicaOf` knows of one destination and the keys of a range, keys in order. For keys that stand together. */
  replicasBetween(range: ReplicaRange): Promise<readonly KnownReplica[]>;

  /** Remembers replicas that were found at the destination: the map grows again where it was lost. Idempotent. */
  rememberReplicas(replicas: readonly KnownReplica[]): Promise<void>;

  /**
   * Adds a job, running, and drops the oldest jobs that have ended beyond `JOBS_KEPT_MAX`. The tasks of a job are
   * ordinary ones that carry its id: whatever changes them counts for it in the same transaction. A waiting or leased task
   * that another job asks for again with `add` belongs to that one from then on; a parked one only when that job redrives
   * it. Tasks of a job that is not there are tasks like all others.
   *
   * A job of the same id is a bug of the caller.
   */
  addJob(job: NewJob): Promise<void>;
  job(id: string): Promise<JobRow | undefined>;
  /** The youngest first. */
  jobs(): Promise<readonly JobRow[]>;
  /**
   * Changes what is given, unless the job is in another state than `when` says. False when it was, or is not there: then
   * nothing is changed. Counts are added to what is there. Which state may follow which is the caller's to know.
   */
  changeJob(id: string, change: JobChange, when?: JobState): Promise<boolean>;

  /** Small durable values by name: positions of feeds and scans. */
  checkpoint(name: string): Promise<string | undefined>;
  /** Undefined removes it. */
  setCheckpoint(name: string, value: string | undefined): Promise<void>;
  /** Those whose names begin so, in the order of names; at most 10,000. */
  checkpoints(prefix: string): Promise<readonly { readonly name: string; readonly value: string }[]>;

  /**
   * Takes hold of a name, or sets anew until when: of several that share the record one holds it at a time. False when
   * somebody else holds it, until a moment after `nowMs`.
   */
  hold(name: string, holder: string, until: { readonly nowMs: number; readonly untilMs: number }): Promise<boolean>;
  /** Lets go, if it is the holder. */
  letGo(name: string, holder: string): Promise<void>;

  /** Later calls reject, and so may those that are still under way; none of their durable steps is half done. */
  close(): Promise<void>;
}

export type TaskState = "waiting" | "leased" | "parked";

/** Where a task came from, the most urgent first. */
export type TaskOrigin = "live" | "resync" | "scan";

/** All tasks of one bucket and one destination. */
export interface Stream {
  readonly bucket: string;
  readonly destinationArn: string;
}

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
  /** The job that asked for it. */
  readonly jobId?: string;
}

export interface RedriveAs {
  readonly origin?: TaskOrigin;
  readonly jobId?: string;
}

/**
 * Only tasks of at most or of more than so many bytes, so that large objects have workers of their own.
 *
 * Any bound works; `SIZE_CLASS_BYTES` are those whose cost does not grow with the rows on the other side of it.
 */
export interface SizeRange {
  readonly sizeAtMostBytes?: number;
  readonly sizeOverBytes?: number;
}

/** Upper ends of the size classes by which rows that are due are kept apart. */
export const SIZE_CLASS_BYTES = [2 ** 20, 16 * 2 ** 20, 128 * 2 ** 20] as const;

export interface ClaimRequest extends SizeRange {
  readonly worker: string;
  /** 1..1000 */
  readonly limit: number;
  readonly nowMs: number;
  readonly leaseUntilMs: number;
  /** Of streams that are not named here any number is taken. At most 1000 of them. */
  readonly limits?: readonly StreamLimit[];
}

/** How much of one stream a claim may take. */
export interface StreamLimit extends Stream {
  /** 0 when nothing of it is to be taken: paused, or its destination is not there. */
  readonly atMost: number;
  /** How many the worker has already: it stands so much further back when streams take turns. Default 0. */
  readonly held?: number;
}

/** A leased task. The fence grows with every lease of a row, so a worker that lost its lease is recognised. */
export interface Claim {
  readonly task: TaskRow;
  readonly fence: number;
}

export interface TaskRow extends NewTask {
  /** Grows in the order of adding, and is never used again. */
  readonly id: number;
  readonly state: TaskState;
  /** While it is leased. */
  readonly lease?: { readonly worker: string; readonly untilMs: number };
  /** `dueAtMs` until it is first tried. */
  readonly nextTryAtMs: number;
  /** Attempts that were ended by `retryLater` or `park`, or by a lease that ran out; since the last redrive. */
  readonly attempts: number;
  /** When the first of these attempts that ended in a failure began, and when the last one ended. */
  readonly firstAttemptAtMs?: number;
  readonly lastAttemptAtMs?: number;
  /** How often it was parked and redriven: one that fails again and again for the same reason is an incident. */
  readonly redrives: number;
  /** Kept by a redrive. */
  readonly failure?: TaskFailure;
  /** What `note` kept. */
  readonly note?: string;
}

export interface Standing {
  readonly inLane: number;
  readonly inStream: number;
}

/** Jobs that are remembered after they have ended. */
export const JOBS_KEPT_MAX = 100;

/** `running` and `paused` may turn into each other; the others are ends. */
export type JobState = "running" | "paused" | "done" | "cancelled" | "broken";

export interface NewJob {
  /** Unique for ever. */
  readonly id: string;
  readonly kind: string;
  readonly bucket: string;
  readonly createdAtMs: number;
  /** What was asked for, as its kind writes it. */
  readonly request: string;
}

export interface JobRow extends NewJob {
  readonly state: JobState;
  /** How far it has come, as its kind writes it. */
  readonly position?: string;
  /** Why it is broken. */
  readonly error?: string;
  readonly endedAtMs?: number;
  /** Tasks of it that are not done and not parked. */
  readonly open: number;
  /** Tasks of it that were completed, and that were parked, since it was added. */
  readonly completed: number;
  readonly failed: number;
  /** Counts that its kind keeps, by name. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface JobChange {
  readonly state?: JobState;
  readonly position?: string;
  readonly error?: string;
  readonly endedAtMs?: number;
  readonly counts?: Readonly<Record<string, number>>;
}

export interface TaskPage {
  readonly tasks: readonly TaskRow[];
  /** Where the next page begins; missing when there is none. */
  readonly next?: string;
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
  /** It is remembered, for good. Left out where the destination always has the source's own ids. */
  readonly replicaVersionId?: string;
}

/** A version, and its replica where the destination minted an id of its own. */
export interface KnownReplica {
  readonly version: VersionRef;
  readonly destinationArn: string;
  readonly replicaVersionId: string;
}

export interface ReplicaRange {
  readonly bucket: string;
  readonly destinationArn: string;
  /** Both included. */
  readonly fromKey: string;
  readonly toKey: string;
}

/** All given conditions must hold; an empty selection is every row. */
export interface Selection {
  readonly bucket?: string;
  /** A plain starts-with match of keys; no character of it is special. */
  readonly prefix?: string;
  readonly key?: string;
  readonly versionId?: string;
  readonly state?: TaskState;
  readonly ruleId?: string;
  readonly destinationArn?: string;
  readonly operation?: Operation;
  readonly jobId?: string;
  /** Codes of the last failure; a row must have one of them. */
  readonly failureCodes?: readonly string[];
  /** At most 10,000 of them. */
  readonly ids?: readonly number[];
}

/** How many tasks of one kind there are, or were completed. */
export interface Count {
  readonly bucket: string;
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly operation: Operation;
  readonly state: TaskState | "completed";
  /** Code of the last failure; rows that never failed, and completed ones, have none. */
  readonly failureCode?: string;
  readonly tasks: number;
  /** Of undone tasks the size of the objects, of completed ones the bytes that were sent. Exact up to 2^53. */
  readonly bytes: number;
  /** `writtenAtMs` of the oldest; not for completed ones. */
  readonly oldestWrittenAtMs?: number;
}
