/** What pages of rows have in common in every ledger: their bounds, their positions, and which rows are in them. */
import { assert } from "../core/assert.ts";
import type { Selection, TaskRow } from "./ledger.ts";
import { encodeKey } from "./words.ts";

/** How many rows one page may hold. */
export const PAGE_ROWS_MAX = 1000;

/** How many ids a selection may name. */
export const SELECTION_IDS_MAX = 10_000;

/** How many rows a page looks at for each row that it may hold. */
export const ROWS_LOOKED_AT_PER_ROW = 10;

/** Where a walk stands: the values of its order in the last row that it has seen. */
export type Position = readonly (string | number)[];

/** Before every row of a walk from the oldest on. */
export const FROM_THE_OLDEST: Position = [Number.MIN_SAFE_INTEGER, 0];

/** A row, and where a walk from the oldest on stands behind it. */
export function byAge<Row extends Readonly<Record<string, unknown>>>(
  row: Row,
): { readonly row: Row; readonly at: Position } {
  return { row, at: [Number(row["written_at_ms"]), Number(row["id"])] };
}

/** The ids that a selection names, each once, ascending; behind `after`. */
export function idsBehind(wanted: readonly number[], after: Position | undefined): readonly number[] {
  assert(wanted.length <= SELECTION_IDS_MAX, `a selection of ${wanted.length} ids`);
  const from = after === undefined ? Number.NEGATIVE_INFINITY : Number(after[0]);
  return [...new Set(wanted)].filter((id) => id > from).toSorted((one, other) => one - other);
}

/** The orders in which rows can be walked. */
export type Order = "ids" | "leased" | "keys" | "job" | "groups";

/** The order that serves a selection, as `Ledger.list` promises it. */
export function orderOf(selection: Selection): Order {
  if (selection.ids !== undefined) return "ids";
  if (selection.state === "leased") return "leased";
  const start = selection.key ?? selection.prefix ?? "";
  if (selection.bucket !== undefined && start !== "") return "keys";
  return selection.jobId === undefined ? "groups" : "job";
}

/** Of what kinds the values of a position are. */
const POSITIONS: Readonly<Record<Order, readonly ("string" | "number")[]>> = {
  ids: ["number"],
  leased: ["number", "number"],
  keys: ["string", "number", "string", "number"],
  job: ["number", "number"],
  groups: ["number", "number"],
};

/**
 * Reads the `next` of a page in this order.
 *
 * @throws RangeError when it is none
 */
export function parsePosition(text: string, order: Order): Position {
  let position: unknown;
  try {
    position = JSON.parse(text);
  } catch {
    position = undefined;
  }
  const kinds = POSITIONS[order];
  const isPosition =
    Array.isArray(position) &&
    position.length === kinds.length &&
    position.every((value, index) =>
      kinds[index] === "string" ? typeof value === "string" && !value.includes("\0") : Number.isSafeInteger(value),
    );
  if (!isPosition) throw new RangeError("`after` is not the `next` of a page of this selection");
  return position as Position;
}

/** All conditions but `ids`, which a walk of their own serves. */
export function matches(selection: Selection, task: TaskRow): boolean {
  const { version } = task;
  return (
    (selection.bucket === undefined || selection.bucket === version.bucket) &&
    (selection.prefix === undefined || version.key.startsWith(selection.prefix)) &&
    (selection.key === undefined || selection.key === version.key) &&
    (selection.versionId === undefined || selection.versionId === version.versionId) &&
    (selection.state === undefined || selection.state === task.state) &&
    (selection.ruleId === undefined || selection.ruleId === task.ruleId) &&
    (selection.destinationArn === undefined || selection.destinationArn === task.destinationArn) &&
    (selection.operation === undefined || selection.operation === task.operation) &&
    (selection.jobId === undefined || selection.jobId === task.jobId) &&
    (selection.failureCodes === undefined || selection.failureCodes.includes(task.failure?.code ?? ""))
  );
}

/** The keys of a selection that names a key or a prefix which is not empty: `from` is among them, `below` is not. */
export function keyRangeOf(selection: Selection): { readonly from: Uint8Array; readonly below: Uint8Array } {
  if (selection.key !== undefined) {
    const exactly = encodeKey(selection.key);
    return { from: exactly, below: Buffer.concat([exactly, Buffer.of(0)]) };
  }
  const from = encodeKey(selection.prefix ?? "");
  // No byte of UTF-8 is 0xff, so the last one has a next.
  const below = Uint8Array.from(from);
  below[below.length - 1] = (below.at(-1) ?? 0) + 1;
  return { from, below };
}

/** The first text behind all that begin with `prefix`, in the order of their UTF-8; undefined when there is none. */
export function textBehind(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === LAST_CODE_POINT) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  return String.fromCodePoint(...points, last + 1 === FIRST_SURROGATE ? BEHIND_SURROGATES : last + 1);
}

const LAST_CODE_POINT = 0x10_ff_ff;
const FIRST_SURROGATE = 0xd8_00;
const BEHIND_SURROGATES = 0xe0_00;
