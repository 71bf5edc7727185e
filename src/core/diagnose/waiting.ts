/**
 * Delete markers of which it cannot be told yet whether replication was in force before them: it is known only when every
 * version has been seen. Of those with one signature the oldest and the newest are kept, of the others the instant only, so
 * that a bucket may have millions of them.
 */
import type { Weight } from "./diagnose.ts";
import type { VersionFacts } from "./facts.ts";

interface Held {
  readonly version: VersionFacts;
  readonly weight: Weight;
}

interface Group {
  /** In the order in which they came, until there are too many. */
  held: Held[];
  /** When others were written that stand between the oldest and the newest of those that are held. */
  readonly betweenMs: number[];
}

/** At either end, once there are more than twice as many. */
const KEPT_MAX = 1000;

export class WaitingMarkers {
  readonly #groups = new Map<string, Group>();

  /** @param signature without what cannot be told yet */
  add(signature: string, version: VersionFacts, weight: Weight): void {
    const group = this.#groupOf(signature);
    group.held.push({ version, weight });
    if (group.held.length > 4 * KEPT_MAX) fold(group);
  }

  /** The same under other signatures. */
  under(signatureOf: (version: VersionFacts) => string): WaitingMarkers {
    const next = new WaitingMarkers();
    for (const { held, betweenMs } of this.#groups.values()) {
      const [first] = held;
      if (first === undefined) continue;
      const group = next.#groupOf(signatureOf(first.version));
      group.held.push(...held);
      for (const atMs of betweenMs) group.betweenMs.push(atMs);
    }
    return next;
  }

  /** Gives them away: one by one, or those of which only the instant is known with the weight of one that stands for them. */
  *taken(oldestCompletedMs: number): Generator<Held> {
    for (const { held, betweenMs } of this.#groups.values()) {
      yield* held;
      for (const isAfter of [false, true]) {
        const isOnSide = (atMs: number) => atMs >= oldestCompletedMs === isAfter;
        let versions = 0;
        let sinceMs = Number.POSITIVE_INFINITY;
        for (const atMs of betweenMs) {
          if (!isOnSide(atMs)) continue;
          versions += 1;
          sinceMs = Math.min(sinceMs, atMs);
        }
        // The oldest and the newest of all are among those that are held, so one of them is on the same side.
        const alike = held.find((one) => isOnSide(one.version.lastModifiedMs));
        if (versions === 0 || alike === undefined) continue;
        yield { version: alike.version, weight: { versions, bytes: 0, sinceMs, samples: [] } };
      }
    }
    this.#groups.clear();
  }

  #groupOf(signature: string): Group {
    let group = this.#groups.get(signature);
    if (group === undefined) {
      group = { held: [], betweenMs: [] };
      this.#groups.set(signature, group);
    }
    return group;
  }
}

function fold(group: Group): void {
  const sorted = group.held.toSorted((a, b) => a.version.lastModifiedMs - b.version.lastModifiedMs);
  const between = sorted.splice(KEPT_MAX, sorted.length - 2 * KEPT_MAX);
  const isOne = (one: Held) => one.weight.versions === 1 && one.weight.bytes === 0;
  for (const one of between) if (isOne(one)) group.betweenMs.push(one.version.lastModifiedMs);
  group.held = [...sorted, ...between.filter((one) => !isOne(one))];
}
