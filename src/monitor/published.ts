/**
 * What a store publishes of the replication that it does itself, looked up at intervals and kept in the ledger: every engine on
 * it shows the same, one of them asks, and counters go on after a restart. Where it is looked up is handed in.
 *
 * Figures come some minutes late and in whole minutes. A minute is counted when it is old enough to be complete, once; what was
 * published while nobody looked is made up for, up to a limit.
 */
import { DatabaseError } from "../ledger/database-error.ts";
import type { Ledger } from "../ledger/ledger.ts";

/** A bucket whose store replicates it. */
export interface PublishedBucket {
  /** As commands call it. */
  readonly name: string;
  readonly bucket: string;
  readonly everyMs: number;
}

/** What is published of one rule and destination. */
export interface FoundFlow {
  readonly ruleId: string;
  readonly destinationArn: string;
  /** In the latest minute of which anything is known. */
  readonly pending?: PublishedPending;
  /** In no order. */
  readonly ended: readonly { readonly atMs: number; readonly operations: number; readonly failed: number }[];
}

export interface PublishedPending {
  readonly atMs: number;
  readonly operations: number;
  readonly bytes: number;
  /** How long the oldest has waited. */
  readonly latencySeconds: number;
}

/** Looks up what ended since, and what waits. @throws PublishedError */
export type ReadPublished = (bucket: PublishedBucket, sinceMs: number) => Promise<readonly FoundFlow[]>;

/** It could not be looked up; the message says what to do. */
export class PublishedError extends Error {
  /** The same for what goes wrong for the same reason: messages hold ids of requests. */
  readonly code: string;

  constructor(message: string, code: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** As it is shown. */
export interface PublishedFlow {
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly pending?: PublishedPending;
  /** Operations since it was first looked at. */
  readonly completed: number;
  readonly failed: number;
  readonly failedLastHour: number;
  readonly endedLastHour: number;
}

export interface Published extends Omit<PublishedBucket, "everyMs"> {
  /** When it was last looked up. */
  readonly readAtMs: number;
  /** Minutes that begin before are counted. */
  readonly countedUntilMs: number;
  readonly flows: readonly PublishedFlow[];
}

export interface PublishingOptions {
  readonly ledger: Ledger;
  readonly clock: { nowMs(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  /** The engine's. */
  readonly name: string;
  /** As they are at the time. */
  readonly buckets: () => readonly PublishedBucket[];
  readonly read: ReadPublished;
  readonly onTrouble: (says: string) => void;
}

const PREFIX = "published ";
const HOLD = "published";
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** A minute that is older is complete. */
const LATE_MS_MAX = 15 * MINUTE_MS;
/** What was published longer ago while nobody looked is not counted. */
const BACK_MS_MAX = 24 * HOUR_MS;
/** Nobody looks more often whether a lookup is due. */
const TICK_MS = 10_000;
/** Another engine takes over after so long. */
const HOLD_MS = 2 * MINUTE_MS;

/** Looks up what is due until the signal is aborted. */
export async function publishing(options: PublishingOptions, signal: AbortSignal): Promise<void> {
  const { ledger, clock, name } = options;
  const tries: Tries = new Map();
  while (!signal.aborted) {
    await patiently(() => lookUpDue(options, tries));
    if (!signal.aborted) await clock.sleep(TICK_MS, signal);
  }
  await patiently(() => ledger.letGo(HOLD, name));
}

/** By bucket: when it was last tried in vain, and the code of what was told of it. */
export type Tries = Map<string, { readonly atMs: number; readonly code: string }>;

/** Once, of what is due. What failed is tried again as often as what did not. */
export async function lookUpDue(options: PublishingOptions, tries: Tries): Promise<void> {
  const { ledger, clock, name, buckets, read, onTrouble } = options;
  const wanted = buckets();
  const nowMs = clock.nowMs();
  if (wanted.length === 0 || !(await ledger.hold(HOLD, name, { nowMs, untilMs: nowMs + HOLD_MS }))) return;
  const kept = new Map((await publishedIn(ledger)).map((one) => [one.name, one]));
  for (const gone of [...kept.keys()].filter((one) => !wanted.some((bucket) => bucket.name === one))) {
    await ledger.setCheckpoint(`${PREFIX}${gone}`, undefined);
  }
  for (const bucket of wanted) {
    const before = sameBucket(kept.get(bucket.name), bucket);
    const atMs = clock.nowMs();
    const failed = tries.get(bucket.name);
    const lastAtMs = Math.max(before?.readAtMs ?? -Infinity, failed?.atMs ?? -Infinity);
    if (atMs - lastAtMs < bucket.everyMs) continue;
    try {
      const from = Math.max(before?.countedUntilMs ?? atMs, atMs - BACK_MS_MAX);
      const found = await read(bucket, Math.min(from, atMs - HOUR_MS));
      await ledger.setCheckpoint(`${PREFIX}${bucket.name}`, JSON.stringify(counted(before, bucket, found, atMs)));
      tries.delete(bucket.name);
    } catch (error) {
      if (!(error instanceof PublishedError)) throw error;
      if (failed?.code !== error.code) onTrouble(`${bucket.name}: ${error.message}`);
      tries.set(bucket.name, { atMs, code: error.code });
    }
  }
}

/** Of another bucket under its name nothing goes on. */
function sameBucket(kept: Published | undefined, { bucket }: PublishedBucket): Published | undefined {
  return kept?.bucket === bucket ? kept : undefined;
}

/** What was counted, and the minutes that are complete since. */
export function counted(
  before: Published | undefined,
  { name, bucket }: PublishedBucket,
  found: readonly FoundFlow[],
  atMs: number,
): Published {
  const edge = Math.floor((atMs - LATE_MS_MAX) / MINUTE_MS) * MINUTE_MS;
  const from = before?.countedUntilMs ?? edge;
  const flows = found.map(({ ruleId, destinationArn, pending, ended }): PublishedFlow => {
    const own = before?.flows.find((one) => one.ruleId === ruleId && one.destinationArn === destinationArn);
    const sum = (minutes: FoundFlow["ended"]) => ({
      failed: minutes.reduce((total, one) => total + one.failed, 0),
      ended: minutes.reduce((total, one) => total + one.operations, 0),
    });
    const news = sum(ended.filter((one) => one.atMs >= from && one.atMs < edge));
    const lately = sum(ended.filter((one) => one.atMs >= atMs - HOUR_MS));
    return {
      ruleId,
      destinationArn,
      ...(pending === undefined ? {} : { pending }),
      completed: (own?.completed ?? 0) + news.ended - news.failed,
      failed: (own?.failed ?? 0) + news.failed,
      failedLastHour: lately.failed,
      endedLastHour: lately.ended,
    };
  });
  return { name, bucket, readAtMs: atMs, countedUntilMs: Math.max(from, edge), flows };
}

/** What was looked up last, of every bucket. */
export async function publishedIn(ledger: Pick<Ledger, "checkpoints">): Promise<readonly Published[]> {
  return (await ledger.checkpoints(PREFIX)).map(({ value }) => JSON.parse(value) as Published);
}

/** While the ledger is away nobody looks. */
async function patiently(what: () => Promise<void>): Promise<void> {
  try {
    await what();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  }
}
