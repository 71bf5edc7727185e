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

/** What says that a schema is a ledger's. */
export const SCHEMA_MARK = "Lockstep ledger";

const TABLES_1 = `
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

/** What `add_tasks` and `end_leases` are given. */
const TYPES_1 = `
CREATE TYPE new_lane AS (bucket_id integer, key text, destination_id integer, head integer, line smallint,
  due_at_ms bigint, size_bytes bigint);
CREATE TYPE new_task AS (lane integer, group_id integer, version_id text, operation smallint, rereads boolean,
  origin smallint, size_bytes bigint, written_at_ms bigint, due_at_ms bigint);
CREATE TYPE ending AS (id bigint, fence bigint, kind text, group_id integer, bytes bigint, replica_version_id text,
  next_try_at_ms bigint, failure text, started_at_ms bigint, ended_at_ms bigint);
`;

/**
 * Format 2: streams, jobs, notes and holds.
 *
 * `lanes_due` keeps the streams of a line apart, so that a claim steps over those that are left out. Counts of jobs are
 * spread as those of groups are. The view `task_rows` stays as it was, for programs of format 1 have prepared it.
 */
const TABLES_2 = `
ALTER TABLE tasks ADD COLUMN note text, ADD COLUMN job_id text COLLATE "C";
CREATE INDEX tasks_tried ON tasks (group_id, next_try_at_ms) WHERE attempts > 0 AND NOT is_parked;
CREATE INDEX tasks_of_job ON tasks (job_id, written_at_ms, id) WHERE job_id IS NOT NULL;
DROP INDEX lanes_due;
CREATE INDEX lanes_due ON lanes (line, bucket_id, destination_id, due_at_ms, head_id)
  WHERE head_id IS NOT NULL AND lease_until_ms IS NULL;

CREATE TABLE jobs (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  kind text NOT NULL,
  bucket text NOT NULL,
  created_at_ms bigint NOT NULL,
  request text NOT NULL,
  state text NOT NULL,
  position text,
  error text,
  ended_at_ms bigint,
  counts text NOT NULL DEFAULT '{}'
);
CREATE TABLE job_counts (
  job_id text COLLATE "C" NOT NULL,
  shard smallint NOT NULL,
  open bigint NOT NULL,
  completed bigint NOT NULL,
  failed bigint NOT NULL,
  PRIMARY KEY (job_id, shard)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000);

CREATE TABLE holds (name text COLLATE "C" PRIMARY KEY, holder text NOT NULL, until_ms bigint NOT NULL);

CREATE VIEW shown_tasks AS
SELECT r.*, t.note, t.job_id FROM task_rows r JOIN tasks t ON t.id = r.id;

ALTER TYPE new_task ADD ATTRIBUTE job_id text;
CREATE TYPE stream_limit AS (bucket_id integer, destination_id integer, at_most bigint, held bigint);
CREATE TYPE due_lane AS (id bigint, line smallint, bucket_id integer, destination_id integer, due_at_ms bigint,
  head_id bigint);
CREATE TYPE open_stream AS (bucket_id integer, destination_id integer, stands bigint, at_most bigint);
`;

/** Format 3: tallies of what has ended, by group and class (see `../tallies.ts`), spread as counts are. */
const TABLES_3 = `
CREATE TABLE tallies (
  group_id integer NOT NULL,
  class smallint NOT NULL,
  shard smallint NOT NULL,
  tasks bigint NOT NULL,
  lag_ms bigint NOT NULL,
  PRIMARY KEY (group_id, class, shard)
) WITH (fillfactor = 20, autovacuum_vacuum_threshold = 1000);
`;

/**
 * Only ever append: the position of a script, from 1, is the format that the schema has after it. After the last of them
 * come the functions, all of them made anew.
 *
 * A program refuses a schema of a format that it does not know, when it starts and on every connection that it makes.
 * One of format 1 that runs while a newer one upgrades the schema gets no more work, because its `claim` and `redrive`
 * are not there any more: it ends with a DatabaseError that tells to upgrade it. On the connections that it has it
 * may still end the tasks that it holds. One of format 2 goes on until it makes a new connection, and tallies no lag. So machines are upgraded one after another: start the new program on one, and
 * then on those that ended.
 */
export const MIGRATIONS: readonly string[] = [TABLES_1 + TYPES_1 + LINE_OF, TABLES_2, TABLES_3];
