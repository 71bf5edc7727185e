/**
 * Finds versions that were never tried though a rule takes them now: written before the rule, while it was disabled, or
 * when it did not select them. Walks the bucket; versions that the ledger knows are passed over.
 *
 * When it is asked to, it also finds those that arrived, but not where the rules lead now: COMPLETED at a destination that
 * was changed or has lost them, and replicas, which are not replicated on by themselves.
 */
import { bucketOfArn } from "../core/arn.ts";
import { eligibility } from "../core/eligibility.ts";
import type { ChangeEvent, ObjectVersion, ReplicationConfiguration, ReplicationStatus, Rule } from "../core/model.ts";
import type { Ledger, NewTask } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ListedVersion, Store } from "../s3/store.ts";
import { newTask } from "./intake.ts";
import { changedMetadata } from "./metadata-drift.ts";
import { missingTasks } from "./missing.ts";
import type { Clock, Sites } from "./ports.ts";
import { markerOf, objectOf } from "./source-version.ts";

export interface UntriedOptions {
  readonly bucket: string;
  readonly prefix?: string;
  /** Where to go on: what is before has been dealt with. */
  readonly from?: UntriedCursor;
  /** Only versions that show one of these; NONE for none. Those that have arrived are looked for at the destinations. */
  readonly statuses: ReadonlySet<ReplicationStatus | "NONE">;
  /** Whether tags, retention and holds of those that have arrived are compared, and brought where they differ. */
  readonly metadata?: boolean;
  readonly configuration: ReplicationConfiguration;
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
}

/** Versions that are looked at side by side. */
const HEADS_AT_ONCE = 16;

/**
 * How far a walk has come. Destinations whose replicas have ids of their own are compared one after another, in the order
 * of their names; what is left is found in one walk over the bucket.
 */
export type UntriedCursor =
  | { readonly in: "destination"; readonly destinationArn: string; readonly afterKey: string }
  | { readonly in: "bucket"; readonly keyMarker: string; readonly versionIdMarker: string }
  | { readonly in: "end" };

/** What one page of the bucket holds. */
export interface UntriedPage {
  readonly tasks: readonly NewTask[];
  /** Where to go on when the page has been dealt with. */
  readonly upTo: UntriedCursor;
  /** Versions of which the bucket's own account may not read more than the name: what rules make of them is not known. */
  readonly unreadable: number;
}

/** Yields what there is to add, page by page. */
export async function* untriedTasks(options: UntriedOptions, signal: AbortSignal): AsyncGenerator<UntriedPage> {
  const { from } = options;
  if (from?.in === "end") return;
  const { rules } = options.configuration;
  const minting = await mintingDestinations(options);
  const compared = options.statuses.has("NONE") && from?.in !== "bucket" ? [...minting].toSorted() : [];
  for (const destinationArn of compared) {
    if (from?.in === "destination" && destinationArn < from.destinationArn) continue;
    const isBegun = from?.in === "destination" && destinationArn === from.destinationArn;
    const behind = isBegun ? { afterKey: from.afterKey } : {};
    const { metadata, ...search } = options;
    const drift = metadata === true ? { metadata: "all" as const } : {};
    const pages = missingTasks({ ...search, ...drift, ...behind, destinationArn, origin: "resync" }, signal);
    for await (const { tasks, unreadable, upToKey } of pages) {
      yield { tasks, unreadable, upTo: { in: "destination", destinationArn, afterKey: upToKey } };
    }
  }
  const others = rules.filter((one) => !minting.has(one.destination.bucketArn));
  if (others.length === 0) return;
  yield* walk({ ...options, configuration: { ...options.configuration, rules: others } }, signal);
}

/** Where replicas have ids of their own no status tells what is there: only the two listings together do. */
async function mintingDestinations({ configuration, sites }: UntriedOptions): Promise<ReadonlySet<string>> {
  const minting = new Set<string>();
  for (const { destination } of configuration.rules) {
    const traits = await sites.traits(bucketOfArn(destination.bucketArn) ?? "");
    if (traits.mintsVersionIds === true) minting.add(destination.bucketArn);
  }
  return minting;
}

