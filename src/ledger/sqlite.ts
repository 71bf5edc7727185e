/**
 * The embedded ledger: the Ledger port over one SQLite file.
 *
 * Nothing of the record is kept in memory, so several processes may share the file, and what a restart finds is all
 * there is. What the tables look like and which index serves what is told in `sqlite/schema.ts`.
 */
import { assert } from "../core/assert.ts";
import type { VersionRef } from "../core/model.ts";
import { Callbacks } from "./callbacks.ts";
import { type Connection, type Database, DatabaseError, openDatabase } from "./database.ts";
import type {
  Claim,
  ClaimRequest,
  Completion,
  Count,
  FailedAttempt,
  JobChange,
  JobRow,
  JobState,
  KnownReplica,
  Ledger,
  NewJob,
  NewTask,
  RedriveAs,
  ReplicaRange,
  Selection,
  Standing,
  Stream,
  TaskPage,
  TaskRow,
} from "./ledger.ts";
import {
  claimTasks,
  completing,
  type Ending,
  endLeases,
  expireLeases,
  failing,
  noteTask,
  releaseLeases,
  renewLeases,
} from "./sqlite/claims.ts";
import { countsOf } from "./sqlite/counts.ts";
import { hurryTasks, isAnyDue, nextDueAtMs, standingOf } from "./sqlite/due.ts";
import { Groups } from "./sqlite/groups.ts";
import { addJob, changeJob, jobOf, jobsOf } from "./sqlite/jobs.ts";
import { checkpointOf, checkpointsOf, holdName, letGoOfName, setCheckpoint } from "./sqlite/named.ts";
import { rememberReplicas, replicaOf, replicasBetween } from "./sqlite/replicas.ts";
import { APPLICATION_ID, MIGRATIONS } from "./sqlite/schema.ts";
import { pageOf, rowsOfVersion } from "./sqlite/selection.ts";
import { overdueIn, talliesIn } from "./sqlite/tallies.ts";
import { addTasks, discardTask, nextPosition, redriveTask, reparkTask } from "./sqlite/tasks.ts";
import type { OverdueCount, Tallies } from "./tallies.ts";
import { freshGroupOf, type Group } from "./task-group.ts";

export interface SqliteLedgerOptions {
  /** A file, or ":memory:". */
  readonly path: string;
  /** When to commit an open transaction; default `setImmediate`. */
  readonly schedule?: (commit: () => void) => void;
}

/** How long a commit waits for others under load: a task comes in, is leased and ended, and no user waits for the last. */
const PAUSE_MS_MAX = 16;

/** Rows that one transaction changes at most: long ones hold up everybody else, and the process with them. */
const ROWS_PER_WRITE = 500;

const CLAIM_LIMIT_MAX = 1000;

/** @throws DatabaseError when the file cannot be opened, is of a newer version, or is no ledger */
export function openSqliteLedger(options: SqliteLedgerOptions): Ledger {
  return new SqliteLedger(
    openDatabase({ ...options, pauseMsMax: PAUSE_MS_MAX, applicationId: APPLICATION_ID, migrations: MIGRATIONS }),
  );
}

/** Leases that end in one transaction. */
interface Batch {
  readonly endings: Ending[];
  readonly held: Promise<readonly boolean[]>;
}

class SqliteLedger implements Ledger {
  readonly #database: Database;
  readonly #groups: Groups;
  /** Called by this process's own changes only: others on the same file tell nobody. */
  readonly #callbacks = new Callbacks();
  /** Endings that wait for the next commit. */
  #batch: Batch | undefined;

  constructor(database: Database) {
    this.#database = database;
    this.#groups = new Groups(database);
  }

  async add(tasks: readonly NewTask[]): Promise<{ readonly added: number }> {
    let added = 0;
    for (let from = 0; from < tasks.length; from += ROWS_PER_WRITE) {
      const some = tasks.slice(from, from + ROWS_PER_WRITE);
      await this.#groups.ensure(some.map(freshGroupOf));
      const adding = this.#database.write((connection) => addTasks(connection, this.#groups, some));
      // Before it is durable: whoever claims it at once does so in the same transaction.
      this.#callbacks.callSoon();
      added += await adding;
    }
    return { added };
  }

