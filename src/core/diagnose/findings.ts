/**
 * From what a prediction or a verdict found to something that a person can change: the cause, its evidence and its edits.
 *
 * A finding speaks of no version in particular; versions with the same finding have the same `key` and become one cause.
 */
import { bucketArn } from "../arn.ts";
import { unreachable } from "../assert.ts";
import { asArray, asObject, type DocumentValue, type Members } from "../config/document.ts";
import type { SkipReason } from "../eligibility.ts";
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import { sayDecision, sayNearMiss } from "../iam/explain.ts";
import type { Rule } from "../model.ts";
import { REPLICATION_SERVICE } from "../plan.ts";
import type { Facts, KeyFacts, RecordedFailure } from "./facts.ts";
import { type Allowance, allow, changeRule, type Edit, fits, selectKms } from "./patches.ts";
import type { Obstacle, World } from "./predict.ts";
import type { Cause, Evidence } from "./report.ts";

export interface Finding {
  readonly key: string;
  readonly code: FailureCode;
  readonly rule?: string;
  readonly destination?: string;
  readonly action?: string;
  readonly resource?: string;
  readonly confidence: Cause["confidence"];
  readonly evidence: readonly Evidence[];
  /** What to do, in a sentence. */
  readonly remedy: string;
  readonly edits: readonly Edit[];
  readonly resync: boolean;
}

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
        evidence: [{ kind: "key", source: obstacle.keyArn, says: "There is no such key" }],
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

function deniedFinding(world: World, obstacle: Obstacle & { readonly kind: "denied" }, rule: Rule): Finding {
  const { check, decision, code } = obstacle;
  const resource = wholeBucket(check.resource, check.on);
  const request = { ...obstacle.request, resource };
  const decidedBy = decision.because === "explicitDeny" ? JSON.stringify(decision.by) : decision.missing.join();
  const says = sayDecision(request, decision);
  const source =
    decision.because === "explicitDeny" ? decision.by.source.name : documentsRead(world, check.on, resource);
  const near = obstacle.nearMisses
    .slice(0, EVIDENCE_MAX)
    .map((one): Evidence => ({ kind: "policy", source: one.statement.source.name, says: sayNearMiss(one) }));
  return {
    key: `denied ${check.action} ${resource} ${decidedBy}`,
    code,
    ...(check.on === "destinationObject" || check.on === "replicaKey" ? ruleMembers(rule) : {}),
    action: check.action,
    resource,
    confidence: obstacle.certain ? "proven" : "likely",
    evidence: [{ kind: "policy", source, says }, ...near],
    remedy:
      decision.because === "explicitDeny"
        ? `Take ${check.action} by the replication role out of the deny: ${says}`
        : `Allow ${check.action} on ${resource} to the replication role`,
    edits: decision.because === "explicitDeny" ? [] : allowEdits(world, obstacle, resource),
    resync: true,
  };
}

const EVIDENCE_MAX = 3;

/** The object's ARN stands for all of its bucket: permissions are given by bucket. */
function wholeBucket(resource: string, on: string): string {
  const slash = resource.indexOf("/");
  return on === "sourceObject" || on === "destinationObject" ? `${resource.slice(0, slash)}/*` : resource;
}

function documentsRead(world: World, on: string, resource: string): string {
  if (on === "role") return `the trust policy of role ${world.role?.name ?? ""}`;
  const names = world.identity.map((one) => one.source.name);
  const own = world.resourcePolicies.get(resource.replace(/\/\*$/, ""));
  if (own !== undefined) names.push(own.source.name);
  return names.length > 0 ? names.join(", ") : `role ${world.role?.name ?? ""}, which has no policies`;
}

