/**
 * Walks two ends side by side, in ranges of keys: whoever has nothing left takes the upper half of what another has, so
 * buckets of one page cost one request at each end, and large ones are listed by many.
 *
 * Memory is a page of each end and what is being looked at, for each range. What is done is kept in a file (`progress.ts`)
 * every second or so, and when somebody interrupts.
 */
import { setMaxListeners } from "node:events";
import { KeyMerge, type KeyPair, type Side } from "../../core/audit/merge.ts";
import { emptyTally, sumOf, type Tally } from "../../core/audit/tally.ts";
import { compareKeys } from "../../core/keys.ts";
import { cutBetween } from "../../s3/key-cuts.ts";
import type { ListedVersion } from "../../s3/store.ts";
import { EvidenceError } from "../evidence/error.ts";
import { judgePage, type PageOptions } from "./page.ts";
import type { RowReader } from "./ports.ts";
import { PartFile, type PartState, type Progress, saveProgress } from "./progress.ts";

export interface WalkOptions extends PageOptions {
  /** The same text for the same audit. */
  readonly request: string;
  readonly clock: () => number;
  /** Ranges that are walked at a time. */
  readonly rangesAtOnce: number;
  readonly onProgress?: (so: { readonly versions: number; readonly exceptions: number }) => void;
}

/** So many pages of a range are read before it is cut: probing for a place costs a page or two, and few pages are left soon. */
const PAGES_BEFORE_CUT = 8;
const PARTS_MAX = 1000;
const SAVE_EVERY_MS = 1000;

/** A range that somebody walks. */
interface Walked {
  readonly state: PartState;
  pages: number;
  /** No key above it has been taken out of the merge. */
  takenUpTo: string | undefined;
  isUncuttable: boolean;
}

/** @returns true when all is done, false when it was interrupted. @throws S3Error, EvidenceError */
export async function walk(options: WalkOptions, progress: Progress, signal: AbortSignal): Promise<boolean> {
  const own = AbortSignal.any([signal]);
  // Every call under way listens to it: that is no leak.
  setMaxListeners(0, own);
  const walker = new Walker(options, progress, own);
  try {
    await walker.all();
  } finally {
    await saveProgress(progress, options.request);
  }
  return progress.parts.every((one) => one.isDone);
}

class Walker {
  readonly #options: WalkOptions;
  readonly #progress: Progress;
  readonly #signal: AbortSignal;
  readonly #waiting: PartState[];
  readonly #walked = new Set<Walked>();
  #isBroken = false;
  #savedAtMs: number;
  #saving: Promise<void> = Promise.resolve();
  #changed: () => void = () => undefined;
  #change = Promise.resolve();

  constructor(options: WalkOptions, progress: Progress, signal: AbortSignal) {
    this.#options = options;
    this.#progress = progress;
    this.#signal = signal;
    if (progress.parts.length === 0) {
      progress.parts.push({ number: 0, isDone: false, tally: emptyTally(), bytes: 0 });
    }
    this.#waiting = progress.parts.filter((one) => !one.isDone);
    this.#savedAtMs = options.clock();
    this.#expectChange();
  }

  async all(): Promise<void> {
    const { rangesAtOnce, ends } = this.#options;
    const lanes = ends.source.nextKey === undefined ? 1 : rangesAtOnce;
    const ended = await Promise.allSettled(Array.from({ length: lanes }, () => this.#lane()));
    await this.#saving;
    const broken = ended.find((one) => one.status === "rejected");
    if (broken !== undefined) throw broken.reason;
  }

  async #lane(): Promise<void> {
    try {
      while (!this.#isOver()) {
        // Asked for before it is decided: what changes meanwhile is not slept through.
        const change = this.#change;
        const part = this.#waiting.shift() ?? (await this.#cut());
        if (part === "none") return;
        if (part === "later") await change;
        else await this.#walk(part);
      }
    } catch (error) {
      this.#isBroken = true;
      // Calls that were under way when somebody interrupted have failed for that.
      if (!this.#signal.aborted) throw error;
    } finally {
      this.#tellChange();
    }
  }

  #isOver(): boolean {
    return this.#isBroken || this.#signal.aborted;
  }

  #expectChange(): void {
    this.#change = new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  #tellChange(): void {
    this.#changed();
    this.#expectChange();
  }

