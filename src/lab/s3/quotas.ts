/**
 * Quotas of buckets: how many bytes and objects they may hold. S3 has none; other stores do, and replicas are lost to them.
 *
 * Every version counts with its size, and parts of an upload count as soon as they are there; delete markers do not. The
 * use of a bucket is kept by triggers in the transaction that changes it, so it is exact, also after a crash. The triggers
 * are there only while some bucket has a quota: without one nobody pays for them.
 *
 * @source Ceph RGW 16.2: 403 QuotaExceeded without a message, versions and parts of open uploads count
 */
import type { Connection, Database, Row } from "../../ledger/database.ts";
import type { Bucket } from "./bucket.ts";
import { s3Error } from "./errors.ts";

/** Undefined members are without limit. */
export interface Quota {
  readonly bytes?: number;
  readonly objects?: number;
}

export interface Usage {
  readonly bytes: number;
  readonly objects: number;
}

export interface Quotas {
  of(bucket: Bucket): Quota | undefined;
  /** Replaces the quota of a bucket; an empty one takes it away. What is there already stays. */
  set(bucket: Bucket, quota: Quota): Promise<void>;
  /** Without a quota it is counted now, at the cost of reading the whole bucket. */
  usage(bucket: Bucket): Usage;
  /**
   * To be called in a transaction before anything is written to the bucket. What comes back, if anything, is to be called
   * after it: it throws QuotaExceeded when the bucket has grown beyond its quota.
   */
  watch(connection: Connection, bucketId: number): (() => void) | undefined;
}

export const QUOTA_SCHEMA = `
CREATE TABLE s3_quotas (
  bucket_id INTEGER PRIMARY KEY,
  bytes_max INTEGER,
  objects_max INTEGER,
  bytes INTEGER NOT NULL,
  objects INTEGER NOT NULL
);
`;

export function openQuotas(database: Database): Quotas {
  const quotas = new Map<number, Quota>();
  for (const row of database.committed.prepare("SELECT * FROM s3_quotas").all()) {
    quotas.set(Number(row["bucket_id"]), quotaOfRow(row));
  }

  return {
    of: (bucket) => quotas.get(bucket.id),

    async set(bucket, quota) {
      const isNone = quota.bytes === undefined && quota.objects === undefined;
      await database.write((connection) => {
        if (isNone) removeQuota(connection, bucket.id);
        else writeQuota(connection, bucket.id, quota);
      });
      if (isNone) quotas.delete(bucket.id);
      else quotas.set(bucket.id, quota);
    },

    usage: (bucket) =>
      (quotas.has(bucket.id) ? keptUsage(database.committed, bucket.id) : undefined) ??
      countedUsage(database.committed, bucket.id),

    watch(connection, bucketId) {
      if (quotas.size === 0) return undefined;
      const quota = quotas.get(bucketId);
      const before = quota === undefined ? undefined : keptUsage(connection, bucketId);
      if (quota === undefined || before === undefined) return undefined;
      return () => {
        const after = keptUsage(connection, bucketId) ?? before;
        // A quota that was set below what is there stops growth only.
        if (exceeds(before.bytes, after.bytes, quota.bytes) || exceeds(before.objects, after.objects, quota.objects)) {
          throw s3Error("QuotaExceeded");
        }
      };
    },
  };
}

function exceeds(before: number, after: number, max: number | undefined): boolean {
  return max !== undefined && after > max && after > before;
}

function writeQuota(connection: Connection, bucketId: number, { bytes, objects }: Quota): void {
  for (const { create } of TRIGGERS) connection.prepare(create).run();
  const usage = keptUsage(connection, bucketId) ?? countedUsage(connection, bucketId);
  connection
    .prepare("INSERT OR REPLACE INTO s3_quotas VALUES (?, ?, ?, ?, ?)")
    .run(bucketId, bytes ?? null, objects ?? null, usage.bytes, usage.objects);
}

function removeQuota(connection: Connection, bucketId: number): void {
  connection.prepare("DELETE FROM s3_quotas WHERE bucket_id = ?").run(bucketId);
  if (connection.prepare("SELECT 1 FROM s3_quotas LIMIT 1").get() !== undefined) return;
  for (const { drop } of TRIGGERS) connection.prepare(drop).run();
}

