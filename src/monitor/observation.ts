/**
 * What is known of the replication at one moment: what metrics show and alerts judge. It is gathered by `cli`, from the
 * ledger, what the engines tell and the results of watches, so that all who look at it see the same.
 */
import type { Count } from "../ledger/ledger.ts";
import type { WatchResult } from "./history.ts";
import type { Published } from "./published.ts";

export interface Observation {
  readonly atMs: number;
  /** Exact, of all buckets. */
  readonly counts: readonly Count[];
  readonly replications: readonly ObservedReplication[];
  readonly engines: readonly ObservedEngine[];
  /** The latest of each kind, subject and rule. */
  readonly results: readonly WatchResult[];
  /** Of streams of which something was completed in the last minutes. */
  readonly lags?: readonly ObservedLag[];
  /** Of buckets that their stores replicate themselves. */
  readonly published?: readonly Published[];
}

/** From the writing of versions to their replicas'. */
export interface ObservedLag {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly p99Ms: number;
  /** How many versions it is of. */
  readonly tasks: number;
}

export interface ObservedReplication {
  /** As commands call it. */
  readonly name: string;
  readonly bucket: string;
  readonly pausedSinceMs?: number;
  /** Its versions show their status at the store, so that they can be diagnosed there; default true. */
  readonly showsStatus?: boolean;
}

export interface ObservedEngine {
  readonly name: string;
  /** It has told nothing for a while. */
  readonly isAway: boolean;
  readonly inFlight: number;
  readonly tasksPerSecond: number;
  readonly bytesPerSecond: number;
  readonly breakers: readonly ObservedBreaker[];
}

/** An end that nobody answers at. Closed breakers are not told. */
export interface ObservedBreaker {
  readonly side: "source" | "destination";
  /** A bucket's name, or a destination's ARN. */
  readonly name: string;
  readonly state: "open" | "halfOpen";
  readonly sinceMs: number;
}

export type Observe = () => Promise<Observation>;
