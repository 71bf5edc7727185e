/** The clock of a world: the machine's own, and it can be put forward, so that nobody waits for a next try. */
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../../src/engine/ports.ts";

interface Sleeper {
  readonly untilMs: number;
  readonly wake: AbortController;
}

export class LoopClock implements Clock {
  #aheadMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  nowMs(): number {
    return Date.now() + this.#aheadMs;
  }

  /** Waits are as long as they are meant to be: nothing here depends on chance. */
  random(): number {
    return 0.5;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    const sleeper: Sleeper = { untilMs: this.nowMs() + ms, wake: new AbortController() };
    this.#sleepers.add(sleeper);
    await wait(ms, undefined, { signal: AbortSignal.any([signal, sleeper.wake.signal]) }).catch(() => undefined);
    this.#sleepers.delete(sleeper);
  }

  /** Puts the clock forward: whoever sleeps no longer than until then wakes up. */
  pass(ms: number): void {
    this.#aheadMs += ms;
    for (const one of this.#sleepers) if (one.untilMs <= this.nowMs()) one.wake.abort();
  }
}
