/**
 * What is known of one version: the state it shows, and what holds it back.
 *
 * The record of a failed try and the prediction from facts check each other. A recorded denial that the policies would
 * no longer give is past, and all that is left is to replicate again; a denial that no one has met yet is found before it
 * is met.
 */
import type { FailureCode } from "../failures/catalogue.ts";
import type { Operation, Rule } from "../model.ts";
import type { StepName } from "../plan.ts";
import { type NoteKind, notesOf } from "./by-design.ts";
import type { RecordedFailure, VersionFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { obstacleFinding } from "./findings.ts";
import { codeOf, isDenial, pastOrPresent, unreadableFacts, unreadSettings } from "./past.ts";
import { type Obstacle, predict } from "./predict.ts";
import { absentFinding, lostMarkerFinding, recordedFinding, responseEvidence, resyncFinding } from "./records.ts";
import { replicaKey } from "./replica-keys.ts";
import { nearestRule, operationOf, type Rules } from "./rules.ts";
import { settingFindings } from "./settings.ts";
import { skipFinding } from "./skips.ts";
import { unreadOrganization, type World } from "./world.ts";

export type ShownState = "completed" | "failed" | "pending" | "replica" | "none" | "unreadable";

/** Why a version carries no status, or none of its own. @source aws-replication.md §2.1 */
export type SilentClass = "notSelected" | "beforeRule" | "unreadableClass" | "replicaSource";

export interface Reasoning {
  readonly state: ShownState;
  readonly silent?: SilentClass;
  readonly findings: readonly Finding[];
  /** What is by design and worth telling beside the causes. */
  readonly notes?: readonly NoteKind[];
  /** What would have to be known to explain the version; undefined when it is explained. */
  readonly missing?: string;
}

/** Reasons about one version. Pure and total. */
export function reasonOf(world: World, rules: Rules, version: VersionFacts): Reasoning {
  const notes = notesOf(rules, version);
  return { ...stateOf(world, rules, version), ...(notes.length === 0 ? {} : { notes }) };
}

function stateOf(world: World, rules: Rules, version: VersionFacts): Reasoning {
  const state = shownState(rules, version);
  if (version.undecided !== undefined) return { state, findings: [], missing: version.undecided };
  if (version.gone === true) return { state, findings: version.failures.map((one) => goneFinding(version, one)) };
  switch (state) {
    case "completed":
      return { state, findings: missingReplicas(rules, version) };
    case "replica":
      return reasonOfReplica(rules, version);
    case "pending":
      return { state, findings: version.failures.map((one) => recordedFinding(one, codeOf(one))) };
    case "failed":
      return reasonOfFailed(world, rules, version);
    case "none":
      return reasonOfNone(world, rules, version);
    case "unreadable":
      return reasonOfUnreadable(world, rules, version);
  }
}

/** COMPLETED speaks of the destination that the rule had then. @source aws-replication.md §11.1 row 8 */
function missingReplicas(rules: Rules, version: VersionFacts): Finding[] {
  const taken = version.isDeleteMarker ? [] : (rules.verdict(version)?.taken ?? []);
  return taken
    .filter((rule) => version.replicas[rule.destination.bucketArn] === "absent")
    .map((rule) => absentFinding("ReplicaMissing", rule));
}

/** In a chain of buckets a replica is not passed on; in a pair of buckets it is at the other one already. */
function reasonOfReplica(rules: Rules, version: VersionFacts): Reasoning {
  const { replicationStatus: _, ...original } = version;
  const taken = rules.verdict(original)?.taken ?? [];
  const missing = taken.filter((rule) => version.replicas[rule.destination.bucketArn] === "absent");
  return {
    state: "replica",
    ...(taken.length > 0 ? { silent: "replicaSource" as const } : {}),
    findings: missing.map((rule) => absentFinding("SourceIsReplica", rule)),
  };
}

/** Objects of another account's may be unreadable to the caller for the very reason that they are to the role. */
function reasonOfUnreadable(world: World, rules: Rules, version: VersionFacts): Reasoning {
  const [rule] = rules.verdict(version)?.taken ?? [];
  const findings = rule === undefined ? [] : settingFindings(world, version, operationOf(version), rule);
  const foreign = findings.filter((one) => one.code === "SrcGetObjectNotPermitted");
  return foreign.length > 0
    ? { state: "unreadable", findings: foreign }
    : { state: "unreadable", findings: [], missing: version.unreadable ?? "" };
}

/** The status header says it for objects; of delete markers no store tells, so their replicas and records do. */
function shownState(rules: Rules, version: VersionFacts): ShownState {
  if (version.gone === true) return version.failures.some((one) => !one.pending) ? "failed" : "pending";
  if (version.unreadable !== undefined && version.failures.length === 0)
    return isSealedAndThere(rules, version) ? "completed" : "unreadable";
  if (version.unreadable !== undefined) return version.failures.some((one) => !one.pending) ? "failed" : "pending";
  switch (version.replicationStatus) {
    case "COMPLETED":
      return "completed";
    case "FAILED":
      return "failed";
    case "PENDING":
      return "pending";
    case "REPLICA":
      return "replica";
    case undefined:
      break;
  }
  if (!version.isDeleteMarker) return "none";
  if (version.failures.some((one) => !one.pending)) return "failed";
  if (version.failures.length > 0) return "pending";
  const taken = rules.verdict(version)?.taken ?? [];
  const arrived = taken.filter((rule) => version.replicas[rule.destination.bucketArn] === "present");
  return taken.length > 0 && arrived.length === taken.length ? "completed" : "none";
}

/** An SSE-C version tells nothing without the customer's key; where it has arrived, nothing is to be told. */
function isSealedAndThere(rules: Rules, version: VersionFacts): boolean {
  if (version.encryption.kind !== "SSE-C") return false;
  const taken = rules.verdict(version)?.taken ?? [];
  return taken.length > 0 && taken.every((rule) => version.replicas[rule.destination.bucketArn] === "present");
}

function reasonOfFailed(world: World, rules: Rules, version: VersionFacts): Reasoning {
  const state = "failed";
  const configuration = rules.configuration;
  const recorded = version.failures.filter((one) => !one.pending);
  if (configuration === undefined) return { state, ...asRecorded(withoutConfiguration(world), recorded) };
  const taken = rules.verdict(version)?.taken ?? [];
  if (taken.length === 0) return { state, ...asRecorded(skipped(world, rules, version), recorded) };
  const findings: Finding[] = [];
  let missing: string | undefined;
  for (const rule of taken) {
    const own = recorded.filter((one) => one.destinationArn === rule.destination.bucketArn);
    if (own.length === 0 && recorded.length > 0) continue;
    const possible = predictedFindings(world, version, rule, operationsOf(version, own), own);
    const predicted = possible.filter((one) => isBorneOut(one, own));
    findings.push(...predicted.map((finding) => withResponse(finding, own)));
    const unpredicted = own.filter((one) => !predicted.some((finding) => finding.code === codeOf(one)));
    const unreadable = unreadableFacts(world, rule);
    // Few may read the policies of their organisation, so that alone leaves no version unexplained.
    const organization = unreadOrganization(world, world.facts.destinations[rule.destination.bucketArn]);
    for (const one of unpredicted) {
      const others = isDenial(codeOf(one)) ? organization : [];
      const unknown = [...unreadable, ...others, ...unreadSettings(world, rule, version, codeOf(one))];
      const left = pastOrPresent(world, rule, one, unknown);
      // While something is in the way, it is not time to try again.
      if (left.code !== "RetryNeeded" || predicted.length === 0) findings.push(left);
    }
    if (predicted.length > 0 || own.length > 0) continue;
    if (unreadable.length === 0) findings.push(resyncFinding(world.facts, "RetryNeeded", rule, organization));
    else missing = unreadable.join("; ");
  }
  return { state, findings: dropRepeated(findings), ...(missing === undefined ? {} : { missing }) };
}

/** What only may stand in the way does not where a try is recorded that failed for something else. */
function isBorneOut(finding: Finding, own: readonly RecordedFailure[]): boolean {
  return finding.confidence !== "possible" || own.length === 0 || own.some((one) => codeOf(one) === finding.code);
}

/** A failed step of a later change belongs to another plan than the version's own. */
function operationsOf(version: VersionFacts, own: readonly RecordedFailure[]): Operation[] {
  const changes = own.flatMap((one) => CHANGES.get(one.step) ?? []);
  return [...new Set([operationOf(version), ...(version.isDeleteMarker ? [] : changes)])];
}

const CHANGES: ReadonlyMap<string, Operation> = new Map([
  ["headVersion", "tags"],
  ["writeTags", "tags"],
  ["writeAcl", "acl"],
  ["writeRetention", "retention"],
  ["writeLegalHold", "legalHold"],
] satisfies [StepName, Operation][]);

function reasonOfNone(world: World, rules: Rules, version: VersionFacts): Reasoning {
  const state = "none";
  const { configuration } = rules;
  if (configuration === undefined) return { state, silent: "notSelected", ...withoutConfiguration(world) };
  const taken = rules.verdict(version)?.taken ?? [];
  if (taken.length === 0) return { state, ...skipped(world, rules, version) };
  const findings: Finding[] = [];
  let blocked = false;
  for (const rule of taken) {
    if (version.replicas[rule.destination.bucketArn] === "present") continue;
    const predicted = predictedFindings(world, version, rule).filter((one) => one.confidence !== "possible");
    blocked ||= predicted.length > 0;
    findings.push(
      ...predicted,
      ...(version.isDeleteMarker && blocked
        ? []
        : [
            version.isDeleteMarker && rules.isAfterOthers(version)
              ? lostMarkerFinding(world.facts, rule)
              : resyncFinding(world.facts, "NeverTried", rule, unreadableFacts(world, rule)),
          ]),
    );
  }
  // A marker that is not at the destination and could not get there has failed, though no store says so.
  if (version.isDeleteMarker && blocked) return { state: "failed", findings };
  const isLeftAlone = findings.every((one) => one.code === "MarkerByLifecycle");
  return { state, silent: isLeftAlone ? "notSelected" : "beforeRule", findings };
}

function withoutConfiguration(world: World): Pick<Reasoning, "findings" | "missing"> {
  const { replication } = world.facts.source;
  return replication.state === "unreadable"
    ? { findings: [], missing: `the replication configuration: ${replication.because}` }
    : { findings: [skipFinding(world, undefined, undefined)] };
}

/** What a task fails with whose version is not at the source any more. */
const SOURCE_GONE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "SrcKeyNotFound",
  "SrcObjectNotFound",
  "SrcVersionNotFound",
]);

