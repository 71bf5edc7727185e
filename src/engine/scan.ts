/**
 * Scans: walks of a bucket and its destinations that find everything, also what existed before.
 *
 * A walk keeps low watermarks: every key up to one has been dealt with, and what it had to do is in the ledger. After a
 * crash it goes on behind the watermark, whether that key still exists or not. What fails later is parked in the ledger
 * and holds no walk back. A walk that was begun under other rules begins anew. Engines that share a ledger share its walks
 * (`shared-walk.ts`).
 */
import type { Ledger } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import type { NextKey } from "../s3/key-cuts.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ComparedMetadata } from "./metadata-drift.ts";
import { missingTasks, prefixOfWalk } from "./missing.ts";
import { Outage } from "./outage.ts";
import type { Clock, Sites } from "./ports.ts";
import type { Scanned } from "./scan-checkpoint.ts";
import type { ScanPart } from "./scan-parts.ts";
import { SharedWalk } from "./shared-walk.ts";
import { Wakeup } from "./wakeup.ts";

export interface ScansOptions {
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Unique among living engines that share the ledger. Whoever has it takes at once what an earlier one of it walked. */
  readonly name: string;
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

/** What this engine's share in one walk has come to. */
export interface ScanResult {
  readonly bucket: string;
  readonly destinationArn: string;
  /** Versions of the source that were looked at. */
  readonly versions: number;
  readonly added: number;
  readonly late: number;
  readonly unreadable: number;
  /** It had been begun before, by an engine that was cut off or by another one that takes part in it. */
  readonly resumed: boolean;
  /** Why it ended early; the next one goes on there. */
  readonly error?: S3Error;
}

const BUCKETS_AT_ONCE = 4;

export class Scans {
  readonly #options: ScansOptions;
  readonly #wakeup = new Wakeup();
  #isAsked = true;

  constructor(options: ScansOptions) {
    this.#options = options;
  }

  /** Begins the next round now. */
  wake(): void {
    this.#isAsked = true;
    this.#wakeup.wake();
  }

  /**
   * Scans round after round until the signal is aborted: at once, then again and again, but not what another engine has
   * scanned meanwhile. A ledger that goes away is waited for, and the round goes on where it was cut off. Rejects only when
   * the ledger is broken, or for a bug.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs } = this.#options;
    const outage = new Outage(clock);
    while (!signal.aborted) {
      const sinceMs = this.#isAsked ? Number.POSITIVE_INFINITY : clock.nowMs() - everyMs() / 2;
      this.#isAsked = false;
      await outage.outlast(() => this.#round(sinceMs, signal), signal);
      await this.#wakeup.wait(signal, { clock, ms: everyMs() });
    }
  }

  /**
   * One round over all buckets, which finds what was there when it was called. Stores that do not answer are told in the
   * results.
   */
  async once(signal: AbortSignal): Promise<readonly ScanResult[]> {
    const results = await this.#round(Number.POSITIVE_INFINITY, signal);
    // A walk that had been begun before has passed keys that were written since. The next one begins after the call.
    const resumed = new Set(results.flatMap((one) => (one.resumed && one.error === undefined ? [one.bucket] : [])));
    const again = await sideBySide([...resumed], BUCKETS_AT_ONCE, (one) =>
      this.#bucket(one, Number.POSITIVE_INFINITY, signal),
    );
    return [...results, ...again.flat()];
  }

  /** @param sinceMs what was walked since then is not walked again */
  async #round(sinceMs: number, signal: AbortSignal): Promise<readonly ScanResult[]> {
    const buckets = this.#options.buckets();
    const results = await sideBySide(buckets, BUCKETS_AT_ONCE, (one) => this.#bucket(one, sinceMs, signal));
    return results.flat();
  }

  async #bucket(bucket: string, sinceMs: number, signal: AbortSignal): Promise<readonly ScanResult[]> {
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
        const result = await this.#walk({ bucket, destinationArn, configuration }, sinceMs, signal);
        if (result !== undefined) end(result);
      }
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      if (!signal.aborted) end({ ...NOTHING, bucket, destinationArn: "", error });
    }
    return results;
  }

  /** Walks until all parts have been walked, by whomever; undefined when there was nothing to begin. */
  async #walk(what: Scanned, sinceMs: number, signal: AbortSignal): Promise<ScanResult | undefined> {
    const { bucket, destinationArn } = what;
    const walk = await SharedWalk.join(this.#options, what, sinceMs, signal);
    if (walk === undefined) return undefined;
    let result: ScanResult = { ...NOTHING, bucket, destinationArn, resumed: walk.resumed };
    try {
      while (!signal.aborted) {
        const share = await walk.take(signal);
        if (share === "over") break;
        if (share === "waits") await walk.idle(signal);
        else result = await this.#part(what, { walk, part: share.part, result }, signal);
        if (result.error !== undefined) break;
      }
    } finally {
      await walk.leave();
    }
    return result;
  }

  /** Walks one part, or what is left of it, and adds what came of it to the result. */
  async #part(
    what: Scanned,
    { walk, part, result: before }: { readonly walk: SharedWalk; readonly part: ScanPart; readonly result: ScanResult },
    signal: AbortSignal,
  ): Promise<ScanResult> {
    const { ledger, sites, clock, onAdded } = this.#options;
    const metadata = this.#options.metadata?.();
    const afterKey = part.afterKey ?? part.from;
    const nextKey = this.#nextKey(what, signal);
    let result = before;
    try {
      const compared = metadata === undefined ? {} : { metadata };
      const from = afterKey === undefined ? {} : { afterKey };
      const where = { ...what, ...from, upToKey: () => walk.upTo, ...compared };
      const options = { ...where, origin: "scan", ledger, sites, clock } as const;
      for await (const page of missingTasks(options, signal)) {
        if (!(await walk.isMine())) return result;
        const { added } = page.tasks.length === 0 ? { added: 0 } : await ledger.add(page.tasks);
        if (added > 0) onAdded();
        result = {
          ...result,
          versions: result.versions + page.versions,
          added: result.added + added,
          late: result.late + page.late,
          unreadable: result.unreadable + page.unreadable,
        };
        if (!(await walk.advance(page.upToKey, nextKey))) return result;
      }
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return signal.aborted ? result : { ...result, error };
    }
    if (!signal.aborted) await walk.done();
    return result;
  }

  #nextKey(what: Scanned, signal: AbortSignal): NextKey {
    const { bucket } = what;
    const prefix = prefixOfWalk(what) ?? "";
    const reader = this.#options.sites.reader(bucket);
    return async (keyMarker) => {
      try {
        const { versions } = await reader.listObjectVersions({ bucket, prefix, keyMarker, maxKeys: 1 }, { signal });
        return versions[0]?.key;
      } catch (error) {
        // Any cut is a right one: what was not found out makes it a worse one, or none.
        if (error instanceof S3Error) return undefined;
        throw error;
      }
    };
  }
}

const NOTHING = { versions: 0, added: 0, late: 0, unreadable: 0, resumed: false } as const;
