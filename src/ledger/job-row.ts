/** A row of the table `jobs` as the port shows it, the same from every database. */
import { assert } from "../core/assert.ts";
import type { JobRow, JobState } from "./ledger.ts";

/** Whether a job in this state goes on. */
const STATES: Readonly<Record<JobState, "open" | "ended">> = {
  running: "open",
  paused: "open",
  done: "ended",
  cancelled: "ended",
  broken: "ended",
};

/** The states that are ends, as a list in SQL. */
export const ENDED_STATES = Object.entries(STATES)
  .filter(([, kind]) => kind === "ended")
  .map(([state]) => `'${state}'`)
  .join(", ");

/** Columns that have the same name in every database. */
export function jobOfRow(row: Readonly<Record<string, unknown>>): JobRow {
  const { position, error, ended_at_ms: endedAtMs } = row;
  return {
    id: String(row["id"]),
    kind: String(row["kind"]),
    bucket: String(row["bucket"]),
    createdAtMs: Number(row["created_at_ms"]),
    request: String(row["request"]),
    state: stateOf(String(row["state"])),
    ...(typeof position === "string" && { position }),
    ...(typeof error === "string" && { error }),
    ...(typeof endedAtMs === "number" && { endedAtMs }),
    open: Number(row["open"]),
    completed: Number(row["completed"]),
    failed: Number(row["failed"]),
    counts: JSON.parse(String(row["counts"])) as Record<string, number>,
  };
}

function stateOf(text: string): JobState {
  assert(text in STATES, `the state ${text} of a job is of a newer version`);
  return text as JobState;
}

/** Counts by name, with more of them added. */
export function addedCounts(
  counts: Readonly<Record<string, number>>,
  more: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const sums = new Map(Object.entries(counts));
  for (const [name, count] of Object.entries(more)) sums.set(name, (sums.get(name) ?? 0) + count);
  return Object.fromEntries(sums);
}
