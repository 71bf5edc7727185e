/** `status` of a bucket that AWS replicates itself: the backlog, lag and failures of each rule, as CloudWatch has them. */
import type { AwsAccess } from "../../aws/access.ts";
import { CloudWatchControl } from "../../aws/cloudwatch.ts";
import { AwsError } from "../../aws/errors.ts";
import { bucketOfArn } from "../../core/arn.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { Setup } from "../../core/diagnose/facts.ts";
import type { Rule } from "../../core/model.ts";
import { type Ink, plural, sizeWords } from "../../doctor/report.ts";

/** What is published of one rule and destination. */
export interface RuleFlow {
  readonly rule: string;
  readonly destination: string;
  /** The rule asks for no metrics: then there are none. */
  readonly hasMetrics: boolean;
  readonly pendingOperations?: number;
  readonly pendingBytes?: number;
  /** How long the oldest that waits has waited. */
  readonly latencySeconds?: number;
  /** ISO 8601: of the three above. */
  readonly at?: string;
  /** In the last hour. */
  readonly failedOperations?: number;
  readonly endedOperations?: number;
  /** Figures that could not be read, and why. */
  readonly unread?: readonly string[];
}

/** Metrics come some minutes late. */
const LATEST_MS = 15 * 60_000;
const HOUR_MS = 60 * 60_000;
/** A configuration has up to a thousand rules; each costs two calls. */
const RULES_MAX = 100;

/**
 * Of every enabled rule, in the order of the configuration; at other stores than AWS's own of those with metrics only. What
 * may not be read is told; nothing is thrown for it.
 */
export async function ruleFlows(setup: Setup, access: AwsAccess, nowMs: number): Promise<readonly RuleFlow[]> {
  const { replication } = setup.source;
  const rules = replication.state === "read" ? (parseReplication(replication.value).configuration?.rules ?? []) : [];
  const cloudWatch = new CloudWatchControl(access);
  try {
    const flows: RuleFlow[] = [];
    const isAws = access.endpoint === undefined;
    const asked = rules.filter((one) => one.enabled && (one.destination.metrics || isAws));
    for (const rule of asked.slice(0, RULES_MAX)) {
      flows.push(await flowOf(cloudWatch, { setup, rule, region: access.region, nowMs }));
    }
    return flows;
  } finally {
    await cloudWatch.close();
  }
}

interface Asked {
  readonly setup: Setup;
  readonly rule: Rule;
  /** Where a bucket is of which nobody says it. */
  readonly region: string;
  readonly nowMs: number;
}

async function flowOf(cloudWatch: CloudWatchControl, { setup, rule, region, nowMs }: Asked): Promise<RuleFlow> {
  const { bucketArn, metrics } = rule.destination;
  const destination = bucketOfArn(bucketArn) ?? bucketArn;
  const named = { rule: rule.id, destination, hasMetrics: metrics };
  if (!metrics) return named;
  const flow = { sourceBucket: setup.source.name, destinationBucket: destination, ruleId: rule.id };
  const regionOf = (bucket: Setup["source"] | undefined) =>
    bucket?.region.state === "read" ? bucket.region.value : region;
  const unread: string[] = [];
  const read = async <T>(what: string, ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      unread.push(`${what}: ${error.message}`);
      return undefined;
    }
  };
  const pending = await read("what waits", () =>
    cloudWatch.pending(flow, {
      region: regionOf(setup.destinations[bucketArn]),
      fromMs: nowMs - LATEST_MS,
      toMs: nowMs,
    }),
  );
  const failed = await read("what failed", () =>
    cloudWatch.failed(flow, { region: regionOf(setup.source), fromMs: nowMs - HOUR_MS, toMs: nowMs }),
  );
  return {
    ...named,
    ...(pending === undefined
      ? {}
      : {
          pendingOperations: pending.operations,
          pendingBytes: pending.bytes,
          latencySeconds: pending.latencySeconds,
          at: new Date(pending.atMs).toISOString(),
        }),
    ...(failed === undefined ? {} : { failedOperations: failed.failed, endedOperations: failed.operations }),
    ...(unread.length === 0 ? {} : { unread }),
  };
}

/** One line for each rule. */
export function flowLines(flows: readonly RuleFlow[], ink: Ink): string[] {
  return flows.map((flow) => `CloudWatch ${flow.rule} → ${flow.destination}: ${flowWords(flow, ink)}`);
}

function flowWords(flow: RuleFlow, ink: Ink): string {
  if (!flow.hasMetrics) return ink("dim", "no metrics: enable them in the rule's destination to see its backlog");
  const { pendingOperations, pendingBytes = 0, latencySeconds = 0, failedOperations, endedOperations = 0 } = flow;
  const waiting =
    pendingOperations === undefined
      ? []
      : [`${plural(pendingOperations, "operation")} pending, ${sizeWords(pendingBytes)}, ${latencySeconds} s behind`];
  const failing = failedOperations !== undefined && failedOperations > 0;
  const words = `${failedOperations} of ${plural(endedOperations, "operation")} failed in the last hour`;
  const ended = failedOperations === undefined ? [] : [failing ? ink("red", words) : words];
  const unread = (flow.unread ?? []).map((one) => ink("yellow", `not readable: ${one}`));
  const quiet = pendingOperations === undefined && flow.unread === undefined ? ["nothing published lately"] : [];
  return [...waiting, ...quiet, ...ended, ...unread].join("; ");
}
