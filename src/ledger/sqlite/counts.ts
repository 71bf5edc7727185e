/** Counts, read from the groups' own counters: as much work as there are groups and leases, whatever the backlog. */
import type { Connection, Row } from "../database.ts";
import type { Count, TaskState } from "../ledger.ts";
import { GROUP_ROWS, groupOf } from "./groups.ts";
import { LEASED } from "./schema.ts";

interface Sum {
  readonly tasks: number;
  readonly bytes: number;
}

export function countsOf(connection: Connection, bucket: string | undefined): readonly Count[] {
  const leased = leasedByGroup(connection);
  return connection
    .prepare(`SELECT ${GROUP_ROWS} WHERE bucket.name = coalesce(?, bucket.name) ORDER BY g.id`)
    .all(bucket ?? null)
    .flatMap((row) => countsOfGroup(connection, row, leased.get(Number(row["id"]))));
}

/** Leases are not counted as they come and go, for there are never more than workers hold. */
function leasedByGroup(connection: Connection): ReadonlyMap<number, Sum> {
  const rows = connection
    .prepare(
      `SELECT group_id, count(*) AS tasks, CAST(sum(size_bytes) AS REAL) AS bytes
       FROM tasks INDEXED BY tasks_leased WHERE ${LEASED} GROUP BY group_id`,
    )
    .all();
  return new Map(rows.map((row) => [Number(row["group_id"]), sumOf(row)]));
}

function sumOf(row: Row): Sum {
  return { tasks: Number(row["tasks"]), bytes: Number(row["bytes"]) };
}

function countsOfGroup(connection: Connection, row: Row, leased: Sum = { tasks: 0, bytes: 0 }): readonly Count[] {
  const group = groupOf(row);
  const all = sumOf(row);
  const { bucket, ruleId, destinationArn, operation } = group;
  const words = { bucket, ruleId, destinationArn, operation };
  const undone = (state: TaskState, { tasks, bytes }: Sum): readonly Count[] => {
    if (tasks === 0) return [];
    const oldestWrittenAtMs = oldestOf(connection, group.id, state === "leased");
    const failure = group.failureCode === "" ? {} : { failureCode: group.failureCode };
    return [{ ...words, state, ...failure, tasks, bytes, oldestWrittenAtMs }];
  };
  const completed = {
    ...words,
    state: "completed" as const,
    tasks: Number(row["completed_tasks"]),
    bytes: Number(row["completed_bytes"]),
  };
  const rest = { tasks: all.tasks - leased.tasks, bytes: all.bytes - leased.bytes };
  return [
    ...undone(group.parked ? "parked" : "waiting", rest),
    ...undone("leased", leased),
    ...(completed.tasks === 0 ? [] : [completed]),
  ];
}

function oldestOf(connection: Connection, groupId: number, isLeased: boolean): number {
  const row = connection
    .prepare(
      isLeased
        ? `SELECT min(written_at_ms) AS at_ms FROM tasks INDEXED BY tasks_leased WHERE ${LEASED} AND group_id = ?`
        : `SELECT written_at_ms AS at_ms FROM tasks INDEXED BY tasks_of_group
           WHERE group_id = ? AND lease_until_ms IS NULL ORDER BY written_at_ms LIMIT 1`,
    )
    .get(groupId);
  return Number(row?.["at_ms"]);
}
