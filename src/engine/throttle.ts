/**
 * How many tasks at once a store takes that says "slow down": halved when it says so, one more when it has not for a while.
 *
 * It begins with as many as there are places, and is forgotten when it is back there. Every lane of every engine has its
 * own for every source and destination: as with connections that share a line, each finds its part of what the store can
 * do, whoever else asks it.
 */

/** A store's pause is kept by all tasks, but no longer than one task alone would wait for its next try. */
export const PAUSE_MS_MAX = 5 * 60_000;
/** One more place a second at most: faster, and the answer "slow down" comes more often than it has to. */
export const GROW_EVERY_MS = 1000;

export interface ThrottleState {
  /** Tasks at once. */
  readonly places: number;
  readonly placesMax: number;
  /** When the store last said so. */
  readonly sinceMs: number;
  /** Until when it asked for no requests at all. */
  readonly pausedUntilMs?: number;
}

export class Throttle {
  readonly #placesMax: number;
  #places: number;
  #halvedAtMs: number;
  #grewAtMs: number;
  #sinceMs: number;
  #pausedUntilMs = 0;
  /** Tasks that the store has done since the number of places changed. */
  #done = 0;

  constructor(placesMax: number) {
    this.#placesMax = placesMax;
    this.#places = placesMax;
    this.#halvedAtMs = Number.NEGATIVE_INFINITY;
    this.#grewAtMs = Number.NEGATIVE_INFINITY;
    this.#sinceMs = Number.NEGATIVE_INFINITY;
  }

  state(nowMs: number): ThrottleState {
    return {
      places: this.#places,
      placesMax: this.#placesMax,
      sinceMs: this.#sinceMs,
      ...(this.#pausedUntilMs > nowMs ? { pausedUntilMs: this.#pausedUntilMs } : {}),
    };
  }

  /** Tasks that may begin, when so many are under way. */
  free(held: number, nowMs: number): number {
    return nowMs < this.#pausedUntilMs ? 0 : Math.max(0, this.#places - held);
  }

  /** When it changes by itself; undefined when it does not. */
  changesAtMs(nowMs: number): number | undefined {
    return this.#pausedUntilMs > nowMs ? this.#pausedUntilMs : undefined;
  }

  /** The store said "slow down" to a task that began at `startedAtMs`, while `held` were under way. */
  busy(told: {
    readonly nowMs: number;
    readonly startedAtMs: number;
    readonly held: number;
    readonly retryAfterMs?: number;
  }): void {
    const { nowMs, startedAtMs, held, retryAfterMs = 0 } = told;
    this.#sinceMs = nowMs;
    this.#done = 0;
    this.#grewAtMs = nowMs;
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + Math.min(retryAfterMs, PAUSE_MS_MAX));
    // Tasks that began together hear it together: that is one word, not many.
    if (startedAtMs < this.#halvedAtMs) return;
    this.#halvedAtMs = nowMs;
    this.#places = Math.max(1, Math.floor(Math.min(this.#places, held) / 2));
  }

  /** The store has done a task. True when there is nothing to hold back any more. */
  done(nowMs: number): boolean {
    this.#done += 1;
    if (this.#done >= this.#places && nowMs - this.#grewAtMs >= GROW_EVERY_MS) {
      this.#places += 1;
      this.#done = 0;
      this.#grewAtMs = nowMs;
    }
    return this.#places >= this.#placesMax;
  }
}
