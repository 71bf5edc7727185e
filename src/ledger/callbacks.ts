/** Those who want to be told that something may have become due: many notices of one moment are one call. */

/** A set of callbacks. */
export class Callbacks {
  readonly #callbacks = new Set<() => void>();
  #isCalling = false;

  /** Returns what ends it. */
  add(callback: () => void): () => void {
    const own = () => callback();
    this.#callbacks.add(own);
    return () => void this.#callbacks.delete(own);
  }

  /** Calls all of them as soon as what runs now has ended: before any commit, so what they ask for may go along with it. */
  callSoon(): void {
    if (this.#isCalling || this.#callbacks.size === 0) return;
    this.#isCalling = true;
    process.nextTick(() => {
      this.#isCalling = false;
      for (const callback of this.#callbacks) callback();
    });
  }

  /** Nobody is called any more. */
  clear(): void {
    this.#callbacks.clear();
  }
}
