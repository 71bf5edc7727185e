/** How a diagnosis of a bucket is put out: for a terminal, or as Markdown or HTML, also into a file. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Diagnosis } from "../../core/diagnose/report.ts";
import { diagnosisHtml } from "../../doctor/report-html.ts";
import { diagnosisMarkdown } from "../../doctor/report-markdown.ts";
import { type CommandInput, type CommandResult, textOption } from "../command.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { diagnosed, diagnosisLines } from "./diagnosed.ts";

const PRINTERS = {
  terminal: diagnosisLines,
  json: (diagnosis) => JSON.stringify(diagnosis, null, 2),
  markdown: diagnosisMarkdown,
  html: diagnosisHtml,
} as const satisfies Readonly<Record<string, (diagnosis: Diagnosis) => string>>;

type Format = keyof typeof PRINTERS;

/** The format that was named, or that a file's name tells. @throws UsageError for one that is not known */
export function outputFormat(input: CommandInput): Format {
  const output = textOption(input, "output") ?? "";
  const named = textOption(input, "format") ?? FORMATS.get(/\.[a-z]+$/.exec(output)?.[0] ?? "") ?? "terminal";
  const format = (Object.keys(PRINTERS) as Format[]).find((one) => one === named);
  if (format === undefined)
    throw new UsageError(`--format ${named} is not known: choose of ${Object.keys(PRINTERS).join(", ")}`);
  return format;
}

const FORMATS: ReadonlyMap<string, Format> = new Map([
  [".json", "json"],
  [".md", "markdown"],
  [".html", "html"],
]);

/** Writes the file that was asked for. @throws UsageError when it cannot be written */
export async function putOut(diagnosis: Diagnosis, input: CommandInput, context: Context): Promise<CommandResult> {
  const format = outputFormat(input);
  const { status } = diagnosed(diagnosis);
  const output = textOption(input, "output");
  if (output === undefined) return { status, value: diagnosis, words: () => PRINTERS[format](diagnosis) };
  try {
    await writeFile(resolve(context.workingDirectory, output), `${PRINTERS[format](diagnosis)}\n`);
  } catch (cause) {
    throw new UsageError(`${output} cannot be written: ${cause instanceof Error ? cause.message : ""}`, { cause });
  }
  return { status, value: diagnosis, words: () => `${PRINTERS.terminal(diagnosis)}\n\nwritten to ${output}` };
}
