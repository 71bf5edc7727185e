/**
 * The reads of CloudWatch: GetMetricData, GetMetricStatistics, ListMetrics. There is one namespace, AWS/S3.
 *
 * Not emulated: expressions, percentiles, alarms, dashboards, and metrics that somebody else puts.
 *
 * @source Amazon CloudWatch API Reference
 */
import type { Connection } from "../../ledger/database.ts";
import { pageOf } from "../pages.ts";
import { cloudWatchError, invalidValue, missing } from "./errors.ts";
import type { Input } from "./input.ts";
import { METRIC_UNITS, type MetricName, MINUTE_MS, NAMESPACE, type Point, pointsOf, seriesSince } from "./samples.ts";

/** One call, allowed already. Instants in answers are Dates. */
export interface MetricsCall {
  readonly connection: Connection;
  readonly account: string;
  readonly region: string;
  readonly nowMs: number;
  readonly input: Input;
}

export type MetricsOperation = (call: MetricsCall) => Readonly<Record<string, unknown>>;

const PAGE = 500;
const LISTED_MS = 14 * 24 * 3_600_000;
const RECENT_MS = 3 * 3_600_000;
const QUERIES_MAX = 500;
const POINTS_MAX = 1440;

const STATISTICS = ["SampleCount", "Average", "Sum", "Minimum", "Maximum"] as const;
type Statistic = (typeof STATISTICS)[number];

function listMetrics({ connection, account, region, nowMs, input }: MetricsCall) {
  const namespace = input.optionalText("Namespace");
  const name = input.optionalText("MetricName");
  const recent = input.optionalText("RecentlyActive");
  if (recent !== undefined && recent !== "PT3H") throw invalidValue("RecentlyActive", "only PT3H is known");
  const wanted = input.structures("Dimensions").map((one) => [one.text("Name"), one.optionalText("Value")] as const);
  const sinceMs = nowMs - (recent === undefined ? LISTED_MS : RECENT_MS);
  const found = seriesSince(connection, { account, region }, sinceMs)
    .filter(({ metric }) => (namespace ?? NAMESPACE) === NAMESPACE && (name ?? metric) === metric)
    .filter(({ dimensions }) =>
      wanted.every(([key, value]) => dimensions[key] !== undefined && (value ?? dimensions[key]) === dimensions[key]),
    );
  const marker = input.optionalText("NextToken");
  const keyOf = (one: (typeof found)[number]) => `${one.metric} ${JSON.stringify(one.dimensions)}`;
  const page = pageOf(found, keyOf, { limit: PAGE, marker });
  return {
    Metrics: page.items.map(({ metric, dimensions }) => ({
      Namespace: NAMESPACE,
      MetricName: metric,
      Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    })),
    ...(page.marker === undefined ? {} : { NextToken: page.marker }),
  };
}

function getMetricStatistics(call: MetricsCall) {
  const { input } = call;
  const names = input.texts("Statistics").map((one) => statisticOf("Statistics", one));
  if (names.length === 0) throw missing("Statistics");
  const range = rangeOf(input, periodOf(input));
  const most = Math.ceil((range.endMs - range.startMs) / range.periodMs);
  if (most > POINTS_MAX) {
    throw cloudWatchError(
      "InvalidParameterCombination",
      `You have requested up to ${most} datapoints, which exceeds the limit of ${POINTS_MAX}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
    );
  }
  const metric = input.text("MetricName");
  const Unit = unitOf(metric);
  const points = isMeant(input, metric) ? pointsOfMetric(call, input, metric, range) : [];
  return {
    Label: metric,
    Datapoints: points.map((point) => ({
      Timestamp: new Date(point.atMs),
      ...Object.fromEntries(names.map((name) => [name, statisticValue(point, name)])),
      Unit,
    })),
  };
}

function getMetricData(call: MetricsCall) {
  const { input } = call;
  const queries = input.structures("MetricDataQueries");
  if (queries.length === 0) throw missing("MetricDataQueries");
  if (queries.length > QUERIES_MAX) throw invalidValue("MetricDataQueries", `there are more than ${QUERIES_MAX}`);
  const isAscending = input.optionalText("ScanBy") === "TimestampAscending";
  const results = queries
    .filter((query) => query.isNotFalse("ReturnData"))
    .map((query) => resultOf(call, query, isAscending));
  return { MetricDataResults: results, Messages: [] };
}

function resultOf(call: MetricsCall, query: Input, isAscending: boolean) {
  const stat = query.structure("MetricStat");
  if (stat === undefined) throw invalidValue("MetricDataQueries", "the lab evaluates no expressions");
  const metric = stat.structure("Metric");
  if (metric === undefined) throw missing("Metric");
  const name = metric.text("MetricName");
  const statistic = statisticOf("Stat", stat.text("Stat"));
  const range = rangeOf(call.input, periodOf(stat));
  const unit = stat.optionalText("Unit");
  const isThere = isMeant(metric, name) && (unit ?? unitOf(name)) === unitOf(name);
  const found = isThere ? pointsOfMetric(call, metric, name, range) : [];
  const points = isAscending ? found : found.reverse();
  return {
    Id: query.text("Id"),
    Label: query.optionalText("Label") ?? name,
    Timestamps: points.map(({ atMs }) => new Date(atMs)),
    Values: points.map((point) => statisticValue(point, statistic)),
    StatusCode: "Complete",
  };
}

interface Range {
  readonly startMs: number;
  readonly endMs: number;
  readonly periodMs: number;
}

function periodOf(input: Input): number {
  const seconds = input.integer("Period");
  if (seconds < 60 || seconds % 60 !== 0) throw invalidValue("Period", "it must be a multiple of 60");
  return seconds * 1000;
}

function rangeOf(input: Input, periodMs: number): Range {
  const [startMs, endMs] = [input.instant("StartTime"), input.instant("EndTime")];
  if (startMs >= endMs) throw invalidValue("StartTime", "it must be less than the parameter EndTime");
  return { startMs: Math.floor(startMs / MINUTE_MS) * MINUTE_MS, endMs, periodMs };
}

function isMeant(input: Input, metric: string): boolean {
  return input.text("Namespace") === NAMESPACE && Object.hasOwn(METRIC_UNITS, metric);
}

function unitOf(metric: string): string {
  return Object.hasOwn(METRIC_UNITS, metric) ? METRIC_UNITS[metric as MetricName] : "None";
}

function pointsOfMetric(call: MetricsCall, input: Input, metric: string, range: Range): Point[] {
  const { connection, account, region } = call;
  const dimensions = Object.fromEntries(
    input.structures("Dimensions").map((one) => [one.text("Name"), one.text("Value")]),
  );
  return pointsOf(connection, { account, region, metric, dimensions }, range);
}

function statisticOf(parameter: string, text: string): Statistic {
  const found = STATISTICS.find((one) => one === text);
  if (found === undefined) throw invalidValue(parameter, `the lab has ${STATISTICS.join(", ")}`);
  return found;
}

function statisticValue(point: Point, statistic: Statistic): number {
  return statistic === "Average" ? point.Sum / point.SampleCount : point[statistic];
}

export const METRICS_OPERATIONS: Readonly<Record<string, MetricsOperation>> = {
  ListMetrics: listMetrics,
  GetMetricData: getMetricData,
  GetMetricStatistics: getMetricStatistics,
};
