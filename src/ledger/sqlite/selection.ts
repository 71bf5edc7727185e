/**
 * Pages of rows: from a selection to the index that serves it, and from there to the rows.
 *
 * A walk yields rows in its order, from behind a position on. What its index cannot tell apart is left to `matches`,
 * so every walk is right for every selection that it is given, and the choice of it is a matter of cost only.
 */
import { assert } from "../../core/assert.ts";
import type { VersionRef } from "../../core/model.ts";
import type { Connection, Row } from "../database.ts";
import type { Selection, TaskPage, TaskRow, TaskState } from "../ledger.ts";
import {
  byAge,
  FROM_THE_OLDEST,
  idsBehind,
  keyRangeOf,
  matches,
  orderOf,
  PAGE_ROWS_MAX,
  type Position,
  parsePosition,
  ROWS_LOOKED_AT_PER_ROW,
} from "../pages.ts";
import { encodeKey, OPERATIONS } from "../words.ts";
import type { Groups } from "./groups.ts";
import { decodeKey, TASK_COLUMNS, taskOf } from "./rows.ts";
import { BEHIND, FIRST, LEASED, PARKED } from "./schema.ts";

interface Step {
  readonly row: Row;
  readonly at: Position;
}

/** Goes on behind `after` by `count` rows; there are no more when it is `ended`. */
type Walk = (
  after: Position | undefined,
  count: number,
) => { readonly steps: readonly Step[]; readonly ended: boolean };

/** One page of a selection, as `Ledger.list` promises it. */
export function pageOf(
  connection: Connection,
  groups: Groups,
  request: { readonly selection: Selection; readonly after?: string | undefined; readonly limit: number },
): TaskPage {
  const { selection, limit } = request;
  assert(limit >= 1 && limit <= PAGE_ROWS_MAX, `a page of ${limit} rows`);
  const walk = walkOf(connection, groups, selection);
  const tasks: TaskRow[] = [];
  let after = request.after === undefined ? undefined : parsePosition(request.after, orderOf(selection));
  for (let looked = 0; looked < limit * ROWS_LOOKED_AT_PER_ROW; looked += limit) {
    const { steps, ended } = walk(after, limit);
    for (const { row, at } of steps) {
      const task = taskOf(row, groups);
      after = at;
      if (matches(selection, task)) tasks.push(task);
      if (tasks.length === limit) return { tasks, next: JSON.stringify(after) };
    }
    if (ended) return { tasks };
  }
  return { tasks, next: JSON.stringify(after) };
}

function walkOf(connection: Connection, groups: Groups, selection: Selection): Walk {
  switch (orderOf(selection)) {
    case "ids":
      return walkIds(connection, selection.ids ?? []);
    case "leased":
      return walkLeased(connection);
    case "job":
      return walkJob(connection, selection.jobId ?? "");
    case "groups":
      return walkGroups(connection, selection);
    case "keys": {
      const bucketId = groups.nameId(selection.bucket ?? "");
      return bucketId === undefined ? nothing : walkKeys(connection, bucketId, selection);
    }
  }
}

const nothing: Walk = () => ({ steps: [], ended: true });

function walkIds(connection: Connection, wanted: readonly number[]): Walk {
  return (after, count) => {
    const left = idsBehind(wanted, after);
    const steps = rowsOf(connection, left.slice(0, count)).map((row) => ({ row, at: [Number(row["id"])] }));
    return { steps, ended: left.length <= count };
  };
}

/** There are as many as workers hold, so they are read whole. */
function walkLeased(connection: Connection): Walk {
  return (after = FROM_THE_OLDEST, count) => {
    const rows = connection
      .prepare(
        `SELECT ${TASK_COLUMNS} FROM tasks INDEXED BY tasks_leased
         WHERE ${LEASED} AND (written_at_ms, id) > (?, ?) ORDER BY written_at_ms, id LIMIT ?`,
      )
      .all(...after, count);
    return { steps: rows.map(byAge), ended: rows.length < count };
  };
}

function walkJob(connection: Connection, jobId: string): Walk {
  return (after = FROM_THE_OLDEST, count) => {
    const rows = connection
      .prepare(
        `SELECT ${TASK_COLUMNS} FROM tasks INDEXED BY tasks_of_job
         WHERE job_id = ? AND (written_at_ms, id) > (?, ?) ORDER BY written_at_ms, id LIMIT ?`,
      )
      .all(jobId, ...after, count);
    return { steps: rows.map(byAge), ended: rows.length < count };
  };
}

