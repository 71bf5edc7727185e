/**
 * Tallies: what has ended, counted for good in the transaction that ended it, so that a restart changes no figure: how
 * long versions took to arrive, by class, and how often tries failed.
 *
 * A tally belongs to a group and a class. Of the group of completed tasks the classes are those of the lag; of a group of
 * tasks that failed there is one class, for the tries that ended so.
 */
import type { Operation } from "../core/model.ts";
import type { Group } from "./task-group.ts";
import { OPERATIONS } from "./words.ts";

/** Upper ends, included, of the classes of lag; the last class has none. Other bounds would be another format. */
export const LAG_BOUNDS_MS = [
  100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000, 86_400_000,
] as const;

/** What Replication Time Control promises; one of the bounds. @source aws-replication.md §7 */
export const REPLICATION_TIME_MS = 900_000;

/** Of one bucket, destination and rule: from the writing of versions to the end of their replication. */
export interface LagTally {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly ruleId: string;
  /** How many took so long, by class: one more than there are bounds. */
  readonly tasks: readonly number[];
  /** Exact up to 2^53. */
  readonly sumMs: number;
}

/** Tries that failed with one code. */
export interface FailureTally {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly ruleId: string;
  readonly operation: Operation;
  readonly failureCode: string;
  /** The task was parked; else it was to be tried again. */
  readonly isFinal: boolean;
  readonly attempts: number;
}

export interface Tallies {
  readonly lags: readonly LagTally[];
  readonly failures: readonly FailureTally[];
}

/** Live tasks of one bucket, destination and rule that are not completed though they were written long ago. */
export interface OverdueCount {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly ruleId: string;
  /** Of the oldest `OVERDUE_ROWS_MAX` of each operation and failure. */
  readonly tasks: number;
}

export const OVERDUE_ROWS_MAX = 10_000;

/** The class of a tally that counts tries that failed. */
export const FAILED_TRY = -1;

/** What lag is counted of: the version itself, and not what is said about it later. */
export const LAGGING: ReadonlySet<Operation> = new Set(["put", "deleteMarker"]);

/** The column `operation` of these, in SQL. */
export const LAGGING_NUMBERS = OPERATIONS.flatMap((one, index) => (LAGGING.has(one) ? [index] : [])).join(", ");

/** 0 is the class of the first bound. */
export function lagClassOf(lagMs: number): number {
  const found = LAG_BOUNDS_MS.findIndex((bound) => lagMs <= bound);
  return found === -1 ? LAG_BOUNDS_MS.length : found;
}

interface StoredTally {
  readonly group: Group;
  readonly class: number;
  readonly tasks: number;
  readonly lagMs: number;
}

/** Adds up what the tables hold. */
export function talliesOf(stored: readonly StoredTally[]): Tallies {
  const lags = new Map<string, { tally: Omit<LagTally, "tasks" | "sumMs">; tasks: number[]; sumMs: number }>();
  const failures: FailureTally[] = [];
  for (const { group, class: place, tasks, lagMs } of stored) {
    const { bucket, destinationArn, ruleId, operation, failureCode, parked } = group;
    const tally = { bucket, destinationArn, ruleId };
    if (place === FAILED_TRY) {
      failures.push({ ...tally, operation, failureCode, isFinal: parked, attempts: tasks });
      continue;
    }
    const name = `${bucket}\0${destinationArn}\0${ruleId}`;
    const sum = lags.get(name) ?? { tally, tasks: LAG_BOUNDS_MS.map(() => 0).concat(0), sumMs: 0 };
    sum.tasks[place] = (sum.tasks[place] ?? 0) + tasks;
    sum.sumMs += lagMs;
    lags.set(name, sum);
  }
  return { lags: [...lags.values()].map(({ tally, tasks, sumMs }) => ({ ...tally, tasks, sumMs })), failures };
}

/** Adds up what is overdue of one rule's operations and failures. */
export function overdueOf(stored: readonly OverdueCount[]): readonly OverdueCount[] {
  const sums = new Map<string, OverdueCount>();
  for (const one of stored) {
    const name = `${one.bucket}\0${one.destinationArn}\0${one.ruleId}`;
    const { bucket, destinationArn, ruleId } = one;
    sums.set(name, { bucket, destinationArn, ruleId, tasks: (sums.get(name)?.tasks ?? 0) + one.tasks });
  }
  return [...sums.values()].filter(({ tasks }) => tasks > 0);
}
