/**
 * Follows live replication for rules that have metrics: what waits, since when, how it ended, and what took too long.
 *
 * An operation is in `s3_tracked` from the transaction of the change on, until its end is shown. There its events are made
 * and counted. Replication that somebody initiated is no live replication: its failures count, its waiting does not.
 *
 * @source aws-replication.md §4.2, §7
 */
import { randomUUID } from "node:crypto";
import { bucketOfArn } from "../../core/arn.ts";
import type { Operation, Rule } from "../../core/model.ts";
import type { Connection, Row } from "../../ledger/database.ts";
import { addValue, type MetricName, type Series } from "../cloudwatch/samples.ts";
import type { Bucket } from "./bucket.ts";
import type { EventName } from "./events/configuration.ts";
import { addEvent, announceEvents, ownOrigin } from "./events/outbox.ts";
import type { S3Service } from "./service.ts";
import { findVersion, type NewVersion, type StoredVersion } from "./versions.ts";

export const S3_TRACKING_SCHEMA = `
CREATE TABLE s3_tracked (
  bucket_id INTEGER NOT NULL,
  key TEXT NOT NULL,
  version_id TEXT NOT NULL,
  operation TEXT NOT NULL,
  destination TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  size INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  is_late INTEGER NOT NULL,
  PRIMARY KEY (bucket_id, key, version_id, operation, destination)
) WITHOUT ROWID;
CREATE INDEX s3_tracked_by_rule ON s3_tracked (bucket_id, rule_id, destination, at_ms);
`;

/** One operation of replication that has come to its end, as the engine tells it. */
export interface EndedOperation {
  readonly operation: Operation;
  readonly ruleId: string;
  /** Of the closed catalogue; undefined when it is done. */
  readonly failure?: string;
}

/** Late operations that are looked for at once. */
const LATE_MAX = 500;

/** To be called for every live change that rules take, in its transaction. */
export function track(
  connection: Connection,
  version: NewVersion,
  operation: Operation,
  rules: readonly Rule[],
  atMs: number,
): void {
  for (const { id, destination } of rules) {
    if (!destination.metrics) continue;
    const size = operation === "put" ? version.sizeBytes : 0;
    connection
      .prepare(
        `INSERT INTO s3_tracked VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)
         ON CONFLICT DO UPDATE SET rule_id = excluded.rule_id, at_ms = excluded.at_ms, is_late = 0`,
      )
      .run(version.bucketId, version.key, version.versionId, operation, destination.bucketArn, id, size, atMs);
  }
}

/** To be called when the end of an operation is shown, in its transaction. */
export function trackEnd(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  version: StoredVersion,
  destinationArn: string,
  ended: EndedOperation,
  nowMs: number,
): void {
  const { operation, ruleId, failure } = ended;
  const row = connection
    .prepare(
      `DELETE FROM s3_tracked
       WHERE bucket_id = ? AND key = ? AND version_id = ? AND operation = ? AND destination = ? RETURNING *`,
    )
    .get(bucket.id, version.key, version.versionId, operation, destinationArn);
  const rule = bucket.replication?.rules.find((one) => one.id === ruleId);
  if (rule?.destination.metrics !== true) return;
  const series = seriesOf(s3, bucket, rule, "OperationsFailedReplication");
  addValue(connection, series, nowMs, failure === undefined ? 0 : 1);
  const tracked = row === undefined ? undefined : trackedOfRow(row);
  const requestedMs = tracked?.atMs ?? version.modifiedMs;
  const told: Told = { bucket, version, ruleId, destinationArn, operation, requestedMs, nowMs };
  if (tracked !== undefined && isLate(rule, tracked.atMs, nowMs)) {
    if (!tracked.isLate) tell(s3, connection, "OperationMissedThreshold", told);
    if (failure === undefined) tell(s3, connection, "OperationReplicatedAfterThreshold", told);
  }
  if (failure !== undefined) tell(s3, connection, "OperationFailedReplication", { ...told, failureReason: failure });
}

/** To be called when a version is removed for good, in its transaction: what waited is not followed any more. */
export function untrack(
  s3: S3Service,
  connection: Connection,
  bucket: Bucket,
  version: StoredVersion,
  nowMs: number,
): void {
  if (bucket.replication === undefined) return;
  const rows = connection
    .prepare("DELETE FROM s3_tracked WHERE bucket_id = ? AND key = ? AND version_id = ? RETURNING *")
    .all(bucket.id, version.key, version.versionId);
  for (const row of rows) {
    const { operation, ruleId, destinationArn, atMs } = trackedOfRow(row);
    const told = { bucket, version, ruleId, destinationArn, operation, requestedMs: atMs, nowMs };
    tell(s3, connection, "OperationNotTracked", told);
  }
}

