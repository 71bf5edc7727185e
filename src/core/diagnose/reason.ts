/**
 * What is known of one version: the state it shows, and what holds it back.
 *
 * The record of a failed try and the prediction from facts check each other. A recorded denial that the policies would
 * no longer give is past, and all that is left is to replicate again; a denial that no one has met yet is found before it
 * is met.
 */
import { type FailureCode, failureCode } from "../failures/catalogue.ts";
import type { Rule } from "../model.ts";
import type { RecordedFailure, VersionFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { obstacleFinding } from "./findings.ts";
import { predict } from "./predict.ts";
import { notRead, recordedFinding, responseEvidence, resyncFinding } from "./records.ts";
import { replicaKey } from "./replica-keys.ts";
import { nearestRule, operationOf, type Rules } from "./rules.ts";
import { skipFinding } from "./skips.ts";
import { unreadOrganization, type World } from "./world.ts";

export type ShownState = "completed" | "failed" | "pending" | "replica" | "none" | "unreadable";

export interface Reasoning {
  readonly state: ShownState;
  readonly findings: readonly Finding[];
  /** What would have to be known to explain the version; undefined when it is explained. */
  readonly missing?: string;
}

/** Reasons about one version. Pure and total. */
export function reasonOf(world: World, rules: Rules, version: VersionFacts): Reasoning {
  const state = shownState(rules, version);
  if (version.gone === true) return { state, findings: version.failures.map((one) => goneFinding(version, one)) };
  switch (state) {
    case "completed":
    case "replica":
      return { state, findings: [] };
    case "pending":
      return { state, findings: version.failures.map((one) => recordedFinding(one, codeOf(one))) };
    case "failed":
      return reasonOfFailed(world, rules, version);
    case "none":
      return reasonOfNone(world, rules, version);
    case "unreadable":
      return { state, findings: [], missing: version.unreadable ?? "" };
  }
}

/** The status header says it for objects; of delete markers no store tells, so their replicas and records do. */
function shownState(rules: Rules, version: VersionFacts): ShownState {
  if (version.gone === true) return version.failures.some((one) => !one.pending) ? "failed" : "pending";
  if (version.unreadable !== undefined && version.failures.length === 0) return "unreadable";
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
    const predicted = predictedFindings(world, version, rule, own);
    findings.push(...predicted.map((finding) => withResponse(finding, own)));
    const unpredicted = own.filter((one) => !predicted.some((finding) => finding.code === codeOf(one)));
    const unreadable = unreadableFacts(world, rule);
    // Few may read the policies of their organisation, so that alone leaves no version unexplained.
    const organization = unreadOrganization(world, world.facts.destinations[rule.destination.bucketArn]);
    for (const one of unpredicted) {
      const unknown = isDenial(codeOf(one)) ? [...unreadable, ...organization] : unreadable;
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

/** A recorded failure that the facts do not reproduce: gone when the facts would show it, else still the best there is. */
function pastOrPresent(world: World, rule: Rule, failure: RecordedFailure, unreadable: readonly string[]): Finding {
  const code = codeOf(failure);
  if (!PREDICTABLE.has(code)) return recordedFinding(failure, code);
  if (unreadable.length === 0) {
    const finding = resyncFinding(world.facts, "RetryNeeded", rule);
    return { ...finding, evidence: [...finding.evidence, responseEvidence(failure)] };
  }
  const finding = recordedFinding(failure, code);
  return { ...finding, confidence: "likely", evidence: [...finding.evidence, ...unreadable.map(notRead)] };
}

/** Whether a policy that was not read could be behind the failure. */
function isDenial(code: FailureCode): boolean {
  return code.endsWith("NotPermitted");
}

/** Failures that a prediction finds when they are still there. All others are known from records alone. */
const PREDICTABLE: ReadonlySet<FailureCode> = new Set<FailureCode>([
  "AssumeRoleNotPermitted",
  "SrcHeadObjectNotPermitted",
  "SrcGetObjectNotPermitted",
  "SrcGetAclNotPermitted",
  "SrcGetTaggingNotPermitted",
  "SrcKmsKeyInvalidState",
  "SrcBucketReplicationConfigMissing",
  "SrcObjectNotEligible",
  "DstBucketNotFound",
  "DstBucketUnversioned",
  "DstDelObjNotPermitted",
  "DstKmsKeyInvalidState",
  "DstKmsKeyNotFound",
  "DstMultipartCompleteNotPermitted",
  "DstMultipartInitNotPermitted",
  "DstMultipartUploadNotPermitted",
  "DstPutObjectNotPermitted",
  "DstPutTaggingNotPermitted",
]);

function reasonOfNone(world: World, rules: Rules, version: VersionFacts): Reasoning {
  const { configuration } = rules;
  if (configuration === undefined) return { state: "none", ...withoutConfiguration(world) };
  const taken = rules.verdict(version)?.taken ?? [];
  if (taken.length === 0) return { state: "none", ...skipped(world, rules, version) };
  const findings: Finding[] = [];
  let blocked = false;
  for (const rule of taken) {
    if (version.replicas[rule.destination.bucketArn] === "present") continue;
    const predicted = predictedFindings(world, version, rule);
    blocked ||= predicted.length > 0;
    findings.push(
      ...predicted,
      ...(version.isDeleteMarker && blocked ? [] : [resyncFinding(world.facts, "NeverTried", rule)]),
    );
  }
  // A marker that is not at the destination and could not get there has failed, though no store says so.
  return { state: version.isDeleteMarker && blocked ? "failed" : "none", findings };
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
function skipped(world: World, rules: Rules, version: VersionFacts): Pick<Reasoning, "findings"> {
  const nearest = nearestRule(rules, version);
  if (nearest === undefined || nearest.because.reason === "isReplica") return { findings: [] };
  const { rule, because } = nearest;
  const finding = skipFinding(world, rule, because);
  if (because.reason !== "kmsNotSelected") return { findings: [finding] };
  const key = replicaKey(world.facts, rule);
  if (key === undefined) return { findings: [finding] };
  const corrected: Rule = { ...rule, kmsObjects: true, destination: { ...rule.destination, replicaKmsKeyArn: key } };
  return { findings: [finding, ...predictedFindings(world, version, corrected)] };
}

/** One finding for what one change removes, named as the version's last try was where that met it. */
function predictedFindings(
  world: World,
  version: VersionFacts,
  rule: Rule,
  failures: readonly RecordedFailure[] = [],
): Finding[] {
  const { obstacles } = predict(world, version, operationOf(version), rule);
  const met = new Set(failures.map(codeOf));
  const found = new Map<string, Finding>();
  for (const finding of obstacles.map((one) => obstacleFinding(world, one, rule))) {
    if (!found.has(finding.key) || met.has(finding.code)) found.set(finding.key, finding);
  }
  return [...found.values()];
}

function withResponse(finding: Finding, failures: readonly RecordedFailure[]): Finding {
  const failure = failures.find((one) => codeOf(one) === finding.code);
  if (failure === undefined) return finding;
  return { ...finding, confidence: "proven", evidence: [...finding.evidence, responseEvidence(failure)] };
}

/** Documents that could not be read and have a say in whether a rule's replication is allowed. */
function unreadableFacts(world: World, rule: Rule): string[] {
  const { facts } = world;
  const destination = facts.destinations[rule.destination.bucketArn];
  const read = [
    { of: "the role's policies", what: facts.role },
    { of: `the bucket policy of ${facts.source.name}`, what: facts.source.policy },
    ...(destination === undefined
      ? []
      : [
          { of: `the bucket policy of ${destination.name}`, what: destination.policy },
          { of: `the versioning of ${destination.name}`, what: destination.versioning },
        ]),
  ];
  return read.flatMap(({ of, what }) => (what.state === "unreadable" ? [`${of}: ${what.because}`] : []));
}

function dropRepeated(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [one.key, one])).values()];
}

function codeOf(failure: RecordedFailure): FailureCode {
  return failureCode(failure.code) ?? "UnknownAnswer";
}
