/** What a resync by S3 Batch Replication has come to: as JSON, as words for a terminal, as Markdown. */
import type { JobDocument } from "../../core/batch/job.ts";
import type { JobOutcome } from "../../core/batch/outcome.ts";
import type { StatusCounts } from "../../core/batch/select.ts";
import type { Patch } from "../../core/diagnose/report.ts";
import type { Verification } from "../../doctor/batch/verify.ts";
import type { ByInventory, Open } from "../../doctor/batch/verify-inventory.ts";
import { patchDiff, patchTitle } from "../../doctor/patch-forms.ts";
import { plural, sizeWords } from "../../doctor/report.ts";
import type { CommandResult, ExitStatus } from "../command.ts";
import { styled } from "../context.ts";

export interface JobRun {
  readonly id: string;
  readonly part: "canary" | "rest" | "all";
  /** As S3 names it; `Suspended` waits for a confirmation. */
  readonly status: string;
  readonly tasks?: number;
  readonly failures: readonly { readonly code: string; readonly reason: string }[];
  /** By the completion report; absent where there is none. */
  readonly outcome?: JobOutcome;
  /** Why the report could not be used. */
  readonly reportBroken?: string;
  readonly verified?: Verification;
  /** What an inventory shows of all its versions, where that was asked. */
  readonly inventory?: ByInventory;
}

export interface BatchOutcome {
  readonly via: "batch";
  readonly bucket: string;
  readonly state: "dryRun" | "declined" | "nothing" | "underWay" | "over" | "stopped";
  /** What the versions showed beforehand, where they were looked at. */
  readonly before?: StatusCounts;
  readonly selected?: { readonly versions: number; readonly bytes: number; readonly notEligible: number };
  readonly jobs: readonly JobRun[];
  /** What CreateJob would be asked for. */
  readonly requests?: readonly JobDocument[];
  /** What would make the job's role. */
  readonly rolePatches?: readonly Patch[];
  /** Takes back the role that was made. */
  readonly undo?: string;
}

export function batchResult(outcome: BatchOutcome, options: { readonly markdown: boolean }): CommandResult {
  return {
    status: statusOf(outcome),
    value: outcome,
    words: () => (options.markdown ? markdownOf(outcome) : linesOf(outcome).join("\n")),
  };
}

function statusOf({ state, jobs, selected }: BatchOutcome): ExitStatus {
  if (state === "dryRun") return (selected?.versions ?? 0) > 0 ? 1 : 0;
  if (state === "declined" || state === "stopped") return 1;
  return jobs.every(isClean) || state === "underWay" ? 0 : 1;
}

/** Whether every version has arrived, as far as they were looked at. */
export function isClean({ status, outcome, verified, inventory, reportBroken, failures }: JobRun): boolean {
  if (isEmptyList(failures)) return true;
  if (status !== "Complete" || reportBroken !== undefined) return false;
  if (outcome !== undefined && outcome.failed + outcome.unread > 0) return false;
  if (inventory !== undefined && !isAllThere(inventory)) return false;
  return verified === undefined || verified.failed + verified.pending + verified.none === 0;
}

function isAllThere(inventory: ByInventory): boolean {
  return inventory.state === "compared" && inventory.completed + inventory.markers === inventory.versions;
}

/** S3's way to say that nothing is to be replicated. @source aws-replication.md §6.7 */
function isEmptyList(failures: JobRun["failures"]): boolean {
  return failures.some((one) => /found no keys matching/.test(one.reason));
}

function linesOf(outcome: BatchOutcome): string[] {
  const { bucket, state, before, selected, jobs, undo } = outcome;
  const lines = [`By S3 Batch Replication, s3://${bucket}:`];
  if (before !== undefined) lines.push(`before     ${countsWords(before)}`);
  if (selected !== undefined) {
    lines.push(`selected   ${plural(selected.versions, "version")}, ${sizeWords(selected.bytes)}`);
    if (selected.notEligible > 0) {
      lines.push(styled("yellow", `           ${selected.notEligible} more are left out: no rule takes them now`));
    }
  }
  if (state === "dryRun") {
    for (const one of outcome.rolePatches ?? []) lines.push("", patchTitle(one), patchDiff(one));
    for (const one of outcome.requests ?? []) lines.push("", JSON.stringify(one, null, 2));
    return [...lines, "", "Nothing was made."];
  }
  for (const run of jobs) lines.push(...runLines(run, bucket));
  if (state === "nothing") lines.push(styled("green", "Nothing is to be replicated again."));
  if (state === "declined") lines.push("Nothing was replicated.");
  if (state === "stopped") lines.push(styled("red", "The rest was not begun: not every one of the canary arrived."));
  const open = jobs.at(-1);
  if (state === "underWay" && open !== undefined) {
    lines.push(`It goes on: lockstep resync s3://${bucket} --job ${open.id} looks at it again`);
  }
  if (state === "over" && !jobs.every(isClean)) lines.push(`lockstep diagnose s3://${bucket} says why`);
  if (undo !== undefined) lines.push(`To remove the role: lockstep fix s3://${bucket} --undo ${undo}`);
  return lines;
}

