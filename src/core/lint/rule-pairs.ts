/**
 * Compares the enabled rules of a configuration that have the same destination: of those that select a version only
 * the one with the highest priority applies.
 *
 * @source aws-replication.md §1.6
 */
import type { Rule } from "../model.ts";
import type { Problem } from "./model.ts";
import { type PlacedRule, sayRule } from "./placed-rules.ts";

/** A rule is compared with this many others of its destination: 1,000 rules would make half a million pairs. */
const PAIRS_MAX = 100;

export function pairProblems(rules: readonly PlacedRule[]): Problem[] {
  const problems: Problem[] = [];
  const byDestination = new Map<string, PlacedRule[]>();
  for (const one of rules) {
    if (!one.rule.enabled || one.rule.priority === undefined) continue;
    const { bucketArn } = one.rule.destination;
    const others = byDestination.get(bucketArn) ?? [];
    byDestination.set(bucketArn, others);
    others.push(one);
  }
  for (const group of byDestination.values()) {
    const byPriority = [...group].sort((a, b) => (b.rule.priority ?? 0) - (a.rule.priority ?? 0));
    for (const [index, lower] of byPriority.entries()) {
      const problem = firstProblem(lower, byPriority.slice(Math.max(0, index - PAIRS_MAX), index));
      if (problem !== undefined) problems.push(problem);
    }
  }
  return problems;
}

/** What a rule loses to those before it. Being shadowed says more than overlapping does. */
function firstProblem(lower: PlacedRule, higher: readonly PlacedRule[]): Problem | undefined {
  const { rule, path } = lower;
  const shadow = higher.find((one) => covers(one.rule, rule) && one.rule.priority !== rule.priority);
  if (shadow !== undefined) {
    const says = `${sayRule(shadow.rule)} has the higher priority and selects everything that ${sayRule(rule)} would`;
    return { rule: "rule-shadowed", path, says };
  }
  const other = higher.find((one) => overlap(one.rule, rule));
  if (other === undefined) return undefined;
  const says = `Where both select a version, ${sayRule(other.rule)} applies and ${sayRule(rule)} does not`;
  return { rule: "rules-overlap", path, says };
}

/** Whether the wider rule selects every version, marker and change that the narrower one selects. */
function covers(wider: Rule, narrower: Rule): boolean {
  return (
    narrower.prefix.startsWith(wider.prefix) &&
    wider.tags.every((tag) => narrower.tags.some((one) => one.key === tag.key && one.value === tag.value)) &&
    (wider.kmsObjects || !narrower.kmsObjects) &&
    (wider.deleteMarkers !== false || narrower.deleteMarkers === false) &&
    (wider.replicaModifications || !narrower.replicaModifications)
  );
}

/** Whether there can be a version that both select. */
function overlap(one: Rule, other: Rule): boolean {
  const prefixes = one.prefix.startsWith(other.prefix) || other.prefix.startsWith(one.prefix);
  const contradict = one.tags.some((tag) =>
    other.tags.some(({ key, value }) => key === tag.key && value !== tag.value),
  );
  return prefixes && !contradict;
}
