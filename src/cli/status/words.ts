/** An engine's counts, summed up for a person, and the words of `status`. */
import type { Diagnosis } from "../../core/diagnose/report.ts";
import { type Ink, plural, scannedLine, sizeWords } from "../../doctor/report.ts";
import type { Count } from "../../ledger/ledger.ts";

/** What an engine has before it, has done, and has failed at. Counted in tasks: one per version and destination. */
export interface Backlog {
  readonly waiting: number;
  readonly waitingBytes: number;
  /** ISO 8601: when the longest waiting version was written. */
  readonly oldest?: string;
  readonly failed: number;
  readonly completed: number;
  readonly byRule: readonly RuleCount[];
  readonly byReason: readonly { readonly code: string; readonly state: "waiting" | "failed"; readonly tasks: number }[];
}

export interface RuleCount {
  readonly rule: string;
  readonly destination: string;
  readonly completed: number;
  readonly failed: number;
  readonly waiting: number;
}

export function backlogOf(counts: readonly Count[]): Backlog {
  const undone = counts.filter((one) => one.state === "waiting" || one.state === "leased");
  const oldestMs = Math.min(...undone.flatMap((one) => one.oldestWrittenAtMs ?? []));
  const sum = (of: readonly Count[]) => of.reduce((total, one) => total + one.tasks, 0);
  const reasons = new Map<string, Backlog["byReason"][number]>();
  for (const one of counts) {
    if (one.failureCode === undefined) continue;
    const state = one.state === "parked" ? "failed" : "waiting";
    const name = `${one.failureCode} ${state}`;
    const tasks = (reasons.get(name)?.tasks ?? 0) + one.tasks;
    reasons.set(name, { code: one.failureCode, state, tasks });
  }
  return {
    waiting: sum(undone),
    waitingBytes: undone.reduce((total, one) => total + one.bytes, 0),
    ...(Number.isFinite(oldestMs) ? { oldest: new Date(oldestMs).toISOString() } : {}),
    failed: sum(counts.filter((one) => one.state === "parked")),
    completed: sum(counts.filter((one) => one.state === "completed")),
    byRule: byRule(counts),
    byReason: [...reasons.values()].sort((a, b) => b.tasks - a.tasks),
  };
}

function byRule(counts: readonly Count[]): RuleCount[] {
  const rules = new Map<string, RuleCount>();
  for (const one of counts) {
    const name = `${one.ruleId} ${one.destinationArn}`;
    const nothing = { rule: one.ruleId, destination: one.destinationArn, completed: 0, failed: 0, waiting: 0 };
    const held = rules.get(name) ?? nothing;
    const column = one.state === "completed" ? "completed" : one.state === "parked" ? "failed" : "waiting";
    rules.set(name, { ...held, [column]: held[column] + one.tasks });
  }
  return [...rules.values()];
}

export function statusWords(
  diagnosis: Diagnosis,
  { engine, pausedSince }: { readonly engine: Backlog | undefined; readonly pausedSince?: string },
  ink: Ink,
): string {
  const lines = [`${ink("bold", `s3://${diagnosis.bucket}`)}  ${scannedLine(diagnosis, ink)}`];
  if (pausedSince !== undefined) {
    const how = `lockstep resume s3://${diagnosis.bucket} goes on`;
    lines.push(`paused     ${ink("yellow", `since ${pausedSince}`)}: ${how}`);
  }
  if (engine !== undefined) {
    const oldest = engine.oldest === undefined ? "" : `, the oldest written ${engine.oldest}`;
    lines.push(`backlog    ${plural(engine.waiting, "task")}, ${sizeWords(engine.waitingBytes)}${oldest}`);
    for (const one of engine.byRule) {
      const parts = [`${one.completed} completed`, `${one.failed} failed`, `${one.waiting} waiting`];
      lines.push(`rule       ${one.rule} → ${one.destination}: ${parts.join(", ")}`);
    }
    for (const one of engine.byReason) {
      const again = one.state === "waiting" ? "tried again" : "FAILED";
      lines.push(
        `reason     ${ink(one.state === "waiting" ? "yellow" : "red", one.code)} ${plural(one.tasks, "task")}, ${again}`,
      );
    }
  }
  if (diagnosis.causes.length > 0) {
    lines.push("", `${plural(diagnosis.causes.length, "cause")}: run  lockstep diagnose s3://${diagnosis.bucket}`);
  }
  return lines.join("\n");
}
