/**
 * What is measured of an engine, put together for `up` and `run`: the text of the metrics, made anew when somebody asks, and
 * the points of the charts, measured all along.
 */
import type { Metering } from "../console/routes/metrics.ts";
import { heartbeatsIn, isAway } from "../engine/heartbeat.ts";
import type { Clock } from "../engine/ports.ts";
import { percentilesOf, sumOf } from "../engine/rates.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { REPLICATION_TIME_MS } from "../ledger/tallies.ts";
import { Series, type SeriesPoint } from "../monitor/series.ts";
import { type MonitoringParts, observe } from "./monitoring.ts";
import { packageVersion } from "./version.ts";

export interface MeteringOptions extends Omit<MonitoringParts, "clock"> {
  readonly clock: Clock;
  /** The engine's. */
  readonly name: string;
  readonly isPublic: boolean;
  readonly onBroken: (error: unknown) => void;
}

export interface RunningMetering extends Metering {
  /** Resolves after what was measured is kept. */
  stop(): Promise<void>;
}

export function startMetering(options: MeteringOptions): RunningMetering {
  const { ledger, replications, clock, name, isPublic, onBroken } = options;
  const series = new Series({ ledger, clock, name, measure: () => pointOf(ledger, clock.nowMs()) });
  const over = new AbortController();
  const measuring = series.run(over.signal).catch(onBroken);
  const version = packageVersion();
  const measure = async () => {
    // Most of those who start an engine never ask.
    const { metricsOf, processMetrics } = await import("../monitor/metrics/metrics.ts");
    const [observation, tallies, overdue] = await Promise.all([
      observe({ ledger, replications, clock: () => clock.nowMs() }),
      ledger.tallies(),
      ledger.overdue(clock.nowMs() - REPLICATION_TIME_MS),
    ]);
    return `${await metricsOf({ observation, tallies, overdue, version })}\n${await processMetrics()}`;
  };
  return {
    text: shared(measure),
    isPublic,
    series,
    stop: async () => {
      over.abort();
      await measuring;
    },
  };
}

/** However many ask at once, it is looked up once. */
function shared<T>(make: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return async () => {
    underWay ??= make().finally(() => {
      underWay = undefined;
    });
    return await underWay;
  };
}

async function pointOf(ledger: Ledger, nowMs: number): Promise<SeriesPoint> {
  const [counts, heartbeats] = await Promise.all([ledger.counts(), heartbeatsIn(ledger)]);
  const rates = heartbeats.filter((one) => !isAway(one, nowMs)).map((one) => one.total);
  const pending = counts.filter(({ state }) => state === "waiting" || state === "leased");
  const failed = counts.filter(({ state }) => state === "parked");
  const lag = percentilesOf(sumOf(rates.map((one) => one.lag)));
  const sum = <T>(all: readonly T[], figure: (one: T) => number) => all.reduce((total, one) => total + figure(one), 0);
  return {
    pending: sum(pending, (one) => one.tasks),
    pendingBytes: sum(pending, (one) => one.bytes),
    failed: sum(failed, (one) => one.tasks),
    tasksPerSecond: sum(rates, (one) => one.tasksPerSecond),
    bytesPerSecond: sum(rates, (one) => one.bytesPerSecond),
    lagP50Ms: lag?.p50Ms ?? null,
    lagP99Ms: lag?.p99Ms ?? null,
  };
}
