/** The replication configuration as a diagnosis uses it: parsed, and asked once per version. */
import { parseReplication } from "../config/parse.ts";
import { eligibility, type RuleOutcome, type SkipReason, type Verdict } from "../eligibility.ts";
import type { Operation, ReplicationConfiguration, Rule } from "../model.ts";
import type { Setup, VersionFacts } from "./facts.ts";

export interface Rules {
  /** Undefined when the bucket has none, or it could not be read. */
  readonly configuration: ReplicationConfiguration | undefined;
  verdict(version: VersionFacts): Verdict | undefined;
  /** What the rules make of a later change of the version's metadata. */
  verdictOfChange(version: VersionFacts, operation: Operation): Verdict | undefined;
  /** What the verdict would be if every rule were enabled. */
  verdictIfEnabled(version: VersionFacts): Verdict | undefined;
  /** Whether others that were written no later have been replicated: replication was in force already. */
  isAfterOthers(version: VersionFacts): boolean;
}

/** @param oldestCompletedMs when the oldest version that shows COMPLETED was written; asked when it is needed */
export function readRules(setup: Setup, oldestCompletedMs: () => number): Rules {
  const { replication } = setup.source;
  const isAfterOthers = (version: VersionFacts) => version.lastModifiedMs >= oldestCompletedMs();
  const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
  if (configuration === undefined) {
    const nothing = () => undefined;
    return { configuration, verdict: nothing, verdictOfChange: nothing, verdictIfEnabled: nothing, isAfterOthers };
  }
  const enabled = { ...configuration, rules: configuration.rules.map((rule) => ({ ...rule, enabled: true })) };
  const ask = (rules: ReplicationConfiguration) => (version: VersionFacts) =>
    eligibility(rules, asWritten(version), operationOf(version));
  const verdict = ask(configuration);
  const verdictOfChange: Rules["verdictOfChange"] = (version, operation) =>
    eligibility(configuration, version, operation);
  const verdictIfEnabled = ask(enabled);
  return { configuration, verdict, verdictOfChange, verdictIfEnabled, isAfterOthers };
}

/** When the oldest of these that shows COMPLETED was written; Infinity when none does. */
export function oldestCompleted(versions: readonly VersionFacts[]): number {
  let oldestMs = Number.POSITIVE_INFINITY;
  for (const { replicationStatus, lastModifiedMs } of versions) {
    if (replicationStatus === "COMPLETED" && lastModifiedMs < oldestMs) oldestMs = lastModifiedMs;
  }
  return oldestMs;
}

/** The operation that replicates a version itself. */
export function operationOf(version: VersionFacts): Operation {
  return version.isDeleteMarker ? "deleteMarker" : "put";
}

/** Whether a version may be replicated is decided by what it is, not by what became of it; replicas stay replicas. */
function asWritten(version: VersionFacts): VersionFacts {
  if (version.replicationStatus === undefined || version.replicationStatus === "REPLICA") return version;
  const { replicationStatus: _, ...written } = version;
  return written;
}

/**
 * Of rules that do not take a version the one that came nearest, and what it lacks.
 *
 * A rule whose filter matches is nearer than one whose filter does not; a disabled rule counts as if it were enabled.
 */
export function nearestRule(
  rules: Rules,
  version: VersionFacts,
): { readonly rule: Rule; readonly because: SkipReason } | undefined {
  let best: { rule: Rule; because: SkipReason; rank: number } | undefined;
  for (const [index, rule] of (rules.configuration?.rules ?? []).entries()) {
    const outcome = rules.verdictIfEnabled(version)?.outcomes[index];
    if (outcome === undefined) continue;
    const because: SkipReason = rule.enabled && !outcome.taken ? outcome.because : { reason: "ruleDisabled" };
    const rank = (rule.enabled ? 0.5 : 0) + nearness(outcome);
    if (best === undefined || rank > best.rank) best = { rule, because, rank };
  }
  return best === undefined ? undefined : { rule: best.rule, because: best.because };
}

function nearness(outcome: RuleOutcome): number {
  if (outcome.taken) return 3;
  switch (outcome.because.reason) {
    case "ruleDisabled":
    case "prefixDiffers":
      return 0;
    case "tagsDiffer":
      return 1;
    case "kmsNotSelected":
    case "deleteMarkersNotReplicated":
    case "markerByLifecycle":
    case "archived":
    case "isReplica":
    case "modificationsNotReplicated":
    case "neverAdmitted":
    case "ownerOverridden":
    case "outranked":
      return 2;
  }
}
