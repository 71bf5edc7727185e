/** The words of `probe`: what would be written, and what was found. */
import { type Ink, plural, sizeWords } from "../../doctor/report.ts";
import {
  CHECKS,
  type Check,
  type CheckCode,
  PHASES,
  type PlannedWrite,
  type ProbeReport,
  phaseOf,
} from "../../engine/probe/model.ts";

const STYLES = {
  ok: "green",
  absent: "yellow",
  refused: "red",
  differs: "yellow",
  broken: "red",
  untried: "dim",
} as const satisfies Record<CheckCode, string>;

export function writesLine(bucket: string, prefix: string, writes: readonly PlannedWrite[]): string {
  return `writes at most ${total(writes)} under s3://${bucket}/${prefix}, and removes them at the end`;
}

function total(writes: readonly PlannedWrite[]): string {
  const versions = writes.reduce((sum, { versionsMax }) => sum + versionsMax, 0);
  const bytes = writes.reduce((sum, { versionsMax, sizeBytes }) => sum + versionsMax * sizeBytes, 0);
  return `${plural(versions, "version")} of ${sizeWords(bytes)}`;
}

export function planWords(bucket: string, prefix: string, writes: readonly PlannedWrite[]): string {
  const lines = writes.map(({ phase, name, sizeBytes, versionsMax, what }) => {
    const size = `${versionsMax} x ${sizeWords(sizeBytes)}`;
    return `  ${phase.padEnd(15)} ${name.padEnd(10)} ${size.padEnd(13)} ${what}`;
  });
  return [`A probe ${writesLine(bucket, prefix, writes)}:`, ...lines].join("\n");
}

export function probeWords(report: ProbeReport, provider: string, ink: Ink): string {
  const lines = [`s3://${report.bucket}, a store of the kind ${ink("bold", provider)}`, ""];
  for (const phase of PHASES) {
    const checks = report.checks.filter(({ id }) => phaseOf(id) === phase);
    const tried = checks.filter(({ code }) => code !== "untried");
    for (const check of tried) lines.push(checkLine(check, ink));
    const [untried] = checks.filter(({ code }) => code === "untried");
    if (tried.length === 0 && untried !== undefined) {
      lines.push(`  ${ink("dim", "untried".padEnd(8))} ${phase}: ${untried.says}`);
    }
  }
  for (const { key, versionId, uploadId, because } of report.left) {
    const what = uploadId === undefined ? `version ${versionId ?? "null"}` : `upload ${uploadId}`;
    lines.push(ink("red", `  left behind: ${key}, ${what}: ${because}`));
  }
  return [...lines, "", verdict(report, ink)].join("\n");
}

function checkLine({ id, code, says, failure, answer }: Check, ink: Ink): string {
  const named = failure === undefined ? "" : ` ${ink("bold", failure)}`;
  const raw = answer === undefined ? "" : ink("dim", `\n           ${answer.message}`);
  return `  ${ink(STYLES[code], code.padEnd(8))} ${id.padEnd(26)} ${says}${named}${raw}`;
}

function verdict({ checks }: ProbeReport, ink: Ink): string {
  const missing = checks.filter(({ id, code }) => CHECKS[id].needed && code !== "ok");
  if (missing.length === 0) return ink("green", "Replication into this bucket has what it needs.");
  const names = missing.filter(({ code }) => code !== "untried").map(({ id }) => id);
  return ink(
    "red",
    `Replication into this bucket lacks: ${(names.length > 0 ? names : ["the rest of the probe"]).join(", ")}`,
  );
}
