/**
 * Finds what of a bucket is not at a destination, by the listings of both: whatever was written before, while nobody
 * looked, or without a notification.
 *
 * Nothing is remembered of versions that are done but what the ledger's map holds, so the answer is right whatever has
 * happened in between. The order of questions makes it safe while others work: first both listings, then the tasks
 * that are under way, then the map. A task ends in one transaction with its row in the map, so a version that is in
 * neither has not been replicated.
 *
 * Where the map was lost it grows again here: replicas are known by their mark, delete markers by their place.
 */
import { setMaxListeners } from "node:events";
import { bucketOfArn } from "../core/arn.ts";
import { type KeyMatch, KeyMerge, type KeyPair, matchKey, pairMarkers, type Side } from "../core/audit/merge.ts";
import { eligibility } from "../core/eligibility.ts";
import type { ChangeEvent, ReplicationConfiguration } from "../core/model.ts";
import type { KnownReplica, Ledger, NewTask, TaskOrigin } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ListedVersion, Store, VersionPage } from "../s3/store.ts";
import { headIfThere } from "./head-if-there.ts";
import { newTask } from "./intake.ts";
import { holdsReplicasName, MARK, markOf } from "./mark.ts";
import type { Clock, Sites } from "./ports.ts";
import { asListed, objectOf } from "./source-version.ts";

export interface MissingOptions {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly configuration: ReplicationConfiguration;
  readonly prefix?: string;
  /** Only keys behind it. */
  readonly afterKey?: string;
  /** Of the tasks that are made. */
  readonly origin: TaskOrigin;
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
}

/** What some keys that stand together have come to. */
export interface MissingPage {
  /** To be added in this order: within a key the oldest version first. */
  readonly tasks: readonly NewTask[];
  /** Versions of the source that were looked at. */
  readonly versions: number;
  /** Missing, but older than what is there: the destination could only put them on top. */
  readonly late: number;
  /** Versions whose account does not let them be read: what rules make of them is not known. */
  readonly unreadable: number;
  /** Nothing is left to say of keys up to this one. */
  readonly upToKey: string;
}

const HEADS_AT_ONCE = 16;
/** Looks at versions, and both listings. */
const CALLS_AT_ONCE = 2 * HEADS_AT_ONCE;

/** Yields what there is to add, keys in order. Ends early when the signal is aborted. */
export async function* missingTasks(options: MissingOptions, stop: AbortSignal): AsyncGenerator<MissingPage> {
  const signal = AbortSignal.any([stop]);
  // Every call under way listens to it: that is no leak.
  setMaxListeners(CALLS_AT_ONCE, signal);
  const { sites, bucket, destinationArn, configuration, afterKey } = options;
  const rules = configuration.rules.filter((one) => one.enabled && one.destination.bucketArn === destinationArn);
  const prefixes = rules.map((one) => one.prefix).filter((one) => overlaps(one, options.prefix ?? ""));
  if (prefixes.length === 0) return;
  const prefix = longest(options.prefix ?? "", commonPrefix(prefixes));
  const target = bucketOfArn(destinationArn) ?? "";
  const from = { prefix, ...(afterKey === undefined ? {} : { afterKey }) };
  const listings: Readonly<Record<Side, Listing>> = {
    source: new Listing(sites.reader(bucket), { bucket, ...from }),
    destination: new Listing(sites.reader(target), { bucket: target, ...from }),
  };
  const search = await searchOf(options);
  const merge = new KeyMerge<ListedVersion>();
  while (!signal.aborted) {
    const pairs = merge.take();
    const wanted = merge.wants();
    const [page] = await Promise.all([
      search.judge(pairs, signal),
      ...wanted.map((side) => listings[side].next(merge, side, signal)),
    ]);
    if (page !== undefined) yield page;
    if (wanted.length === 0) return;
  }
}

/** One side's listing, page by page. */
class Listing {
  readonly #store: Store;
  readonly #request: { readonly bucket: string; readonly prefix: string };
  #next: VersionPage["next"] | { readonly keyMarker: string };

  constructor(store: Store, from: { readonly bucket: string; readonly prefix: string; readonly afterKey?: string }) {
    const { bucket, prefix, afterKey } = from;
    this.#store = store;
    this.#request = { bucket, prefix };
    if (afterKey !== undefined) this.#next = { keyMarker: afterKey };
  }

  async next(merge: KeyMerge<ListedVersion>, side: Side, signal: AbortSignal): Promise<undefined> {
    const page = await this.#store.listObjectVersions({ ...this.#request, ...this.#next }, { signal });
    this.#next = page.next;
    if (merge.push(side, page.versions, page.next === undefined)) return;
    const { bucket } = this.#request;
    throw new S3Error(`the listing of ${bucket} is not in the order of keys, so it cannot be compared`, {
      operation: "ListObjectVersions",
      bucket,
      network: "protocol",
    });
  }
}

