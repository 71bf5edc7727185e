/**
 * Which rules of a configuration get in each other's way: of those that select a version only the first of each
 * destination applies, which is the one with the highest priority.
 *
 * What a rule brings about falls into parts: objects, objects under KMS, delete markers, changes of replicas. A rule that
 * loses every part to others is shadowed: nothing can ever happen by it. Several others may share in that.
 *
 * @source aws-replication.md §1.6
 */
import type { Rule } from "../model.ts";

/** Two rules that meet some of the same objects. */
export interface RuleOverlap {
  readonly rule: string;
  readonly other: string;
  /** `shadowed`: `rule` never decides, for `other` takes all of its objects to the same destination before it. */
  readonly is: "overlaps" | "shadowed";
  readonly says: string;
}

/** Rules that take all that another one would take. */
export interface Shadow {
  /** Takes its objects. */
  readonly by: Rule;
  /** Take what is left: KMS objects, delete markers, changes of replicas. */
  readonly with: readonly Rule[];
}

/** A thousand rules that all overlap make half a million pairs: nobody reads more than these. */
export const OVERLAPS_MAX = 1000;

/** @source aws-replication.md §1.2: an object has at most ten tags, so filters of more in all select none together */
const OBJECT_TAGS_MAX = 10;

/** Finds what overlaps among enabled rules, in document order: shadowed ones once, the others in pairs. */
export function overlapsOf(rules: readonly Rule[]): readonly RuleOverlap[] {
  const overlaps: RuleOverlap[] = [];
  const shadowed = new Set<Rule>();
  for (const rule of rules) {
    const shadow = shadowOf(rule, rulesBefore(rule, rules));
    if (shadow === undefined) continue;
    shadowed.add(rule);
    overlaps.push({ rule: rule.id, other: shadow.by.id, is: "shadowed", says: sayShadow(rule, shadow) });
  }
  for (const rule of rules) {
    if (shadowed.has(rule)) continue;
    for (const other of rulesBefore(rule, rules)) {
      if (overlaps.length >= OVERLAPS_MAX) return overlaps;
      if (shadowed.has(other) || !canMeet(rule, other)) continue;
      overlaps.push({ rule: rule.id, other: other.id, is: "overlaps", says: sayMeeting(rule, other) });
    }
  }
  return overlaps;
}

/** Enabled rules of the same destination that come before an enabled one: of equal priority the one that is written first. */
function rulesBefore(rule: Rule, rules: readonly Rule[]): readonly Rule[] {
  if (!rule.enabled) return [];
  const own = rules.indexOf(rule);
  return rules.filter((other, index) => {
    const ahead = (other.priority ?? 0) - (rule.priority ?? 0);
    const isSame = other.enabled && other.destination.bucketArn === rule.destination.bucketArn;
    return isSame && (ahead > 0 || (ahead === 0 && index < own));
  });
}

/**
 * Tells by whom a rule is shadowed, if it is.
 *
 * Together rules shadow another one only part by part: no number of longer prefixes adds up to a shorter one, nor do tags.
 *
 * @param before rules of the same destination that come before it
 */
export function shadowOf(rule: Rule, before: readonly Rule[]): Shadow | undefined {
  const parts = PARTS.filter((part) => part.has(rule));
  const takers = parts.map(({ has, asksTags }) =>
    before.find((other) => has(other) && rule.prefix.startsWith(other.prefix) && (!asksTags || hasTags(rule, other))),
  );
  const [by, ...others] = takers;
  if (by === undefined || others.includes(undefined)) return undefined;
  const rest = others.flatMap((one) => (one === undefined || one === by ? [] : [one]));
  return { by, with: [...new Set(rest)] };
}

/** What a rule can bring about; each part is decided by itself. The first one every rule has. */
const PARTS: readonly { readonly has: (rule: Rule) => boolean; readonly asksTags: boolean }[] = [
  { has: () => true, asksTags: true },
  { has: (rule) => rule.kmsObjects, asksTags: true },
  { has: (rule) => rule.deleteMarkers !== false && rule.tags.length === 0, asksTags: false },
  { has: (rule) => rule.replicaModifications, asksTags: false },
  { has: (rule) => rule.replicaModifications && rule.kmsObjects, asksTags: false },
];

/** Whether what has all of the one's tags has all of the other's. */
function hasTags(one: Rule, other: Rule): boolean {
  return other.tags.every((tag) => one.tags.some(({ key, value }) => key === tag.key && value === tag.value));
}

/** Whether there can be an object that both select. */
export function canMeet(one: Rule, other: Rule): boolean {
  if (!one.prefix.startsWith(other.prefix) && !other.prefix.startsWith(one.prefix)) return false;
  const tags = new Map(one.tags.map(({ key, value }) => [key, value]));
  for (const { key, value } of other.tags) {
    if ((tags.get(key) ?? value) !== value) return false;
    tags.set(key, value);
  }
  return tags.size <= OBJECT_TAGS_MAX;
}

function sayShadow(rule: Rule, { by, with: others }: Shadow): string {
  const together = [by, ...others].map((one) => nameOf(one));
  const takers = together.length === 1 ? together[0] : `${together.slice(0, -1).join(", ")} and ${together.at(-1)}`;
  const [come, take] = together.length === 1 ? ["comes", "takes"] : ["come", "take"];
  return `${nameOf(rule)} never applies: ${takers} ${come} before it and ${take} all that it would take`;
}

function sayMeeting(rule: Rule, other: Rule): string {
  const prefix = rule.prefix.length < other.prefix.length ? other.prefix : rule.prefix;
  const tags = [...rule.tags, ...other.tags].map(({ key, value }) => `${key}=${value}`);
  const where = [
    ...(prefix === "" ? [] : [`begins with ${JSON.stringify(prefix)}`]),
    ...(tags.length === 0 ? [] : [`carries ${[...new Set(tags)].join(", ")}`]),
  ];
  const what = where.length === 0 ? "Both select every object" : `Both select what ${where.join(" and ")}`;
  return `${what}: ${nameOf(other)} applies there, and ${nameOf(rule)} does not`;
}

function nameOf({ id }: Rule): string {
  return id === "" ? "the rule without an ID" : JSON.stringify(id);
}
