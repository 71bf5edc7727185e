/**
 * What an engine tells of itself: a small text in the ledger, renewed every few seconds, so that each of several engines
 * on one ledger can show them all. One that has not told anything for a while is away; after longer it is forgotten.
 */
import { DatabaseError } from "../ledger/database-error.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { BreakerState } from "./breaker.ts";
import type { EndName } from "./gate.ts";
import type { Clock } from "./ports.ts";
import type { Rate, StreamRate } from "./rates.ts";

export interface Heartbeat {
  readonly name: string;
  readonly version: string;
  readonly startedAtMs: number;
  /** When it last told. */
  readonly atMs: number;
  /** Tasks in the hands of its workers. */
  readonly inFlight: number;
  readonly total: Rate;
  readonly streams: readonly StreamRate[];
  readonly breakers: readonly ToldBreaker[];
}

/** An end that the engine finds nobody at, or is trying again. Closed breakers are not told. */
export type ToldBreaker = EndName & BreakerState;

export const BEAT_MS = 2000;
/** An engine that has told nothing for so long is away. */
const AWAY_AFTER_MS = 15_000;
const FORGOTTEN_AFTER_MS = 60 * 60_000;
const PREFIX = "engine ";

export function isAway({ atMs }: Heartbeat, nowMs: number): boolean {
  return nowMs - atMs > AWAY_AFTER_MS;
}

/** All engines that have told something lately; those that are away among them. */
export async function heartbeatsIn(ledger: Ledger): Promise<readonly Heartbeat[]> {
  return (await ledger.checkpoints(PREFIX)).map(({ value }) => JSON.parse(value) as Heartbeat);
}

export interface BeatingOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly name: string;
  readonly version: string;
  /** Nobody else works with the ledger: who has told something before is dead. */
  readonly isAlone: boolean;
  /** What there is to tell now. */
  readonly tell: () => Pick<Heartbeat, "inFlight" | "total" | "streams" | "breakers">;
}

/** Tells until the signal is aborted, then takes back what was told. */
export async function beat(options: BeatingOptions, signal: AbortSignal): Promise<void> {
  const { ledger, clock, name, version, isAlone, tell } = options;
  const startedAtMs = clock.nowMs();
  const forgottenBeforeMs = isAlone ? startedAtMs : startedAtMs - FORGOTTEN_AFTER_MS;
  await patiently(() => forget(ledger, forgottenBeforeMs));
  while (!signal.aborted) {
    const heartbeat: Heartbeat = { name, version, startedAtMs, atMs: clock.nowMs(), ...tell() };
    await patiently(() => ledger.setCheckpoint(`${PREFIX}${name}`, JSON.stringify(heartbeat)));
    await clock.sleep(BEAT_MS, signal);
  }
  await patiently(() => ledger.setCheckpoint(`${PREFIX}${name}`, undefined));
}

async function forget(ledger: Ledger, beforeMs: number): Promise<void> {
  for (const { name, atMs } of await heartbeatsIn(ledger)) {
    if (atMs <= beforeMs) await ledger.setCheckpoint(`${PREFIX}${name}`, undefined);
  }
}

/** Nobody waits for a heartbeat: while the ledger is away there is none. */
async function patiently(what: () => Promise<void>): Promise<void> {
  try {
    await what();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  }
}
