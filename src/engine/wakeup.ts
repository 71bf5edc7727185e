/** A bell for one sleeper: rung while nobody sleeps, it is heard at the next wait. */
import type { Clock } from "./ports.ts";

const OVER = "woken";

export class Wakeup {
  #rung = false;
  #sleeper: (() => void) | undefined;

  wake(): void {
    this.#rung = true;
    this.#sleeper?.();
  }

  /** Resolves when woken, when the time is over, or when the signal is aborted. Only one may wait at a time. */
  async wait(signal: AbortSignal, until?: { readonly clock: Clock; readonly ms: number }): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const over = until === undefined ? undefined : new AbortController();
      await new Promise<void>((resolve) => {
        const end = () => {
          signal.removeEventListener("abort", end);
          resolve();
        };
        this.#sleeper = end;
        signal.addEventListener("abort", end);
        if (until !== undefined && over !== undefined) void until.clock.sleep(until.ms, over.signal).then(end);
      });
      this.#sleeper = undefined;
      // With a reason of its own: the default one is an error, made with its stack every time.
      over?.abort(OVER);
    }
    this.#rung = false;
  }
}
