/**
 * An inventory in DuckDB: an optional dependency, looked for when the first inventory wants it.
 *
 * Parquet is read where it lies; CSV is read once into a database beside it, because nothing finds a row of a gzip file again.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { DuckDBConnection, DuckDBInstance, JS } from "@duckdb/node-api";
import type { InventoryManifest } from "../../core/evidence/inventory.ts";
import { EvidenceError } from "./error.ts";
import type { FailureLog } from "./failure-log.ts";
import { type InventoryGroup, type InventoryItem, SAMPLES_MAX, type Traits } from "./inventory-rows.ts";
import { csvImport, groupsQuery, itemsQuery, type RowSource, sqlList } from "./inventory-sql.ts";
import { GROUPS_MAX, type GroupRequest, type InventoryTable } from "./inventory-table.ts";
import { sqlText } from "./key-conditions.ts";

type DuckDb = typeof import("@duckdb/node-api");

/** Undefined where it is not installed, or does not run. */
export async function findDuckDb(): Promise<DuckDb | undefined> {
  try {
    return await import("@duckdb/node-api");
  } catch {
    return undefined;
  }
}

const MEMORY = "256MB";
const THREADS_MAX = 4;
/** File and row in one number; no Parquet file has as many rows. */
const ROW_BITS = 40n;

interface Opened {
  readonly manifest: InventoryManifest;
  /** In the order of the manifest's files. */
  readonly paths: readonly string[];
  /** For whatever does not fit into memory. */
  readonly directory: string;
  readonly prefix: string;
}

