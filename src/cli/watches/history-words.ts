/** The words of `history`: one line for each result, and when the next watches are. */
import { bucketOfArn } from "../../core/arn.ts";
import { type Ink, plural } from "../../doctor/report.ts";
import type { WatchResult } from "../../monitor/history.ts";
import type { KnownWatches } from "../console-client.ts";
import { momentWords, spanWords } from "../moments.ts";

const STYLES = { ok: "green", findings: "red", failed: "yellow" } as const satisfies Record<
  WatchResult["verdict"],
  string
>;

/** Whether the latest of each kind, subject, rule and destination is well. @param results the youngest first */
export function isWell(results: readonly WatchResult[]): boolean {
  const latest = new Map<string, WatchResult>();
  for (const one of results) {
    const name = JSON.stringify([one.kind, one.subject, one.ruleId, one.destinationArn]);
    if (!latest.has(name)) latest.set(name, one);
  }
  return [...latest.values()].every((one) => one.verdict === "ok");
}

/** @param more results that are not told */
export function historyWords({ results, schedules }: KnownWatches, more: number, ink: Ink): string {
  const lines = results.length === 0 ? ["Nothing has been found yet."] : results.map((one) => resultLine(one, ink));
  if (more > 0) lines.push(ink("dim", `and ${plural(more, "older one")}: --limit shows more`));
  const planned = schedules.map(({ kind, subject, when, nextAtMs, isRunning }) => {
    const next = isRunning ? "running now" : nextAtMs === undefined ? "" : `next ${momentWords(nextAtMs)}`;
    return `  ${kind} of ${subject}, ${when}${next === "" ? "" : `: ${next}`}`;
  });
  return [...lines, ...(planned.length === 0 ? [] : ["", "scheduled:", ...planned])].join("\n");
}

function resultLine(result: WatchResult, ink: Ink): string {
  const { kind, subject, ruleId, destinationArn, atMs, tookMs, verdict, says, report } = result;
  const rule = ruleId === undefined ? "" : ` ${ruleId}`;
  const to = destinationArn === undefined ? "" : ` → ${bucketOfArn(destinationArn) ?? destinationArn}`;
  const file = report === undefined ? "" : ` (${report})`;
  const head = `${momentWords(atMs)}  ${ink(STYLES[verdict], verdict.padEnd(8))} ${kind} ${subject}${rule}${to}`;
  return `${head}, ${spanWords(tookMs)}: ${says}${file}`;
}
