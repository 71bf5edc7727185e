/**
 * Everything that watches an engine, put together: gathers what metrics show and alerts judge. The same for the lab's
 * engine and for one between stores.
 */
import type { Replications } from "../console/replications.ts";
import { type Heartbeat, heartbeatsIn, isAway } from "../engine/heartbeat.ts";
import { pausesIn } from "../engine/pauses.ts";
import { percentilesOf, type StreamRate, sumOf } from "../engine/rates.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { latest } from "../monitor/history.ts";
import type { Observation, ObservedEngine, ObservedLag } from "../monitor/observation.ts";
import { publishedIn } from "../monitor/published.ts";

export interface MonitoringParts {
  readonly ledger: Ledger;
  readonly replications: Replications;
  readonly clock: () => number;
}

/** What is known now, of all engines on the ledger. @throws DatabaseError */
export async function observe({ ledger, replications, clock }: MonitoringParts): Promise<Observation> {
  const atMs = clock();
  const [counts, known, pauses, heartbeats, results, published] = await Promise.all([
    ledger.counts(),
    replications.list(),
    pausesIn(ledger),
    heartbeatsIn(ledger),
    latest(ledger),
    publishedIn(ledger),
  ]);
  return {
    atMs,
    counts,
    replications: known.map(({ name, bucket, showsStatus }) => {
      const pause = pauses.find((one) => one.bucket === bucket);
      return { name, bucket, showsStatus, ...(pause === undefined ? {} : { pausedSinceMs: pause.sinceMs }) };
    }),
    engines: heartbeats.map((one) => engineOf(one, atMs)),
    results,
    published,
    lags: lagsOf(heartbeats.filter((one) => !isAway(one, atMs))),
  };
}

function lagsOf(heartbeats: readonly Heartbeat[]): readonly ObservedLag[] {
  const byStream = new Map<string, StreamRate[]>();
  for (const rate of heartbeats.flatMap((one) => one.streams)) {
    const name = `${rate.bucket} ${rate.destinationArn}`;
    byStream.set(name, [...(byStream.get(name) ?? []), rate]);
  }
  return [...byStream.values()].flatMap((rates) => {
    const [first] = rates;
    const lag = percentilesOf(sumOf(rates.map((one) => one.lag)));
    if (first === undefined || lag === undefined) return [];
    return [{ bucket: first.bucket, destinationArn: first.destinationArn, p99Ms: lag.p99Ms, tasks: lag.tasks }];
  });
}

function engineOf(heartbeat: Heartbeat, nowMs: number): ObservedEngine {
  const { name, inFlight, total, breakers } = heartbeat;
  return {
    name,
    isAway: isAway(heartbeat, nowMs),
    inFlight,
    tasksPerSecond: total.tasksPerSecond,
    bytesPerSecond: total.bytesPerSecond,
    breakers: breakers.flatMap(({ side, name: end, state, sinceMs }) =>
      state === "closed" ? [] : [{ side, name: end, state, sinceMs }],
    ),
  };
}
