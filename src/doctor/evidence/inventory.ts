/**
 * Diagnoses a bucket from an S3 Inventory: rows are counted by what decides about them, and a few of each kind are looked
 * at for what no inventory tells.
 *
 * What the samples of a kind come to holds for all of its rows where they agree. Where they do not, each counts for itself
 * and the others are left unexplained, with what would decide them. A sample that has changed since the inventory counts
 * as it is now.
 */

import { parseReplication } from "../../core/config/parse.ts";
import { Examination, type Weight } from "../../core/diagnose/diagnose.ts";
import type { Setup, VersionFacts } from "../../core/diagnose/facts.ts";
import type { InventoryManifest } from "../../core/evidence/inventory.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { ListedVersion } from "../../s3/store.ts";
import type { Surroundings } from "../ports.ts";
import { EvidenceError } from "./error.ts";
import { FailureLog } from "./failure-log.ts";
import { CsvTable } from "./inventory-csv.ts";
import { findDuckDb, openDuckDb } from "./inventory-duckdb.ts";
import { type InventoryGroup, type InventoryItem, lookedAtOf, versionOf, weightOf } from "./inventory-rows.ts";
import type { InventoryTable } from "./inventory-table.ts";
import { keyConditions } from "./key-conditions.ts";
import { lookAt } from "./look.ts";

/** An inventory whose files are here. */
export interface LocalInventory {
  readonly manifest: InventoryManifest;
  /** As a person would name it. */
  readonly name: string;
  /** In the order of the manifest's files. */
  readonly paths: readonly string[];
  /** For whatever does not fit into memory. */
  readonly directory: string;
}

export interface InventoryScope {
  readonly bucket: string;
  readonly prefix?: string;
}

export interface Examined {
  readonly setup: Setup;
  readonly examination: Examination;
  readonly rows: number;
  /** How many versions were looked at. */
  readonly looked: number;
}

/** Versions that are looked at by HEAD, at most. */
const LOOKED_MAX = 2000;
/** Versions of which a failure is recorded and that the inventory has not, looked at, at most. */
const UNSEEN_MAX = 1000;
/** What policies tell keys by can depend on the keys that samples are encrypted with; these again on none. */
const ROUNDS_MAX = 3;
const CURRENT_AT_ONCE = 16;

/** @throws EvidenceError when the inventory is not of this bucket, has no statuses, or cannot be read */
export async function examineInventory(
  surroundings: Surroundings,
  scope: InventoryScope,
  inventory: LocalInventory,
  log: FailureLog,
): Promise<Examined> {
  checkManifest(inventory, scope, log);
  const table = await openTable(inventory, scope.prefix ?? "");
  try {
    // Without version ids an engine's records cannot be told to be of the rows.
    const known = inventory.manifest.columns.includes("version_id") ? log : new FailureLog();
    return await examineTable(surroundings, scope, { inventory, table, log: known });
  } finally {
    await table.close();
  }
}

function checkManifest({ manifest, name }: LocalInventory, { bucket }: InventoryScope, log: FailureLog): void {
  const { sourceBucket, columns, format } = manifest;
  if (sourceBucket !== bucket)
    throw new EvidenceError(`${name} is an inventory of s3://${sourceBucket}, not of s3://${bucket}`);
  for (const [column, field] of [
    ["key", "Key"],
    ["replication_status", "ReplicationStatus"],
  ] as const) {
    if (!columns.includes(column))
      throw new EvidenceError(`${name} has no column ${field}: configure the inventory with it`);
  }
  if (format === "ORC") throw new EvidenceError(`${name} is in ORC: configure the inventory as Parquet or CSV`);
  if (log.isTold && !columns.includes("version_id"))
    throw new EvidenceError(
      `${name} has current versions only, and events and reports speak of all: configure it with IncludedObjectVersions=All`,
    );
}

async function openTable({ manifest, paths, directory }: LocalInventory, prefix: string): Promise<InventoryTable> {
  const duckDb = paths.length === 0 ? undefined : await findDuckDb();
  if (duckDb !== undefined) return await openDuckDb(duckDb, { manifest, paths, directory, prefix });
  if (manifest.format === "CSV" || paths.length === 0)
    return new CsvTable({ columns: manifest.columns, paths, prefix });
  throw new EvidenceError(
    "Parquet inventories need the optional package @duckdb/node-api, which is not installed or does not run here: " +
      "install it, or configure the inventory as CSV",
  );
}

interface Opened {
  readonly inventory: LocalInventory;
  readonly table: InventoryTable;
  readonly log: FailureLog;
}

