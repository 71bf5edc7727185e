/**
 * The functions of the distributed ledger: every change is one call of one of them, and so one transaction and one
 * message. What they keep true is told in `schema.ts`.
 *
 * They are PL/pgSQL because each statement of such a function sees what was committed before that statement began; in one
 * SQL statement the look at a lane would be older than the lock on it. They run at READ COMMITTED.
 */

import { SIZE_CLASS_BYTES } from "../ledger.ts";

/** Over how many rows the counters of one group are spread. */
const COUNT_SHARDS = 16;

/** Adds up changes of groups, a relation (group_id, tasks, bytes, completed_tasks, completed_bytes). */
function countChanges(changes: string): string {
  return `INSERT INTO group_counts AS c
    SELECT group_id, pg_backend_pid() % ${COUNT_SHARDS}, sum(tasks), sum(bytes), sum(completed_tasks), sum(completed_bytes)
    FROM ${changes} GROUP BY group_id ORDER BY group_id
    ON CONFLICT (group_id, shard) DO UPDATE SET tasks = c.tasks + EXCLUDED.tasks, bytes = c.bytes + EXCLUDED.bytes,
      completed_tasks = c.completed_tasks + EXCLUDED.completed_tasks,
      completed_bytes = c.completed_bytes + EXCLUDED.completed_bytes`;
}

/** Wakes those who wait for something to do, when the transaction is committed. */
const NOTIFY = "PERFORM pg_notify(current_schema() || '_due', '')";

/** A task t that will do what the given one g asks for: it is not parked, and has not read the source too early. */
const COVERS = `NOT t.is_parked AND NOT (g.rereads AND l.lease_until_ms IS NOT NULL AND l.head_id = t.id)`;
const SAME_TASK = `t.lane_id = lane_ids[g.lane] AND t.version_id = g.version_id AND t.operation = g.operation`;

/**
 * Adds tasks that differ from each other, in the order given. Lanes that were not there are made with their head at
 * once. Returns a number for every task, and the numbers of those that came in.
 */
const ADD = `
CREATE TYPE new_lane AS (bucket_id integer, key text, destination_id integer, head integer, line smallint,
  due_at_ms bigint, size_bytes bigint);
CREATE TYPE new_task AS (lane integer, group_id integer, version_id text, operation smallint, rereads boolean,
  origin smallint, size_bytes bigint, written_at_ms bigint, due_at_ms bigint);

CREATE FUNCTION add_tasks(given_lanes json, given_tasks json, OUT ids bigint[], OUT added bigint[])
LANGUAGE plpgsql AS $$
DECLARE
  new_lanes new_lane[] := ARRAY(SELECT g FROM json_populate_recordset(NULL::new_lane, given_lanes) g);
  new_tasks new_task[] := ARRAY(SELECT g FROM json_populate_recordset(NULL::new_task, given_tasks) g);
  lane_ids bigint[];
  old_lanes bigint[];
BEGIN
  ids := ARRAY(SELECT nextval('task_ids') FROM generate_series(1, cardinality(new_tasks)));
  -- Makes the lane or, where it is, locks its row and leaves it as it is.
  INSERT INTO lanes AS l (bucket_id, key, destination_id, head_id, line, due_at_ms, size_bytes)
    SELECT g.bucket_id, decode(g.key, 'hex'), g.destination_id, ids[g.head], g.line, g.due_at_ms, g.size_bytes
    FROM unnest(new_lanes) g ORDER BY 1, 2, 3
    ON CONFLICT (bucket_id, key, destination_id) DO UPDATE SET fence = l.fence WHERE false;
  SELECT array_agg(l.id ORDER BY g.ordinality), array_agg(l.id) FILTER (WHERE l.head_id IS DISTINCT FROM ids[g.head])
    INTO lane_ids, old_lanes
    FROM unnest(new_lanes) WITH ORDINALITY g
    JOIN lanes l ON l.bucket_id = g.bucket_id AND l.key = decode(g.key, 'hex') AND l.destination_id = g.destination_id;
  IF old_lanes IS NOT NULL THEN
    UPDATE tasks SET origin = g.origin FROM unnest(new_tasks) g
      WHERE tasks.lane_id = lane_ids[g.lane] AND tasks.version_id = g.version_id AND tasks.operation = g.operation
        AND NOT tasks.is_parked AND tasks.origin > g.origin
        AND EXISTS (SELECT FROM tasks t JOIN lanes l ON l.id = t.lane_id WHERE ${SAME_TASK} AND ${COVERS});
  END IF;
  WITH came AS (
    INSERT INTO tasks (id, lane_id, group_id, version_id, operation, origin, position, size_bytes, written_at_ms,
      due_at_ms, next_try_at_ms)
    SELECT ids[g.ordinality], lane_ids[g.lane], g.group_id, g.version_id, g.operation, g.origin,
      (SELECT redrives FROM ledger), g.size_bytes, g.written_at_ms, g.due_at_ms, g.due_at_ms
    FROM unnest(new_tasks) WITH ORDINALITY g
    WHERE NOT EXISTS (
      SELECT FROM tasks t JOIN lanes l ON l.id = t.lane_id WHERE ${SAME_TASK} AND (t.is_parked OR (${COVERS})))
    RETURNING id, group_id, size_bytes
  ), counted AS (
    ${countChanges("(SELECT group_id, 1 AS tasks, size_bytes AS bytes, 0 AS completed_tasks, 0 AS completed_bytes FROM came) x")}
  )
  SELECT coalesce(array_agg(id), '{}') INTO added FROM came;
  PERFORM settle(old_lanes, false);
  IF old_lanes IS NULL OR cardinality(old_lanes) < cardinality(lane_ids) THEN ${NOTIFY}; END IF;
END $$;
`;

