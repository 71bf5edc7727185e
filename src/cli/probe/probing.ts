/**
 * What `probe` does: finds out whose store it is, announces what it will write, tries it, words what was found. A bucket
 * of a configuration's site is tried with the site's credentials, and what was found is kept for `run`.
 */
import { randomUUID } from "node:crypto";
import type { AwsAccess } from "../../aws/access.ts";
import type { ProbeReport } from "../../engine/probe/model.ts";
import { capabilitiesOf, findingsOf, plannedWrites, probe, probePrefix } from "../../engine/probe.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { assumedCapabilities } from "../../s3/capabilities.ts";
import { createS3Client, type S3Client } from "../../s3/client.ts";
import { S3Error } from "../../s3/errors.ts";
import { isProfileName, PROFILES, type ProviderProfile } from "../../s3/profiles.ts";
import { type Recognised, recognise } from "../../s3/recognise.ts";
import type { BucketSettings } from "../../s3/settings.ts";
import type { Store } from "../../s3/store.ts";
import { systemClock } from "../clock.ts";
import type { CommandInput, CommandResult, ExitStatus } from "../command.ts";
import type { SiteSettings } from "../config/settings.ts";
import { accessOf } from "../connection.ts";
import { type Context, styled } from "../context.ts";
import { UsageError } from "../errors.ts";
import { SiteClients } from "../run/clients.ts";
import { keepProbe } from "../run/kept-probes.ts";
import { openRunLedger } from "../run/open-ledger.ts";
import { recognisedIn } from "../run/recognised.ts";
import { planWords, probeWords, writesLine } from "./words.ts";

export interface ProbeRequest {
  readonly bucket: string;
  readonly provider?: string;
}

/** What a probe would write. */
export function probePlan(bucket: string): CommandResult {
  const writes = plannedWrites();
  const prefix = probePrefix("ID");
  const value = {
    bucket,
    prefix,
    dryRun: true,
    writes: writes.map((one) => ({ ...one, key: `${prefix}${one.name}` })),
  };
  return { status: 0, value, words: () => planWords(bucket, prefix, writes) };
}

/** One bucket of a site, and where what is found is kept. */
export interface SiteProbeRequest {
  readonly bucket: string;
  readonly site: string;
  /** The configuration. */
  readonly file: string;
}

/** Tries it as the engine would meet it: with the site's credentials, in its dialect, within its limits. */
export async function probeSiteBucket(request: SiteProbeRequest, context: Context): Promise<CommandResult> {
  const { bucket, file } = request;
  const read = await recognisedIn(file, context);
  if ("refused" in read) return read.refused;
  const { settings } = read;
  const site = settings.sites.get(request.site);
  if (site === undefined) {
    throw new UsageError(`--site is one of ${[...settings.sites.keys()].join(", ")} in ${file}, not "${request.site}"`);
  }
  const clients = new SiteClients({ environment: context.environment, clock: systemClock(context.clock) });
  // Before anything is written: what is found is to be kept.
  const ledger = await openRunLedger(settings.ledgerUrl);
  try {
    clients.use(settings.sites);
    const client = clients.client(site.name);
    await client.credentials();
    const report = await tryBucket(client.store, client.settings, bucket, context);
    const kept = await keep(ledger, site, report);
    const { endpoint, profile, isProfileGuessed } = site;
    const by = isProfileGuessed ? (profile.name === PROFILES.generic.name ? "nothing" : "answer") : "name";
    const result = resultOf(report, endpoint, { profile, by });
    return {
      status: result.status,
      value: { ...(result.value as object), site: site.name, kept: kept.isKept },
      words: () => `${result.words()}\n${kept.says}`,
    };
  } finally {
    await clients.close();
    await ledger.close();
  }
}

