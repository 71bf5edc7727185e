/**
 * CloudWatch's metrics of replication that AWS does itself: what waits and for how long, published in the destination's
 * Region, and what failed, published in the source's. They are there for rules with metrics, minute by minute, best effort.
 *
 * @source aws-replication.md §7
 */
import type { CloudWatch, MetricDataQuery } from "@aws-sdk/client-cloudwatch";
import { type AwsAccess, clientSettings } from "./access.ts";
import { asked } from "./errors.ts";

/** One rule's replication, by names and not by ARNs. */
export interface ReplicationFlow {
  readonly sourceBucket: string;
  readonly destinationBucket: string;
  readonly ruleId: string;
}

/** The latest minute that is published, if one is. */
export interface PendingMetrics {
  readonly atMs: number;
  readonly operations: number;
  readonly bytes: number;
  readonly latencySeconds: number;
}

/** What ended in one minute. */
export interface EndedMinute extends FailedMetrics {
  /** Its beginning. */
  readonly atMs: number;
}

export interface FailedMetrics {
  readonly failed: number;
  /** Operations that ended, well or not. */
  readonly operations: number;
}

export interface MetricsWindow {
  readonly region: string;
  readonly fromMs: number;
  readonly toMs: number;
}

const NAMESPACE = "AWS/S3";
const PERIOD_SECONDS = 60;
/** What one answer holds is more than an hour of minutes; more pages than these are no answer. */
const PAGES_MAX = 10;

type Point = readonly [atMs: number, value: number];

export class CloudWatchControl {
  readonly #access: AwsAccess;
  readonly #clients = new Map<string, Promise<CloudWatch>>();

  constructor(access: AwsAccess) {
    this.#access = access;
  }

  /** What waits; undefined when nothing was published. @throws AwsError */
  async pending(flow: ReplicationFlow, window: MetricsWindow): Promise<PendingMetrics | undefined> {
    const found = await this.#read(window, [
      query("operations", flow, "OperationsPendingReplication", "Maximum"),
      query("bytes", flow, "BytesPendingReplication", "Maximum"),
      query("latency", flow, "ReplicationLatency", "Maximum"),
    ]);
    const latest = (id: string) => (found.get(id) ?? []).reduce<Point | undefined>(younger, undefined);
    const operations = latest("operations");
    if (operations === undefined) return undefined;
    return {
      atMs: operations[0],
      operations: operations[1],
      bytes: latest("bytes")?.[1] ?? 0,
      latencySeconds: latest("latency")?.[1] ?? 0,
    };
  }

  /** What failed in the window; nothing is published while nothing replicates. @throws AwsError */
  async failed(flow: ReplicationFlow, window: MetricsWindow): Promise<FailedMetrics> {
    const minutes = await this.ended(flow, window);
    const sum = (figure: keyof FailedMetrics) => minutes.reduce((total, one) => total + one[figure], 0);
    return { failed: sum("failed"), operations: sum("operations") };
  }

  /** What ended in each minute of the window in which something did, in no order. @throws AwsError */
  async ended(flow: ReplicationFlow, window: MetricsWindow): Promise<readonly EndedMinute[]> {
    const found = await this.#read(window, [
      query("failed", flow, "OperationsFailedReplication", "Sum"),
      query("operations", flow, "OperationsFailedReplication", "SampleCount"),
    ]);
    const failed = new Map(found.get("failed"));
    return (found.get("operations") ?? []).map(([atMs, operations]) => {
      return { atMs, operations, failed: failed.get(atMs) ?? 0 };
    });
  }

  async close(): Promise<void> {
    for (const one of this.#clients.values()) (await one).destroy();
  }

  async #read(window: MetricsWindow, queries: MetricDataQuery[]): Promise<ReadonlyMap<string, readonly Point[]>> {
    const client = await this.#client(window.region);
    const found = new Map<string, Point[]>();
    let token: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const input = {
        StartTime: new Date(window.fromMs),
        EndTime: new Date(window.toMs),
        MetricDataQueries: queries,
        ...(token === undefined ? {} : { NextToken: token }),
      };
      const { MetricDataResults = [], NextToken } = await asked(
        "cloudwatch",
        "GetMetricData",
        client.getMetricData(input),
      );
      for (const { Id = "", Timestamps = [], Values = [] } of MetricDataResults) {
        const points = Timestamps.map((at, index): Point => [at.getTime(), Values[index] ?? 0]);
        found.set(Id, [...(found.get(Id) ?? []), ...points]);
      }
      token = NextToken;
      if (token === undefined) break;
    }
    return found;
  }

  #client(region: string): Promise<CloudWatch> {
    let client = this.#clients.get(region);
    if (client === undefined) {
      client = import("@aws-sdk/client-cloudwatch").then(
        (sdk) => new sdk.CloudWatch(clientSettings(this.#access, region)),
      );
      this.#clients.set(region, client);
    }
    return client;
  }
}

function query(Id: string, flow: ReplicationFlow, MetricName: string, Stat: string): MetricDataQuery {
  const Dimensions = [
    { Name: "SourceBucket", Value: flow.sourceBucket },
    { Name: "DestinationBucket", Value: flow.destinationBucket },
    { Name: "RuleId", Value: flow.ruleId },
  ];
  return { Id, MetricStat: { Metric: { Namespace: NAMESPACE, MetricName, Dimensions }, Period: PERIOD_SECONDS, Stat } };
}

function younger(one: Point | undefined, other: Point): Point {
  return one === undefined || other[0] > one[0] ? other : one;
}
