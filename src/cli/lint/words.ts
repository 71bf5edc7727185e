/** Findings in words: one line to jump to, what is wrong, what to do. */
import type { LintFinding } from "../../core/lint/model.ts";
import type { Severity } from "../../core/lint/rules/rule.ts";
import { lintRule } from "../../core/lint/rules.ts";
import type { Style } from "../context.ts";

/** What the command found, as `--json` prints it. Members are added, never renamed. */
export interface LintResult {
  readonly files: readonly { readonly file: string; readonly kind: string | null }[];
  readonly counts: Readonly<Record<Severity, number>>;
  readonly findings: readonly LintFinding[];
  readonly unchecked: readonly string[];
}

const STYLES: Record<Severity, Style> = { error: "red", warning: "yellow", note: "cyan" };

export function lintWords(result: LintResult, styled: (style: Style, text: string) => string): string {
  const blocks = result.findings.map((one) => findingWords(one, styled));
  const unchecked = result.unchecked.map((sentence) => `${sentence}.`);
  return [...blocks, ...unchecked, summary(result)].join("\n");
}

function findingWords(finding: LintFinding, styled: (style: Style, text: string) => string): string {
  const { file, line, column, path, rule, severity, says, remedy, aws, unconfirmed } = finding;
  const head = `${styled("bold", `${file}:${line}:${column}`)} ${styled(STYLES[severity], severity)} ${lintRule(rule).title}`;
  const where = [path, rule].filter((one) => one !== "").join("  ");
  const lines = [
    `${head}${unconfirmed === true ? " (unconfirmed)" : ""}`,
    `  ${styled("dim", where)}`,
    `  ${sentence(says)}`,
    ...(aws?.message === undefined || says.startsWith(aws.message)
      ? []
      : [`  AWS answers ${aws.status} ${aws.code}: ${sentence(aws.message)}`]),
    `  → ${sentence(remedy)}`,
    "",
  ];
  return lines.join("\n");
}

/** With its full stop, unless it is a question. */
function sentence(text: string): string {
  return /[.?]$/.test(text) ? text : `${text}.`;
}

function summary({ files, counts }: LintResult): string {
  const found = [counted(counts.error, "error"), counted(counts.warning, "warning"), counted(counts.note, "note")];
  return `${counted(files.length, "file")}: ${found.join(", ")}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
