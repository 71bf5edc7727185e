/** Whose stores the sites of a configuration are, where neither it nor their addresses tell: their answers may. */
import { S3Error } from "../../s3/errors.ts";
import { PROFILES } from "../../s3/profiles.ts";
import { recognise } from "../../s3/recognise.ts";
import { type Reading, settingsIn } from "../config/reading.ts";
import type { RunSettings, SiteSettings } from "../config/settings.ts";
import type { Context } from "../context.ts";

/**
 * The settings with the profiles of stores that answered, and how their servers name themselves; what does not answer
 * stays as it was written or guessed.
 */
export async function withProfiles(settings: RunSettings): Promise<RunSettings> {
  const sites = await Promise.all([...settings.sites.values()].map(withProfile));
  return { ...settings, sites: new Map(sites.map((one) => [one.name, one])) };
}

/** The settings in a file with those profiles, or the answer that says what is wrong with it. */
export async function recognisedIn(file: string, context: Context): Promise<Reading> {
  const read = settingsIn(file, context);
  return "refused" in read ? read : { settings: await withProfiles(read.settings) };
}

async function withProfile(site: SiteSettings): Promise<SiteSettings> {
  if (!site.isProfileGuessed && site.profile.name === PROFILES.aws.name) return site;
  try {
    const { profile, by, server } = await recognise(site.endpoint, site.ca === undefined ? {} : { ca: site.ca });
    // How to address it was settled with the file: the endpoint may have no names for buckets.
    const isTold = site.isProfileGuessed && by === "answer";
    return { ...site, ...(isTold ? { profile } : {}), ...(server === undefined ? {} : { server }) };
  } catch (error) {
    if (error instanceof S3Error) return site;
    throw error;
  }
}
