/**
 * The keys that canaries are written under, so that everybody tells them from people's objects: audits, resyncs and
 * whoever counts leave them alone. Pure; who writes and removes them is `engine/canary.ts`.
 *
 * `PREFIX.lockstep-canary/UNTIL-WORD/NAME`: the prefix of the rule, when the canary is over at the latest, a word of its own.
 */
import { assert } from "./assert.ts";

const DIRECTORY = ".lockstep-canary/";
const ID = /^\d{8}T\d{6}Z-[a-z0-9]{1,32}$/;
const KEY = /\.lockstep-canary\/(\d{8}T\d{6}Z)-[a-z0-9]{1,32}\/[a-z]+$/;

/** Names one run of canaries. @param word letters and digits that no other run has */
export function canaryId(untilMs: number, word: string): string {
  const id = `${compact(untilMs)}-${word}`;
  assert(ID.test(id), "the word of a canary is of small letters and digits");
  return id;
}

/** Where all canaries of a rule are, of every run. */
export function canaryDirectory(rulePrefix: string): string {
  return `${rulePrefix}${DIRECTORY}`;
}

/** Where those of one run are. */
export function canaryPrefix(rulePrefix: string, id: string): string {
  return `${canaryDirectory(rulePrefix)}${id}/`;
}

/** Whether a key is a canary's, whoever's. */
export function isCanaryKey(key: string): boolean {
  return KEY.test(key);
}

/** Whether it is one whose run is over: it has been left behind. */
export function isLeftCanary(key: string, nowMs: number): boolean {
  const until = KEY.exec(key)?.[1];
  return until !== undefined && until < compact(nowMs);
}

/** `20260301T120000Z`, which sorts by time. */
function compact(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, "");
}
