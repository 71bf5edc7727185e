/**
 * Decides which rules take a version, and why each other rule does not.
 *
 * What no rule takes is never replicated and carries no status: S3 says nothing of it, so these reasons are the only
 * way to tell. Whether the configuration was in place when the version was written is not known here.
 */
import type { ObjectVersion, Operation, ReplicationConfiguration, Rule, Tag } from "./model.ts";

/** What of a version decides. */
export type Candidate = Pick<
  ObjectVersion,
  "key" | "isDeleteMarker" | "byLifecycle" | "storageClass" | "encryption" | "tags" | "replicationStatus"
> & {
  /** For changes of metadata: the destinations that the version was admitted to when it was written. */
  readonly admittedTo?: readonly string[];
};

/** Why a rule does not take a version. */
export type SkipReason =
  | { readonly reason: "ruleDisabled" }
  | { readonly reason: "prefixDiffers"; readonly prefix: string }
  | { readonly reason: "tagsDiffer"; readonly missing: readonly Tag[] }
  | { readonly reason: "kmsNotSelected" }
  | { readonly reason: "deleteMarkersNotReplicated" }
  | { readonly reason: "markerByLifecycle" }
  | { readonly reason: "archived"; readonly storageClass: string }
  | { readonly reason: "isReplica" }
  | { readonly reason: "modificationsNotReplicated" }
  | { readonly reason: "neverAdmitted" }
  | { readonly reason: "outranked"; readonly byRuleId: string };

export type RuleOutcome =
  | { readonly rule: Rule; readonly taken: true }
  | { readonly rule: Rule; readonly taken: false; readonly because: SkipReason };

export interface Verdict {
  /** One per rule, in document order. */
  readonly outcomes: readonly RuleOutcome[];
  /** At most one per destination. */
  readonly taken: readonly Rule[];
}

/** Storage classes whose objects S3 cannot read without a restore. GLACIER_IR is not one of them. */
const ARCHIVED_CLASSES = new Set(["GLACIER", "DEEP_ARCHIVE"]);

/**
 * Decides for one operation on one version.
 *
 * Pure and total: every input yields a verdict, never a throw.
 *
 * @param version as it was when the operation happened: tags added later do not count
 * @source aws-replication.md §1.6, §2
 */
export function eligibility(
  configuration: ReplicationConfiguration,
  version: Candidate,
  operation: Operation,
): Verdict {
  const best = new Map<string, Rule>();
  const reasons = configuration.rules.map((rule) => {
    const because = whyNot(rule, version, operation);
    if (because !== undefined) return because;
    const { bucketArn } = rule.destination;
    const other = best.get(bucketArn);
    if (other === undefined || (rule.priority ?? 0) > (other.priority ?? 0)) best.set(bucketArn, rule);
    return undefined;
  });
  const outcomes = configuration.rules.map((rule, index): RuleOutcome => {
    const because = reasons[index];
    if (because !== undefined) return { rule, taken: false, because };
    const winner = best.get(rule.destination.bucketArn);
    return winner === undefined || winner === rule
      ? { rule, taken: true }
      : { rule, taken: false, because: { reason: "outranked", byRuleId: winner.id } };
  });
  return { outcomes, taken: outcomes.flatMap((one) => (one.taken ? [one.rule] : [])) };
}

function whyNot(rule: Rule, version: Candidate, operation: Operation): SkipReason | undefined {
  if (!rule.enabled) return { reason: "ruleDisabled" };
  if (!version.key.startsWith(rule.prefix)) return { reason: "prefixDiffers", prefix: rule.prefix };
  switch (operation) {
    case "put":
      return whyNotPut(rule, version);
    case "deleteMarker":
      return whyNotMarker(rule, version);
    case "tags":
    case "acl":
    case "retention":
    case "legalHold":
      return whyNotMetadata(rule, version);
  }
}

function whyNotPut(rule: Rule, version: Candidate): SkipReason | undefined {
  if (version.replicationStatus === "REPLICA") return { reason: "isReplica" };
  const missing = missingTags(rule, version);
  if (missing.length > 0) return { reason: "tagsDiffer", missing };
  if (ARCHIVED_CLASSES.has(version.storageClass)) return { reason: "archived", storageClass: version.storageClass };
  return kmsSkip(rule, version);
}

/** V1 rules replicate the markers that users make; V2 rules only when they say so, and never with a tag filter. */
function whyNotMarker(rule: Rule, version: Candidate): SkipReason | undefined {
  if (version.replicationStatus === "REPLICA") return { reason: "isReplica" };
  if (version.byLifecycle === true) return { reason: "markerByLifecycle" };
  if (rule.tags.length > 0) return { reason: "tagsDiffer", missing: rule.tags };
  return rule.deleteMarkers === false ? { reason: "deleteMarkersNotReplicated" } : undefined;
}

/** A change of metadata follows the version to where the version went; a replica's goes back only if the rule says so. */
function whyNotMetadata(rule: Rule, version: Candidate): SkipReason | undefined {
  if (version.replicationStatus === "REPLICA") {
    return rule.replicaModifications ? kmsSkip(rule, version) : { reason: "modificationsNotReplicated" };
  }
  if (version.replicationStatus === undefined) return { reason: "neverAdmitted" };
  if (version.admittedTo !== undefined && !version.admittedTo.includes(rule.destination.bucketArn)) {
    return { reason: "neverAdmitted" };
  }
  return kmsSkip(rule, version);
}

function kmsSkip(rule: Rule, version: Candidate): SkipReason | undefined {
  const { kind } = version.encryption;
  return (kind === "SSE-KMS" || kind === "DSSE-KMS") && !rule.kmsObjects ? { reason: "kmsNotSelected" } : undefined;
}

function missingTags(rule: Rule, version: Candidate): Tag[] {
  return rule.tags.filter((tag) => !version.tags.some((one) => one.key === tag.key && one.value === tag.value));
}
