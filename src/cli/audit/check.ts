/** `audit --check`: whether filed reports are as they were written. */
import { resolve } from "node:path";
import { type Checked, checkReports } from "../../doctor/audit/chain.ts";
import { plural } from "../../doctor/report.ts";
import type { CommandResult } from "../command.ts";
import { type Context, styled } from "../context.ts";
import { packageVersion } from "../version.ts";

/** @throws EvidenceError for what holds no report */
export async function checkFiled(paths: readonly string[], context: Context): Promise<CommandResult> {
  const places = paths.map((one) => resolve(context.workingDirectory, one));
  const reports = await checkReports(places, packageVersion());
  const isWhole = reports.every((one) => one.problems.length === 0);
  return { status: isWhole ? 0 : 1, value: { isWhole, reports }, words: () => checkWords(reports, isWhole) };
}

function checkWords(reports: readonly Checked[], isWhole: boolean): string {
  const lines = reports.map(({ endedAt, subject, digest, problems }) => {
    const mark = problems.length === 0 ? styled("green", "as written") : styled("red", "changed");
    return [`${mark}  ${endedAt}  ${subject}  ${digest}`, ...problems.map((one) => `  ${one}`)].join("\n");
  });
  const last = reports.at(-1)?.digest ?? "";
  const end = isWhole
    ? `${plural(reports.length, "report")} and their files are as they were written. Compare the last digest, ${last}, with one that you hold.`
    : "Something was changed after it was written.";
  return [...lines, end].join("\n");
}
