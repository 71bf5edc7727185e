/**
 * What probes have found out of the buckets of a configuration. It is kept in the configuration's ledger, as one small
 * text for each bucket of a site, and counts before what is assumed of the provider.
 *
 * It counts no more when the site has another endpoint or profile, or its server names itself otherwise, than at the time
 * of the probe. With time alone it grows old, and counts all the same.
 */
import type { ProbeReport } from "../../engine/probe/model.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { assumedCapabilities, type Capabilities } from "../../s3/capabilities.ts";
import { PROFILES } from "../../s3/profiles.ts";
import type { SiteSettings } from "../config/settings.ts";

/** Another number: a text that this program does not read. */
const FORMAT = 1;
const DAY_MS = 86_400_000;
/** After so long a probe is to be repeated: stores are upgraded without telling. */
export const OLD_AFTER_MS = 30 * DAY_MS;

interface KeptProbe {
  readonly format: number;
  readonly probedAt: string;
  readonly endpoint: string;
  readonly profile: string;
  /** How the server named itself, if it did. */
  readonly server?: string;
  readonly found: Partial<Capabilities>;
}

/** A bucket of a site, at a time. */
export interface AskedBucket {
  readonly site: SiteSettings;
  readonly bucket: string;
  readonly nowMs: number;
}

/** Where capabilities come from. */
export type Basis =
  | { readonly kind: "probed"; readonly at: string; readonly isOld: boolean }
  /** `because`: why the probe that is kept does not count. */
  | { readonly kind: "assumed"; readonly because?: string };

export interface KnownBucket {
  /** Name of the site's profile. */
  readonly profile: string;
  readonly capabilities: Capabilities;
  readonly basis: Basis;
}

/** Keeps what a probe has found, in the place of an older one's findings. */
export async function keepProbe(
  ledger: Pick<Ledger, "setCheckpoint">,
  site: SiteSettings,
  { bucket, endedAtMs, found }: Pick<ProbeReport, "bucket" | "endedAtMs" | "found">,
): Promise<void> {
  const { endpoint, profile, server } = site;
  const kept: KeptProbe = {
    format: FORMAT,
    probedAt: new Date(endedAtMs).toISOString(),
    endpoint,
    profile: profile.name,
    ...(server === undefined ? {} : { server }),
    found,
  };
  await ledger.setCheckpoint(checkpointName(site.name, bucket), JSON.stringify(kept));
}

/** What the engine goes by. @param ledger undefined where there is none yet */
export async function knownBucket(
  ledger: Pick<Ledger, "checkpoint"> | undefined,
  { site, bucket, nowMs }: AskedBucket,
): Promise<KnownBucket> {
  const { profile } = site;
  const capabilities = assumedCapabilities(profile.known);
  const assumed = { profile: profile.name, capabilities, basis: { kind: "assumed" } } as const;
  const text = await ledger?.checkpoint(checkpointName(site.name, bucket));
  if (text === undefined) return assumed;
  const kept = JSON.parse(text) as KeptProbe;
  const because = whyInvalid(kept, site);
  if (because !== undefined) return { ...assumed, basis: { kind: "assumed", because } };
  const isOld = nowMs - Date.parse(kept.probedAt) > OLD_AFTER_MS;
  return {
    profile: profile.name,
    capabilities: { ...capabilities, ...kept.found },
    basis: { kind: "probed", at: kept.probedAt, isOld },
  };
}

function whyInvalid(kept: KeptProbe, { endpoint, profile, server }: SiteSettings): string | undefined {
  if (kept.format !== FORMAT) return "it was probed by another version of Lockstep";
  if (kept.endpoint !== endpoint) return `it was probed at ${kept.endpoint}`;
  if (kept.profile !== profile.name) return `it was probed as a ${kept.profile} store`;
  // A server that is away, or behind another proxy, says nothing.
  if (server !== undefined && kept.server !== undefined && kept.server !== server) {
    return `it was probed when its server was ${kept.server}, and that is ${server} now`;
  }
  return undefined;
}

/** One line for a person. @param probe the command that would find out */
export function basisWords({ profile, basis }: KnownBucket, probe: string): string {
  if (basis.kind === "probed") {
    return `probed ${basis.at.slice(0, 10)}${basis.isOld ? `, which is long ago: run ${probe}` : ""}`;
  }
  if (profile === PROFILES.aws.name && basis.because === undefined) return "known: it does as Amazon S3 does";
  const what = profile === PROFILES.generic.name ? "assumed to do the least" : `assumed to do as ${profile} does`;
  return `${what}${basis.because === undefined ? "" : `, for ${basis.because}`}: run ${probe}`;
}

function checkpointName(site: string, bucket: string): string {
  return `capabilities ${site}/${bucket}`;
}
