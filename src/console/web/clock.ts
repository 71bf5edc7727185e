/**
 * What time it is, by the server's clock: ages and "tried again in" are right though the clock of the person's machine is not.
 * Until the server has told its time, the browser's own is taken.
 */
import { signal } from "@preact/signals";

const TICK_MS = 1000;

let aheadMs = performance.timeOrigin;

/** Ticks every second. */
export const nowMs = signal(aheadMs + performance.now());

/** @param atMs what the server's clock shows just now */
export function serverTold(atMs: number): void {
  aheadMs = atMs - performance.now();
  nowMs.value = atMs;
}

export function startClock(): void {
  setInterval(() => {
    nowMs.value = aheadMs + performance.now();
  }, TICK_MS);
}
