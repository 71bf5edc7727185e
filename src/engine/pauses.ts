/**
 * What is paused: buckets whose versions nobody takes up until somebody resumes them. Kept in the ledger, so that every
 * engine that shares it obeys, and goes on obeying after a restart. What is under way when a pause begins is ended.
 */
import { DatabaseError } from "../ledger/database-error.ts";
import type { Ledger, Stream } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import type { Clock, Sites } from "./ports.ts";
import { Wakeup } from "./wakeup.ts";

/** What another engine was told is seen after so long. */
const POLL_MS = 1000;
const PREFIX = "paused ";

/** A bucket whose replication is paused. */
export interface Pause {
  readonly bucket: string;
  readonly sinceMs: number;
}

export async function pausesIn(ledger: Ledger): Promise<readonly Pause[]> {
  return (await ledger.checkpoints(PREFIX)).map(({ name, value }) => {
    const { sinceMs } = JSON.parse(value) as { readonly sinceMs: number };
    return { bucket: name.slice(PREFIX.length), sinceMs };
  });
}

/** Idempotent: one that is paused keeps the time since when it is. */
export async function pause(ledger: Ledger, bucket: string, nowMs: number): Promise<void> {
  if ((await ledger.checkpoint(`${PREFIX}${bucket}`)) !== undefined) return;
  await ledger.setCheckpoint(`${PREFIX}${bucket}`, JSON.stringify({ sinceMs: nowMs }));
}

export async function resume(ledger: Ledger, bucket: string): Promise<void> {
  await ledger.setCheckpoint(`${PREFIX}${bucket}`, undefined);
}

export interface PausesOptions {
  readonly ledger: Ledger;
  readonly sites: Pick<Sites, "configuration">;
  readonly clock: Clock;
  /** Called after something was paused or resumed. */
  readonly onChanged: () => void;
}

/** An engine's view of what is paused. */
export class Pauses {
  readonly #options: PausesOptions;
  readonly #wakeup = new Wakeup();
  #streams: readonly Stream[] = [];

  constructor(options: PausesOptions) {
    this.#options = options;
  }

  /** Every stream of which nothing is to be taken. */
  streams(): readonly Stream[] {
    return this.#streams;
  }

  /** Looks again now. */
  wake(): void {
    this.#wakeup.wake();
  }

  /** Follows what is paused until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.look().catch((error: unknown) => {
        // What was paused stays paused while the ledger is away.
        if (!(error instanceof DatabaseError)) throw error;
      });
      await this.#wakeup.wait(signal, { clock: this.#options.clock, ms: POLL_MS });
    }
  }

  /** Reads what is paused now. */
  async look(): Promise<void> {
    const { ledger, onChanged } = this.#options;
    const paused = await pausesIn(ledger);
    const streams = (await Promise.all(paused.map(({ bucket }) => this.#streamsOf(bucket)))).flat();
    const isSame = JSON.stringify(streams) === JSON.stringify(this.#streams);
    this.#streams = streams;
    if (!isSame) onChanged();
  }

  /** To every destination that rules name now, or that the ledger still has tasks for. */
  async #streamsOf(bucket: string): Promise<readonly Stream[]> {
    const { ledger, sites } = this.#options;
    const counts = await ledger.counts(bucket);
    const configuration = await sites.configuration(bucket).catch((error: unknown) => {
      if (error instanceof S3Error) return undefined;
      throw error;
    });
    const named = configuration?.rules.map((one) => one.destination.bucketArn) ?? [];
    const destinations = new Set([...counts.map((one) => one.destinationArn), ...named]);
    return [...destinations].toSorted().map((destinationArn) => ({ bucket, destinationArn }));
  }
}
