/**
 * What is known, as the text that Prometheus reads: an observation and the ledger's tallies become figures, and nothing is
 * counted here, so that every figure equals the ledger's after any restart. Metrics of the process itself go along.
 */
import { collectDefaultMetrics, Registry } from "prom-client";
import { LAG_BOUNDS_MS, type OverdueCount, REPLICATION_TIME_MS, type Tallies } from "../../ledger/tallies.ts";
import type { WatchResult, WatchVerdict } from "../history.ts";
import type { Observation, ObservedBreaker, ObservedEngine } from "../observation.ts";
import type { Published } from "../published.ts";
import { endOf, LABEL_SETS_MAX, RuleLabelling, reasonOf } from "./labels.ts";
import { Sheet } from "./sheet.ts";

export interface Measured {
  readonly observation: Observation;
  readonly tallies: Tallies;
  /** Not completed `REPLICATION_TIME_MS` after they were written. */
  readonly overdue: readonly OverdueCount[];
  readonly version: string;
}

const LATE_CLASS = LAG_BOUNDS_MS.indexOf(REPLICATION_TIME_MS) + 1;
const LAG_BOUNDS_SECONDS = LAG_BOUNDS_MS.map((ms) => ms / 1000);

const VERDICTS: Readonly<Record<WatchVerdict, number>> = { ok: 0, findings: 1, failed: 2 };
const BREAKERS: Readonly<Record<ObservedBreaker["state"], number>> = { halfOpen: 1, open: 2 };

/** Figures of what is replicated. */
export async function metricsOf(measured: Measured): Promise<string> {
  const { observation } = measured;
  const sheet = new Sheet();
  const labelling = new RuleLabelling(observation.replications);
  addCounts(sheet, labelling, observation);
  addTallies(sheet, labelling, measured);
  for (const one of observation.published ?? []) addPublished(sheet, labelling, one, observation.atMs);
  for (const { name, pausedSinceMs } of observation.replications.slice(0, LABEL_SETS_MAX)) {
    sheet.add("lockstep_paused", { replication: name }, pausedSinceMs === undefined ? 0 : 1);
  }
  for (const engine of observation.engines.slice(0, LABEL_SETS_MAX)) addEngine(sheet, engine);
  addBreakers(sheet, observation);
  for (const result of observation.results.slice(0, LABEL_SETS_MAX)) addResult(sheet, result);
  sheet.add("lockstep_build_info", { version: measured.version }, 1);
  return await sheet.text();
}

/** Figures of this process: CPU, memory, the event loop. Measured from the first call on. */
export async function processMetrics(): Promise<string> {
  if (ownProcess === undefined) {
    ownProcess = new Registry();
    collectDefaultMetrics({ register: ownProcess });
  }
  return await ownProcess.metrics();
}

let ownProcess: Registry | undefined;

function addCounts(sheet: Sheet, labelling: RuleLabelling, { counts, atMs }: Observation): void {
  for (const count of counts) {
    const { operation, state, tasks, bytes } = count;
    const labels = labelling.of(count);
    const isPending = state === "waiting" || state === "leased";
    sheet.add("lockstep_backlog_operations", labels, isPending ? tasks : 0);
    sheet.add("lockstep_backlog_bytes", labels, isPending ? bytes : 0);
    const ageMs = isPending ? Math.max(0, atMs - (count.oldestWrittenAtMs ?? atMs)) : 0;
    sheet.atLeast("lockstep_backlog_oldest_age_seconds", labels, ageMs / 1000);
    sheet.add("lockstep_completed_bytes_total", labels, state === "completed" ? bytes : 0);
    if (state === "completed") sheet.add("lockstep_completed_total", { ...labels, operation }, tasks);
    const status = isPending ? "PENDING" : state === "parked" ? "FAILED" : "COMPLETED";
    const reason = reasonOf(count.failureCode);
    sheet.add("lockstep_versions", { ...labels, operation, status, reason }, tasks);
  }
}

