/**
 * The functions of the distributed ledger: every change is one call of one of them, and so one transaction and one
 * message. What they keep true is told in `schema.ts`.
 *
 * They are PL/pgSQL because each statement of such a function sees what was committed before that statement began; in one
 * SQL statement the look at a lane would be older than the lock on it. They run at READ COMMITTED.
 */

import { SIZE_CLASS_BYTES } from "../ledger.ts";
import { COUNT_SHARDS, countChanges } from "./count-changes.ts";
import { REPARK } from "./repark.ts";
import { addTallies } from "./tallies.ts";

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
CREATE OR REPLACE FUNCTION add_tasks(given_lanes json, given_tasks json, OUT ids bigint[], OUT added bigint[])
LANGUAGE plpgsql AS $$
DECLARE
  new_lanes new_lane[] := ARRAY(SELECT g FROM json_populate_recordset(NULL::new_lane, given_lanes) g);
  new_tasks new_task[] := ARRAY(SELECT g FROM json_populate_recordset(NULL::new_task, given_tasks) g);
  lane_ids bigint[];
  old_lanes bigint[];
  left_jobs text[];
  met_jobs text[];
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
    WITH moved AS (
      UPDATE tasks SET job_id = g.job_id
      FROM unnest(new_tasks) g, tasks t JOIN lanes l ON l.id = t.lane_id
      WHERE tasks.id = t.id AND ${SAME_TASK} AND ${COVERS}
        AND g.job_id IS NOT NULL AND g.job_id IS DISTINCT FROM t.job_id
      RETURNING t.job_id AS from_job, g.job_id AS to_job
    )
    SELECT array_agg(from_job), array_agg(to_job) INTO left_jobs, met_jobs FROM moved;
  END IF;
  WITH came AS (
    INSERT INTO tasks (id, lane_id, group_id, version_id, operation, origin, position, size_bytes, written_at_ms,
      due_at_ms, next_try_at_ms, job_id)
    SELECT ids[g.ordinality], lane_ids[g.lane], g.group_id, g.version_id, g.operation, g.origin,
      (SELECT redrives FROM ledger), g.size_bytes, g.written_at_ms, g.due_at_ms, g.due_at_ms, g.job_id
    FROM unnest(new_tasks) WITH ORDINALITY g
    WHERE NOT EXISTS (
      SELECT FROM tasks t JOIN lanes l ON l.id = t.lane_id WHERE ${SAME_TASK} AND (t.is_parked OR (${COVERS})))
    RETURNING id, group_id, size_bytes, job_id
  ), counted AS (
    ${countChanges("(SELECT group_id, 1 AS tasks, size_bytes AS bytes, 0 AS completed_tasks, 0 AS completed_bytes FROM came) x")}
  )
  SELECT coalesce(array_agg(id), '{}'), met_jobs || array_agg(job_id) INTO added, met_jobs FROM came;
  PERFORM count_jobs(left_jobs || met_jobs,
    array_fill(-1, ARRAY[coalesce(cardinality(left_jobs), 0)]) || array_fill(1, ARRAY[coalesce(cardinality(met_jobs), 0)]),
    '{}', '{}');
  PERFORM settle(old_lanes, false);
  IF old_lanes IS NULL OR cardinality(old_lanes) < cardinality(lane_ids) THEN ${NOTIFY}; END IF;
END $$;
`;

/** Locks the lanes of tasks, in the one order; of tasks that are gone there is nothing to lock. */
const LOCK = `
CREATE OR REPLACE FUNCTION lock_lanes(task_ids bigint[]) RETURNS bigint[] LANGUAGE plpgsql AS $$
BEGIN
  RETURN ARRAY(SELECT l.id FROM lanes l WHERE l.id IN (SELECT t.lane_id FROM tasks t WHERE t.id = ANY (task_ids))
    ORDER BY l.bucket_id, l.key, l.destination_id FOR UPDATE OF l);
END $$;
`;

/** Puts lanes in order whose locks are held and whose tasks have changed; with `ending` their leases end. */
const SETTLE = `
CREATE OR REPLACE FUNCTION settle(touched bigint[], ending boolean) RETURNS void LANGUAGE plpgsql AS $$
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

