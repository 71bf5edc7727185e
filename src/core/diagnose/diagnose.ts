/**
 * Facts → few causes. A pure function: reading a diagnosis changes nothing.
 *
 * Versions with the same signature (operation, status, encryption, rule outcomes, recorded failures) are diagnosed once;
 * one missing statement that explains forty thousand versions is one cause, two faults are two causes, and a bucket with
 * nothing wrong has none. What cannot be told is listed under `unexplained`, with what would decide it.
 */
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import type { Facts, VersionFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { shortHash } from "./hash.ts";
import { type Edit, patchesOf } from "./patches.ts";
import { type Reasoning, reasonOf, type ShownState } from "./reason.ts";
import type { Cause, Diagnosis, Scanned, Unexplained } from "./report.ts";
import { readRules } from "./rules.ts";
import { worldOf } from "./world.ts";

export interface Explained {
  readonly diagnosis: Diagnosis;
  /** By cause id: what its patches are made of. */
  readonly edits: ReadonlyMap<string, readonly Edit[]>;
}

/** The versions that one finding holds back. */
interface Group {
  readonly finding: Finding;
  /** What it is called, and for how many versions. */
  readonly codes: Map<FailureCode, number>;
  versions: number;
  bytes: number;
  sinceMs: number;
  readonly samples: { key: string; versionId: string }[];
}

const SAMPLES_MAX = 5;
const UNEXPLAINED_MAX = 1000;

/** Finds the causes. Pure; time and memory grow with the number of versions, work with the number of signatures. */
export function diagnose(facts: Facts): Explained {
  const rules = readRules(facts);
  const world = worldOf(facts, rules.configuration?.roleArn ?? "");
  const scanned: Record<keyof Scanned, number> = {
    versions: 0,
    completed: 0,
    failed: 0,
    pending: 0,
    replica: 0,
    none: 0,
    unreadable: 0,
  };
  const groups = new Map<string, Group>();
  const unexplained: Unexplained[] = [];
  const known = new Map<string, Reasoning>();
  const keyMatters = policiesNameKeys(facts);
  for (const version of facts.versions) {
    const signature = signatureOf(version, rules.signature(version), keyMatters);
    let reasoning = known.get(signature);
    if (reasoning === undefined) {
      reasoning = reasonOf(world, rules, version);
      known.set(signature, reasoning);
    }
    scanned.versions += 1;
    scanned[reasoning.state] += 1;
    for (const finding of reasoning.findings) addTo(groups, finding, version);
    if (reasoning.missing !== undefined && unexplained.length < UNEXPLAINED_MAX) {
      const { key, versionId } = version;
      unexplained.push({ key, versionId, status: sayState(reasoning.state), missing: reasoning.missing });
    }
  }
  const causes = [...groups.values()].map((group) => ({ cause: causeOf(facts, group), edits: group.finding.edits }));
  causes.sort((a, b) => b.cause.affected.versions - a.cause.affected.versions || (a.cause.id < b.cause.id ? -1 : 1));
  return {
    diagnosis: {
      bucket: facts.source.name,
      takenAt: new Date(facts.takenAtMs).toISOString(),
      scanned,
      causes: causes.map((one) => one.cause),
      unexplained,
    },
    edits: new Map(causes.map((one) => [one.cause.id, one.edits])),
  };
}

function addTo(groups: Map<string, Group>, finding: Finding, version: VersionFacts): void {
  let group = groups.get(finding.key);
  if (group === undefined) {
    group = { finding, codes: new Map(), versions: 0, bytes: 0, sinceMs: version.lastModifiedMs, samples: [] };
    groups.set(finding.key, group);
  }
  group.codes.set(finding.code, (group.codes.get(finding.code) ?? 0) + 1);
  group.versions += 1;
  group.bytes += version.sizeBytes;
  group.sinceMs = Math.min(group.sinceMs, version.lastModifiedMs);
  if (group.samples.length < SAMPLES_MAX) group.samples.push({ key: version.key, versionId: version.versionId });
}

function causeOf(facts: Facts, group: Group): Cause {
  const { finding } = group;
  const code = codeOf(group);
  const entry = failureEntry(code);
  return {
    id: `c-${shortHash(`${facts.source.arn} ${finding.key}`)}`,
    code,
    class: entry.class,
    title: entry.title,
    ...(finding.rule === undefined ? {} : { rule: finding.rule }),
    ...(finding.destination === undefined ? {} : { destination: finding.destination }),
    ...(finding.action === undefined ? {} : { action: finding.action }),
    ...(finding.resource === undefined ? {} : { resource: finding.resource }),
    confidence: finding.confidence,
    since: new Date(group.sinceMs).toISOString(),
    affected: { versions: group.versions, bytes: group.bytes, samples: group.samples },
    evidence: finding.evidence,
    fix: { summary: finding.remedy, patches: patchesOf(finding.edits), resync: finding.resync },
  };
}

/** What most of the versions failed with; that an object has parts says less about the cause. */
function codeOf({ codes, finding }: Group): FailureCode {
  const isOfParts = (code: FailureCode) => (code.startsWith("DstMultipart") ? 1 : 0);
  const [most] = [...codes].toSorted(([a, many], [b, more]) => more - many || isOfParts(a) - isOfParts(b));
  return most?.[0] ?? finding.code;
}

/** Everything of a version that a reasoning depends on, and nothing that it does not. */
function signatureOf(version: VersionFacts, outcomes: string, keyMatters: boolean): string {
  const { encryption, failures } = version;
  return JSON.stringify([
    version.isDeleteMarker,
    version.unreadable !== undefined,
    version.replicationStatus,
    [encryption.kind, encryption.kmsKeyArn, encryption.bucketKey],
    version.tagCount > 0,
    version.partsCount > 1,
    outcomes,
    failures.map((one) => [one.destinationArn, one.code, one.pending, one.step, one.httpStatus, one.errorCode]),
    version.replicas,
    keyMatters ? version.key : "",
  ]);
}

/** Whether some policy treats keys of one bucket differently: then no version stands for another. */
function policiesNameKeys(facts: Facts): boolean {
  const role = facts.role.state === "read" ? facts.role.value : undefined;
  const buckets = [facts.source, ...Object.values(facts.destinations)];
  const organization = facts.organization.state === "read" ? facts.organization.value : undefined;
  const levels = [organization?.scps, organization?.rcps].flatMap((one) => Object.values(one ?? {}).flat());
  const texts = [
    ...levels.flatMap((level) => level.policies.map((one) => one.document)),
    ...(role?.policies ?? []).map((one) => one.document),
    role?.boundary?.document ?? "",
    ...buckets.map((one) => (one.policy.state === "read" ? one.policy.value : "")),
    ...Object.values(facts.keys).map((one) =>
      one.state === "read" && one.value.policy.state === "read" ? one.value.policy.value : "",
    ),
  ];
  return texts.some((text) => /arn:[a-z-]*:s3:::[^"/]*\/(?!\*")/.test(text));
}

function sayState(state: ShownState): string {
  if (state === "none") return "no status";
  return state === "unreadable" ? "not readable" : state.toUpperCase();
}
