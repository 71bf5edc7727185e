/**
 * The trails there are, and the delivery of what they select: gzipped JSON files in the trail's bucket, written by the
 * service, which the bucket's policy has to let in.
 *
 * What a bucket refuses is kept and tried again, up to a limit. Digest files are not written.
 *
 * @source CloudTrail User Guide, "Finding your CloudTrail log files", "Amazon S3 bucket policy for CloudTrail"
 */
import { gzipSync } from "node:zlib";
import type { Database } from "../../ledger/database.ts";
import { ServiceError } from "../model.ts";
import { takeRandomBytes } from "../random.ts";
import { type Change, ChangeLane, Records } from "../records.ts";
import type { S3Service } from "../s3/service.ts";
import { putAsService, requireForService, type ServiceWriterOptions } from "../service-writer.ts";
import { cloudTrailError } from "./errors.ts";
import type { Trail, TrailEvent } from "./model.ts";
import { TRAILS_TABLE } from "./schema.ts";
import { takesData, takesEvent } from "./selectors.ts";

export const CLOUDTRAIL_SERVICE = "cloudtrail.amazonaws.com";

/** How the last deliveries of a trail went; forgotten with the process. */
export interface DeliveryState {
  readonly attemptedMs: number;
  readonly succeededMs?: number;
  /** The code of the last refusal; undefined after a success. */
  readonly error?: string;
}

/** Of one trail; what comes beyond while its bucket refuses is lost. */
const PENDING_MAX = 50_000;
const EVENTS_PER_FILE = 10_000;

export class Trails {
  readonly records: Records<Trail>;
  readonly #lane: ChangeLane;
  readonly #s3: S3Service;
  readonly #pending = new Map<string, TrailEvent[]>();
  readonly #states = new Map<string, DeliveryState>();
  #takesData = false;

  constructor(database: Database, s3: S3Service) {
    this.#s3 = s3;
    this.#lane = new ChangeLane(database);
    this.records = new Records({ database, table: TRAILS_TABLE, idOf: (one) => one.arn });
    this.#changed();
  }

  /** Whether any trail may want events of objects. */
  get takesData(): boolean {
    return this.#takesData;
  }

  async change<T>(plan: () => readonly [value: T, ...changes: readonly Change[]]): Promise<T> {
    const value = await this.#lane.run(plan);
    this.#changed();
    return value;
  }

  stateOf(trail: Trail): DeliveryState | undefined {
    return this.#states.get(trail.arn);
  }

  add(event: TrailEvent): void {
    for (const trail of this.records.values()) {
      if (!trail.isLogging || !takesEvent(trail, event)) continue;
      const events = this.#pending.get(trail.arn) ?? [];
      if (events.length >= PENDING_MAX) continue;
      events.push(event);
      this.#pending.set(trail.arn, events);
    }
  }

  async deliver(nowMs: number): Promise<void> {
    // What is refused comes back, for the next time.
    const all = [...this.#pending];
    for (const [arn, events] of all) {
      this.#pending.delete(arn);
      const trail = this.records.get(arn);
      if (trail !== undefined) await this.#deliverEvents(trail, events, nowMs);
    }
  }

  /**
   * Asks whether the bucket takes what the trail would write.
   *
   * @throws ServiceError S3BucketDoesNotExistException, InsufficientS3BucketPolicyException
   */
  requireBucket(trail: Pick<Trail, "arn" | "account" | "bucket" | "prefix" | "homeRegion">, nowMs: number): void {
    const { bucket, account } = trail;
    if (this.#s3.buckets.find(bucket) === undefined) {
      throw cloudTrailError("S3BucketDoesNotExistException", `S3 bucket ${bucket} does not exist!`);
    }
    try {
      const by = writerOf(trail, trail.homeRegion, nowMs);
      requireForService(this.#s3, by, "s3:GetBucketAcl", { bucket });
      requireForService(this.#s3, by, "s3:PutObject", { bucket, key: `${rootOf(trail)}AWSLogs/${account}/check` });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const message = `Incorrect S3 bucket policy is detected for bucket: ${bucket}`;
      throw cloudTrailError("InsufficientS3BucketPolicyException", message);
    }
  }

  async #deliverEvents(trail: Trail, events: readonly TrailEvent[], nowMs: number): Promise<void> {
    for (const region of new Set(events.map((one) => one.region))) {
      const ofRegion = events.filter((one) => one.region === region);
      for (let from = 0; from < ofRegion.length; from += EVENTS_PER_FILE) {
        const file = ofRegion.slice(from, from + EVENTS_PER_FILE);
        const error = await this.#put(trail, region, file, nowMs);
        const succeededMs = error === undefined ? nowMs : this.#states.get(trail.arn)?.succeededMs;
        this.#states.set(trail.arn, {
          attemptedMs: nowMs,
          ...(succeededMs === undefined ? {} : { succeededMs }),
          ...(error === undefined ? {} : { error }),
        });
        if (error !== undefined) this.#keep(trail, file);
      }
    }
  }

  /** Resolves with the code of a refusal. */
  async #put(trail: Trail, region: string, events: readonly TrailEvent[], nowMs: number): Promise<string | undefined> {
    const body = gzipSync(JSON.stringify({ Records: events.map((one) => one.record) }));
    try {
      await putAsService(this.#s3, writerOf(trail, region, nowMs), {
        bucket: trail.bucket,
        key: logFileKey(trail, region, nowMs, uniqueString()),
        body,
        contentHeaders: { "content-type": "application/json", "content-encoding": "gzip" },
      });
      return undefined;
    } catch (error) {
      if (error instanceof ServiceError) return error.code;
      throw error;
    }
  }

  #keep({ arn }: Trail, events: readonly TrailEvent[]): void {
    const since = this.#pending.get(arn) ?? [];
    this.#pending.set(arn, [...events, ...since].slice(0, PENDING_MAX));
  }

  #changed(): void {
    this.#takesData = [...this.records.values()].some((one) => one.isLogging && takesData(one.selectors));
  }
}

function writerOf(
  { arn, account }: Pick<Trail, "arn" | "account">,
  region: string,
  nowMs: number,
): ServiceWriterOptions {
  return { service: CLOUDTRAIL_SERVICE, region, sourceArn: arn, sourceAccount: account, nowMs };
}

function rootOf({ prefix }: Pick<Trail, "prefix">): string {
  return prefix === undefined ? "" : `${prefix}/`;
}

/** `AWSLogs/ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHmmZ_UNIQUE.json.gz` */
export function logFileKey(
  trail: Pick<Trail, "account" | "prefix">,
  region: string,
  nowMs: number,
  unique: string,
): string {
  const { account } = trail;
  const iso = new Date(nowMs).toISOString();
  const minute = `${iso.slice(0, 16).replace(/[-:]/g, "")}Z`;
  const day = iso.slice(0, 10).replaceAll("-", "/");
  return `${rootOf(trail)}AWSLogs/${account}/CloudTrail/${region}/${day}/${account}_CloudTrail_${region}_${minute}_${unique}.json.gz`;
}

const UNIQUE_LENGTH = 16;

/** Letters and digits. */
function uniqueString(): string {
  return takeRandomBytes(24).toString("base64").replace(/[+/=]/g, "0").slice(0, UNIQUE_LENGTH);
}
