/** The engine's clock in the real world. */
import { setTimeout as wait } from "node:timers/promises";
import type { Clock } from "../engine/ports.ts";

export function systemClock(now: () => number): Clock {
  return {
    nowMs: now,
    random: () => Math.random(),
    sleep: async (ms, signal) => {
      // An aborted sleep is over early, no error.
      await wait(ms, undefined, { signal, ref: true }).catch(() => undefined);
    },
  };
}