export async function openDuckDb(duckDb: DuckDb, opened: Opened): Promise<InventoryTable> {
  const { manifest, paths, directory } = opened;
  const isCsv = manifest.format === "CSV";
  const instance = await duckDb.DuckDBInstance.create(isCsv ? join(directory, "inventory.duckdb") : ":memory:", {
    threads: String(Math.min(availableParallelism(), THREADS_MAX)),
    memory_limit: MEMORY,
    temp_directory: join(directory, "spill"),
    preserve_insertion_order: "false",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    if (isCsv) await connection.run(csvImport(manifest.columns, paths));
    const read = isCsv ? "(SELECT *, rowid AS row_place FROM rows)" : parquetSource(paths);
    const described = await connection.runAndReadAll(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${read})`);
    const columns = new Set(described.getRowsJS().map(([name]) => textOf(name)));
    return new DuckDbTable({ instance, connection }, { sql: read, columns, prefix: opened.prefix }, isCsv ? [] : paths);
  } catch (error) {
    connection.closeSync();
    instance.closeSync();
    throw unusable(error);
  }
}

function parquetSource(paths: readonly string[]): string {
  return `(SELECT *, (file_index::BIGINT << ${ROW_BITS}) | file_row_number AS row_place FROM read_parquet(${sqlList(paths)}))`;
}

type Row = Readonly<Record<string, JS>>;

class DuckDbTable implements InventoryTable {
  readonly #instance: DuckDBInstance;
  readonly #connection: DuckDBConnection;
  readonly #source: RowSource;
  /** Of Parquet. */
  readonly #paths: readonly string[];
  #isRecorded = false;

  constructor(
    opened: { readonly instance: DuckDBInstance; readonly connection: DuckDBConnection },
    source: RowSource,
    paths: readonly string[],
  ) {
    this.#instance = opened.instance;
    this.#connection = opened.connection;
    this.#source = source;
    this.#paths = paths;
  }

  async groups(request: GroupRequest): Promise<InventoryGroup[]> {
    if (request.log.size > 0) await this.#record(request.log);
    const found = await this.#all(groupsQuery(this.#source, request));
    if (found.length > GROUPS_MAX)
      throw new EvidenceError(`the inventory holds more than ${GROUPS_MAX} kinds of rows: name a --prefix`);
    const items = await this.#items(found.map((one) => BigInt(textOf(one["place"]))));
    const groups = new Map<string, InventoryGroup & { samples: InventoryItem[] }>();
    for (const { pick: _, rows, bytes, since, until, place, ...kind } of found) {
      const name = JSON.stringify(kind, (_name, value: unknown) => (typeof value === "bigint" ? String(value) : value));
      const sample = items.get(textOf(place));
      const group = groups.get(name) ?? {
        traits: traitsOf(kind),
        rows: 0,
        bytes: 0,
        sinceMs: Number.POSITIVE_INFINITY,
        untilMs: 0,
        samples: [],
      };
      groups.set(name, {
        ...group,
        rows: group.rows + Number(rows),
        bytes: group.bytes + Number(bytes),
        sinceMs: Math.min(group.sinceMs, Number(since)),
        untilMs: Math.max(group.untilMs, Number(until)),
        samples: sample === undefined ? group.samples : [...group.samples, sample].slice(0, SAMPLES_MAX),
      });
    }
    return [...groups.values()];
  }

  async unseen(log: FailureLog, limit: number): Promise<{ readonly key: string; readonly versionId: string }[]> {
    await this.#record(log);
    const found = await this.#all(
      `SELECT recorded_key AS key, recorded_version AS version FROM recorded ANTI JOIN ${this.#source.sql} AS seen ` +
        `ON recorded_key = seen.key AND recorded_version = coalesce(nullif(seen.version_id, ''), 'null') ` +
        `WHERE prefix(recorded_key, ${sqlText(this.#source.prefix)}) LIMIT ${limit}`,
    );
    return found.map(({ key, version }) => ({ key: textOf(key), versionId: textOf(version) }));
  }

  close(): Promise<void> {
    this.#connection.closeSync();
    this.#instance.closeSync();
    return Promise.resolve();
  }

  async #record(log: FailureLog): Promise<void> {
    if (this.#isRecorded) return;
    this.#isRecorded = true;
    await this.#connection.run(
      "CREATE TEMP TABLE recorded (recorded_key VARCHAR, recorded_version VARCHAR, recorded INTEGER)",
    );
    const appender = await this.#connection.createAppender("recorded");
    for (const { key, versionId } of log.versions()) {
      appender.appendVarchar(key);
      appender.appendVarchar(versionId);
      appender.appendInteger(log.numberOf(key, versionId) ?? -1);
      appender.endRow();
    }
    appender.closeSync();
  }

  /** By place. */
  async #items(places: readonly bigint[]): Promise<ReadonlyMap<string, InventoryItem>> {
    const { sql, columns } = this.#source;
    const found: Row[] = [];
    if (this.#paths.length === 0) {
      if (places.length > 0)
        found.push(...(await this.#all(itemsQuery(sql, columns, `row_place IN (${places.join()})`))));
    } else {
      for (const [index, rows] of byFile(places)) {
        const path = this.#paths[index] ?? "";
        const source = `(SELECT *, (${index}::BIGINT << ${ROW_BITS}) | file_row_number AS row_place FROM read_parquet(${sqlText(path)}) WHERE file_row_number IN (${rows.join()}))`;
        found.push(...(await this.#all(itemsQuery(source, columns, "true"))));
      }
    }
    return new Map(
      found.map((one) => [
        textOf(one["place"]),
        {
          key: textOf(one["key"]),
          versionId: one["version"] === null ? undefined : textOf(one["version"]),
          isLatest: one["latest"] === true,
          sizeBytes: Number(one["size"]),
          etag: textOf(one["etag"]).replaceAll('"', ""),
          lastModifiedMs: Number(one["modified"]),
        },
      ]),
    );
  }

  async #all(sql: string): Promise<Row[]> {
    try {
      return (await this.#connection.runAndReadAll(sql)).getRowObjectsJS();
    } catch (error) {
      throw unusable(error);
    }
  }
}

function byFile(places: readonly bigint[]): Map<number, bigint[]> {
  const found = new Map<number, bigint[]>();
  for (const place of places) {
    const index = Number(place >> ROW_BITS);
    const row = place & ((1n << ROW_BITS) - 1n);
    found.set(index, [...(found.get(index) ?? []), row]);
  }
  return found;
}

/** Numbers of DuckDB are bigints where they are wide. */
function textOf(value: JS | undefined): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "bigint" ? `${value}` : "";
}

function traitsOf(row: Row): Traits {
  const text = (name: string) => (row[name] === null || row[name] === undefined ? null : textOf(row[name]));
  const flag = (name: string) => (typeof row[name] === "boolean" ? row[name] : null);
  return {
    marker: flag("marker") === true,
    late: flag("late") === true,
    multipart: flag("multipart") === true,
    status: text("status"),
    encryption: text("encryption"),
    bucketKey: flag("bucketKey"),
    storageClass: text("storageClass"),
    tier: text("tier"),
    retained: flag("retained"),
    held: flag("held"),
    owner: text("owner"),
    acl: text("acl"),
    recorded: row["recorded"] === null || row["recorded"] === undefined ? null : Number(row["recorded"]),
  };
}

/** DuckDB's own errors are about the files that it was given. */
function unusable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EvidenceError) return error;
  return new EvidenceError(`the inventory's files cannot be read: ${error.message}`, { cause: error });
}
