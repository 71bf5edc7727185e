/**
 * The rows of an inventory in the order of a listing: keys by their UTF-8 bytes, within a key the newest version first. The
 * optional DuckDB sorts them, on disk where they do not fit into memory.
 */
import { join } from "node:path";
import type { ListedVersion } from "../../s3/store.ts";
import { EvidenceError } from "./error.ts";
import type { LocalInventory } from "./inventory.ts";
import type { DuckDb } from "./inventory-duckdb.ts";
import { csvImport, sqlList } from "./inventory-sql.ts";
import { sqlText } from "./key-conditions.ts";

export interface OrderedRows {
  /** @param without statuses whose rows are left out */
  rows(afterKey: string | undefined, without?: readonly string[]): AsyncGenerator<readonly ListedVersion[]>;
  /** When the oldest version of a status was written; infinity where there is none. */
  oldestMs(status: string): Promise<number>;
  close(): Promise<void>;
}

const MEMORY = "512MB";

/** @throws EvidenceError when the files are not what the manifest says */
export async function orderedRows(
  duckDb: DuckDb,
  { manifest, paths, directory, prefix }: LocalInventory & { readonly prefix: string },
): Promise<OrderedRows> {
  const isCsv = manifest.format === "CSV";
  const instance = await duckDb.DuckDBInstance.create(isCsv ? join(directory, "ordered.duckdb") : ":memory:", {
    memory_limit: MEMORY,
    temp_directory: join(directory, "spill"),
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  const close = () => {
    connection.closeSync();
    instance.closeSync();
    return Promise.resolve();
  };
  try {
    if (isCsv) await connection.run(csvImport(manifest.columns, paths));
  } catch (error) {
    await close();
    throw unreadable(error);
  }
  const source = isCsv ? "rows" : `read_parquet(${sqlList(paths)})`;
  return {
    oldestMs: async (status) => {
      const query =
        `SELECT min(epoch_ms(last_modified_date))::DOUBLE FROM ${source} ` +
        `WHERE replication_status = ${sqlText(status)} AND starts_with(key, ${sqlText(prefix)})`;
      const [oldest] = (await (await connection.run(query)).getRows())[0] ?? [];
      return typeof oldest === "number" ? oldest : Number.POSITIVE_INFINITY;
    },
    rows: async function* (afterKey, without = []) {
      try {
        const cut = { prefix, afterKey, without };
        const found = await connection.stream(orderedQuery(source, new Set(manifest.columns), cut));
        for (;;) {
          const chunk = await found.fetchChunk();
          if (chunk === null || chunk.rowCount === 0) return;
          yield chunk.getRows().map((row) => rowOf(row));
        }
      } catch (error) {
        throw unreadable(error);
      }
    },
    close,
  };
}

function orderedQuery(
  source: string,
  columns: ReadonlySet<string>,
  cut: { readonly prefix: string; readonly afterKey: string | undefined; readonly without: readonly string[] },
): string {
  const has = (name: string, expression: string, without: string) => (columns.has(name) ? expression : without);
  const { prefix, afterKey, without } = cut;
  const where = [
    ...(without.length === 0 ? [] : [`coalesce(replication_status, '') NOT IN ${sqlTuple(without)}`]),
    ...(prefix === "" ? [] : [`starts_with(key, ${sqlText(prefix)})`]),
    ...(afterKey === undefined ? [] : [`key > ${sqlText(afterKey)}`]),
  ];
  return (
    `SELECT key, ${has("version_id", "coalesce(nullif(version_id, ''), 'null')", "'current'")} AS version, ` +
    `${has("is_latest", "coalesce(is_latest, false)", "true")} AS latest, ` +
    `${has("is_delete_marker", "coalesce(is_delete_marker, false)", "false")} AS marker, ` +
    `coalesce(size, 0)::DOUBLE AS size, ${has("e_tag", "coalesce(e_tag, '')", "''")} AS etag, ` +
    `epoch_ms(last_modified_date)::DOUBLE AS modified, ` +
    `${has("storage_class", "coalesce(nullif(storage_class, ''), 'STANDARD')", "'STANDARD'")} AS class ` +
    `FROM ${source}${where.length === 0 ? "" : ` WHERE ${where.join(" AND ")}`} ` +
    "ORDER BY key, latest DESC, modified DESC, version"
  );
}

function sqlTuple(texts: readonly string[]): string {
  return `(${texts.map(sqlText).join(", ")})`;
}

function rowOf(row: readonly unknown[]): ListedVersion {
  const [key, versionId, isLatest, isDeleteMarker, size, etag, modified, storageClass] = row;
  return {
    key: String(key),
    versionId: String(versionId),
    isLatest: isLatest === true,
    isDeleteMarker: isDeleteMarker === true,
    sizeBytes: Number(size),
    etag: String(etag).replaceAll('"', ""),
    lastModifiedMs: Number(modified),
    storageClass: String(storageClass),
  };
}

function unreadable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EvidenceError) return error;
  return new EvidenceError(`the inventory's files cannot be read: ${error.message}`, { cause: error });
}
