/**
 * What the rules of a configuration tell apart: every prefix and set of tags that decides differently, each with an object
 * that stands for it. The answers come from the product's own rule of eligibility.
 */
import { eligibility, type RuleOutcome } from "../../../../core/eligibility.ts";
import type { Rule, Tag } from "../../../../core/model.ts";

export interface Selection {
  readonly prefix: string;
  readonly tags: readonly Tag[];
  /** One per rule, in document order. */
  readonly outcomes: readonly RuleOutcome[];
}

/** More lines than this nobody compares. */
export const SELECTIONS_MAX = 60;

/** With an object of no encryption but S3's own, which no rule passes over. */
export function selectionsOf(
  rules: readonly Rule[],
  pairs: readonly { readonly rule: string; readonly other: string }[],
) {
  const found = new Map<string, Pick<Selection, "prefix" | "tags">>();
  const add = (prefix: string, tags: readonly Tag[]) => {
    const own = tags.toSorted((one, other) => (one.key < other.key ? -1 : 1));
    found.set(JSON.stringify([prefix, own]), { prefix, tags: own });
  };
  add("", []);
  for (const { prefix, tags } of rules) {
    add(prefix, []);
    add(prefix, tags);
  }
  for (const pair of pairs) {
    const one = rules.find(({ id }) => id === pair.rule);
    const other = rules.find(({ id }) => id === pair.other);
    if (one === undefined || other === undefined) continue;
    add(
      one.prefix.length < other.prefix.length ? other.prefix : one.prefix,
      withoutTwins([...one.tags, ...other.tags]),
    );
  }
  const ordered = [...found.values()].toSorted(
    (one, other) => compare(one.prefix, other.prefix) || one.tags.length - other.tags.length,
  );
  const shown = ordered.slice(0, SELECTIONS_MAX).map((one): Selection => ({ ...one, outcomes: decide(rules, one) }));
  return { shown, leftOut: ordered.length - shown.length };
}

function decide(rules: readonly Rule[], { prefix, tags }: Pick<Selection, "prefix" | "tags">): readonly RuleOutcome[] {
  const version = {
    key: `${prefix}${unlike(prefix, rules)}`,
    isDeleteMarker: false,
    storageClass: "STANDARD",
    encryption: { kind: "SSE-S3" as const },
    tags,
  };
  return eligibility({ roleArn: "", schema: "V2", rules }, version, "put").outcomes;
}

/** A character with which no longer prefix goes on. */
function unlike(prefix: string, rules: readonly Rule[]): string {
  const next = new Set(
    rules.flatMap((rule) => (rule.prefix.startsWith(prefix) ? [rule.prefix.charAt(prefix.length)] : [])),
  );
  let code = "0".charCodeAt(0);
  while (next.has(String.fromCharCode(code))) code += 1;
  return String.fromCharCode(code);
}

function withoutTwins(tags: readonly Tag[]): readonly Tag[] {
  return [...new Map(tags.map((one) => [`${one.key}=${one.value}`, one])).values()];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** `team=red, kind=raw` */
export function tagWords(tags: readonly Tag[]): string {
  return tags.map(({ key, value }) => `${key}=${value}`).join(", ");
}

/** Reads `team=red, kind=raw`; what stands before the first `=` is the key. */
export function tagsIn(text: string): readonly Tag[] {
  return text.split(/[,\n]/).flatMap((part) => {
    const [key = "", ...rest] = part.split("=");
    return key.trim() === "" ? [] : [{ key: key.trim(), value: rest.join("=").trim() }];
  });
}
