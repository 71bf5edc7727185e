/**
 * Pages of rows: from a selection to the index that serves it, and from there to the rows.
 *
 * A walk goes on in its order from behind a position, in one statement, so that rows which change meanwhile are in one
 * place and not in two or none. What it cannot tell apart is left to `matches`: the choice of it is a matter of cost only.
 */
import { assert } from "../../core/assert.ts";
import type { VersionRef } from "../../core/model.ts";
import type { Selection, TaskPage, TaskRow } from "../ledger.ts";
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
import { keyOf, tasksOf } from "./rows.ts";
import type { Row, Server } from "./server.ts";

/** What a page is read from. */
export interface Source {
  readonly server: Server;
  readonly groups: Groups;
}

interface Step {
  readonly row: Row;
  readonly at: Position;
}

/** Goes on behind `after` by `count` rows; there are no more when it is `ended`. */
type Walk = (
  after: Position | undefined,
  count: number,
) => Promise<{ readonly steps: readonly Step[]; readonly ended: boolean }>;

/** A row, and the number of the group that it was in when it was read. */
export interface FoundTask {
  readonly task: TaskRow;
  readonly groupId: number;
}

/** What `Ledger.list` promises, with the groups. */
export async function pageOf(
  source: Source,
  request: { readonly selection: Selection; readonly after?: string | undefined; readonly limit: number },
): Promise<{ readonly found: readonly FoundTask[]; readonly next?: string }> {
  const { selection, limit } = request;
  assert(limit >= 1 && limit <= PAGE_ROWS_MAX, `a page of ${limit} rows`);
  const found: FoundTask[] = [];
  let after = request.after === undefined ? undefined : parsePosition(request.after, orderOf(selection));
  const walk = await walkOf(source, selection);
  for (let looked = 0; looked < limit * ROWS_LOOKED_AT_PER_ROW; looked += limit) {
    const { steps, ended } = await walk(after, limit);
    const tasks = await tasksOf(
      steps.map((step) => step.row),
      source.groups,
    );
    for (const [index, task] of tasks.entries()) {
      const step = steps[index] as Step;
      after = step.at;
      if (matches(selection, task)) found.push({ task, groupId: Number(step.row["group_id"]) });
      if (found.length === limit) return { found, next: JSON.stringify(after) };
    }
    if (ended) return { found };
  }
  return { found, next: JSON.stringify(after) };
}

/** The page as the port shows it. */
export async function listPage(source: Source, request: Parameters<typeof pageOf>[1]): Promise<TaskPage> {
  const { found, next } = await pageOf(source, request);
  return { tasks: found.map((one) => one.task), ...(next === undefined ? {} : { next }) };
}

async function walkOf({ server, groups }: Source, selection: Selection): Promise<Walk> {
  switch (orderOf(selection)) {
    case "ids":
      return walkIds(server, selection.ids ?? []);
    case "leased":
      return walkLeased(server);
    case "job":
      return walkJob(server, selection.jobId ?? "");
    case "groups":
      return walkGroups(server, selection);
    case "keys": {
      const { bucket = "" } = selection;
      const bucketId = (await groups.nameIds([bucket])).get(bucket);
      return bucketId === undefined ? nothing : walkKeys(server, bucketId, selection);
    }
  }
}

const nothing: Walk = async () => ({ steps: [], ended: true });

function walkIds(server: Server, wanted: readonly number[]): Walk {
  return async (after, count) => {
    const left = idsBehind(wanted, after);
    const rows = await server.query("SELECT * FROM shown_tasks WHERE id = ANY ($1::bigint[]) ORDER BY id", [
      left.slice(0, count),
    ]);
    return { steps: rows.map((row) => ({ row, at: [Number(row["id"])] })), ended: left.length <= count };
  };
}

/** There are as many as workers hold, so they are read whole. */
function walkLeased(server: Server): Walk {
  return async ([writtenAtMs = 0, id = 0] = FROM_THE_OLDEST, count) => {
    const rows = await server.query(
      `SELECT r.* FROM lanes l JOIN shown_tasks r ON r.id = l.head_id
       WHERE l.lease_until_ms IS NOT NULL AND (r.written_at_ms, r.id) > ($1, $2)
       ORDER BY r.written_at_ms, r.id LIMIT $3`,
      [writtenAtMs, id, count],
    );
    return { steps: rows.map(byAge), ended: rows.length < count };
  };
}

function walkJob(server: Server, jobId: string): Walk {
  return async ([writtenAtMs = 0, id = 0] = FROM_THE_OLDEST, count) => {
    const rows = await server.query(
      `SELECT r.* FROM (
         SELECT id FROM tasks WHERE job_id = $1 AND (written_at_ms, id) > ($2, $3) ORDER BY written_at_ms, id LIMIT $4
       ) found JOIN shown_tasks r ON r.id = found.id ORDER BY r.written_at_ms, r.id`,
      [jobId, writtenAtMs, id, count],
    );
    return { steps: rows.map(byAge), ended: rows.length < count };
  };
}