/** Whatever the last try failed with: that the version is gone is what matters now. */
function goneFinding({ key, versionId }: VersionFacts, failure: RecordedFailure): Finding {
  const recorded = codeOf(failure);
  const code = SOURCE_GONE.has(recorded) ? recorded : "SrcVersionNotFound";
  const finding = recordedFinding(failure, code);
  const says = "There is no such version any more";
  return {
    ...finding,
    evidence: [{ kind: "object", source: `${key} version ${versionId}`, says }, ...finding.evidence],
    remedy: `${finding.remedy}; a resync takes it off the record`,
    resync: true,
  };
}

/** Codes that a version fails with when no rule takes it any more. */
const NOT_TAKEN: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "SrcBucketReplicationConfigMissing",
  "SrcObjectNotEligible",
]);

/** Why no rule takes a version, under the name that its last try failed with. */
function asRecorded(
  reasoning: Pick<Reasoning, "findings" | "missing">,
  failures: readonly RecordedFailure[],
): Pick<Reasoning, "findings" | "missing"> {
  const failure = failures.find((one) => NOT_TAKEN.has(codeOf(one)));
  const [first, ...others] = reasoning.findings;
  if (failure === undefined || first === undefined) return reasoning;
  const named: Finding = { ...first, code: codeOf(failure), evidence: [...first.evidence, responseEvidence(failure)] };
  return { ...reasoning, findings: [named, ...others] };
}

