/** Rows of the table `tasks` as the port shows them. */
import { assert } from "../../core/assert.ts";
import type { Row, SqlValue } from "../database.ts";
import type { TaskRow } from "../ledger.ts";
import { taskOfRow } from "../task-row.ts";
import type { Groups } from "./groups.ts";
import { PARKED } from "./schema.ts";

/** What `taskOf` reads, but for the fence. */
export const TASK_COLUMNS = `id, group_id, key, version_id, place, origin, size_bytes, written_at_ms, due_at_ms,
  next_try_at_ms, lease_until_ms, leased_to, attempts, first_attempt_at_ms, last_attempt_at_ms, redrives, failure,
  note, job_id`;

export function taskOf(row: Row, groups: Groups): TaskRow {
  const group = groups.byId(Number(row["group_id"]));
  return taskOfRow(row, { group, key: decodeKey(row["key"]), isParked: row["place"] === PARKED });
}

export function decodeKey(value: SqlValue | undefined): string {
  assert(value instanceof Uint8Array, "a key is a BLOB");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}
