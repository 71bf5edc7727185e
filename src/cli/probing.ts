/** What `probe` does: finds out whose store it is, announces what it will write, tries it, words what was found. */
import { randomUUID } from "node:crypto";
import type { AwsAccess } from "../aws/access.ts";
import type { ProbeReport } from "../engine/probe/model.ts";
import { capabilitiesOf, findingsOf, plannedWrites, probe, probePrefix } from "../engine/probe.ts";
import { assumedCapabilities } from "../s3/capabilities.ts";
import { createS3Client, type S3Client } from "../s3/client.ts";
import { S3Error } from "../s3/errors.ts";
import { isProfileName, PROFILES, type ProviderProfile } from "../s3/profiles.ts";
import { type Recognised, recognise } from "../s3/recognise.ts";
import { systemClock } from "./clock.ts";
import type { CommandInput, CommandResult, ExitStatus } from "./command.ts";
import { accessOf } from "./connection.ts";
import { type Context, styled } from "./context.ts";
import { UsageError } from "./errors.ts";
import { planWords, probeWords, writesLine } from "./probe-words.ts";

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
  const isLive = context.stderr.isTTY === true;
  try {
    const id = randomUUID();
    if (isLive) context.stderr.write(`${writesLine(bucket, probePrefix(id), plannedWrites())}\n`);
    const report = await probe(client, client, {
      bucket,
      id,
      clock: systemClock(context.clock),
      signal: context.interrupted,
      onPhase: (phase) => {
        if (isLive) context.stderr.write(`\r\u001b[K${phase} ...`);
      },
    });
    if (isLive) context.stderr.write("\r\u001b[K");
    return resultOf(report, access, recognised);
  } finally {
    await client.close();
  }
}

function resultOf(report: ProbeReport, access: AwsAccess, { profile, by }: Recognised): CommandResult {
  const capabilities = capabilitiesOf(report, assumedCapabilities(profile.known));
  const { bucket, prefix, startedAtMs, endedAtMs, checks, left } = report;
  const value = {
    bucket,
    endpoint: access.endpoint ?? "aws",
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
