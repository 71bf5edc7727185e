/**
 * One audit from its beginning to its files: walks, counts, files the report behind those before it.
 *
 * Everything of a report is written beside the others under a name of its own, the report last and whole or not at all.
 */
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pipeline } from "node:stream/promises";
import { type Difference, sumOf, type Tally } from "../../core/audit/tally.ts";
import { compareKeys } from "../../core/keys.ts";
import { EvidenceError } from "../evidence/error.ts";
import { writeWhole } from "../write-whole.ts";
import { canonicalJson, chainFor, PAGE_FILE, REPORT_FILE, sha256Of, withDigest } from "./chain.ts";
import { writeParquet } from "./parquet.ts";
import type { AuditEnds, VerifyWish } from "./ports.ts";
import {
  openProgress,
  type PartState,
  type Progress,
  partPath,
  progressDirectory,
  removeProgress,
} from "./progress.ts";
import { type AuditReport, reportOf } from "./report.ts";
import { auditHtml } from "./report-html.ts";
import { walk } from "./walk.ts";

export interface AuditOptions {
  readonly ends: AuditEnds;
  /** Audits of one subject are one series. */
  readonly subject: string;
  readonly from: AuditReport["from"];
  readonly verify?: VerifyWish;
  /** What was written later than so long before the audit is not told of. */
  readonly olderThanMs?: number;
  readonly oneWay: boolean;
  /** Where reports are filed. */
  readonly directory: string;
  /** Goes on with what was cut off, where something was. */
  readonly resume: boolean;
  readonly program: string;
  readonly clock: () => number;
  readonly onProgress?: (so: AuditSoFar) => void;
}

export interface AuditSoFar {
  readonly versions: number;
  readonly exceptions: number;
  /** The source's versions in the audit before; undefined for the first. */
  readonly versionsBefore?: number;
}

export interface FiledAudit {
  readonly report: AuditReport;
  /** Absolute, where the directory of reports is. */
  readonly directory: string;
}

const RANGES_AT_ONCE = 6;
const SAMPLES_MAX = 200;
/** Of these, kinds that many rows have leave room for others. */
const SAMPLES_OF_KIND = 20;
const DIFFERENCES_FILE = "differences.jsonl";
const PARQUET_FILE = "differences.parquet";

/** @throws EvidenceError when it was interrupted, or what it would go on with is of another one; S3Error when a store is away */
export async function audit(options: AuditOptions, signal: AbortSignal): Promise<FiledAudit> {
  const { ends, subject, verify, olderThanMs, oneWay, directory, clock } = options;
  const names = { source: ends.source.name, destination: ends.destination.name, prefix: ends.prefix };
  const request = canonicalJson({
    subject,
    ...names,
    verify: verify ?? null,
    olderThanMs: olderThanMs ?? null,
    oneWay,
  });
  const place = progressDirectory(directory, request);
  const begun = { request, startedAtMs: clock(), resume: options.resume };
  const progress = await openProgress(place, begun);
  const { startedAtMs } = progress;
  const untilMs = olderThanMs === undefined ? undefined : startedAtMs - olderThanMs;
  const chain = await chainFor(directory, subject);
  const versionsBefore = chain.versions === undefined ? {} : { versionsBefore: chain.versions };
  const isWhole = await walk(
    {
      ends,
      ...(verify === undefined ? {} : { verify }),
      untilMs: untilMs ?? Number.POSITIVE_INFINITY,
      startedAtMs,
      oneWay,
      request,
      clock,
      rangesAtOnce: RANGES_AT_ONCE,
      onProgress: (so) => options.onProgress?.({ ...so, ...versionsBefore }),
    },
    progress,
    signal,
  );
  if (!isWhole) throw new EvidenceError("the audit was interrupted: the same command with --resume goes on from here");
  const tally = sumOf(progress.parts.map((one) => one.tally));
  const endedAtMs = clock();
  const name = `${new Date(endedAtMs).toISOString().replace(/[:.]/g, "-")}-${nameOf(subject)}`;
  const target = join(directory, name);
  await mkdir(target, { recursive: true });
  const { files, samples } = await writeDifferences(progress, target, tally);
  const { previous, earlier } = chain;
  const { program, from } = options;
  const head = { program, subject, ...names, from, oneWay, verify: verify ?? null, samples, files, earlier, previous };
  const times = { startedAtMs, endedAtMs, ...(untilMs === undefined ? {} : { untilMs }) };
  const report = withDigest(reportOf({ ...head, ...times }, tally));
  await writeWhole(join(target, PAGE_FILE), auditHtml(report));
  await writeWhole(join(target, REPORT_FILE), `${JSON.stringify(report, null, 2)}\n`);
  await removeProgress(progress);
  return { report, directory: target };
}

const NAME_MAX = 80;

function nameOf(subject: string): string {
  return subject
    .replace(/s3:\/\//g, "")
    .replace(/[^\w.-]+/g, "-")
    .slice(0, NAME_MAX);
}

/** One file of all ranges in the order of keys, and the same in Parquet where that can be written. */
async function writeDifferences(
  progress: Progress,
  target: string,
  tally: Tally,
): Promise<{ readonly files: AuditReport["files"]; readonly samples: readonly Difference[] }> {
  const rows = tally.reasons.reduce((sum, one) => sum + one.versions, 0);
  if (rows === 0) return { files: [], samples: [] };
  const path = join(target, DIFFERENCES_FILE);
  const parts = progress.parts.filter((one) => one.bytes > 0).sort(inOrder);
  await rm(path, { force: true });
  for (const { number, bytes } of parts) {
    const from = createReadStream(partPath(progress.directory, number), { end: bytes - 1 });
    await pipeline(from, createWriteStream(path, { flags: "a" }));
  }
  const files = [{ name: DIFFERENCES_FILE, rows, sha256: await sha256Of(path) }];
  const parquet = join(target, PARQUET_FILE);
  if (await writeParquet(path, parquet)) files.push({ name: PARQUET_FILE, rows, sha256: await sha256Of(parquet) });
  return { files, samples: await samplesIn(path) };
}

function inOrder(one: PartState, other: PartState): number {
  return compareKeys(one.afterKey ?? "", other.afterKey ?? "");
}

/** The first of each kind; exceptions before what is expected. */
async function samplesIn(path: string): Promise<readonly Difference[]> {
  const found: Difference[] = [];
  const kinds = new Map<string, number>();
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === "") continue;
    const one = JSON.parse(line) as Difference;
    const kind = `${one.verdict} ${one.reason} ${one.status ?? ""}`;
    const seen = kinds.get(kind) ?? 0;
    if (seen >= SAMPLES_OF_KIND) continue;
    kinds.set(kind, seen + 1);
    found.push(one);
  }
  return found.sort((one, other) => Number(one.isExpected) - Number(other.isExpected)).slice(0, SAMPLES_MAX);
}
