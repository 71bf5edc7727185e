/** Figures and times as alerts say them. */

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
] as const;

/** `1,204 versions` */
export function counted(count: number, noun: string): string {
  const digits = String(Math.trunc(count)).replace(/\B(?=(?:\d{3})+$)/g, ",");
  return `${digits} ${noun}${count === 1 ? "" : "s"}`;
}

/** `2 h`, `15 min`: whole units only, rounded down. */
export function spanOf(ms: number): string {
  const [size, unit] = UNITS.find(([one]) => ms >= one) ?? [1000, "s"];
  return `${Math.max(0, Math.floor(ms / size))} ${unit}`;
}

/** `2026-03-01 12:00:00Z` */
export function timeOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

/** On one line: what others wrote may hold anything. */
export function oneLine(text: string, lengthMax: number): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+/gu, " ").trim();
  return line.length > lengthMax ? `${line.slice(0, lengthMax - 1)}…` : line;
}
