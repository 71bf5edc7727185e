/**
 * Compares the enabled rules of a configuration that have the same destination: of those that select a version only
 * the one with the highest priority applies.
 *
 * @source aws-replication.md §1.6
 */
import { canMeet, type Shadow, shadowOf } from "../config/overlaps.ts";
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
  const before = higher.map((one) => one.rule);
  // Equal priorities are refused, which is told by itself.
  const shadow = shadowOf(
    rule,
    before.filter((one) => one.priority !== rule.priority),
  );
  if (shadow !== undefined) return { rule: "rule-shadowed", path, says: sayShadow(rule, shadow) };
  const other = before.find((one) => canMeet(one, rule));
  if (other === undefined) return undefined;
  const says = `Where both select a version, ${sayRule(other)} applies and ${sayRule(rule)} does not`;
  return { rule: "rules-overlap", path, says };
}

function sayShadow(rule: Rule, { by, with: others }: Shadow): string {
  if (others.length === 0) {
    return `${sayRule(by)} has the higher priority and selects everything that ${sayRule(rule)} would`;
  }
  const all = [by, ...others].map(sayRule).join(" and ");
  return `${all} have higher priorities and together select everything that ${sayRule(rule)} would`;
}
