/** What `run` looks at by the clock: from the section `schedules` to what each kind does between the stores. */
import { randomUUID } from "node:crypto";
import { probe } from "../../engine/probe.ts";
import type { WatchResult } from "../../monitor/history.ts";
import type { Schedule } from "../../monitor/schedules.ts";
import { S3Error } from "../../s3/errors.ts";
import { flyCanaries, keptOf } from "../canary/canarying.ts";
import { TIMEOUT_MS } from "../canary/flights.ts";
import { type SitesParts, worldOfReplication } from "../canary/worlds.ts";
import type { CanarySettings, ScheduleSettings } from "../config/schedules-section.ts";
import type { ReplicationSettings, RunSettings, SiteSettings } from "../config/settings.ts";
import { openConnection } from "../connection.ts";
import type { Context } from "../context.ts";
import { lintedBucket, probeResult, rehearsedBucket } from "../watches/results.ts";
import { keepProbe } from "./kept-probes.ts";

export interface ScheduleParts extends SitesParts {
  readonly context: Pick<Context, "clock">;
}

/** The schedules of a configuration; subjects are its replications. */
export function schedulesOf(settings: RunSettings, parts: ScheduleParts): readonly Schedule[] {
  return settings.schedules.flatMap((one) => {
    const { kind, when, jitterMs } = one;
    return replicationsOf(one, settings).map((replication) => ({
      kind,
      subject: replication.name,
      when,
      jitterMs,
      run: (signal: AbortSignal) => watch(one, { replication, settings, parts }, signal),
    }));
  });
}

function replicationsOf({ kind, replications: wanted }: ScheduleSettings, settings: RunSettings) {
  return settings.replications
    .filter((one) => wanted === undefined || wanted.includes(one.name))
    .filter((one) => (kind !== "lint" && kind !== "rehearse") || one.configuration === undefined);
}

interface Watched {
  readonly replication: ReplicationSettings;
  readonly settings: RunSettings;
  readonly parts: ScheduleParts;
}

async function watch(one: ScheduleSettings, watched: Watched, signal: AbortSignal): Promise<readonly WatchResult[]> {
  const { replication, parts } = watched;
  const { name, source } = replication;
  switch (one.kind) {
    case "canary":
      return await canaries(one.canary, watched, signal);
    case "audit": {
      const { sites, ledger, context } = parts;
      const { replicationAudits } = await import("../audit/of-schedule.ts");
      return await replicationAudits(
        replication,
        { sites, ledger },
        { settings: one.audit, clock: context.clock, signal },
      );
    }
    case "probe":
      return await probes(watched, signal);
    case "lint": {
      const { settings } = parts.clients.client(source.site);
      return [await lintedBucket(name, { bucket: source.bucket, settings }, parts.context.clock)];
    }
    case "rehearse":
      return [await rehearsal(watched)];
  }
}

async function canaries(
  { timeoutMs, ...options }: CanarySettings,
  { replication, settings, parts }: Watched,
  signal: AbortSignal,
): Promise<readonly WatchResult[]> {
  const world = await worldOfReplication(replication, parts);
  const patience = { timeoutMs: timeoutMs ?? settings.scanEveryMs + TIMEOUT_MS };
  const flight = { subject: replication.name, world, options: { ...options, ...patience } };
  return (await flyCanaries(flight, signal)).map(keptOf);
}

/** Every destination, as the engine meets it; what is found is kept for the engine to go by. */
async function probes({ replication, parts }: Watched, signal: AbortSignal): Promise<readonly WatchResult[]> {
  const { clients, ledger, clock } = parts;
  const results: WatchResult[] = [];
  for (const [arn, { site, bucket }] of replication.destinations) {
    const { store, settings } = clients.client(site);
    const report = await probe(store, settings, { bucket, id: randomUUID(), clock, signal });
    const known = clients.site(site);
    if (known !== undefined && Object.keys(report.found).length > 0) await keepProbe(ledger, known, report);
    results.push(probeResult(replication.name, arn, report));
  }
  return results;
}

/** As somebody with the source site's credentials; nobody sees its progress. */
async function rehearsal({ replication, parts }: Watched): Promise<WatchResult> {
  const { clients, context } = parts;
  const { name, source } = replication;
  const site = clients.site(source.site);
  if (site === undefined)
    throw new S3Error(`there is no site ${source.site}`, { operation: "Connect", network: "protocol" });
  const { credentials } = clients.client(source.site);
  const access = { region: site.region, credentials, ...endpointOf(site) };
  const connection = await openConnection(access, context.clock, undefined);
  try {
    return await rehearsedBucket(name, { bucket: source.bucket, connection }, context.clock);
  } finally {
    await connection.close();
  }
}

/** AWS's own services have addresses of their own. */
function endpointOf({ endpoint }: SiteSettings): { readonly endpoint?: string } {
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(endpoint).hostname) ? {} : { endpoint };
}