/** Lanes that wait for workers, stream by stream within a line: the rows of the index `lanes_due`. */
const FREE = "head_id IS NOT NULL AND lease_until_ms IS NULL";
const FITS = "size_bytes > over_bytes AND size_bytes <= up_to_bytes";

/**
 * The first rows of an index are read one by one, however few the planner believes there to be: it would otherwise read
 * and sort all rows of a stream where it knows no better.
 */
const IN_ORDER = "SET enable_bitmapscan = off SET enable_seqscan = off SET jit = off";

/** Of each line and stream the lane that is due first: one seek each, whatever stands behind it. */
const HEADS = `
CREATE OR REPLACE FUNCTION due_heads(first_line integer, last_line integer, over_bytes bigint, up_to_bytes bigint)
RETURNS TABLE (line smallint, bucket_id integer, destination_id integer, due_at_ms bigint)
LANGUAGE plpgsql STABLE ${IN_ORDER} AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY WITH RECURSIVE heads AS (
    (SELECT line, bucket_id, destination_id, due_at_ms FROM lanes
     WHERE ${FREE} AND line BETWEEN first_line AND last_line AND ${FITS}
     ORDER BY line, bucket_id, destination_id, due_at_ms LIMIT 1)
    UNION ALL
    SELECT next.* FROM heads h CROSS JOIN LATERAL (
      SELECT line, bucket_id, destination_id, due_at_ms FROM lanes
      WHERE ${FREE} AND line <= last_line AND ${FITS}
        AND (line, bucket_id, destination_id) > (h.line, h.bucket_id, h.destination_id)
      ORDER BY line, bucket_id, destination_id, due_at_ms LIMIT 1) next
  )
  SELECT * FROM heads;
END $$;
`;

/** One of the orders in which the lanes of a stream wait. */
function waitingLanes(condition: string, lanes = `lanes WHERE ${FITS}`): string {
  return `(SELECT id, due_at_ms, head_id FROM ${lanes}
              AND ${condition} AND bucket_id = o.bucket_id AND destination_id = o.destination_id
              AND due_at_ms <= now_ms AND id <> ALL (seen)
            ORDER BY due_at_ms, head_id LIMIT wanted)`;
}

const ARMS = [
  ...[undefined, ...SIZE_CLASS_BYTES].map((_, index) =>
    waitingLanes(`${FREE} AND line = first_line + ${index} AND line <= last_line`),
  ),
  waitingLanes("line BETWEEN first_line AND last_line", "unnest(expired) WHERE true"),
];

/**
 * Leases heads of lanes. Of each origin the streams take turns: a lane's rank is how many of its stream are held or go
 * before it. Of every stream as many lanes are looked at as it may come to give; where one may have more than that,
 * only ranks before its next lane are decided, and the rest in another round. What somebody else has locked is passed
 * over, and makes another round, too.
 */
