/**
 * The tables of the embedded ledger. The numbers that stand for words in them are in `../words.ts`.
 *
 * Every question has its index: what is due (`tasks_due`), whose lease ends (`tasks_leased`), what was tried and waits
 * (`tasks_tried`), what belongs to a lane or a key (`tasks_first`, `tasks_behind`, `tasks_behind_version`,
 * `tasks_parked`), to a group (`tasks_of_group`) or to a job (`tasks_of_job`). They are partial, so that most rows are in
 * three of them only. Only the first row of a lane can be due: rows that must wait for another cost a claim nothing.
 */
/** "LSle" in ASCII. */
export const APPLICATION_ID = 0x4c536c65;

/** The column `place`: where a row stands in its lane. Only the first one can be leased. */
export const FIRST = 0;
export const BEHIND = 1;
export const PARKED = 2;

/** A lease is a pair of columns, not a place, so that to claim a row is no change for the indexes of its lane. */
export const LEASED = "lease_until_ms IS NOT NULL";
export const CLAIMABLE = `place = ${FIRST} AND lease_until_ms IS NULL`;
/** Waits for another try. */
export const TRIED = `attempts > 0 AND place <> ${PARKED} AND lease_until_ms IS NULL`;

/**
 * Version 1 of the file.
 *
 * - `key` is a BLOB: UTF-8 as it is, ordered by its bytes, U+0000 included.
 * - `position` orders a lane, and `id` within one position. It is the number of redrives that the ledger had seen when
 *   the row got its place, so that what is redriven comes behind all that was there.
 * - `line` of the first row of a lane is its size class × the most urgent origin in its lane (see `lineOf`): claims read
 *   the lines one by one, in order of `next_try_at_ms`. Of other rows it means nothing.
 * - `task_groups` counts its rows by itself; every change of a row changes it in the same transaction. There is one
 *   group for each bucket, destination, rule, operation, parked or not, and code of the last failure ("" for none).
 *   A group that is not parked and has no code also counts what was completed.
 */
const VERSION_1 = `
CREATE TABLE ledger (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  next_id INTEGER NOT NULL,
  redrives INTEGER NOT NULL
) STRICT;
INSERT INTO ledger VALUES (1, 1, 0);

CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE task_groups (
  id INTEGER PRIMARY KEY,
  bucket_id INTEGER NOT NULL REFERENCES names,
  destination_id INTEGER NOT NULL REFERENCES names,
  rule_id TEXT NOT NULL,
  operation INTEGER NOT NULL,
  parked INTEGER NOT NULL,
  failure_code TEXT NOT NULL,
  tasks INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  completed_tasks INTEGER NOT NULL DEFAULT 0,
  completed_bytes INTEGER NOT NULL DEFAULT 0,
  UNIQUE (bucket_id, destination_id, rule_id, operation, parked, failure_code)
) STRICT;

CREATE TABLE tasks (
  id INTEGER PRIMARY KEY,
  group_id INTEGER NOT NULL,
  bucket_id INTEGER NOT NULL,
  destination_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  version_id TEXT NOT NULL,
  operation INTEGER NOT NULL,
  place INTEGER NOT NULL,
  origin INTEGER NOT NULL,
  line INTEGER NOT NULL,
  position INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  written_at_ms INTEGER NOT NULL,
  due_at_ms INTEGER NOT NULL,
  next_try_at_ms INTEGER NOT NULL,
  fence INTEGER NOT NULL DEFAULT 0,
  lease_until_ms INTEGER,
  leased_to TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  first_attempt_at_ms INTEGER,
  last_attempt_at_ms INTEGER,
  redrives INTEGER NOT NULL DEFAULT 0,
  failure TEXT
) STRICT;
CREATE INDEX tasks_due ON tasks (line, next_try_at_ms) WHERE ${CLAIMABLE};
CREATE UNIQUE INDEX tasks_first ON tasks (bucket_id, key, destination_id) WHERE place = ${FIRST};
CREATE INDEX tasks_behind ON tasks (bucket_id, key, destination_id, origin, position) WHERE place = ${BEHIND};
CREATE INDEX tasks_behind_version ON tasks (bucket_id, key, destination_id, version_id) WHERE place = ${BEHIND};
CREATE INDEX tasks_parked ON tasks (bucket_id, key, destination_id, version_id) WHERE place = ${PARKED};
CREATE INDEX tasks_leased ON tasks (lease_until_ms) WHERE ${LEASED};
CREATE INDEX tasks_of_group ON tasks (group_id, written_at_ms);

CREATE TABLE replicas (
  bucket_id INTEGER NOT NULL,
  key BLOB NOT NULL,
  version_id TEXT NOT NULL,
  destination_id INTEGER NOT NULL,
  replica_version_id TEXT NOT NULL,
  PRIMARY KEY (bucket_id, key, version_id, destination_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
`;

/**
 * Version 2: streams, jobs, notes and holds.
 *
 * - `tasks_due` keeps the streams of a line apart, so that a claim steps over those that are left out, however many rows
 *   they have.
 * - `jobs` counts its tasks by itself, in the transaction of each change. A task names its job by its id; the row of a job
 *   may be gone before its last task is.
 */
const VERSION_2 = `
ALTER TABLE tasks ADD COLUMN note TEXT;
ALTER TABLE tasks ADD COLUMN job_id TEXT;
DROP INDEX tasks_due;
CREATE INDEX tasks_due ON tasks (line, bucket_id, destination_id, next_try_at_ms) WHERE ${CLAIMABLE};
CREATE INDEX tasks_tried ON tasks (bucket_id, destination_id, next_try_at_ms) WHERE ${TRIED};
CREATE INDEX tasks_of_job ON tasks (job_id, written_at_ms) WHERE job_id IS NOT NULL;

CREATE TABLE jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  bucket TEXT NOT NULL,
  created_at_ms INTEGER NOT NULL,
  request TEXT NOT NULL,
  state TEXT NOT NULL,
  position TEXT,
  error TEXT,
  ended_at_ms INTEGER,
  open INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  counts TEXT NOT NULL DEFAULT '{}'
) STRICT;

CREATE TABLE holds (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Version 3: tallies of what has ended, one row for each group and class (see `../tallies.ts`). */
const VERSION_3 = `
CREATE TABLE tallies (
  group_id INTEGER NOT NULL,
  class INTEGER NOT NULL,
  tasks INTEGER NOT NULL,
  lag_ms INTEGER NOT NULL,
  PRIMARY KEY (group_id, class)
) STRICT, WITHOUT ROWID;
`;

/** Only ever append: the position of a script is the version of the file. */
export const MIGRATIONS = [VERSION_1, VERSION_2, VERSION_3];
