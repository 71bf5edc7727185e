/**
 * One audit, whoever asks for it: the command, or a schedule. Files the report and remembers in the ledger what it says.
 */
import { resolve } from "node:path";
import { type AuditSoFar, audit } from "../../doctor/audit/audit.ts";
import type { AuditEnds, VerifyWish } from "../../doctor/audit/ports.ts";
import type { AuditReport } from "../../doctor/audit/report.ts";
import { headline, percent } from "../../doctor/audit/words.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { remember, type WatchResult } from "../../monitor/history.ts";
import { packageVersion } from "../version.ts";

export interface AuditRequest {
  /** As commands call it: the replication, or the source bucket. Audits of one subject and destination are one series. */
  readonly subject: string;
  /** Where the audit is of one destination of several. */
  readonly destinationArn?: string;
  /** Default: nothing beyond the listings. */
  readonly verify?: VerifyWish;
  /** What was written later than so long before the audit is not told of; default: everything is. */
  readonly olderThanMs?: number;
  /** Versions that only the destination has are not told of. */
  readonly oneWay?: boolean;
  /** Goes on with an audit that was cut off. */
  readonly resume?: boolean;
}

export interface AuditParts {
  /** `siteEnds` (audit/site-ends.ts) of an engine's replication, `bucketEnds` (audit/bucket-ends.ts) of two buckets. */
  readonly ends: AuditEnds;
  readonly from?: AuditReport["from"];
  /** Where reports are filed. */
  readonly directory: string;
  readonly clock: () => number;
  readonly signal: AbortSignal;
  readonly onProgress?: (so: AuditSoFar) => void;
  /** Remembers the result. */
  readonly ledger?: Ledger;
}

export interface AuditResult {
  readonly report: AuditReport;
  /** Absolute path of the directory with report.json, report.html and the differences. */
  readonly directory: string;
  readonly summary: WatchResult;
}

/** @throws EvidenceError when it was interrupted, S3Error when a store is away, DatabaseError when the ledger is */
export async function runAudit(request: AuditRequest, parts: AuditParts): Promise<AuditResult> {
  const { verify, olderThanMs, destinationArn } = request;
  const { ends, clock, signal, onProgress, ledger } = parts;
  const startedAtMs = clock();
  const { report, directory } = await audit(
    {
      ends,
      subject: `${request.subject} → ${ends.destination.name}`,
      from: parts.from ?? "listings",
      ...(verify === undefined ? {} : { verify }),
      ...(olderThanMs === undefined ? {} : { olderThanMs }),
      oneWay: request.oneWay ?? false,
      directory: resolve(parts.directory),
      resume: request.resume ?? false,
      program: packageVersion(),
      clock,
      ...(onProgress === undefined ? {} : { onProgress }),
    },
    signal,
  );
  const endedAtMs = Date.parse(report.endedAt);
  const summary: WatchResult = {
    kind: "audit",
    subject: request.subject,
    ...(destinationArn === undefined ? {} : { destinationArn }),
    atMs: endedAtMs,
    tookMs: endedAtMs - startedAtMs,
    verdict: report.exceptions === 0 ? "ok" : "findings",
    says: saysOf(report),
    counts: {
      versions: report.versions.source,
      exceptions: report.exceptions,
      coverage: report.coverage,
      oldestLossSeconds: report.rpo.ageSeconds,
      ...report.counts,
    },
    report: directory,
  };
  if (ledger !== undefined) await remember(ledger, summary);
  return { report, directory, summary };
}

/** The digest stands in it: what the ledger remembers cannot be changed with the files. */
function saysOf(report: AuditReport): string {
  const kinds = report.reasons.filter((one) => !one.isExpected).slice(0, 3);
  const named = kinds.map((one) => `${one.versions} ${one.reason}`).join(", ");
  const what = report.exceptions === 0 ? headline(report) : `${headline(report)}: ${named}; lockstep audit --repair`;
  return `${what}. Coverage ${percent(report.coverage)}. Digest ${report.digest}`;
}
