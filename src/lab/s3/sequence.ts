/**
 * The lab-wide sequence: microseconds of the clock, but never the same number twice, not even after a crash and a clock
 * that went back. Version ids, body ids and the order of versions within a key come from it.
 */
import type { Database } from "../../ledger/database.ts";

export interface Sequence {
  /**
   * A number greater than every number before, safe to be used in rows that are written after the call.
   *
   * Not to be called inside the work of a write: it may write itself.
   */
  next(nowMs: number): number;
}

/** How far the file's mark runs ahead of what was given out: one second. */
const BLOCK = 1_000_000;

export function openSequence(database: Database): Sequence {
  const row = database.committed.prepare("SELECT reserved FROM s3_sequence").get();
  let last = Number(row?.["reserved"] ?? 0);
  let reserved = last;

  function reserve(): void {
    reserved = last + BLOCK;
    const mark = reserved;
    const written = database.write((connection) => {
      connection.prepare("UPDATE s3_sequence SET reserved = ?").run(mark);
    });
    // The rows that use the numbers are in the same transaction and report the failure; the next call reserves again.
    written.catch(() => {
      reserved = 0;
    });
  }

  return {
    next(nowMs) {
      last = Math.max(last + 1, Math.floor(nowMs) * 1000);
      if (last >= reserved) reserve();
      return last;
    },
  };
}
