/**
 * How one sign becomes an alert and ends. A pure state machine:
 *
 * - *nothing*: it does not hold. Over the bound it is pending, or fires at once where it need not hold for a while.
 * - *pending*: it has held since `sinceMs`, not yet long enough. It fires when it has held for `forMs` without a gap;
 *   when it holds no more, also when it is only between the bounds, it is nothing again.
 * - *firing*: it goes on while it holds or is between the bounds. Clear for `keepMs` without a gap it is resolved.
 * - *resolved*: is kept to be shown for `RESOLVED_KEPT_MS`; over the bound it begins anew.
 *
 * What is not known at a moment changes nothing.
 */

export type Level = "over" | "between" | "clear" | "unknown";

export type Life =
  | { readonly state: "pending"; readonly sinceMs: number }
  | { readonly state: "firing"; readonly sinceMs: number; readonly firedAtMs: number; readonly clearSinceMs?: number }
  | { readonly state: "resolved"; readonly sinceMs: number; readonly firedAtMs: number; readonly resolvedAtMs: number };

export interface Durations {
  readonly forMs: number;
  readonly keepMs: number;
}

export const RESOLVED_KEPT_MS = 24 * 3_600_000;

/** Undefined: nothing. Time may stand still, but does not go back. */
export function lived(before: Life | undefined, level: Level, durations: Durations, nowMs: number): Life | undefined {
  if (level === "unknown") return before;
  switch (before?.state) {
    case undefined:
      return level === "over" ? begun(nowMs, durations, nowMs) : undefined;
    case "pending":
      return level === "over" ? begun(before.sinceMs, durations, nowMs) : undefined;
    case "firing": {
      const { sinceMs, firedAtMs, clearSinceMs = nowMs } = before;
      if (level !== "clear") return { state: "firing", sinceMs, firedAtMs };
      return nowMs - clearSinceMs >= durations.keepMs
        ? { state: "resolved", sinceMs, firedAtMs, resolvedAtMs: nowMs }
        : { state: "firing", sinceMs, firedAtMs, clearSinceMs };
    }
    case "resolved":
      if (level === "over") return begun(nowMs, durations, nowMs);
      return nowMs - before.resolvedAtMs >= RESOLVED_KEPT_MS ? undefined : before;
  }
}

function begun(sinceMs: number, { forMs }: Durations, nowMs: number): Life {
  return nowMs - sinceMs >= forMs ? { state: "firing", sinceMs, firedAtMs: nowMs } : { state: "pending", sinceMs };
}
