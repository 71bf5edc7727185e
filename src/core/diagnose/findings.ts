/**
 * From what a prediction or a verdict found to something that a person can change: the cause, its evidence and its
 * edits. Denials are `denials.ts`'s.
 */
import { bucketArn, parseArn } from "../arn.ts";
import { unreachable } from "../assert.ts";
import type { DocumentValue } from "../config/document.ts";
import type { SkipReason } from "../eligibility.ts";
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import type { Rule } from "../model.ts";
import { deniedFinding } from "./denials.ts";
import type { Facts, KeyFacts, RecordedFailure } from "./facts.ts";
import { type Finding, ruleMembers } from "./finding.ts";
import { changeRule, type Edit, selectKms } from "./patches.ts";
import type { Obstacle } from "./predict.ts";
import type { Evidence } from "./report.ts";
import type { World } from "./world.ts";

/** The finding behind an obstacle that a prediction met. */
export function obstacleFinding(world: World, obstacle: Obstacle, rule: Rule): Finding {
  const { facts } = world;
  const { code } = obstacle;
  const base = { code, remedy: failureEntry(code).remedy, resync: true, confidence: "proven" as const };
  switch (obstacle.kind) {
    case "denied":
      return deniedFinding(world, obstacle, rule);
    case "roleAbsent":
      return {
        ...base,
        key: `${code} ${obstacle.roleArn}`,
        action: "sts:AssumeRole",
        resource: obstacle.roleArn,
        evidence: [{ kind: "policy", source: obstacle.roleArn, says: "There is no such role" }],
        edits: [],
      };
    case "bucketAbsent":
      return {
        ...base,
        key: `${code} ${obstacle.bucket}`,
        ...ruleMembers(rule),
        resource: bucketArn(obstacle.bucket),
        evidence: [{ kind: "config", source: `bucket ${obstacle.bucket}`, says: "There is no such bucket" }],
        edits: [],
      };
    case "unversioned": {
      const { bucket, versioning } = obstacle;
      const before: DocumentValue = versioning === "Off" ? null : { Status: versioning };
      return {
        ...base,
        key: `${code} ${bucket.name}`,
        ...ruleMembers(rule),
        resource: bucket.arn,
        evidence: [
          { kind: "config", source: `versioning of bucket ${bucket.name}`, says: `Versioning is ${versioning}` },
        ],
        edits: [{ target: "versioning", resource: bucket.arn, before, change: () => ({ Status: "Enabled" }) }],
      };
    }
    case "keyAbsent":
      return {
        ...base,
        key: `${code} ${obstacle.keyArn}`,
        ...(obstacle.side === "replica" ? ruleMembers(rule) : {}),
        resource: obstacle.keyArn,
        evidence: [{ kind: "key", source: obstacle.keyArn, says: sayAbsent(obstacle.keyArn, obstacle.wantedIn) }],
        edits: obstacle.side === "replica" ? replicaKeyEdits(facts, rule) : [],
      };
    case "keyState":
      return {
        ...base,
        key: `${code} ${obstacle.keyArn}`,
        resource: obstacle.keyArn,
        evidence: [{ kind: "key", source: obstacle.keyArn, says: `The key's state is ${obstacle.state}` }],
        edits: keyStateEdits(obstacle.keyArn, obstacle.state),
      };
    default:
      return unreachable(obstacle);
  }
}

function keyStateEdits(keyArn: string, state: string): Edit[] {
  if (state !== "Disabled" && state !== "PendingDeletion") return [];
  const before: DocumentValue = { KeyState: state };
  return [{ target: "kms-key-state", resource: keyArn, before, change: () => ({ KeyState: "Enabled" }) }];
}

/** The finding for versions that no rule takes, named after the rule that came nearest. */
export function skipFinding(world: World, rule: Rule | undefined, because: SkipReason | undefined): Finding {
  const { facts } = world;
  const code = because === undefined ? "NoConfiguration" : SKIP_CODES[because.reason];
  const says = because === undefined ? "There is no replication configuration" : saySkip(because);
  const edits = because?.reason === "kmsNotSelected" && rule !== undefined ? replicaKeyEdits(facts, rule) : [];
  const { remedy } = failureEntry(code);
  return {
    key: `${code} ${rule?.id ?? ""} ${rule?.destination.bucketArn ?? ""}`,
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
    edits,
    resync: because !== undefined && RESYNC_AFTER.has(because.reason),
  };
}

const SKIP_CODES = {
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
  outranked: "SrcObjectNotEligible",
} as const satisfies Record<SkipReason["reason"], FailureCode>;

const RESYNC_AFTER = new Set<SkipReason["reason"]>(["ruleDisabled", "prefixDiffers", "tagsDiffer", "kmsNotSelected"]);

