/**
 * A replication of an engine as ends of an audit: its buckets at their sites, the ledger's map of ids, and the ledger's
 * word on what is missing. For `-c lockstep.yaml`, and for whoever audits by a schedule.
 */
import { bucketOfArn } from "../../core/arn.ts";
import { SKIP_CODES } from "../../core/diagnose/skips.ts";
import { eligibility, type SkipReason } from "../../core/eligibility.ts";
import { FAILURES, type FailureCode, isFailureCode } from "../../core/failures/catalogue.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import { SOURCE_REMOVED } from "../../doctor/audit/explain.ts";
import { listingEnd } from "../../doctor/audit/listing-end.ts";
import { GONE } from "../../doctor/audit/page.ts";
import type { AuditEnds, Explanation, KeyRange, KnownIds } from "../../doctor/audit/ports.ts";
import { headIfThere } from "../../engine/head-if-there.ts";
import { isMarked, MARK } from "../../engine/mark.ts";
import { prefixOfWalk } from "../../engine/missing.ts";
import type { Sites } from "../../engine/ports.ts";
import { markerOf, objectOf } from "../../engine/source-version.ts";
import type { Ledger, TaskRow } from "../../ledger/ledger.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { ListedVersion } from "../../s3/store.ts";
import { UsageError } from "../errors.ts";

export interface SiteEndsParts {
  readonly sites: Pick<Sites, "configuration" | "traits" | "reader" | "origins">;
  readonly ledger: Pick<Ledger, "ofVersions" | "replicasBetween">;
}

export interface SiteEndsRequest {
  /** The source, as the ledger calls it. */
  readonly bucket: string;
  readonly destinationArn: string;
  readonly prefix?: string;
}

const CALLS_AT_ONCE = 16;

/** @throws UsageError when no rule in force leads there, S3Error when a site is away */
export async function siteEnds(parts: SiteEndsParts, request: SiteEndsRequest): Promise<AuditEnds> {
  const { sites } = parts;
  const { bucket, destinationArn } = request;
  const configuration = await sites.configuration(bucket);
  const target = bucketOfArn(destinationArn) ?? destinationArn;
  const prefix =
    configuration === undefined
      ? undefined
      : prefixOfWalk({ configuration, destinationArn, prefix: request.prefix ?? "" });
  if (configuration === undefined || prefix === undefined)
    throw new UsageError(`no rule of ${bucket} that is in force leads to ${destinationArn}: nothing is to be compared`);
  const isMinting = (await sites.traits(target)).mintsVersionIds === true;
  const asked = { ...parts, bucket, destinationArn, target, configuration };
  return {
    source: listingEnd(sites.reader(bucket), { name: `s3://${bucket}`, bucket, prefix }),
    destination: listingEnd(sites.reader(target), { name: `s3://${target}`, bucket: target, prefix }),
    prefix,
    byPlace: isMinting,
    mark: MARK,
    ...(isMinting ? { known: (range: KeyRange) => knownIds(asked, range) } : {}),
    explain: (rows, signal) => explain(asked, rows, signal),
    explainExtra: (rows, signal) => sideBySide(rows, CALLS_AT_ONCE, (one) => explainExtra(asked, one, signal)),
  };
}

interface Asked extends SiteEndsParts {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly target: string;
  readonly configuration: ReplicationConfiguration;
}

/** What was replicated to there, and, where it is replicated both ways, what came from there. */
async function knownIds({ ledger, sites, bucket, destinationArn, target }: Asked, range: KeyRange): Promise<KnownIds> {
  const byKey = new Map<string, Map<string, string>>();
  const add = (key: string, here: string, there: string) => {
    const ofKey = byKey.get(key) ?? new Map<string, string>();
    byKey.set(key, ofKey.set(here, there));
  };
  for (const origin of sites.origins?.(bucket) ?? []) {
    if (origin.bucket !== target) continue;
    for (const { version, replicaVersionId } of await ledger.replicasBetween({ ...origin, ...range })) {
      add(version.key, replicaVersionId, version.versionId);
    }
  }
  for (const { version, replicaVersionId } of await ledger.replicasBetween({ bucket, destinationArn, ...range })) {
    add(version.key, version.versionId, replicaVersionId);
  }
  return byKey;
}

