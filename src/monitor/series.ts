/**
 * The last hour and the last day as points on a line, for the console's charts: how much waits, how much has failed, how
 * fast it goes, how long it takes. Points are kept in two rings in memory and, every minute, as one text in the ledger's
 * checkpoints, so that a restart goes on with what was; what was not measured is a gap and not a zero.
 *
 * All engines on a ledger see the same, so one of them keeps the text, by a hold with an end.
 */
import { DatabaseError } from "../ledger/database-error.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** What is measured at one moment. */
export interface SeriesPoint {
  readonly pending: number;
  readonly pendingBytes: number;
  readonly failed: number;
  readonly tasksPerSecond: number;
  readonly bytesPerSecond: number;
  /** Of the last minutes; null when nothing was replicated in them. */
  readonly lagP50Ms: number | null;
  readonly lagP99Ms: number | null;
}

export const SERIES_RANGES = {
  hour: { stepMs: 10_000, points: 360 },
  day: { stepMs: 300_000, points: 288 },
} as const;

export type SeriesRange = keyof typeof SERIES_RANGES;

/** One list for each figure, of the same length as `atMs`, oldest first; null where nobody measured. */
export type SeriesTold = { readonly stepMs: number; readonly atMs: readonly number[] } & {
  readonly [Figure in keyof SeriesPoint]: readonly (number | null)[];
};

export interface SeriesOptions {
  readonly ledger: Ledger;
  readonly clock: { nowMs(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** Of all engines on the ledger another one. */
  readonly name: string;
  readonly measure: () => Promise<SeriesPoint>;
}

const CHECKPOINT = "series";
const SAVE_EVERY_MS = 60_000;
/** A keeper that has died is followed after so long. */
const HOLD_MS = 3 * SAVE_EVERY_MS;

const FIGURES = [
  "pending",
  "pendingBytes",
  "failed",
  "tasksPerSecond",
  "bytesPerSecond",
  "lagP50Ms",
  "lagP99Ms",
] as const satisfies readonly (keyof SeriesPoint)[];

export class Series {
  readonly #options: SeriesOptions;
  readonly #hour = new Ring(SERIES_RANGES.hour);
  readonly #day = new Ring(SERIES_RANGES.day);
  /** Points of the day's step that is under way. */
  #inStep: SeriesPoint[] = [];

  constructor(options: SeriesOptions) {
    this.#options = options;
  }

  /** Measures every ten seconds until the signal is aborted; ends after what it has is kept. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await patiently(() => this.#restore());
    let savedAtMs = clock.nowMs();
    while (!signal.aborted) {
      await patiently(() => this.#measure());
      if (clock.nowMs() - savedAtMs >= SAVE_EVERY_MS) {
        await patiently(() => this.#save());
        savedAtMs = clock.nowMs();
      }
      const { stepMs } = SERIES_RANGES.hour;
      await clock.sleep(stepMs - (clock.nowMs() % stepMs), signal);
    }
    await patiently(() => this.#save());
    await patiently(() => this.#options.ledger.letGo(CHECKPOINT, this.#options.name));
  }

  tell(range: SeriesRange): SeriesTold {
    const ring = range === "hour" ? this.#hour : this.#day;
    return ring.tell(this.#options.clock.nowMs());
  }

  /** The youngest point of the hour, as `tell` words it. */
  latest(): ({ readonly atMs: number } & SeriesPoint) | undefined {
    return this.#hour.latest();
  }

  async #measure(): Promise<void> {
    const point = await this.#options.measure();
    const nowMs = this.#options.clock.nowMs();
    this.#hour.set(nowMs, point);
    if (!this.#day.isOfLatest(nowMs)) this.#inStep = [];
    this.#inStep.push(point);
    this.#day.set(nowMs, summaryOf(this.#inStep));
  }

  async #save(): Promise<void> {
    const { ledger, clock, name } = this.#options;
    const nowMs = clock.nowMs();
    if (!(await ledger.hold(CHECKPOINT, name, { nowMs, untilMs: nowMs + HOLD_MS }))) return;
    const kept: Kept = { format: 1, hour: this.#hour.slots(), day: this.#day.slots() };
    await ledger.setCheckpoint(CHECKPOINT, JSON.stringify(kept));
  }

  async #restore(): Promise<void> {
    const text = await this.#options.ledger.checkpoint(CHECKPOINT);
    const kept = text === undefined ? undefined : (JSON.parse(text) as Kept);
    if (kept?.format !== 1) return;
    this.#hour.restore(kept.hour);
    this.#day.restore(kept.day);
  }
}

/** A slot's number, and its figures in the order of `FIGURES`. */
type Slot = readonly [number: number, ...figures: (number | null)[]];

interface Kept {
  readonly format: 1;
  readonly hour: readonly Slot[];
  readonly day: readonly Slot[];
}

/** The latest points, one for each step of time. */
class Ring {
  readonly #stepMs: number;
  readonly #points: number;
  readonly #slots = new Map<number, SeriesPoint>();
  #latest = Number.NEGATIVE_INFINITY;