async function examineTable(surroundings: Surroundings, scope: InventoryScope, opened: Opened): Promise<Examined> {
  const { table, log } = opened;
  let facts = await lookAt(surroundings, scope.bucket, { listed: [], records: [] });
  const unseen = log.size === 0 ? [] : await table.unseen(log, UNSEEN_MAX);
  let groups: readonly InventoryGroup[] = [];
  let known = "";
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const conditions = keyConditions(facts);
    const told = conditions.map((one) => one.sql).join();
    if (round > 0 && told === known) break;
    known = told;
    groups = await groupsOf(table, { conditions, byOwner: writersOwn(facts), log });
    const listed = await listedOf(surroundings, scope.bucket, chosen(groups), opened.inventory);
    const records = [...listed, ...unseen].flatMap(({ key, versionId }) =>
      log.of(key, versionId).map((one) => ({ key, versionId, ...one })),
    );
    facts = await lookAt(surroundings, scope.bucket, { listed, records });
  }
  const { versions, ...setup } = facts;
  const nameOf = naming(opened.inventory);
  const examination = new Examination({ ...setup, oldestCompletedMs: oldestCompleted(groups) });
  const seen = new Map(versions.map((one) => [nameOf(one), one]));
  for (const group of groups) addGroup(examination, setup, group, { ...opened, seen, nameOf });
  for (const one of unseen) {
    const version = seen.get(nameOf(one));
    if (version !== undefined) examination.add(version);
  }
  const rows = groups.reduce((sum, one) => sum + one.rows, 0);
  return { setup, examination, rows, looked: versions.length };
}

/** Delete markers are told apart by whether versions that were written before them have been replicated. */
async function groupsOf(
  table: InventoryTable,
  request: Parameters<InventoryTable["groups"]>[0],
): Promise<readonly InventoryGroup[]> {
  const groups = await table.groups(request);
  const fromMs = oldestCompleted(groups);
  const isMixed = groups.some(({ traits, sinceMs, untilMs }) => traits.marker && sinceMs < fromMs && fromMs <= untilMs);
  if (!isMixed) return groups;
  const markers = await table.groups({ ...request, markersFromMs: fromMs });
  return [...groups.filter((one) => !one.traits.marker), ...markers];
}

function oldestCompleted(groups: readonly InventoryGroup[]): number {
  const completed = groups.filter((one) => one.traits.status === "COMPLETED");
  return Math.min(Number.POSITIVE_INFINITY, ...completed.map((one) => one.sinceMs));
}

/** Whether objects may belong to others than the bucket's owner. */
function writersOwn({ source: { ownership } }: Setup): boolean {
  return ownership.state === "absent" || (ownership.state === "read" && ownership.value !== "BucketOwnerEnforced");
}

interface Chosen {
  readonly item: InventoryItem;
  readonly isMarker: boolean;
  readonly storageClass: string;
}

/** First those that somebody will ask about, and of these the most frequent. */
function chosen(groups: readonly InventoryGroup[]): Chosen[] {
  const ranked = [...groups].sort((a, b) => Number(isOpen(b)) - Number(isOpen(a)) || b.rows - a.rows);
  return ranked
    .flatMap((group) => {
      const { marker, storageClass } = group.traits;
      return (isOpen(group) ? lookedAtOf(group) : group.samples).map((item) => ({
        item,
        isMarker: marker,
        storageClass: storageClass ?? "STANDARD",
      }));
    })
    .slice(0, LOOKED_MAX);
}

function isOpen({ traits }: InventoryGroup): boolean {
  return traits.status === null || traits.status === "FAILED";
}

/** The samples as a listing would have them. Where an inventory has current versions only, the bucket tells their ids. */
async function listedOf(
  surroundings: Surroundings,
  bucket: string,
  samples: readonly Chosen[],
  { manifest }: LocalInventory,
): Promise<ListedVersion[]> {
  const { store } = await surroundings.bucket(bucket);
  const listed = ({ item, isMarker, storageClass }: Chosen, versionId: string): ListedVersion => {
    const { versionId: _, ...known } = item;
    return { ...known, versionId, isDeleteMarker: isMarker, storageClass };
  };
  if (manifest.columns.includes("version_id")) return samples.map((one) => listed(one, one.item.versionId ?? "null"));
  const found = await sideBySide(samples, CURRENT_AT_ONCE, async (one) => {
    const { key } = one.item;
    const [current] = (await store.listObjectVersions({ bucket, prefix: key, maxKeys: 1 })).versions;
    return current?.key === key ? listed(one, current.versionId) : undefined;
  });
  return found.filter((one) => one !== undefined);
}

