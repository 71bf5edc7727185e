/**
 * What of some keys is not at a destination, once their versions at both ends are listed: the rows of a scan, or one key
 * that a notification named.
 *
 * The order of questions makes the answer safe while others work; `missing.ts` says which and why.
 */

import { bucketOfArn } from "../core/arn.ts";
import { type KeyMatch, type KeyPair, matchKey, pairMarkers } from "../core/audit/merge.ts";
import { eligibility } from "../core/eligibility.ts";
import type { ChangeEvent, ReplicationConfiguration } from "../core/model.ts";
import type { NoticedChange } from "../core/notifications/notice.ts";
import type { KnownReplica, Ledger, NewTask } from "../ledger/ledger.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ListedVersion } from "../s3/store.ts";
import { headIfThere } from "./head-if-there.ts";
import { holdsReplicasName, MARK, markOf } from "./mark.ts";
import { type ComparedMetadata, changedMetadata } from "./metadata-drift.ts";
import type { BucketTraits, Clock, Sites } from "./ports.ts";
import { wasScanned } from "./scan-checkpoint.ts";
import { asListed, objectOf } from "./source-version.ts";

export interface SearchOptions {
  readonly bucket: string;
  readonly destinationArn: string;
  readonly configuration: ReplicationConfiguration;
  /** What of versions that are there is compared besides; nothing when it is left out. */
  readonly metadata?: ComparedMetadata;
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
}

/** A change, and the rules of the destination that take it. */
export type TakenChange = ChangeEvent & Required<Pick<ChangeEvent, "taken">>;

/** What some keys have come to. */
export interface Judged {
  /** Within a key the oldest version first. */
  readonly changes: readonly TakenChange[];
  /** Versions of the source that were looked at. */
  readonly versions: number;
  /** Missing, but older than what is there: the destination could only put them on top. */
  readonly late: number;
  /** Versions whose account does not let them be read: what rules make of them is not known. */
  readonly unreadable: number;
  /** Delete markers that a replication into this bucket may be writing right now: to be looked at once more. */
  readonly unsettled: number;
}

export const NOTHING_JUDGED: Judged = { changes: [], versions: 0, late: 0, unreadable: 0, unsettled: 0 };

/** Looks at versions at once. */
export const HEADS_AT_ONCE = 16;

export class PairSearch {
  readonly #options: SearchOptions;
  readonly #mints: boolean;
  readonly #takesGrants: boolean;
  readonly #readsHeads: boolean;
  readonly #propagatesDeletes: boolean;

  private constructor(options: SearchOptions, traits: BucketTraits, readsHeads: boolean) {
    this.#options = options;
    this.#mints = traits.mintsVersionIds === true;
    this.#takesGrants = traits.takesGrants !== false;
    this.#readsHeads = readsHeads;
    this.#propagatesDeletes = options.sites.propagatesDeletes?.(options.bucket) === true;
  }

  static async open(options: SearchOptions): Promise<PairSearch> {
    const { sites, bucket, destinationArn, ledger, configuration } = options;
    const traits = await sites.traits(bucketOfArn(destinationArn) ?? "");
    const tagsDecide = configuration.rules.some((one) => one.tags.length > 0);
    const holdsReplicas = (await ledger.checkpoint(holdsReplicasName(bucket))) !== undefined;
    // Listings do not tell enough for rules that ask for tags, nor replicas from what others wrote.
    return new PairSearch(options, traits, tagsDecide || holdsReplicas);
  }

  /** @param pairs all versions of keys that stand together, the keys in order */
  async judge(pairs: readonly KeyPair<ListedVersion>[], signal: AbortSignal): Promise<Judged> {
    const removed = this.#propagatesDeletes ? await this.#removedAt(pairs) : [];
    const judged = await this.#judgeThere(pairs, signal);
    return removed.length === 0 ? judged : { ...judged, changes: [...judged.changes, ...removed] };
  }