/** Words a reason why a rule does not take a version. */
export function saySkip(because: SkipReason): string {
  switch (because.reason) {
    case "ruleDisabled":
      return "The rule is Disabled";
    case "prefixDiffers":
      return `The rule takes keys that start with "${because.prefix}"`;
    case "tagsDiffer":
      return `The rule takes versions that were written with ${because.missing.map((one) => `${one.key}=${one.value}`).join(", ")}`;
    case "kmsNotSelected":
      return "The rule has no SourceSelectionCriteria.SseKmsEncryptedObjects with Status Enabled";
    case "deleteMarkersNotReplicated":
      return "The rule's DeleteMarkerReplication is Disabled";
    case "markerByLifecycle":
      return "The marker was made by Lifecycle";
    case "archived":
      return `The version is in storage class ${because.storageClass}`;
    case "isReplica":
      return "The version is itself a replica";
    case "modificationsNotReplicated":
      return "The rule has no SourceSelectionCriteria.ReplicaModifications with Status Enabled";
    case "neverAdmitted":
      return "The version was never replicated under this rule";
    case "outranked":
      return `Rule "${because.byRuleId}" has the higher priority for the same destination`;
    default:
      return unreachable(because);
  }
}

/** Names a key for the replicas: the destination's default key, or the only one that there is in its Region. */
function replicaKeyEdits(facts: Facts, rule: Rule): Edit[] {
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
export function replicaKey(facts: Facts, rule: Rule): string | undefined {
  const destination = facts.destinations[rule.destination.bucketArn];
  const preset =
    destination?.defaultEncryption.state === "read" ? destination.defaultEncryption.value.kmsKeyArn : undefined;
  if (preset !== undefined) return preset;
  const [only, ...others] = candidates(facts, rule);
  return others.length === 0 ? only?.arn : undefined;
}

function candidates(facts: Facts, rule: Rule): KeyFacts[] {
  const region = facts.destinations[rule.destination.bucketArn]?.region;
  const keys = region?.state === "read" ? (facts.candidateKeys[region.value] ?? []) : [];
  return keys.filter((one) => one.state === "Enabled" && one.managedBy === "customer");
}

function sayKeyChoice(facts: Facts, rule: Rule): string {
  const chosen = replicaKey(facts, rule);
  if (chosen !== undefined) return chosen;
  const keys = candidates(facts, rule);
  if (keys.length === 0) return "there is no customer managed key in the destination's Region yet, create one";
  const names = keys.map((one) => one.aliases[0] ?? one.arn);
  return `several keys would do, a person has to choose one of ${names.join(", ")}`;
}

/** The finding behind a recorded answer that no prediction reproduces: quotas, throttling, networks, unknown answers. */
export function recordedFinding(failure: RecordedFailure, code: FailureCode): Finding {
  return {
    key: `${code} ${failure.destinationArn}`,
    code,
    rule: failure.ruleId,
    destination: failure.destinationArn,
    confidence: "proven",
    evidence: [responseEvidence(failure)],
    remedy: failureEntry(code).remedy,
    edits: [],
    resync: !failure.pending,
  };
}

/** What the store answered, as it was kept. */
export function responseEvidence(failure: RecordedFailure): Evidence {
  const answer = [failure.httpStatus, failure.errorCode].filter((one) => one !== undefined).join(" ");
  return {
    kind: "response",
    source: `step ${failure.step}, ${failure.attempts} ${failure.attempts === 1 ? "try" : "tries"}`,
    says: answer === "" ? failure.message : `${answer}: ${failure.message}`,
  };
}

/** A fact that would have had a say, and why it is not known. */
export function notRead(says: string): Evidence {
  return { kind: "config", source: "facts", says };
}

/**
 * Nothing stands in the way: the versions only have to be replicated again, or for the first time.
 *
 * @param doubts what could not be read and could still stand in the way
 */
export function resyncFinding(
  facts: Facts,
  code: "NeverTried" | "RetryNeeded",
  rule: Rule,
  doubts: readonly string[] = [],
): Finding {
  return {
    key: `${code} ${rule.id} ${rule.destination.bucketArn}`,
    code,
    ...ruleMembers(rule),
    resource: facts.source.arn,
    confidence: doubts.length > 0 ? "possible" : "likely",
    evidence: [
      {
        kind: "config",
        source: `replication configuration of ${facts.source.name}, rule ${rule.id}`,
        says:
          doubts.length > 0
            ? "The rule takes them, and nothing that could be read denies a step of their replication"
            : "The rule takes them, and every step of their replication is allowed now",
      },
      ...doubts.map(notRead),
    ],
    remedy: failureEntry(code).remedy,
    edits: [],
    resync: true,
  };
}

function sayAbsent(keyArn: string, wantedIn: string | undefined): string {
  if (wantedIn === undefined) return "There is no such key";
  return `The key is in ${parseArn(keyArn)?.region ?? "another Region"} and the destination bucket in ${wantedIn}: S3 looks for it there`;
}
