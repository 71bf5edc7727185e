/** How the counters of groups are kept: spread over rows, so that machines that count at once do not wait for each other. */

/** Over how many rows the counters of one group, and of one job, are spread. */
export const COUNT_SHARDS = 16;

/** Adds up changes of groups, a relation (group_id, tasks, bytes, completed_tasks, completed_bytes). */
export function countChanges(changes: string): string {
  return `INSERT INTO group_counts AS c
    SELECT group_id, pg_backend_pid() % ${COUNT_SHARDS}, sum(tasks), sum(bytes), sum(completed_tasks), sum(completed_bytes)
    FROM ${changes} GROUP BY group_id ORDER BY group_id
    ON CONFLICT (group_id, shard) DO UPDATE SET tasks = c.tasks + EXCLUDED.tasks, bytes = c.bytes + EXCLUDED.bytes,
      completed_tasks = c.completed_tasks + EXCLUDED.completed_tasks,
      completed_bytes = c.completed_bytes + EXCLUDED.completed_bytes`;
}