function runLines(run: JobRun, bucket: string): string[] {
  const tasks = run.tasks === undefined ? "" : `, ${plural(run.tasks, "task")}`;
  const lines = [`job        ${run.id} (${run.part}) ${run.status}${tasks}`];
  if (isEmptyList(run.failures)) return [...lines, styled("green", "           nothing is to be replicated again")];
  for (const { code, reason } of run.failures) lines.push(styled("red", `           ${code}: ${reason}`));
  if (run.reportBroken !== undefined) lines.push(styled("red", `           ${run.reportBroken}`));
  const { outcome, verified } = run;
  if (outcome !== undefined) {
    lines.push(`report     ${outcome.succeeded} initiated, ${outcome.failed} failed`);
    for (const one of outcome.failures) {
      const again = one.permanent ? "another job would fail alike" : "another job may succeed";
      lines.push(styled("red", `           ${one.tasks} × ${one.code}: ${one.title}; ${again}`));
      lines.push(`           ${one.remedy}`);
    }
  }
  if (verified !== undefined) lines.push(`after      ${verifiedWords(verified)}`);
  if (run.inventory !== undefined) lines.push(...inventoryLines(run.inventory, run.id, bucket));
  return lines;
}

function inventoryLines(inventory: ByInventory, id: string, bucket: string): string[] {
  const words = `inventory  ${inventoryWords(inventory)}`;
  if (isAllThere(inventory)) return [styled("green", words)];
  if (inventory.state === "compared") {
    return [
      styled("red", words),
      ...inventory.open.map(({ key, versionId, shows }) => `           ${OPEN_WORDS[shows]}: ${key} (${versionId})`),
    ];
  }
  const again = `           lockstep resync s3://${bucket} --job ${id} --verify-inventory latest, when the next one is there`;
  return [styled("yellow", words), ...(inventory.state === "older" ? [again] : [])];
}

const OPEN_WORDS: Readonly<Record<Open, string>> = {
  failed: "FAILED",
  pending: "PENDING",
  none: "no status",
  missing: "not in it",
};

function inventoryWords(inventory: ByInventory): string {
  if (inventory.state === "noReport") return "not compared: the job has no completion report that names its versions";
  const { name, takenAt } = inventory;
  if (inventory.state === "older") {
    return `not compared: ${name} was begun at ${takenAt}, before the job ended at ${inventory.endedAt}`;
  }
  const { versions, completed, markers } = inventory;
  const parts = [
    `${completed} COMPLETED`,
    ...(markers === 0 ? [] : [`${markers} delete markers, which show no status`]),
    ...(["failed", "pending", "none", "missing"] as const).flatMap((one) =>
      inventory[one] === 0 ? [] : [`${inventory[one]} ${OPEN_WORDS[one]}`],
    ),
  ];
  return `${name} of ${takenAt}, of ${plural(versions, "version")}: ${parts.join(", ")}`;
}

function countsWords(counts: StatusCounts): string {
  return Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${count} ${status}`)
    .join(", ");
}

/** How long versions are waited for that are on their way. */
export const VERIFY_MS_MAX = 15 * 60_000;

export function verifiedWords({ looked, ...counts }: Verification): string {
  const words = { completed: "COMPLETED", failed: "FAILED", pending: "PENDING", none: "no status" } as const;
  const others = { markers: "delete markers, which show no status", gone: "gone" } as const;
  const parts = Object.entries({ ...words, ...others }).flatMap(([name, word]) => {
    const count = counts[name as keyof typeof counts];
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return `of ${looked} looked at: ${parts.join(", ")}`;
}

function markdownOf({ bucket, before, jobs, selected }: BatchOutcome): string {
  const lines = [`# Resync of s3://${bucket} by S3 Batch Replication`, ""];
  if (before !== undefined) lines.push(`Before: ${countsWords(before)}`, "");
  if (selected !== undefined) lines.push(`Selected: ${plural(selected.versions, "version")}`, "");
  lines.push("| Job | Part | Status | Initiated | Failed | Afterwards |", "| --- | --- | --- | ---: | ---: | --- |");
  for (const { id, part, status, outcome, verified } of jobs) {
    const after = verified === undefined ? "" : verifiedWords(verified);
    lines.push(`| ${id} | ${part} | ${status} | ${outcome?.succeeded ?? ""} | ${outcome?.failed ?? ""} | ${after} |`);
  }
  for (const { id, inventory } of jobs) {
    if (inventory !== undefined) lines.push("", `Job ${id} by inventory: ${inventoryWords(inventory)}`);
  }
  const failures = jobs.flatMap((one) => one.outcome?.failures ?? []);
  if (failures.length > 0)
    lines.push("", "| Failure | Tasks | What it is | What to do |", "| --- | ---: | --- | --- |");
  for (const one of failures) lines.push(`| ${one.code} | ${one.tasks} | ${cell(one.title)} | ${cell(one.remedy)} |`);
  return lines.join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}
