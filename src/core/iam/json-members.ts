/**
 * Finds members that stand twice in one object of a JSON text.
 *
 * `JSON.parse` keeps the last of them in silence; AWS refuses such a document, and one half of a condition that is
 * gone is a hole. Works on text that `JSON.parse` has accepted, without recursion.
 */

/** A member's place: names and indexes from the root. */
export type JsonPath = readonly (string | number)[];

interface Level {
  /** The members seen so far; absent for a list. */
  readonly members?: Set<string>;
  /** The current member or element. */
  at: string | number;
}

const FOUND_MAX = 100;
/** Policies nest seven levels; what lies deeper is a problem of another kind. */
const DEPTH_MAX = 16;

/** The places of repeated members, in text order, at most a hundred. */
export function repeatedMembers(json: string): readonly JsonPath[] {
  const found: JsonPath[] = [];
  const levels: Level[] = [];
  let depth = 0;
  let at = 0;
  let expectsName = false;
  while (at < json.length && found.length < FOUND_MAX) {
    const character = json[at];
    const level = depth <= DEPTH_MAX ? levels[depth - 1] : undefined;
    if (character === '"') {
      const end = endOfString(json, at);
      if (expectsName && level?.members !== undefined) {
        const name = String(JSON.parse(json.slice(at, end)));
        level.at = name;
        if (level.members.has(name)) found.push(levels.slice(0, depth).map((one) => one.at));
        level.members.add(name);
      }
      expectsName = false;
      at = end;
      continue;
    }
    if (character === "{" || character === "[") {
      expectsName = character === "{";
      if (depth < DEPTH_MAX) levels[depth] = expectsName ? { members: new Set(), at: "" } : { at: 0 };
      depth += 1;
    } else if (character === "}" || character === "]") {
      depth -= 1;
    } else if (character === "," && level !== undefined) {
      expectsName = level.members !== undefined;
      if (typeof level.at === "number") level.at += 1;
    }
    at += 1;
  }
  return found;
}

/** The index after the closing quote. */
function endOfString(json: string, from: number): number {
  let at = from + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}