  async #judgeThere(pairs: readonly KeyPair<ListedVersion>[], signal: AbortSignal): Promise<Judged> {
    const here = pairs.filter((one) => one.source.length > 0);
    const versions = here.reduce((sum, one) => sum + one.source.length, 0);
    const unmatched = here.flatMap(absentIds);
    if (unmatched.length === 0 && this.#options.metadata === undefined) return { ...NOTHING_JUDGED, versions };
    const range = { fromKey: here[0]?.key ?? "", toKey: here.at(-1)?.key ?? "" };
    // What the map holds is done for good. Of the others it is asked whether they are under way, and then the map once
    // more: what has ended in between is in it by then.
    const done = await this.#known(range);
    const open = unmatched.filter(({ key, versionId }) => done.get(key)?.has(versionId) !== true);
    const underWay = open.length === 0 ? NONE_UNDER_WAY : await this.#underWay(open);
    const known = open.length === 0 ? done : await this.#known(range);
    const written = await this.#writtenByOthers(range);
    const missing: ListedVersion[] = [];
    const there: ReplicatedVersion[] = [];
    let late = 0;
    for (const pair of here) {
      const match = await this.#match(pair, known.get(pair.key) ?? new Map(), underWay, signal);
      for (const verdict of match.verdicts) {
        if (verdict.state === "there") there.push({ version: verdict.version, replica: verdict.replica });
        if (verdict.state !== "missing") continue;
        const name = nameOf(verdict.version);
        if (underWay.has(name) || written.has(name)) continue;
        if (this.#mints && verdict.newerIsThere) late += 1;
        else missing.push(verdict.version);
      }
    }
    const found = await this.#found(missing, signal);
    const drifted = await this.#drifted(there, signal);
    return { ...found, changes: [...found.changes, ...drifted], versions, late };
  }

  /**
   * Judges one key by its source alone: undefined when only the destination can tell what is missing.
   *
   * After a scan everything that was there before is accounted for, so what nobody has accounted for is new. The newest
   * versions may be added then without a look at the destination, as long as all behind them are accounted for.
   *
   * @param source all versions of one key
   */
  async judgeNewest(source: readonly ListedVersion[], signal: AbortSignal): Promise<Judged | undefined> {
    const { ledger, bucket, destinationArn, configuration } = this.#options;
    const [newest] = source;
    // What went from the source is found by looking at what is there.
    if (this.#propagatesDeletes) return undefined;
    if (newest === undefined) return NOTHING_JUDGED;
    if (!this.#mints || !(await wasScanned(ledger, { bucket, destinationArn, configuration }))) return undefined;
    const { key } = newest;
    const underWay = await this.#underWay(source);
    const known = (await this.#known({ fromKey: key, toKey: key })).get(key);
    const written = await this.#writtenByOthers({ fromKey: key, toKey: key });
    const isAccountedFor = (one: ListedVersion) =>
      underWay.has(nameOf(one)) || known?.has(one.versionId) === true || written.has(nameOf(one));
    const first = source.findIndex(isAccountedFor);
    const fresh = first === -1 ? source : source.slice(0, first);
    if (!source.slice(fresh.length).every(isAccountedFor)) return undefined;
    return { ...(await this.#found(fresh.toReversed(), signal)), versions: source.length };
  }

  /**
   * Replicas whose source versions are not listed any more: what the ledger remembers, and the destination still has. A
   * listing proves no absence: the task looks again. Without the ledger's map nothing is removed.
   */
  async #removedAt(pairs: readonly KeyPair<ListedVersion>[]): Promise<TakenChange[]> {
    const there = pairs.filter((one) => one.destination.length > 0);
    const [first, last] = [there[0], there.at(-1)];
    if (first === undefined || last === undefined) return [];
    const known = await this.#known({ fromKey: first.key, toKey: last.key });
    const { bucket, ledger } = this.#options;
    const gone = there.flatMap(({ key, source, destination }) => {
      const listed = new Set(source.map((one) => one.versionId));
      const replicas = new Map(destination.map((one) => [one.versionId, one]));
      return [...(known.get(key) ?? [])].flatMap(([versionId, replicaVersionId]) => {
        const replica = replicas.get(replicaVersionId);
        return listed.has(versionId) || replica === undefined ? [] : [{ ...replica, versionId }];
      });
    });
    if (gone.length === 0) return [];
    const rows = await ledger.ofVersions(gone.map(({ key, versionId }) => ({ bucket, key, versionId })));
    const { destinationArn } = this.#options;
    return gone
      .filter(
        (_, index) => !rows[index]?.some((one) => one.operation === "delete" && one.destinationArn === destinationArn),
      )
      .flatMap((one) => this.#removal(one));
  }

  /** By the first rule that writes there: which one had taken the version nobody knows any more. */
  #removal(listed: ListedVersion): TakenChange[] {
    const { bucket, configuration, destinationArn, clock } = this.#options;
    const rule = configuration.rules.find(
      (one) => one.enabled && one.destination.bucketArn === destinationArn && listed.key.startsWith(one.prefix),
    );
    if (rule === undefined) return [];
    const taken = [{ ruleId: rule.id, destinationArn }];
    return [{ operation: "delete", version: asListed(bucket, listed), atMs: clock.nowMs(), taken }];
  }

  /** What a change of a version's metadata calls for: nothing, unless the version has been replicated or is being. */
  async metadataChanges(listed: ListedVersion, operation: MetadataOperation): Promise<TakenChange[]> {
    const { ledger, bucket, destinationArn } = this.#options;
    const { key, versionId } = listed;
    if (listed.isDeleteMarker || (operation === "acl" && !this.#takesGrants)) return [];
    const isUnderWay = (await this.#underWay([listed])).size > 0;
    if (!isUnderWay && this.#mints) {
      if ((await ledger.replicaOf({ bucket, key, versionId }, destinationArn)) === undefined) return [];
    }
    return this.#metadataChange(listed, operation);
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
  async #recognise(match: KeyMatch<ListedVersion>, signal: AbortSignal): Promise<ReplicatedVersion[]> {
    const { sites, bucket, destinationArn } = this.#options;
    const target = bucketOfArn(destinationArn) ?? "";
    const missing = match.verdicts.flatMap((one) =>
      one.state === "missing" && !one.version.isDeleteMarker ? [one.version] : [],
    );
    const byMark = new Map(missing.map((one) => [markOf({ bucket, ...one }), one]));
    const sizes = new Set(missing.map((one) => one.sizeBytes));
    const candidates = match.unexplained.filter((one) => !one.isDeleteMarker && sizes.has(one.sizeBytes));
    const found = await sideBySide(candidates, HEADS_AT_ONCE, async (replica): Promise<ReplicatedVersion[]> => {
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

  async #remember(found: readonly ReplicatedVersion[]): Promise<void> {
    const { ledger, bucket, destinationArn } = this.#options;
    const replicas = found.map(({ version, replica }): KnownReplica => {
      const { key, versionId } = version;
      return { version: { bucket, key, versionId }, destinationArn, replicaVersionId: replica.versionId };
    });
    if (replicas.length > 0) await ledger.rememberReplicas(replicas);
  }

  /** What is to be done of missing versions. */
  async #found(missing: readonly ListedVersion[], signal: AbortSignal): Promise<Judged> {
    const found = await sideBySide(missing, HEADS_AT_ONCE, (one) => this.#changesOf(one, signal));
    return {
      ...NOTHING_JUDGED,
      changes: found.flatMap((one) => (typeof one === "string" ? [] : one)),
      unreadable: found.filter((one) => one === "unreadable").length,
      unsettled: found.filter((one) => one === "unsettled").length,
    };
  }

  async #changesOf(listed: ListedVersion, signal: AbortSignal): Promise<TakenChange[] | "unreadable" | "unsettled"> {
    const { bucket, configuration, sites } = this.#options;
    if (listed.isDeleteMarker) {
      const origin = await this.#originOf(listed);
      if (origin !== undefined) return origin === "unsettled" ? origin : [];
    }
    const version =
      this.#readsHeads && !listed.isDeleteMarker
        ? await objectOf(sites.reader(bucket), { bucket, ...listed }, configuration, signal)
        : asListed(bucket, listed);
    if (version === undefined) return [];
    if (version === "unreadable") return version;
    return this.#taken(version.isDeleteMarker ? "deleteMarker" : "put", version);
  }

  /**
   * Whether a marker is a replica, which it does not show: the map tells, but only when its task has ended. The store
   * may send its notification before that.
   */
  async #originOf(marker: ListedVersion): Promise<"replica" | "unsettled" | undefined> {
    const { ledger, sites, bucket } = this.#options;
    const { key } = marker;
    for (const origin of sites.origins?.(bucket) ?? []) {
      const selection = { ...origin, key, operation: "deleteMarker" } as const;
      const { tasks } = await ledger.list(selection, { limit: MARKERS_UNDER_WAY_MAX });
      const mayBeWritten = tasks.some((one) => one.state === "leased" || (one.state === "waiting" && one.attempts > 0));
      if (mayBeWritten) return "unsettled";
    }
    const written = await this.#writtenByOthers({ fromKey: key, toKey: key });
    return written.has(nameOf(marker)) ? "replica" : undefined;
  }

  async #drifted(there: readonly ReplicatedVersion[], signal: AbortSignal): Promise<TakenChange[]> {
    const { sites, bucket, destinationArn, metadata } = this.#options;
    if (metadata === undefined) return [];
    const target = bucketOfArn(destinationArn) ?? "";
    const ends = { source: sites.reader(bucket), destination: sites.reader(target) };
    const objects = there.filter(({ version }) => !version.isDeleteMarker);
    const found = await sideBySide(objects, HEADS_AT_ONCE / 2, async ({ version, replica }) => {
      const { key, versionId } = version;
      const refs = {
        source: { bucket, key, versionId },
        destination: { bucket: target, key, versionId: replica.versionId },
      };
      const operations = await changedMetadata(ends, refs, metadata, signal);
      return operations.flatMap((one) => this.#metadataChange(version, one));
    });
    return found.flat();
  }

  #metadataChange(listed: ListedVersion, operation: MetadataOperation): TakenChange[] {
    // It was admitted when it was written, or it would not be there.
    return this.#taken(operation, { ...asListed(this.#options.bucket, listed), replicationStatus: "COMPLETED" });
  }

  #taken(operation: ChangeEvent["operation"], version: ChangeEvent["version"]): TakenChange[] {
    const { configuration, destinationArn, clock } = this.#options;
    const { taken } = eligibility(configuration, version, operation);
    const rules = taken.filter((rule) => rule.destination.bucketArn === destinationArn);
    if (rules.length === 0) return [];
    return [
      { operation, version, atMs: clock.nowMs(), taken: rules.map((one) => ({ ruleId: one.id, destinationArn })) },
    ];
  }
}

/** What a change of metadata makes a task of. */
export type MetadataOperation = Exclude<NoticedChange, "versions">;

/** More than a lane can have begun. */
const MARKERS_UNDER_WAY_MAX = 100;

const NONE_UNDER_WAY: ReadonlySet<string> = new Set();

interface KeyRange {
  readonly fromKey: string;
  readonly toKey: string;
}

interface ReplicatedVersion {
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