  /** The upper half of what somebody has left. */
  async #cut(): Promise<PartState | "none" | "later"> {
    const { nextKey } = this.#options.ends.source;
    if (this.#walked.size === 0 || nextKey === undefined || this.#progress.parts.length >= PARTS_MAX) {
      return this.#walked.size === 0 ? "none" : "later";
    }
    const able = [...this.#walked].filter((one) => one.pages >= PAGES_BEFORE_CUT && !one.isUncuttable);
    const chosen = able.toSorted((one, other) => other.pages - one.pages)[0];
    if (chosen === undefined) return "later";
    // Two do not cut one range at the same time.
    chosen.isUncuttable = true;
    const { state } = chosen;
    const from = chosen.takenUpTo ?? state.afterKey ?? "";
    const cut = await cutBetween(from, state.upToKey, (key) => nextKey(key, this.#signal));
    if (cut === undefined) return "later";
    chosen.isUncuttable = false;
    const isAhead = compareKeys(cut, chosen.takenUpTo ?? "") > 0;
    if (!isAhead || state.isDone || !this.#walked.has(chosen)) return "later";
    const { upToKey } = state;
    const number = this.#progress.parts.length;
    const part: PartState = { number, afterKey: cut, isDone: false, tally: emptyTally(), bytes: 0 };
    if (upToKey !== undefined) part.upToKey = upToKey;
    state.upToKey = cut;
    chosen.pages = 0;
    this.#progress.parts.push(part);
    return part;
  }

  async #walk(state: PartState): Promise<void> {
    const walked: Walked = { state, pages: 0, takenUpTo: state.doneUpTo, isUncuttable: false };
    this.#walked.add(walked);
    const { ends } = this.#options;
    const afterKey = state.doneUpTo ?? state.afterKey;
    const readers = { source: ends.source.rows(afterKey), destination: ends.destination.rows(afterKey) };
    const file = new PartFile(this.#progress.directory, state);
    try {
      await this.#pages(walked, readers, file);
    } finally {
      this.#walked.delete(walked);
      await Promise.all([file.close(), readers.source.close?.(), readers.destination.close?.()]);
    }
  }

  async #pages(walked: Walked, readers: Readonly<Record<Side, RowReader>>, file: PartFile): Promise<void> {
    const { state } = walked;
    const merge = new KeyMerge<ListedVersion>();
    while (!this.#isOver()) {
      const taken = merge.take();
      const { upToKey } = state;
      const pairs = upToKey === undefined ? taken : taken.filter((one) => compareKeys(one.key, upToKey) <= 0);
      walked.takenUpTo = pairs.at(-1)?.key ?? walked.takenUpTo;
      const wanted = pairs.length < taken.length ? [] : merge.wants();
      await Promise.all([
        this.#judge(state, pairs, file),
        ...wanted.map((side) => this.#read(merge, side, readers[side])),
      ]);
      walked.pages += 1;
      if (wanted.length === 0) state.isDone = true;
      this.#tellProgress();
      if (state.isDone) return;
    }
  }

  async #read(merge: KeyMerge<ListedVersion>, side: Side, reader: RowReader): Promise<void> {
    const { rows, isLast } = await reader.next(this.#signal);
    if (merge.push(side, rows, isLast)) return;
    const { name } = this.#options.ends[side];
    throw new EvidenceError(`${name} is not in the order of keys, so it cannot be compared`);
  }

  async #judge(state: PartState, pairs: readonly KeyPair<ListedVersion>[], file: PartFile): Promise<void> {
    const last = pairs.at(-1);
    if (last === undefined) return;
    const { tally, differences } = await judgePage(this.#options, pairs, this.#signal);
    const bytes = await file.append(differences.map((one) => JSON.stringify(one)));
    // All at once, so that the state is whole whenever it is kept.
    state.bytes += bytes;
    state.tally = sumOf([state.tally, tally]);
    state.doneUpTo = last.key;
  }

  #tellProgress(): void {
    this.#tellChange();
    const { clock, onProgress, request } = this.#options;
    onProgress?.(soFar(this.#progress.parts.map((one) => one.tally)));
    const nowMs = clock();
    if (nowMs - this.#savedAtMs < SAVE_EVERY_MS) return;
    this.#savedAtMs = nowMs;
    this.#saving = this.#saving.then(() => saveProgress(this.#progress, request));
    // Whoever waits for the end is told of it.
    this.#saving.catch(() => undefined);
  }
}

function soFar(tallies: readonly Tally[]): { readonly versions: number; readonly exceptions: number } {
  let [versions, exceptions] = [0, 0];
  for (const one of tallies) {
    versions += one.versions.source;
    for (const reason of one.reasons) if (!reason.isExpected) exceptions += reason.versions;
  }
  return { versions, exceptions };
}
