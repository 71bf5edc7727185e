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
  | "key"
  | "isDeleteMarker"
  | "byLifecycle"
  | "storageClass"
  | "archiveStatus"
  | "encryption"
  | "tags"
  | "replicationStatus"
> & {
  /** For changes of metadata: the destinations that the version was admitted to when it was written. */
  readonly admittedTo?: readonly string[];
};

/** Why a rule does not take a version. */
export type SkipReason =
  | { readonly reason: "ruleDisabled" }
  /** `meant`: the prefix without its slip, where the key starts with that. */
  | { readonly reason: "prefixDiffers"; readonly prefix: string; readonly meant?: string }
  | { readonly reason: "tagsDiffer"; readonly missing: readonly Tag[] }
  | { readonly reason: "kmsNotSelected" }
  | { readonly reason: "deleteMarkersNotReplicated" }
  | { readonly reason: "markerByLifecycle" }
  | { readonly reason: "archived"; readonly storageClass: string; readonly archiveStatus?: string }
  | { readonly reason: "isReplica" }
  | { readonly reason: "modificationsNotReplicated" }
  | { readonly reason: "neverAdmitted" }
  | { readonly reason: "ownerOverridden" }
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

/**
 * Storage classes whose objects S3 cannot read without a restore. GLACIER_IR is not one of them; a restored copy leaves
 * the class as it is, and so is not replicated either.
 */
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
  if (!version.key.startsWith(rule.prefix)) return prefixSkip(rule.prefix, version.key);
  switch (operation) {
    case "put":
      return whyNotPut(rule, version);
    case "deleteMarker":
      return whyNotMarker(rule, version);
    case "acl":
      return aclSkip(rule) ?? whyNotMetadata(rule, version);
    case "tags":
    case "retention":
    case "legalHold":
      return whyNotMetadata(rule, version);
    case "delete":
      // No rule replicates the removal of a version. @source aws-replication.md §2 row 18
      return { reason: "neverAdmitted" };
  }
}

function prefixSkip(prefix: string, key: string): SkipReason {
  const meant = prefixMeant(prefix);
  return meant !== undefined && key.startsWith(meant)
    ? { reason: "prefixDiffers", prefix, meant }
    : { reason: "prefixDiffers", prefix };
}

/**
 * A prefix without the slips that people make: a slash before it, a wildcard behind it. Undefined when it has none.
 *
 * @source aws-replication.md §11.1 row 2
 */
export function prefixMeant(prefix: string): string | undefined {
  const meant = prefix.replace(/^\/+/, "").replace(/\*+$/, "");
  return meant === prefix || meant === "" ? undefined : meant;
}

function whyNotPut(rule: Rule, version: Candidate): SkipReason | undefined {
  if (version.replicationStatus === "REPLICA") return { reason: "isReplica" };
  const missing = missingTags(rule, version);
  if (missing.length > 0) return { reason: "tagsDiffer", missing };
  return archivedSkip(version) ?? kmsSkip(rule, version);
}

/** The archive tiers of INTELLIGENT_TIERING are told by a header of their own. @source aws-replication.md §2 rows 9, 10 */
function archivedSkip({ storageClass, archiveStatus }: Candidate): SkipReason | undefined {
  if (archiveStatus !== undefined) return { reason: "archived", storageClass, archiveStatus };
  return ARCHIVED_CLASSES.has(storageClass) ? { reason: "archived", storageClass } : undefined;
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

/** The replica belongs to the destination's owner, who alone decides on its list. @source aws-replication.md §2 row 24 */
function aclSkip(rule: Rule): SkipReason | undefined {
  return rule.destination.ownerOverride ? { reason: "ownerOverridden" } : undefined;
}

function kmsSkip(rule: Rule, version: Candidate): SkipReason | undefined {
  const { kind } = version.encryption;
  return (kind === "SSE-KMS" || kind === "DSSE-KMS") && !rule.kmsObjects ? { reason: "kmsNotSelected" } : undefined;
}

function missingTags(rule: Rule, version: Candidate): Tag[] {
  return rule.tags.filter((tag) => !version.tags.some((one) => one.key === tag.key && one.value === tag.value));
}
