/**
 * How everything stands, from the ledger alone: what every engine on it has told, what waits, what has failed, what is
 * paused. The same from whichever engine's console it is asked.
 */
import { failureCode, failureEntry } from "../core/failures/catalogue.ts";
import { type Heartbeat, heartbeatsIn, isAway, type ToldBreaker } from "../engine/heartbeat.ts";
import { type Pause, pausesIn } from "../engine/pauses.ts";
import { type Percentiles, percentilesOf, type Rate, sumOf } from "../engine/rates.ts";
import type { ResyncProgress } from "../engine/resync/model.ts";
import type { Count } from "../ledger/ledger.ts";
import { type Published, publishedIn } from "../monitor/published.ts";
import type { ConsoleOptions } from "./options.ts";
import type { Replication } from "./replications.ts";

/** Work, and how fast it gets done. Counted in tasks: one per version, destination and operation. */
export interface Standing {
  /** Waiting or under way. */
  readonly pending: number;
  readonly pendingBytes: number;
  /** When the oldest version that is PENDING was written. */
  readonly oldestWrittenAtMs?: number;
  readonly failed: number;
  readonly completed: number;
  /** In the last minute. */
  readonly tasksPerSecond: number;
  readonly bytesPerSecond: number;
  /** From the writing of a version to its replica's, of those that were written since the engine began; last 5 to 10 minutes. */
  readonly lag?: Percentiles;
  /** Until nothing is PENDING, at the rate of now; undefined while nothing moves. What is paused is left out. */
  readonly etaMs?: number;
}

export interface DestinationStanding extends Standing {
  readonly destinationArn: string;
  /** What engines tell of either end; closed breakers are left out. */
  readonly breakers: readonly (ToldBreaker & { readonly engine: string })[];
}

export interface ReplicationStanding extends Replication {
  readonly pausedSinceMs?: number;
  readonly destinations: readonly DestinationStanding[];
}

export interface EngineStanding {
  readonly name: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly atMs: number;
  /** It has told nothing for a while: it has died, or cannot reach the ledger. */
  readonly isAway: boolean;
  readonly inFlight: number;
  readonly tasksPerSecond: number;
}

export interface ReasonCount {
  readonly code: string;
  readonly title: string;
  /** FAILED, or failed for now and tried again. */
  readonly state: "FAILED" | "PENDING";
  readonly tasks: number;
  readonly bytes: number;
}

export interface Overview extends Standing {
  readonly atMs: number;
  readonly byReason: readonly ReasonCount[];
  readonly replications: readonly ReplicationStanding[];
  readonly engines: readonly EngineStanding[];
  /** Those that have not ended, the youngest first. */
  readonly jobs: readonly ResyncProgress[];
  /** Of buckets that their own store replicates. */
  readonly published: readonly Published[];
}

/** @param bucket only what is replicated from it */
export async function overviewOf(options: ConsoleOptions, bucket?: string): Promise<Overview> {
  const { ledger, replications, clock, engine } = options;
  const atMs = clock();
  const [counts, pauses, heartbeats, jobs, published] = await Promise.all([
    ledger.counts(bucket),
    pausesIn(ledger),
    heartbeatsIn(ledger),
    engine.resync.list(),
    publishedIn(ledger),
  ]);
  const alive = heartbeats.filter((one) => !isAway(one, atMs));
  const known = (await replications.list()).filter((one) => bucket === undefined || one.bucket === bucket);
  const forgotten = [...new Set(counts.map((one) => one.bucket))]
    .filter((one) => !known.some((replication) => replication.bucket === one))
    .map((one) => ({ name: one, bucket: one, showsStatus: false }));
  const isPaused = (name: string) => pauses.some((one) => one.bucket === name);
  const rates = alive.flatMap((one) => (bucket === undefined ? [one.total] : one.streams.filter(of(bucket))));
  return {
    atMs,
    ...standingOf(counts, rates, (one) => isPaused(one.bucket)),
    byReason: byReason(counts),
    replications: [...known, ...forgotten].map((one) => replicationOf(one, { counts, pauses, alive })),
    engines: heartbeats.map((one) => engineOf(one, atMs)),
    jobs: jobs.filter((one) => isUnderWay(one) && (bucket === undefined || one.bucket === bucket)),
    published: published.filter((one) => bucket === undefined || one.bucket === bucket),
  };
}

interface Known {
  readonly counts: readonly Count[];
  readonly pauses: readonly Pause[];
  readonly alive: readonly Heartbeat[];
}

