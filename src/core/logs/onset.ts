/**
 * When it began, and what had been changed just before. A change is named, never convicted: it came before, it is of the kind
 * that does this, and it is about the same bucket, role or key where the event tells that.
 */
import { type Broken, bearing, type Change, changedThing } from "./change.ts";

/** When something failed, as the logs show it. */
export interface Course {
  readonly firstMs: number;
  readonly lastMs: number;
  /** The last time before that the same call succeeded. */
  readonly workedUntilMs?: number;
  /** The first time after it that the same call succeeded. */
  readonly workedAgainMs?: number;
  /** Whether the same call succeeded in between: then only some objects are concerned. */
  readonly isMixed: boolean;
}

export interface Onset {
  /** ISO 8601; to a second, as logs are. */
  readonly began: string;
  readonly workedUntil?: string;
  readonly change?: NamedChange;
  /** Further changes in the window that could be behind it. */
  readonly otherChanges: number;
  /** Other objects went through meanwhile. */
  readonly isMixed: boolean;
  readonly recovered?: string;
  readonly recoveredAfter?: NamedChange;
  /** All of it in a sentence. */
  readonly says: string;
}

export interface NamedChange {
  readonly event: string;
  readonly on?: string;
  readonly by: string;
  readonly at: string;
  readonly secondsBefore: number;
  readonly eventId: string;
}

const DAY_MS = 86_400_000;
/** How long before the first failure a change is looked for, where nothing is known to have worked since. */
export const WINDOW_MS = DAY_MS;
/** IAM's and S3's changes need a while to be everywhere: a success so long after one does not acquit it. */
const SPREADING_MS = 5 * 60_000;

/** @param changes in any order but within a second: there the last one is taken for the latest */
export function onsetOf(broken: Broken, course: Course, changes: Iterable<Change>): Onset {
  const { firstMs, lastMs, workedUntilMs, workedAgainMs, isMixed } = course;
  const known = [...changes];
  const sinceMs = Math.max(firstMs - WINDOW_MS, (workedUntilMs ?? 0) - SPREADING_MS);
  const before = nearest(broken, known, sinceMs, firstMs);
  const isRecovered = workedAgainMs !== undefined && !isMixed;
  const after = isRecovered ? nearest(broken, known, lastMs, workedAgainMs) : undefined;
  const change = before.change && named(before.change, firstMs);
  const recoveredAfter = after?.change && named(after.change, workedAgainMs ?? lastMs);
  const parts = {
    began: isoSecond(firstMs),
    ...(workedUntilMs === undefined ? {} : { workedUntil: isoSecond(workedUntilMs) }),
    ...(change === undefined ? {} : { change }),
    otherChanges: before.others,
    isMixed,
    ...(isRecovered ? { recovered: isoSecond(workedAgainMs) } : {}),
    ...(recoveredAfter === undefined ? {} : { recoveredAfter }),
  };
  return { ...parts, says: sayOnset(parts) };
}

/** The latest change that is surely about it, else the latest that may be. */
function nearest(broken: Broken, changes: readonly Change[], fromMs: number, toMs: number) {
  let best: Change | undefined;
  let isBestCertain = false;
  let count = 0;
  for (const one of changes) {
    if (one.atMs < fromMs || one.atMs > toMs) continue;
    const bears = bearing(one, broken);
    if (bears === "none") continue;
    count++;
    const isCertain = bears === "certain";
    const isBetter = best === undefined || (isCertain === isBestCertain ? one.atMs >= best.atMs : isCertain);
    if (!isBetter) continue;
    best = one;
    isBestCertain = isCertain;
  }
  return { change: best, others: Math.max(0, count - 1) };
}

function named(change: Change, ms: number): NamedChange {
  const on = changedThing(change);
  return {
    event: change.event,
    ...(on === undefined ? {} : { on }),
    by: change.by,
    at: isoSecond(change.atMs),
    secondsBefore: Math.round((ms - change.atMs) / 1000),
    eventId: change.eventId,
  };
}

function sayOnset(onset: Omit<Onset, "says">): string {
  const { isMixed, began, change, otherChanges, workedUntil, recovered, recoveredAfter } = onset;
  const after = change === undefined ? "" : `, ${sayChange(change)}`;
  const others =
    otherChanges === 0 ? "" : ` (${otherChanges} more ${otherChanges === 1 ? "change" : "changes"} before)`;
  const worked = workedUntil === undefined ? "" : `; worked until ${workedUntil}`;
  const mixed = isMixed ? "; other objects go through meanwhile" : "";
  const again = recovered === undefined ? "" : `; recovered ${recovered}`;
  const healed = recoveredAfter === undefined ? "" : `, ${sayChange(recoveredAfter)}`;
  return `began ${began}${after}${others}${worked}${mixed}${again}${healed}`;
}

function sayChange({ event, on, by, secondsBefore }: NamedChange): string {
  return `${duration(secondsBefore)} after ${event}${on === undefined ? "" : ` on ${on}`} by ${by}`;
}

/** `35 s`, `12 min`, `3 h` */
function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

/** `2026-01-01T14:02:10Z` */
export function isoSecond(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