const CLAIM = `
DROP FUNCTION IF EXISTS claim_tasks(text, integer, bigint, bigint, bigint, bigint, integer, integer);
CREATE OR REPLACE FUNCTION claim_tasks(claimer text, most integer, now_ms bigint, until_ms bigint, over_bytes bigint,
  up_to_bytes bigint, first_class integer, last_class integer, given_limits json)
RETURNS SETOF shown_tasks LANGUAGE plpgsql ${IN_ORDER} AS $$
DECLARE
  limits stream_limit[] := ARRAY(SELECT g FROM json_populate_recordset(NULL::stream_limit, given_limits) g);
  picked bigint[] := '{}';
  seen bigint[] := '{}';
  -- Leases that ran out: never more than workers have held.
  expired due_lane[] := ARRAY(SELECT (id, line, bucket_id, destination_id, due_at_ms, head_id)::due_lane FROM lanes
    WHERE lease_until_ms <= now_ms AND ${FITS});
  found_ids bigint[];
  first_line integer;
  last_line integer;
  open_streams open_stream[];
  wanted integer;
BEGIN
  FOR origin IN 0..2 LOOP
    first_line := origin * ${SIZE_CLASS_BYTES.length + 1} + first_class;
    last_line := origin * ${SIZE_CLASS_BYTES.length + 1} + last_class;
    WHILE cardinality(picked) < most LOOP
      open_streams := ARRAY(
        SELECT (s.bucket_id, s.destination_id, coalesce(g.held, 0) + coalesce(t.taken, 0),
            least(coalesce(g.at_most, most) - coalesce(t.taken, 0), most - cardinality(picked)))::open_stream
        FROM (
          SELECT h.bucket_id, h.destination_id FROM due_heads(first_line, last_line, over_bytes, up_to_bytes) h
          WHERE h.due_at_ms <= now_ms
          UNION
          SELECT e.bucket_id, e.destination_id FROM unnest(expired) e
          WHERE e.line BETWEEN first_line AND last_line AND e.due_at_ms <= now_ms
        ) s
        LEFT JOIN unnest(limits) g ON g.bucket_id = s.bucket_id AND g.destination_id = s.destination_id
        LEFT JOIN (
          SELECT l.bucket_id, l.destination_id, count(*) AS taken FROM lanes l WHERE l.id = ANY (picked) GROUP BY 1, 2
        ) t ON t.bucket_id = s.bucket_id AND t.destination_id = s.destination_id
        WHERE coalesce(g.at_most, most) > coalesce(t.taken, 0));
      EXIT WHEN cardinality(open_streams) = 0;
      wanted := (most - cardinality(picked)) / cardinality(open_streams) + 1;
      WITH candidates AS (
        SELECT c.id, c.due_at_ms, c.head_id, o.stands + c.nth AS rank,
          CASE WHEN c.nth + 1 = wanted AND wanted < o.at_most THEN o.stands + wanted END AS undecided_rank
        FROM unnest(open_streams) o CROSS JOIN LATERAL (
          SELECT id, due_at_ms, head_id, row_number() OVER (ORDER BY due_at_ms, head_id) - 1 AS nth
          FROM (SELECT * FROM (
            ${ARMS.join("\n            UNION ALL ")}
          ) arms ORDER BY due_at_ms, head_id LIMIT least(wanted, o.at_most)) first_ones
        ) c
      )
      SELECT array_agg(id ORDER BY rank, due_at_ms, head_id) INTO found_ids FROM (
        SELECT * FROM candidates
        WHERE rank < coalesce((SELECT min(undecided_rank) FROM candidates), 2147483647)
        ORDER BY rank, due_at_ms, head_id LIMIT most - cardinality(picked)
      ) decided;
      EXIT WHEN found_ids IS NULL;
      picked := picked || ARRAY(
        SELECT l.id FROM unnest(found_ids) WITH ORDINALITY f JOIN lanes l ON l.id = f.f
        WHERE l.due_at_ms <= now_ms AND (l.lease_until_ms IS NULL OR l.lease_until_ms <= now_ms)
          AND l.line BETWEEN first_line AND last_line AND l.size_bytes > over_bytes AND l.size_bytes <= up_to_bytes
        ORDER BY f.ordinality FOR UPDATE OF l SKIP LOCKED);
      seen := seen || found_ids;
    END LOOP;
  END LOOP;
  -- A lease that ran out is an attempt that nobody ended.
  UPDATE tasks t SET attempts = t.attempts + 1 FROM lanes l
    WHERE l.id = ANY (picked) AND l.lease_until_ms IS NOT NULL AND t.id = l.head_id;
  UPDATE lanes l SET lease_until_ms = until_ms, leased_to = claimer, fence = l.fence + 1 FROM unnest(picked) p(id)
    WHERE l.id = p.id;
  RETURN QUERY SELECT r.* FROM unnest(picked) WITH ORDINALITY p(id, place)
    JOIN lanes l ON l.id = p.id JOIN shown_tasks r ON r.id = l.head_id ORDER BY p.place;
END $$;
`;

