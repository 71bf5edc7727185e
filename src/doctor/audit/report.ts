/**
 * What an audit reports: one JSON document, which the terminal, the HTML page and those who check it later read.
 *
 * docs/audit.md describes every member. Members may be added, never renamed or given another meaning in version 1.
 */
import { AGES, coverageOf, type Difference, exceptionsIn, type Tally } from "../../core/audit/tally.ts";
import type { AuditVerdict } from "../../core/audit/verdict.ts";

export interface AuditReport {
  readonly format: "lockstep-audit";
  readonly version: 1;
  /** Of the program that wrote it. */
  readonly program: string;
  /** Audits of one subject are one series. */
  readonly subject: string;
  readonly source: string;
  readonly destination: string;
  readonly prefix: string;
  readonly from: "listings" | "inventories";
  readonly startedAt: string;
  readonly endedAt: string;
  /** Versions written after it are not told of. */
  readonly until?: string;
  readonly oneWay: boolean;
  readonly verify: { readonly share: number; readonly suspects: boolean; readonly bytes: boolean } | null;
  readonly versions: Tally["versions"];
  readonly bytes: Tally["bytes"];
  readonly counts: Readonly<Record<AuditVerdict, number>>;
  /** Differences that are neither by design nor by the rules. */
  readonly exceptions: number;
  /** 0..1: of the versions that ought to be at the destination those that are. */
  readonly coverage: number;
  readonly suspects: number;
  readonly verified: Tally["verified"];
  readonly rpo: {
    /** When the oldest version was written that is not at the destination and ought to be; null when there is none. */
    readonly oldestLossAt: string | null;
    readonly ageSeconds: number;
    readonly ages: readonly { readonly upTo: string; readonly versions: number }[];
  };
  readonly reasons: readonly {
    readonly verdict: string;
    readonly status?: string;
    readonly reason: string;
    readonly says: string;
    readonly isExpected: boolean;
    readonly versions: number;
    readonly bytes: number;
    readonly oldestAt: string;
  }[];
  /** The first ones, exceptions before others. */
  readonly samples: readonly Difference[];
  /** Files beside the report. */
  readonly files: readonly { readonly name: string; readonly rows: number; readonly sha256: string }[];
  /** Earlier audits of the subject, the oldest first. */
  readonly earlier: readonly EarlierAudit[];
  /** The report before this one of the same subject; null for the first. */
  readonly previous: { readonly name: string; readonly digest: string } | null;
  /** SHA-256 of all the above, in hexadecimal digits: see chain.ts. */
  readonly digest: string;
}

export interface EarlierAudit {
  readonly endedAt: string;
  readonly coverage: number;
  readonly exceptions: number;
  readonly digest: string;
}

export type Unsigned = Omit<AuditReport, "digest">;

/** What is known besides what was counted. */
export type ReportHead = Pick<
  AuditReport,
  | "program"
  | "subject"
  | "source"
  | "destination"
  | "prefix"
  | "from"
  | "oneWay"
  | "verify"
  | "samples"
  | "files"
  | "earlier"
  | "previous"
> & { readonly startedAtMs: number; readonly endedAtMs: number; readonly untilMs?: number };

export function reportOf(head: ReportHead, tally: Tally): Unsigned {
  const { startedAtMs, endedAtMs, untilMs, ...rest } = head;
  const { oldestLossMs } = tally;
  return {
    format: "lockstep-audit",
    version: 1,
    ...rest,
    startedAt: isoOf(startedAtMs),
    endedAt: isoOf(endedAtMs),
    ...(untilMs === undefined ? {} : { until: isoOf(untilMs) }),
    versions: tally.versions,
    bytes: tally.bytes,
    counts: tally.counts,
    exceptions: exceptionsIn(tally),
    coverage: coverageOf(tally),
    suspects: tally.suspects,
    verified: tally.verified,
    rpo: {
      oldestLossAt: oldestLossMs === undefined ? null : isoOf(oldestLossMs),
      ageSeconds: oldestLossMs === undefined ? 0 : Math.max(0, Math.round((startedAtMs - oldestLossMs) / 1000)),
      ages: AGES.map(({ name }, index) => ({ upTo: name, versions: tally.ages[index] ?? 0 })),
    },
    reasons: tally.reasons.map(({ oldestMs, ...one }) => ({ ...one, oldestAt: isoOf(oldestMs) })),
  };
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
