/**
 * The chain of an auditor's reports: each carries the digest of its content and that of the report before, so whoever
 * changes, removes or adds one later has to change all that came after it.
 *
 * It is no signature. Who can write the whole directory can make another chain; what cannot be changed is a digest that
 * somebody else holds: file the latest one elsewhere, or read it from the ledger's history.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EvidenceError } from "../evidence/error.ts";
import type { AuditReport, EarlierAudit, Unsigned } from "./report.ts";
import { auditHtml } from "./report-html.ts";

/** Names of the files of one audit, in a directory of its own. */
export const REPORT_FILE = "report.json";
export const PAGE_FILE = "report.html";

/** Earlier audits that a report tells of. */
const EARLIER_MAX = 50;

/** JSON with members in the order of their names and no blanks: the same text for the same content. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    typeof one === "object" && one !== null && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

/** SHA-256 of the canonical JSON of everything but the digest itself. */
export function digestOf(report: Unsigned): string {
  const { digest: _, ...content } = report as AuditReport;
  return createHash("sha256").update(canonicalJson(content)).digest("hex");
}

export function withDigest(report: Unsigned): AuditReport {
  return { ...report, digest: digestOf(report) };
}

/** @param name of the audit's directory among the others */
export interface Filed {
  readonly name: string;
  readonly report: AuditReport;
}

/** The reports of a directory, the oldest first; what is none is passed over. */
export async function filedIn(directory: string): Promise<Filed[]> {
  let names: string[];
  try {
    names = await readdir(directory);
  } catch {
    return [];
  }
  const found: Filed[] = [];
  for (const name of names.filter((one) => !one.startsWith("."))) {
    const report = await readReport(join(directory, name, REPORT_FILE)).catch(() => undefined);
    if (report !== undefined) found.push({ name, report });
  }
  return found.sort((one, other) => (one.report.endedAt < other.report.endedAt ? -1 : 1));
}

/** What the next report of a subject says of those before it. */
export async function chainFor(
  directory: string,
  subject: string,
): Promise<{
  readonly previous: AuditReport["previous"];
  readonly earlier: readonly EarlierAudit[];
  readonly versions: number | undefined;
}> {
  const filed = (await filedIn(directory)).filter((one) => one.report.subject === subject);
  const last = filed.at(-1);
  return {
    previous: last === undefined ? null : { name: last.name, digest: last.report.digest },
    earlier: filed.slice(-EARLIER_MAX).map(({ report: { endedAt, coverage, exceptions, digest } }) => {
      return { endedAt, coverage, exceptions, digest };
    }),
    versions: last?.report.versions.source,
  };
}

/** @throws EvidenceError for a file that holds no report */
export async function readReport(path: string): Promise<AuditReport> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new EvidenceError(`${path} cannot be read`, { cause });
  });
  const embedded = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(text)?.[1];
  try {
    const found = JSON.parse(embedded ?? text) as Partial<AuditReport>;
    if (found.format === "lockstep-audit" && found.version === 1 && typeof found.digest === "string")
      return found as AuditReport;
  } catch {
    // Told below.
  }
  throw new EvidenceError(`${path} holds no report of an audit`);
}

export interface Checked {
  readonly file: string;
  readonly subject: string;
  readonly endedAt: string;
  readonly digest: string;
  /** What is wrong with it; empty where it is what was written. */
  readonly problems: readonly string[];
}

/**
 * Checks reports, their files, and how they hang together.
 *
 * @param paths of `report.json` or `report.html`, of an audit's directory, or of a directory of audits
 * @param program what writes pages now: those of another one are not compared
 * @throws EvidenceError for what holds no report
 */
export async function checkReports(paths: readonly string[], program: string): Promise<Checked[]> {
  const files = (await Promise.all(paths.map(filesAt))).flat();
  const reports = await Promise.all(files.map(async (file) => ({ file, report: await readReport(file) })));
  reports.sort((one, other) => (one.report.endedAt < other.report.endedAt ? -1 : 1));
  const checked: Checked[] = [];
  for (const { file, report } of reports) {
    const { subject, endedAt, digest } = report;
    const problems = [
      ...(digestOf(report) === digest ? [] : ["its content does not fit its digest: it was changed"]),
      ...(await filesProblems(file, report, program)),
      ...(await linkProblems(file, report)),
    ];
    checked.push({ file, subject, endedAt, digest, problems });
  }
  return checked;
}

async function filesAt(path: string): Promise<string[]> {
  const names = await readdir(path).catch(() => undefined);
  if (names === undefined) return [path];
  if (names.includes(REPORT_FILE)) return [join(path, REPORT_FILE)];
  const filed = await filedIn(path);
  if (filed.length === 0) throw new EvidenceError(`${path} holds no reports of audits`);
  return filed.map((one) => join(path, one.name, REPORT_FILE));
}

/** The files that the report names, and the page that shows it. */
async function filesProblems(file: string, report: AuditReport, program: string): Promise<string[]> {
  const problems: string[] = [];
  const directory = dirname(file);
  for (const { name, sha256 } of report.files) {
    // A report names files beside it and nothing else.
    const found = name === basename(name) ? await sha256Of(join(directory, name)).catch(() => undefined) : undefined;
    if (found === undefined) problems.push(`${name} is not beside it`);
    else if (found !== sha256) problems.push(`${name} was changed`);
  }
  const page = await readFile(join(directory, PAGE_FILE), "utf8").catch(() => undefined);
  if (page !== undefined && report.program === program && page !== auditHtml(report))
    problems.push(`${PAGE_FILE} does not show what the report says: it was changed`);
  return problems;
}

/** The report before it has to be there, and to be the one that this one was written behind. */
async function linkProblems(file: string, { previous, endedAt, subject }: AuditReport): Promise<string[]> {
  const reports = dirname(dirname(file));
  const filed = (await filedIn(reports)).filter((one) => one.report.subject === subject);
  const before = filed.filter((one) => one.report.endedAt < endedAt).at(-1);
  if (previous === null)
    return before === undefined ? [] : [`it says that it is the first, and ${before.name} is older`];
  const named = filed.find((one) => one.name === previous.name);
  if (named === undefined) return [`the report before it, ${previous.name}, is not there`];
  if (named.report.digest !== previous.digest || digestOf(named.report) !== previous.digest)
    return [`the report before it, ${previous.name}, is another one than it was`];
  return before?.name === previous.name ? [] : [`${before?.name ?? ""} was put between it and ${previous.name}`];
}

export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
