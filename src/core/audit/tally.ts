/**
 * What an audit has counted: plain data, so that it can be kept while an audit is interrupted, and added up over ranges
 * of keys. Memory grows with the kinds of differences, not with the bucket.
 */
import { type AuditVerdict, VERDICTS } from "./verdict.ts";

/** One version that is not simply equal, as reports and their files tell it. */
export interface Difference {
  readonly verdict: Exclude<AuditVerdict, "equal" | "young">;
  /** The source's, or the destination's where nothing of it is at the source. */
  readonly key: string;
  /** At the source; "" where there is none. */
  readonly versionId: string;
  /** At the destination; "" where there is none. */
  readonly replicaVersionId: string;
  readonly isDeleteMarker: boolean;
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
  /** PENDING, FAILED, COMPLETED or REPLICA, where it is known. */
  readonly status?: string;
  /** A code: of the failure catalogue, or one of the audit's own. */
  readonly reason: string;
  /** For a person. */
  readonly says: string;
  /** By design, or by the rules: told, and no exception. */
  readonly isExpected: boolean;
}

/** Differences of one kind. */
export interface ReasonCount {
  readonly verdict: Difference["verdict"];
  readonly status?: string;
  readonly reason: string;
  readonly says: string;
  readonly isExpected: boolean;
  versions: number;
  bytes: number;
  /** When the oldest of them was written. */
  oldestMs: number;
}

export interface Tally {
  readonly versions: { source: number; destination: number };
  readonly bytes: { source: number; destination: number };
  readonly counts: Record<AuditVerdict, number>;
  /** Pairs of one size whose ETags differ, which alone says nothing. */
  suspects: number;
  readonly verified: {
    looked: number;
    byChecksum: number;
    byEtag: number;
    byBytes: number;
    undecided: number;
    bytesRead: number;
  };
  readonly reasons: ReasonCount[];
  /** Versions that are not at the destination and ought to be, by how long ago they were written. */
  readonly ages: number[];
  oldestLossMs?: number;
}

/** The upper ends of `Tally.ages`; the last has none. */
export const AGES: readonly { readonly name: string; readonly upToMs: number }[] = [
  { name: "15 min", upToMs: 15 * 60_000 },
  { name: "1 h", upToMs: 3_600_000 },
  { name: "24 h", upToMs: 24 * 3_600_000 },
  { name: "7 d", upToMs: 7 * 24 * 3_600_000 },
  { name: "older", upToMs: Number.POSITIVE_INFINITY },
];

export function emptyTally(): Tally {
  return {
    versions: { source: 0, destination: 0 },
    bytes: { source: 0, destination: 0 },
    counts: Object.fromEntries(VERDICTS.map((one) => [one, 0])) as Record<AuditVerdict, number>,
    suspects: 0,
    verified: { looked: 0, byChecksum: 0, byEtag: 0, byBytes: 0, undecided: 0, bytesRead: 0 },
    reasons: [],
    ages: AGES.map(() => 0),
  };
}

/** Verdicts that say that the destination does not hold what it ought to. */
const LOSSES: ReadonlySet<AuditVerdict> = new Set<AuditVerdict>(["missing", "explained", "data"]);

/** Whether a difference means that bytes of the source are not at the destination, though they ought to be. */
export function isLoss({ verdict, isExpected }: Pick<Difference, "verdict" | "isExpected">): boolean {
  return LOSSES.has(verdict) && !isExpected;
}

/** @param nowMs ages count from here */
export function addDifference(tally: Tally, one: Difference, nowMs: number): void {
  tally.counts[one.verdict] += 1;
  const { verdict, status, reason, says, isExpected, sizeBytes, lastModifiedMs } = one;
  let kind = tally.reasons.find((other) => isOfKind(other, one));
  if (kind === undefined) {
    const named = { verdict, ...(status === undefined ? {} : { status }), reason, says, isExpected };
    kind = { ...named, versions: 0, bytes: 0, oldestMs: lastModifiedMs };
    tally.reasons.push(kind);
  }
  kind.versions += 1;
  kind.bytes += sizeBytes;
  kind.oldestMs = Math.min(kind.oldestMs, lastModifiedMs);
  if (!isLoss(one)) return;
  const age = AGES.findIndex(({ upToMs }) => nowMs - lastModifiedMs <= upToMs);
  tally.ages[age] = (tally.ages[age] ?? 0) + 1;
  tally.oldestLossMs = Math.min(tally.oldestLossMs ?? Number.POSITIVE_INFINITY, lastModifiedMs);
}

function isOfKind(one: ReasonCount, other: Difference): boolean {
  return (
    one.reason === other.reason &&
    one.verdict === other.verdict &&
    one.status === other.status &&
    one.isExpected === other.isExpected
  );
}

/** What several ranges come to together. */
export function sumOf(tallies: readonly Tally[]): Tally {
  const sum = emptyTally();
  for (const one of tallies) {
    for (const side of ["source", "destination"] as const) {
      sum.versions[side] += one.versions[side];
      sum.bytes[side] += one.bytes[side];
    }
    for (const verdict of VERDICTS) sum.counts[verdict] += one.counts[verdict];
    sum.suspects += one.suspects;
    for (const name of Object.keys(sum.verified) as (keyof Tally["verified"])[])
      sum.verified[name] += one.verified[name];
    for (const [age, versions] of one.ages.entries()) sum.ages[age] = (sum.ages[age] ?? 0) + versions;
    if (one.oldestLossMs !== undefined) {
      sum.oldestLossMs = Math.min(sum.oldestLossMs ?? Number.POSITIVE_INFINITY, one.oldestLossMs);
    }
    for (const { versions, bytes, oldestMs, ...kind } of one.reasons) {
      const same = sum.reasons.find(
        (other) =>
          other.reason === kind.reason &&
          other.verdict === kind.verdict &&
          other.status === kind.status &&
          other.isExpected === kind.isExpected,
      );
      if (same === undefined) sum.reasons.push({ ...kind, versions, bytes, oldestMs });
      else {
        same.versions += versions;
        same.bytes += bytes;
        same.oldestMs = Math.min(same.oldestMs, oldestMs);
      }
    }
  }
  sum.reasons.sort((a, b) => b.versions - a.versions || (a.reason < b.reason ? -1 : 1));
  return sum;
}

/** Differences that somebody has to do something about. */
export function exceptionsIn({ reasons }: Pick<Tally, "reasons">): number {
  return reasons.reduce((total, one) => total + (one.isExpected ? 0 : one.versions), 0);
}

/** Of the source's versions that ought to be at the destination the part that is there; 1 where there are none. */
export function coverageOf({ counts, reasons }: Pick<Tally, "counts" | "reasons">): number {
  const lost = reasons.reduce((total, one) => total + (isLoss(one) ? one.versions : 0), 0);
  const there = counts.equal + counts.metadata + counts.tags + counts.order;
  return there + lost === 0 ? 1 : there / (there + lost);
}
