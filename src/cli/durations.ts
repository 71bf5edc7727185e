/** Spans of time as people type them: `30s`, `5m`, `2h`, `1d`. */
import { UsageError } from "./errors.ts";

const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Undefined when it is none. */
export function durationMs(text: string): number | undefined {
  const [, count, unit = ""] = /^([1-9][0-9]{0,8})([smhd])$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS_MS[unit] ?? 0);
}

/** @throws UsageError that names the option */
export function parseDuration(text: string, option: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new UsageError(`${option} takes a duration such as 30s, 5m or 2h, not "${text}"`);
  return ms;
}