interface Search {
  /** Undefined for no keys. */
  judge(pairs: readonly KeyPair<ListedVersion>[], signal: AbortSignal): Promise<MissingPage | undefined>;
}

async function searchOf(options: MissingOptions): Promise<Search> {
  const { sites, bucket, destinationArn, ledger, configuration } = options;
  const traits = await sites.traits(bucketOfArn(destinationArn) ?? "");
  const tagsDecide = configuration.rules.some((one) => one.tags.length > 0);
  const holdsReplicas = (await ledger.checkpoint(holdsReplicasName(bucket))) !== undefined;
  return new PairSearch(options, traits.mintsVersionIds === true, tagsDecide || holdsReplicas);
}

class PairSearch implements Search {
  readonly #options: MissingOptions;
  readonly #mints: boolean;
  readonly #readsHeads: boolean;

  /** @param readsHeads whether listings do not tell enough for the rules */
  constructor(options: MissingOptions, mints: boolean, readsHeads: boolean) {
    this.#options = options;
    this.#mints = mints;
    this.#readsHeads = readsHeads;
  }

  async judge(pairs: readonly KeyPair<ListedVersion>[], signal: AbortSignal): Promise<MissingPage | undefined> {
    const last = pairs.at(-1);
    if (last === undefined) return undefined;
    const here = pairs.filter((one) => one.source.length > 0);
    const versions = here.reduce((sum, one) => sum + one.source.length, 0);
    const nothing = { tasks: [], versions, late: 0, unreadable: 0, upToKey: last.key };
    const unmatched = here.flatMap(absentIds);
    if (unmatched.length === 0) return nothing;
    const underWay = await this.#underWay(unmatched);
    const range = { fromKey: here[0]?.key ?? "", toKey: here.at(-1)?.key ?? "" };
    const known = await this.#known(range);
    const written = await this.#writtenByOthers(range);
    const missing: ListedVersion[] = [];
    let late = 0;
    for (const pair of here) {
      const match = await this.#match(pair, known.get(pair.key) ?? new Map(), underWay, signal);
      for (const verdict of match.verdicts) {
        if (verdict.state !== "missing") continue;
        const name = nameOf(verdict.version);
        if (underWay.has(name) || written.has(name)) continue;
        if (this.#mints && verdict.newerIsThere) late += 1;
        else missing.push(verdict.version);
      }
    }
    const found = await sideBySide(missing, HEADS_AT_ONCE, (one) => this.#tasksOf(one, signal));
    const tasks = found.flatMap((one) => (one === "unreadable" ? [] : one));
    return { ...nothing, tasks, late, unreadable: found.filter((one) => one === "unreadable").length };
  }

  /** Versions that the ledger has a task for, waiting or FAILED. */
  async #underWay(versions: readonly ListedVersion[]): Promise<ReadonlySet<string>> {
    const { ledger, bucket, destinationArn } = this.#options;
    const rows = await ledger.ofVersions(versions.map(({ key, versionId }) => ({ bucket, key, versionId })));
    const undone = rows.flat().filter((one) => one.destinationArn === destinationArn && ADDING.has(one.operation));
    return new Set(undone.map((one) => nameOf(one.version)));
  }

  async #known(range: KeyRange): Promise<Map<string, Map<string, string>>> {
    const { ledger, bucket, destinationArn } = this.#options;
    const byKey = new Map<string, Map<string, string>>();
    if (!this.#mints) return byKey;
    for (const { version, replicaVersionId } of await ledger.replicasBetween({ bucket, destinationArn, ...range })) {
      const ofKey = byKey.get(version.key) ?? new Map<string, string>();
      byKey.set(version.key, ofKey.set(version.versionId, replicaVersionId));
    }
    return byKey;
  }

  /** Versions that are replicas themselves, of buckets that are replicated to here. */
  async #writtenByOthers(range: KeyRange): Promise<ReadonlySet<string>> {
    const { ledger, sites, bucket } = this.#options;
    const written = new Set<string>();
    for (const origin of sites.origins?.(bucket) ?? []) {
      for (const { version, replicaVersionId } of await ledger.replicasBetween({ ...origin, ...range })) {
        written.add(nameOf({ key: version.key, versionId: replicaVersionId }));
      }
    }
    return written;
  }