/** Tells of operations that have been waiting for longer than Replication Time Control promises. */
export async function tellLate(s3: S3Service, nowMs: number): Promise<void> {
  for (const bucket of s3.buckets.all()) {
    for (const rule of bucket.replication?.rules ?? []) {
      const { replicationTimeMinutes: minutes, bucketArn } = rule.destination;
      if (minutes === undefined) continue;
      const isTold = await s3.database.write((connection) => {
        const rows = connection
          .prepare(
            `SELECT * FROM s3_tracked
             WHERE bucket_id = ? AND rule_id = ? AND destination = ? AND at_ms < ? AND is_late = 0 LIMIT ?`,
          )
          .all(bucket.id, rule.id, bucketArn, nowMs - minutes * 60_000, LATE_MAX);
        for (const row of rows) tellLateOne(s3, connection, bucket, trackedOfRow(row), nowMs);
        return rows.length > 0;
      });
      if (isTold) announceEvents(s3, bucket);
    }
  }
}

function tellLateOne(s3: S3Service, connection: Connection, bucket: Bucket, tracked: Tracked, nowMs: number): void {
  const { key, versionId, operation, destinationArn, ruleId, atMs: requestedMs } = tracked;
  connection
    .prepare(
      `UPDATE s3_tracked SET is_late = 1
       WHERE bucket_id = ? AND key = ? AND version_id = ? AND operation = ? AND destination = ?`,
    )
    .run(bucket.id, key, versionId, operation, destinationArn);
  const version = findVersion(connection, bucket.id, key, versionId);
  if (version === undefined) return;
  const told = { bucket, version, ruleId, destinationArn, operation, requestedMs, nowMs };
  tell(s3, connection, "OperationMissedThreshold", told);
}

/** What waits of one rule: how many operations, how many bytes, and since when the oldest. */
export interface Backlog {
  readonly operations: number;
  readonly bytes: number;
  readonly oldestMs: number | undefined;
}

export function backlogOf(connection: Connection, bucket: Bucket, { id, destination }: Rule): Backlog {
  const row = connection
    .prepare(
      `SELECT count(*) AS operations, total(size) AS bytes, min(at_ms) AS oldest FROM s3_tracked
       WHERE bucket_id = ? AND rule_id = ? AND destination = ?`,
    )
    .get(bucket.id, id, destination.bucketArn);
  const oldest = row?.["oldest"];
  return {
    operations: Number(row?.["operations"] ?? 0),
    bytes: Number(row?.["bytes"] ?? 0),
    oldestMs: oldest === null || oldest === undefined ? undefined : Number(oldest),
  };
}

/** Failures are told in the source's Region, what waits in the destination's. @source aws-replication.md §7 */
export function seriesOf(s3: S3Service, bucket: Bucket, rule: Rule, metric: MetricName): Series {
  const DestinationBucket = bucketOfArn(rule.destination.bucketArn) ?? rule.destination.bucketArn;
  const region = metric === "OperationsFailedReplication" ? undefined : s3.buckets.find(DestinationBucket)?.region;
  return {
    account: bucket.account,
    region: region ?? bucket.region,
    metric,
    dimensions: { SourceBucket: bucket.name, DestinationBucket, RuleId: rule.id },
  };
}

interface Told {
  readonly bucket: Bucket;
  readonly version: StoredVersion;
  readonly ruleId: string;
  readonly destinationArn: string;
  readonly operation: Operation;
  readonly requestedMs: number;
  readonly nowMs: number;
  readonly failureReason?: string;
}

type ReplicationEvent = Extract<EventName, `Replication:${string}`> extends `Replication:${infer Name}` ? Name : never;

/** Which fields events other than failures carry is unconfirmed (A12). */
function tell(s3: S3Service, connection: Connection, event: ReplicationEvent, told: Told): void {
  const { bucket, version, nowMs, ...rest } = told;
  const { ruleId, destinationArn, operation, requestedMs, failureReason } = rest;
  const data = { ruleId, destinationArn, operation, requestedMs };
  addEvent(
    s3,
    connection,
    bucket,
    {
      name: `Replication:${event}`,
      key: version.key,
      versionId: version.versionId,
      sizeBytes: version.sizeBytes,
      etag: version.etag,
      place: version.place,
      replication: failureReason === undefined ? data : { ...data, failureReason },
    },
    ownOrigin(randomUUID(), nowMs),
  );
}

function isLate({ destination }: Rule, atMs: number, nowMs: number): boolean {
  const minutes = destination.replicationTimeMinutes;
  return minutes !== undefined && nowMs - atMs > minutes * 60_000;
}

interface Tracked {
  readonly key: string;
  readonly versionId: string;
  readonly operation: Operation;
  readonly destinationArn: string;
  readonly ruleId: string;
  readonly atMs: number;
  readonly isLate: boolean;
}

function trackedOfRow(row: Row): Tracked {
  return {
    key: String(row["key"]),
    versionId: String(row["version_id"]),
    operation: String(row["operation"]) as Operation,
    destinationArn: String(row["destination"]),
    ruleId: String(row["rule_id"]),
    atMs: Number(row["at_ms"]),
    isLate: Number(row["is_late"]) === 1,
  };
}