function keptUsage(connection: Connection, bucketId: number): Usage | undefined {
  const row = connection.prepare("SELECT bytes, objects FROM s3_quotas WHERE bucket_id = ?").get(bucketId);
  return row === undefined ? undefined : usageOfRow(row);
}

/** The size of a version is the first of its details. */
function countedUsage(connection: Connection, bucketId: number): Usage {
  const versions = connection
    .prepare(
      "SELECT COALESCE(SUM(json_extract(details, '$[0]')), 0) AS bytes, COUNT(*) AS objects FROM s3_versions WHERE bucket_id = ? AND is_marker = 0",
    )
    .get(bucketId);
  const parts = connection
    .prepare(
      "SELECT COALESCE(SUM(p.size), 0) AS bytes, 0 AS objects FROM s3_parts p JOIN s3_uploads u ON u.id = p.upload WHERE u.bucket_id = ?",
    )
    .get(bucketId);
  const [ofVersions, ofParts] = [usageOfRow(versions ?? {}), usageOfRow(parts ?? {})];
  return { bytes: ofVersions.bytes + ofParts.bytes, objects: ofVersions.objects };
}

function usageOfRow(row: Row): Usage {
  return { bytes: Number(row["bytes"] ?? 0), objects: Number(row["objects"] ?? 0) };
}

function quotaOfRow(row: Row): Quota {
  const [bytes, objects] = [row["bytes_max"], row["objects_max"]];
  return {
    ...(typeof bytes === "number" ? { bytes } : {}),
    ...(typeof objects === "number" ? { objects } : {}),
  };
}

/** An upload's parts count with the bucket while the upload is open; then its version does, and the upload's row is gone. */
const TRIGGERS = [
  trigger(
    "version_added",
    "INSERT ON s3_versions WHEN NEW.is_marker = 0",
    "UPDATE s3_quotas SET bytes = bytes + json_extract(NEW.details, '$[0]'), objects = objects + 1 WHERE bucket_id = NEW.bucket_id",
  ),
  trigger(
    "version_removed",
    "DELETE ON s3_versions WHEN OLD.is_marker = 0",
    "UPDATE s3_quotas SET bytes = bytes - json_extract(OLD.details, '$[0]'), objects = objects - 1 WHERE bucket_id = OLD.bucket_id",
  ),
  trigger(
    "version_changed",
    "UPDATE OF details ON s3_versions WHEN NEW.is_marker = 0",
    "UPDATE s3_quotas SET bytes = bytes + json_extract(NEW.details, '$[0]') - json_extract(OLD.details, '$[0]') WHERE bucket_id = NEW.bucket_id",
  ),
  trigger(
    "part_added",
    "INSERT ON s3_parts",
    "UPDATE s3_quotas SET bytes = bytes + NEW.size WHERE bucket_id = (SELECT bucket_id FROM s3_uploads WHERE id = NEW.upload)",
  ),
  trigger(
    "part_removed",
    "DELETE ON s3_parts",
    "UPDATE s3_quotas SET bytes = bytes - OLD.size WHERE bucket_id = (SELECT bucket_id FROM s3_uploads WHERE id = OLD.upload)",
  ),
  trigger(
    "upload_ended",
    "DELETE ON s3_uploads",
    "UPDATE s3_quotas SET bytes = bytes - (SELECT COALESCE(SUM(size), 0) FROM s3_parts WHERE upload = OLD.id) WHERE bucket_id = OLD.bucket_id",
  ),
  trigger("bucket_removed", "DELETE ON s3_buckets", "DELETE FROM s3_quotas WHERE bucket_id = OLD.id"),
];

function trigger(name: string, after: string, statement: string) {
  return {
    create: `CREATE TRIGGER IF NOT EXISTS s3_quota_${name} AFTER ${after} BEGIN ${statement}; END`,
    drop: `DROP TRIGGER IF EXISTS s3_quota_${name}`,
  };
}
