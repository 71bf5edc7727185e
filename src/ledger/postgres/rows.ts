/** Rows of the view `task_rows` as the port shows them. */
import { assert } from "../../core/assert.ts";
import type { TaskFailure, TaskRow, TaskState } from "../ledger.ts";
import { ORIGINS } from "../words.ts";
import type { Groups } from "./groups.ts";
import type { Row } from "./server.ts";

/** The port's words for rows, in their order; groups that are not known yet are read. */
export async function tasksOf(rows: readonly Row[], groups: Groups): Promise<readonly TaskRow[]> {
  await groups.load(rows.map((row) => Number(row["group_id"])));
  return rows.map((row) => taskOf(row, groups));
}

function taskOf(row: Row, groups: Groups): TaskRow {
  const group = groups.byId(Number(row["group_id"]));
  const state = stateOf(row);
  const origin = ORIGINS[Number(row["origin"])];
  assert(origin !== undefined, `row ${Number(row["id"])} is of a newer version`);
  return {
    id: Number(row["id"]),
    version: { bucket: group.bucket, key: keyOf(row), versionId: String(row["version_id"]) },
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
  if (row["is_parked"] === true) return "parked";
  return row["lease_until_ms"] === null ? "waiting" : "leased";
}

/** The key of a row. */
export function keyOf(row: Row): string {
  const key = row["key"];
  assert(key instanceof Buffer, "a key is bytes");
  return key.toString();
}