function addTallies(sheet: Sheet, labelling: RuleLabelling, { tallies, overdue }: Measured): void {
  for (const lag of tallies.lags) {
    const labels = labelling.of(lag);
    const distribution = { labels, counts: lag.tasks, sum: lag.sumMs / 1000 };
    sheet.addDistribution("lockstep_replication_lag_seconds", LAG_BOUNDS_SECONDS, distribution);
    const late = lag.tasks.slice(LATE_CLASS).reduce((sum, tasks) => sum + tasks, 0);
    sheet.add("lockstep_replication_time_made_up_total", labels, late);
    sheet.add("lockstep_replication_time_missed", labels, 0);
  }
  for (const one of overdue) sheet.add("lockstep_replication_time_missed", labelling.of(one), one.tasks);
  for (const failure of tallies.failures) {
    const name = failure.isFinal ? "lockstep_failures_total" : "lockstep_retries_total";
    const labels = { ...labelling.of(failure), reason: reasonOf(failure.failureCode) };
    sheet.add(name, labels, failure.attempts);
  }
}

/** CloudWatch tells neither operations nor reasons apart, so these labels are empty. */
function addPublished(sheet: Sheet, labelling: RuleLabelling, published: Published, nowMs: number): void {
  const { bucket, name, flows, readAtMs } = published;
  for (const { ruleId, destinationArn, pending, completed, failed } of flows) {
    const labels = labelling.of({ bucket, ruleId, destinationArn }, name);
    sheet.add("lockstep_completed_total", { ...labels, operation: "" }, completed);
    sheet.add("lockstep_failures_total", { ...labels, reason: "" }, failed);
    if (pending === undefined) continue;
    const { operations, bytes, latencySeconds, atMs } = pending;
    sheet.add("lockstep_backlog_operations", labels, operations);
    sheet.add("lockstep_backlog_bytes", labels, bytes);
    // What waited then waits since; how long ago that was is known.
    const ageSeconds = operations === 0 ? 0 : latencySeconds + Math.max(0, nowMs - atMs) / 1000;
    sheet.atLeast("lockstep_backlog_oldest_age_seconds", labels, ageSeconds);
  }
  sheet.add("lockstep_published_read_timestamp_seconds", { replication: name }, readAtMs / 1000);
}

function addEngine(sheet: Sheet, engine: ObservedEngine): void {
  const labels = { engine: engine.name };
  sheet.add("lockstep_engine_up", labels, engine.isAway ? 0 : 1);
  // What one that is away told last is not so any more.
  sheet.add("lockstep_engine_tasks_in_flight", labels, engine.isAway ? 0 : engine.inFlight);
  sheet.add("lockstep_engine_tasks_per_second", labels, engine.isAway ? 0 : engine.tasksPerSecond);
  sheet.add("lockstep_engine_bytes_per_second", labels, engine.isAway ? 0 : engine.bytesPerSecond);
}

/** Ends are known by the work that there is or was; engines tell of those only that they find nobody at. */
function addBreakers(sheet: Sheet, { counts, engines }: Observation): void {
  const ends = new Map<string, { readonly side: string; readonly end: string; state: number }>();
  const at = (side: ObservedBreaker["side"], name: string, state: number) => {
    const end = side === "source" ? name : endOf(name);
    const key = `${side} ${end}`;
    const known = ends.get(key);
    if (known !== undefined) known.state = Math.max(known.state, state);
    else if (ends.size < LABEL_SETS_MAX) ends.set(key, { side, end, state });
  };
  for (const engine of engines) {
    if (engine.isAway) continue;
    for (const { side, name, state } of engine.breakers) at(side, name, BREAKERS[state]);
  }
  for (const { bucket, destinationArn } of counts) {
    at("source", bucket, 0);
    at("destination", destinationArn, 0);
  }
  for (const { side, end, state } of ends.values()) sheet.add("lockstep_breaker_state", { side, end }, state);
}

function addResult(sheet: Sheet, result: WatchResult): void {
  const { kind, subject, ruleId = "", destinationArn = "", atMs, tookMs, verdict, counts } = result;
  const labels = { kind, subject, rule: ruleId, destination: endOf(destinationArn) };
  sheet.add("lockstep_watch_verdict", labels, VERDICTS[verdict]);
  sheet.atLeast("lockstep_watch_ended_timestamp_seconds", labels, atMs / 1000);
  sheet.add("lockstep_watch_duration_seconds", labels, tookMs / 1000);
  for (const [figure, value] of Object.entries(counts)) {
    sheet.add("lockstep_watch_figure", { ...labels, figure }, value);
  }
}
