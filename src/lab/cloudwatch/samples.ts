/**
 * What is known of the metrics of a lab: one row for a minute of a series, with the four numbers of which CloudWatch makes
 * its statistics. Percentiles cannot be had from them.
 */
import type { Connection } from "../../ledger/database.ts";

/** A metric of one set of dimensions, as one account sees it in one Region. */
export interface Series {
  readonly account: string;
  readonly region: string;
  readonly metric: MetricName;
  readonly dimensions: Readonly<Record<string, string>>;
}

export const NAMESPACE = "AWS/S3";

/** @source aws-replication.md §7; S3 User Guide, "Metrics and dimensions" */
export const METRIC_UNITS = {
  BytesPendingReplication: "Bytes",
  OperationsPendingReplication: "Count",
  ReplicationLatency: "Seconds",
  OperationsFailedReplication: "Count",
  BucketSizeBytes: "Bytes",
  NumberOfObjects: "Count",
} as const;

export type MetricName = keyof typeof METRIC_UNITS;

export const METRICS_SCHEMA = `
CREATE TABLE cloudwatch_series (
  id INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  metric TEXT NOT NULL,
  dimensions TEXT NOT NULL,
  last_ms INTEGER NOT NULL,
  UNIQUE (account, region, metric, dimensions)
);

CREATE TABLE cloudwatch_samples (
  series INTEGER NOT NULL,
  minute_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  sum REAL NOT NULL,
  min REAL NOT NULL,
  max REAL NOT NULL,
  PRIMARY KEY (series, minute_ms)
) WITHOUT ROWID;
CREATE INDEX cloudwatch_samples_by_age ON cloudwatch_samples (minute_ms);
`;

export const MINUTE_MS = 60_000;
/** CloudWatch keeps points of a minute for 15 days. Coarser ones are not kept here. */
const KEPT_MS = 15 * 24 * 3_600_000;

/** Adds one more value to the minute. */
export function addValue(connection: Connection, series: Series, atMs: number, value: number): void {
  connection
    .prepare(
      `INSERT INTO cloudwatch_samples VALUES (?1, ?2, 1, ?3, ?3, ?3)
       ON CONFLICT DO UPDATE SET count = count + 1, sum = sum + ?3, min = min(min, ?3), max = max(max, ?3)`,
    )
    .run(touchSeries(connection, series, atMs), minuteOf(atMs), value);
}

/** Makes this the only value of the minute. */
export function setValue(connection: Connection, series: Series, atMs: number, value: number): void {
  connection
    .prepare("INSERT OR REPLACE INTO cloudwatch_samples VALUES (?1, ?2, 1, ?3, ?3, ?3)")
    .run(touchSeries(connection, series, atMs), minuteOf(atMs), value);
}

function touchSeries(connection: Connection, series: Series, atMs: number): number {
  const { account, region, metric, dimensions } = series;
  const row = connection
    .prepare(
      `INSERT INTO cloudwatch_series (account, region, metric, dimensions, last_ms) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET last_ms = max(last_ms, excluded.last_ms) RETURNING id`,
    )
    .get(account, region, metric, dimensionsText(dimensions), atMs);
  return Number(row?.["id"]);
}

export function removeOld(connection: Connection, nowMs: number): void {
  connection.prepare("DELETE FROM cloudwatch_samples WHERE minute_ms < ?").run(nowMs - KEPT_MS);
  connection.prepare("DELETE FROM cloudwatch_series WHERE last_ms < ?").run(nowMs - KEPT_MS);
}

/** The series of an account in a Region that have values since then, by metric and dimensions. */
export function seriesSince(
  connection: Connection,
  { account, region }: Pick<Series, "account" | "region">,
  sinceMs: number,
): Pick<Series, "metric" | "dimensions">[] {
  return connection
    .prepare(
      `SELECT metric, dimensions FROM cloudwatch_series WHERE account = ? AND region = ? AND last_ms >= ?
       ORDER BY metric, dimensions`,
    )
    .all(account, region, sinceMs)
    .map((row) => ({
      metric: String(row["metric"]) as MetricName,
      dimensions: Object.fromEntries(JSON.parse(String(row["dimensions"])) as [string, string][]),
    }));
}

/** What the values of one period come to. */
export interface Point {
  readonly atMs: number;
  readonly SampleCount: number;
  readonly Sum: number;
  readonly Minimum: number;
  readonly Maximum: number;
}

/** The points of a series, the oldest first; periods begin at multiples of their length. The end is exclusive. */
export function pointsOf(
  connection: Connection,
  series: Omit<Series, "metric"> & { readonly metric: string },
  { startMs, endMs, periodMs }: { readonly startMs: number; readonly endMs: number; readonly periodMs: number },
): Point[] {
  return connection
    .prepare(
      `SELECT minute_ms / ?1 * ?1 AS at, total(count) AS n, total(sum) AS sum, min(min) AS least, max(max) AS most
       FROM cloudwatch_samples WHERE minute_ms >= ?2 AND minute_ms < ?3 AND series = (
         SELECT id FROM cloudwatch_series WHERE account = ?4 AND region = ?5 AND metric = ?6 AND dimensions = ?7
       ) GROUP BY 1 ORDER BY 1`,
    )
    .all(periodMs, startMs, endMs, series.account, series.region, series.metric, dimensionsText(series.dimensions))
    .map((row) => ({
      atMs: Number(row["at"]),
      SampleCount: Number(row["n"]),
      Sum: Number(row["sum"]),
      Minimum: Number(row["least"]),
      Maximum: Number(row["most"]),
    }));
}

/** The dimensions as they are kept: in the order of their names, so that equal sets are equal texts. */
function dimensionsText(dimensions: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}