  constructor({ stepMs, points }: { readonly stepMs: number; readonly points: number }) {
    this.#stepMs = stepMs;
    this.#points = points;
  }

  isOfLatest(atMs: number): boolean {
    return this.#latest === Math.floor(atMs / this.#stepMs);
  }

  set(atMs: number, point: SeriesPoint): void {
    this.#put(Math.floor(atMs / this.#stepMs), point);
  }

  tell(nowMs: number): SeriesTold {
    const last = Math.floor(nowMs / this.#stepMs);
    const known = [...this.#slots.keys()].filter((number) => number <= last && number > last - this.#points);
    const first = known.length === 0 ? last + 1 : Math.min(...known);
    const end = known.length === 0 ? last : Math.max(...known);
    const numbers = Array.from({ length: end - first + 1 }, (_, index) => first + index);
    const figures = (figure: keyof SeriesPoint) => numbers.map((number) => this.#slots.get(number)?.[figure] ?? null);
    return {
      stepMs: this.#stepMs,
      atMs: numbers.map((number) => number * this.#stepMs),
      pending: figures("pending"),
      pendingBytes: figures("pendingBytes"),
      failed: figures("failed"),
      tasksPerSecond: figures("tasksPerSecond"),
      bytesPerSecond: figures("bytesPerSecond"),
      lagP50Ms: figures("lagP50Ms"),
      lagP99Ms: figures("lagP99Ms"),
    };
  }

  latest(): ({ readonly atMs: number } & SeriesPoint) | undefined {
    const point = this.#slots.get(this.#latest);
    return point === undefined ? undefined : { atMs: this.#latest * this.#stepMs, ...point };
  }

  slots(): readonly Slot[] {
    return [...this.#slots].map(([number, point]) => [number, ...FIGURES.map((figure) => point[figure])]);
  }

  restore(slots: readonly Slot[]): void {
    for (const [number, ...figures] of slots) {
      const at = (figure: keyof SeriesPoint) => figures[FIGURES.indexOf(figure)] ?? null;
      this.#put(number, {
        pending: at("pending") ?? 0,
        pendingBytes: at("pendingBytes") ?? 0,
        failed: at("failed") ?? 0,
        tasksPerSecond: at("tasksPerSecond") ?? 0,
        bytesPerSecond: at("bytesPerSecond") ?? 0,
        lagP50Ms: at("lagP50Ms"),
        lagP99Ms: at("lagP99Ms"),
      });
    }
  }

  #put(number: number, point: SeriesPoint): void {
    this.#slots.set(number, point);
    this.#latest = Math.max(this.#latest, number);
    for (const old of this.#slots.keys()) {
      if (old <= this.#latest - this.#points) this.#slots.delete(old);
    }
  }
}

/** A step of the day shows the worst of what stood, and the mean of what moved. */
function summaryOf(points: readonly SeriesPoint[]): SeriesPoint {
  const worst = (figure: "pending" | "pendingBytes" | "failed") => Math.max(...points.map((one) => one[figure]));
  const mean = (figure: "tasksPerSecond" | "bytesPerSecond") =>
    points.reduce((sum, one) => sum + one[figure], 0) / points.length;
  const lag = (figure: "lagP50Ms" | "lagP99Ms") => {
    const known = points.flatMap((one) => one[figure] ?? []);
    return known.length === 0 ? null : Math.max(...known);
  };
  return {
    pending: worst("pending"),
    pendingBytes: worst("pendingBytes"),
    failed: worst("failed"),
    tasksPerSecond: mean("tasksPerSecond"),
    bytesPerSecond: mean("bytesPerSecond"),
    lagP50Ms: lag("lagP50Ms"),
    lagP99Ms: lag("lagP99Ms"),
  };
}

/** Nobody waits for a chart: while the ledger is away there are gaps. */
async function patiently(what: () => Promise<void>): Promise<void> {
  try {
    await what();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  }
}
