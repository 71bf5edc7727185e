/** How everything stands, for a terminal: one screen, or one line of a log. */
import type { EngineStanding, Overview, ReplicationStanding, Standing } from "../../console/overview.ts";
import { bucketOfArn } from "../../core/arn.ts";
import { type Ink, plural, sizeWords } from "../../doctor/report.ts";
import type { Percentiles } from "../../engine/rates.ts";
import type { Published } from "../../monitor/published.ts";
import { jobLine } from "../jobs/words.ts";
import { momentWords, spanWords } from "../moments.ts";

/** Engines, reasons and destinations are many in the end: a screen holds so many of each. */
const SHOWN_MAX = 12;

/** Lines for a screen. */
export function overviewLines(overview: Overview, ink: Ink): string[] {
  const { atMs, byReason, replications, engines, jobs, published } = overview;
  const lines = [
    `${ink("bold", "lockstep")}  ${momentWords(atMs)}`,
    `backlog    ${backlogWords(overview, atMs)}`,
    `rate       ${rateWords(overview)}${overview.etaMs === undefined ? "" : `, all done in ${spanWords(overview.etaMs)}`}`,
    `lag        ${lagWords(overview.lag)}`,
    `ended      ${overview.completed} completed, ${ink(overview.failed > 0 ? "red" : "green", `${overview.failed} FAILED`)}`,
  ];
  for (const one of byReason.slice(0, SHOWN_MAX)) {
    const again = one.state === "FAILED" ? "FAILED" : "tried again";
    const code = ink(one.state === "FAILED" ? "red" : "yellow", one.code);
    lines.push(`reason     ${code} ${plural(one.tasks, "task")}, ${again}: ${one.title}`);
  }
  lines.push(...replications.slice(0, SHOWN_MAX).flatMap((one) => replicationLines(one, atMs, ink)));
  lines.push(...published.slice(0, SHOWN_MAX).flatMap((one) => publishedLines(one, atMs, ink)));
  lines.push(...jobs.slice(0, SHOWN_MAX).map((one) => `job        ${jobLine(one, ink)}`));
  lines.push(...engineLines(engines, atMs, ink));
  return lines;
}

/** One line, for logs. */
export function overviewLine(overview: Overview): string {
  const { atMs, replications, engines } = overview;
  const open = replications.flatMap((one) => one.destinations.flatMap((destination) => destination.breakers));
  const paused = replications.filter((one) => one.pausedSinceMs !== undefined);
  const parts = [
    `${momentWords(atMs)} backlog ${backlogWords(overview, atMs)}`,
    rateWords(overview),
    `lag ${lagWords(overview.lag)}`,
    `${overview.completed} completed, ${overview.failed} FAILED`,
    ...(overview.etaMs === undefined ? [] : [`all done in ${spanWords(overview.etaMs)}`]),
    ...(paused.length === 0 ? [] : [`paused: ${paused.map((one) => one.name).join(", ")}`]),
    ...(open.length === 0 ? [] : [`nobody answers: ${[...new Set(open.map((one) => nameOf(one.name)))].join(", ")}`]),
    plural(engines.filter((one) => !one.isAway).length, "engine"),
  ];
  return parts.join(" | ");
}

function replicationLines(replication: ReplicationStanding, atMs: number, ink: Ink): string[] {
  const { name, bucket, pausedSinceMs, destinations } = replication;
  const called = name === bucket ? "" : ` (${name})`;
  const paused = pausedSinceMs === undefined ? "" : `, ${ink("yellow", `paused since ${momentWords(pausedSinceMs)}`)}`;
  const lines = destinations.length === 0 ? [`from       s3://${bucket}${called}${paused}`] : [];
  for (const one of destinations) {
    const parts = [backlogWords(one, atMs), rateWords(one), `${one.failed} FAILED`];
    lines.push(`from       s3://${bucket}${called} → s3://${nameOf(one.destinationArn)}: ${parts.join(", ")}${paused}`);
    for (const { name: end, engine, sinceMs, nextTrialAtMs } of one.breakers) {
      const next = nextTrialAtMs === undefined ? "being tried" : `tried again in ${spanWords(nextTrialAtMs - atMs)}`;
      const says = `nobody answers at s3://${nameOf(end)} for ${spanWords(atMs - sinceMs)}, ${next}`;
      lines.push(`breaker    ${ink("red", says)} (${engine})`);
    }
  }
  return lines;
}

/** Of a bucket that its own store replicates, as CloudWatch tells it. */
function publishedLines({ bucket, readAtMs, flows }: Published, atMs: number, ink: Ink): string[] {
  return flows.map(({ destinationArn, ruleId, pending, failedLastHour, endedLastHour }) => {
    const waits =
      pending === undefined
        ? "backlog unknown"
        : `${plural(pending.operations, "operation")}, ${sizeWords(pending.bytes)}, behind by ${spanWords(pending.latencySeconds * 1000)}`;
    const failed = ink(failedLastHour > 0 ? "red" : "green", `${failedLastHour} FAILED`);
    const ended = `in the last hour ${endedLastHour} ended, ${failed}`;
    const as = `as CloudWatch said ${spanWords(atMs - readAtMs)} ago`;
    return `watched    s3://${bucket} → s3://${nameOf(destinationArn)} by ${ruleId}: ${waits}, ${ended}, ${as}`;
  });
}

function engineLines(engines: readonly EngineStanding[], atMs: number, ink: Ink): string[] {
  if (engines.length === 0) return [`engine     ${ink("red", "none has told anything")}`];
  return engines.slice(0, SHOWN_MAX).map(({ name, isAway, startedAtMs, atMs: toldAtMs, inFlight, tasksPerSecond }) => {
    if (isAway) return `engine     ${name}: ${ink("red", `silent for ${spanWords(atMs - toldAtMs)}`)}`;
    const parts = [`up ${spanWords(atMs - startedAtMs)}`, `${inFlight} in flight`, `${perSecond(tasksPerSecond)}/s`];
    return `engine     ${name}: ${parts.join(", ")}`;
  });
}

function backlogWords({ pending, pendingBytes, oldestWrittenAtMs }: Standing, atMs: number): string {
  const oldest =
    oldestWrittenAtMs === undefined ? "" : `, the oldest written ${spanWords(atMs - oldestWrittenAtMs)} ago`;
  return `${plural(pending, "task")}, ${sizeWords(pendingBytes)}${oldest}`;
}

function rateWords({ tasksPerSecond, bytesPerSecond }: Standing): string {
  return `${perSecond(tasksPerSecond)}/s, ${sizeWords(Math.round(bytesPerSecond))}/s`;
}

function perSecond(rate: number): string {
  return rate >= 100 ? rate.toFixed(0) : rate.toFixed(1);
}

function lagWords(lag: Percentiles | undefined): string {
  if (lag === undefined) return "nothing new was replicated lately";
  return `p50 ${spanWords(lag.p50Ms)}, p95 ${spanWords(lag.p95Ms)}, p99 ${spanWords(lag.p99Ms)}`;
}

function nameOf(bucketOrArn: string): string {
  return bucketOfArn(bucketOrArn) ?? bucketOrArn;
}
