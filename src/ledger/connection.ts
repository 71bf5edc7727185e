/**
 * One connection to a SQLite file, the same over both implementations of SQLite that Node has.
 *
 * For `database.ts`, which adds transactions and files. It evens out where the two differ (what a text may hold, what
 * closing does), and turns SQLite's own errors into a DatabaseError.
 */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { DatabaseSyncInstance, SqliteModule } from "@photostructure/sqlite";
import { assert } from "../core/assert.ts";
import { DatabaseError } from "./database-error.ts";

/** Values that SQLite stores. A BLOB comes back as Uint8Array. */
export type SqlValue = null | number | string | Uint8Array;

/** A row by column name. */
export type Row = Record<string, SqlValue>;

/**
 * A prepared statement: the same object on every call with the same text.
 *
 * A parameter that would not come back as it was given is a bug of the caller: an integer beyond 2^53, NaN, or a text
 * with U+0000, which one of the two implementations cuts off there. Text that may hold anything belongs in a BLOB.
 */
export interface Statement {
  run(...parameters: SqlValue[]): { changes: number };
  get(...parameters: SqlValue[]): Row | undefined;
  all(...parameters: SqlValue[]): Row[];
  /**
   * Row by row, to be read to its end (or left) before the next commit: it holds a snapshot, so the connection would
   * go on seeing old rows and the log could not shrink. One left open is closed by the commit and throws when it is
   * asked for more. Any other call on the same statement ends it too.
   */
  iterate(...parameters: SqlValue[]): IterableIterator<Row>;
}

/** One connection. Statements are prepared once and kept, so SQL is never built from data. */
export interface Connection {
  prepare(sql: string): Statement;
}

/** How many texts one connection may prepare: more means that SQL is built from data. */
const STATEMENTS_MAX = 1000;

/** A connection of the embedded SQLite, with its statements. */
export class SqliteConnection implements Connection {
  readonly #database: DatabaseSyncInstance;
  readonly #statements = new Map<string, Statement>();
  readonly #iterators = new Set<IterableIterator<Row>>();

  /** @throws DatabaseError when the file cannot be opened or made */
  constructor(path: string) {
    implementation ??= loadImplementation();
    try {
      this.#database = new implementation(path);
    } catch (cause) {
      throw databaseError(path, cause);
    }
  }

  /** Runs statements that are needed once, without keeping them. */
  exec(sql: string): void {
    this.#database.exec(sql);
  }

  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      assert(this.#statements.size < STATEMENTS_MAX, `more than ${STATEMENTS_MAX} SQL texts: "${sql.slice(0, 80)}"`);
      const native = this.#database.prepare(sql) as unknown as Statement;
      statement = new CheckedStatement(native, this.#iterators);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** The value of a pragma that is a number. */
  pragma(name: "application_id" | "user_version"): number {
    return Number(this.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  }

  /** Leaves the transaction, if SQLite has not done so by itself (disk full, I/O error). */
  rollBack(): void {
    try {
      this.#database.exec("ROLLBACK");
    } catch {
      // There was none any more.
    }
  }

  /** Ends the iterators that somebody left open. */
  closeIterators(): void {
    for (const iterator of this.#iterators) iterator.return?.();
    this.#iterators.clear();
  }

  /**
   * Closes the connection.
   *
   * On Node 20 the operating system's file stays open until the statements are garbage: they are dropped here and can
   * be finalised in no other way. No lock that could stop anybody else's writes is held meanwhile.
   */
  close(): void {
    this.closeIterators();
    this.#statements.clear();
    this.#database.close();
  }
}

class CheckedStatement implements Statement {
  readonly #native: Statement;
  readonly #iterators: Set<IterableIterator<Row>>;

  constructor(native: Statement, iterators: Set<IterableIterator<Row>>) {
    this.#native = native;
    this.#iterators = iterators;
  }

  run(...parameters: SqlValue[]): { changes: number } {
    for (const parameter of parameters) check(parameter);
    return this.#native.run(...parameters);
  }

  get(...parameters: SqlValue[]): Row | undefined {
    for (const parameter of parameters) check(parameter);
    return this.#native.get(...parameters);
  }

  all(...parameters: SqlValue[]): Row[] {
    for (const parameter of parameters) check(parameter);
    return this.#native.all(...parameters);
  }

  *iterate(...parameters: SqlValue[]): IterableIterator<Row> {
    for (const parameter of parameters) check(parameter);
    const rows = this.#native.iterate(...parameters);
    this.#iterators.add(rows);
    try {
      for (let next = rows.next(); next.done !== true; next = rows.next()) {
        yield next.value;
        assert(this.#iterators.has(rows), "an iterator was left open across a commit");
      }
    } finally {
      if (this.#iterators.delete(rows)) rows.return?.();
    }
  }
}

function check(parameter: SqlValue): void {
  if (typeof parameter === "string") {
    assert(!parameter.includes("\0"), "a text with U+0000: store it as a BLOB");
  } else if (typeof parameter === "number") {
    assert(Number.isFinite(parameter), `${parameter} is not a number that SQLite stores`);
    assert(!Number.isInteger(parameter) || Number.isSafeInteger(parameter), `${parameter} is beyond 2^53`);
  }
}

const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_NOMEM = 7;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Errors that speak of the file and its disk, not of the statement that met them. */
const OF_THE_FILE: ReadonlySet<number> = new Set([
  SQLITE_BUSY,
  SQLITE_LOCKED,
  SQLITE_NOMEM,
  SQLITE_READONLY,
  SQLITE_IOERR,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_CANTOPEN,
  SQLITE_NOTADB,
]);

export function isOfTheFile(error: unknown): boolean {
  return OF_THE_FILE.has(sqliteCode(error));
}

/** What SQLite said about a file, in words for the person who runs it. */
export function databaseError(path: string, cause: unknown): DatabaseError {
  if (cause instanceof DatabaseError) return cause;
  const options = { cause };
  switch (sqliteCode(cause)) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new DatabaseError(
        "locked",
        `${path} is in use by another process: stop it, or choose another file`,
        options,
      );
    case SQLITE_FULL:
      return new DatabaseError("full", `${path} cannot grow: free space on its disk`, options);
    case SQLITE_NOTADB:
      return new DatabaseError("foreign", `${path} is not a SQLite file: choose another file`, options);
    default: {
      const directory = dirname(path);
      if (path !== ":memory:" && !existsSync(directory)) {
        return new DatabaseError("io", `${path} cannot be used: make the directory ${directory} first`, options);
      }
      const said = cause instanceof Error ? cause.message : String(cause);
      return new DatabaseError("io", `${path} cannot be used: ${said}`, options);
    }
  }
}

/** SQLite's primary result code; 0 for errors of other origin. */
function sqliteCode(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
}

const require = createRequire(import.meta.url);
let implementation: SqliteModule["DatabaseSync"] | undefined;

/** Node's own SQLite from 22.13 on; on Node 20 a package with the same interface and the same file format. */
function loadImplementation(): SqliteModule["DatabaseSync"] {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const builtIn = major > 22 || (major === 22 && minor >= 13);
  const module = require(builtIn ? "node:sqlite" : "@photostructure/sqlite") as {
    DatabaseSync: SqliteModule["DatabaseSync"];
  };
  return module.DatabaseSync;
}
