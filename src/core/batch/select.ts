/** Which versions of a bucket a job of an own manifest is about. Lists that S3 makes itself are `job.ts`'s filter. */
import { isCanaryKey } from "../canary-key.ts";
import { parseReplication } from "../config/parse.ts";
import { diagnose } from "../diagnose/diagnose.ts";
import type { Facts, VersionFacts } from "../diagnose/facts.ts";
import { oldestCompleted, operationOf, readRules } from "../diagnose/rules.ts";
import { signatures } from "../diagnose/signature.ts";
import { eligibility } from "../eligibility.ts";
import type { Rule } from "../model.ts";
import type { StatusFilter } from "./job.ts";

/** What is undefined asks for nothing. */
export interface Selection {
  readonly statuses: readonly StatusFilter[];
  /** Written at or after then, and before. */
  readonly sinceMs?: number;
  readonly untilMs?: number;
  /** Codes of recorded failures or of causes. */
  readonly codes?: readonly string[];
  /** Ids of causes, as a diagnosis gives them. */
  readonly causes?: readonly string[];
}

export interface Selected {
  /** In the order of the facts. */
  readonly versions: readonly VersionFacts[];
  /** Would be selected, but no rule takes them now: a task of one fails with SrcObjectNotEligible. */
  readonly notEligible: number;
  readonly bytes: number;
}

/** How many versions show what; markers show nothing and count as NONE. */
export type StatusCounts = Readonly<Record<StatusFilter | "PENDING", number>>;

/** Selects by what versions show and why they are held back. Pure; versions that are alike are diagnosed once. */
export function selectVersions(facts: Facts, selection: Selection): Selected {
  const takenBy = rulesOfToday(facts);
  const isHeldBack = heldBackBy(facts, selection);
  const versions: VersionFacts[] = [];
  let [notEligible, bytes] = [0, 0];
  for (const version of facts.versions) {
    // Canaries come and go by themselves.
    if (isCanaryKey(version.key)) continue;
    if (!isInTime(version, selection) || !isWanted(version, selection)) continue;
    if (!isHeldBack(version)) continue;
    const taken = takenBy(version);
    if (taken.length === 0) {
      // Most versions without a status are not meant to be replicated.
      if (version.replicationStatus !== undefined) notEligible += 1;
      continue;
    }
    if (version.isDeleteMarker && hasArrived(version, taken)) continue;
    versions.push(version);
    bytes += version.sizeBytes;
  }
  return { versions, notEligible, bytes };
}

/**
 * Which rules a job would replicate a version by. Live replication takes no replica, a job does: of a replica it is asked
 * as of any other version.
 */
export function rulesOfToday(facts: Pick<Facts, "source">): (version: VersionFacts) => readonly Rule[] {
  const { replication } = facts.source;
  const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
  return (version) => {
    if (configuration === undefined) return [];
    const { replicationStatus: _, ...asWritten } = version;
    return eligibility(configuration, asWritten, operationOf(version)).taken;
  };
}

/** Counts what versions show. */
export function countStatuses(versions: readonly VersionFacts[]): StatusCounts {
  const counts = { FAILED: 0, NONE: 0, COMPLETED: 0, REPLICA: 0, PENDING: 0 };
  for (const version of versions) {
    if (version.gone !== true) counts[version.replicationStatus ?? "NONE"] += 1;
  }
  return counts;
}

/** PENDING versions are under way: no job is about them. Of what is gone or cannot be read nothing can be done. */
function isWanted(version: VersionFacts, { statuses }: Selection): boolean {
  const shown = version.replicationStatus ?? "NONE";
  if (version.gone === true || version.unreadable !== undefined || shown === "PENDING") return false;
  // A marker shows nothing, FAILED or not.
  return statuses.includes(shown) || (version.isDeleteMarker && statuses.includes("FAILED"));
}

function isInTime({ lastModifiedMs }: VersionFacts, { sinceMs, untilMs }: Selection): boolean {
  return (sinceMs === undefined || lastModifiedMs >= sinceMs) && (untilMs === undefined || lastModifiedMs < untilMs);
}

/** A marker has arrived where it is at every destination. */
function hasArrived({ replicas }: VersionFacts, taken: readonly Rule[]): boolean {
  return taken.every((rule) => replicas[rule.destination.bucketArn] === "present");
}

function heldBackBy(facts: Facts, { codes, causes }: Selection): (version: VersionFacts) => boolean {
  if (codes === undefined && causes === undefined) return () => true;
  const oldestCompletedMs = oldestCompleted(facts.versions);
  const setup = { oldestCompletedMs, ...facts };
  const rules = readRules(setup, () => oldestCompletedMs);
  const signatureOf = signatures(setup, rules);
  const known = new Map<string, boolean>();
  return (version) => {
    if (codes !== undefined && version.failures.some((one) => codes.includes(one.code))) return true;
    const signature = signatureOf(version);
    let held = known.get(signature);
    if (held === undefined) {
      const found = diagnose({ ...setup, versions: [version] }).diagnosis.causes;
      held = found.some((one) => codes?.includes(one.code) === true || causes?.includes(one.id) === true);
      known.set(signature, held);
    }
    return held;
  };
}
