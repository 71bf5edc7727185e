/**
 * How every ledger writes the words of a task: numbers that stand for them, keys as bytes, and the lines in which rows
 * wait for workers.
 */
import { assert } from "../core/assert.ts";
import type { Operation } from "../core/model.ts";
import { SIZE_CLASS_BYTES, type SizeRange, type TaskOrigin } from "./ledger.ts";

/** The column `operation` is the position here. Only ever append. */
export const OPERATIONS = [
  "put",
  "deleteMarker",
  "tags",
  "acl",
  "retention",
  "legalHold",
  "delete",
] as const satisfies readonly Operation[];

/** The most urgent first. The column `origin` is the position here. */
export const ORIGINS = ["live", "resync", "scan"] as const satisfies readonly TaskOrigin[];

export const SIZE_CLASSES = SIZE_CLASS_BYTES.length + 1;

/** Rows that compete for the same workers with the same urgency: one line for each origin and size class. */
export function lineOf(origin: number, sizeBytes: number): number {
  return origin * SIZE_CLASSES + sizeClassOf(sizeBytes);
}

/** How many lines there are. */
export const LINES = ORIGINS.length * SIZE_CLASSES;

/** The most urgent origin of a lane in this line. */
export function originOf(line: number): number {
  return Math.floor(line / SIZE_CLASSES);
}

/** The lines of one origin that may hold rows of these sizes, from the first to the last. */
export function linesOf(origin: number, sizes: SizeRange): { readonly first: number; readonly last: number } {
  return {
    first: lineOf(origin, (sizes.sizeOverBytes ?? -1) + 1),
    last: lineOf(origin, sizes.sizeAtMostBytes ?? Number.MAX_SAFE_INTEGER),
  };
}

function sizeClassOf(sizeBytes: number): number {
  const found = SIZE_CLASS_BYTES.findIndex((upTo) => sizeBytes <= upTo);
  return found === -1 ? SIZE_CLASS_BYTES.length : found;
}

/** Operations that carry the state of the source at the time of reading; the others carry what never changes. */
export const READS_STATE: ReadonlySet<Operation> = new Set(["tags", "acl", "retention", "legalHold"]);

/** UTF-8 has no bytes for half a surrogate pair; it would become another key. */
const HALF_A_PAIR = /\p{Surrogate}/u;

/** A key as the tables hold it: its UTF-8, ordered by its bytes. */
export function encodeKey(key: string): Buffer {
  assert(!HALF_A_PAIR.test(key), "a key that is not Unicode text");
  return Buffer.from(key);
}

/** How many checkpoints one call tells. */
export const CHECKPOINTS_MAX = 10_000;