  async claim(request: ClaimRequest): Promise<readonly Claim[]> {
    assert(request.limit >= 1 && request.limit <= CLAIM_LIMIT_MAX, `a claim of ${request.limit}`);
    if (!this.#database.look((connection) => isAnyDue(connection, this.#groups, request))) return [];
    return await this.#database.write((connection) => claimTasks(connection, this.#groups, request));
  }

  async renew(claims: readonly Claim[], leaseUntilMs: number): Promise<{ readonly lost: readonly number[] }> {
    return { lost: await this.#database.write((connection) => renewLeases(connection, claims, leaseUntilMs)) };
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.#database.write((connection) => releaseLeases(connection, this.#groups, claims));
    this.#callbacks.callSoon();
  }

  async expireLeases(worker: string): Promise<void> {
    await this.#database.write((connection) => expireLeases(connection, worker));
    this.#callbacks.callSoon();
  }

  async complete(claim: Claim, done: Completion): Promise<boolean> {
    return await this.#end(completing(this.#groups, claim, done));
  }

  async retryLater(claim: Claim, attempt: FailedAttempt, nextTryAtMs: number): Promise<boolean> {
    const to: Group = { ...freshGroupOf(claim.task), failureCode: attempt.failure.code };
    // The group that `repark` takes it to, too.
    await this.#groups.ensure(claim.task.redrives > 0 ? [to, { ...to, parked: true }] : [to]);
    return await this.#end(failing(claim, { attempt, group: this.#groups.stored(to), nextTryAtMs }));
  }

  async park(claim: Claim, attempt: FailedAttempt): Promise<boolean> {
    const to: Group = { ...freshGroupOf(claim.task), failureCode: attempt.failure.code, parked: true };
    // The group that a redrive takes it to, too.
    await this.#groups.ensure([to, { ...to, parked: false }]);
    return await this.#end(failing(claim, { attempt, group: this.#groups.stored(to) }));
  }

  async note(claim: Claim, text: string | undefined): Promise<boolean> {
    return await this.#database.write((connection) => noteTask(connection, claim, text));
  }

  async redrive(selection: Selection, nowMs: number, as: RedriveAs = {}): Promise<{ readonly redriven: number }> {
    if (selection.state !== undefined && selection.state !== "parked") return { redriven: 0 };
    const position = await this.#database.write(nextPosition);
    const redriven = await this.#forEach({ ...selection, state: "parked" }, (connection, task) => {
      redriveTask(connection, this.#groups, task, { position, nowMs, as });
    });
    return { redriven };
  }

  async hurry(stream: Stream, nowMs: number): Promise<{ readonly hurried: number }> {
    let hurried = 0;
    let some: number;
    do {
      some = await this.#database.write((connection) =>
        hurryTasks(connection, this.#groups, { stream, nowMs, count: ROWS_PER_WRITE }),
      );
      hurried += some;
      if (some > 0) this.#callbacks.callSoon();
    } while (some === ROWS_PER_WRITE);
    return { hurried };
  }

  async repark(selection: Selection): Promise<{ readonly reparked: number }> {
    if (selection.state !== undefined && selection.state !== "waiting") return { reparked: 0 };
    let reparked = 0;
    await this.#forEach({ ...selection, state: "waiting" }, (connection, task) => {
      if (reparkTask(connection, this.#groups, task)) reparked += 1;
    });
    return { reparked };
  }

  async discard(selection: Selection): Promise<{ readonly discarded: number }> {
    let discarded = 0;
    for (const state of ["waiting", "parked"] as const) {
      if (selection.state !== undefined && selection.state !== state) continue;
      discarded += await this.#forEach({ ...selection, state }, (connection, task) => {
        discardTask(connection, this.#groups, task);
      });
    }
    return { discarded };
  }

  async list(selection: Selection, page: { readonly after?: string; readonly limit: number }): Promise<TaskPage> {
    return this.#database.snapshot((connection) => pageOf(connection, this.#groups, { selection, ...page }));
  }

