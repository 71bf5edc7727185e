/**
 * Scans: walks of a bucket and its destinations that find everything, also what existed before.
 *
 * A walk keeps a low watermark: every key up to it has been dealt with, and what it had to do is in the ledger. After a
 * crash it goes on behind the watermark, whether that key still exists or not. What fails later is parked in the ledger
 * and holds no walk back. A walk that was begun under other rules begins anew.
 */
import type { Ledger } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ComparedMetadata } from "./metadata-drift.ts";
import { missingTasks } from "./missing.ts";
import { Outage } from "./outage.ts";
import type { Clock, Sites } from "./ports.ts";
import { readScanCheckpoint, type Scanned, writeScanCheckpoint } from "./scan-checkpoint.ts";
import { Wakeup } from "./wakeup.ts";

export interface ScansOptions {
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** What is scanned, asked before every round. */
  readonly buckets: () => readonly string[];
  /** From the end of a round to the beginning of the next one. */
  readonly everyMs: () => number;
  /** What of versions that are there is compared besides, asked before every walk; nothing when it is left out. */
  readonly metadata?: () => ComparedMetadata | undefined;
  /** Called after tasks were added. */
  readonly onAdded: () => void;
  readonly onEnded?: (result: ScanResult) => void;
}

/** What one walk has come to. */
export interface ScanResult {
  readonly bucket: string;
  readonly destinationArn: string;
  /** Versions of the source that were looked at. */
  readonly versions: number;
  readonly added: number;
  readonly late: number;
  readonly unreadable: number;
  /** It went on where an earlier one was cut off. */
  readonly resumed: boolean;
  /** Why it ended early; the next one goes on there. */
  readonly error?: S3Error;
}

const BUCKETS_AT_ONCE = 4;

export class Scans {
  readonly #options: ScansOptions;
  readonly #wakeup = new Wakeup();

  constructor(options: ScansOptions) {
    this.#options = options;
  }

  /** Begins the next round now. */
  wake(): void {
    this.#wakeup.wake();
  }

  /**
   * Scans round after round until the signal is aborted. A ledger that goes away is waited for, and the round goes on where
   * it was cut off. Rejects only when the ledger is broken, or for a bug.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs } = this.#options;
    const outage = new Outage(clock);
    while (!signal.aborted) {
      await outage.outlast(() => this.once(signal), signal);
      await this.#wakeup.wait(signal, { clock, ms: everyMs() });
    }
  }

  /** One round over all buckets. Stores that do not answer are told in the results. */
  async once(signal: AbortSignal): Promise<readonly ScanResult[]> {
    const results = await sideBySide(this.#options.buckets(), BUCKETS_AT_ONCE, (one) => this.#bucket(one, signal));
    return results.flat();
  }

  async #bucket(bucket: string, signal: AbortSignal): Promise<readonly ScanResult[]> {
    const results: ScanResult[] = [];
    const end = (result: ScanResult) => {
      results.push(result);
      this.#options.onEnded?.(result);
    };
    try {
      const configuration = await this.#options.sites.configuration(bucket);
      const enabled = configuration?.rules.filter((one) => one.enabled) ?? [];
      for (const destinationArn of new Set(enabled.map((one) => one.destination.bucketArn))) {
        if (configuration === undefined || signal.aborted) break;
        end(await this.#walk({ bucket, destinationArn, configuration }, signal));
      }
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (!signal.aborted) end({ ...NOTHING, bucket, destinationArn: "", error });
    }
    return results;
  }

  async #walk(what: Scanned, signal: AbortSignal): Promise<ScanResult> {
    const { ledger, sites, clock, onAdded } = this.#options;
    const { bucket, destinationArn, configuration } = what;
    const { afterKey, ...kept } = await readScanCheckpoint(ledger, what);
    const metadata = this.#options.metadata?.();
    const compared = metadata === undefined ? {} : { metadata };
    const from = afterKey === undefined ? {} : { afterKey };
    let result: ScanResult = { ...NOTHING, bucket, destinationArn, resumed: afterKey !== undefined };
    try {
      const where = { bucket, destinationArn, configuration, ...from, ...compared };
      const options = { ...where, origin: "scan", ledger, sites, clock } as const;
      for await (const page of missingTasks(options, signal)) {
        const { added } = page.tasks.length === 0 ? { added: 0 } : await ledger.add(page.tasks);
        await writeScanCheckpoint(ledger, what, { ...kept, afterKey: page.upToKey });
        if (added > 0) onAdded();
        result = {
          ...result,
          versions: result.versions + page.versions,
          added: result.added + added,
          late: result.late + page.late,
          unreadable: result.unreadable + page.unreadable,
        };
      }
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return signal.aborted ? result : { ...result, error };
    }
    if (!signal.aborted) await writeScanCheckpoint(ledger, what, { rules: kept.rules, endedAtMs: clock.nowMs() });
    return result;
  }
}

const NOTHING = { versions: 0, added: 0, late: 0, unreadable: 0, resumed: false } as const;