/** What a running engine reads within minutes, and every later one. */
async function keep(ledger: Ledger, site: SiteSettings, report: ProbeReport) {
  // Of a bucket that was not even reached nothing was found, and what was known of it is true as before.
  if (Object.keys(report.found).length === 0)
    return { isKept: false, says: "Nothing was found out that could be kept." };
  await keepProbe(ledger, site, report);
  return {
    isKept: true,
    says: `Kept for lockstep run: it goes by this for ${site.name}/${report.bucket} from now on.`,
  };
}

export async function probeBucket(
  request: ProbeRequest,
  input: CommandInput,
  context: Context,
): Promise<CommandResult> {
  const { bucket, provider } = request;
  const access = accessOf(input, context);
  // Before anything is asked: credentials that are not there are no finding of the probe.
  await access.credentials();
  const recognised = await recogniseStore(access, provider);
  const client = await clientFor(bucket, access, recognised.profile, context.clock);
  try {
    return resultOf(await tryBucket(client, client, bucket, context), access.endpoint ?? "aws", recognised);
  } finally {
    await client.close();
  }
}

async function tryBucket(
  store: Store,
  settings: BucketSettings,
  bucket: string,
  context: Context,
): Promise<ProbeReport> {
  const isLive = context.stderr.isTTY === true;
  const id = randomUUID();
  if (isLive) context.stderr.write(`${writesLine(bucket, probePrefix(id), plannedWrites())}\n`);
  const report = await probe(store, settings, {
    bucket,
    id,
    clock: systemClock(context.clock),
    signal: context.interrupted,
    onPhase: (phase) => {
      if (isLive) context.stderr.write(`\r\u001b[K${phase} ...`);
    },
  });
  if (isLive) context.stderr.write("\r\u001b[K");
  return report;
}

function resultOf(report: ProbeReport, endpoint: string, { profile, by }: Recognised): CommandResult {
  const capabilities = capabilitiesOf(report, assumedCapabilities(profile.known));
  const { bucket, prefix, startedAtMs, endedAtMs, checks, left } = report;
  const value = {
    bucket,
    endpoint,
    provider: { name: profile.name, toldBy: by },
    prefix,
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(endedAtMs).toISOString(),
    checks,
    left,
    capabilities,
  };
  return { status: statusOf(report), value, words: () => probeWords(report, profile.name, styled) };
}

function statusOf(report: ProbeReport): ExitStatus {
  const findings = findingsOf(report).filter(({ code }) => code !== "untried");
  if (findings.some(({ id }) => id === "reach.answer" || id === "auth.credentials")) return 3;
  return findingsOf(report).length > 0 ? 1 : 0;
}

async function recogniseStore(access: AwsAccess, provider: string | undefined): Promise<Recognised> {
  if (provider !== undefined) {
    if (!isProfileName(provider)) {
      throw new UsageError(`--provider is one of ${Object.keys(PROFILES).join(", ")}, not "${provider}"`);
    }
    return { profile: PROFILES[provider], by: "name" };
  }
  const { endpoint } = access;
  if (endpoint === undefined) return { profile: PROFILES.aws, by: "name" };
  try {
    return await recognise(endpoint);
  } catch (error) {
    // Nobody answers: the probe's first phase says so in its own words.
    if (error instanceof S3Error) return { profile: PROFILES.generic, by: "nothing" };
    throw error;
  }
}

/** In the bucket's own Region, where the store has several and tells which one it is. */
async function clientFor(
  bucket: string,
  access: AwsAccess,
  profile: ProviderProfile,
  clock: () => number,
): Promise<S3Client> {
  const { credentials } = access;
  const clientIn = (region: string) => {
    const endpoint = access.endpoint ?? `https://s3.${region}.amazonaws.com`;
    return createS3Client({ endpoint, region, credentials, profile, clock });
  };
  const first = clientIn(access.region);
  const region = await first.headBucket(bucket).then(
    (told) => told.region,
    (error: unknown) => (error instanceof S3Error ? error.fields.details?.["Region"] : undefined),
  );
  if (region === undefined || region === access.region) return first;
  await first.close();
  return clientIn(region);
}
