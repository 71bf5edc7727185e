/** Words what logs tell, for a terminal. Says what the JSON says. */
import type { LogCause, LogReport, OtherFailure } from "../../core/logs/log-report.ts";
import { type Ink, plural, sizeWords } from "../report.ts";
import type { FilesRead } from "./read-files.ts";

export interface LogsFound extends LogReport {
  readonly files: FilesRead;
}

const OTHERS_SHOWN_MAX = 8;
const UNREADABLE_SHOWN_MAX = 5;

export function logsWords({ files, read, causes, others, leftOut }: LogsFound, ink: Ink): string {
  const lines = [
    `${plural(files.files, "file")}, ${sizeWords(files.bytes)}: ${plural(read.lines, "line")} of access logs, ` +
      `${plural(read.records, "record")} of CloudTrail`,
    `${plural(read.replicationCalls, "call")} of replication, ` +
      (read.replicationFailures === 0 ? ink("green", "none failed") : ink("red", `${read.replicationFailures} failed`)),
  ];
  for (const [index, cause] of causes.entries()) lines.push("", ...causeLines(cause, index + 1, ink));
  if (others.length > 0) lines.push("", ...othersLines(others, ink));
  const asides = [
    ...(read.duplicates > 0 ? [`${plural(read.duplicates, "failure")} told twice and counted once`] : []),
    ...(read.outside > 0 ? [`${plural(read.outside, "call")} outside of what was asked for`] : []),
    ...(leftOut.failures > 0 ? [`${plural(leftOut.failures, "failure")} of further causes`] : []),
    ...(leftOut.others > 0 ? [`${plural(leftOut.others, "failure")} of further kinds, not replication's`] : []),
    ...(leftOut.changes > 0 ? [`${plural(leftOut.changes, "change")} too many to remember`] : []),
  ];
  if (asides.length > 0) lines.push("", ...asides.map((one) => ink("dim", one)));
  if (read.bad > 0) {
    lines.push("", ink("yellow", `${plural(read.bad, "line")} not understood, such as`));
    for (const one of read.badSamples) lines.push(`   ${printable(one.in)}: ${printable(one.text)}`);
  }
  if (files.unreadable.length > 0)
    lines.push("", ink("yellow", `${plural(files.unreadable.length, "file")} not readable`));
  for (const one of files.unreadable.slice(0, UNREADABLE_SHOWN_MAX))
    lines.push(`   ${printable(one.file)}: ${printable(one.because)}`);
  return lines.join("\n");
}

function causeLines(cause: LogCause, number: number, ink: Ink): string[] {
  const { operation, bucket, action, resource, principal, reason, httpStatus, errorCode, onset } = cause;
  const answer = [httpStatus, errorCode].filter((one) => one !== undefined).join(" ");
  const samples = cause.samples.slice(0, 3).flatMap((one) => one.key ?? []);
  const [sample] = cause.samples;
  return [
    ink("bold", `${number}. ${cause.title}`),
    `   ${ink("cyan", cause.code)} · ${plural(cause.count, "call")} · ${cause.confidence} · cause ${cause.id}`,
    `   call     ${operation}${bucket === undefined ? "" : ` on ${bucket}`}: ${ink("red", answer)}`,
    `   by       ${printable(principal)}`,
    ...(action === undefined
      ? []
      : [`   action   ${action}${resource === undefined ? "" : ` on ${printable(resource)}`}`]),
    ...(reason === undefined ? [] : [`   because  ${printable(reason.replace(/^because /, ""))}`]),
    `   time     ${printable(onset.says)}; last ${cause.last}`,
    ...(samples.length === 0 ? [] : [`   such as  ${samples.map(printable).join(", ")}`]),
    ...(sample === undefined ? [] : [`   request  ${sample.requestId}`]),
    `   ${ink("green", "do")}       ${cause.remedy}`,
  ];
}

function othersLines(others: readonly OtherFailure[], ink: Ink): string[] {
  const shown = others.slice(0, OTHERS_SHOWN_MAX).map(({ count, operation, bucket, httpStatus, errorCode }) => {
    const answer = [httpStatus, errorCode].filter((one) => one !== undefined).join(" ");
    return `   ${count} × ${operation} on ${bucket}: ${answer}`;
  });
  const rest = others.length - shown.length;
  return [ink("dim", "not replication"), ...shown, ...(rest > 0 ? [`   and ${plural(rest, "kind")} more`] : [])];
}

/** Logs hold what strangers sent: nothing of it shall move the cursor of a terminal. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "·");
}
