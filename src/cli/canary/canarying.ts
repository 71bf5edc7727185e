/** What `canary` does: runs canaries once or again and again, keeps what they told, and words it. */
import { randomBytes } from "node:crypto";
import type { CanaryKind, CanaryOptions, CanaryResult, CanaryWorld } from "../../engine/canary/model.ts";
import { canary, plannedCanaries } from "../../engine/canary.ts";
import type { WatchResult } from "../../monitor/history.ts";
import type { CommandResult, ExitStatus } from "../command.ts";
import { type Context, styled } from "../context.ts";
import { canaryPlanWords, canaryWords, type PlannedWords } from "./words.ts";

/** What canaries are told of, and how they fly. */
export interface CanaryFlight {
  /** As commands call it. */
  readonly subject: string;
  readonly world: CanaryWorld;
  readonly options: Omit<CanaryOptions, "word" | "signal">;
}

/** What one canary told, as it is kept, and its objects. */
export interface FlownCanary extends WatchResult {
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly objects: CanaryResult["objects"];
  readonly left: CanaryResult["left"];
}

/** Flies once. One result for each rule that is enabled. */
export async function flyCanaries(
  { subject, world, options }: CanaryFlight,
  signal: AbortSignal,
): Promise<readonly FlownCanary[]> {
  const word = randomBytes(5).toString("hex");
  const results = await canary(world, { ...options, word, signal });
  return results.map((one) => flown(subject, one));
}

function flown(subject: string, result: CanaryResult): FlownCanary {
  const { ruleId, destinationArn, startedAtMs, endedAtMs, objects, left, swept } = result;
  const count = (...outcomes: string[]) => objects.filter((one) => outcomes.includes(one.outcome)).length;
  const latencies = objects.flatMap(({ kind, latencyMs }): [CanaryKind, number][] =>
    latencyMs === undefined ? [] : [[kind, latencyMs]],
  );
  const slowest = Math.max(...latencies.map(([, ms]) => ms));
  return {
    kind: "canary",
    subject,
    ruleId,
    destinationArn,
    atMs: endedAtMs,
    tookMs: endedAtMs - startedAtMs,
    verdict: verdictOf(result),
    says: saysOf(result),
    counts: {
      objects: objects.length,
      completed: count("completed"),
      failed: count("failed", "differs"),
      late: count("late"),
      untried: count("untried"),
      left: left.length,
      swept,
      ...(latencies.length === 0 ? {} : { latencyMs: slowest }),
      ...Object.fromEntries(latencies.map(([kind, ms]) => [`latencyMs.${kind}`, ms])),
    },
    objects,
    left,
  };
}

function verdictOf({ refused, objects, left }: CanaryResult): WatchResult["verdict"] {
  if (refused !== undefined) return refused.because === "absent" ? "findings" : "failed";
  const isBad = objects.some(({ outcome }) => outcome !== "completed" && outcome !== "untried");
  return isBad || left.length > 0 ? "findings" : "ok";
}

/** What is wrong first; else how long it took. */
function saysOf({ refused, objects, left }: CanaryResult): string {
  if (refused !== undefined) return refused.says;
  const bad = objects.find(({ outcome }) => outcome !== "completed" && outcome !== "untried");
  if (bad !== undefined) return `${bad.kind}: ${bad.says}`;
  const [behind] = left;
  if (behind !== undefined) return `s3://${behind.bucket}/${behind.key} could not be removed: ${behind.because}`;
  const arrived = objects.filter((one) => one.outcome === "completed");
  if (arrived.length === 0) return objects[0]?.says ?? "nothing was to be tried";
  const slowest = Math.max(...arrived.map((one) => one.latencyMs ?? 0));
  return `${arrived.map((one) => one.kind).join(", ")} arrived within ${slowest} ms`;
}

export interface Flights {
  readonly flights: readonly CanaryFlight[];
  /** Keeps what was told of one subject. */
  readonly keep: (subject: string, results: readonly WatchResult[]) => Promise<void>;
}

export interface Repetition {
  readonly everyMs: number;
  /** Ends after so many. */
  readonly times?: number;
  readonly json: boolean;
}

/** Once. */
export async function flyOnce({ flights, keep }: Flights, { interrupted }: Context): Promise<CommandResult> {
  const results = await flyAll({ flights, keep }, interrupted);
  return { status: statusOf(results), value: { results }, words: () => canaryWords(results, styled) };
}

/** Again and again, until ctrl-C: prints what each time told. The exit status is the worst of all times. */
export async function flyRepeatedly(
  flights: Flights,
  { everyMs, times = Number.POSITIVE_INFINITY, json }: Repetition,
  sleep: (ms: number, signal: AbortSignal) => Promise<void>,
  { interrupted, stdout, clock }: Context,
): Promise<CommandResult> {
  const statuses: ExitStatus[] = [];
  for (let count = 0; count < times && !interrupted.aborted; count++) {
    const startedAtMs = clock();
    const results = await flyAll(flights, interrupted);
    statuses.push(statusOf(results));
    const atTime = `${new Date(startedAtMs).toISOString()}\n${canaryWords(results, styled)}`;
    stdout.write(`${json ? JSON.stringify({ results }) : atTime}\n`);
    if (count + 1 < times) await sleep(Math.max(0, startedAtMs + everyMs - clock()), interrupted);
  }
  const status = ([1, 3, 0] as const).find((one) => statuses.includes(one)) ?? 0;
  return { status, value: undefined, words: () => "" };
}

async function flyAll({ flights, keep }: Flights, signal: AbortSignal): Promise<readonly FlownCanary[]> {
  const results: FlownCanary[] = [];
  for (const flight of flights) {
    const flown = await flyCanaries(flight, signal);
    results.push(...flown);
    await keep(flight.subject, flown.map(keptOf));
  }
  return results;
}

/** What is kept of it. */
export function keptOf(flown: FlownCanary): WatchResult {
  const { objects: _objects, left: _left, ...kept } = flown;
  return kept;
}

/** What the caller may not do is no finding about the replication; what would be kept for years is no access. */
function statusOf(results: readonly FlownCanary[]): ExitStatus {
  if (results.some((one) => one.verdict === "findings")) return 1;
  return results.some((one) => one.verdict === "failed") ? 3 : 0;
}

interface PlannedFlight extends PlannedWords {
  readonly subject: string;
  readonly prefix: string;
}

/** What would be written. */
export async function planFlights(flights: readonly CanaryFlight[]): Promise<CommandResult> {
  const canaries: PlannedFlight[] = [];
  for (const { subject, world, options } of flights) {
    for (const { rule, prefix, objects, marker } of await plannedCanaries(world, { ...options, word: "plan" })) {
      canaries.push({
        subject,
        bucket: world.source.bucket,
        ruleId: rule.id,
        destinationArn: rule.destination.bucketArn,
        prefix,
        objects: objects.map(({ kind, key, parts, untried }) => ({
          kind,
          key,
          sizeBytes: parts.reduce((sum, one) => sum + one, 0),
          ...(untried === undefined ? {} : { untried }),
        })),
        marker,
      });
    }
  }
  return { status: 0, value: { dryRun: true, canaries }, words: () => canaryPlanWords(canaries) };
}
