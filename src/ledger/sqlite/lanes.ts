/**
 * Lanes: who of the rows of one key and one destination is the first, and how urgent that makes it.
 *
 * True after every function here, for every lane that has rows which are not parked:
 * - one row, and one only, is `FIRST`, all others are `BEHIND`;
 * - the first one, if it is not leased, is the oldest by (`position`, `id`);
 * - its `line` is that of the most urgent origin in the lane.
 */
import type { Connection, Row } from "../database.ts";
import { lineOf, ORIGINS } from "../words.ts";
import { BEHIND, FIRST } from "./schema.ts";

/** What a row belongs to together with others: one key at one destination. */
export interface Lane {
  readonly bucketId: number;
  readonly key: Uint8Array;
  readonly destinationId: number;
}

/** The one row of a lane that is leased or may be. */
export function firstOf(connection: Connection, { bucketId, key, destinationId }: Lane): Row | undefined {
  return connection
    .prepare(
      `SELECT id, version_id, operation, lease_until_ms, origin, line, position, size_bytes FROM tasks
       WHERE place = ${FIRST} AND bucket_id = ? AND key = ? AND destination_id = ?`,
    )
    .get(bucketId, key, destinationId);
}

const ANY_BEHIND = `SELECT 1 FROM tasks INDEXED BY tasks_behind
  WHERE place = ${BEHIND} AND bucket_id = ? AND key = ? AND destination_id = ? LIMIT 1`;

/** Puts a lane in order after its first row has left it. */
export function promote(connection: Connection, lane: Lane): void {
  const { bucketId, key, destinationId } = lane;
  // Most lanes have no other row, and to find that out is cheaper than to ask for each origin.
  const isAnyBehind = connection.prepare(ANY_BEHIND).get(bucketId, key, destinationId);
  if (isAnyBehind === undefined) return;
  order(connection, undefined, oldestBehind(connection, lane));
}

/** Puts a lane in order after a row has come into it, has left it, or has become more urgent. */
export function settle(connection: Connection, lane: Lane): void {
  order(connection, firstOf(connection, lane), oldestBehind(connection, lane));
}

/** The oldest row of each origin behind the first one. */
const OLDEST_BEHIND = ORIGINS.map(
  (_, origin) => `SELECT * FROM (
    SELECT id, origin, position, size_bytes FROM tasks INDEXED BY tasks_behind
    WHERE place = ${BEHIND} AND bucket_id = ?1 AND key = ?2 AND destination_id = ?3 AND origin = ${origin}
    ORDER BY position, id LIMIT 1)`,
).join(" UNION ALL ");

function oldestBehind(connection: Connection, { bucketId, key, destinationId }: Lane): readonly Row[] {
  return connection.prepare(OLDEST_BEHIND).all(bucketId, key, destinationId);
}

function order(connection: Connection, first: Row | undefined, behind: readonly Row[]): void {
  const rows = first === undefined ? behind : [first, ...behind];
  const chosen = first !== undefined && isLeased(first) ? first : rows.toSorted(byAge)[0];
  if (chosen === undefined) return;
  if (first !== undefined && chosen !== first) {
    connection.prepare(`UPDATE tasks SET place = ${BEHIND} WHERE id = ?`).run(Number(first["id"]));
  }
  const origin = Math.min(...rows.map((row) => Number(row["origin"])));
  const line = lineOf(origin, Number(chosen["size_bytes"]));
  if (chosen === first && first["line"] === line) return;
  connection.prepare(`UPDATE tasks SET place = ${FIRST}, line = ? WHERE id = ?`).run(line, Number(chosen["id"]));
}

export function isLeased(first: Row): boolean {
  return first["lease_until_ms"] !== null;
}

function byAge(one: Row, other: Row): number {
  return Number(one["position"]) - Number(other["position"]) || Number(one["id"]) - Number(other["id"]);
}
