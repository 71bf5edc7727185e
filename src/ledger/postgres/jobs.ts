/** Jobs: what was asked for, how far it has come, and how many tasks of it there are. Who runs them is told nowhere here. */
import { assert } from "../../core/assert.ts";
import { addedCounts, ENDED_STATES, jobOfRow } from "../job-row.ts";
import { JOBS_KEPT_MAX, type JobChange, type JobRow, type JobState, type NewJob } from "../ledger.ts";
import type { Server } from "./server.ts";

const ROWS = `SELECT j.*, c.open, c.completed, c.failed FROM jobs j CROSS JOIN LATERAL (
  SELECT coalesce(sum(open), 0)::bigint AS open, coalesce(sum(completed), 0)::bigint AS completed,
    coalesce(sum(failed), 0)::bigint AS failed
  FROM job_counts WHERE job_id = j.id) c`;

/** @see Ledger.addJob */
export async function addJob(server: Server, job: NewJob): Promise<void> {
  const rows = await server.query(
    `WITH added AS (
       INSERT INTO jobs (id, kind, bucket, created_at_ms, request, state) VALUES ($1, $2, $3, $4, $5, 'running')
       ON CONFLICT DO NOTHING RETURNING id
     ), dropped AS (
       DELETE FROM jobs WHERE number IN (
         SELECT number FROM jobs WHERE state IN (${ENDED_STATES})
         ORDER BY created_at_ms DESC, number DESC OFFSET ${JOBS_KEPT_MAX})
       RETURNING id
     ), forgotten AS (
       DELETE FROM job_counts WHERE job_id IN (SELECT id FROM dropped)
     )
     SELECT id FROM added`,
    [job.id, job.kind, job.bucket, job.createdAtMs, job.request],
  );
  assert(rows.length === 1, `a second job ${job.id}`);
}

/** @see Ledger.job */
export async function jobOf(server: Server, id: string): Promise<JobRow | undefined> {
  const [row] = await server.query(`${ROWS} WHERE j.id = $1`, [id]);
  return row === undefined ? undefined : jobOfRow(row);
}

/** @see Ledger.jobs */
export async function jobsOf(server: Server): Promise<readonly JobRow[]> {
  const rows = await server.query(`${ROWS} ORDER BY j.created_at_ms DESC, j.number DESC`);
  return rows.map(jobOfRow);
}

/** How often a change is made anew because somebody else was faster. */
const CHANGES_MAX = 100;

/** @see Ledger.changeJob */
export async function changeJob(
  server: Server,
  id: string,
  { change, when }: { readonly change: JobChange; readonly when: JobState | undefined },
): Promise<boolean> {
  for (let tries = 0; tries < CHANGES_MAX; tries++) {
    const [row] = await server.query("SELECT state, counts FROM jobs WHERE id = $1", [id]);
    if (row === undefined || (when !== undefined && row["state"] !== when)) return false;
    const was = String(row["counts"]);
    const counts = JSON.stringify(addedCounts(JSON.parse(was) as Record<string, number>, change.counts));
    const changed = await server.query(
      `UPDATE jobs SET state = coalesce($2, state), position = coalesce($3, position), error = coalesce($4, error),
         ended_at_ms = coalesce($5, ended_at_ms), counts = $6
       WHERE id = $1 AND counts = $7 AND ($8::text IS NULL OR state = $8) RETURNING id`,
      [
        id,
        change.state ?? null,
        change.position ?? null,
        change.error ?? null,
        change.endedAtMs ?? null,
        counts,
        was,
        when ?? null,
      ],
    );
    if (changed.length === 1) return true;
  }
  throw new Error(`job ${id} is changed by too many at once`);
}
