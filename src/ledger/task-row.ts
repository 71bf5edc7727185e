/** A row of the table `tasks` as the port shows it. What differs between databases is handed in. */
import { assert } from "../core/assert.ts";
import type { TaskFailure, TaskRow, TaskState } from "./ledger.ts";
import type { Group } from "./task-group.ts";
import { ORIGINS } from "./words.ts";

/** Columns that have the same name and meaning in every database. */
export function taskOfRow(
  row: Readonly<Record<string, unknown>>,
  { group, key, isParked }: { readonly group: Group; readonly key: string; readonly isParked: boolean },
): TaskRow {
  const state = stateOf(row, isParked);
  const origin = ORIGINS[Number(row["origin"])];
  assert(origin !== undefined, `row ${Number(row["id"])} is of a newer version`);
  return {
    id: Number(row["id"]),
    version: { bucket: group.bucket, key, versionId: String(row["version_id"]) },
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
    ...(typeof row["note"] === "string" && { note: row["note"] }),
    ...(typeof row["job_id"] === "string" && { jobId: row["job_id"] }),
  };
}

function stateOf(row: Readonly<Record<string, unknown>>, isParked: boolean): TaskState {
  if (isParked) return "parked";
  return row["lease_until_ms"] === null ? "waiting" : "leased";
}
