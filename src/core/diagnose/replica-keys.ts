/** Which KMS key a rule could name for its replicas. */
import { parseArn } from "../arn.ts";
import type { Rule } from "../model.ts";
import type { KeyFacts, Setup } from "./facts.ts";
import { changeRule, type Edit, selectKms } from "./patches.ts";

/** Names a key for the replicas: the destination's default key, or the only one that there is in its Region. */
export function replicaKeyEdits(facts: Setup, rule: Rule): Edit[] {
  const key = replicaKey(facts, rule);
  if (key === undefined || facts.source.replication.state !== "read") return [];
  return [
    {
      target: "replication",
      resource: facts.source.arn,
      before: facts.source.replication.value,
      change: (held) => changeRule(held, rule.id, (one) => selectKms(one, key)),
    },
  ];
}

/** The key that replicas of a rule would best be encrypted with; undefined when a person has to choose. */
export function replicaKey(facts: Setup, rule: Rule): string | undefined {
  const destination = facts.destinations[rule.destination.bucketArn];
  const preset =
    destination?.defaultEncryption.state === "read" ? destination.defaultEncryption.value.kmsKeyArn : undefined;
  // Only full ARNs: an alias or a bare id is looked up in the account of the one who asks.
  if (preset !== undefined && parseArn(preset)?.resource.startsWith("key/") === true) return preset;
  const [only, ...others] = candidates(facts, rule);
  return others.length === 0 ? only?.arn : undefined;
}

/** Which key it would be, or why a person has to choose. */
export function sayKeyChoice(facts: Setup, rule: Rule): string {
  const chosen = replicaKey(facts, rule);
  if (chosen !== undefined) return chosen;
  const keys = candidates(facts, rule);
  if (keys.length === 0) return "there is no customer managed key in the destination's Region yet, create one";
  const names = keys.map((one) => one.aliases[0] ?? one.arn);
  return `several keys would do, a person has to choose one of ${names.join(", ")}`;
}

function candidates(facts: Setup, rule: Rule): KeyFacts[] {
  const region = facts.destinations[rule.destination.bucketArn]?.region;
  const keys = region?.state === "read" ? (facts.candidateKeys[region.value] ?? []) : [];
  return keys.filter((one) => one.state === "Enabled" && one.managedBy === "customer");
}
