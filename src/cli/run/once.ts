/** `run --once`: scans everything once, waits until the work is done, and says what has come of it. */
import { setTimeout as sleep } from "node:timers/promises";
import { plural } from "../../doctor/report.ts";
import type { ScanResult } from "../../engine/scan.ts";
import type { Count, Ledger } from "../../ledger/ledger.ts";
import type { CommandResult, ExitStatus } from "../command.ts";
import { type Context, styled } from "../context.ts";
import { type Backlog, backlogOf } from "../status/words.ts";
import type { EngineRoom } from "./engine-room.ts";

const POLL_MS = 50;
/** What fails for now is tried again; when nothing was done for so long the next run goes on with it. */
const PATIENCE_MS = 30_000;

interface Outcome {
  readonly scans: readonly ScanResult[];
  /** Tasks that this run has done. */
  readonly completed: number;
  readonly backlog: Backlog;
  readonly interrupted: boolean;
}

export async function runOnce(room: EngineRoom, context: Context): Promise<CommandResult> {
  const before = completedIn(await room.ledger.counts());
  const working = async () => {
    const scans = await room.scans.once(context.interrupted);
    await drained(room.ledger, context);
    return scans;
  };
  const scans = await Promise.race([working(), room.broken]);
  const counts = await room.ledger.counts();
  const outcome: Outcome = {
    scans,
    completed: completedIn(counts) - before,
    backlog: backlogOf(counts),
    interrupted: context.interrupted.aborted,
  };
  return { status: statusOf(outcome), value: asJson(outcome), words: () => words(outcome) };
}

/** Resolves when nothing is left to do, or nothing was done for a while, or somebody interrupts. */
async function drained(ledger: Ledger, { clock, interrupted }: Context): Promise<void> {
  let sinceMs = clock();
  let ended = -1;
  while (!interrupted.aborted) {
    const counts = await ledger.counts();
    const undone = counts.filter((one) => one.state === "waiting" || one.state === "leased");
    if (undone.length === 0) return;
    const now = counts.reduce((sum, one) => sum + (undone.includes(one) ? 0 : one.tasks), 0);
    const isWorking = undone.some((one) => one.state === "leased");
    if (now !== ended || isWorking) sinceMs = clock();
    ended = now;
    if (clock() - sinceMs > PATIENCE_MS) return;
    await sleep(POLL_MS);
  }
}

function completedIn(counts: readonly Count[]): number {
  return counts.reduce((sum, one) => sum + (one.state === "completed" ? one.tasks : 0), 0);
}

function statusOf({ scans, backlog, interrupted }: Outcome): ExitStatus {
  if (scans.some((one) => one.error !== undefined)) return 3;
  const isWhole = backlog.failed === 0 && backlog.waiting === 0 && scans.every((one) => one.unreadable === 0);
  return isWhole && !interrupted ? 0 : 1;
}

function asJson({ scans, completed, backlog, interrupted }: Outcome): object {
  return {
    scans: scans.map(({ error, ...one }) => (error === undefined ? one : { ...one, error: error.message })),
    completed,
    failed: backlog.failed,
    waiting: backlog.waiting,
    byReason: backlog.byReason,
    interrupted,
  };
}

function words({ scans, completed, backlog, interrupted }: Outcome): string {
  const lines = scans.map(scanWords);
  const parts = [`${completed} completed`, `${backlog.failed} failed`, `${backlog.waiting} waiting`];
  lines.push(`${interrupted ? "interrupted: " : ""}${parts.join(", ")}`);
  for (const { code, state, tasks } of backlog.byReason) {
    const colour = state === "failed" ? "red" : "yellow";
    const again = state === "failed" ? "FAILED" : "tried again by the next run";
    lines.push(`${styled(colour, code)} ${plural(tasks, "task")}, ${again}`);
  }
  return lines.join("\n");
}

/** One line on what a scan has come to. */
export function scanWords({ bucket, destinationArn, versions, added, late, unreadable, error }: ScanResult): string {
  const what = destinationArn === "" ? bucket : `${bucket} → ${destinationArn}`;
  const parts = [`${plural(versions, "version")} looked at`, `${added} to replicate`];
  if (late > 0) parts.push(`${late} older than what is there, left out`);
  if (unreadable > 0) parts.push(`${unreadable} that may not be read`);
  const end = error === undefined ? "" : `; ${styled("red", "cut off")}: ${error.message}`;
  return `${what}: ${parts.join(", ")}${end}`;
}