/** The rest of the lane in which the walk stands, then the lanes behind it. */
function walkKeys(server: Server, bucketId: number, selection: Selection): Walk {
  const { from, below } = keyRangeOf(selection);
  return async (after, count) => {
    const [key, destinationId = 0, versionId = "", id = 0] = after ?? [];
    const behind = key === undefined ? Buffer.from(from) : Buffer.from(String(key), "base64");
    const rows = await server.query(
      `SELECT r.* FROM (
         (SELECT t.id FROM lanes l JOIN tasks t ON t.lane_id = l.id
          WHERE l.bucket_id = $1 AND l.key = $2 AND l.destination_id = $3 AND (t.version_id, t.id) > ($4, $5)
          ORDER BY t.version_id, t.id LIMIT $7)
         UNION ALL
         (SELECT t.id FROM lanes l
          CROSS JOIN LATERAL (
            SELECT id, version_id FROM tasks WHERE lane_id = l.id ORDER BY version_id, id LIMIT $7) t
          WHERE l.bucket_id = $1 AND (l.key, l.destination_id) > ($2, $3) AND l.key < $6
          ORDER BY l.key, l.destination_id, t.version_id, t.id LIMIT $7)
       ) found JOIN shown_tasks r ON r.id = found.id
       ORDER BY r.key, r.destination_id, r.version_id, r.id LIMIT $7`,
      [bucketId, behind, destinationId, versionId, id, Buffer.from(below), count],
    );
    const steps = rows.map((row) => ({
      row,
      at: [
        encodeKey(keyOf(row)).toString("base64"),
        Number(row["destination_id"]),
        String(row["version_id"]),
        Number(row["id"]),
      ],
    }));
    return { steps, ended: rows.length < count };
  };
}

/** Each group is in order by itself; of each as many are looked at as the page may need, and merged. */
function walkGroups(server: Server, selection: Selection): Walk {
  return async ([writtenAtMs = 0, id = 0] = FROM_THE_OLDEST, count) => {
    const rows = await server.query(
      `SELECT r.* FROM (
         SELECT s.id FROM task_groups g
         JOIN names bucket ON bucket.id = g.bucket_id
         JOIN names destination ON destination.id = g.destination_id
         CROSS JOIN LATERAL (
           SELECT t.id, t.written_at_ms FROM tasks t WHERE t.group_id = g.id AND (t.written_at_ms, t.id) > ($1, $2)
           ORDER BY t.written_at_ms, t.id LIMIT $3) s
         WHERE bucket.name = coalesce($4, bucket.name) AND destination.name = coalesce($5, destination.name)
           AND g.rule_id = coalesce($6, g.rule_id) AND g.operation = coalesce($7::smallint, g.operation)
           AND g.is_parked = coalesce($8::boolean, g.is_parked)
           AND ($9::text[] IS NULL OR g.failure_code = ANY ($9))
         ORDER BY s.written_at_ms, s.id LIMIT $3
       ) found JOIN shown_tasks r ON r.id = found.id ORDER BY r.written_at_ms, r.id`,
      [
        writtenAtMs,
        id,
        count,
        selection.bucket ?? null,
        selection.destinationArn ?? null,
        selection.ruleId ?? null,
        selection.operation === undefined ? null : OPERATIONS.indexOf(selection.operation),
        selection.state === undefined ? null : selection.state === "parked",
        selection.failureCodes ?? null,
      ],
    );
    return { steps: rows.map(byAge), ended: rows.length < count };
  };
}

/** All rows of each version, in the order of adding. */
export async function rowsOfVersions(
  { server, groups }: Source,
  versions: readonly VersionRef[],
): Promise<readonly (readonly TaskRow[])[]> {
  const bucketIds = await groups.nameIds(versions.map((version) => version.bucket));
  const rows = await server.query(
    `SELECT v.ordinality, r.* FROM unnest($1::int[], $2::text[], $3::text[]) WITH ORDINALITY
       AS v(bucket_id, key, version_id)
     JOIN lanes l ON l.bucket_id = v.bucket_id AND l.key = decode(v.key, 'hex')
     JOIN shown_tasks r ON r.lane_id = l.id AND r.version_id = v.version_id
     ORDER BY v.ordinality, r.id`,
    [
      versions.map((version) => bucketIds.get(version.bucket) ?? 0),
      versions.map((version) => encodeKey(version.key).toString("hex")),
      versions.map((version) => version.versionId),
    ],
  );
  const found: TaskRow[][] = versions.map(() => []);
  const tasks = await tasksOf(rows, groups);
  for (const [index, task] of tasks.entries()) found[Number(rows[index]?.["ordinality"]) - 1]?.push(task);
  return found;
}