  async ofVersions(versions: readonly VersionRef[]): Promise<readonly (readonly TaskRow[])[]> {
    const [only, ...others] = versions;
    // One statement is a snapshot by itself.
    if (only !== undefined && others.length === 0) return [rowsOfVersion(this.#database.committed, this.#groups, only)];
    return this.#database.snapshot((connection) =>
      versions.map((version) => rowsOfVersion(connection, this.#groups, version)),
    );
  }

  async counts(bucket?: string): Promise<readonly Count[]> {
    return this.#database.snapshot((connection) => countsOf(connection, bucket));
  }

  async tallies(bucket?: string): Promise<Tallies> {
    return talliesIn(this.#database.committed, bucket);
  }

  async overdue(writtenBeforeMs: number): Promise<readonly OverdueCount[]> {
    return overdueIn(this.#database.committed, writtenBeforeMs);
  }

  async nextDueAtMs(
    request: Pick<ClaimRequest, "sizeAtMostBytes" | "sizeOverBytes" | "limits"> = {},
  ): Promise<number | undefined> {
    return this.#database.snapshot((connection) => nextDueAtMs(connection, this.#groups, request));
  }

  async standing(id: number, nowMs: number): Promise<Standing | undefined> {
    return this.#database.snapshot((connection) => standingOf(connection, id, nowMs));
  }

  onDue(callback: () => void): () => void {
    return this.#callbacks.add(callback);
  }

  async replicaOf(version: VersionRef, destinationArn: string): Promise<string | undefined> {
    return replicaOf(this.#database.committed, this.#groups, version, destinationArn);
  }

  async replicasBetween(range: ReplicaRange): Promise<readonly KnownReplica[]> {
    return replicasBetween(this.#database.committed, this.#groups, range);
  }

  async rememberReplicas(replicas: readonly KnownReplica[]): Promise<void> {
    for (let from = 0; from < replicas.length; from += ROWS_PER_WRITE) {
      const some = replicas.slice(from, from + ROWS_PER_WRITE);
      await this.#database.write((connection) => rememberReplicas(connection, some));
    }
  }

  async addJob(job: NewJob): Promise<void> {
    await this.#database.write((connection) => addJob(connection, job));
  }

  async job(id: string): Promise<JobRow | undefined> {
    return jobOf(this.#database.committed, id);
  }

  async jobs(): Promise<readonly JobRow[]> {
    return jobsOf(this.#database.committed);
  }

  async changeJob(id: string, change: JobChange, when?: JobState): Promise<boolean> {
    return await this.#database.write((connection) => changeJob(connection, id, { change, when }));
  }

  async checkpoint(name: string): Promise<string | undefined> {
    return checkpointOf(this.#database.committed, name);
  }

  async setCheckpoint(name: string, value: string | undefined): Promise<void> {
    await this.#database.write((connection) => setCheckpoint(connection, name, value));
  }

  async checkpoints(prefix: string): Promise<readonly { readonly name: string; readonly value: string }[]> {
    return checkpointsOf(this.#database.committed, prefix);
  }

  async hold(
    name: string,
    holder: string,
    until: { readonly nowMs: number; readonly untilMs: number },
  ): Promise<boolean> {
    return await this.#database.write((connection) => holdName(connection, { name, holder, ...until }));
  }

  async letGo(name: string, holder: string): Promise<void> {
    await this.#database.write((connection) => letGoOfName(connection, name, holder));
  }

  async close(): Promise<void> {
    this.#callbacks.clear();
    await this.#database.close();
  }

  /** Ends a lease together with others that end meanwhile; the next row of its lane may be due. */
  async #end(ending: Ending): Promise<boolean> {
    this.#batch ??= this.#startBatch();
    const batch = this.#batch;
    const place = batch.endings.push(ending) - 1;
    let isHeld: boolean | undefined;
    try {
      isHeld = (await batch.held)[place];
    } catch (error) {
      if (error instanceof DatabaseError) throw error;
      // A bug in one of them is no reason not to end the others.
      [isHeld] = await this.#database.write((connection) => endLeases(connection, [ending]));
    }
    assert(isHeld !== undefined, "each ending has its answer");
    if (isHeld) this.#callbacks.callSoon();
    return isHeld;
  }

  #startBatch(): Batch {
    const endings: Ending[] = [];
    const held = this.#database.writeLate((connection) => {
      this.#batch = undefined;
      return endLeases(connection, endings);
    });
    // What becomes of it is asked by those who are in it.
    held.catch(() => {
      this.#batch = undefined;
    });
    return { endings, held };
  }

  /** Changes the rows of a selection page by page, each page in a transaction of its own. */
  async #forEach(selection: Selection, change: (connection: Connection, task: TaskRow) => void): Promise<number> {
    let count = 0;
    let after: string | undefined;
    do {
      const page = await this.#database.write((connection) => {
        const some = pageOf(connection, this.#groups, { selection, after, limit: ROWS_PER_WRITE });
        for (const task of some.tasks) change(connection, task);
        return some;
      });
      count += page.tasks.length;
      if (page.tasks.length > 0) this.#callbacks.callSoon();
      after = page.next;
    } while (after !== undefined);
    return count;
  }
}
