/** Audits that nobody watches: by the clock in `run`, when somebody asks for one in `up`. Cut off, they go on the next time. */
import type { AuditEnds } from "../../doctor/audit/ports.ts";
import type { Surroundings } from "../../doctor/ports.ts";
import type { WatchResult } from "../../monitor/history.ts";
import type { AuditSettings } from "../config/schedules-section.ts";
import type { ReplicationSettings } from "../config/settings.ts";
import { runAudit } from "./auditing.ts";
import { bucketEnds } from "./bucket-ends.ts";
import { type SiteEndsParts, siteEnds } from "./site-ends.ts";
import { verifyOf } from "./wish.ts";

/** How they are run, besides. */
export interface ScheduledAudit {
  readonly settings: AuditSettings;
  readonly clock: () => number;
  readonly signal: AbortSignal;
}

/** A replication, with each of its destinations. @throws as `runAudit` does, and UsageError where no rule leads there */
export async function replicationAudits(
  { name, source, destinations }: ReplicationSettings,
  parts: SiteEndsParts,
  scheduled: ScheduledAudit,
): Promise<readonly WatchResult[]> {
  const results: WatchResult[] = [];
  for (const destinationArn of destinations.keys()) {
    const ends = await siteEnds(parts, { bucket: source.name, destinationArn });
    results.push(await audited({ subject: name, destinationArn, ends }, scheduled));
  }
  return results;
}

/** A bucket of AWS or the lab, with where its rules lead. @throws likewise */
export async function bucketAudits(
  bucket: string,
  {
    surroundings,
    destinations,
  }: { readonly surroundings: Surroundings; readonly destinations: ReadonlyMap<string, string> },
  scheduled: ScheduledAudit,
): Promise<readonly WatchResult[]> {
  const results: WatchResult[] = [];
  for (const [destinationArn, destination] of destinations) {
    const ends = await bucketEnds(surroundings, { source: bucket, destination });
    results.push(await audited({ subject: bucket, destinationArn, ends }, scheduled));
  }
  return results;
}

async function audited(
  one: { readonly subject: string; readonly destinationArn: string; readonly ends: AuditEnds },
  { settings, clock, signal }: ScheduledAudit,
): Promise<WatchResult> {
  const { ends, ...named } = one;
  const { directory, olderThanMs, oneWay } = settings;
  const verify = settings.verify === undefined ? undefined : verifyOf(settings.verify);
  const request = { ...named, olderThanMs, oneWay, resume: true, ...(verify === undefined ? {} : { verify }) };
  const { summary } = await runAudit(request, { ends, directory, clock, signal });
  return summary;
}
