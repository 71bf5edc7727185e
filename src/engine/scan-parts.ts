/**
 * The parts of a walk: ranges of keys, each walked by one engine at a time, each with a low watermark of its own.
 *
 * Parts are small texts in the ledger that any engine may write at any time, also one that was frozen and does not know
 * what has happened since. That is safe because a part only ever says what is true: these keys have been dealt with. A
 * walk has ended when its parts cover all keys; what none covers, because a text was lost or overwritten, is a gap, and
 * is walked. So the worst that a stale writer can do is that some keys are walked twice.
 *
 * Nothing here asks a clock or a store.
 */
import { compareKeys } from "../core/keys.ts";

/** Keys behind `from`, up to and with `upTo`. Undefined: from the first one, to the last one. */
export interface KeySpan {
  readonly from?: string;
  readonly upTo?: string;
}

export interface ScanPart extends KeySpan {
  /** Its name among the parts of the walk. */
  readonly id: string;
  /** The low watermark: every key of the part up to this one has been dealt with. */
  readonly afterKey?: string;
  readonly isDone: boolean;
  /** Who walks it, and until when nobody else takes it; past when it is free. */
  readonly holder: string;
  readonly untilMs: number;
}

/** What the parts leave out, in order. */
export function gapsBetween(parts: readonly KeySpan[]): readonly KeySpan[] {
  const gaps: KeySpan[] = [];
  let covered: { readonly upTo?: string } | undefined = {};
  let isAtStart = true;
  for (const { from, upTo } of parts.toSorted(byFrom)) {
    const isApart: boolean = from !== undefined && (isAtStart || isBehind(from, covered.upTo));
    if (isApart && from !== undefined) gaps.push({ ...spanFrom(isAtStart ? undefined : covered.upTo), upTo: from });
    isAtStart = false;
    if (upTo === undefined) {
      covered = undefined;
      break;
    }
    if (covered.upTo === undefined || isBehind(upTo, covered.upTo)) covered = { upTo };
  }
  if (covered !== undefined) gaps.push(spanFrom(isAtStart ? undefined : covered.upTo));
  return gaps;
}

/** Whether somebody may take it: it is not done, and nobody holds it any more. */
export function isFree(
  part: ScanPart,
  { holder, nowMs }: { readonly holder: string; readonly nowMs: number },
): boolean {
  return !part.isDone && (part.holder === holder || part.untilMs <= nowMs);
}

/** Whether a key is past the end of a range. */
export function isPast(key: string, upTo: string | undefined): boolean {
  return upTo !== undefined && isBehind(key, upTo);
}

function isBehind(key: string, other: string | undefined): boolean {
  return other === undefined || compareKeys(key, other) > 0;
}

function spanFrom(from: string | undefined): KeySpan {
  return from === undefined ? {} : { from };
}

function byFrom({ from: one }: KeySpan, { from: other }: KeySpan): number {
  if (one === undefined || other === undefined) return one === other ? 0 : one === undefined ? -1 : 1;
  return compareKeys(one, other);
}
