/** Rows come in, are redriven, are dropped: changes that no worker's lease is needed for. */
import { assert } from "../../core/assert.ts";
import type { Connection, Row } from "../database.ts";
import type { NewTask, RedriveAs, TaskRow } from "../ledger.ts";
import { freshGroupOf, groupOfRow } from "../task-group.ts";
import { encodeKey, lineOf, OPERATIONS, ORIGINS, READS_STATE } from "../words.ts";
import { changeGroup, type Groups } from "./groups.ts";
import { changeJobCounts } from "./jobs.ts";
import { firstOf, isLeased, type Lane, settle } from "./lanes.ts";
import { BEHIND, FIRST, PARKED } from "./schema.ts";

/** Adds the tasks that are not there; their groups are. Returns how many. */
export function addTasks(connection: Connection, groups: Groups, tasks: readonly NewTask[]): number {
  const place = connection
    .prepare("UPDATE ledger SET next_id = next_id + ? RETURNING next_id - ? AS id, redrives")
    .get(tasks.length, tasks.length);
  assert(place !== undefined, "the ledger has its row");
  let id = Number(place["id"]);
  const position = Number(place["redrives"]);
  const sums = new Map<number, { tasks: number; bytes: number }>();
  let added = 0;
  for (const task of tasks) {
    const group = groups.stored(freshGroupOf(task));
    const lane = { bucketId: group.bucketId, key: encodeKey(task.version.key), destinationId: group.destinationId };
    if (!addTask(connection, { task, lane, id: id++, groupId: group.id, position })) continue;
    const sum = sums.get(group.id) ?? { tasks: 0, bytes: 0 };
    sums.set(group.id, { tasks: sum.tasks + 1, bytes: sum.bytes + task.sizeBytes });
    added++;
  }
  for (const [groupId, sum] of sums) changeGroup(connection, groupId, sum);
  return added;
}

interface Addition {
  readonly task: NewTask;
  readonly lane: Lane;
  readonly id: number;
  readonly groupId: number;
  readonly position: number;
}

function addTask(connection: Connection, addition: Addition): boolean {
  // Of most keys there is nothing: then this is all that there is to do.
  if (insert(connection, addition, FIRST)) return true;
  const first = firstOf(connection, addition.lane);
  if (first !== undefined && isCovered(connection, addition, first)) {
    makeUrgent(connection, addition);
    if (addition.task.jobId !== undefined) moveToJob(connection, addition, addition.task.jobId);
    settle(connection, addition.lane);
    return false;
  }
  if (isThere(connection, addition, PARKED)) return false;
  insert(connection, addition, BEHIND);
  settle(connection, addition.lane);
  return true;
}

/** Whether a row that waits or is leased will do what the task asks for. */
function isCovered(connection: Connection, addition: Addition, first: Row): boolean {
  const { task } = addition;
  const isFirst =
    first["version_id"] === task.version.versionId && first["operation"] === OPERATIONS.indexOf(task.operation);
  const mayHaveReadBefore = isLeased(first) && READS_STATE.has(task.operation);
  return (isFirst && !mayHaveReadBefore) || isThere(connection, addition, BEHIND);
}

function isThere(connection: Connection, addition: Addition, place: typeof PARKED | typeof BEHIND): boolean {
  const found = connection
    .prepare(`SELECT 1 FROM tasks WHERE place = ${place} AND ${SAME_TASK}`)
    .get(...sameTask(addition));
  return found !== undefined;
}

function makeUrgent(connection: Connection, addition: Addition): void {
  const origin = ORIGINS.indexOf(addition.task.origin);
  for (const place of [FIRST, BEHIND]) {
    connection
      .prepare(`UPDATE tasks SET origin = ?6 WHERE place = ${place} AND ${SAME_TASK} AND origin > ?6`)
      .run(...sameTask(addition), origin);
  }
}

/** A task that a job asks for is that job's from now on, but one that may have read the source before. */
function moveToJob(connection: Connection, addition: Addition, jobId: string): void {
  const covering = READS_STATE.has(addition.task.operation) ? "lease_until_ms IS NULL" : "true";
  for (const place of [FIRST, BEHIND]) {
    const rows = connection
      .prepare(
        `SELECT id, job_id FROM tasks WHERE place = ${place} AND ${SAME_TASK} AND job_id IS NOT ?6 AND ${covering}`,
      )
      .all(...sameTask(addition), jobId);
    for (const row of rows) {
      connection.prepare("UPDATE tasks SET job_id = ? WHERE id = ?").run(jobId, Number(row["id"]));
      changeJobCounts(connection, row["job_id"], { open: -1 });
      changeJobCounts(connection, jobId, { open: 1 });
    }
  }
}