function walkKeys(connection: Connection, bucketId: number, selection: Selection): Walk {
  const { from, below } = keyRangeOf(selection);
  const sql = `${placesOf(selection.state)
    .map(
      ({ index, place }) => `SELECT ${TASK_COLUMNS}, destination_id FROM tasks INDEXED BY ${index}
        WHERE place = ${place} AND bucket_id = ?1 AND key < ?2
          AND (key, destination_id, version_id, id) > (?3, ?4, ?5, ?6)`,
    )
    .join(" UNION ALL ")} ORDER BY key, destination_id, version_id, id LIMIT ?7`;
  return (after, count) => {
    const [key, destinationId = 0, versionId = "", id = 0] = after ?? [];
    const behind = key === undefined ? from : Buffer.from(String(key), "base64");
    const rows = connection.prepare(sql).all(bucketId, below, behind, destinationId, versionId, id, count);
    const steps = rows.map((row) => ({
      row,
      at: [
        encodeKey(decodeKey(row["key"])).toString("base64"),
        Number(row["destination_id"]),
        String(row["version_id"]),
        Number(row["id"]),
      ],
    }));
    return { steps, ended: rows.length < count };
  };
}

function placesOf(state: TaskState | undefined): readonly { readonly index: string; readonly place: number }[] {
  const first = { index: "tasks_first", place: FIRST };
  const behind = { index: "tasks_behind_version", place: BEHIND };
  const parked = { index: "tasks_parked", place: PARKED };
  if (state === undefined) return [first, behind, parked];
  return state === "parked" ? [parked] : [first, behind];
}

/** Each group is in order by itself; of each as many are looked at as the page may need, and merged. */
function walkGroups(connection: Connection, selection: Selection): Walk {
  const groupIds = groupsOf(connection, selection);
  return ([writtenAtMs = 0, id = 0] = FROM_THE_OLDEST, count) => {
    let found: { readonly id: number; readonly writtenAtMs: number }[] = [];
    for (const groupId of groupIds) {
      const upTo = found.length < count ? Number.MAX_SAFE_INTEGER : (found.at(-1)?.writtenAtMs ?? 0);
      const same = connection
        .prepare("SELECT id, written_at_ms FROM tasks WHERE group_id = ? AND written_at_ms = ? AND id > ? LIMIT ?")
        .all(groupId, writtenAtMs, id, count);
      const later = connection
        .prepare(
          `SELECT id, written_at_ms FROM tasks WHERE group_id = ? AND written_at_ms > ? AND written_at_ms <= ?
           ORDER BY written_at_ms, id LIMIT ?`,
        )
        .all(groupId, writtenAtMs, upTo, count);
      for (const row of [...same, ...later]) {
        found.push({ id: Number(row["id"]), writtenAtMs: Number(row["written_at_ms"]) });
      }
      found = found.toSorted((one, other) => one.writtenAtMs - other.writtenAtMs || one.id - other.id).slice(0, count);
    }
    const rows = new Map(
      rowsOf(
        connection,
        found.map((one) => one.id),
      ).map((row) => [Number(row["id"]), row]),
    );
    const steps = found.flatMap((one) => {
      const row = rows.get(one.id);
      return row === undefined ? [] : [byAge(row)];
    });
    return { steps, ended: found.length < count };
  };
}

function groupsOf(connection: Connection, selection: Selection): readonly number[] {
  return connection
    .prepare(
      `SELECT g.id FROM task_groups g
       JOIN names bucket ON bucket.id = g.bucket_id
       JOIN names destination ON destination.id = g.destination_id
       WHERE g.tasks > 0
         AND bucket.name = coalesce(?1, bucket.name)
         AND destination.name = coalesce(?2, destination.name)
         AND g.rule_id = coalesce(?3, g.rule_id)
         AND g.operation = coalesce(?4, g.operation)
         AND g.parked = coalesce(?5, g.parked)
         AND (?6 IS NULL OR g.failure_code IN (SELECT value FROM json_each(?6)))`,
    )
    .all(
      selection.bucket ?? null,
      selection.destinationArn ?? null,
      selection.ruleId ?? null,
      selection.operation === undefined ? null : OPERATIONS.indexOf(selection.operation),
      selection.state === undefined ? null : Number(selection.state === "parked"),
      selection.failureCodes === undefined ? null : JSON.stringify(selection.failureCodes),
    )
    .map((row) => Number(row["id"]));
}

function rowsOf(connection: Connection, ids: readonly number[]): readonly Row[] {
  return connection
    .prepare(`SELECT ${TASK_COLUMNS} FROM tasks WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id`)
    .all(JSON.stringify(ids));
}

/** All rows of one version, in the order of adding. */
export function rowsOfVersion(connection: Connection, groups: Groups, version: VersionRef): readonly TaskRow[] {
  const bucketId = groups.nameId(version.bucket);
  if (bucketId === undefined) return [];
  const arms = placesOf(undefined).map(
    ({ index, place }) => `SELECT ${TASK_COLUMNS} FROM tasks INDEXED BY ${index}
      WHERE place = ${place} AND bucket_id = ?1 AND key = ?2 AND version_id = ?3
        AND destination_id IN (SELECT destination_id FROM task_groups WHERE bucket_id = ?1)`,
  );
  return connection
    .prepare(`${arms.join(" UNION ALL ")} ORDER BY id`)
    .all(bucketId, encodeKey(version.key), version.versionId)
    .map((row) => taskOf(row, groups));
}
