/** Counts, read from the groups' counters in one statement: as much work as there are groups and leases. */
import type { Count, TaskState } from "../ledger.ts";
import { GROUP_COLUMNS, GROUP_TABLES, groupOf } from "./groups.ts";
import type { Row, Server } from "./server.ts";

const COUNTS = `
WITH leased AS (
  SELECT t.group_id, count(*) AS tasks, sum(t.size_bytes) AS bytes, min(t.written_at_ms) AS oldest_at_ms
  FROM lanes l JOIN tasks t ON t.id = l.head_id WHERE l.lease_until_ms IS NOT NULL GROUP BY t.group_id
)
SELECT ${GROUP_COLUMNS}, coalesce(leased.tasks, 0) AS leased_tasks, coalesce(leased.bytes, 0)::float8 AS leased_bytes,
  leased.oldest_at_ms AS leased_oldest_at_ms, c.tasks - coalesce(leased.tasks, 0) AS tasks,
  (c.bytes - coalesce(leased.bytes, 0))::float8 AS bytes, oldest.written_at_ms AS oldest_at_ms,
  c.completed_tasks, c.completed_bytes::float8 AS completed_bytes
FROM ${GROUP_TABLES}
CROSS JOIN LATERAL (
  SELECT sum(tasks)::bigint AS tasks, sum(bytes) AS bytes, sum(completed_tasks)::bigint AS completed_tasks,
    sum(completed_bytes) AS completed_bytes
  FROM group_counts WHERE group_id = g.id
) c
LEFT JOIN leased ON leased.group_id = g.id
LEFT JOIN LATERAL (
  SELECT t.written_at_ms FROM tasks t JOIN lanes l ON l.id = t.lane_id
  WHERE t.group_id = g.id AND NOT (l.head_id = t.id AND l.lease_until_ms IS NOT NULL)
  ORDER BY t.written_at_ms, t.id LIMIT 1
) oldest ON true
WHERE bucket.name = coalesce($1, bucket.name) AND c.tasks IS NOT NULL ORDER BY g.id`;

/** The counts of a bucket, or of all. */
export async function countsOf(server: Server, bucket: string | undefined): Promise<readonly Count[]> {
  const rows = await server.query(COUNTS, [bucket ?? null]);
  return rows.flatMap(countsOfGroup);
}

function countsOfGroup(row: Row): readonly Count[] {
  const { bucket, ruleId, destinationArn, operation, failureCode, parked } = groupOf(row);
  const words = { bucket, ruleId, destinationArn, operation };
  const undone = (state: TaskState, prefix: "" | "leased_"): readonly Count[] => {
    const tasks = Number(row[`${prefix}tasks`]);
    if (tasks === 0) return [];
    const failure = failureCode === "" ? {} : { failureCode };
    const oldestWrittenAtMs = Number(row[`${prefix}oldest_at_ms`]);
    return [{ ...words, state, ...failure, tasks, bytes: Number(row[`${prefix}bytes`]), oldestWrittenAtMs }];
  };
  const completed = {
    ...words,
    state: "completed" as const,
    tasks: Number(row["completed_tasks"]),
    bytes: Number(row["completed_bytes"]),
  };
  return [
    ...undone(parked ? "parked" : "waiting", ""),
    ...undone("leased", "leased_"),
    ...(completed.tasks === 0 ? [] : [completed]),
  ];
}
