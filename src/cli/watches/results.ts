/** What probes, lints and rehearsals found, as watches keep it: a verdict, a line for a person, figures. */
import { bucketOfArn } from "../../core/arn.ts";
import { documentOfXml } from "../../core/config/document.ts";
import { lint } from "../../core/lint/lint.ts";
import { lintRule } from "../../core/lint/rules.ts";
import { plural } from "../../doctor/report.ts";
import type { ProbeReport } from "../../engine/probe/model.ts";
import { findingsOf } from "../../engine/probe.ts";
import type { WatchResult } from "../../monitor/history.ts";
import type { BucketSettings } from "../../s3/settings.ts";
import type { Connection } from "../connection.ts";
import { unseen } from "../context.ts";
import { UsageError } from "../errors.ts";
import { readLintText } from "../lint/input.ts";
import { rehearseBucket } from "../rehearsal/rehearsing.ts";
import type { Matrix } from "../rehearsal/words.ts";

export function probeResult(subject: string, destinationArn: string, report: ProbeReport): WatchResult {
  const { startedAtMs, endedAtMs, checks, left } = report;
  const findings = findingsOf(report).filter(({ code }) => code !== "untried");
  const isUnreached = findings.some(({ id }) => id === "reach.answer" || id === "auth.credentials");
  const isWell = findingsOf(report).length === 0;
  const [first] = findings;
  const lacks =
    first === undefined ? "the rest of the probe" : `${findings.map(({ id }) => id).join(", ")}: ${first.says}`;
  return {
    kind: "probe",
    subject,
    destinationArn,
    atMs: endedAtMs,
    tookMs: endedAtMs - startedAtMs,
    verdict: isUnreached ? "failed" : isWell ? "ok" : "findings",
    says: isWell ? "replication into the bucket has what it needs" : `replication into the bucket lacks ${lacks}`,
    counts: { checks: checks.length, findings: findings.length, left: left.length },
  };
}

/** Checks the configuration that a bucket has now. @throws UsageError where it has none; S3Error */
export async function lintedBucket(
  subject: string,
  { bucket, settings }: { readonly bucket: string; readonly settings: BucketSettings },
  clock: () => number,
): Promise<WatchResult> {
  const startedAtMs = clock();
  const root = await settings.getBucketReplication(bucket);
  if (root === undefined) throw new UsageError(`s3://${bucket} has no replication configuration to check`);
  const text = JSON.stringify(documentOfXml(root), null, 2);
  const { document, findings: unread } = readLintText(`${bucket}.json`, text, "replication");
  const { findings } = lint(document === undefined ? [] : [document], { source: bucket }, unread);
  const count = (severity: string) => findings.filter((one) => one.severity === severity).length;
  const [errors, warnings, notes] = [count("error"), count("warning"), count("note")];
  const [first] = findings.filter((one) => one.severity !== "note");
  const atMs = clock();
  return {
    kind: "lint",
    subject,
    atMs,
    tookMs: atMs - startedAtMs,
    verdict: first === undefined ? "ok" : "findings",
    says:
      first === undefined
        ? "nothing is wrong with the configuration"
        : `${lintRule(first.rule).title} (${first.path}): ${first.remedy}`,
    counts: { errors, warnings, notes },
  };
}

/** Every kind of object in a lab in memory, by the bucket's real configuration. @throws S3Error, AwsError */
export async function rehearsedBucket(
  subject: string,
  { bucket, connection }: { readonly bucket: string; readonly connection: Connection },
  clock: () => number,
): Promise<WatchResult> {
  const startedAtMs = clock();
  const progress = { clock, stderr: unseen() };
  const { status, value } = await rehearseBucket(connection, { bucket }, progress, { markdown: false });
  const { kinds } = value as Matrix;
  const count = (fate: string) => kinds.filter((one) => one.fate === fate).length;
  const bad = kinds.find(({ fate }) => fate === "fails" || fate === "pending");
  const cell = bad?.cells.flatMap((one) => (one.outcome === "failed" || one.outcome === "pending" ? [one] : []))[0];
  const atMs = clock();
  const why = cell === undefined ? "" : ` to ${bucketOfArn(cell.destination) ?? cell.destination}: ${cell.says}`;
  return {
    kind: "rehearse",
    subject,
    atMs,
    tookMs: atMs - startedAtMs,
    verdict: status === 0 ? "ok" : "findings",
    says: bad === undefined ? `${plural(kinds.length, "kind")} of objects rehearsed` : `${bad.kind} does not get${why}`,
    counts: { kinds: kinds.length, replicates: count("replicates"), fails: count("fails"), pending: count("pending") },
  };
}
