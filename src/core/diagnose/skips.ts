/**
 * Why no rule takes a version, and what would have to change so that one does. S3 says nothing of such versions, so their
 * reasons are computed.
 *
 * @source aws-replication.md §2.1, §11.1
 */
import { unreachable } from "../assert.ts";
import type { SkipReason } from "../eligibility.ts";
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import type { Rule, Tag } from "../model.ts";
import { type Finding, ruleMembers } from "./finding.ts";
import { changeRule, type Edit, renamePrefix } from "./patches.ts";
import { replicaKeyEdits, sayKeyChoice } from "./replica-keys.ts";
import type { World } from "./world.ts";

/** The finding for versions that no rule takes, named after the rule that came nearest. */
export function skipFinding(world: World, rule: Rule | undefined, because: SkipReason | undefined): Finding {
  const { facts } = world;
  const code = because === undefined ? "NoConfiguration" : SKIP_CODES[because.reason];
  const says = because === undefined ? "There is no replication configuration" : saySkip(because);
  const { remedy } = failureEntry(code);
  const isSlip = because?.reason === "prefixDiffers" && because.meant !== undefined;
  return {
    key: `${code} ${rule?.id ?? ""} ${rule?.destination.bucketArn ?? ""}${isSlip ? " slip" : ""}`,
    code,
    ...(rule === undefined ? {} : ruleMembers(rule)),
    resource: facts.source.arn,
    confidence: "proven",
    evidence: [
      {
        kind: "config",
        source: `replication configuration of ${facts.source.name}${rule === undefined ? "" : `, rule ${rule.id}`}`,
        says,
      },
    ],
    remedy:
      because?.reason === "kmsNotSelected" && rule !== undefined ? `${remedy}: ${sayKeyChoice(facts, rule)}` : remedy,
    edits: rule === undefined || because === undefined ? [] : skipEdits(world, rule, because),
    resync: because !== undefined && RESYNC_AFTER.has(because.reason),
  };
}

/** What a diagnosis calls a version that no rule takes. */
export const SKIP_CODES = {
  ruleDisabled: "RuleDisabled",
  prefixDiffers: "PrefixDiffers",
  tagsDiffer: "TagsDiffer",
  kmsNotSelected: "KmsNotSelected",
  deleteMarkersNotReplicated: "DeleteMarkersNotReplicated",
  markerByLifecycle: "MarkerByLifecycle",
  archived: "SourceArchived",
  isReplica: "SourceIsReplica",
  modificationsNotReplicated: "ModificationsNotReplicated",
  neverAdmitted: "NeverAdmitted",
  ownerOverridden: "OwnerOverridden",
  outranked: "Outranked",
} as const satisfies Record<SkipReason["reason"], FailureCode>;

const RESYNC_AFTER = new Set<SkipReason["reason"]>([
  "ruleDisabled",
  "prefixDiffers",
  "tagsDiffer",
  "kmsNotSelected",
  "isReplica",
]);

/** Only what is plainly a slip is changed; whether a rule should take more than it says is for people to decide. */
function skipEdits(world: World, rule: Rule, because: SkipReason): Edit[] {
  const { replication, arn } = world.facts.source;
  if (because.reason === "kmsNotSelected") return replicaKeyEdits(world.facts, rule);
  if (because.reason !== "prefixDiffers" || because.meant === undefined || replication.state !== "read") return [];
  const { meant } = because;
  const change: Edit["change"] = (held) => changeRule(held, rule.id, (one) => renamePrefix(one, meant));
  return [{ target: "replication", resource: arn, before: replication.value, change }];
}

/** Words a reason why a rule does not take a version. */
export function saySkip(because: SkipReason): string {
  switch (because.reason) {
    case "ruleDisabled":
      return "The rule is Disabled";
    case "prefixDiffers": {
      const slip = because.meant === undefined ? "" : `; "${because.meant}" would take them`;
      return `The rule takes keys that start with "${because.prefix}"${slip}`;
    }
    case "tagsDiffer":
      return `The rule takes versions that were written with ${sayTags(because.missing)}`;
    case "kmsNotSelected":
      return "The rule has no SourceSelectionCriteria.SseKmsEncryptedObjects with Status Enabled";
    case "deleteMarkersNotReplicated":
      return "The rule's DeleteMarkerReplication is Disabled";
    case "markerByLifecycle":
      return "The marker was made by Lifecycle";
    case "archived":
      return because.archiveStatus === undefined
        ? `The version is in storage class ${because.storageClass}`
        : `The version is in the tier ${because.archiveStatus} of storage class ${because.storageClass}`;
    case "isReplica":
      return "The version is itself a replica";
    case "modificationsNotReplicated":
      return "The rule has no SourceSelectionCriteria.ReplicaModifications with Status Enabled";
    case "neverAdmitted":
      return "The version was never replicated under this rule";
    case "ownerOverridden":
      return "The rule gives replicas to the destination's owner (AccessControlTranslation)";
    case "outranked":
      return `Rule "${because.byRuleId}" has the higher priority for the same destination`;
    default:
      return unreachable(because);
  }
}

/** What would have to change for a rule to take exactly this version, in a sentence. */
export function sayChange(
  because: SkipReason,
  version: { readonly key: string; readonly isDeleteMarker: boolean },
): string {
  switch (because.reason) {
    case "ruleDisabled":
      return "Enable the rule, then resync: what was written meanwhile is not made up for by itself";
    case "prefixDiffers":
      return because.meant === undefined
        ? `The rule's prefix must be a start of "${version.key}", such as "${firstPart(version.key)}"`
        : `The rule's prefix must be "${because.meant}": a prefix is a plain start of the key, without slash or wildcard`;
    case "tagsDiffer":
      return version.isDeleteMarker
        ? "A rule without tags must take the key, with DeleteMarkerReplication enabled: markers carry no tags"
        : `${sayTags(because.missing)} must be written with the object: copy it in place with these tags, or resync after tagging it`;
    case "kmsNotSelected":
      return "Add SseKmsEncryptedObjects with Status Enabled to the rule, and a ReplicaKmsKeyID to its destination";
    case "deleteMarkersNotReplicated":
      return "Set DeleteMarkerReplication of the rule to Enabled";
    case "markerByLifecycle":
      return "Nothing can: put the Lifecycle rule on the destination bucket too";
    case "archived":
      return "Restore the object, then copy it in place to a storage class that can be read: the copy is replicated";
    case "isReplica":
      return "Replicate to this destination from the bucket that the object was first written to, or copy it in place";
    case "modificationsNotReplicated":
      return "Add ReplicaModifications with Status Enabled to the rules of both buckets";
    case "neverAdmitted":
      return "Replicate the version itself first: its metadata goes along";
    case "ownerOverridden":
      return "Take AccessControlTranslation out of the rule, or set the list at the destination";
    case "outranked":
      return `Give the rule a higher priority than rule "${because.byRuleId}"`;
    default:
      return unreachable(because);
  }
}

function sayTags(tags: readonly Tag[]): string {
  return tags.map((one) => `${one.key}=${one.value}`).join(", ");
}

function firstPart(key: string): string {
  const slash = key.indexOf("/");
  return slash < 0 ? key : key.slice(0, slash + 1);
}