function allowEdits(world: World, obstacle: Obstacle & { readonly kind: "denied" }, resource: string): Edit[] {
  const { check, decision } = obstacle;
  const { role, facts } = world;
  if (role === undefined || decision.because !== "noAllow") return [];
  const { action } = check;
  const edits: Edit[] = [];
  if (decision.missing.includes("resource")) {
    const principal = { AWS: role.arn };
    if (check.on === "role") {
      const allowance = { action, principal: { Service: REPLICATION_SERVICE } };
      edits.push(policyEdit("iam-trust-policy", role.arn, role.trust, allowance));
    } else if (check.on === "sourceKey" || check.on === "replicaKey") {
      const key = facts.keys[check.resource];
      const before = key?.state === "read" && key.value.policy.state === "read" ? key.value.policy.value : undefined;
      if (before !== undefined) {
        edits.push(policyEdit("kms-key-policy", check.resource, before, { action, resource: "*", principal }));
      }
    } else {
      const bucket = check.on === "destinationObject" ? facts.destinations[bucketOf(resource)] : facts.source;
      if (bucket !== undefined && bucket.policy.state !== "unreadable") {
        const before = bucket.policy.state === "read" ? bucket.policy.value : undefined;
        edits.push(policyEdit("bucket-policy", bucket.arn, before, { action, resource, principal }));
      }
    }
  }
  if (decision.missing.includes("identity")) {
    const condition = keyCondition(obstacle);
    edits.push(...rolePolicyEdits(world, { action, resource, ...(condition === undefined ? {} : { condition }) }));
  }
  return edits;
}

function bucketOf(objectsArn: string): string {
  return objectsArn.slice(0, objectsArn.indexOf("/"));
}

/** Use of a key is allowed only through S3, and only for the bucket at hand. */
function keyCondition(obstacle: Obstacle & { readonly kind: "denied" }): Members | undefined {
  const { check } = obstacle;
  if (check.on !== "sourceKey" && check.on !== "replicaKey") return undefined;
  const via = check.context["kms:viaservice"];
  const arn = check.context["kms:encryptioncontext:aws:s3:arn"];
  if (typeof arn !== "string") return undefined;
  const bucket = arn.includes("/") ? bucketOf(arn) : arn;
  return {
    StringLike: {
      ...(typeof via === "string" ? { "kms:ViaService": via } : {}),
      "kms:EncryptionContext:aws:s3:arn": [bucket, `${bucket}/*`],
    },
  };
}

const NEW_POLICY = "lockstep-replication";

/** The role's policy that allows most like it is changed; AWS's own policies are not, a new inline one is made instead. */
function rolePolicyEdits(world: World, allowance: Allowance): Edit[] {
  const { role } = world;
  if (role === undefined) return [];
  const own = role.policies.filter((one) => one.kind === "inline" || !(one.arn ?? "").startsWith("arn:aws:iam::aws:"));
  const fitting = own.find((one) => statementsOf(one.document).some((statement) => fits(statement, allowance)));
  const chosen = fitting ?? own.find((one) => one.kind === "inline") ?? own[0];
  const name = chosen === undefined ? NEW_POLICY : (chosen.arn ?? chosen.name);
  return [{ ...policyEdit("iam-role-policy", role.arn, chosen?.document, allowance), name }];
}

function policyEdit(target: Edit["target"], resource: string, before: string | undefined, allowance: Allowance): Edit {
  const document = before === undefined ? null : readJson(before);
  return { target, resource, before: document, change: (held) => allow(held, allowance) };
}

/** null when it is not JSON: such a document was never in force, and is replaced. */
function readJson(text: string): DocumentValue {
  try {
    return JSON.parse(text) as DocumentValue;
  } catch {
    return null;
  }
}

function statementsOf(text: string): Members[] {
  const held = asObject(readJson(text))?.["Statement"];
  return (Array.isArray(held) ? asArray(held) : [held]).flatMap((one) => {
    const statement = asObject(one);
    return statement === undefined ? [] : [statement];
  });
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

/** Nothing stands in the way: the versions only have to be replicated again, or for the first time. */
export function resyncFinding(facts: Facts, code: "NeverTried" | "RetryNeeded", rule: Rule): Finding {
  return {
    key: `${code} ${rule.id} ${rule.destination.bucketArn}`,
    code,
    ...ruleMembers(rule),
    resource: facts.source.arn,
    confidence: "likely",
    evidence: [
      {
        kind: "config",
        source: `replication configuration of ${facts.source.name}, rule ${rule.id}`,
        says: "The rule takes them, and every step of their replication is allowed now",
      },
    ],
    remedy: failureEntry(code).remedy,
    edits: [],
    resync: true,
  };
}

function ruleMembers(rule: Rule): { readonly rule: string; readonly destination: string } {
  return { rule: rule.id, destination: rule.destination.bucketArn };
}
