/**
 * The tables of the distributed ledger, and the rules by which several machines change them at once.
 *
 * A row of `lanes` is one key at one destination, for as long as there are tasks of it. It is three things:
 * - the lane's *lock*: whoever adds, ends, moves or drops tasks of a lane holds its row first (`lock_lanes`, or the
 *   insert of `add_tasks`), and looks at the tasks only in a later statement, which sees all that was committed before;
 * - the lane's *head*: the one task that may be leased, when it is due, and the line in which it waits for workers;
 * - the head's *lease*, and the fence that grows with every lease of the lane.
 *
 * True for every lane whenever nobody holds its lock:
 * - there is a row for it if, and only if, there are tasks of it, parked ones included;
 * - `head_id` is null if all of them are parked; else it is the leased task or, without a lease, the oldest one by
 *   (`position`, `id`) that is not parked; `due_at_ms` and `size_bytes` are the head's;
 * - `line` is that of the most urgent origin among the tasks that are not parked.
 *
 * Nobody waits for a lock in a circle: lanes are locked in the order of (bucket, key, destination), then the counters in
 * the order of groups, in one statement; claims wait for no lane. No lock is held between two messages of a client, since
 * every change is one call of a function, so a machine that freezes holds up nobody.
 *
 * Counters of a group are spread over as many rows as `COUNT_SHARDS`, so that machines do not queue for one of them; a
 * row by itself may be negative, the sum is exact.
 */
import { SIZE_CLASS_BYTES } from "../ledger.ts";
import { FUNCTIONS_1 } from "./functions.ts";

/** What says that a schema is a ledger's. */
export const SCHEMA_MARK = "Lockstep ledger";

const TABLES = `
CREATE TABLE ledger (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  format integer NOT NULL,
  redrives bigint NOT NULL
);
COMMENT ON TABLE ledger IS '${SCHEMA_MARK}';
INSERT INTO ledger (format, redrives) VALUES (0, 0);

CREATE TABLE names (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text COLLATE "C" NOT NULL UNIQUE
);

CREATE TABLE task_groups (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bucket_id integer NOT NULL,
  destination_id integer NOT NULL,
  rule_id text COLLATE "C" NOT NULL,
  operation smallint NOT NULL,
  is_parked boolean NOT NULL,
  failure_code text COLLATE "C" NOT NULL,
  UNIQUE (bucket_id, destination_id, rule_id, operation, is_parked, failure_code)
);

CREATE TABLE group_counts (
  group_id integer NOT NULL,
  shard smallint NOT NULL,
  tasks bigint NOT NULL,
  bytes bigint NOT NULL,
  completed_tasks bigint NOT NULL,
  completed_bytes bigint NOT NULL,
  PRIMARY KEY (group_id, shard)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000);

CREATE TABLE lanes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  bucket_id integer NOT NULL,
  destination_id integer NOT NULL,
  key bytea NOT NULL,
  head_id bigint,
  line smallint,
  due_at_ms bigint,
  size_bytes bigint,
  fence bigint NOT NULL DEFAULT 0,
  lease_until_ms bigint,
  leased_to text,
  UNIQUE (bucket_id, key, destination_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX lanes_due ON lanes (line, due_at_ms, head_id) WHERE head_id IS NOT NULL AND lease_until_ms IS NULL;
CREATE INDEX lanes_leased ON lanes (lease_until_ms) WHERE lease_until_ms IS NOT NULL;

CREATE SEQUENCE task_ids AS bigint;
CREATE TABLE tasks (
  id bigint PRIMARY KEY,
  lane_id bigint NOT NULL,
  group_id integer NOT NULL,
  version_id text COLLATE "C" NOT NULL,
  operation smallint NOT NULL,
  is_parked boolean NOT NULL DEFAULT false,
  origin smallint NOT NULL,
  position bigint NOT NULL,
  size_bytes bigint NOT NULL,
  written_at_ms bigint NOT NULL,
  due_at_ms bigint NOT NULL,
  next_try_at_ms bigint NOT NULL,
  attempts integer NOT NULL DEFAULT 0,
  first_attempt_at_ms bigint,
  last_attempt_at_ms bigint,
  redrives integer NOT NULL DEFAULT 0,
  failure text
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000);
CREATE INDEX tasks_of_lane ON tasks (lane_id, origin, position, id) WHERE NOT is_parked;
CREATE INDEX tasks_of_version ON tasks (lane_id, version_id, id);
CREATE INDEX tasks_of_group ON tasks (group_id, written_at_ms, id);

CREATE TABLE replicas (
  bucket_id integer NOT NULL,
  key bytea NOT NULL,
  version_id text COLLATE "C" NOT NULL,
  destination_id integer NOT NULL,
  replica_version_id text NOT NULL,
  PRIMARY KEY (bucket_id, key, version_id, destination_id)
);

CREATE TABLE checkpoints (name text COLLATE "C" PRIMARY KEY, value text NOT NULL);

CREATE VIEW task_rows AS
SELECT t.id, t.lane_id, t.group_id, l.key, l.destination_id, t.version_id, t.is_parked, t.origin, t.size_bytes,
  t.written_at_ms, t.due_at_ms, t.next_try_at_ms, t.attempts, t.first_attempt_at_ms, t.last_attempt_at_ms, t.redrives,
  t.failure, l.fence,
  CASE WHEN l.head_id = t.id THEN l.lease_until_ms END AS lease_until_ms,
  CASE WHEN l.head_id = t.id THEN l.leased_to END AS leased_to
FROM tasks t JOIN lanes l ON l.id = t.lane_id;
`;

/** The line of a head, as `lineOf` counts it. */
const LINE_OF = `
CREATE FUNCTION line_of(origin smallint, size_bytes bigint) RETURNS smallint LANGUAGE sql IMMUTABLE RETURN
  origin * ${SIZE_CLASS_BYTES.length + 1} + CASE
${SIZE_CLASS_BYTES.map((upTo, index) => `    WHEN size_bytes <= ${upTo} THEN ${index}`).join("\n")}
    ELSE ${SIZE_CLASS_BYTES.length} END;
`;

/**
 * Only ever append: the position of a script, from 1, is the format that the schema has after it.
 *
 * A program refuses a schema of a format that it does not know. So to upgrade several machines: stop the programs, or
 * accept that the old ones end with that error once the first new one has started.
 */
export const MIGRATIONS: readonly string[] = [TABLES + LINE_OF + FUNCTIONS_1];
