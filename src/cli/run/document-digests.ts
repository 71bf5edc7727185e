/**
 * Digests of what decides about replications between stores: each one's own settings and rules, and, where the store is AWS,
 * the policies of its buckets. To tell whether any of it has changed.
 */
import { createHash } from "node:crypto";
import type { DocumentDigest } from "../../monitor/alerts/drift.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Place, ReplicationSettings } from "../config/settings.ts";
import { bucketPolicyName, rulesName } from "../document-names.ts";
import type { SiteClients } from "./clients.ts";
import type { StoreSites } from "./store-sites.ts";

/** What cannot be read now is left out. */
export async function documentDigests(
  replications: readonly ReplicationSettings[],
  { sites, clients }: { readonly sites: StoreSites; readonly clients: SiteClients },
): Promise<readonly DocumentDigest[]> {
  const found = await Promise.all(replications.map((one) => ofReplication(one, sites, clients)));
  return found.flat();
}

async function ofReplication(
  replication: ReplicationSettings,
  sites: StoreSites,
  clients: SiteClients,
): Promise<DocumentDigest[]> {
  const { name, source, destinations, roleArn, propagateDeletes } = replication;
  const places = [source, ...destinations.values()];
  const settings = { source, destinations: [...destinations], roleArn, propagateDeletes };
  const read = await Promise.all([
    digested(name, rulesName(source.name), async () => JSON.stringify(await sites.configuration(source.name))),
    ...places.map((place) => policyOf(name, place, clients)),
  ]);
  const own = { replication: name, what: "the replication's settings", digest: digestOf(JSON.stringify(settings)) };
  return [own, ...read.flatMap((one) => one ?? [])];
}

async function policyOf(replication: string, place: Place, clients: SiteClients): Promise<DocumentDigest | undefined> {
  // Other stores answer this in so many ways that nothing could be said of a change.
  if (!clients.isAws(place.site)) return undefined;
  const { settings } = clients.client(place.site);
  return await digested(replication, bucketPolicyName(place.name), () => settings.getBucketPolicy(place.bucket));
}

async function digested(
  replication: string,
  what: string,
  read: () => Promise<string | undefined>,
): Promise<DocumentDigest | undefined> {
  try {
    const text = await read();
    return { replication, what, digest: text === undefined ? "none" : digestOf(text) };
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}

/** Hex SHA-256. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