/** Locks the lanes of tasks, in the one order; of tasks that are gone there is nothing to lock. */
const LOCK = `
CREATE FUNCTION lock_lanes(task_ids bigint[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(SELECT l.id FROM lanes l WHERE l.id IN (SELECT t.lane_id FROM tasks t WHERE t.id = ANY (task_ids))
    ORDER BY l.bucket_id, l.key, l.destination_id FOR UPDATE OF l);
END $$;
`;

/** Puts lanes in order whose locks are held and whose tasks have changed; with `ending` their leases end. */
const SETTLE = `
CREATE FUNCTION settle(touched bigint[], ending boolean) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  is_any_free boolean;
BEGIN
  DELETE FROM lanes l USING unnest(touched) u(id)
    WHERE l.id = u.id AND NOT EXISTS (SELECT FROM tasks t WHERE t.lane_id = l.id);
  WITH settled AS (
    UPDATE lanes l SET head_id = head.id, line = line_of(first.origin, head.size_bytes),
      due_at_ms = head.next_try_at_ms, size_bytes = head.size_bytes,
      lease_until_ms = CASE WHEN NOT ending THEN was.lease_until_ms END,
      leased_to = CASE WHEN NOT ending THEN was.leased_to END
    FROM unnest(touched) u(id)
    JOIN lanes was ON was.id = u.id
    CROSS JOIN LATERAL (
      SELECT min(t.origin) AS origin, (array_agg(t.id ORDER BY t.position, t.id))[1] AS oldest_id
      FROM (VALUES (0), (1), (2)) o(origin)
      CROSS JOIN LATERAL (
        SELECT t.id, t.origin, t.position FROM tasks t
        WHERE t.lane_id = u.id AND NOT t.is_parked AND t.origin = o.origin ORDER BY t.position, t.id LIMIT 1) t
    ) first
    LEFT JOIN tasks head
      ON head.id = CASE WHEN ending OR was.lease_until_ms IS NULL THEN first.oldest_id ELSE was.head_id END
    WHERE l.id = u.id AND (ending OR was.head_id IS DISTINCT FROM head.id
      OR was.due_at_ms IS DISTINCT FROM head.next_try_at_ms
      OR was.line IS DISTINCT FROM line_of(first.origin, head.size_bytes))
    RETURNING l.head_id IS NOT NULL AND l.lease_until_ms IS NULL AS is_free
  )
  SELECT bool_or(is_free) INTO is_any_free FROM settled;
  IF is_any_free THEN ${NOTIFY}; END IF;
END $$;
`;

/** One of the orders in which lanes of an origin wait, from behind the last one that was looked at. */
function waitingLanes(condition: string): string {
  return `(SELECT id, due_at_ms, head_id FROM lanes
        WHERE ${condition} AND size_bytes > over_bytes AND size_bytes <= up_to_bytes
          AND due_at_ms <= now_ms AND (due_at_ms, head_id) > (last_due_at_ms, last_head_id)
        ORDER BY due_at_ms, head_id LIMIT most)`;
}

const ARMS = [
  ...[undefined, ...SIZE_CLASS_BYTES].map((_, index) =>
    waitingLanes(
      `head_id IS NOT NULL AND lease_until_ms IS NULL AND line = first_line + ${index} AND line <= last_line`,
    ),
  ),
  waitingLanes("lease_until_ms <= now_ms AND line BETWEEN first_line AND last_line"),
];

/**
 * Leases heads of lanes. Of each origin the lines of the wanted sizes and the leases that ran out are in order by
 * themselves; they are merged as far as they may be needed, and what somebody else has locked is passed over. Only where
 * so many are passed over that there are too few does it go on behind them.
 */
