/**
 * Keys of which somebody said that they have changed, until they have been looked at.
 *
 * A key is looked at once at a time. What is said of it while it waits joins that look; what is said during a look waits
 * for the next one, for it may be newer than what the look sees. So a burst about one key costs two looks, and looks keep
 * the order of its versions.
 */
import type { MetadataOperation } from "../pair-search.ts";

/** One key, and what was said of it besides that it has changed. */
export interface DirtyKey {
  /** By the name that the configuration gives it. */
  readonly bucket: string;
  readonly key: string;
  /** Changes of metadata, each once. */
  readonly metadata: readonly MetadataNotice[];
}

export interface MetadataNotice {
  readonly operation: MetadataOperation;
  /** Undefined: of the current version. */
  readonly versionId?: string;
}

export interface DirtyKeysOptions {
  /** Does what a key calls for. What it rejects with is told to everybody who waits for this look. */
  readonly look: (dirty: DirtyKey) => Promise<void>;
  /** Keys that are looked at at once. */
  readonly atOnce: number;
  /** More keys than these are not taken. */
  readonly keysMax: number;
}

/** Why a notification was not taken: who sent it may send it again. */
export class NotTakenError extends Error {
  override readonly name = "NotTakenError";
}

interface Look {
  readonly metadata: Map<string, MetadataNotice>;
  readonly ended: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Lane {
  readonly bucket: string;
  readonly key: string;
  isBeingLookedAt: boolean;
  /** The look that has not begun. */
  next: Look | undefined;
}

export class DirtyKeys {
  readonly #options: DirtyKeysOptions;
  readonly #lanes = new Map<string, Lane>();
  /** Lanes whose next look may begin, in the order in which they were marked. */
  readonly #ready = new Set<Lane>();
  #looking = 0;
  #isClosed = false;

  constructor(options: DirtyKeysOptions) {
    this.#options = options;
  }

  /** Keys that wait or are looked at. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Resolves when the key was looked at, after this call. Rejects with a NotTakenError, or with what the look rejects with. */
  async mark(bucket: string, key: string, metadata?: MetadataNotice): Promise<void> {
    if (this.#isClosed) throw new NotTakenError("the engine is stopping");
    const name = `${bucket}\n${key}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      if (this.#lanes.size >= this.#options.keysMax) {
        throw new NotTakenError(`${this.#lanes.size} keys wait to be looked at already`);
      }
      lane = { bucket, key, isBeingLookedAt: false, next: undefined };
      this.#lanes.set(name, lane);
    }
    lane.next ??= newLook();
    if (metadata !== undefined) lane.next.metadata.set(`${metadata.operation} ${metadata.versionId ?? ""}`, metadata);
    const { ended } = lane.next;
    if (!lane.isBeingLookedAt) this.#ready.add(lane);
    this.#begin();
    await ended;
  }

  /** Takes nothing any more; looks that have not begun reject. */
  close(): void {
    this.#isClosed = true;
    this.#ready.clear();
    for (const lane of this.#lanes.values()) lane.next?.reject(new NotTakenError("the engine is stopping"));
  }

  #begin(): void {
    for (const lane of this.#ready) {
      if (this.#looking >= this.#options.atOnce) return;
      this.#ready.delete(lane);
      const { next } = lane;
      if (next !== undefined) void this.#look(lane, next);
    }
  }

  async #look(lane: Lane, look: Look): Promise<void> {
    const { bucket, key } = lane;
    lane.next = undefined;
    lane.isBeingLookedAt = true;
    this.#looking += 1;
    try {
      await this.#options.look({ bucket, key, metadata: [...look.metadata.values()] });
      look.resolve();
    } catch (error) {
      look.reject(error);
    }
    this.#looking -= 1;
    lane.isBeingLookedAt = false;
    if (lane.next === undefined) this.#lanes.delete(`${bucket}\n${key}`);
    else if (!this.#isClosed) this.#ready.add(lane);
    this.#begin();
  }
}

function newLook(): Look {
  let [resolve, reject]: [Look["resolve"], Look["reject"]] = [() => undefined, () => undefined];
  const ended = new Promise<void>((done, failed) => {
    [resolve, reject] = [done, failed];
  });
  // Whoever marked the key hears of it; some may have gone away meanwhile.
  ended.catch(() => undefined);
  return { metadata: new Map(), ended, resolve, reject };
}
