/**
 * Time and chance of a simulation: nothing waits, and one seed decides everything that chance decides.
 *
 * Time stands still while anything can still happen without it; then it jumps to the next sleeper.
 */
import type { Clock } from "../../src/engine/ports.ts";
import { Chance } from "./chance.ts";

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** Turns of the event loop without any change after which nothing can happen any more before time goes on. */
const QUIET_TURNS = 12;

export class VirtualTime extends Chance implements Clock {
  #nowMs: number;
  #order = 0;
  #activity = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(seed: number, startMs: number) {
    super(seed);
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.touch();
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { atMs: this.#nowMs + Math.max(ms, 0), order: this.#order++, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", wake);
    });
    this.touch();
  }

  /** Told of everything that happens, so that silence is noticed. */
  touch(): void {
    this.#activity += 1;
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    let quiet = 0;
    while (quiet < QUIET_TURNS) {
      const before = this.#activity;
      await new Promise(setImmediate);
      quiet = this.#activity === before ? quiet + 1 : 0;
    }
  }

  /** Lets time go on until the condition holds. Throws when it does not within the given virtual time. */
  async runUntil(condition: () => Promise<boolean>, withinMs: number): Promise<void> {
    const endMs = this.#nowMs + withinMs;
    for (;;) {
      await this.settle();
      if (await condition()) return;
      const next = [...this.#sleepers].sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
      if (next === undefined) throw new Error("nothing is left that could happen");
      if (next.atMs > endMs) throw new Error(`it did not happen within ${withinMs} ms of virtual time`);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
    }
  }
}