interface Looked extends Opened {
  readonly seen: ReadonlyMap<string, VersionFacts>;
  readonly nameOf: NameOf;
}

/** Counts a group by what its samples come to. */
function addGroup(examination: Examination, setup: Setup, inventoried: InventoryGroup, looked: Looked): void {
  const { inventory, log, nameOf } = looked;
  const { traits } = inventoried;
  const samples = inventoried.samples.map((one) => ({
    ...one,
    versionId: one.versionId ?? looked.seen.get(nameOf(one))?.versionId,
  }));
  const group = { ...inventoried, samples };
  const shown = versionOf(setup.source, group, traits.recorded === null ? [] : log.numbered(traits.recorded));
  const seen = samples.flatMap((one) => looked.seen.get(nameOf(one)) ?? []);
  const moved = seen.filter((one) => !isAsInventoried(one, shown));
  const alike = seen.filter((one) => isAsInventoried(one, shown) && one.unreadable === undefined);
  for (const one of moved) examination.add(one);
  if (!isOpen(group)) {
    // Whether a replica is still there is known of those alone that were looked at.
    for (const one of alike) examination.add(one);
    addRest(examination, shown, lessened(group, [...moved, ...alike], nameOf));
    return;
  }
  const [first = tellsAll(setup, shown) && moved.length === 0 ? shown : undefined] = alike;
  if (first !== undefined && new Set(alike.map((one) => examination.conclusion(one))).size <= 1) {
    addRest(examination, first, lessened(group, moved, nameOf));
    return;
  }
  for (const one of alike) examination.add(one);
  const rest = lessened(group, [...moved, ...alike], nameOf);
  addRest(examination, { ...shown, undecided: undecided(inventory, { seen, alike }) }, rest);
}

function addRest(examination: Examination, version: VersionFacts, weight: Weight): void {
  if (weight.versions > 0) examination.add(version, weight);
}

/** Whether a version still is what the inventory says of it. */
function isAsInventoried(version: VersionFacts, shown: VersionFacts): boolean {
  return (
    version.gone !== true &&
    (version.unreadable !== undefined ||
      hidesStatus(version) ||
      version.replicationStatus === shown.replicationStatus) &&
    version.isDeleteMarker === shown.isDeleteMarker
  );
}

/** A look at a delete marker shows no status, where an inventory may have one. */
function hidesStatus({ isDeleteMarker, replicationStatus }: VersionFacts): boolean {
  return isDeleteMarker && replicationStatus === undefined;
}

/** Whether nothing decides that an inventory does not tell. */
function tellsAll({ source: { replication } }: Setup, { encryption }: VersionFacts): boolean {
  const configuration = replication.state === "read" ? parseReplication(replication.value).configuration : undefined;
  const isKms = encryption.kind === "SSE-KMS" || encryption.kind === "DSSE-KMS";
  return !isKms && configuration?.rules.every((rule) => rule.tags.length === 0) !== false;
}

/** The weight of a group without some of its versions. */
function lessened(group: InventoryGroup, without: readonly VersionFacts[], nameOf: NameOf): Weight {
  const weight = weightOf(group);
  const names = new Set(without.map(nameOf));
  return {
    versions: weight.versions - without.length,
    bytes: Math.max(0, weight.bytes - without.reduce((sum, one) => sum + one.sizeBytes, 0)),
    sinceMs: weight.sinceMs,
    samples: weight.samples.filter((one) => !names.has(nameOf(one))),
  };
}

function undecided(
  { manifest }: LocalInventory,
  { seen, alike }: { readonly seen: readonly VersionFacts[]; readonly alike: readonly VersionFacts[] },
): string {
  const walk = "a walk without --inventory, events (--events) or a completion report (--report) decide it";
  if (alike.length > 0)
    return `the ${alike.length} versions like it that were looked at differ in what no inventory tells (tags, KMS key); ${walk}`;
  const unreadable = seen.find((one) => one.unreadable !== undefined)?.unreadable;
  if (unreadable !== undefined) return `no version like it could be looked at (${unreadable}); ${walk}`;
  const date = new Date(manifest.takenAtMs).toISOString();
  return seen.length > 0
    ? `no version like it that was looked at is as the inventory of ${date} has it; a newer inventory decides it`
    : `no version like it was there to be looked at; ${walk}`;
}

interface Named {
  readonly key: string;
  readonly versionId: string | undefined;
}

type NameOf = (of: Named) => string;

/** An inventory of current versions names no versions: there the key is enough. */
function naming({ manifest }: LocalInventory): NameOf {
  return manifest.columns.includes("version_id")
    ? ({ key, versionId = "" }) => `${versionId}/${key}`
    : ({ key }) => key;
}
