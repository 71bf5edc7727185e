/**
 * The versions that an inventory does not show as done, as a listing would have them: what a resync looks at one by one,
 * instead of at every version of the bucket.
 *
 * What they show now is not told here: a look at each of them does.
 */
import type { ListedVersion } from "../../s3/store.ts";
import { EvidenceError } from "./error.ts";
import type { InventoryScope, LocalInventory } from "./inventory.ts";
import { requireColumns } from "./inventory-columns.ts";
import { csvRows, itemOf } from "./inventory-csv.ts";
import { findDuckDb } from "./inventory-duckdb.ts";
import { orderedRows } from "./inventory-ordered.ts";

export interface Undone {
  readonly listed: readonly ListedVersion[];
  /** When the oldest version that shows COMPLETED was written; delete markers before it were never tried. */
  readonly oldestCompletedMs: number;
}

/**
 * @param without statuses that nobody asks for, such as COMPLETED and REPLICA
 * @throws EvidenceError when it is of another bucket, has no statuses or versions, or cannot be read
 */
export async function undoneVersions(
  inventory: LocalInventory,
  { bucket, prefix = "" }: InventoryScope,
  without: readonly string[],
): Promise<Undone> {
  requireColumns(inventory, bucket, ["Key", "VersionId", "LastModifiedDate", "ReplicationStatus"]);
  const { manifest, paths } = inventory;
  const duckDb = paths.length === 0 ? undefined : await findDuckDb();
  if (duckDb === undefined) {
    if (manifest.format === "CSV" || paths.length === 0) return await fromCsv(inventory, prefix, without);
    throw new EvidenceError("Parquet inventories need the optional package @duckdb/node-api, which does not run here");
  }
  const ordered = await orderedRows(duckDb, { ...inventory, prefix });
  try {
    const listed: ListedVersion[] = [];
    for await (const rows of ordered.rows(undefined, without)) for (const one of rows) listed.push(one);
    return { listed, oldestCompletedMs: await ordered.oldestMs("COMPLETED") };
  } finally {
    await ordered.close();
  }
}

async function fromCsv(
  { manifest: { columns }, paths }: LocalInventory,
  prefix: string,
  without: readonly string[],
): Promise<Undone> {
  const listed: ListedVersion[] = [];
  let oldestCompletedMs = Number.POSITIVE_INFINITY;
  for await (const row of csvRows({ columns, paths, prefix })) {
    const { versionId = "null", ...item } = itemOf(row, true);
    const status = row["replication_status"] ?? "";
    if (status === "COMPLETED") oldestCompletedMs = Math.min(oldestCompletedMs, item.lastModifiedMs);
    if (without.includes(status)) continue;
    const isDeleteMarker = row["is_delete_marker"]?.toLowerCase() === "true";
    listed.push({ ...item, versionId, isDeleteMarker, storageClass: row["storage_class"] ?? "STANDARD" });
  }
  return { listed, oldestCompletedMs };
}
