/**
 * Given versions, and what an inventory shows of them. DuckDB joins the two, on disk where they do not fit into memory; without
 * it the names of the versions are held in memory, and an inventory in CSV is read once past them.
 */
import { join } from "node:path";
import type { DuckDBAppender, DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";
import { EvidenceError } from "./error.ts";
import type { LocalInventory } from "./inventory.ts";
import { csvRows, itemOf } from "./inventory-csv.ts";
import { type DuckDb, findDuckDb } from "./inventory-duckdb.ts";
import { csvImport, sqlList } from "./inventory-sql.ts";

export interface Task {
  readonly key: string;
  /** "null" where it has none. */
  readonly versionId: string;
}

/** Tasks that the inventory shows alike. */
export interface TaskRows {
  /** Whether the inventory has them. */
  readonly isThere: boolean;
  readonly isMarker: boolean;
  /** "" where it shows none. */
  readonly status: string;
  readonly versions: number;
  /** Some of them. */
  readonly samples: readonly Task[];
}

export interface TaskTable {
  /** A task that is added twice counts once. */
  add(task: Task): void;
  /** Once, after the last task. @throws EvidenceError when the inventory cannot be read */
  rows(): Promise<readonly TaskRows[]>;
  close(): Promise<void>;
}

/** @throws EvidenceError when the files are not what the manifest says, or need DuckDB */
export async function openTaskTable(inventory: LocalInventory): Promise<TaskTable> {
  const duckDb = inventory.paths.length === 0 ? undefined : await findDuckDb();
  if (duckDb !== undefined) return await openJoined(duckDb, inventory);
  if (inventory.manifest.format === "CSV" || inventory.paths.length === 0) return new HeldTasks(inventory);
  throw new EvidenceError("Parquet inventories need the optional package @duckdb/node-api, which does not run here");
}

const MEMORY = "512MB";
const SAMPLES_MAX = 5;

/** @throws EvidenceError */
export async function openJoined(
  duckDb: DuckDb,
  { manifest, paths, directory }: Pick<LocalInventory, "manifest" | "paths" | "directory">,
): Promise<TaskTable> {
  const instance = await duckDb.DuckDBInstance.create(join(directory, "tasks.duckdb"), {
    memory_limit: MEMORY,
    temp_directory: join(directory, "spill"),
    preserve_insertion_order: "false",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    const isCsv = manifest.format === "CSV";
    if (isCsv) await connection.run(csvImport(manifest.columns, paths));
    await connection.run("CREATE TABLE tasks (task_key VARCHAR, task_version VARCHAR)");
    const source = isCsv ? "rows" : `read_parquet(${sqlList(paths)})`;
    const appender = await connection.createAppender("tasks");
    return new JoinedTasks({ instance, connection, appender }, queryOf(source, manifest.columns));
  } catch (error) {
    connection.closeSync();
    instance.closeSync();
    throw unreadable(error);
  }
}

function queryOf(source: string, columns: readonly string[]): string {
  const marker = columns.includes("is_delete_marker") ? "coalesce(is_delete_marker, false)" : "false";
  const seen =
    `SELECT key, coalesce(nullif(version_id, ''), 'null') AS version, ${marker} AS marker, ` +
    `coalesce(replication_status, '') AS status FROM ${source}`;
  return (
    `SELECT key IS NOT NULL, coalesce(marker, false), coalesce(status, ''), count(*)::DOUBLE, ` +
    `arg_min([task_key, task_version], task_key, ${SAMPLES_MAX}) ` +
    "FROM (SELECT DISTINCT task_key, task_version FROM tasks) " +
    `LEFT JOIN (${seen}) ON key = task_key AND version = task_version GROUP BY 1, 2, 3 ORDER BY 1, 2, 3`
  );
}

interface Opened {
  readonly instance: DuckDBInstance;
  readonly connection: DuckDBConnection;
  readonly appender: DuckDBAppender;
}

class JoinedTasks implements TaskTable {
  readonly #opened: Opened;
  readonly #query: string;

  constructor(opened: Opened, query: string) {
    this.#opened = opened;
    this.#query = query;
  }

  add({ key, versionId }: Task): void {
    const { appender } = this.#opened;
    appender.appendVarchar(key);
    appender.appendVarchar(versionId);
    appender.endRow();
  }

  async rows(): Promise<readonly TaskRows[]> {
    const { appender, connection } = this.#opened;
    try {
      appender.flushSync();
      const found = (await connection.runAndReadAll(this.#query)).getRowsJS();
      return found.map(([isThere, isMarker, status, versions, samples]) => ({
        isThere: isThere === true,
        isMarker: isMarker === true,
        status: typeof status === "string" ? status : "",
        versions: Number(versions),
        samples: Array.isArray(samples) ? samples.map(taskOf) : [],
      }));
    } catch (error) {
      throw unreadable(error);
    }
  }

  close(): Promise<void> {
    const { appender, connection, instance } = this.#opened;
    appender.closeSync();
    connection.closeSync();
    instance.closeSync();
    return Promise.resolve();
  }
}

function taskOf(sample: unknown): Task {
  const [key, versionId] = Array.isArray(sample) ? sample : [];
  return { key: String(key), versionId: String(versionId) };
}

/** DuckDB's own errors are about the files that it was given. */
function unreadable(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EvidenceError) return error;
  return new EvidenceError(`the inventory's files cannot be read: ${error.message}`, { cause: error });
}

/** Some 200 bytes each. */
const HELD_MAX = 4_000_000;

/** For inventories in CSV. */
export class HeldTasks implements TaskTable {
  readonly #inventory: Pick<LocalInventory, "manifest" | "paths">;
  /** Version ids hold no slash. */
  readonly #open = new Set<string>();

  constructor(inventory: Pick<LocalInventory, "manifest" | "paths">) {
    this.#inventory = inventory;
  }

  add({ key, versionId }: Task): void {
    this.#open.add(`${versionId}/${key}`);
    if (this.#open.size > HELD_MAX)
      throw new EvidenceError(`more than ${HELD_MAX} versions need the optional package @duckdb/node-api: install it`);
  }

  async rows(): Promise<readonly TaskRows[]> {
    const found = new Map<string, TaskRows & { versions: number; samples: Task[] }>();
    const count = (task: Task, shown: Pick<TaskRows, "isThere" | "isMarker" | "status">) => {
      const name = `${shown.isThere} ${shown.isMarker} ${shown.status}`;
      const rows = found.get(name) ?? { ...shown, versions: 0, samples: [] };
      found.set(name, rows);
      rows.versions += 1;
      if (rows.samples.length < SAMPLES_MAX) rows.samples.push(task);
    };
    const { manifest, paths } = this.#inventory;
    for await (const row of csvRows({ columns: manifest.columns, paths, prefix: "" })) {
      const { key, versionId = "null" } = itemOf(row, true);
      if (!this.#open.delete(`${versionId}/${key}`)) continue;
      const isMarker = row["is_delete_marker"]?.toLowerCase() === "true";
      count({ key, versionId }, { isThere: true, isMarker, status: row["replication_status"] ?? "" });
    }
    for (const name of this.#open) {
      const slash = name.indexOf("/");
      const task = { key: name.slice(slash + 1), versionId: name.slice(0, slash) };
      count(task, { isThere: false, isMarker: false, status: "" });
    }
    return [...found.values()];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
