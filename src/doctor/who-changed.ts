/**
 * Who changed a document between its reading and its writing: asked of CloudTrail's event history when a patch is refused
 * for it, and never before. Where the history cannot tell, the words say how to find out.
 */
import { AwsError } from "../aws/errors.ts";
import { bucketOfArn, parseArn } from "../core/arn.ts";
import type { Patch } from "../core/diagnose/report.ts";
import { areasOfDocument, type Change } from "../core/logs/change.ts";
import { LogReader } from "../core/logs/log-reader.ts";
import { isoSecond, WINDOW_MS } from "../core/logs/onset.ts";
import type { Surroundings } from "./ports.ts";

/** Newest first; what came before those says nothing of how the document is now. */
const CHANGES_SHOWN_MAX = 3;
/** IAM's and S3's changes need a while to be everywhere: what was read may be as old as this. */
const SPREADING_MS = 60_000;
/** Events of IAM and Organizations are told in one Region only. */
const GLOBAL_REGION = "us-east-1";

/**
 * A sentence without its full stop: the changes of the document since then, or how to look for them.
 *
 * @param sinceMs when the document was read; undefined: nobody knows, and a day is looked at
 */
export async function whoChanged(
  surroundings: Surroundings,
  patch: Patch,
  sinceMs: number | undefined,
): Promise<string | undefined> {
  const { trail, clock } = surroundings;
  if (trail === undefined) return undefined;
  const toMs = clock();
  const fromMs = (sinceMs ?? toMs - WINDOW_MS) - SPREADING_MS;
  const lookup = { resourceName: nameOf(patch), region: await regionOf(surroundings, patch), fromMs, toMs };
  const byHand =
    `aws cloudtrail lookup-events --region ${lookup.region} --start-time ${isoSecond(fromMs)} ` +
    `--lookup-attributes AttributeKey=ResourceName,AttributeValue=${lookup.resourceName}`;
  try {
    const shown = changesIn(await trail.events(lookup), patch, sinceMs);
    if (shown.length > 0) return `CloudTrail shows ${shown.map(words).join(", before that ")}`;
    return `CloudTrail does not show yet by whom; within some 15 minutes this does: ${byHand}`;
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return `CloudTrail could not be asked by whom (${error.message}); who may look finds it with: ${byHand}`;
  }
}

/** Those after the reading; without any, those that may not have been everywhere when it was read. */
function changesIn(events: readonly string[], { target }: Patch, sinceMs: number | undefined): readonly Change[] {
  const reader = new LogReader();
  for (const one of events) reader.event(one);
  const areas = areasOfDocument(target);
  const found = reader.changes.filter((one) => one.areas.some((area) => areas.includes(area)));
  // Events are dated to a second.
  const since = found.filter((one) => one.atMs >= Math.floor((sinceMs ?? 0) / 1000) * 1000);
  return (since.length > 0 ? since : found).toSorted((a, b) => b.atMs - a.atMs).slice(0, CHANGES_SHOWN_MAX);
}

function words({ event, by, atMs }: Change): string {
  return `${event} by ${by} at ${isoSecond(atMs)}`;
}

/** As CloudTrail knows it: the name of a bucket or role, the ARN of a key or managed policy. */
function nameOf({ resource, name }: Patch): string {
  if (name?.startsWith("arn:") === true) return name;
  const arn = parseArn(resource);
  const isRole = arn?.service === "iam" && arn.resource.startsWith("role/");
  return bucketOfArn(resource) ?? (isRole ? resource.slice(resource.lastIndexOf("/") + 1) : resource);
}

async function regionOf(surroundings: Surroundings, { resource }: Patch): Promise<string> {
  const bucket = bucketOfArn(resource);
  const region = bucket === undefined ? parseArn(resource)?.region : (await surroundings.bucket(bucket)).region;
  return region === undefined || region === "" ? GLOBAL_REGION : region;
}