async function explain(
  asked: Asked,
  rows: readonly ListedVersion[],
  signal: AbortSignal,
): Promise<(Explanation | undefined)[]> {
  const { ledger, bucket, destinationArn } = asked;
  const tasks = await ledger.ofVersions(rows.map(({ key, versionId }) => ({ bucket, key, versionId })));
  const places = [...rows.entries()];
  return await sideBySide(places, CALLS_AT_ONCE, async ([index, row]) => {
    const task = tasks[index]?.find((one) => one.destinationArn === destinationArn);
    return task === undefined ? await whyNotTaken(asked, row, signal) : ofTask(task);
  });
}

function ofTask({ state, failure }: TaskRow): Explanation {
  const title = failure === undefined || !isFailureCode(failure.code) ? undefined : FAILURES[failure.code].title;
  if (state !== "parked") {
    const last = title === undefined ? "" : `; the last try: ${title}`;
    const says = `The version is PENDING: it is being replicated${last}`;
    return { status: "PENDING", reason: "NotThereYet", says, isExpected: false };
  }
  return { status: "FAILED", reason: failure?.code ?? "Unknown", says: title ?? "It FAILED", isExpected: false };
}

/** What a diagnosis calls a version that no rule takes, as far as an audit tells them apart. */
const SKIPS: Readonly<Record<SkipReason["reason"], FailureCode | "NotSelected">> = {
  ...SKIP_CODES,
  archived: "NotSelected",
  modificationsNotReplicated: "NotSelected",
  neverAdmitted: "NotSelected",
  ownerOverridden: "NotSelected",
  outranked: "NotSelected",
};

/** Undefined where a rule takes it: then it ought to be there. */
async function whyNotTaken(
  { sites, bucket, destinationArn, configuration }: Asked,
  row: ListedVersion,
  signal: AbortSignal,
): Promise<Explanation | undefined> {
  const version = row.isDeleteMarker
    ? markerOf({ bucket, ...row })
    : await objectOf(sites.reader(bucket), { bucket, ...row }, configuration, signal);
  if (version === undefined) return { reason: GONE, says: "It is not at the source any more", isExpected: true };
  if (version === "unreadable") return undefined;
  const own = configuration.rules.filter((one) => one.destination.bucketArn === destinationArn);
  const operation = row.isDeleteMarker ? "deleteMarker" : "put";
  const { outcomes, taken } = eligibility({ ...configuration, rules: own }, version, operation);
  if (taken.length > 0) return undefined;
  const reasons = outcomes.flatMap((one) => (one.taken ? [] : [one.because.reason]));
  // The rule that comes nearest says most.
  const because = reasons.find((one) => one !== "ruleDisabled" && one !== "prefixDiffers") ?? reasons[0];
  const reason = because === undefined ? "NotSelected" : SKIPS[because];
  const says = reason === "NotSelected" ? "No rule takes the version to this destination" : FAILURES[reason].title;
  return { reason, says, isExpected: true };
}

/** What nobody replicated there, or what has lost its source. */
async function explainExtra(
  { sites, bucket, target }: Asked,
  { key, versionId, isDeleteMarker }: ListedVersion,
  signal: AbortSignal,
): Promise<Explanation | undefined> {
  if (isDeleteMarker) return undefined;
  const head = await headIfThere(sites.reader(target), { bucket: target, key, versionId }, { signal });
  if (head === undefined) return { reason: GONE, says: "It is not at the destination any more", isExpected: true };
  const mark = head.userMetadata[MARK];
  if (mark !== undefined && isMarked(head.userMetadata, key)) {
    if (mark.startsWith(`${bucket}/`)) return SOURCE_REMOVED;
    const says = `It is the replica of a version of ${mark.slice(0, mark.indexOf("/"))}`;
    return { reason: "OtherSource", says, isExpected: true };
  }
  if (head.replicationStatus === "REPLICA") return SOURCE_REMOVED;
  return { reason: "WrittenThere", says: "It is no replica: somebody wrote it there", isExpected: false };
}
