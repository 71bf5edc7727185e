/**
 * The distributed ledger: the Ledger port over a PostgreSQL database that several machines share.
 *
 * Nothing of the record is kept in memory but numbers that never change. How machines keep out of each other's way is
 * told in `postgres/schema.ts`. Their clocks must agree within far less than a lease lasts: a lease ends by the clock of
 * whoever claims. A clock that is wrong costs work done twice, and never the record: fences decide who may end a task.
 */
import { assert } from "../core/assert.ts";
import type { VersionRef } from "../core/model.ts";
import { DatabaseError } from "./database-error.ts";
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
import { addTasks } from "./postgres/additions.ts";
import { Batches } from "./postgres/batches.ts";
import { countsOf } from "./postgres/counts.ts";
import { Groups } from "./postgres/groups.ts";
import { addJob, changeJob, jobOf, jobsOf } from "./postgres/jobs.ts";
import { claimTasks, type Ending, endLeases, nextDueAtMs, noteTask, renewLeases } from "./postgres/leases.ts";
import { Listener } from "./postgres/listener.ts";
import { checkpointOf, checkpointsOf, holdName, letGoOfName, setCheckpoint } from "./postgres/named.ts";
import { rememberReplicas, replicaOf, replicasBetween } from "./postgres/replicas.ts";
import { type FoundTask, listPage, pageOf, rowsOfVersions, type Source } from "./postgres/selection.ts";
import { type Parameter, Server } from "./postgres/server.ts";
import { hurryTasks, standingOf } from "./postgres/standing.ts";
import { overdueIn, talliesIn } from "./postgres/tallies.ts";
import type { Place } from "./postgres/url.ts";
import type { OverdueCount, Tallies } from "./tallies.ts";
import { freshGroupOf, type Group } from "./task-group.ts";
import { ORIGINS } from "./words.ts";

/** Rows that one transaction changes at most: it holds the locks of as many lanes. */
const ROWS_PER_WRITE = 500;
/** Calls that share one transaction at most; a call of `add` has up to ROWS_PER_WRITE rows. */
const ADDS_PER_WRITE = 8;

const REPLICAS_PER_CALL = 1000;
const CLAIM_LIMIT_MAX = 1000;

/** @throws DatabaseError when the database cannot be used, its schema is of a newer version, or it is no ledger's */
export async function openPostgresLedger(place: Place): Promise<Ledger> {
  return new PostgresLedger(await Server.open(place), place);
}

class PostgresLedger implements Ledger {
  readonly #server: Server;
  readonly #groups: Groups;
  readonly #source: Source;
  readonly #listener: Listener;
  readonly #label: string;
  readonly #additions: Batches<readonly NewTask[], number>;
  readonly #endings: Batches<Ending, boolean>;
  #isClosed = false;

