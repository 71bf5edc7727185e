/**
 * Server access logs: lines are collected in memory and delivered together, best effort. What a crash takes is lost, as
 * S3 promises no more; what the target bucket refuses is lost too, and nobody is told.
 *
 * Log objects themselves are written by the service and are in no log.
 *
 * @source aws-replication.md §9.1; https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */
import { bucketArn } from "../../core/arn.ts";
import type { CallEnd, CallRecord, Recorder } from "../call-record.ts";
import { ServiceError } from "../model.ts";
import { takeRandomBytes } from "../random.ts";
import { LOGGING_SERVICE } from "../s3/acl-policy.ts";
import type { Bucket } from "../s3/bucket.ts";
import type { BucketLogging } from "../s3/logging.ts";
import type { S3Service } from "../s3/service.ts";
import { putAsService } from "../service-writer.ts";
import { entriesOf } from "./entry.ts";
import { lineOf } from "./line.ts";

export interface AccessLogs extends Recorder {
  /** Writes what is collected. Only faults of ours are thrown. */
  deliver(): Promise<void>;
}

interface PendingLine {
  readonly text: string;
  readonly atMs: number;
}

/** Of one bucket; what comes beyond is lost. */
const PENDING_LINES_MAX = 200_000;

export function createAccessLogs(s3: S3Service, clock: () => number): AccessLogs {
  const pending = new Map<string, PendingLine[]>();

  function add(bucket: Bucket, record: CallRecord, end: CallEnd): void {
    const logged = { name: bucket.name, ownerId: s3.identity.canonicalUserId(bucket.account) };
    const entries = entriesOf(record, end, logged, (account) => s3.identity.canonicalUserId(account));
    const lines = pending.get(bucket.name) ?? [];
    if (lines.length >= PENDING_LINES_MAX) return;
    for (const entry of entries) lines.push({ text: lineOf(entry), atMs: entry.atMs });
    pending.set(bucket.name, lines);
  }

  const loggedBucket = (target: CallRecord["target"]): Bucket | undefined => {
    const bucket = target === undefined ? undefined : s3.buckets.find(target.bucket);
    return bucket?.settings.logging === undefined ? undefined : bucket;
  };

  return {
    wants: ({ target }) => loggedBucket(target) !== undefined,

    record(record, end) {
      const bucket = loggedBucket(record.target);
      if (bucket !== undefined) add(bucket, record, end);
    },

    async deliver() {
      const all = [...pending];
      pending.clear();
      for (const [name, lines] of all) {
        const bucket = s3.buckets.find(name);
        if (bucket?.settings.logging !== undefined)
          await deliverLines(s3, bucket, bucket.settings.logging, lines, clock());
      }
    },
  };
}

async function deliverLines(
  s3: S3Service,
  bucket: Bucket,
  logging: BucketLogging,
  lines: readonly PendingLine[],
  nowMs: number,
): Promise<void> {
  const { account, region, name } = bucket;
  const by = { service: LOGGING_SERVICE, region, sourceArn: bucketArn(name), sourceAccount: account, nowMs };
  const ownerId = s3.identity.canonicalUserId(account);
  const grants = logging.grants.length === 0 ? {} : { grants: [ownerGrant(ownerId), ...logging.grants] };
  for (const [key, texts] of objectsOf(bucket, logging, lines, nowMs)) {
    try {
      await putAsService(s3, by, {
        bucket: logging.targetBucket,
        key,
        body: Buffer.from(texts.join(""), "latin1"),
        contentHeaders: { "content-type": "text/plain" },
        ...grants,
      });
    } catch (error) {
      // The target is gone or does not let the service in.
      if (!(error instanceof ServiceError)) throw error;
    }
  }
}

function ownerGrant(id: string): BucketLogging["grants"][number] {
  return { grantee: { kind: "user", id }, permission: "FULL_CONTROL" };
}

/** Log objects by their keys. With dates of events every object holds one day. */
function objectsOf(
  bucket: Bucket,
  { targetPrefix, keyFormat }: BucketLogging,
  lines: readonly PendingLine[],
  nowMs: number,
): ReadonlyMap<string, readonly string[]> {
  const unique = takeRandomBytes(8).toString("hex").toUpperCase();
  const objects = new Map<string, string[]>();
  for (const { text, atMs } of lines) {
    const key = keyOf(bucket, { targetPrefix, keyFormat }, { unique, nowMs, atMs });
    const texts = objects.get(key);
    if (texts === undefined) objects.set(key, [text]);
    else texts.push(text);
  }
  return objects;
}

/** @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_PartitionedPrefix.html */
function keyOf(
  { account, region, name }: Bucket,
  { targetPrefix, keyFormat }: Pick<BucketLogging, "targetPrefix" | "keyFormat">,
  { unique, nowMs, atMs }: { readonly unique: string; readonly nowMs: number; readonly atMs: number },
): string {
  const delivered = new Date(nowMs).toISOString().slice(0, 19).replace(/[T:]/g, "-");
  if (keyFormat === "simple") return `${targetPrefix}${delivered}-${unique}`;
  const date = keyFormat === "DeliveryTime" ? delivered : `${new Date(atMs).toISOString().slice(0, 10)}-00-00-00`;
  const day = date.slice(0, 10).replaceAll("-", "/");
  return `${targetPrefix}${account}/${region}/${name}/${day}/${date}-${unique}`;
}
