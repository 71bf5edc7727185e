/**
 * Where to cut what is left of a range of keys in two, so that both halves have some: found by asking the store which key
 * comes next behind a guess. Keys stand anywhere in the space of all texts, most of them behind one long beginning that they
 * have in common, so the first thing to find is how long that is; then the cut goes between the lowest and the highest
 * character behind it.
 *
 * The halves are halves of that alphabet, not of the keys. Who finds theirs too small asks for another cut.
 */
import { compareKeys } from "../core/keys.ts";

/** The next key behind one; undefined when there is none. */
export type NextKey = (afterKey: string) => Promise<string | undefined>;

/** Above it there are hardly any keys, so that half of the guesses need not go there. */
const USUAL_MAX = 0x7e;
const HIGHEST = 0x10ffff;

/**
 * A key, or a text between keys, behind `afterKey` and before `upTo`, with keys on either side of it; undefined when there
 * is nothing to cut.
 */
export async function cutBetween(
  afterKey: string,
  upTo: string | undefined,
  nextKey: NextKey,
): Promise<string | undefined> {
  const first = await nextKey(afterKey);
  if (first === undefined || isPast(first, upTo)) return undefined;
  const hasBehind = async (text: string): Promise<boolean> => {
    const next = await nextKey(text);
    return next !== undefined && !isPast(next, upTo);
  };
  const characters = Array.from(first);
  const beginning = (length: number) => characters.slice(0, length).join("");
  // How much of the first key all others begin with, too: nothing comes behind the last key that begins so.
  const common = await largest(0, characters.length, async (length) => !(await hasBehind(endOf(beginning(length)))));
  if (common === characters.length) return (await hasBehind(first)) ? first : undefined;
  const prefix = beginning(common);
  const lowest = characters[common]?.codePointAt(0) ?? 0;
  const top = (await hasBehind(`${prefix}${character(USUAL_MAX)}`)) ? HIGHEST : USUAL_MAX;
  const highest = await largest(lowest, Math.max(lowest, top), (code) => hasBehind(`${prefix}${character(code)}`));
  if (highest > lowest) return `${prefix}${character(Math.ceil((lowest + highest) / 2))}`;
  return endOf(beginning(common + 1));
}

function isPast(key: string, upTo: string | undefined): boolean {
  return upTo !== undefined && compareKeys(key, upTo) > 0;
}

/** The largest number for which it holds, of those from `low`, for which it does, to `high`; it holds up to some number. */
async function largest(low: number, high: number, holds: (number: number) => Promise<boolean>): Promise<number> {
  let [yes, no] = [low, high + 1];
  while (no - yes > 1) {
    const middle = Math.floor((yes + no) / 2);
    if (await holds(middle)) yes = middle;
    else no = middle;
  }
  return yes;
}

/** Behind every key that begins so. Keys of that character are not to be expected. */
function endOf(prefix: string): string {
  return `${prefix}${character(HIGHEST)}`;
}

/** Halves of surrogate pairs are no characters; the nearest one below is taken. */
function character(code: number): string {
  return String.fromCodePoint(code >= 0xd800 && code <= 0xdfff ? 0xd7ff : code);
}
