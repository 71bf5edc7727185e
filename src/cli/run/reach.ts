/** `run --check`: whether every bucket of a configuration can be reached and is fit. Only asks, and writes nothing. */
import Table from "cli-table3";
import { AwsError } from "../../aws/errors.ts";
import { plural } from "../../doctor/report.ts";
import type { Clock } from "../../engine/ports.ts";
import { PublishedError } from "../../monitor/published.ts";
import type { Capabilities } from "../../s3/capabilities.ts";
import { S3Error } from "../../s3/errors.ts";
import { PROFILES } from "../../s3/profiles.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { CommandResult, ExitStatus } from "../command.ts";
import type { Place, QueueSettings, ReplicationSettings, RunSettings } from "../config/settings.ts";
import type { WatchedSettings } from "../config/watched-section.ts";
import { styled } from "../context.ts";
import type { SiteClient, SiteClients } from "./clients.ts";
import { type Basis, basisWords } from "./kept-probes.ts";
import { openQueue } from "./live-intake.ts";
import type { StoreSites } from "./store-sites.ts";
import { readFlows } from "./watched-flows.ts";

/** What is known of one end of a replication. */
interface Reached {
  /** Empty for a queue, which serves all of its site. */
  readonly replication: string;
  readonly end: "source" | "destination" | "queue" | "watched";
  readonly site: string;
  /** A queue's URL. */
  readonly bucket: string;
  readonly ok: boolean;
  /** What is wrong and what to do, or that nothing is. */
  readonly says: string;
  /** It could be asked at all. */
  readonly reached: boolean;
  /** Of a bucket: what the engine may count on, and where that is known from. */
  readonly capabilities?: Capabilities;
  readonly basis?: Basis;
  /** The basis in words. */
  readonly known?: string;
}

interface ReachParts {
  readonly clients: SiteClients;
  readonly sites: StoreSites;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** The configuration, to be named in commands. */
  readonly file: string;
}

const BUCKETS_AT_ONCE = 8;

/** Asks every end of every replication. */
export async function checkReach(settings: RunSettings, parts: ReachParts): Promise<CommandResult> {
  const ends = settings.replications.flatMap((one) => [
    { replication: one, end: "source" as const, place: one.source },
    ...[...one.destinations.values()].map((place) => ({ replication: one, end: "destination" as const, place })),
  ]);
  const reached = await sideBySide(ends, BUCKETS_AT_ONCE, async ({ replication, end, place }): Promise<Reached> => {
    const { site, bucket } = place;
    const known = await parts.sites.known(place);
    const about = {
      replication: replication.name,
      end,
      site,
      bucket,
      ...known,
      known: basisWords(known, probeLine(place, parts.file)),
    };
    try {
      const wrong = await whatIsWrong(replication, end, place, parts);
      return { ...about, ok: wrong === undefined, says: wrong ?? "ready", reached: true };
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      return { ...about, ok: false, says: refusalWords(error, bucket), reached: false };
    }
  });
  reached.push(...(await sideBySide(settings.watched, BUCKETS_AT_ONCE, (one) => reachWatched(one, parts))));
  reached.push(...(await sideBySide(settings.queues, BUCKETS_AT_ONCE, (one) => reachQueue(one, parts))));
  return { status: statusOf(reached), value: { ends: reached }, words: () => words(reached) };
}

/** Looks at a queue and takes nothing off it. */
async function reachQueue(settings: QueueSettings, { environment, clock }: ReachParts): Promise<Reached> {
  const { site, url } = settings;
  const about = { replication: "", end: "queue" as const, site, bucket: url };
  const queue = openQueue(settings, environment, clock);
  try {
    const { messages, hasDeadLetters } = await queue.attributes();
    const count = plural(messages, "message");
    if (hasDeadLetters) return { ...about, ok: true, says: `ready, about ${count} waiting`, reached: true };
    const says = `ready, about ${count} waiting; it has no redrive policy, so what nobody understands comes again and again`;
    return { ...about, ok: true, says, reached: true };
  } catch (error) {
    if (!(error instanceof AwsError || error instanceof S3Error)) throw error;
    return { ...about, ok: false, says: error.message, reached: false };
  } finally {
    await queue.close();
  }
}

