/** Rows of the table `tasks` as the port shows them. */
import { assert } from "../../core/assert.ts";
import type { Row, SqlValue } from "../database.ts";
import type { TaskFailure, TaskRow, TaskState } from "../ledger.ts";
import { ORIGINS } from "../words.ts";
import type { Groups } from "./groups.ts";
import { PARKED } from "./schema.ts";

/** What `taskOf` reads, but for the fence. */
export const TASK_COLUMNS = `id, group_id, key, version_id, place, origin, size_bytes, written_at_ms, due_at_ms,
  next_try_at_ms, lease_until_ms, leased_to, attempts, first_attempt_at_ms, last_attempt_at_ms, redrives, failure`;

export function taskOf(row: Row, groups: Groups): TaskRow {
  const group = groups.byId(Number(row["group_id"]));
  const state = stateOf(row);
  const origin = ORIGINS[Number(row["origin"])];
  assert(origin !== undefined, `row ${Number(row["id"])} is of a newer version`);
  return {
    id: Number(row["id"]),
    version: { bucket: group.bucket, key: decodeKey(row["key"]), versionId: String(row["version_id"]) },
    operation: group.operation,
    destinationArn: group.destinationArn,
    ruleId: group.ruleId,
    origin,
    sizeBytes: Number(row["size_bytes"]),
    writtenAtMs: Number(row["written_at_ms"]),
    dueAtMs: Number(row["due_at_ms"]),
    state,
    ...(state === "leased" && {
      lease: { worker: String(row["leased_to"]), untilMs: Number(row["lease_until_ms"]) },
    }),
    nextTryAtMs: Number(row["next_try_at_ms"]),
    attempts: Number(row["attempts"]),
    ...(typeof row["first_attempt_at_ms"] === "number" && { firstAttemptAtMs: row["first_attempt_at_ms"] }),
    ...(typeof row["last_attempt_at_ms"] === "number" && { lastAttemptAtMs: row["last_attempt_at_ms"] }),
    redrives: Number(row["redrives"]),
    ...(typeof row["failure"] === "string" && { failure: JSON.parse(row["failure"]) as TaskFailure }),
  };
}

function stateOf(row: Row): TaskState {
  if (row["place"] === PARKED) return "parked";
  return row["lease_until_ms"] === null ? "waiting" : "leased";
}

export function decodeKey(value: SqlValue | undefined): string {
  assert(value instanceof Uint8Array, "a key is a BLOB");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString();
}
