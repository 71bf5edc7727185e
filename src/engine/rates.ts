/**
 * How fast work gets done, and how long versions wait for it: counted in memory, by stream, of what this engine completed.
 *
 * The lag of a task is the time from the writing of its version to its end. What a resync asked for, and what was written
 * before this engine began, is backlog and no lag: it would say how old the bucket is. Memory is bounded: a ring of slots
 * for the rate, a histogram of buckets that grow by a fifth for the lag, and no more than `STREAMS_MAX` streams.
 */
import type { Stream, TaskRow } from "../ledger/ledger.ts";
import type { Clock } from "./ports.ts";
import type { FinishedOutcome } from "./worker.ts";

/** The rate is taken over so long. */
export const RATE_MS = 60_000;
const SLOTS = 12;
const SLOT_MS = RATE_MS / SLOTS;
/** Percentiles are of what ended in the last one or two of these. */
const LAG_HALF_MS = 5 * 60_000;
const STREAMS_MAX = 1000;
/** The busiest streams are told one by one. */
const STREAMS_TOLD_MAX = 100;

/** Upper ends of the buckets grow by this factor, from a millisecond to half a year. */
const GROWTH = 1.2;
const BUCKETS = 130;

/** How many tasks ended in which bucket; buckets without any are left out. */
export type Histogram = readonly (readonly [bucket: number, tasks: number])[];

export interface Rate {
  /** In the last minute, or since the engine began. */
  readonly tasksPerSecond: number;
  readonly bytesPerSecond: number;
  readonly lag: Histogram;
}

export type StreamRate = Stream & Rate;

export interface Percentiles {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  /** How many tasks they are of. */
  readonly tasks: number;
}

export class Rates {
  readonly #clock: Clock;
  readonly #startedAtMs: number;
  readonly #total: Meter;
  readonly #streams = new Map<string, { readonly stream: Stream; readonly meter: Meter }>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = clock.nowMs();
    this.#total = new Meter();
  }

  /** Told by the workers of every task that ended a try. */
  finished({ version, destinationArn, origin, writtenAtMs, sizeBytes }: TaskRow, outcome: FinishedOutcome): void {
    if (outcome !== "completed") return;
    const nowMs = this.#clock.nowMs();
    const isLag = origin !== "resync" && writtenAtMs >= this.#startedAtMs;
    const done = { nowMs, bytes: sizeBytes, ...(isLag ? { lagMs: nowMs - writtenAtMs } : {}) };
    this.#total.add(done);
    this.#meterOf({ bucket: version.bucket, destinationArn })?.add(done);
  }

  total(): Rate {
    return this.#total.rate(this.#clock.nowMs(), this.#startedAtMs);
  }

  /** The busiest first; those that have done nothing lately are left out. */
  streams(): readonly StreamRate[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#streams.values()]
      .map(({ stream, meter }) => ({ ...stream, ...meter.rate(nowMs, this.#startedAtMs) }))
      .filter((one) => one.tasksPerSecond > 0 || one.lag.length > 0)
      .toSorted((one, other) => other.tasksPerSecond - one.tasksPerSecond)
      .slice(0, STREAMS_TOLD_MAX);
  }

  /** Undefined for streams beyond the limit: they count in the total. */
  #meterOf(stream: Stream): Meter | undefined {
    const name = `${stream.bucket} ${stream.destinationArn}`;
    const found = this.#streams.get(name);
    if (found !== undefined) return found.meter;
    if (this.#streams.size >= STREAMS_MAX) return undefined;
    const meter = new Meter();
    this.#streams.set(name, { stream, meter });
    return meter;
  }
}

/** Sums histograms, of several engines or streams. */
export function sumOf(histograms: readonly Histogram[]): Histogram {
  const sums = new Map<number, number>();
  for (const [bucket, tasks] of histograms.flat()) sums.set(bucket, (sums.get(bucket) ?? 0) + tasks);
  return [...sums].toSorted(([one], [other]) => one - other);
}

/** Undefined when nothing ended. Right within a fifth: a percentile is the upper end of its bucket. */
export function percentilesOf(histogram: Histogram): Percentiles | undefined {
  const tasks = histogram.reduce((sum, [, count]) => sum + count, 0);
  if (tasks === 0) return undefined;
  const at = (share: number) => {
    let left = Math.ceil(tasks * share);
    for (const [bucket, count] of histogram) {
      left -= count;
      if (left <= 0) return Math.round(GROWTH ** bucket);
    }
    return Math.round(GROWTH ** BUCKETS);
  };
  return { p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), tasks };
}

interface Slot {
  /** Which turn of the ring it was last used in. */
  readonly number: number;
  readonly tasks: number;
  readonly bytes: number;
}

class Meter {
  readonly #slots: Slot[] = [];
  #half = 0;
  #lag = new Map<number, number>();
  #lagBefore = new Map<number, number>();

  add({ nowMs, bytes, lagMs }: { readonly nowMs: number; readonly bytes: number; readonly lagMs?: number }): void {
    const number = Math.floor(nowMs / SLOT_MS);
    const slot = this.#slots[number % SLOTS];
    const used = slot?.number === number ? slot : { tasks: 0, bytes: 0 };
    this.#slots[number % SLOTS] = { number, tasks: used.tasks + 1, bytes: used.bytes + bytes };
    if (lagMs === undefined) return;
    this.#turn(nowMs);
    const bucket = Math.min(BUCKETS, Math.max(0, Math.ceil(Math.log(Math.max(1, lagMs)) / Math.log(GROWTH))));
    this.#lag.set(bucket, (this.#lag.get(bucket) ?? 0) + 1);
  }

  rate(nowMs: number, startedAtMs: number): Rate {
    this.#turn(nowMs);
    const current = Math.floor(nowMs / SLOT_MS);
    const recent = this.#slots.filter((one) => one !== undefined && one.number > current - SLOTS);
    // The slot of now has only begun: less than a minute is behind its beginning and that of the oldest one.
    const seconds = Math.max(1, Math.min(nowMs - startedAtMs, (SLOTS - 1) * SLOT_MS + (nowMs % SLOT_MS)) / 1000);
    const sum = (of: (slot: Slot) => number) => recent.reduce((total, one) => total + of(one), 0);
    return {
      tasksPerSecond: sum((one) => one.tasks) / seconds,
      bytesPerSecond: sum((one) => one.bytes) / seconds,
      lag: sumOf([[...this.#lagBefore], [...this.#lag]]),
    };
  }

  #turn(nowMs: number): void {
    const half = Math.floor(nowMs / LAG_HALF_MS);
    if (half === this.#half) return;
    this.#lagBefore = half === this.#half + 1 ? this.#lag : new Map();
    this.#lag = new Map();
    this.#half = half;
  }
}
