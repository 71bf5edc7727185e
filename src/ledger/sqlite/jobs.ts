/** Jobs: what was asked for, how far it has come, and how many tasks of it there are. Who runs them is told nowhere here. */
import { assert } from "../../core/assert.ts";
import type { Connection, Row, SqlValue } from "../database.ts";
import { addedCounts, ENDED_STATES, jobOfRow } from "../job-row.ts";
import { JOBS_KEPT_MAX, type JobChange, type JobRow, type JobState, type NewJob } from "../ledger.ts";

const COLUMNS = `id, kind, bucket, created_at_ms, request, state, position, error, ended_at_ms, open, completed, failed,
  counts`;

/** Adds a job, running, and drops the oldest of those that have ended. */
export function addJob(connection: Connection, job: NewJob): void {
  const { changes } = connection
    .prepare(
      `INSERT INTO jobs (id, kind, bucket, created_at_ms, request, state) VALUES (?, ?, ?, ?, ?, 'running')
       ON CONFLICT DO NOTHING`,
    )
    .run(job.id, job.kind, job.bucket, job.createdAtMs, job.request);
  assert(changes === 1, `a second job ${job.id}`);
  const ended = `SELECT number FROM jobs WHERE state IN (${ENDED_STATES})`;
  connection
    .prepare(
      `DELETE FROM jobs WHERE number IN (${ended} ORDER BY created_at_ms DESC, number DESC LIMIT -1 OFFSET ${JOBS_KEPT_MAX})`,
    )
    .run();
}

export function jobOf(connection: Connection, id: string): JobRow | undefined {
  const row = connection.prepare(`SELECT ${COLUMNS} FROM jobs WHERE id = ?`).get(id);
  return row === undefined ? undefined : jobOfRow(row);
}

/** The youngest first. */
export function jobsOf(connection: Connection): readonly JobRow[] {
  const rows: readonly Row[] = connection
    .prepare(`SELECT ${COLUMNS} FROM jobs ORDER BY created_at_ms DESC, number DESC`)
    .all();
  return rows.map(jobOfRow);
}

/** Changes what is given; false when the job is not there or not in the state that is asked for. */
export function changeJob(
  connection: Connection,
  id: string,
  { change, when }: { readonly change: JobChange; readonly when: JobState | undefined },
): boolean {
  const job = jobOf(connection, id);
  if (job === undefined || (when !== undefined && job.state !== when)) return false;
  connection
    .prepare("UPDATE jobs SET state = ?, position = ?, error = ?, ended_at_ms = ?, counts = ? WHERE id = ?")
    .run(
      change.state ?? job.state,
      change.position ?? job.position ?? null,
      change.error ?? job.error ?? null,
      change.endedAtMs ?? job.endedAtMs ?? null,
      JSON.stringify(addedCounts(job.counts, change.counts)),
      id,
    );
  return true;
}

/** Counts for the job of a task, if it has one that is still there. */
export function changeJobCounts(
  connection: Connection,
  jobId: SqlValue | undefined,
  change: { readonly open?: number; readonly completed?: number; readonly failed?: number },
): void {
  if (typeof jobId !== "string") return;
  connection
    .prepare("UPDATE jobs SET open = open + ?, completed = completed + ?, failed = failed + ? WHERE id = ?")
    .run(change.open ?? 0, change.completed ?? 0, change.failed ?? 0, jobId);
}
