/**
 * How long somebody waits who has guessed wrong: a few tries are free, then every one doubles the wait.
 *
 * A try counts as failed when it begins, and is forgiven when it succeeds: so tries side by side count as well.
 */
const FREE_TRIES = 5;
const FIRST_WAIT_MS = 1000;
const WAIT_MS_MAX = 60_000;
/** After so long without a try everything is forgotten. */
const FORGET_MS = 15 * 60_000;
/** Names that are remembered; more push out those that tried the longest ago. */
const NAMES_MAX = 10_000;

interface Tries {
  readonly failed: number;
  readonly lastAtMs: number;
}

export class Backoff {
  readonly #clock: () => number;
  /** The one that tried the longest ago first. */
  readonly #tries = new Map<string, Tries>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Begins a try. @returns how long to wait instead; 0 when it may be made */
  begin(name: string): number {
    const nowMs = this.#clock();
    const known = this.#tries.get(name);
    const tries = known === undefined || known.lastAtMs + FORGET_MS <= nowMs ? { failed: 0, lastAtMs: 0 } : known;
    const waitMs = tries.lastAtMs + waitAfter(tries.failed) - nowMs;
    if (waitMs > 0) return waitMs;
    this.#tries.delete(name);
    this.#tries.set(name, { failed: tries.failed + 1, lastAtMs: nowMs });
    const [oldest] = this.#tries.keys();
    if (this.#tries.size > NAMES_MAX && oldest !== undefined) this.#tries.delete(oldest);
    return 0;
  }

  succeeded(name: string): void {
    this.#tries.delete(name);
  }
}

function waitAfter(failed: number): number {
  return failed < FREE_TRIES ? 0 : Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** (failed - FREE_TRIES));
}
