/** An audit in words: the same ones on the terminal and on the page. */

import { reasonRemedy } from "../../core/audit/reasons.ts";
import type { Difference } from "../../core/audit/tally.ts";
import { plural, sizeWords } from "../report.ts";
import type { AuditReport } from "./report.ts";

const TITLES: Readonly<Record<string, string>> = {
  equal: "equal",
  young: "too young to tell",
  explained: "missing, explained",
  missing: "missing",
  data: "data differ",
  metadata: "metadata differ",
  tags: "tags differ",
  order: "order differs",
  deleteMarker: "delete marker differs",
  extra: "only at the destination",
};

export function verdictTitle(verdict: string): string {
  return TITLES[verdict] ?? verdict;
}

/** One line that says it all. */
export function headline({ exceptions, versions, counts }: AuditReport): string {
  const looked = plural(versions.source, "version");
  if (exceptions === 0) {
    const expected = counts.explained + counts.extra + counts.deleteMarker;
    return `Clean: the destination holds what it ought to of ${looked}${expected === 0 ? "" : ` (${expected} differ by design or by the rules)`}`;
  }
  return `${plural(exceptions, "exception")} in ${looked}`;
}

/** `12,345`: what Intl says of an integer in English, without loading what it knows of all languages. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

/** `99.998 %`: rounded down, so that 100 % is all. */
export function percent(share: number): string {
  return `${(Math.floor(share * 100_000) / 1000).toFixed(3)} %`;
}

export function coverageWords({ coverage, counts }: AuditReport): string {
  const there = counts.equal + counts.metadata + counts.tags + counts.order;
  return `${percent(coverage)} of what ought to be at the destination is there (${plural(there, "version")})`;
}

export function verifiedWords({ verified, suspects, verify }: AuditReport): string {
  const { looked, byChecksum, byEtag, byBytes, undecided, bytesRead } = verified;
  const suspected =
    suspects === 0 ? "" : `; ${suspects} have other ETags at the destination, which alone proves nothing`;
  if (verify === null) return `nothing beyond the listings${suspected}`;
  if (!verify.bytes) return `metadata and tags of ${plural(looked, "version")}${suspected}`;
  const parts = [`${byChecksum} by checksums`, `${byEtag} by ETags`, `${byBytes} by their bytes`];
  if (undecided > 0) parts.push(`${undecided} could not be read`);
  const read = bytesRead === 0 ? "" : `, ${sizeWords(bytesRead)} read`;
  return `${plural(looked, "version")}: ${parts.join(", ")}${read}${suspected}`;
}

export function ageWords({ rpo }: AuditReport): string {
  if (rpo.oldestLossAt === null) return "none is lost";
  return `written ${rpo.oldestLossAt}, ${grouped(Math.round(rpo.ageSeconds / 60))} minutes before the audit`;
}

const SAMPLES_TOLD = 3;

/** For a terminal. @param styled colours text */
export function auditWords(
  report: AuditReport,
  styled: (style: "red" | "green" | "yellow" | "bold" | "dim", text: string) => string,
): string {
  const { source, destination, versions, bytes, counts, exceptions } = report;
  const lines = [
    `${styled("bold", source)}  ${plural(versions.source, "version")}, ${sizeWords(bytes.source)}`,
    `${styled("bold", destination)}  ${plural(versions.destination, "version")}, ${sizeWords(bytes.destination)}`,
    "",
    ...Object.entries(counts)
      .filter(([, value]) => value > 0)
      .map(([verdict, value]) => `${String(value).padStart(10)}  ${verdictTitle(verdict)}`),
  ];
  for (const one of report.reasons) {
    const status = one.status === undefined ? "" : `, ${one.status}`;
    const mark = one.isExpected ? styled("dim", "expected") : styled("red", verdictTitle(one.verdict));
    lines.push(
      "",
      `${mark}  ${styled("bold", one.reason)}${status}: ${plural(one.versions, "version")}, ${sizeWords(one.bytes)}`,
    );
    lines.push(`  ${one.says}`);
    const remedy = reasonRemedy(one.reason);
    if (!one.isExpected && remedy !== undefined) lines.push(`  ${remedy}`);
    for (const sample of samplesOf(report, one).slice(0, SAMPLES_TOLD))
      lines.push(styled("dim", `  ${sampleWords(sample)}`));
  }
  lines.push("", `Verified: ${verifiedWords(report)}`);
  if (report.rpo.oldestLossAt !== null) lines.push(`Oldest lost: ${ageWords(report)}`);
  lines.push(`Coverage: ${coverageWords(report)}`, styled(exceptions === 0 ? "green" : "red", headline(report)));
  return lines.join("\n");
}

function samplesOf(report: AuditReport, kind: AuditReport["reasons"][number]): Difference[] {
  return report.samples.filter((one) => one.reason === kind.reason && one.verdict === kind.verdict);
}

function sampleWords({ key, versionId, replicaVersionId, says }: Difference): string {
  return `${JSON.stringify(key).slice(1, -1)} ${versionId || replicaVersionId}: ${says}`;
}