/** No rule takes the version. What would stand in its way if the nearest rule took it is found in the same run. */
function skipped(world: World, rules: Rules, version: VersionFacts): Pick<Reasoning, "findings" | "silent"> {
  const nearest = nearestRule(rules, version);
  if (nearest === undefined || nearest.because.reason === "isReplica") return { silent: "notSelected", findings: [] };
  const { rule, because } = nearest;
  if (because.reason === "archived")
    return { silent: "unreadableClass", findings: [skipFinding(world, rule, because)] };
  // Nothing is wrong, and nothing can be changed: a note says so.
  if (because.reason === "markerByLifecycle") return { silent: "notSelected", findings: [] };
  const finding = skipFinding(world, rule, because);
  const key = because.reason === "kmsNotSelected" ? replicaKey(world.facts, rule) : undefined;
  if (key === undefined) return { silent: "notSelected", findings: [finding] };
  const corrected: Rule = { ...rule, kmsObjects: true, destination: { ...rule.destination, replicaKmsKeyArn: key } };
  const behind = predictedFindings(world, version, corrected).filter((one) => one.confidence !== "possible");
  return { silent: "notSelected", findings: [finding, ...behind] };
}

/** One finding for what one change removes, named as the version's last try was where that met it. */
function predictedFindings(
  world: World,
  version: VersionFacts,
  rule: Rule,
  operations: readonly Operation[] = [operationOf(version)],
  failures: readonly RecordedFailure[] = [],
): Finding[] {
  const all = operations.flatMap((operation) => {
    const settings = settingFindings(world, version, operation, rule);
    const isKeyElsewhere = settings.some((one) => one.code === "DstKmsKeyNotFound");
    const { obstacles } = predict(world, version, operation, rule);
    const standing = obstacles.filter((one) => !(isKeyElsewhere && isOfReplicaKey(one)));
    return [...standing.map((one) => obstacleFinding(world, one, rule)), ...settings];
  });
  const met = new Set(failures.map(codeOf));
  const found = new Map<string, Finding>();
  for (const finding of all) if (!found.has(finding.key) || met.has(finding.code)) found.set(finding.key, finding);
  return [...found.values()];
}

/** What a key of the wrong Region would deny or lack is beside the point. */
function isOfReplicaKey(obstacle: Obstacle): boolean {
  return obstacle.kind === "denied"
    ? obstacle.check.on === "replicaKey"
    : "side" in obstacle && obstacle.side === "replica";
}

function withResponse(finding: Finding, failures: readonly RecordedFailure[]): Finding {
  const failure = failures.find((one) => codeOf(one) === finding.code);
  if (failure === undefined) return finding;
  const confidence = finding.guessed === true ? "likely" : "proven";
  return { ...finding, confidence, evidence: [...finding.evidence, responseEvidence(failure)] };
}

function dropRepeated(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [one.key, one])).values()];
}