  constructor(server: Server, place: Place) {
    this.#server = server;
    this.#groups = new Groups(server);
    this.#source = { server, groups: this.#groups };
    this.#listener = new Listener(place);
    this.#label = place.label;
    this.#additions = new Batches({
      work: (calls: readonly (readonly NewTask[])[]) => addTasks(server, this.#groups, calls),
      itemsMax: ADDS_PER_WRITE,
    });
    this.#endings = new Batches({
      work: (endings: readonly Ending[]) => endLeases(server, endings),
      itemsMax: ROWS_PER_WRITE,
      keyOf: (ending) => ending.id,
    });
  }

  async add(tasks: readonly NewTask[]): Promise<{ readonly added: number }> {
    this.#refuseWhenClosed();
    let added = 0;
    for (let from = 0; from < tasks.length; from += ROWS_PER_WRITE) {
      const some = tasks.slice(from, from + ROWS_PER_WRITE);
      await this.#groups.ensure(some.map(freshGroupOf));
      added += await this.#additions.push(some);
    }
    return { added };
  }

  async claim(request: ClaimRequest): Promise<readonly Claim[]> {
    this.#refuseWhenClosed();
    assert(request.limit >= 1 && request.limit <= CLAIM_LIMIT_MAX, `a claim of ${request.limit}`);
    return await claimTasks(this.#server, this.#groups, request);
  }

  async renew(claims: readonly Claim[], leaseUntilMs: number): Promise<{ readonly lost: readonly number[] }> {
    this.#refuseWhenClosed();
    return { lost: await renewLeases(this.#server, claims, leaseUntilMs) };
  }

  async release(claims: readonly Claim[]): Promise<void> {
    this.#refuseWhenClosed();
    await Promise.all(claims.map((claim) => this.#end(claim, { kind: "release" })));
  }

  async expireLeases(worker: string): Promise<void> {
    this.#refuseWhenClosed();
    await this.#server.query("SELECT expire_leases($1)", [worker]);
  }

  async complete(claim: Claim, done: Completion): Promise<boolean> {
    this.#refuseWhenClosed();
    const { replicaVersionId } = done;
    assert(replicaVersionId?.includes("\0") !== true, "a version id with U+0000: PostgreSQL has none");
    const group = freshGroupOf(claim.task);
    await this.#groups.ensure([group]);
    return await this.#end(claim, {
      kind: "complete",
      group_id: this.#groups.stored(group).id,
      bytes: done.bytes,
      ended_at_ms: done.endedAtMs,
      ...(replicaVersionId !== undefined && { replica_version_id: replicaVersionId }),
    });
  }

  async retryLater(claim: Claim, attempt: FailedAttempt, nextTryAtMs: number): Promise<boolean> {
    this.#refuseWhenClosed();
    const group: Group = { ...freshGroupOf(claim.task), failureCode: attempt.failure.code };
    // The group that `repark` takes it to, too.
    await this.#groups.ensure(claim.task.redrives > 0 ? [group, { ...group, parked: true }] : [group]);
    return await this.#fail(claim, attempt, group, { kind: "retryLater", next_try_at_ms: nextTryAtMs });
  }

  async park(claim: Claim, attempt: FailedAttempt): Promise<boolean> {
    this.#refuseWhenClosed();
    const group: Group = { ...freshGroupOf(claim.task), failureCode: attempt.failure.code, parked: true };
    // The group that a redrive takes it to, too.
    await this.#groups.ensure([group, { ...group, parked: false }]);
    return await this.#fail(claim, attempt, group, { kind: "park" });
  }

  async note(claim: Claim, text: string | undefined): Promise<boolean> {
    this.#refuseWhenClosed();
    return await noteTask(this.#server, claim, text);
  }

  async redrive(selection: Selection, nowMs: number, as: RedriveAs = {}): Promise<{ readonly redriven: number }> {
    this.#refuseWhenClosed();
    if (selection.state !== undefined && selection.state !== "parked") return { redriven: 0 };
    const [row] = await this.#server.query("UPDATE ledger SET redrives = redrives + 1 RETURNING redrives");
    const position = Number(row?.["redrives"]);
    const origin = as.origin === undefined ? null : ORIGINS.indexOf(as.origin);
    const to = [position, nowMs, origin, as.jobId ?? null];
    const redriven = await this.#forEach({ ...selection, state: "parked" }, (found) =>
      this.#change("SELECT redrive_tasks($1, $2, $3, $4, $5, $6) AS count", found, to),
    );
    return { redriven };
  }

  async hurry(stream: Stream, nowMs: number): Promise<{ readonly hurried: number }> {
    this.#refuseWhenClosed();
    let hurried = 0;
    let some: { readonly found: number; readonly hurried: number };
    do {
      some = await hurryTasks(this.#server, this.#groups, { stream, nowMs, count: ROWS_PER_WRITE });
      hurried += some.hurried;
    } while (some.found === ROWS_PER_WRITE);
    return { hurried };
  }

  async repark(selection: Selection): Promise<{ readonly reparked: number }> {
    this.#refuseWhenClosed();
    if (selection.state !== undefined && selection.state !== "waiting") return { reparked: 0 };
    const reparked = await this.#forEach({ ...selection, state: "waiting" }, (found) =>
      this.#change("SELECT repark_tasks($1, $2) AS count", found, []),
    );
    return { reparked };
  }

  async discard(selection: Selection): Promise<{ readonly discarded: number }> {
    this.#refuseWhenClosed();
    let discarded = 0;
    for (const state of ["waiting", "parked"] as const) {
      if (selection.state !== undefined && selection.state !== state) continue;
      discarded += await this.#forEach({ ...selection, state }, (found) =>
        this.#change("SELECT discard_tasks($1, $2) AS count", found, []),
      );
    }
    return { discarded };
  }

  async list(selection: Selection, page: { readonly after?: string; readonly limit: number }): Promise<TaskPage> {
    this.#refuseWhenClosed();
    return await listPage(this.#source, { selection, ...page });
  }

  async ofVersions(versions: readonly VersionRef[]): Promise<readonly (readonly TaskRow[])[]> {
    this.#refuseWhenClosed();
    return versions.length === 0 ? [] : await rowsOfVersions(this.#source, versions);
  }

  async counts(bucket?: string): Promise<readonly Count[]> {
    this.#refuseWhenClosed();
    return await countsOf(this.#server, bucket);
  }

  async tallies(bucket?: string): Promise<Tallies> {
    this.#refuseWhenClosed();
    return await talliesIn(this.#server, bucket);
  }

  async overdue(writtenBeforeMs: number): Promise<readonly OverdueCount[]> {
    this.#refuseWhenClosed();
    return await overdueIn(this.#server, writtenBeforeMs);
  }

  async nextDueAtMs(
    request: Pick<ClaimRequest, "sizeAtMostBytes" | "sizeOverBytes" | "limits"> = {},
  ): Promise<number | undefined> {
    this.#refuseWhenClosed();
    return await nextDueAtMs(this.#server, this.#groups, request);
  }

  async standing(id: number, nowMs: number): Promise<Standing | undefined> {
    this.#refuseWhenClosed();
    return await standingOf(this.#server, id, nowMs);
  }

  onDue(callback: () => void): () => void {
    return this.#listener.add(callback);
  }

  async replicaOf(version: VersionRef, destinationArn: string): Promise<string | undefined> {
    this.#refuseWhenClosed();
    return await replicaOf(this.#server, this.#groups, version, destinationArn);
  }

  async replicasBetween(range: ReplicaRange): Promise<readonly KnownReplica[]> {
    this.#refuseWhenClosed();
    return await replicasBetween(this.#server, this.#groups, range);
  }

  async rememberReplicas(replicas: readonly KnownReplica[]): Promise<void> {
    this.#refuseWhenClosed();
    for (let from = 0; from < replicas.length; from += REPLICAS_PER_CALL) {
      await rememberReplicas(this.#server, this.#groups, replicas.slice(from, from + REPLICAS_PER_CALL));
    }
  }

  async addJob(job: NewJob): Promise<void> {
    this.#refuseWhenClosed();
    await addJob(this.#server, job);
  }

  async job(id: string): Promise<JobRow | undefined> {
    this.#refuseWhenClosed();
    return await jobOf(this.#server, id);
  }

  async jobs(): Promise<readonly JobRow[]> {
    this.#refuseWhenClosed();
    return await jobsOf(this.#server);
  }

  async changeJob(id: string, change: JobChange, when?: JobState): Promise<boolean> {
    this.#refuseWhenClosed();
    return await changeJob(this.#server, id, { change, when });
  }

  async checkpoint(name: string): Promise<string | undefined> {
    this.#refuseWhenClosed();
    return await checkpointOf(this.#server, name);
  }

  async setCheckpoint(name: string, value: string | undefined): Promise<void> {
    this.#refuseWhenClosed();
    await setCheckpoint(this.#server, name, value);
  }

  async checkpoints(prefix: string): Promise<readonly { readonly name: string; readonly value: string }[]> {
    this.#refuseWhenClosed();
    return await checkpointsOf(this.#server, prefix);
  }

  async hold(
    name: string,
    holder: string,
    until: { readonly nowMs: number; readonly untilMs: number },
  ): Promise<boolean> {
    this.#refuseWhenClosed();
    return await holdName(this.#server, { name, holder, ...until });
  }

  async letGo(name: string, holder: string): Promise<void> {
    this.#refuseWhenClosed();
    await letGoOfName(this.#server, name, holder);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#listener.close();
    await this.#server.close();
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw new DatabaseError("io", `${this.#label} is closed`);
  }

  async #end(claim: Claim, ending: Omit<Ending, "id" | "fence">): Promise<boolean> {
    return await this.#endings.push({ id: claim.task.id, fence: claim.fence, ...ending });
  }

  async #fail(
    claim: Claim,
    attempt: FailedAttempt,
    group: Group,
    ending: Pick<Ending, "kind" | "next_try_at_ms">,
  ): Promise<boolean> {
    return await this.#end(claim, {
      ...ending,
      group_id: this.#groups.stored(group).id,
      failure: JSON.stringify(attempt.failure),
      started_at_ms: attempt.startedAtMs,
      ended_at_ms: attempt.endedAtMs,
    });
  }

  /** Changes those of the rows that are still as they were found. */
  async #change(text: string, found: readonly FoundTask[], parameters: readonly Parameter[]): Promise<number> {
    const ids = found.map((one) => one.task.id);
    const groupIds = found.map((one) => one.groupId);
    const [row] = await this.#server.query(text, [ids, groupIds, ...parameters]);
    return Number(row?.["count"]);
  }

  /** Changes the rows of a selection page by page, each page in a transaction of its own. */
  async #forEach(selection: Selection, change: (found: readonly FoundTask[]) => Promise<number>): Promise<number> {
    let count = 0;
    let after: string | undefined;
    do {
      const page = await pageOf(this.#source, { selection, after, limit: ROWS_PER_WRITE });
      if (page.found.length > 0) count += await change(page.found);
      after = page.next;
    } while (after !== undefined);
    return count;
  }
}