async function* walk(options: UntriedOptions, signal: AbortSignal): AsyncGenerator<UntriedPage> {
  const { bucket, prefix, sites, ledger, from } = options;
  const store = sites.reader(bucket);
  let next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined =
    from?.in === "bucket" ? { keyMarker: from.keyMarker, versionIdMarker: from.versionIdMarker } : undefined;
  do {
    const request = { bucket, ...(prefix === undefined ? {} : { prefix }), ...next };
    const page = await store.listObjectVersions(request, { signal });
    const rows = await ledger.ofVersions(
      page.versions.map((one) => ({ bucket, key: one.key, versionId: one.versionId })),
    );
    const unknown = page.versions.filter((_, index) => rows[index]?.length === 0);
    const found = await sideBySide(unknown, HEADS_AT_ONCE, (one) => tasksOfVersion(options, store, one, signal));
    next = page.next;
    yield {
      tasks: found.flatMap((one) => (one === "unreadable" ? [] : one)),
      unreadable: found.filter((one) => one === "unreadable").length,
      upTo: next === undefined ? { in: "end" } : { in: "bucket", ...next },
    };
  } while (next !== undefined && !signal.aborted);
}

async function tasksOfVersion(
  options: UntriedOptions,
  store: Store,
  listed: ListedVersion,
  signal: AbortSignal,
): Promise<NewTask[] | "unreadable"> {
  const { bucket, configuration, clock, statuses } = options;
  const version = listed.isDeleteMarker
    ? markerOf({ bucket, ...listed })
    : await objectOf(store, { bucket, ...listed }, configuration, signal);
  if (version === undefined) return [];
  if (version === "unreadable") return version;
  const { replicationStatus: status = "NONE" } = version;
  // No store shows the status of a delete marker: it may have arrived.
  const mayHaveArrived = version.isDeleteMarker || status === "COMPLETED" || status === "REPLICA";
  if (!statuses.has(status) && !(version.isDeleteMarker && statuses.has("COMPLETED"))) return [];
  const operation = version.isDeleteMarker ? "deleteMarker" : "put";
  const { replicationStatus: _, ...asWritten } = version;
  const { taken } = eligibility(configuration, asWritten, operation);
  const event: ChangeEvent = { operation, version, atMs: clock.nowMs() };
  const missing = mayHaveArrived ? await rulesWithoutReplica(options, version, taken, signal) : taken;
  const tasks = missing.map((rule) => newTask(event, targetOf(rule), "resync"));
  if (options.metadata !== true || status !== "COMPLETED") return tasks;
  const there = taken.filter((rule) => !missing.includes(rule));
  return [...tasks, ...(await driftTasks(options, version, there, signal))];
}

function targetOf({ id, destination }: Rule): { readonly ruleId: string; readonly destinationArn: string } {
  return { ruleId: id, destinationArn: destination.bucketArn };
}

/** What of the metadata is to be brought to replicas that are there under the version's own id. */
async function driftTasks(
  { sites, configuration, clock }: UntriedOptions,
  version: ObjectVersion,
  rules: readonly Rule[],
  signal: AbortSignal,
): Promise<NewTask[]> {
  const { bucket, key, versionId } = version;
  const tasks: NewTask[] = [];
  for (const rule of rules) {
    const { destinationArn } = targetOf(rule);
    const target = bucketOfArn(destinationArn) ?? destinationArn;
    const stores = { source: sites.reader(bucket), destination: sites.reader(target) };
    const refs = { source: { bucket, key, versionId }, destination: { bucket: target, key, versionId } };
    for (const operation of await readableDrift(() => changedMetadata(stores, refs, "all", signal))) {
      const { taken } = eligibility(configuration, version, operation);
      if (!taken.includes(rule)) continue;
      tasks.push(newTask({ operation, version, atMs: clock.nowMs() }, targetOf(rule), "resync"));
    }
  }
  return tasks;
}

/** Of what may not be read nobody knows how it differs. */
async function readableDrift<Found>(compare: () => Promise<readonly Found[]>): Promise<readonly Found[]> {
  try {
    return await compare();
  } catch (error) {
    if (error instanceof S3Error && error.status === 403) return [];
    throw error;
  }
}

/** Whether a version has arrived is seen at the destination: an object is there, a marker is a 405. */
async function rulesWithoutReplica(
  options: UntriedOptions,
  version: ObjectVersion,
  rules: readonly Rule[],
  signal: AbortSignal,
): Promise<readonly Rule[]> {
  const missing: Rule[] = [];
  for (const rule of rules) {
    const bucket = bucketOfArn(rule.destination.bucketArn) ?? rule.destination.bucketArn;
    const { key, versionId } = version;
    try {
      await options.sites.reader(bucket).headObject({ bucket, key, versionId }, { signal });
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      // Only a definite 404 is absence; what could not be told is left alone.
      if (error.status === 404) missing.push(rule);
    }
  }
  return missing;
}
