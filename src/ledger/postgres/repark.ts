/** The function of the distributed ledger that takes redrives back; it keeps true what `schema.ts` tells. */
import { countChanges } from "./count-changes.ts";

/** Takes redrives back: of rows that were read before, those that still wait and were parked before. Returns how many. */
export const REPARK = `
CREATE OR REPLACE FUNCTION repark_tasks(ids bigint[], group_ids integer[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := lock_lanes(ids);
  reparked bigint;
  job_ids text[];
BEGIN
  WITH moved AS (
    UPDATE tasks t SET is_parked = true, group_id = b.id, note = NULL
    FROM unnest(ids, group_ids) g(id, group_id) JOIN task_groups a ON a.id = g.group_id
    JOIN task_groups b ON b.bucket_id = a.bucket_id AND b.destination_id = a.destination_id AND b.rule_id = a.rule_id
      AND b.operation = a.operation AND b.is_parked AND b.failure_code = a.failure_code, lanes l
    WHERE t.id = g.id AND t.group_id = g.group_id AND NOT t.is_parked AND t.redrives > 0 AND t.failure IS NOT NULL
      AND l.id = t.lane_id AND NOT (l.head_id = t.id AND l.lease_until_ms IS NOT NULL)
    RETURNING a.id AS from_group, b.id AS to_group, t.size_bytes, t.job_id
  ), changes(group_id, tasks, bytes, completed_tasks, completed_bytes) AS (
    SELECT from_group, -1, -size_bytes, 0, 0 FROM moved UNION ALL SELECT to_group, 1, size_bytes, 0, 0 FROM moved
  ), counted AS (
    ${countChanges("changes")}
  )
  SELECT count(*), array_agg(job_id) INTO reparked, job_ids FROM moved;
  PERFORM count_jobs(job_ids, array_fill(-1, ARRAY[reparked::integer]), '{}', '{}');
  PERFORM settle(lane_ids, false);
  RETURN reparked;
END $$;
`;
