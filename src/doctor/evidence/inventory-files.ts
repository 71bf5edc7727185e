/**
 * Finds an inventory report, checks it and brings its files here. Nothing is used whose checksum does not fit.
 *
 * @source aws-replication.md §8.1
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { bucketOfArn } from "../../core/arn.ts";
import { type InventoryManifest, readInventoryManifest } from "../../core/evidence/inventory.ts";
import type { InventorySetting } from "../../core/model.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { Surroundings } from "../ports.ts";
import { sizeWords } from "../report.ts";
import { EvidenceError } from "./error.ts";
import {
  copyObject,
  md5OfFile,
  type ObjectPlace,
  parseObjectPlace,
  readSmallFile,
  readSmallObject,
  sizeOfFile,
} from "./files.ts";
import type { LocalInventory } from "./inventory.ts";

/** Asks for the newest report that the bucket's own configuration leads to. */
export const LATEST = "latest";

const FILES_AT_ONCE = 4;

/**
 * Finds a report and reads its manifest, without its files.
 *
 * @param where as for `withInventory`
 * @throws EvidenceError when there is none, or it does not fit its checksum
 */
export async function findInventory(
  surroundings: Surroundings,
  bucket: string,
  where: string,
): Promise<{ readonly name: string; readonly manifest: InventoryManifest }> {
  const name = where === LATEST ? await findLatest(surroundings, bucket) : where;
  const place = parseObjectPlace(name);
  if (place === undefined) return { name, manifest: await manifestOfFile(name) };
  return { name, manifest: await manifestOfObject(surroundings, place, name) };
}

/**
 * Works with a report while its files are here.
 *
 * @param where `latest`, `s3://BUCKET/…/manifest.json`, or the path of a `manifest.json` whose files are beside it
 * @throws EvidenceError when there is none, or a checksum does not fit
 */
