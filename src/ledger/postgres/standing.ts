/** Where a stream and its tasks stand: how many go before one, and what need not wait any longer. */
import type { Standing, Stream } from "../ledger.ts";
import { SIZE_CLASSES } from "../words.ts";
import type { Groups } from "./groups.ts";
import type { Server } from "./server.ts";

/** How far counts go. */
const COUNTED_MAX = 10_000;

const STANDING = `
SELECT (
    SELECT count(*) FROM (
      SELECT FROM tasks o WHERE o.lane_id = t.lane_id AND NOT o.is_parked AND o.id <> t.id
        AND ((o.id = l.head_id AND l.lease_until_ms IS NOT NULL) OR (o.position, o.id) < (t.position, t.id))
      LIMIT ${COUNTED_MAX}) before
  ) AS in_lane, (
    SELECT count(*) FROM (
      SELECT FROM generate_series(0, l.line) w(line)
      CROSS JOIN LATERAL (
        SELECT FROM lanes o
        WHERE o.head_id IS NOT NULL AND o.lease_until_ms IS NULL AND o.line = w.line AND o.bucket_id = l.bucket_id
          AND o.destination_id = l.destination_id AND o.due_at_ms <= $2 AND w.line / ${SIZE_CLASSES} < l.line / ${SIZE_CLASSES}
        LIMIT ${COUNTED_MAX}) due
      UNION ALL
      SELECT FROM generate_series(l.line / ${SIZE_CLASSES} * ${SIZE_CLASSES}, l.line / ${SIZE_CLASSES} * ${SIZE_CLASSES} + ${SIZE_CLASSES - 1}) w(line)
      CROSS JOIN LATERAL (
        SELECT FROM lanes o
        WHERE o.head_id IS NOT NULL AND o.lease_until_ms IS NULL AND o.line = w.line AND o.bucket_id = l.bucket_id
          AND o.destination_id = l.destination_id AND o.due_at_ms <= $2 AND (o.due_at_ms, o.head_id) < (l.due_at_ms, l.head_id)
        LIMIT ${COUNTED_MAX}) due
      LIMIT ${COUNTED_MAX}) before
  ) AS in_stream
FROM tasks t JOIN lanes l ON l.id = t.lane_id
WHERE t.id = $1 AND NOT t.is_parked AND NOT (l.head_id = t.id AND l.lease_until_ms IS NOT NULL)`;

/** @see Ledger.standing */
export async function standingOf(server: Server, id: number, nowMs: number): Promise<Standing | undefined> {
  const [row] = await server.query(STANDING, [id, nowMs]);
  return row === undefined ? undefined : { inLane: Number(row["in_lane"]), inStream: Number(row["in_stream"]) };
}

const TRIED = `
SELECT t.id FROM task_groups g
CROSS JOIN LATERAL (
  SELECT t.id FROM tasks t JOIN lanes l ON l.id = t.lane_id
  WHERE t.group_id = g.id AND t.attempts > 0 AND NOT t.is_parked AND t.next_try_at_ms > $3
    AND NOT (l.head_id = t.id AND l.lease_until_ms IS NOT NULL)
  ORDER BY t.next_try_at_ms LIMIT $4) t
WHERE g.bucket_id = $1 AND g.destination_id = $2 AND NOT g.is_parked LIMIT $4`;

/** Makes tasks of a stream that wait for another try due now, up to `count` of them. Returns how many it found. */
export async function hurryTasks(
  server: Server,
  groups: Groups,
  { stream, nowMs, count }: { readonly stream: Stream; readonly nowMs: number; readonly count: number },
): Promise<{ readonly found: number; readonly hurried: number }> {
  const ids = await groups.nameIds([stream.bucket, stream.destinationArn]);
  const [bucketId, destinationId] = [ids.get(stream.bucket), ids.get(stream.destinationArn)];
  if (bucketId === undefined || destinationId === undefined) return { found: 0, hurried: 0 };
  const rows = await server.query(TRIED, [bucketId, destinationId, nowMs, count]);
  if (rows.length === 0) return { found: 0, hurried: 0 };
  const [row] = await server.query("SELECT hurry_tasks($1, $2) AS count", [
    rows.map((one) => Number(one["id"])),
    nowMs,
  ]);
  return { found: rows.length, hurried: Number(row?.["count"]) };
}