/** Ends leases in one of four ways, each task once at most. Returns the ids of those that were held. */
const END = `
CREATE OR REPLACE FUNCTION end_leases(given_endings json) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
  endings ending[] := ARRAY(SELECT g FROM json_populate_recordset(NULL::ending, given_endings) g);
  lane_ids bigint[];
  job_ids text[];
BEGIN
  PERFORM lock_lanes(ARRAY(SELECT id FROM unnest(endings)));
  SELECT array_agg(g), array_agg(l.id), array_agg(t.job_id) INTO endings, lane_ids, job_ids
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
    RETURNING t.group_id AS from_group, g.group_id AS to_group, t.size_bytes, g.bytes, t.origin, t.operation,
      g.ended_at_ms - t.written_at_ms AS lag_ms
  ), failed AS (
    UPDATE tasks t SET group_id = g.group_id, is_parked = g.kind = 'park', failure = g.failure,
      next_try_at_ms = coalesce(g.next_try_at_ms, t.next_try_at_ms), attempts = t.attempts + 1,
      first_attempt_at_ms = coalesce(t.first_attempt_at_ms, g.started_at_ms), last_attempt_at_ms = g.ended_at_ms,
      note = CASE WHEN g.kind <> 'park' THEN t.note END
    FROM unnest(endings) g JOIN tasks was ON was.id = g.id
    WHERE t.id = g.id AND g.kind IN ('retryLater', 'park')
    RETURNING was.group_id AS from_group, g.group_id AS to_group, t.size_bytes
  ), changes(group_id, tasks, bytes, completed_tasks, completed_bytes) AS (
    SELECT from_group, -1, -size_bytes, 0, 0 FROM done
    UNION ALL SELECT to_group, 0, 0, 1, bytes FROM done
    UNION ALL SELECT from_group, -1, -size_bytes, 0, 0 FROM failed
    UNION ALL SELECT to_group, 1, size_bytes, 0, 0 FROM failed
  ), tallied AS (
    ${addTallies("done", "failed")}
  )
  ${countChanges("changes")};
  PERFORM count_jobs(job_ids,
    ARRAY(SELECT CASE WHEN kind IN ('complete', 'park') THEN -1 ELSE 0 END FROM unnest(endings)),
    ARRAY(SELECT (kind = 'complete')::integer FROM unnest(endings)),
    ARRAY(SELECT (kind = 'park')::integer FROM unnest(endings)));
  PERFORM settle(lane_ids, true);
  RETURN ARRAY(SELECT id FROM unnest(endings));
END $$;
`;

/** Extends leases; returns which are held, by their places in the lists. */
const RENEW = `
CREATE OR REPLACE FUNCTION renew_leases(ids bigint[], fences bigint[], until_ms bigint) RETURNS bigint[] LANGUAGE plpgsql AS $$
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

CREATE OR REPLACE FUNCTION expire_leases(worker text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := ARRAY(SELECT id FROM lanes WHERE lease_until_ms IS NOT NULL AND leased_to = worker
    ORDER BY bucket_id, key, destination_id FOR UPDATE);
BEGIN
  UPDATE lanes SET lease_until_ms = 0
    WHERE id = ANY (lane_ids) AND lease_until_ms IS NOT NULL AND leased_to = worker;
  IF FOUND THEN ${NOTIFY}; END IF;
END $$;
`;

/** Keeps a text with a leased task. */
const NOTE = `
CREATE OR REPLACE FUNCTION note_task(task_id bigint, held_fence bigint, new_note text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM lock_lanes(ARRAY[task_id]);
  UPDATE tasks t SET note = new_note FROM lanes l
    WHERE t.id = task_id AND l.id = t.lane_id AND l.head_id = t.id AND l.fence = held_fence
      AND l.lease_until_ms IS NOT NULL;
  RETURN FOUND;
END $$;
`;

/** Adds to the counts of jobs that are there, each list one number for each of the first list; missing ones are 0. */
const COUNT_JOBS = `
CREATE OR REPLACE FUNCTION count_jobs(job_ids text[], opened integer[], completed integer[], failed integer[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF array_remove(job_ids, NULL) IS NULL OR cardinality(array_remove(job_ids, NULL)) = 0 THEN RETURN; END IF;
  INSERT INTO job_counts AS c
    SELECT u.job_id, pg_backend_pid() % ${COUNT_SHARDS}, coalesce(sum(u.opened), 0), coalesce(sum(u.completed), 0),
      coalesce(sum(u.failed), 0)
    FROM unnest(job_ids, opened, completed, failed) u(job_id, opened, completed, failed) JOIN jobs j ON j.id = u.job_id
    GROUP BY u.job_id ORDER BY u.job_id
    ON CONFLICT (job_id, shard) DO UPDATE SET open = c.open + EXCLUDED.open, completed = c.completed + EXCLUDED.completed,
      failed = c.failed + EXCLUDED.failed;
END $$;
`;

