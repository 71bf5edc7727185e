/**
 * An embedded SQLite file with group commit: one fsync serves every write that came in meanwhile.
 *
 * For the ledger and the lab, which keep their tables in files of their own. It knows nothing of those tables
 * but the numbered migrations that it is given.
 *
 * Writes run one after another on one connection, inside a transaction that is shared by all writes of one turn of
 * the event loop. A promise of `write` resolves after the commit, so what is acknowledged is on disk. Reads go to a
 * second connection and see only what is committed; nobody can read what a crash would take back.
 */
import { createRequire } from "node:module";
import type { DatabaseSyncInstance, SqliteModule } from "@photostructure/sqlite";

/** Values that SQLite stores. Integers beyond 2^53 are refused, so keep them below. */
export type SqlValue = null | number | string | Uint8Array;

/** A prepared statement: the same object on every call with the same text. */
export interface Statement {
  run(...parameters: SqlValue[]): { changes: number };
  get(...parameters: SqlValue[]): Row | undefined;
  all(...parameters: SqlValue[]): Row[];
  iterate(...parameters: SqlValue[]): IterableIterator<Row>;
}

/** A row by column name. */
export type Row = Record<string, SqlValue>;

/** One connection. Statements are prepared once and kept. */
export interface Connection {
  prepare(sql: string): Statement;
}

export interface Database {
  /** Sees committed rows only (in memory: also those of the transaction that is about to be committed). */
  readonly committed: Connection;

  /**
   * Runs `work` now, in the shared transaction, and resolves with its value once it is durable.
   *
   * `work` must be synchronous. If it throws, what it wrote is rolled back and the promise rejects with what it
   * threw; the other writes of the transaction are not touched. If the commit itself fails, every write of the
   * transaction rejects with a DatabaseError.
   */
  write<T>(work: (connection: Connection) => T): Promise<T>;

  /** Commits what is open, then closes the file. Later calls reject. */
  close(): Promise<void>;
}

/** The file cannot be used: it says which one, why, and what to do. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly reason: "newerVersion" | "foreign" | "locked" | "io";

  constructor(reason: DatabaseError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

export interface DatabaseOptions {
  /** A file, or ":memory:" for one that lives and dies with the process. */
  readonly path: string;
  /** Whose file this is: a 31-bit number in its header; a file with another one is refused. */
  readonly applicationId: number;
  /** SQL scripts; the position (from 1) is the version that the file has after it. Only ever append. */
  readonly migrations: readonly string[];
  /** When to commit an open transaction; default `setImmediate`. */
  readonly schedule?: (commit: () => void) => void;
}

/**
 * Opens the file, creates it when it is new, and brings its tables up to date.
 *
 * @throws DatabaseError when it cannot be opened, is of a newer version, or is not ours
 */
export function openDatabase(options: DatabaseOptions): Database {
  const inMemory = options.path === ":memory:";
  const writer = openConnection(options.path);
  try {
    prepareFile(writer, options);
  } catch (error) {
    writer.close();
    throw error;
  }
  const reader = inMemory ? writer : openConnection(options.path);
  if (!inMemory) reader.exec("PRAGMA query_only = ON; PRAGMA mmap_size = 268435456;");
  return new GroupCommitDatabase(writer, reader, options);
}

/**
 * Holds `path` for this process until `release` or its death, kill -9 included: an operating system's lock, not a flag.
 *
 * @throws DatabaseError "locked" when another process holds it
 */
export function holdFile(path: string): { release(): void } {
  const connection = openConnection(path);
  try {
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    connection.close();
    throw openingError(path, cause);
  }
  return { release: () => connection.close() };
}

class GroupCommitDatabase implements Database {
  readonly committed: Connection;
  readonly #writer: DatabaseSyncInstance;
  readonly #reader: DatabaseSyncInstance;
  readonly #connection: Connection;
  readonly #schedule: (commit: () => void) => void;
  readonly #path: string;
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #open = false;
  #closed = false;

  constructor(writer: DatabaseSyncInstance, reader: DatabaseSyncInstance, options: DatabaseOptions) {
    this.#writer = writer;
    this.#reader = reader;
    this.#path = options.path;
    this.#connection = new CachingConnection(writer);
    this.committed = reader === writer ? this.#connection : new CachingConnection(reader);
    this.#schedule = options.schedule ?? setImmediate;
  }