const CLAIM = `
CREATE FUNCTION claim_tasks(claimer text, most integer, now_ms bigint, until_ms bigint, over_bytes bigint,
  up_to_bytes bigint, first_class integer, last_class integer) RETURNS SETOF task_rows LANGUAGE plpgsql AS $$
DECLARE
  picked bigint[] := '{}';
  found_ids bigint[];
  first_line integer;
  last_line integer;
  last_due_at_ms bigint;
  last_head_id bigint;
BEGIN
  FOR origin IN 0..2 LOOP
    first_line := origin * ${SIZE_CLASS_BYTES.length + 1} + first_class;
    last_line := origin * ${SIZE_CLASS_BYTES.length + 1} + last_class;
    last_due_at_ms := -9223372036854775808;
    last_head_id := 0;
    WHILE cardinality(picked) < most LOOP
      SELECT array_agg(id ORDER BY due_at_ms, head_id), max(due_at_ms),
          (array_agg(head_id ORDER BY due_at_ms DESC, head_id DESC))[1]
        INTO found_ids, last_due_at_ms, last_head_id
        FROM (SELECT * FROM (
        ${ARMS.join("\n        UNION ALL ")}
        ) arms ORDER BY due_at_ms, head_id LIMIT most) found;
      picked := picked || ARRAY(
        SELECT l.id FROM unnest(found_ids) WITH ORDINALITY f JOIN lanes l ON l.id = f.f
        WHERE l.due_at_ms <= now_ms AND (l.lease_until_ms IS NULL OR l.lease_until_ms <= now_ms)
          AND l.line BETWEEN first_line AND last_line AND l.size_bytes > over_bytes AND l.size_bytes <= up_to_bytes
        ORDER BY f.ordinality LIMIT most - cardinality(picked) FOR UPDATE OF l SKIP LOCKED);
      EXIT WHEN found_ids IS NULL OR cardinality(found_ids) < most;
    END LOOP;
  END LOOP;
  -- A lease that ran out is an attempt that nobody ended.
  UPDATE tasks t SET attempts = t.attempts + 1 FROM lanes l
    WHERE l.id = ANY (picked) AND l.lease_until_ms IS NOT NULL AND t.id = l.head_id;
  UPDATE lanes l SET lease_until_ms = until_ms, leased_to = claimer, fence = l.fence + 1 FROM unnest(picked) p(id)
    WHERE l.id = p.id;
  RETURN QUERY SELECT r.* FROM unnest(picked) WITH ORDINALITY p(id, place)
    JOIN lanes l ON l.id = p.id JOIN task_rows r ON r.id = l.head_id ORDER BY p.place;
END $$;
`;

/** Ends leases in one of four ways, each task once at most. Returns the ids of those that were held. */
const END = `
CREATE TYPE ending AS (id bigint, fence bigint, kind text, group_id integer, bytes bigint, replica_version_id text,
  next_try_at_ms bigint, failure text, started_at_ms bigint, ended_at_ms bigint);

CREATE FUNCTION end_leases(given_endings json) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  endings ending[] := ARRAY(SELECT g FROM json_populate_recordset(NULL::ending, given_endings) g);
  lane_ids bigint[];
BEGIN
  PERFORM lock_lanes(ARRAY(SELECT id FROM unnest(endings)));
  SELECT array_agg(g), array_agg(l.id) INTO endings, lane_ids
    FROM unnest(endings) g JOIN tasks t ON t.id = g.id
    JOIN lanes l ON l.id = t.lane_id AND l.head_id = g.id AND l.fence = g.fence AND l.lease_until_ms IS NOT NULL;
  INSERT INTO replicas
    SELECT l.bucket_id, l.key, t.version_id, l.destination_id, g.replica_version_id
    FROM unnest(endings) g JOIN tasks t ON t.id = g.id JOIN lanes l ON l.id = t.lane_id
    WHERE g.replica_version_id IS NOT NULL
    ON CONFLICT (bucket_id, key, version_id, destination_id)
      DO UPDATE SET replica_version_id = EXCLUDED.replica_version_id;
  WITH done AS (
    DELETE FROM tasks t USING unnest(endings) g WHERE t.id = g.id AND g.kind = 'complete'
    RETURNING t.group_id AS from_group, g.group_id AS to_group, t.size_bytes, g.bytes
  ), failed AS (
    UPDATE tasks t SET group_id = g.group_id, is_parked = g.kind = 'park', failure = g.failure,
      next_try_at_ms = coalesce(g.next_try_at_ms, t.next_try_at_ms), attempts = t.attempts + 1,
      first_attempt_at_ms = coalesce(t.first_attempt_at_ms, g.started_at_ms), last_attempt_at_ms = g.ended_at_ms
    FROM unnest(endings) g JOIN tasks was ON was.id = g.id
    WHERE t.id = g.id AND g.kind IN ('retryLater', 'park')
    RETURNING was.group_id AS from_group, g.group_id AS to_group, t.size_bytes
  ), changes(group_id, tasks, bytes, completed_tasks, completed_bytes) AS (
    SELECT from_group, -1, -size_bytes, 0, 0 FROM done
    UNION ALL SELECT to_group, 0, 0, 1, bytes FROM done
    UNION ALL SELECT from_group, -1, -size_bytes, 0, 0 FROM failed
    UNION ALL SELECT to_group, 1, size_bytes, 0, 0 FROM failed
  )
  ${countChanges("changes")};
  PERFORM settle(lane_ids, true);
  RETURN ARRAY(SELECT id FROM unnest(endings));
END $$;
`;

