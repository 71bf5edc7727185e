/**
 * The table of jobs: add, find, list, change. A change reads the record in its own transaction, so a job that is
 * cancelled while it works is never made active again.
 */
import type { Connection, Database, Row } from "../../ledger/database.ts";
import { FINAL_STATUSES, type Job, type JobStatus, KEPT_MS, SUSPENDED_MS_MAX } from "./model.ts";

/** What a change replaces. */
export type JobChange = Partial<Omit<Job, "id" | "account" | "region" | "request" | "createdMs">>;

/** Where a page of jobs goes on: behind this one. */
export interface JobMarker {
  readonly createdMs: number;
  readonly id: string;
}

export interface Jobs {
  /** Adds the job; or returns the one that was made with the same token. */
  add(job: Job): Promise<Job>;
  find(id: string): Job | undefined;
  /** The newest first. */
  list(
    of: Pick<Job, "account" | "region">,
    page: { readonly statuses: readonly JobStatus[]; readonly limit: number; readonly after?: JobMarker },
  ): Job[];
  /** The job that the runner works on next: of the highest priority, the oldest. */
  nextToRun(): Job | undefined;
  /** A final job whose tasks are not gone yet. */
  nextToSweep(): Job | undefined;
  /** Changes a job inside a write. Undefined, and no change, when it is in none of the states. */
  change(connection: Connection, id: string, from: readonly JobStatus[], change: Changing): Job | undefined;
  /** The same in a write of its own. */
  move(id: string, from: readonly JobStatus[], change: Changing): Promise<Job | undefined>;
  /** Fails what was suspended for too long, forgets what has been final for long. */
  expire(): Promise<void>;
}

export type Changing = (job: Job) => JobChange;

const RUNNABLE: readonly JobStatus[] = ["New", "Preparing", "Ready", "Active", "Completing", "Failing", "Cancelling"];
const quoted = (statuses: readonly JobStatus[]): string => statuses.map((one) => `'${one}'`).join(", ");

const NEXT_TO_RUN = `SELECT record FROM batch_jobs WHERE status IN (${quoted(RUNNABLE)}) ORDER BY priority DESC, created_ms, id LIMIT 1`;
const NEXT_TO_SWEEP = `SELECT record FROM batch_jobs WHERE status IN (${quoted(FINAL_STATUSES)}) AND EXISTS (SELECT 1 FROM batch_tasks WHERE job = id) LIMIT 1`;
const EXPIRED = `SELECT record FROM batch_jobs WHERE status IN (${quoted(FINAL_STATUSES)}) AND changed_ms < ?`;
const OVERDUE = "SELECT record FROM batch_jobs WHERE status = 'Suspended' AND changed_ms < ?";
const OLDER = "SELECT record FROM batch_jobs WHERE account = ? AND region = ? AND (created_ms, id) < (?, ?)";

export function openJobs(database: Database, clock: () => number): Jobs {
  const read = (connection: Connection, id: string): Job | undefined =>
    jobOf(connection.prepare("SELECT record FROM batch_jobs WHERE id = ?").get(id));

  const change: Jobs["change"] = (connection, id, from, changing) => {
    const before = read(connection, id);
    if (before === undefined || !from.includes(before.status)) return undefined;
    const after: Job = { ...before, ...changing(before) };
    const changedMs = after.status === before.status ? undefined : clock();
    connection
      .prepare(
        "UPDATE batch_jobs SET status = ?, priority = ?, changed_ms = coalesce(?, changed_ms), record = ? WHERE id = ?",
      )
      .run(after.status, after.priority, changedMs ?? null, JSON.stringify(after), id);
    return after;
  };

  return {
    change,
    move: (id, from, changing) => database.write((connection) => change(connection, id, from, changing)),
    find: (id) => read(database.committed, id),
    nextToRun: () => jobOf(database.committed.prepare(NEXT_TO_RUN).get()),
    nextToSweep: () => jobOf(database.committed.prepare(NEXT_TO_SWEEP).get()),

    add: (job) =>
      database.write((connection) => {
        const { id, account, region, request, status, priority, createdMs } = job;
        const known = connection
          .prepare("SELECT record FROM batch_jobs WHERE account = ? AND region = ? AND token = ?")
          .get(account, region, request.clientRequestToken);
        if (known !== undefined) return jobOf(known) ?? job;
        connection
          .prepare("INSERT INTO batch_jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
          .run(
            id,
            account,
            region,
            request.clientRequestToken,
            status,
            priority,
            createdMs,
            createdMs,
            JSON.stringify(job),
          );
        return job;
      }),

    list({ account, region }, { statuses, limit, after }) {
      const wanted = statuses.length === 0 ? "" : ` AND status IN (${statuses.map(() => "?").join(", ")})`;
      const { createdMs, id } = after ?? { createdMs: Number.MAX_SAFE_INTEGER, id: "" };
      return database.committed
        .prepare(`${OLDER}${wanted} ORDER BY created_ms DESC, id DESC LIMIT ?`)
        .all(account, region, createdMs, id, ...statuses, limit)
        .flatMap((row) => jobOf(row) ?? []);
    },

    async expire() {
      const nowMs = clock();
      const overdue = database.committed.prepare(OVERDUE).all(nowMs - SUSPENDED_MS_MAX);
      const expired = database.committed.prepare(EXPIRED).all(nowMs - KEPT_MS);
      if (overdue.length === 0 && expired.length === 0) return;
      await database.write((connection) => {
        for (const { id } of overdue.flatMap((row) => jobOf(row) ?? [])) {
          change(connection, id, ["Suspended"], () => ({
            status: "Failed",
            endedMs: nowMs,
            failures: [{ code: "JobSuspendedTooLong", reason: "The job was not confirmed within 30 days." }],
          }));
        }
        for (const { id } of expired.flatMap((row) => jobOf(row) ?? [])) {
          connection.prepare("DELETE FROM batch_tasks WHERE job = ?").run(id);
          connection.prepare("DELETE FROM batch_jobs WHERE id = ?").run(id);
        }
      });
    },
  };
}

function jobOf(row: Row | undefined): Job | undefined {
  return row === undefined ? undefined : (JSON.parse(String(row["record"])) as Job);
}
