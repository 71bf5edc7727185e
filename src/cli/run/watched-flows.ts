/** What CloudWatch publishes of buckets that AWS replicates itself, looked up with the credentials of their sites. */
import type { AwsAccess } from "../../aws/access.ts";
import { CloudWatchControl } from "../../aws/cloudwatch.ts";
import { AwsError } from "../../aws/errors.ts";
import { bucketOfArn } from "../../core/arn.ts";
import { documentOfXml } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { Rule } from "../../core/model.ts";
import type { Clock } from "../../engine/ports.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { type FoundFlow, PublishedError, publishing, type ReadPublished } from "../../monitor/published.ts";
import { S3Error } from "../../s3/errors.ts";
import type { WatchedSettings } from "../config/watched-section.ts";
import { endpointIsAws, type SiteClients } from "./clients.ts";

export interface WatchedParts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly clients: SiteClients;
  /** The engine's. */
  readonly name: string;
  /** As they are at the time. */
  readonly watched: () => readonly WatchedSettings[];
  readonly onTrouble: (says: string) => void;
  readonly onBroken: (error: unknown) => void;
}

/** Metrics come some minutes late. */
const LATEST_MS = 15 * 60_000;
/** A configuration has up to a thousand rules, and every figure costs. */
export const WATCHED_RULES_MAX = 100;

/** @returns what ends it */
export function watchFlows(parts: WatchedParts): () => Promise<void> {
  const { ledger, clock, name, watched, onTrouble, onBroken } = parts;
  const over = new AbortController();
  const read = readFlows(parts);
  const running = publishing({ ledger, clock, name, buckets: watched, read, onTrouble }, over.signal).catch(onBroken);
  return async () => {
    over.abort();
    await running;
  };
}

export function readFlows({
  clients,
  clock,
  watched,
}: Pick<WatchedParts, "clients" | "clock" | "watched">): ReadPublished {
  return async ({ name, bucket }, sinceMs) => {
    const site = watched().find((one) => one.name === name)?.site ?? "";
    const settings = clients.site(site);
    // It was taken out of the configuration meanwhile.
    if (settings === undefined) return [];
    const { endpoint, region } = settings;
    const { credentials, settings: s3 } = clients.client(site);
    const access: AwsAccess = { region, credentials, ...(endpointIsAws(endpoint) ? {} : { endpoint }) };
    const cloudWatch = new CloudWatchControl(access);
    try {
      const element = await s3.getBucketReplication(bucket);
      const rules = element === undefined ? [] : (parseReplication(documentOfXml(element)).configuration?.rules ?? []);
      const measured = rules.filter((one) => one.enabled && one.destination.metrics).slice(0, WATCHED_RULES_MAX);
      refuseNone(bucket, rules, measured);
      const regionOf = async (of: string) => await regionOfBucket(s3, of, region);
      const source = await regionOf(bucket);
      const flows: FoundFlow[] = [];
      for (const rule of measured) {
        const { bucketArn } = rule.destination;
        const destination = bucketOfArn(bucketArn) ?? bucketArn;
        const flow = { sourceBucket: bucket, destinationBucket: destination, ruleId: rule.id };
        const toMs = clock.nowMs();
        const there = { region: await regionOf(destination), fromMs: toMs - LATEST_MS, toMs };
        const pending = await cloudWatch.pending(flow, there);
        const ended = await cloudWatch.ended(flow, { region: source, fromMs: sinceMs, toMs });
        flows.push({
          ruleId: rule.id,
          destinationArn: bucketArn,
          ended,
          ...(pending === undefined ? {} : { pending }),
        });
      }
      return flows;
    } catch (error) {
      if (error instanceof S3Error || error instanceof AwsError) {
        const code = error instanceof S3Error ? (error.fields.code ?? "") : error.code;
        throw new PublishedError(`metrics of s3://${bucket} cannot be read: ${error.message}`, code, { cause: error });
      }
      throw error;
    } finally {
      await cloudWatch.close();
    }
  };
}

/** @throws PublishedError where CloudWatch has nothing to tell */
function refuseNone(bucket: string, rules: readonly Rule[], measured: readonly Rule[]): void {
  if (measured.length > 0) return;
  const why =
    rules.length === 0
      ? "it has no replication configuration"
      : "no enabled rule of it has metrics: enable them (Metrics, Status Enabled) in its destination";
  throw new PublishedError(`nothing is published of s3://${bucket}: ${why}`, why);
}

/** A bucket of somebody else's may not be looked at; then it is taken to be where the site is. */
async function regionOfBucket(
  s3: { headBucket(bucket: string): Promise<{ readonly region?: string }> },
  bucket: string,
  otherwise: string,
): Promise<string> {
  try {
    return (await s3.headBucket(bucket)).region ?? otherwise;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    // Asked in the wrong Region, S3 says which is the right one.
    return error.fields.details?.["Region"] ?? otherwise;
  }
}