function replicationOf(replication: Replication, { counts, pauses, alive }: Known): ReplicationStanding {
  const { bucket } = replication;
  const paused = pauses.find((one) => one.bucket === bucket);
  const own = counts.filter((one) => one.bucket === bucket);
  const streams = alive.flatMap((one) => one.streams.filter(of(bucket)));
  const destinations = [...new Set([...own, ...streams].map((one) => one.destinationArn))].toSorted();
  return {
    ...replication,
    ...(paused === undefined ? {} : { pausedSinceMs: paused.sinceMs }),
    destinations: destinations.map((destinationArn) => {
      const isIts = (one: { readonly destinationArn: string }) => one.destinationArn === destinationArn;
      return {
        destinationArn,
        ...standingOf(own.filter(isIts), streams.filter(isIts), () => paused !== undefined),
        breakers: breakersOf(alive, { bucket, destinationArn }),
      };
    }),
  };
}

/** Breakers of either end of a stream, as every engine tells them. */
export function breakersOf(
  heartbeats: readonly Heartbeat[],
  stream: { readonly bucket: string; readonly destinationArn: string },
): (ToldBreaker & { readonly engine: string })[] {
  return heartbeats.flatMap(({ name: engine, breakers }) =>
    breakers.filter((one) => guards(one, stream)).map((one) => ({ ...one, engine })),
  );
}

function guards(
  { side, name }: ToldBreaker,
  stream: { readonly bucket: string; readonly destinationArn: string },
): boolean {
  return name === (side === "source" ? stream.bucket : stream.destinationArn);
}

function standingOf(counts: readonly Count[], rates: readonly Rate[], isPaused: (count: Count) => boolean): Standing {
  const undone = counts.filter((one) => one.state === "waiting" || one.state === "leased");
  const oldestMs = Math.min(...undone.flatMap((one) => one.oldestWrittenAtMs ?? []));
  const tasksPerSecond = rates.reduce((sum, one) => sum + one.tasksPerSecond, 0);
  const moving = tasksOf(undone.filter((one) => !isPaused(one)));
  const lag = percentilesOf(sumOf(rates.map((one) => one.lag)));
  return {
    pending: tasksOf(undone),
    pendingBytes: undone.reduce((sum, one) => sum + one.bytes, 0),
    ...(Number.isFinite(oldestMs) ? { oldestWrittenAtMs: oldestMs } : {}),
    failed: tasksOf(counts.filter((one) => one.state === "parked")),
    completed: tasksOf(counts.filter((one) => one.state === "completed")),
    tasksPerSecond,
    bytesPerSecond: rates.reduce((sum, one) => sum + one.bytesPerSecond, 0),
    ...(lag === undefined ? {} : { lag }),
    ...(moving > 0 && tasksPerSecond > 0 ? { etaMs: Math.round((moving / tasksPerSecond) * 1000) } : {}),
  };
}

function byReason(counts: readonly Count[]): ReasonCount[] {
  const reasons = new Map<string, ReasonCount>();
  for (const { failureCode: code, state: is, tasks, bytes } of counts) {
    if (code === undefined || is === "completed") continue;
    const state = is === "parked" ? "FAILED" : "PENDING";
    const before = reasons.get(`${code} ${state}`) ?? { code, title: titleOf(code), state, tasks: 0, bytes: 0 };
    reasons.set(`${code} ${state}`, { ...before, tasks: before.tasks + tasks, bytes: before.bytes + bytes });
  }
  return [...reasons.values()].toSorted((one, other) => other.tasks - one.tasks);
}

/** What happened, in one sentence of the catalogue. */
export function titleOf(code: string): string {
  const known = failureCode(code);
  return known === undefined ? code : failureEntry(known).title;
}

function engineOf(heartbeat: Heartbeat, nowMs: number): EngineStanding {
  const { name, version, startedAtMs, atMs, inFlight, total } = heartbeat;
  const { tasksPerSecond } = total;
  return { name, version, startedAtMs, atMs, isAway: isAway(heartbeat, nowMs), inFlight, tasksPerSecond };
}

function isUnderWay({ state }: ResyncProgress): boolean {
  return state === "running" || state === "paused";
}

function of(bucket: string): (one: { readonly bucket: string }) => boolean {
  return (one) => one.bucket === bucket;
}

function tasksOf(counts: readonly Count[]): number {
  return counts.reduce((sum, one) => sum + one.tasks, 0);
}