/** Asks CloudWatch once, as the engine does. */
async function reachWatched(watched: WatchedSettings, { clients, clock }: ReachParts): Promise<Reached> {
  const { name, site, bucket } = watched;
  const about = { replication: name, end: "watched" as const, site, bucket };
  try {
    const read = readFlows({ clients, clock, watched: () => [watched] });
    const flows = await read(watched, clock.nowMs() - 60_000);
    return { ...about, ok: true, says: `ready, metrics of ${plural(flows.length, "rule")}`, reached: true };
  } catch (error) {
    if (!(error instanceof PublishedError)) throw error;
    return { ...about, ok: false, says: error.message, reached: error.cause === undefined };
  }
}

function statusOf(reached: readonly Reached[]): ExitStatus {
  if (reached.some((one) => !one.reached)) return 3;
  return reached.every((one) => one.ok) ? 0 : 1;
}

/** @throws S3Error when the bucket cannot be reached */
async function whatIsWrong(
  replication: ReplicationSettings,
  end: Reached["end"],
  place: Place,
  { clients, sites }: ReachParts,
): Promise<string | undefined> {
  const { store, settings }: SiteClient = clients.client(place.site);
  const { bucket } = place;
  await settings.headBucket(bucket);
  const versioning = await settings.getBucketVersioning(bucket);
  if (versioning !== "Enabled") {
    return `its versioning is ${versioning ?? "off"}: enable it (PutBucketVersioning, Status Enabled)`;
  }
  await store.listObjectVersions({ bucket, maxKeys: 1 });
  // Assuming the role is the first thing that a session does.
  if (replication.roleArn !== undefined && clients.isAws(place.site)) {
    await clients.client(place.site, replication.roleArn).settings.headBucket(bucket);
  }
  if (end === "destination" || replication.configuration !== undefined) return undefined;
  const configuration = await sites.readConfiguration(replication);
  if (configuration === undefined)
    return "it has no replication configuration: put one, or write the rules in the file";
  const unplaced = configuration.rules.find((one) => !replication.destinations.has(one.destination.bucketArn));
  if (unplaced === undefined) return undefined;
  const { bucketArn } = unplaced.destination;
  return `its rule ${unplaced.id} replicates to ${bucketArn}: add it under destinations of ${replication.name}`;
}

/** What the engine goes by, of every bucket: a line each; none where the store is Amazon S3 itself, which is known. */
export async function basisLines(sites: StoreSites, file: string): Promise<string[]> {
  const lines = await Promise.all(
    sites.places().map(async (place) => {
      const known = await sites.known(place);
      if (known.profile === PROFILES.aws.name && known.basis.kind === "assumed") return [];
      return `${place.site}/${place.bucket}: ${basisWords(known, probeLine(place, file))}`;
    }),
  );
  return [...new Set(lines.flat())];
}

function probeLine({ site, bucket }: Place, file: string): string {
  return `lockstep probe s3://${bucket} --site ${site} -c ${file}`;
}

/** Answers to HEAD have no words of their own. */
function refusalWords({ fields, message }: S3Error, bucket: string): string {
  if (fields.operation !== "HeadBucket") return message;
  if (fields.status === 404) return `there is no bucket ${bucket}: create it with versioning, or correct its name`;
  if (fields.status === 403)
    return `the credentials may not look at ${bucket}: allow them s3:ListBucket, or correct them`;
  return message;
}

function words(reached: readonly Reached[]): string {
  const table = new Table({ head: ["replication", "end", "site", "bucket", "says"], style: { head: [], border: [] } });
  for (const { replication, end, site, bucket, ok, says } of reached) {
    table.push([replication, end, site, bucket, ok ? styled("green", says) : styled("red", says)]);
  }
  const lines = reached.flatMap(({ site, bucket, known }) =>
    known === undefined ? [] : [`${site}/${bucket}: ${known}`],
  );
  return [table.toString(), ...new Set(lines)].join("\n");
}
