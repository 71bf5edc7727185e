/** The engine's clock in the real world. */
import type { Clock } from "../engine/ports.ts";

export function systemClock(now: () => number): Clock {
  return { nowMs: now, random: () => Math.random(), sleep };
}

/** Node's own promise of a timer rejects when it is cut short, with an error that takes longer to make than all of this. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