/** Makes tasks that wait for another try due now: those of the list that still do. Returns how many. */
const HURRY = `
CREATE OR REPLACE FUNCTION hurry_tasks(ids bigint[], now_ms bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := lock_lanes(ids);
  hurried bigint;
BEGIN
  WITH changed AS (
    UPDATE tasks t SET next_try_at_ms = now_ms FROM lanes l
    WHERE t.id = ANY (ids) AND l.id = t.lane_id AND t.attempts > 0 AND NOT t.is_parked AND t.next_try_at_ms > now_ms
      AND NOT (l.head_id = t.id AND l.lease_until_ms IS NOT NULL)
    RETURNING t.id
  )
  SELECT count(*) INTO hurried FROM changed;
  PERFORM settle(lane_ids, false);
  RETURN hurried;
END $$;
`;

/** Changes by selection: of rows that were read before, those that are still as they were. Return how many. */
const REDRIVE_AND_DISCARD = `
DROP FUNCTION IF EXISTS redrive_tasks(bigint[], integer[], bigint, bigint, smallint);
CREATE OR REPLACE FUNCTION redrive_tasks(ids bigint[], group_ids integer[], at_position bigint, now_ms bigint,
  to_origin smallint, to_job text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := lock_lanes(ids);
  redriven bigint;
  job_ids text[];
BEGIN
  WITH moved AS (
    UPDATE tasks t SET is_parked = false, group_id = b.id, origin = coalesce(to_origin, t.origin),
      job_id = coalesce(to_job, t.job_id),
      position = at_position, next_try_at_ms = now_ms, attempts = 0, first_attempt_at_ms = NULL,
      last_attempt_at_ms = NULL, redrives = t.redrives + 1
    FROM unnest(ids, group_ids) g(id, group_id) JOIN task_groups a ON a.id = g.group_id
    JOIN task_groups b ON b.bucket_id = a.bucket_id AND b.destination_id = a.destination_id AND b.rule_id = a.rule_id
      AND b.operation = a.operation AND NOT b.is_parked AND b.failure_code = a.failure_code
    WHERE t.id = g.id AND t.group_id = g.group_id AND t.is_parked
    RETURNING a.id AS from_group, b.id AS to_group, t.size_bytes, t.job_id
  ), changes(group_id, tasks, bytes, completed_tasks, completed_bytes) AS (
    SELECT from_group, -1, -size_bytes, 0, 0 FROM moved UNION ALL SELECT to_group, 1, size_bytes, 0, 0 FROM moved
  ), counted AS (
    ${countChanges("changes")}
  )
  SELECT count(*), array_agg(job_id) INTO redriven, job_ids FROM moved;
  PERFORM count_jobs(job_ids, array_fill(1, ARRAY[redriven::integer]), '{}', '{}');
  PERFORM settle(lane_ids, false);
  RETURN redriven;
END $$;

CREATE OR REPLACE FUNCTION discard_tasks(ids bigint[], group_ids integer[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  lane_ids bigint[] := lock_lanes(ids);
  discarded bigint;
  job_ids text[];
BEGIN
  WITH dropped AS (
    DELETE FROM tasks t USING unnest(ids, group_ids) g(id, group_id), lanes l
    WHERE t.id = g.id AND t.group_id = g.group_id AND l.id = t.lane_id
      AND NOT (l.head_id = t.id AND l.lease_until_ms IS NOT NULL)
    RETURNING t.group_id, t.size_bytes, t.is_parked, t.job_id
  ), changes(group_id, tasks, bytes, completed_tasks, completed_bytes) AS (
    SELECT group_id, -1, -size_bytes, 0, 0 FROM dropped
  ), counted AS (
    ${countChanges("changes")}
  )
  SELECT count(*), array_agg(job_id) FILTER (WHERE NOT is_parked) INTO discarded, job_ids FROM dropped;
  PERFORM count_jobs(job_ids, array_fill(-1, ARRAY[coalesce(cardinality(job_ids), 0)]), '{}', '{}');
  PERFORM settle(lane_ids, false);
  RETURN discarded;
END $$;
`;

/** All functions, those of an older format replaced. */
export const FUNCTIONS =
  LOCK + SETTLE + COUNT_JOBS + ADD + HEADS + CLAIM + END + RENEW + NOTE + HURRY + REDRIVE_AND_DISCARD + REPARK;