  async write<T>(work: (connection: Connection) => T): Promise<T> {
    if (this.#closed) throw new DatabaseError("io", `${this.#path} is closed`);
    if (!this.#open) {
      this.#connection.prepare("BEGIN IMMEDIATE").run();
      this.#open = true;
      this.#schedule(() => this.#commit());
    }
    this.#connection.prepare("SAVEPOINT one").run();
    let value: T;
    try {
      value = work(this.#connection);
    } catch (error) {
      this.#connection.prepare("ROLLBACK TO one").run();
      this.#connection.prepare("RELEASE one").run();
      throw error;
    }
    this.#connection.prepare("RELEASE one").run();
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return value;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#commit();
    this.#closed = true;
    if (this.#reader !== this.#writer) this.#reader.close();
    this.#writer.close();
  }

  #commit(): void {
    if (!this.#open) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#open = false;
    try {
      this.#connection.prepare("COMMIT").run();
    } catch (cause) {
      const error = new DatabaseError("io", `cannot commit to ${this.#path}: ${String(cause)}`, { cause });
      try {
        this.#connection.prepare("ROLLBACK").run();
      } catch {
        // SQLite has already rolled back by itself (disk full, I/O error).
      }
      for (const one of waiting) one.reject(error);
      return;
    }
    for (const one of waiting) one.resolve();
  }
}

class CachingConnection implements Connection {
  readonly #database: DatabaseSyncInstance;
  readonly #statements = new Map<string, Statement>();

  constructor(database: DatabaseSyncInstance) {
    this.#database = database;
  }

  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql) as unknown as Statement;
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function prepareFile(database: DatabaseSyncInstance, options: DatabaseOptions): void {
  const { path } = options;
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
    database.exec("PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;");
    const applicationId = pragma(database, "application_id");
    const version = pragma(database, "user_version");
    if (applicationId !== options.applicationId && (applicationId !== 0 || version !== 0)) {
      throw new DatabaseError("foreign", `${path} is not a file of this kind: choose another directory`);
    }
    if (version > options.migrations.length) {
      throw new DatabaseError(
        "newerVersion",
        `${path} was written by a newer version of Lockstep (format ${version}, this one knows up to ` +
          `${options.migrations.length}): upgrade Lockstep, or choose another data directory`,
      );
    }
    for (let next = version; next < options.migrations.length; next++) {
      database.exec("BEGIN IMMEDIATE");
      database.exec(options.migrations[next] ?? "");
      database.exec(`PRAGMA application_id = ${options.applicationId}; PRAGMA user_version = ${next + 1};`);
      database.exec("COMMIT");
    }
  } catch (cause) {
    if (cause instanceof DatabaseError) throw cause;
    throw openingError(path, cause);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_NOT_A_DATABASE = 26;

function openingError(path: string, cause: unknown): DatabaseError {
  const code = cause instanceof Error && "errcode" in cause ? Number(cause.errcode) & 0xff : 0;
  if (code === SQLITE_BUSY || code === SQLITE_LOCKED) {
    return new DatabaseError("locked", `${path} is in use by another process: stop it, or choose another directory`);
  }
  if (code === SQLITE_NOT_A_DATABASE) {
    return new DatabaseError("foreign", `${path} is not a SQLite file: choose another directory`);
  }
  return new DatabaseError("io", `cannot open ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
  });
}

function pragma(database: DatabaseSyncInstance, name: "application_id" | "user_version"): number {
  const row = database.prepare(`PRAGMA ${name}`).get() as Record<string, number>;
  return row[name] ?? 0;
}

const require = createRequire(import.meta.url);
let implementation: SqliteModule["DatabaseSync"] | undefined;

function openConnection(path: string): DatabaseSyncInstance {
  implementation ??= loadImplementation();
  try {
    return new implementation(path);
  } catch (cause) {
    throw openingError(path, cause);
  }
}

/** Node's own SQLite from 22.13 on; on Node 20 a package with the same interface and the same file format. */
function loadImplementation(): SqliteModule["DatabaseSync"] {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const builtIn = major > 22 || (major === 22 && minor >= 13);
  const module = require(builtIn ? "node:sqlite" : "@photostructure/sqlite") as {
    DatabaseSync: SqliteModule["DatabaseSync"];
  };
  return module.DatabaseSync;
}
