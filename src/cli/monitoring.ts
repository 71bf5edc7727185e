/**
 * Everything that watches an engine, put together: gathers what metrics show and alerts judge. The same for the lab's
 * engine and for one between stores.
 */
import type { Replications } from "../console/replications.ts";
import { type Heartbeat, heartbeatsIn, isAway } from "../engine/heartbeat.ts";
import { pausesIn } from "../engine/pauses.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { latest } from "../monitor/history.ts";
import type { Observation, ObservedEngine } from "../monitor/observation.ts";

export interface MonitoringParts {
  readonly ledger: Ledger;
  readonly replications: Replications;
  readonly clock: () => number;
}

/** What is known now, of all engines on the ledger. @throws DatabaseError */
export async function observe({ ledger, replications, clock }: MonitoringParts): Promise<Observation> {
  const atMs = clock();
  const [counts, known, pauses, heartbeats, results] = await Promise.all([
    ledger.counts(),
    replications.list(),
    pausesIn(ledger),
    heartbeatsIn(ledger),
    latest(ledger),
  ]);
  return {
    atMs,
    counts,
    replications: known.map(({ name, bucket }) => {
      const pause = pauses.find((one) => one.bucket === bucket);
      return { name, bucket, ...(pause === undefined ? {} : { pausedSinceMs: pause.sinceMs }) };
    }),
    engines: heartbeats.map((one) => engineOf(one, atMs)),
    results,
  };
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