export async function withInventory<Found>(
  surroundings: Surroundings,
  bucket: string,
  where: string,
  use: (inventory: LocalInventory) => Promise<Found>,
): Promise<Found> {
  const name = where === LATEST ? await findLatest(surroundings, bucket) : where;
  const place = parseObjectPlace(name);
  const directory = await mkdtemp(join(tmpdir(), "lockstep-evidence-"));
  try {
    if (place === undefined) return await use({ ...(await readLocal(name)), name, directory });
    const manifest = await manifestOfObject(surroundings, place, name);
    const paths = await fetchFiles(surroundings, { manifest, from: place.bucket, directory });
    return await use({ manifest, name, paths, directory });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function manifestOfObject(
  surroundings: Surroundings,
  { bucket, key }: ObjectPlace,
  name: string,
): Promise<InventoryManifest> {
  const text = await readSmallObject(surroundings, { bucket, key });
  const checksum = await readSmallObject(surroundings, { bucket, key: `${dirname(key)}/manifest.checksum` });
  return checkedManifest(text, checksum.toString().trim(), name);
}

async function manifestOfFile(path: string): Promise<InventoryManifest> {
  const text = await readSmallFile(path);
  const checksumPath = join(dirname(path), "manifest.checksum");
  const isChecked = (await sizeOfFile(checksumPath)) !== undefined;
  const checksum = isChecked ? (await readSmallFile(checksumPath)).toString().trim() : undefined;
  return checkedManifest(text, checksum, path);
}

function checkedManifest(text: Buffer, checksum: string | undefined, name: string): InventoryManifest {
  if (checksum !== undefined && checksum.toLowerCase() !== createHash("md5").update(text).digest("hex"))
    throw new EvidenceError(`${name} does not fit its manifest.checksum`);
  const { problem, ...read } = readInventoryManifest(text.toString());
  if (problem !== undefined || !("manifest" in read))
    throw new EvidenceError(`${name} is no manifest of an inventory: ${problem ?? ""}`);
  return read.manifest;
}

async function fetchFiles(
  surroundings: Surroundings,
  report: { readonly manifest: InventoryManifest; readonly from: string; readonly directory: string },
): Promise<string[]> {
  const { manifest, from, directory } = report;
  const bytes = manifest.files.reduce((sum, one) => sum + one.sizeBytes, 0);
  const { bavail, bsize } = await statfs(directory);
  if (bytes > bavail * bsize)
    throw new EvidenceError(`the inventory has ${sizeWords(bytes)}, and ${directory} no room for them: set TMPDIR`);
  return await sideBySide([...manifest.files.entries()], FILES_AT_ONCE, async ([index, file]) => {
    const path = join(directory, `${index}-${basename(file.key).replace(/[^\w.-]/g, "_")}`);
    const md5 = await copyObject(surroundings, { bucket: from, key: file.key }, path);
    if (md5 !== file.md5) throw new EvidenceError(`s3://${from}/${file.key} does not fit its MD5 in the manifest`);
    return path;
  });
}

/** A report that was copied here: with its folders, or with all of its files in one. */
async function readLocal(path: string): Promise<Pick<LocalInventory, "manifest" | "paths">> {
  const manifest = await manifestOfFile(path);
  const directory = dirname(path);
  const paths = await sideBySide(manifest.files, FILES_AT_ONCE, async (file) => {
    const found = await findLocal(directory, file.key);
    if (found === undefined) throw new EvidenceError(`${path} names ${file.key}, which is not here`);
    if ((await md5OfFile(found)) === file.md5) return found;
    throw new EvidenceError(`${found} does not fit its MD5 in the manifest`);
  });
  return { manifest, paths };
}

const PARENTS_MAX = 8;

async function findLocal(directory: string, key: string): Promise<string | undefined> {
  const name = basename(key);
  const places = [join(directory, name), join(directory, "data", name), join(directory, "..", "data", name)];
  const isInside = !key.split("/").includes("..");
  for (let at = directory, up = 0; up < PARENTS_MAX && isInside; up += 1, at = dirname(at)) places.push(join(at, key));
  for (const place of places) if ((await sizeOfFile(place)) !== undefined) return place;
  return undefined;
}

/** Columns without which an inventory says nothing of replication; those of all versions say more. */
async function findLatest(surroundings: Surroundings, bucket: string): Promise<string> {
  const { settings } = await surroundings.bucket(bucket);
  const inventories = await settings.listInventories(bucket);
  const usable = inventories.filter((one) => one.fields.includes("ReplicationStatus"));
  if (usable.length === 0) {
    const has = inventories.length === 0 ? "no inventory" : "no inventory with ReplicationStatus";
    throw new EvidenceError(`s3://${bucket} has ${has}: configure one, or name a manifest`);
  }
  const reports: { readonly name: string; readonly at: string; readonly of: InventorySetting }[] = [];
  for (const of of usable) {
    const target = bucketOfArn(of.destinationArn);
    if (target === undefined || of.format === "ORC") continue;
    const { destinationPrefix = "" } = of;
    const root = `${destinationPrefix === "" ? "" : `${destinationPrefix}/`}${bucket}/${of.id}/`;
    const at = await newestReport(surroundings, target, root);
    if (at !== undefined) reports.push({ name: `s3://${target}/${root}${at}/manifest.json`, at, of });
  }
  const [newest] = reports.sort((a, b) => rank(b.of) - rank(a.of) || (a.at < b.at ? 1 : -1));
  if (newest === undefined) {
    const ids = usable.map((one) => one.id).join(", ");
    throw new EvidenceError(
      `no report of inventory ${ids} of s3://${bucket} is there yet: the first may take two days`,
    );
  }
  return newest.name;
}

/** All versions and all keys before the newest date. */
function rank({ versions, prefix = "" }: InventorySetting): number {
  return (versions === "All" ? 2 : 0) + (prefix === "" ? 1 : 0);
}

const DATE_FOLDER = /\/(\d{4}-\d\d-\d\dT\d\d-\d\dZ)\/$/;
const PAGES_MAX = 100;
/** The newest folders may be of a report that is being written. */
const TRIED_MAX = 3;

/** The newest folder whose report is whole: its checksum is written last. */
async function newestReport(surroundings: Surroundings, bucket: string, root: string): Promise<string | undefined> {
  const { settings } = await surroundings.bucket(bucket);
  const dates: string[] = [];
  let continuationToken: string | undefined;
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const request = { bucket, prefix: root, delimiter: "/" };
    const found = await settings.listObjects(
      continuationToken === undefined ? request : { ...request, continuationToken },
    );
    dates.push(...found.commonPrefixes.flatMap((one) => DATE_FOLDER.exec(one)?.[1] ?? []));
    continuationToken = found.continuationToken;
    if (continuationToken === undefined) break;
  }
  for (const date of dates.sort().reverse().slice(0, TRIED_MAX)) {
    const { objects } = await settings.listObjects({ bucket, prefix: `${root}${date}/manifest.checksum`, maxKeys: 1 });
    if (objects.length > 0) return date;
  }
  return undefined;
}
