/**
 * Facts → few causes. A pure function: reading a diagnosis changes nothing.
 *
 * Versions with the same signature (operation, status, encryption, rule outcomes, recorded failures) are diagnosed once;
 * one missing statement that explains forty thousand versions is one cause, two faults are two causes, and a bucket with
 * nothing wrong has none. What cannot be told is listed under `unexplained`, with what would decide it.
 */
import { type FailureCode, failureEntry } from "../failures/catalogue.ts";
import { type NoteKind, note } from "./by-design.ts";
import type { Facts, Setup, VersionFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { shortHash } from "./hash.ts";
import { type Edit, patchesOf } from "./patches.ts";
import { type Reasoning, reasonOf, type ShownState } from "./reason.ts";
import type { Cause, Diagnosis, Unexplained } from "./report.ts";
import { oldestCompleted, type Rules, readRules } from "./rules.ts";
import { signatures } from "./signature.ts";
import { WaitingMarkers } from "./waiting.ts";
import { type World, worldOf } from "./world.ts";

export interface Explained {
  readonly diagnosis: Diagnosis;
  /** By cause id: what its patches are made of. */
  readonly edits: ReadonlyMap<string, readonly Edit[]>;
}

/** How many versions one stands for. */
export interface Weight {
  readonly versions: number;
  readonly bytes: number;
  /** When the oldest of them was written. */
  readonly sinceMs: number;
  /** Some of them. */
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly key: string;
  readonly versionId: string;
}

/** Versions with one signature. */
export interface Alike extends Weight {
  /** Stands for all of them; of its failures is told when any of them was tried first. */
  readonly version: VersionFacts;
}

/** Versions with one signature, and what holds them back. */
export interface Examined extends Alike {
  readonly findings: readonly (Pick<Finding, "code"> & { readonly causeId: string })[];
}

interface Counted extends Alike {
  version: VersionFacts;
  readonly reasoning: Reasoning;
  versions: number;
  bytes: number;
  sinceMs: number;
  readonly samples: Sample[];
}

/** The versions that one finding holds back. */
interface Group {
  readonly finding: Finding;
  /** What it is called, and for how many versions. */
  readonly codes: Map<FailureCode, number>;
  versions: number;
  bytes: number;
  sinceMs: number;
  readonly samples: Sample[];
}

const SAMPLES_MAX = 5;
const UNEXPLAINED_MAX = 1000;

/** Finds the causes. Pure; time grows with the number of versions, work with the number of signatures. */
export function diagnose(facts: Facts): Explained {
  const examination = new Examination({ oldestCompletedMs: oldestCompleted(facts.versions), ...facts });
  for (const version of facts.versions) examination.add(version);
  return examination.explained();
}

/**
 * A diagnosis whose versions come one by one, or many as one. Memory grows with the number of signatures; where
 * `oldestCompletedMs` of the setup is not given, also by some bytes for every delete marker that is older than all that
 * has shown COMPLETED so far: on which side of the oldest of all it is, is known only at the end.
 */
export class Examination {
  readonly #setup: Setup;
  readonly #rules: Rules;
  readonly #world: World;
  readonly #signatureOf: (version: VersionFacts) => string;
  readonly #alike = new Map<string, Counted>();
  /** Delete markers that wait for `oldestCompletedMs`. */
  #waiting = new WaitingMarkers();
  #oldestCompletedMs: number;

  constructor(setup: Setup) {
    this.#setup = setup;
    this.#oldestCompletedMs = setup.oldestCompletedMs ?? Number.POSITIVE_INFINITY;
    this.#rules = readRules(setup, () => this.#oldestCompletedMs);
    this.#world = worldOf(setup, this.#rules.configuration?.roleArn ?? "");
    this.#signatureOf = signatures(setup, this.#rules);
  }

  /** @param weight of versions that have this one's signature, itself included; by default it stands for itself */
  add(version: VersionFacts, weight: Weight = weightOf(version)): void {
    const { oldestCompletedMs } = this.#setup;
    // What others came before stays after others, whatever comes.
    if (oldestCompletedMs === undefined && version.isDeleteMarker && !this.#rules.isAfterOthers(version)) {
      this.#waiting.add(this.#signatureOf(version), version, weight);
      return;
    }
    if (oldestCompletedMs === undefined && version.replicationStatus === "COMPLETED") {
      this.#oldestCompletedMs = Math.min(this.#oldestCompletedMs, weight.sinceMs);
    }
    this.#count(version, weight);
  }

  /** What a version comes to, in a word that is the same for versions of which the same is to be said. Adds nothing. */
  conclusion(version: VersionFacts): string {
    const { state, findings, missing = "" } = reasonOf(this.#world, this.#rules, version);
    return [state, missing, ...findings.map((one) => one.key).sort()].join("|");
  }

  /**
   * The same versions under a setup that knows more: what it adds (a key that nobody has named before) has no say in
   * them, so those that were alike still are.
   */
  under(setup: Setup): Examination {
    const next = new Examination(setup);
    next.#oldestCompletedMs = Math.min(next.#oldestCompletedMs, this.#oldestCompletedMs);
    for (const one of this.#alike.values()) next.#count(one.version, one);
    next.#waiting = this.#waiting.under(next.#signatureOf);
    return next;
  }

  /** The versions by signature, in the order in which they were first met. */
  alike(): readonly Alike[] {
    this.#countWaiting();
    return [...this.#alike.values()].map(({ version, versions, bytes, sinceMs, samples }) => {
      return { version, versions, bytes, sinceMs, samples };
    });
  }

  /** The same, with what was found of each signature. */
  examined(): readonly Examined[] {
    this.#countWaiting();
    return [...this.#alike.values()].map(({ reasoning, version, versions, bytes, sinceMs, samples }) => {
      const findings = reasoning.findings.map((one) => ({ code: one.code, causeId: causeIdOf(this.#setup, one) }));
      return { version, versions, bytes, sinceMs, samples, findings };
    });
  }

  /** What all that was added comes to. More may be added afterwards. */
  explained(): Explained {
    this.#countWaiting();
    const counts = { versions: 0, completed: 0, failed: 0, pending: 0, replica: 0, none: 0, unreadable: 0 };
    const silent = { notSelected: 0, beforeRule: 0, unreadableClass: 0, replicaSource: 0 };
    const notes = new Map<NoteKind, number>();
    const groups = new Map<string, Group>();
    const unexplained: Unexplained[] = [];
    let left = 0;
    for (const one of this.#alike.values()) {
      const { reasoning, versions, samples } = one;
      counts.versions += versions;
      counts[reasoning.state] += versions;
      if (reasoning.silent !== undefined) silent[reasoning.silent] += versions;
      for (const kind of reasoning.notes ?? []) if (TOLD.has(kind)) notes.set(kind, (notes.get(kind) ?? 0) + versions);
      for (const finding of reasoning.findings) addTo(groups, finding, one);
      if (reasoning.missing === undefined) continue;
      left += versions;
      const status = sayState(reasoning.state);
      for (const sample of samples.slice(0, UNEXPLAINED_MAX - unexplained.length)) {
        unexplained.push({ ...sample, status, missing: reasoning.missing });
      }
    }
    const setup = this.#setup;
    const causes = [...groups.values()].map((group) => ({ cause: causeOf(setup, group), edits: group.finding.edits }));
    causes.sort((a, b) => b.cause.affected.versions - a.cause.affected.versions || (a.cause.id < b.cause.id ? -1 : 1));
    return {
      diagnosis: {
        bucket: setup.source.name,
        takenAt: new Date(setup.takenAtMs).toISOString(),
        scanned: { ...counts, silent },
        causes: causes.map((one) => one.cause),
        unexplained,
        ...(left > unexplained.length ? { unexplainedVersions: left } : {}),
        notes: [...notes].map(([kind, versions]) => ({ ...note(kind), versions })),
      },
      edits: new Map(causes.map((one) => [one.cause.id, one.edits])),
    };
  }

  #countWaiting(): void {
    for (const { version, weight } of this.#waiting.taken(this.#oldestCompletedMs)) this.#count(version, weight);
  }

  #count(version: VersionFacts, weight: Weight): void {
    const signature = this.#signatureOf(version);
    let one = this.#alike.get(signature);
    if (one === undefined) {
      const reasoning = reasonOf(this.#world, this.#rules, version);
      one = { version, reasoning, versions: 0, bytes: 0, sinceMs: weight.sinceMs, samples: [] };
      this.#alike.set(signature, one);
    }
    if (version.failures.length > 0) one.version = triedFirst(one.version, version);
    one.versions += weight.versions;
    one.bytes += weight.bytes;
    one.sinceMs = Math.min(one.sinceMs, weight.sinceMs);
    const samplesMax = one.reasoning.missing === undefined ? SAMPLES_MAX : UNEXPLAINED_MAX;
    for (const sample of weight.samples) if (one.samples.length < samplesMax) one.samples.push(sample);
  }
}

/** Versions with one signature have the same failures, in the same order. */
function triedFirst(version: VersionFacts, other: VersionFacts): VersionFacts {
  const isEarlier = other.failures.some(
    ({ firstAttemptAtMs = Number.POSITIVE_INFINITY }, index) =>
      firstAttemptAtMs < (version.failures[index]?.firstAttemptAtMs ?? Number.POSITIVE_INFINITY),
  );
  if (!isEarlier) return version;
  const failures = version.failures.map((one, index) => {
    const times = [one.firstAttemptAtMs, other.failures[index]?.firstAttemptAtMs].filter((at) => at !== undefined);
    return times.length === 0 ? one : { ...one, firstAttemptAtMs: Math.min(...times) };
  });
  return { ...version, failures };
}

function weightOf({ key, versionId, sizeBytes, lastModifiedMs }: VersionFacts): Weight {
  return { versions: 1, bytes: sizeBytes, sinceMs: lastModifiedMs, samples: [{ key, versionId }] };
}

/** The notes that are told of a whole bucket; of one object all are. */
const TOLD: ReadonlySet<NoteKind> = new Set(["lifecycleWaits", "lifecycleMarker", "replicaDeleted", "replicaIsThere"]);

function addTo(groups: Map<string, Group>, finding: Finding, { versions, bytes, sinceMs, samples }: Alike): void {
  let group = groups.get(finding.key);
  if (group === undefined) {
    group = { finding, codes: new Map(), versions: 0, bytes: 0, sinceMs, samples: [] };
    groups.set(finding.key, group);
  }
  group.codes.set(finding.code, (group.codes.get(finding.code) ?? 0) + versions);
  group.versions += versions;
  group.bytes += bytes;
  group.sinceMs = Math.min(group.sinceMs, sinceMs);
  group.samples.push(...samples.slice(0, SAMPLES_MAX - group.samples.length));
}

function causeIdOf(facts: Setup, finding: Finding): string {
  return `c-${shortHash(`${facts.source.arn} ${finding.key}`)}`;
}

function causeOf(facts: Setup, group: Group): Cause {
  const { finding } = group;
  const code = codeOf(group);
  const entry = failureEntry(code);
  return {
    id: causeIdOf(facts, finding),
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
