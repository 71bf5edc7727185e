/**
 * Notifications as a feed of changes: they mark keys, the keys are looked at, and what is found goes the way of every
 * change through the intake. A notification is taken when the intake has made its tasks durable.
 *
 * Nothing is kept of keys that wait, so an engine that dies forgets them: their senders have got no answer and send them
 * again, and the scan with which the next engine begins finds what was lost all the same.
 */
import { setMaxListeners } from "node:events";
import type { Ledger } from "../../ledger/ledger.ts";
import type { TakenChange } from "../pair-search.ts";
import type { ChangeFeed, Clock, FeedEntry, Sites } from "../ports.ts";
import { type DirtyKey, DirtyKeys, type MetadataNotice, NotTakenError } from "./dirty-keys.ts";
import { changesOfKey } from "./key-changes.ts";

export interface NotifiedChangesOptions {
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
}

/** Looks are short calls; the limits of a site hold for them too. */
const LOOKS_AT_ONCE = 16;
const KEYS_MAX = 10_000;
/**
 * A marker that a replication is writing is known for one soon after, when that replication's task has ended. A task that
 * is tried again and again is left to the scans.
 */
const AGAIN_AFTER_MS = 250;
const AGAIN_MAX = 8;

/** Entries of one look. */
interface Batch {
  left: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class NotifiedChanges implements ChangeFeed {
  readonly #options: NotifiedChangesOptions;
  readonly #keys: DirtyKeys;
  readonly #stop = new AbortController();
  /** Not taken yet. */
  #waiting: FeedEntry[] = [];
  /** Not done yet, by sequence. */
  readonly #undone = new Map<number, { readonly entry: FeedEntry; readonly batch: Batch }>();
  readonly #listeners = new Set<() => void>();
  /** Keys that are going to be looked at once more, whoever else marks them. */
  readonly #again = new Set<string>();
  #sequence = 0;

  constructor(options: NotifiedChangesOptions) {
    this.#options = options;
    // Every call under way listens to it: that is no leak.
    setMaxListeners(0, this.#stop.signal);
    this.#keys = new DirtyKeys({ look: (dirty) => this.#look(dirty), atOnce: LOOKS_AT_ONCE, keysMax: KEYS_MAX });
  }

  /**
   * Resolves when the tasks that the key calls for are in the ledger.
   *
   * Rejects with a NotTakenError or an S3Error when that cannot be done now, and with whatever else is broken.
   *
   * @param bucket by the name that the configuration gives it
   */
  async mark(bucket: string, key: string, metadata?: MetadataNotice): Promise<void> {
    await this.#keys.mark(bucket, key, metadata);
  }

  async take(limit: number): Promise<readonly FeedEntry[]> {
    return this.#waiting.splice(0, limit);
  }

  async done(entries: readonly FeedEntry[]): Promise<void> {
    for (const { sequence } of entries) {
      const batch = this.#undone.get(sequence)?.batch;
      this.#undone.delete(sequence);
      if (batch === undefined) continue;
      batch.left -= 1;
      if (batch.left === 0) batch.resolve();
    }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    // An intake that begins anew, after an outage of the ledger, takes again what was taken and not done.
    this.#waiting = [...this.#undone.values()].map((one) => one.entry);
    return () => this.#listeners.delete(listener);
  }

  /** Nothing is taken any more: everything that waits rejects. */
  close(): void {
    this.#stop.abort();
    this.#keys.close();
    this.#waiting = [];
    for (const { batch } of this.#undone.values()) batch.reject(new NotTakenError("the engine is stopping"));
    this.#undone.clear();
  }

  async #look(dirty: DirtyKey): Promise<void> {
    const { changes, isUnsettled } = await changesOfKey(dirty, this.#options, this.#stop.signal);
    const name = `${dirty.bucket}\n${dirty.key}`;
    if (!isUnsettled) this.#again.delete(name);
    else if (!this.#again.has(name)) void this.#lookAgain(dirty, name);
    if (changes.length > 0) await this.#pass(changes);
  }

  /** The sender is not made to wait for it: what it waits for may be the very write that it tells of. */
  async #lookAgain({ bucket, key }: DirtyKey, name: string): Promise<void> {
    const { signal } = this.#stop;
    this.#again.add(name);
    for (let tried = 0; tried < AGAIN_MAX; tried++) {
      await this.#options.clock.sleep(AGAIN_AFTER_MS * 2 ** tried, signal);
      if (signal.aborted) return;
      // What cannot be looked at now is looked at the next time.
      await this.#keys.mark(bucket, key).catch(() => undefined);
      if (!this.#again.has(name)) return;
    }
    this.#again.delete(name);
  }

  async #pass(changes: readonly TakenChange[]): Promise<void> {
    if (this.#stop.signal.aborted) throw new NotTakenError("the engine is stopping");
    await new Promise<void>((resolve, reject) => {
      const batch: Batch = { left: changes.length, resolve, reject };
      for (const event of changes) {
        this.#sequence += 1;
        const entry = { sequence: this.#sequence, event };
        this.#undone.set(entry.sequence, { entry, batch });
        this.#waiting.push(entry);
      }
      for (const listener of this.#listeners) listener();
    });
  }
}
