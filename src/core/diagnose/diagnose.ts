/**
 * Facts → few causes. A pure function: reading a diagnosis changes nothing.
 *
 * Versions with the same signature (operation, status, encryption, rule outcomes, recorded failures) are diagnosed once;
 * one missing statement that explains forty thousand versions is one cause, two faults are two causes, and a bucket with
 * nothing wrong has none. What cannot be told is listed under `unexplained`, with what would decide it.
 */
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import { type NoteKind, note } from "./by-design.ts";
import type { Facts, VersionFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { shortHash } from "./hash.ts";
import { type Edit, patchesOf } from "./patches.ts";
import { type Reasoning, reasonOf, type ShownState } from "./reason.ts";
import type { Cause, Diagnosis, Unexplained } from "./report.ts";
import { readRules } from "./rules.ts";
import { signatures } from "./signature.ts";
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
  const counts = { versions: 0, completed: 0, failed: 0, pending: 0, replica: 0, none: 0, unreadable: 0 };
  const silent = { notSelected: 0, beforeRule: 0, unreadableClass: 0, replicaSource: 0 };
  const notes = new Map<NoteKind, number>();
  const groups = new Map<string, Group>();
  const unexplained: Unexplained[] = [];
  const known = new Map<string, Reasoning>();
  const signatureOf = signatures(facts, rules);
  for (const version of facts.versions) {
    const signature = signatureOf(version);
    let reasoning = known.get(signature);
    if (reasoning === undefined) {
      reasoning = reasonOf(world, rules, version);
      known.set(signature, reasoning);
    }
    counts.versions += 1;
    counts[reasoning.state] += 1;
    if (reasoning.silent !== undefined) silent[reasoning.silent] += 1;
    for (const kind of reasoning.notes ?? []) if (TOLD.has(kind)) notes.set(kind, (notes.get(kind) ?? 0) + 1);
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
      scanned: { ...counts, silent },
      causes: causes.map((one) => one.cause),
      unexplained,
      notes: [...notes].map(([kind, versions]) => ({ ...note(kind), versions })),
    },
    edits: new Map(causes.map((one) => [one.cause.id, one.edits])),
  };
}

/** The notes that are told of a whole bucket; of one object all are. */
const TOLD: ReadonlySet<NoteKind> = new Set(["lifecycleWaits", "lifecycleMarker", "replicaDeleted", "replicaIsThere"]);

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

function sayState(state: ShownState): string {
  if (state === "none") return "no status";
  return state === "unreadable" ? "not readable" : state.toUpperCase();
}
