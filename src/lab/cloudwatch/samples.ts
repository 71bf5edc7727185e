/**
 * What is known of the metrics of a lab: one row for a minute of a series, with the four numbers of which CloudWatch makes
 * every statistic.
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
CREATE TABLE cloudwatch_samples (
  account TEXT NOT NULL,
  region TEXT NOT NULL,
  metric TEXT NOT NULL,
  dimensions TEXT NOT NULL,
  minute_ms INTEGER NOT NULL,
  count INTEGER NOT NULL,
  sum REAL NOT NULL,
  min REAL NOT NULL,
  max REAL NOT NULL,
  PRIMARY KEY (account, region, metric, dimensions, minute_ms)
) WITHOUT ROWID;
CREATE INDEX cloudwatch_samples_by_age ON cloudwatch_samples (minute_ms);
`;

export const MINUTE_MS = 60_000;

/** Adds one more value to the minute. */
export function addValue(connection: Connection, series: Series, atMs: number, value: number): void {
  connection
    .prepare(
      `INSERT INTO cloudwatch_samples VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?6, ?6)
       ON CONFLICT DO UPDATE SET count = count + 1, sum = sum + ?6, min = min(min, ?6), max = max(max, ?6)`,
    )
    .run(...keyOf(series), minuteOf(atMs), value);
}

/** The dimensions as they are kept: in the order of their names, so that equal sets are equal texts. */
export function dimensionsText(dimensions: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

function keyOf({ account, region, metric, dimensions }: Series): readonly [string, string, string, string] {
  return [account, region, metric, dimensionsText(dimensions)];
}