  async #match(
    pair: KeyPair<ListedVersion>,
    known: Map<string, string>,
    underWay: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<KeyMatch<ListedVersion>> {
    const match = matchKey(pair, known);
    const isWhole = match.verdicts.every((one) => one.state !== "missing");
    if (!this.#mints || isWhole || match.unexplained.length === 0) return match;
    const found = await this.#recognise(match, signal);
    for (const { version, replica } of found) known.set(version.versionId, replica.versionId);
    const markers = pairMarkers(matchKey(pair, known), pair.destination);
    for (const { version, replica } of markers) known.set(version.versionId, replica.versionId);
    // Its task has a say in when a version is done: its replica may be there, and its tags not yet.
    await this.#remember([...found, ...markers].filter(({ version }) => !underWay.has(nameOf(version))));
    return matchKey(pair, known);
  }

  /** Replicas among versions that nobody remembers, by the mark that they carry. */
  async #recognise(match: KeyMatch<ListedVersion>, signal: AbortSignal): Promise<FoundReplica[]> {
    const { sites, bucket, destinationArn } = this.#options;
    const target = bucketOfArn(destinationArn) ?? "";
    const missing = match.verdicts.flatMap((one) =>
      one.state === "missing" && !one.version.isDeleteMarker ? [one.version] : [],
    );
    const byMark = new Map(missing.map((one) => [markOf({ bucket, ...one }), one]));
    const sizes = new Set(missing.map((one) => one.sizeBytes));
    const candidates = match.unexplained.filter((one) => !one.isDeleteMarker && sizes.has(one.sizeBytes));
    const found = await sideBySide(candidates, HEADS_AT_ONCE, async (replica): Promise<FoundReplica[]> => {
      const { key, versionId } = replica;
      const head = await headIfThere(sites.reader(target), { bucket: target, key, versionId }, { signal });
      const version = byMark.get(head?.userMetadata[MARK] ?? "");
      return version === undefined ? [] : [{ version, replica }];
    });
    // Of several with one mark the oldest is the replica: the others are copies that somebody made of it.
    return [
      ...new Map(
        found
          .flat()
          .toReversed()
          .map((one) => [one.version.versionId, one]),
      ).values(),
    ];
  }

  async #remember(found: readonly FoundReplica[]): Promise<void> {
    const { ledger, bucket, destinationArn } = this.#options;
    const replicas = found.map(({ version, replica }): KnownReplica => {
      const { key, versionId } = version;
      return { version: { bucket, key, versionId }, destinationArn, replicaVersionId: replica.versionId };
    });
    if (replicas.length > 0) await ledger.rememberReplicas(replicas);
  }

  async #tasksOf(listed: ListedVersion, signal: AbortSignal): Promise<NewTask[] | "unreadable"> {
    const { bucket, destinationArn, configuration, sites, clock, origin } = this.#options;
    const version =
      this.#readsHeads && !listed.isDeleteMarker
        ? await objectOf(sites.reader(bucket), { bucket, ...listed }, configuration, signal)
        : asListed(bucket, listed);
    if (version === undefined) return [];
    if (version === "unreadable") return version;
    const operation = version.isDeleteMarker ? "deleteMarker" : "put";
    const { taken } = eligibility(configuration, version, operation);
    const event: ChangeEvent = { operation, version, atMs: clock.nowMs() };
    return taken
      .filter((rule) => rule.destination.bucketArn === destinationArn)
      .map((rule) => newTask(event, { ruleId: rule.id, destinationArn }, origin));
  }
}

interface KeyRange {
  readonly fromKey: string;
  readonly toKey: string;
}

interface FoundReplica {
  readonly version: ListedVersion;
  readonly replica: ListedVersion;
}

const ADDING: ReadonlySet<NewTask["operation"]> = new Set<NewTask["operation"]>(["put", "deleteMarker"]);

/** Versions that the destination does not have under their own id. */
function absentIds({ source, destination }: KeyPair<ListedVersion>): readonly ListedVersion[] {
  if (destination.length === 0) return source;
  const there = new Set(destination.map((one) => one.versionId));
  return source.filter((one) => !there.has(one.versionId));
}

/** No key holds what separates it from the version id here: ids have no line breaks. */
function nameOf({ key, versionId }: { readonly key: string; readonly versionId: string }): string {
  return `${versionId}\n${key}`;
}

function overlaps(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}

function longest(one: string, other: string): string {
  return one.length > other.length ? one : other;
}

function commonPrefix(prefixes: readonly string[]): string {
  return prefixes.reduce((common, one) => {
    let length = 0;
    while (length < common.length && common[length] === one[length]) length++;
    // Half of a surrogate pair is no prefix that can be asked for.
    const cut = common.slice(0, length);
    return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
  });
}
