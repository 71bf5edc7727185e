/** Words a diagnosis in Markdown, for a ticket or a page of a wiki. Says what the JSON says; text of others is escaped. */
import type { Cause, Diagnosis } from "../core/diagnose/report.ts";
import { patchDiff, patchTitle } from "./patch-forms.ts";
import { plural, scannedLine, sizeWords, sourceLine, unexplainedOf } from "./report.ts";

const UNEXPLAINED_SHOWN_MAX = 50;

/** The whole diagnosis, a section per cause. Ends without a line break. */
export function diagnosisMarkdown(diagnosis: Diagnosis): string {
  const { bucket, takenAt, causes, unexplained, notes, sources = [] } = diagnosis;
  const blocks = [
    `# Replication of s3://${escaped(bucket)}`,
    `${escaped(scannedLine(diagnosis, plain))}, as of ${takenAt}.`,
    ...(sources.length === 0 ? [] : [sources.map((one) => `- ${escaped(sourceLine(one))}`).join("\n")]),
    ...(causes.length === 0 ? [] : [summary(causes)]),
    ...causes.flatMap((cause, index) => causeBlocks(cause, index + 1)),
  ];
  if (unexplained.length > 0) {
    const shown = unexplained.slice(0, UNEXPLAINED_SHOWN_MAX);
    const rows = shown.map((one) => row([cell(one.key), cell(one.versionId), one.status, escaped(one.missing)]));
    blocks.push(`## ${plural(unexplainedOf(diagnosis), "version")} unexplained`);
    blocks.push(
      [row(["Key", "Version", "Status", "What would decide it"]), row(["-", "-", "-", "-"]), ...rows].join("\n"),
    );
    const more = unexplainedOf(diagnosis) - shown.length;
    if (more > 0) blocks.push(`and ${more} more`);
  }
  if (causes.length === 0 && unexplained.length === 0) blocks.push("Nothing is wrong.");
  if (notes.length > 0) {
    const told = notes.map(
      (one) => `- ${plural(one.versions, "version")}: ${escaped(one.says)} ${escaped(one.instead)}`,
    );
    blocks.push("## By design", told.join("\n"));
  }
  return blocks.join("\n\n");
}

function summary(causes: readonly Cause[]): string {
  const rows = causes.map((one, index) => {
    const { versions, bytes } = one.affected;
    const since = one.since ?? "";
    return row([String(index + 1), escaped(one.title), cell(one.code), String(versions), sizeWords(bytes), since]);
  });
  const head = ["", "Cause", "Code", "Versions", "Size", "Since"];
  return [row(head), row(["-:", "-", "-", "-:", "-:", "-"]), ...rows].join("\n");
}

function causeBlocks(cause: Cause, number: number): string[] {
  const { affected, fix } = cause;
  const facts = [
    `- code ${code(cause.code)}, ${cause.confidence}, cause ${code(cause.id)}`,
    ...(cause.rule === undefined ? [] : [`- rule ${code(cause.rule)} → ${code(cause.destination ?? "")}`]),
    ...(cause.action === undefined ? [] : [`- action ${code(cause.action)} on ${code(cause.resource ?? "")}`]),
    `- such as ${affected.samples.map((one) => code(one.key)).join(", ")}`,
    ...cause.evidence.map((one) => `- evidence: ${escaped(one.says)} (${one.kind}: ${escaped(one.source)})`),
  ];
  const patches = fix.patches.flatMap((one) => [`${escaped(patchTitle(one))}:`, fenced(patchDiff(one), "diff")]);
  const again = fix.resync ? " Then replicate the versions again." : "";
  return [
    `## ${number}. ${escaped(cause.title)}`,
    facts.join("\n"),
    `**Do:** ${escaped(fix.summary)}.${again}`,
    ...patches,
  ];
}

function plain(_style: string, text: string): string {
  return text;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** Text as it is, whatever Markdown or HTML would make of it. */
function escaped(text: string): string {
  return text
    .replace(/[\\`*_{}[\]<>#|~!]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replace(/[\r\n]+/g, " ");
}

/** As code, with a fence that is longer than any in the text. */
function code(text: string): string {
  const fence = fenceFor(text, 1);
  const inside = text.replace(/[\r\n]+/g, " ");
  const pad = /^`|`$|^ | $/.test(inside) || inside === "" ? " " : "";
  return `${fence}${pad}${inside}${pad}${fence}`;
}

/** A bar would end the cell of a table, in code too. */
function cell(text: string): string {
  return code(text).replaceAll("|", "\\|");
}

function fenced(text: string, language: string): string {
  const fence = fenceFor(text, 3);
  return `${fence}${language}\n${text}\n${fence}`;
}

function fenceFor(text: string, lengthMin: number): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([one]) => one.length));
  return "`".repeat(Math.max(lengthMin, longest + 1));
}
