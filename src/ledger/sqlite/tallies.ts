/** Tallies in the embedded ledger: added to by the endings of leases, and read. */
import type { Connection, Row } from "../database.ts";
import {
  FAILED_TRY,
  LAGGING_NUMBERS,
  lagClassOf,
  OVERDUE_ROWS_MAX,
  type OverdueCount,
  overdueOf,
  type Tallies,
  talliesOf,
} from "../tallies.ts";
import { ORIGINS } from "../words.ts";
import { GROUP_ROWS, groupOf } from "./groups.ts";

const LIVE = ORIGINS.indexOf("live");

const ADD = `INSERT INTO tallies (group_id, class, tasks, lag_ms) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks, lag_ms = lag_ms + excluded.lag_ms`;

/** Tallies of one transaction, added up: each row is written once. */
export class TallyChanges {
  readonly #changes = new Map<string, { groupId: number; place: number; tasks: number; lagMs: number }>();

  /** @param lagMs of a live task that was completed; left out for a try that failed */
  add(groupId: number, lagMs?: number): void {
    // A clock that was set back makes no lag.
    const spent = Math.max(0, Math.trunc(lagMs ?? 0));
    const place = lagMs === undefined ? FAILED_TRY : lagClassOf(spent);
    const name = `${groupId} ${place}`;
    const sum = this.#changes.get(name) ?? { groupId, place, tasks: 0, lagMs: 0 };
    this.#changes.set(name, { groupId, place, tasks: sum.tasks + 1, lagMs: sum.lagMs + spent });
  }

  write(connection: Connection): void {
    for (const { groupId, place, tasks, lagMs } of this.#changes.values()) {
      connection.prepare(ADD).run(groupId, place, tasks, lagMs);
    }
    this.#changes.clear();
  }
}

/** Whether a row came in as it happened: what scans and resyncs bring has no lag. */
export function isLive(row: Row): boolean {
  return row["origin"] === LIVE;
}

export function talliesIn(connection: Connection, bucket: string | undefined): Tallies {
  const rows = connection
    .prepare(
      `SELECT t.class, t.tasks AS tallied, CAST(t.lag_ms AS REAL) AS lag_ms, g.* FROM tallies t
       JOIN (SELECT ${GROUP_ROWS}) g ON g.id = t.group_id
       WHERE g.bucket = coalesce(?, g.bucket) ORDER BY t.group_id, t.class`,
    )
    .all(bucket ?? null);
  const tallies = rows.map((row) => ({
    group: groupOf(row),
    class: Number(row["class"]),
    tasks: Number(row["tallied"]),
    lagMs: Number(row["lag_ms"]),
  }));
  return talliesOf(tallies);
}

export function overdueIn(connection: Connection, writtenBeforeMs: number): readonly OverdueCount[] {
  const rows = connection
    .prepare(
      `SELECT g.*, (SELECT coalesce(sum(origin = ${LIVE}), 0) FROM (
           SELECT origin FROM tasks WHERE group_id = g.id AND written_at_ms < ?1 ORDER BY written_at_ms
           LIMIT ${OVERDUE_ROWS_MAX})) AS overdue
       FROM (SELECT ${GROUP_ROWS} WHERE g.operation IN (${LAGGING_NUMBERS}) AND g.tasks > 0) g`,
    )
    .all(writtenBeforeMs);
  const counts = rows.map((row) => {
    const { bucket, destinationArn, ruleId } = groupOf(row);
    return { bucket, destinationArn, ruleId, tasks: Number(row["overdue"]) };
  });
  return overdueOf(counts);
}
