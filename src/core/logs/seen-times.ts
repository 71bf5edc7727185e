/**
 * When something was seen, in bounded memory and in whatever order it comes: the first and last time of every stretch. The
 * stretches grow as there are more of them, so answers are exact at the edges of long silences, and near elsewhere.
 */

const STRETCHES_MAX = 512;
const WIDTH_MS = 1000;

interface Stretch {
  firstMs: number;
  lastMs: number;
}

export class SeenTimes {
  #widthMs = WIDTH_MS;
  #stretches = new Map<number, Stretch>();

  add(atMs: number): void {
    this.#put(atMs, atMs);
    while (this.#stretches.size > STRETCHES_MAX) this.#widen();
  }

  /** The last time before `ms` at which it is known to have been seen. */
  lastBefore(ms: number): number | undefined {
    let found: number | undefined;
    for (const { firstMs, lastMs } of this.#stretches.values()) {
      const last = lastMs < ms ? lastMs : firstMs < ms ? firstMs : undefined;
      if (last !== undefined && (found === undefined || last > found)) found = last;
    }
    return found;
  }

  /** The first time after `ms` at which it is known to have been seen. */
  firstAfter(ms: number): number | undefined {
    let found: number | undefined;
    for (const { firstMs, lastMs } of this.#stretches.values()) {
      const first = firstMs > ms ? firstMs : lastMs > ms ? lastMs : undefined;
      if (first !== undefined && (found === undefined || first < found)) found = first;
    }
    return found;
  }

  #widen(): void {
    const stretches = this.#stretches;
    this.#widthMs *= 2;
    this.#stretches = new Map();
    for (const { firstMs, lastMs } of stretches.values()) this.#put(firstMs, lastMs);
  }

  #put(firstMs: number, lastMs: number): void {
    const slot = Math.floor(firstMs / this.#widthMs);
    const stretch = this.#stretches.get(slot);
    if (stretch === undefined) this.#stretches.set(slot, { firstMs, lastMs });
    else {
      stretch.firstMs = Math.min(stretch.firstMs, firstMs);
      stretch.lastMs = Math.max(stretch.lastMs, lastMs);
    }
  }
}
