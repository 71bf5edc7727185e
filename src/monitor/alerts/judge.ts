/** One look: what is seen goes into the book, sign by sign. Pure. */
import { backlogsOf, tracked as trackedBacklogs } from "./backlog.ts";
import { type Book, signName, type Tracked } from "./book.ts";
import { type Known, seenIn } from "./conditions.ts";
import { type Durations, type Level, lived } from "./lifecycle.ts";
import { isAsSevere, type Sign } from "./model.ts";
import type { AlertSettings } from "./settings.ts";

/** More signs than this are not told apart by anybody; those that are there stay, of new ones the most severe come in. */
export const TRACKED_MAX = 2000;
/** A condition that is switched off ends at once. */
const AT_ONCE: Durations = { forMs: 0, keepMs: 0 };

export function judged(book: Book, known: Omit<Known, "backlogs">, settings: AlertSettings): Book {
  const { atMs } = known.observation;
  const backlogs = trackedBacklogs(book.backlogs, backlogsOf(known.observation), atMs);
  const { signs, unknown } = seenIn({ ...known, backlogs }, settings);
  const seen = new Map(signs.map((sign) => [signName(sign), sign]));
  const tracked: Record<string, Tracked> = {};
  for (const [name, before] of Object.entries(book.tracked)) {
    const sign = seen.get(name);
    const own = settings.conditions[before.sign.condition];
    const level = own !== undefined && unknown.has(before.sign.condition) ? "unknown" : levelOf(sign);
    const life = lived(before.life, level, own ?? AT_ONCE, atMs);
    if (life !== undefined) tracked[name] = { sign: sign ?? before.sign, life };
  }
  let room = TRACKED_MAX - Object.keys(tracked).length;
  for (const sign of signs.filter((one) => !Object.hasOwn(book.tracked, signName(one))).toSorted(worstFirst)) {
    const life = lived(undefined, levelOf(sign), settings.conditions[sign.condition] ?? AT_ONCE, atMs);
    if (life === undefined || room <= 0) continue;
    tracked[signName(sign)] = { sign, life };
    room -= 1;
  }
  return { ...book, tracked, backlogs };
}

function levelOf(sign: Sign | undefined): Level {
  return sign === undefined ? "clear" : sign.isOver ? "over" : "between";
}

function worstFirst(one: Sign, other: Sign): number {
  if (one.severity !== other.severity) return isAsSevere(one.severity, other.severity) ? -1 : 1;
  return (other.counts["failed"] ?? 0) - (one.counts["failed"] ?? 0);
}
