/** Words a diagnosis for a terminal: what happened, why we think so, what to do. Says what the JSON says. */

import type { Note } from "../core/diagnose/by-design.ts";
import type { VersionExplanation } from "../core/diagnose/explain-version.ts";
import type { Cause, Diagnosis, EvidenceSource } from "../core/diagnose/report.ts";
import { failureEntry } from "../core/failures/catalogue.ts";

/** How a piece of text is set off; the caller knows whether there are colours. */
export type Ink = (style: "bold" | "dim" | "red" | "green" | "yellow" | "cyan", text: string) => string;

/** `330 versions: 240 COMPLETED, 30 FAILED, 60 never tried` */
export function scannedLine({ scanned }: Diagnosis, ink: Ink): string {
  const parts = [
    ink("green", `${scanned.completed} COMPLETED`),
    ...(scanned.failed > 0 ? [ink("red", `${scanned.failed} FAILED`)] : []),
    ...(scanned.pending > 0 ? [ink("yellow", `${scanned.pending} PENDING`)] : []),
    ...(scanned.replica > 0 ? [`${scanned.replica} REPLICA`] : []),
    ...(scanned.none > 0 ? [ink("yellow", `${scanned.none} never tried`)] : []),
    ...(scanned.unreadable > 0 ? [`${scanned.unreadable} not readable`] : []),
  ];
  return `${plural(scanned.versions, "version")}: ${parts.join(", ")}`;
}

/** The whole diagnosis, a paragraph per cause. */
export function diagnosisWords(diagnosis: Diagnosis, ink: Ink): string {
  const lines = [`${ink("bold", `s3://${diagnosis.bucket}`)}  ${scannedLine(diagnosis, ink)}`];
  for (const one of diagnosis.sources ?? []) lines.push(ink("dim", sourceLine(one)));
  for (const [index, cause] of diagnosis.causes.entries()) lines.push("", ...causeLines(cause, index + 1, ink));
  if (diagnosis.unexplained.length > 0) {
    lines.push("", ink("bold", `${plural(unexplainedOf(diagnosis), "version")} unexplained`));
    for (const one of diagnosis.unexplained.slice(0, UNEXPLAINED_SHOWN_MAX)) {
      lines.push(`   ${one.key} (${one.versionId}), ${one.status}: not known: ${one.missing}`);
    }
    const more = unexplainedOf(diagnosis) - Math.min(diagnosis.unexplained.length, UNEXPLAINED_SHOWN_MAX);
    if (more > 0) lines.push(`   and ${more} more`);
  }
  if (diagnosis.causes.length === 0 && diagnosis.unexplained.length === 0)
    lines.push("", ink("green", "Nothing is wrong."));
  for (const one of diagnosis.notes) {
    lines.push("", ...noteLines(one, ink, `${plural(one.versions, "version")}: `));
  }
  return lines.join("\n");
}

/** How many versions are unexplained, whether or not they are listed. */
export function unexplainedOf({ unexplained, unexplainedVersions }: Diagnosis): number {
  return unexplainedVersions ?? unexplained.length;
}

/** `from the inventory s3://…/manifest.json of 2026-01-01T00:00:00.000Z: 1200000 rows, 35 versions looked at` */
export function sourceLine({ kind, name, takenAt, says }: EvidenceSource): string {
  return `from the ${kind} ${name}${takenAt === undefined ? "" : ` of ${takenAt}`}: ${says}`;
}

/** What is by design, and what leads further. */
function noteLines(one: Note, ink: Ink, reach = ""): string[] {
  return [`${ink("dim", "by design")} ${reach}${one.says}`, `          ${one.instead}`];
}

/** Versions that are only at the destination, where no version of the key is left to explain. */
export function notesWords(notes: readonly Note[], ink: Ink): string {
  return notes.flatMap((one) => noteLines(one, ink)).join("\n");
}

const UNEXPLAINED_SHOWN_MAX = 10;

/** One cause: its title and reach, its evidence, what to do. */
export function causeLines(cause: Cause, number: number, ink: Ink): string[] {
  const { affected } = cause;
  const reach = `${plural(affected.versions, "version")}, ${sizeWords(affected.bytes)}`;
  const lines = [
    `${ink("bold", `${number}. ${cause.title}`)}`,
    `   ${ink("cyan", cause.code)}${originMark(cause)} · ${reach} · ${cause.confidence} · cause ${cause.id}`,
  ];
  if (cause.action !== undefined) lines.push(`   action   ${cause.action} on ${cause.resource ?? ""}`);
  if (cause.rule !== undefined) lines.push(`   rule     ${cause.rule} → ${cause.destination ?? ""}`);
  for (const one of cause.evidence) lines.push(`   evidence ${one.says} ${ink("dim", `[${one.kind}: ${one.source}]`)}`);
  const samples = affected.samples.slice(0, 3).map((one) => one.key);
  lines.push(`   such as  ${samples.join(", ")}${affected.versions > samples.length ? ", …" : ""}`);
  lines.push(`   ${ink("green", "do")}       ${cause.fix.summary}`);
  return lines;
}

/** AWS's codes stand for themselves; ours are marked as ours. */
function originMark(cause: Cause): string {
  return failureEntry(cause.code).origin === "aws" ? "" : " (Lockstep's own code)";
}

/** One version, step by step. */
export function explanationWords(one: VersionExplanation, ink: Ink): string {
  const kind = one.isDeleteMarker ? "delete marker" : `${sizeWords(one.sizeBytes)}, ${one.encryption.kind}`;
  const status = one.status === "none" ? "no status: never tried" : one.status.toUpperCase();
  const lines = [
    `${ink("bold", one.key)} version ${one.versionId}`,
    `   ${kind}, written ${one.written}, ${ink(one.status === "completed" ? "green" : "red", status)}`,
  ];
  for (const rule of one.rules) {
    const mark = rule.taken ? ink("green", "takes it") : ink("yellow", "does not take it");
    lines.push(`   rule ${rule.rule} → ${rule.destination} ${mark}${rule.taken ? "" : `: ${rule.says}`}`);
    if (rule.change !== undefined) lines.push(`     ${ink("green", "to be taken:")} ${rule.change}`);
  }
  for (const left of one.changes) {
    const what = left.operation === "acl" ? "access control list" : "tags, retention or legal hold";
    lines.push(`   a later change of its ${what} is not replicated by rule ${left.rule}: ${left.says}`);
    lines.push(`     ${ink("green", "to be replicated:")} ${left.change}`);
  }
  for (const step of one.steps) {
    lines.push(`   ${step.step} (${step.call}, as ${step.by === "service" ? "S3" : "the role"})`);
    for (const check of step.checks) {
      lines.push(`     ${check.allowed ? ink("green", "✓") : ink("red", "✗")} ${check.says}`);
    }
  }
  for (const setting of one.settings) {
    lines.push(`     ${ink("red", "✗")} ${setting.says} ${ink("dim", `[rule ${setting.rule}: ${setting.code}]`)}`);
  }
  for (const failure of one.failures) {
    const answer = [failure.httpStatus, failure.errorCode].filter((part) => part !== undefined).join(" ");
    const again = failure.pending ? "is tried again" : "is not tried again by itself";
    lines.push(`   last try: ${ink("red", failure.code)} in step ${failure.step}, try ${failure.attempts}, ${again}`);
    lines.push(`     ${answer} ${failure.message}`);
  }
  for (const told of one.notes) lines.push(...noteLines(told, ink).map((line) => `   ${line}`));
  return lines.join("\n");
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `4.2 MiB` */
export function sizeWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit] ?? ""}`;
}
