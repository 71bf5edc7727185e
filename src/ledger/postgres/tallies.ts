/** Tallies in the distributed ledger: added to by `end_leases`, and read. */
import {
  FAILED_TRY,
  LAG_BOUNDS_MS,
  LAGGING_NUMBERS,
  OVERDUE_ROWS_MAX,
  type OverdueCount,
  overdueOf,
  type Tallies,
  talliesOf,
} from "../tallies.ts";
import { ORIGINS } from "../words.ts";
import { COUNT_SHARDS } from "./count-changes.ts";
import { GROUP_COLUMNS, GROUP_TABLES, groupOf } from "./groups.ts";
import type { Server } from "./server.ts";

const LIVE = ORIGINS.indexOf("live");

/**
 * Adds up what has ended: relations `done` (to_group, origin, operation, lag_ms) and `failed` (to_group).
 *
 * Of the bounds those count that are less than the lag: so a bound is included in its class. A completion that a program
 * of format 2 sends has no end, so no lag.
 */
export function addTallies(done: string, failed: string): string {
  return `INSERT INTO tallies AS c
    SELECT group_id, class, pg_backend_pid() % ${COUNT_SHARDS}, count(*), sum(lag_ms) FROM (
      SELECT to_group AS group_id, width_bucket(greatest(lag_ms, 0) - 1, ARRAY[${LAG_BOUNDS_MS.join(", ")}]::bigint[]) AS class,
        greatest(lag_ms, 0) AS lag_ms
      FROM ${done} WHERE origin = ${LIVE} AND operation IN (${LAGGING_NUMBERS}) AND lag_ms IS NOT NULL
      UNION ALL SELECT to_group, ${FAILED_TRY}, 0 FROM ${failed}
    ) ended GROUP BY group_id, class ORDER BY group_id, class
    ON CONFLICT (group_id, class, shard) DO UPDATE SET tasks = c.tasks + EXCLUDED.tasks, lag_ms = c.lag_ms + EXCLUDED.lag_ms`;
}

const TALLIES = `
SELECT ${GROUP_COLUMNS}, t.class, t.tasks, t.lag_ms::float8 AS lag_ms FROM ${GROUP_TABLES}
JOIN (
  SELECT group_id, class, sum(tasks)::bigint AS tasks, sum(lag_ms) AS lag_ms FROM tallies GROUP BY group_id, class
) t ON t.group_id = g.id
WHERE bucket.name = coalesce($1, bucket.name) ORDER BY t.group_id, t.class`;

export async function talliesIn(server: Server, bucket: string | undefined): Promise<Tallies> {
  const rows = await server.query(TALLIES, [bucket ?? null]);
  const tallies = rows.map((row) => ({
    group: groupOf(row),
    class: Number(row["class"]),
    tasks: Number(row["tasks"]),
    lagMs: Number(row["lag_ms"]),
  }));
  return talliesOf(tallies);
}

const OVERDUE = `
SELECT ${GROUP_COLUMNS}, late.tasks FROM ${GROUP_TABLES}
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE origin = ${LIVE}) AS tasks FROM (
    SELECT origin FROM tasks WHERE group_id = g.id AND written_at_ms < $1 ORDER BY written_at_ms, id
    LIMIT ${OVERDUE_ROWS_MAX}
  ) oldest
) late
WHERE g.operation IN (${LAGGING_NUMBERS}) ORDER BY g.id`;

export async function overdueIn(server: Server, writtenBeforeMs: number): Promise<readonly OverdueCount[]> {
  const rows = await server.query(OVERDUE, [writtenBeforeMs]);
  const counts = rows.map((row) => {
    const { bucket, destinationArn, ruleId } = groupOf(row);
    return { bucket, destinationArn, ruleId, tasks: Number(row["tasks"]) };
  });
  return overdueOf(counts);
}
