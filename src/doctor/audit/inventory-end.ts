/**
 * An inventory as one end of an audit: its rows in the order of keys. Reports are not sorted as a whole, so DuckDB sorts
 * them on disk where it is there; CSV in one sorted series can do without.
 *
 * @source aws-replication.md §8.3
 */
import { compareKeys } from "../../core/keys.ts";
import type { ListedVersion } from "../../s3/store.ts";
import { EvidenceError } from "../evidence/error.ts";
import type { LocalInventory } from "../evidence/inventory.ts";
import { csvRows, itemOf } from "../evidence/inventory-csv.ts";
import { findDuckDb } from "../evidence/inventory-duckdb.ts";
import { orderedRows } from "../evidence/inventory-ordered.ts";
import type { AuditEnd, RowReader } from "./ports.ts";

interface Named {
  readonly name: string;
  readonly bucket: string;
  readonly prefix: string;
}

export interface OpenedEnd {
  readonly end: AuditEnd;
  close(): Promise<void>;
}

const PAGE = 2000;

/** @throws EvidenceError when it is of another bucket, or lacks what an audit compares */
export async function inventoryEnd(inventory: LocalInventory, { name, bucket, prefix }: Named): Promise<OpenedEnd> {
  const { manifest } = inventory;
  if (manifest.sourceBucket !== bucket)
    throw new EvidenceError(
      `${inventory.name} is an inventory of s3://${manifest.sourceBucket}, not of s3://${bucket}`,
    );
  for (const [column, field] of [
    ["key", "Key"],
    ["size", "Size"],
    ["last_modified_date", "LastModifiedDate"],
  ] as const) {
    if (!manifest.columns.includes(column))
      throw new EvidenceError(`${inventory.name} has no column ${field}: configure the inventory with it`);
  }
  const duckDb = inventory.paths.length === 0 ? undefined : await findDuckDb();
  if (duckDb === undefined && manifest.format !== "CSV")
    throw new EvidenceError(
      "Parquet inventories need the optional package @duckdb/node-api, which is not installed or does not run here",
    );
  const shown = `${name} (inventory of ${new Date(manifest.takenAtMs).toISOString()})`;
  const ordered = duckDb === undefined ? undefined : await orderedRows(duckDb, { ...inventory, prefix });
  return {
    end: { name: shown, rows: (afterKey) => reader(ordered?.rows(afterKey) ?? csv(inventory, prefix, afterKey)) },
    close: async () => await ordered?.close(),
  };
}

function reader(rows: AsyncGenerator<readonly ListedVersion[]>): RowReader {
  return {
    next: async () => {
      const next = await rows.next();
      return next.done === true ? { rows: [], isLast: true } : { rows: next.value, isLast: false };
    },
    close: async () => void (await rows.return(undefined)),
  };
}

/** In the order of the files: the merge notices when that is not the order of keys. */
async function* csv(
  { manifest, paths }: LocalInventory,
  prefix: string,
  afterKey: string | undefined,
): AsyncGenerator<readonly ListedVersion[]> {
  const { columns } = manifest;
  const hasVersions = columns.includes("version_id");
  let page: ListedVersion[] = [];
  // Rows up to the key that is done come once more: an inventory is read from its beginning.
  let isBehind = afterKey === undefined;
  for await (const row of csvRows({ columns, paths, prefix })) {
    const { versionId = "current", ...item } = itemOf(row, hasVersions);
    isBehind ||= isAfter(item.key, afterKey);
    if (!isBehind) continue;
    const isDeleteMarker = row["is_delete_marker"]?.toLowerCase() === "true";
    page.push({ ...item, versionId, isDeleteMarker, storageClass: row["storage_class"] ?? "STANDARD" });
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  yield page;
}

function isAfter(key: string, afterKey: string | undefined): boolean {
  return afterKey === undefined || compareKeys(key, afterKey) > 0;
}