const SAME_TASK = "bucket_id = ?1 AND key = ?2 AND destination_id = ?3 AND version_id = ?4 AND operation = ?5";

function sameTask({ task, lane }: Addition): [number, Uint8Array, number, string, number] {
  return [lane.bucketId, lane.key, lane.destinationId, task.version.versionId, OPERATIONS.indexOf(task.operation)];
}

const INSERT = `INSERT INTO tasks (id, group_id, bucket_id, destination_id, key, version_id, operation, place, origin, line,
     position, size_bytes, written_at_ms, due_at_ms, next_try_at_ms, job_id)
   SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14, ?15
   WHERE NOT EXISTS (
     SELECT 1 FROM tasks WHERE place = ${PARKED} AND bucket_id = ?3 AND key = ?5 AND destination_id = ?4
       AND version_id = ?6 AND operation = ?7)
   ON CONFLICT (bucket_id, key, destination_id) WHERE place = ${FIRST} DO NOTHING`;

/** False when the same task is parked or, for a first row, when the lane has one. */
function insert(connection: Connection, addition: Addition, place: typeof FIRST | typeof BEHIND): boolean {
  const { task, lane } = addition;
  const origin = ORIGINS.indexOf(task.origin);
  const { changes } = connection
    .prepare(INSERT)
    .run(
      addition.id,
      addition.groupId,
      lane.bucketId,
      lane.destinationId,
      lane.key,
      task.version.versionId,
      OPERATIONS.indexOf(task.operation),
      place,
      origin,
      lineOf(origin, task.sizeBytes),
      addition.position,
      task.sizeBytes,
      task.writtenAtMs,
      task.dueAtMs,
      task.jobId ?? null,
    );
  if (changes === 1) changeJobCounts(connection, task.jobId, { open: 1 });
  return changes === 1;
}

/** Every call of `redrive` puts its rows behind all that was there when it began. */
export function nextPosition(connection: Connection): number {
  const row = connection.prepare("UPDATE ledger SET redrives = redrives + 1 RETURNING redrives").get();
  return Number(row?.["redrives"]);
}

export interface Redrive {
  readonly position: number;
  readonly nowMs: number;
  readonly as: RedriveAs;
}

/** Makes a parked row wait again. */
export function redriveTask(connection: Connection, groups: Groups, task: TaskRow, redrive: Redrive): void {
  const from = groups.stored(groupOfRow(task));
  const to = groups.stored({ ...from, parked: false });
  const jobId = redrive.as.jobId ?? task.jobId;
  connection
    .prepare(
      `UPDATE tasks SET place = ${BEHIND}, group_id = ?, origin = ?, job_id = ?, position = ?, next_try_at_ms = ?, attempts = 0,
         first_attempt_at_ms = NULL, last_attempt_at_ms = NULL, redrives = redrives + 1
       WHERE id = ?`,
    )
    .run(
      to.id,
      ORIGINS.indexOf(redrive.as.origin ?? task.origin),
      jobId ?? null,
      redrive.position,
      redrive.nowMs,
      task.id,
    );
  changeJobCounts(connection, jobId, { open: 1 });
  changeGroup(connection, from.id, { tasks: -1, bytes: -task.sizeBytes });
  changeGroup(connection, to.id, { tasks: 1, bytes: task.sizeBytes });
  settle(connection, { ...to, key: encodeKey(task.version.key) });
}

/** Parks a row that waits, as it was before it was redriven. False when it never was. */
export function reparkTask(connection: Connection, groups: Groups, task: TaskRow): boolean {
  if (task.redrives === 0 || task.failure === undefined) return false;
  const from = groups.stored(groupOfRow(task));
  const to = groups.stored({ ...from, parked: true });
  connection.prepare(`UPDATE tasks SET place = ${PARKED}, group_id = ?, note = NULL WHERE id = ?`).run(to.id, task.id);
  changeJobCounts(connection, task.jobId, { open: -1 });
  changeGroup(connection, from.id, { tasks: -1, bytes: -task.sizeBytes });
  changeGroup(connection, to.id, { tasks: 1, bytes: task.sizeBytes });
  settle(connection, { ...to, key: encodeKey(task.version.key) });
  return true;
}

/** Drops a row that nobody holds. */
export function discardTask(connection: Connection, groups: Groups, task: TaskRow): void {
  const group = groups.stored(groupOfRow(task));
  connection.prepare("DELETE FROM tasks WHERE id = ?").run(task.id);
  changeGroup(connection, group.id, { tasks: -1, bytes: -task.sizeBytes });
  if (group.parked) return;
  changeJobCounts(connection, task.jobId, { open: -1 });
  settle(connection, { ...group, key: encodeKey(task.version.key) });
}
