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
import { KeyMerge, type Side } from "../core/audit/merge.ts";
import { compareKeys } from "../core/keys.ts";
import type { NewTask, TaskOrigin } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import type { ListedVersion, Store, VersionPage } from "../s3/store.ts";
import { newTask } from "./intake.ts";
import { HEADS_AT_ONCE, type Judged, PairSearch, type SearchOptions } from "./pair-search.ts";

export interface MissingOptions extends SearchOptions {
  readonly prefix?: string;
  /** Only keys behind it. */
  readonly afterKey?: string;
  /** Only keys up to it; asked again for every page. */
  readonly upToKey?: () => string | undefined;
  /** Of the tasks that are made. */
  readonly origin: TaskOrigin;
}

/** What some keys that stand together have come to. */
export interface MissingPage extends Omit<Judged, "changes"> {
  /** To be added in this order: within a key the oldest version first. */
  readonly tasks: readonly NewTask[];
  /** Nothing is left to say of keys up to this one. */
  readonly upToKey: string;
}

/** Looks at versions, and both listings. */
const CALLS_AT_ONCE = 2 * HEADS_AT_ONCE;

/** Yields what there is to add, keys in order. Ends early when the signal is aborted. */
export async function* missingTasks(options: MissingOptions, stop: AbortSignal): AsyncGenerator<MissingPage> {
  const signal = AbortSignal.any([stop]);
  // Every call under way listens to it: that is no leak.
  setMaxListeners(CALLS_AT_ONCE, signal);
  const { sites, bucket, destinationArn, afterKey } = options;
  const prefix = prefixOfWalk(options);
  if (prefix === undefined) return;
  const target = bucketOfArn(destinationArn) ?? "";
  const from = { prefix, ...(afterKey === undefined ? {} : { afterKey }) };
  const listings: Readonly<Record<Side, Listing>> = {
    source: new Listing(sites.reader(bucket), { bucket, ...from }),
    destination: new Listing(sites.reader(target), { bucket: target, ...from }),
  };
  const search = await PairSearch.open(options);
  const merge = new KeyMerge<ListedVersion>();
  while (!signal.aborted) {
    const upToKey = options.upToKey?.();
    const taken = merge.take();
    const pairs = upToKey === undefined ? taken : taken.filter((one) => compareKeys(one.key, upToKey) <= 0);
    const isAtEnd = pairs.length < taken.length;
    const wanted = isAtEnd ? [] : merge.wants();
    const [judged] = await Promise.all([
      search.judge(pairs, signal),
      Promise.all(wanted.map((side) => listings[side].next(merge, side, signal))),
    ]);
    const last = pairs.at(-1);
    if (last !== undefined) {
      const { changes, ...counted } = judged;
      const tasks = changes.flatMap((one) => one.taken.map((rule) => newTask(one, rule, options.origin)));
      yield { ...counted, tasks, upToKey: last.key };
    }
    if (wanted.length === 0) return;
  }
}

/** What all keys begin with that a walk may have something to say of; undefined when there are none. */
export function prefixOfWalk({
  configuration,
  destinationArn,
  prefix = "",
}: Pick<MissingOptions, "configuration" | "destinationArn" | "prefix">): string | undefined {
  const rules = configuration.rules.filter((one) => one.enabled && one.destination.bucketArn === destinationArn);
  const prefixes = rules.map((one) => one.prefix).filter((one) => overlaps(one, prefix));
  return prefixes.length === 0 ? undefined : longest(prefix, commonPrefix(prefixes));
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

  async next(merge: KeyMerge<ListedVersion>, side: Side, signal: AbortSignal): Promise<void> {
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
