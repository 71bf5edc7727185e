/**
 * Two ordered listings of versions, side by side: which keys both have, and what of the source is at the destination.
 *
 * Pages go in as they come, keys come out as soon as both listings are past them, so memory is a page of each side and
 * one key. Nothing here reads a store or knows a rule: whoever asks decides what a missing version means.
 */
import { compareKeys } from "../keys.ts";

export type Side = "source" | "destination";

/** What has to be known of a listed version. */
export interface VersionRow {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
}

/** All versions of one key on both sides, the newest first, as they are listed. */
export interface KeyPair<Row> {
  readonly key: string;
  readonly source: readonly Row[];
  readonly destination: readonly Row[];
}

/** Merges the pages of two listings key by key. */
export class KeyMerge<Row extends { readonly key: string }> {
  readonly #sides: Readonly<Record<Side, Listing<Row>>> = { source: new Listing(), destination: new Listing() };

  /** Takes the next page of a side. False when its keys are not in order: then nothing can be said of them. */
  push(side: Side, rows: readonly Row[], isLast: boolean): boolean {
    return this.#sides[side].push(rows, isLast);
  }

  /** The keys that both listings are past, in order, each once. */
  take(): KeyPair<Row>[] {
    const { source, destination } = this.#sides;
    const pairs: KeyPair<Row>[] = [];
    for (;;) {
      const key = this.#lowest();
      if (key === undefined || !source.isPast(key) || !destination.isPast(key)) return pairs;
      pairs.push({ key, source: source.take(key), destination: destination.take(key) });
    }
  }

  /** The sides whose next page decides what comes out next; none when both are at their end. */
  wants(): Side[] {
    const key = this.#lowest();
    return (["source", "destination"] as const).filter((side) => !this.#sides[side].isPast(key));
  }

  #lowest(): string | undefined {
    const [one, other] = [this.#sides.source.key, this.#sides.destination.key];
    if (one === undefined || other === undefined) return one ?? other;
    return compareKeys(one, other) <= 0 ? one : other;
  }
}

/** What has come of one listing and is not taken yet. */
class Listing<Row extends { readonly key: string }> {
  #rows: Row[] = [];
  /** Rows before it are taken. */
  #from = 0;
  #ended = false;

  /** The lowest key that is left. */
  get key(): string | undefined {
    return this.#rows[this.#from]?.key;
  }

  push(rows: readonly Row[], isLast: boolean): boolean {
    let last = this.#rows.at(-1)?.key;
    for (const { key } of rows) {
      if (last !== undefined && compareKeys(last, key) > 0) return false;
      last = key;
    }
    this.#rows = [...this.#rows.slice(this.#from), ...rows];
    this.#from = 0;
    this.#ended = isLast;
    return true;
  }

  /** Whether all rows of the key are here, if it has any; of no key: whether the listing has ended. */
  isPast(key: string | undefined): boolean {
    if (this.#ended) return true;
    const last = this.#rows.at(-1)?.key;
    return this.key !== undefined && key !== undefined && last !== undefined && compareKeys(last, key) > 0;
  }

  take(key: string): Row[] {
    let to = this.#from;
    while (this.#rows[to]?.key === key) to++;
    const taken = this.#rows.slice(this.#from, to);
    this.#from = to;
    return taken;
  }
}

/** What is known of one version of the source. */
export type Verdict<Row> =
  | { readonly version: Row; readonly state: "there"; readonly replica: Row }
  /** It was replicated, and somebody has removed the replica for good since. */
  | { readonly version: Row; readonly state: "removed"; readonly replicaVersionId: string }
  /** With `newerIsThere` it comes late: where ids are minted it could only be put on top of newer versions. */
  | { readonly version: Row; readonly state: "missing"; readonly newerIsThere: boolean };

export interface KeyMatch<Row> {
  /** One for each version of the source, the oldest first. */
  readonly verdicts: readonly Verdict<Row>[];
  /** Versions of the destination that are no replica as far as is known, the oldest first. */
  readonly unexplained: readonly Row[];
}

/**
 * Says of every version of a key where its replica is.
 *
 * A replica has its source's version id, or the one that is known of it; ETags, sizes and dates prove nothing.
 *
 * @param replicaIds of the key's source versions, where the destination minted ids of its own
 */
export function matchKey<Row extends VersionRow>(
  pair: KeyPair<Row>,
  replicaIds: ReadonlyMap<string, string>,
): KeyMatch<Row> {
  const unexplained = new Map(pair.destination.map((one) => [one.versionId, one]));
  let newerIsThere = false;
  const newestFirst = pair.source.map((version): Verdict<Row> => {
    const replicaVersionId = replicaIds.get(version.versionId);
    const found = unexplained.get(replicaVersionId ?? version.versionId);
    if (found !== undefined && found.isDeleteMarker === version.isDeleteMarker) {
      unexplained.delete(found.versionId);
      newerIsThere = true;
      return { version, state: "there", replica: found };
    }
    if (replicaVersionId !== undefined) return { version, state: "removed", replicaVersionId };
    return { version, state: "missing", newerIsThere };
  });
  return { verdicts: newestFirst.toReversed(), unexplained: [...unexplained.values()].reverse() };
}

/**
 * Pairs delete markers, which can carry no mark, by their place: between two versions whose replicas are known, the
 * first missing marker of the source goes with the first unexplained one of the destination, and so on.
 *
 * A marker that somebody else made in that place is as good: the key is deleted there either way.
 *
 * @param destination all versions of the key there, the newest first
 */
export function pairMarkers<Row extends VersionRow>(
  match: KeyMatch<Row>,
  destination: readonly Row[],
): { readonly version: Row; readonly replica: Row }[] {
  const places = new Map(destination.toReversed().map((one, place) => [one.versionId, place]));
  const free = match.unexplained.filter((one) => one.isDeleteMarker);
  const pairs: { version: Row; replica: Row }[] = [];
  let waiting: Row[] = [];
  let from = 0;
  const settle = (before: number) => {
    while (from < free.length) {
      const replica = free[from];
      if (replica === undefined || (places.get(replica.versionId) ?? 0) > before) break;
      const version = waiting.shift();
      if (version !== undefined) pairs.push({ version, replica });
      from++;
    }
    waiting = [];
  };
  for (const verdict of match.verdicts) {
    if (verdict.state === "there") settle(places.get(verdict.replica.versionId) ?? 0);
    else if (verdict.state === "missing" && verdict.version.isDeleteMarker) waiting.push(verdict.version);
  }
  settle(Number.POSITIVE_INFINITY);
  return pairs;
}
