/** Times as people write and read them: `2h` ago, ISO 8601, "3m 20s". */
import { UsageError } from "./errors.ts";

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/**
 * A point in time: so long before now, or a date of ISO 8601, which is UTC where it names no zone.
 *
 * @throws UsageError that names the option
 */
export function parseMoment(text: string, option: string, nowMs: number): number {
  const [, count, unit = ""] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (UNITS_MS[unit] ?? 0);
  const isDate = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2})?)?$/.test(text);
  const hasZone = /(?:Z|[+-]\d{2}:\d{2})$/.test(text) || !text.includes("T");
  const atMs = isDate ? Date.parse(hasZone ? text : `${text}Z`) : Number.NaN;
  if (Number.isFinite(atMs)) return atMs;
  throw new UsageError(`${option} takes a time such as 2h, 7d or 2026-03-01T12:00:00Z, not "${text}"`);
}

/** The two largest units of a span: `45s`, `3m 20s`, `2d 4h`. */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (ms > 0 && ms < 1000) return `${Math.round(ms)}ms`;
  const parts = [
    [Math.floor(seconds / 86_400), "d"],
    [Math.floor(seconds / 3600) % 24, "h"],
    [Math.floor(seconds / 60) % 60, "m"],
    [seconds % 60, "s"],
  ] as const;
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return "0s";
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join(" ");
}

/** `2026-03-01 12:00:00Z` */
export function momentWords(atMs: number): string {
  return new Date(atMs)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, "Z");
}
