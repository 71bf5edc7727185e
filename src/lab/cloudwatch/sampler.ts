/**
 * Looks every minute at what waits to be replicated, and tells of what waits for too long.
 *
 * Whoever reads metrics gets a look of this moment too, so that nobody has to wait for the minute to be over. Storage is
 * counted for whoever asks for it, and once a day: it is the value of the day's first minute, as in AWS.
 *
 * @source aws-replication.md §7; S3 User Guide, "Metrics and dimensions"
 */
import type { Connection } from "../../ledger/database.ts";
import type { Bucket } from "../s3/bucket.ts";
import type { S3Service } from "../s3/service.ts";
import { backlogOf, seriesOf, tellLate } from "../s3/tracking.ts";
import { addValue, MINUTE_MS, removeOld, type Series, setValue } from "./samples.ts";

export interface SamplerOptions {
  readonly s3: S3Service;
  readonly clock: () => number;
  /** Told when a look failed; the next one comes all the same. */
  readonly onFault: (error: unknown) => void;
}

const DAY_MS = 24 * 60 * MINUTE_MS;

export class Sampler {
  readonly #options: SamplerOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #countedDay = -1;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  /** Looks every minute until `stop`. Call once. */
  start(): void {
    this.#timer = setInterval(() => {
      this.#running = this.#look().catch((error: unknown) => this.#options.onFault(error));
    }, MINUTE_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Writes down what waits now. */
  async sampleBacklog(): Promise<void> {
    const { s3, clock } = this.#options;
    const nowMs = clock();
    const buckets = [...s3.buckets.all()].filter(({ replication }) =>
      replication?.rules.some(({ destination }) => destination.metrics),
    );
    if (buckets.length === 0) return;
    await s3.database.write((connection) => {
      for (const bucket of buckets) addBacklog(s3, connection, bucket, nowMs);
    });
  }

  /** Writes down how much is in a bucket, as of today. */
  async sampleStorage(bucket: Bucket): Promise<void> {
    const { s3, clock } = this.#options;
    const dayMs = Math.floor(clock() / DAY_MS) * DAY_MS;
    const { bytes, objects } = s3.quotas.usage(bucket);
    await s3.database.write((connection) => {
      setValue(connection, storageSeries(bucket, "BucketSizeBytes", "StandardStorage"), dayMs, bytes);
      setValue(connection, storageSeries(bucket, "NumberOfObjects", "AllStorageTypes"), dayMs, objects);
    });
  }

  async #look(): Promise<void> {
    const { s3, clock } = this.#options;
    const nowMs = clock();
    await tellLate(s3, nowMs);
    await this.sampleBacklog();
    const day = Math.floor(nowMs / DAY_MS);
    if (day === this.#countedDay) return;
    this.#countedDay = day;
    for (const bucket of s3.buckets.all()) await this.sampleStorage(bucket);
    await s3.database.write((connection) => removeOld(connection, nowMs));
  }
}

function addBacklog(s3: S3Service, connection: Connection, bucket: Bucket, nowMs: number): void {
  for (const rule of bucket.replication?.rules ?? []) {
    if (!rule.destination.metrics || !rule.enabled) continue;
    const { operations, bytes, oldestMs } = backlogOf(connection, bucket, rule);
    const latencySeconds = oldestMs === undefined ? 0 : Math.max(0, Math.round((nowMs - oldestMs) / 1000));
    addValue(connection, seriesOf(s3, bucket, rule, "OperationsPendingReplication"), nowMs, operations);
    addValue(connection, seriesOf(s3, bucket, rule, "BytesPendingReplication"), nowMs, bytes);
    addValue(connection, seriesOf(s3, bucket, rule, "ReplicationLatency"), nowMs, latencySeconds);
  }
}

/** All of a bucket counts as standard storage: the lab does not tell classes apart here. */
function storageSeries(
  { account, region, name }: Bucket,
  metric: "BucketSizeBytes" | "NumberOfObjects",
  StorageType: string,
): Series {
  return { account, region, metric, dimensions: { BucketName: name, StorageType } };
}