/** Extends leases; returns which are held, by their places in the lists. */
const RENEW = `
CREATE FUNCTION renew_leases(ids bigint[], fences bigint[], until_ms bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  held bigint[];
BEGIN
  PERFORM lock_lanes(ids);
  WITH renewed AS (
    UPDATE lanes l SET lease_until_ms = until_ms
    FROM unnest(ids, fences) WITH ORDINALITY g(id, fence, place) JOIN tasks t ON t.id = g.id
    WHERE l.id = t.lane_id AND l.head_id = g.id AND l.fence = g.fence AND l.lease_until_ms IS NOT NULL
    RETURNING g.place
  )
  SELECT coalesce(array_agg(place), '{}') INTO held FROM renewed;
  RETURN held;
END $$;

CREATE FUNCTION expire_leases(worker text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := ARRAY(SELECT id FROM lanes WHERE lease_until_ms IS NOT NULL AND leased_to = worker
    ORDER BY bucket_id, key, destination_id FOR UPDATE);
BEGIN
  UPDATE lanes SET lease_until_ms = 0
    WHERE id = ANY (lane_ids) AND lease_until_ms IS NOT NULL AND leased_to = worker;
  IF FOUND THEN ${NOTIFY}; END IF;
END $$;
`;

/** Changes by selection: of rows that were read before, those that are still as they were. Return how many. */
const REDRIVE_AND_DISCARD = `
CREATE FUNCTION redrive_tasks(ids bigint[], group_ids integer[], at_position bigint, now_ms bigint, to_origin smallint)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := lock_lanes(ids);
  redriven bigint;
BEGIN
  WITH moved AS (
    UPDATE tasks t SET is_parked = false, group_id = b.id, origin = coalesce(to_origin, t.origin),
      position = at_position, next_try_at_ms = now_ms, attempts = 0, first_attempt_at_ms = NULL,
      last_attempt_at_ms = NULL, redrives = t.redrives + 1
    FROM unnest(ids, group_ids) g(id, group_id) JOIN task_groups a ON a.id = g.group_id
    JOIN task_groups b ON b.bucket_id = a.bucket_id AND b.destination_id = a.destination_id AND b.rule_id = a.rule_id
      AND b.operation = a.operation AND NOT b.is_parked AND b.failure_code = a.failure_code
    WHERE t.id = g.id AND t.group_id = g.group_id AND t.is_parked
    RETURNING a.id AS from_group, b.id AS to_group, t.size_bytes
  ), changes(group_id, tasks, bytes, completed_tasks, completed_bytes) AS (
    SELECT from_group, -1, -size_bytes, 0, 0 FROM moved UNION ALL SELECT to_group, 1, size_bytes, 0, 0 FROM moved
  ), counted AS (
    ${countChanges("changes")}
  )
  SELECT count(*) INTO redriven FROM moved;
  PERFORM settle(lane_ids, false);
  RETURN redriven;
END $$;

CREATE FUNCTION discard_tasks(ids bigint[], group_ids integer[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := lock_lanes(ids);
  discarded bigint;
BEGIN
  WITH dropped AS (
    DELETE FROM tasks t USING unnest(ids, group_ids) g(id, group_id), lanes l
    WHERE t.id = g.id AND t.group_id = g.group_id AND l.id = t.lane_id
      AND NOT (l.head_id = t.id AND l.lease_until_ms IS NOT NULL)
    RETURNING t.group_id, t.size_bytes
  ), changes(group_id, tasks, bytes, completed_tasks, completed_bytes) AS (
    SELECT group_id, -1, -size_bytes, 0, 0 FROM dropped
  ), counted AS (
    ${countChanges("changes")}
  )
  SELECT count(*) INTO discarded FROM dropped;
  PERFORM settle(lane_ids, false);
  RETURN discarded;
END $$;
`;

/** The functions of format 1. */
export const FUNCTIONS_1 = LOCK + SETTLE + ADD + CLAIM + END + RENEW + REDRIVE_AND_DISCARD;
