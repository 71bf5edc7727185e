/**
 * An embedded SQLite file with group commit: one fsync serves every write that came in meanwhile.
 *
 * For the ledger and the lab, which keep their tables in files of their own. It knows nothing of those tables
 * but the numbered migrations that it is given.
 *
 * Writes run one after another on one connection, inside a transaction that is shared by all writes of one turn of
 * the event loop, or of a few milliseconds while several writers are at work. A promise of `write` resolves after the
 * commit, so what is acknowledged is on disk. While a transaction is open reads go to a second connection and see only
 * what is committed; nobody can read what a crash would take back. Otherwise they go to the first, whose cache is warm.
 *
 * Several processes may open one file: a write waits for the other's transaction, `busyMsMax` at most. Whoever must
 * be alone holds a file of its own with `holdFile`.
 */
import { closeSync, openSync } from "node:fs";
import { resolve } from "node:path";
import { assert } from "../core/assert.ts";
import { type Connection, databaseError, isOfTheFile, SqliteConnection, type Statement } from "./connection.ts";
import { DatabaseError } from "./database-error.ts";

export type { Connection, Row, SqlValue, Statement } from "./connection.ts";
export { DatabaseError } from "./database-error.ts";

/** The least time between two commits while writers come in together, for each of them: so many more share an fsync. */
const PAUSE_MS_PER_WRITE = 4;
const PAUSE_MS_MAX = 2;

/** How long a write that waits for others is kept from its commit when none come. */
const PATIENCE_MS = 4;

export interface Database {
  /** Sees committed rows only (in memory: also those of the transaction that is about to be committed). */
  readonly committed: Connection;

  /**
   * Runs `work` now, in the shared transaction, and resolves with its value once it is durable.
   *
   * `work` is synchronous and calls no `write` itself. If it throws, what it wrote is rolled back and the promise
   * rejects with what it threw; the other writes of the transaction are not touched. If SQLite gives up the
   * transaction (a full disk, an I/O error) or the commit fails, every write in it rejects with a DatabaseError and
   * none of them is in the file.
   */
  write<T>(work: (connection: Connection) => T): Promise<T>;

  /**
   * Like `write`, for work that nobody waits for: it runs right before the next commit, and asks for one only after a
   * while. So it mostly costs no fsync of its own.
   */
  writeLate<T>(work: (connection: Connection) => T): Promise<T>;

  /** Reads what is written so far, committed or not: to find out whether there is anything to write. */
  look<T>(work: (connection: Connection) => T): T;

  /** Runs several reads of `committed` on one and the same state of the file, whatever other processes write. */
  snapshot<T>(work: (connection: Connection) => T): T;

  /** Commits what is open, then closes the file. Later calls of `write` reject. */
  close(): Promise<void>;
}

export interface DatabaseOptions {
  /** A file, or ":memory:" for one that lives and dies with the process. A new file is readable by its owner only. */
  readonly path: string;
  /** Whose file this is: a 31-bit number in its header; a file with another one is refused. */
  readonly applicationId: number;
  /** SQL scripts; the position (from 1) is the version that the file has after it. Only ever append. */
  readonly migrations: readonly string[];
  /** How long a call waits (and this process with it) while another process is writing; default 2000. */
  readonly busyMsMax?: number;
  /** When to commit an open transaction; default: at the end of the turn, or after a pause under load. */
  readonly schedule?: Schedule;
  /** How long such a pause may be; default 2. Longer ones save processor time, and every write waits for them. */
  readonly pauseMsMax?: number;
}

/** Told of the size of a transaction when it has been committed. `isLate`: nobody waits for this commit. */
export type Schedule = (commit: () => number, isLate: boolean) => void;

const BUSY_MS_MAX = 2000;

/** Above this many pages of 4 KiB the log is copied into the file; beyond that size it is cut back afterwards. */
const LOG_PAGES = 4000;

/**
 * Opens the file, creates it when it is new, and brings its tables up to date.
 *
 * @throws DatabaseError when it cannot be opened, is of a newer version, or is not ours; it is then left as it was
 */
export function openDatabase(options: DatabaseOptions): Database {
  const inMemory = options.path === ":memory:";
  // An absolute path cannot be taken for a URI ("file:…") and survives a change of directory.
  const path = inMemory ? options.path : resolve(options.path);
  if (!inMemory) createPrivately(path);
  const writer = new SqliteConnection(path);
  try {
    prepareFile(writer, { ...options, path });
    return new GroupCommitDatabase({
      path,
      writer,
      reader: inMemory ? writer : openReader(path, options),
      schedule: options.schedule ?? (inMemory ? soon : paced(options.pauseMsMax ?? PAUSE_MS_MAX)),
    });
  } catch (cause) {
    writer.close();
    throw databaseError(path, cause);
  }
}

/**
 * Holds `path` for this process until `release` or its death, kill -9 included: an operating system's lock, not a flag.
 *
 * The file is empty and serves for nothing else.
 *
 * @throws DatabaseError "locked" when somebody holds it
 */
export function holdFile(path: string): { release(): void } {
  const connection = new SqliteConnection(resolve(path));
  try {
    // By `exec` only: a prepared statement would keep the lock beyond `close` on Node 20.
    connection.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    connection.close();
    throw databaseError(path, cause);
  }
  let held = true;
  return {
    release: () => {
      if (held) connection.close();
      held = false;
    },
  };
}

const soon: Schedule = (commit) => void setImmediate(commit);

/**
 * Commits at the end of the turn. After a transaction that several writes shared the next one has to wait a little, for
 * there are more to come: one writer alone never waits.
 */
function paced(pauseMsMax: number): Schedule {
  let pausing = false;
  let next: (() => number) | undefined;
  const run = (commit: () => number) => {
    const writes = commit();
    if (writes < 2) return;
    pausing = true;
    setTimeout(
      () => {
        pausing = false;
        const held = next;
        next = undefined;
        if (held !== undefined) run(held);
      },
      Math.min(writes * PAUSE_MS_PER_WRITE, pauseMsMax),
    );
  };
  return (commit, isLate) => {
    if (pausing) next = commit;
    else if (isLate) setTimeout(() => run(commit), PATIENCE_MS);
    else setImmediate(() => run(commit));
  };
}

/**
 * What is committed, on whichever connection it can be read now. Nothing is written through it, and rows are iterated on
 * the reader, where no commit is in the way.
 */
class CommittedConnection implements Connection {
  readonly #current: () => SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #statements = new Map<string, Statement>();

  constructor(current: () => SqliteConnection, reader: SqliteConnection) {
    this.#current = current;
    this.#reader = reader;
  }

  prepare(sql: string): Statement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = {
        run: (...parameters) => this.#reader.prepare(sql).run(...parameters),
        get: (...parameters) =>
          this.#current()
            .prepare(sql)
            .get(...parameters),
        all: (...parameters) =>
          this.#current()
            .prepare(sql)
            .all(...parameters),
        iterate: (...parameters) => this.#reader.prepare(sql).iterate(...parameters),
      };
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class GroupCommitDatabase implements Database {
  readonly committed: Connection;
  readonly #path: string;
  readonly #writer: SqliteConnection;
  readonly #reader: SqliteConnection;
  readonly #schedule: Schedule;
  /** Those whose work is done in the open transaction. */
  #waiting: Waiting[] = [];
  /** What runs before the next commit. */
  #late: { readonly run: () => void; readonly reject: (error: unknown) => void }[] = [];
  #state: "idle" | "open" | "working" | "closed" = "idle";

  constructor(parts: {
    readonly path: string;
    readonly writer: SqliteConnection;
    readonly reader: SqliteConnection;
    readonly schedule: Schedule;
  }) {
    this.#path = parts.path;
    this.#writer = parts.writer;
    this.#reader = parts.reader;
    this.#schedule = parts.schedule;
    this.committed =
      parts.reader === parts.writer
        ? parts.writer
        : new CommittedConnection(() => (this.#state === "idle" ? parts.writer : parts.reader), parts.reader);
  }

  async write<T>(work: (connection: Connection) => T): Promise<T> {
    assert(this.#state !== "working", "a write inside the work of another write");
    if (this.#state === "closed") throw new DatabaseError("io", `${this.#path} is closed`);
    if (this.#state === "idle") {
      this.#begin();
      this.#schedule(() => this.#commit(), false);
    }
    const value = this.#work(work);
    await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    return value;
  }

  async writeLate<T>(work: (connection: Connection) => T): Promise<T> {
    if (this.#state === "closed") throw new DatabaseError("io", `${this.#path} is closed`);
    return await new Promise<T>((resolve, reject) => {
      const run = (): void => {
        const value = this.#work(work);
        this.#waiting.push({ resolve: () => resolve(value), reject });
      };
      this.#late.push({ run, reject });
      if (this.#late.length === 1 && this.#state === "idle") this.#schedule(() => this.#commit(), true);
    });
  }

  look<T>(work: (connection: Connection) => T): T {
    if (this.#state === "closed") throw new DatabaseError("io", `${this.#path} is closed`);
    return work(this.#writer);
  }

  snapshot<T>(work: (connection: Connection) => T): T {
    if (this.#state === "closed") throw new DatabaseError("io", `${this.#path} is closed`);
    if (this.#reader === this.#writer) return work(this.#writer);
    const connection = this.#state === "idle" ? this.#writer : this.#reader;
    connection.prepare("BEGIN").run();
    try {
      return work(connection);
    } finally {
      connection.rollBack();
    }
  }

  async close(): Promise<void> {
    assert(this.#state !== "working", "a close inside the work of a write");
    if (this.#state === "closed") return;
    this.#commit();
    this.#state = "closed";
    if (this.#reader !== this.#writer) this.#reader.close();
    try {
      this.#writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // Only a matter of tidiness: what is in the log is durable there.
    }
    this.#writer.close();
  }

  #begin(): void {
    try {
      this.#writer.prepare("BEGIN IMMEDIATE").run();
    } catch (cause) {
      throw databaseError(this.#path, cause);
    }
    this.#state = "open";
  }

  /** The first work of a transaction needs no savepoint: to roll it back is to roll back everything there is. */
  #work<T>(work: (connection: Connection) => T): T {
    const alone = this.#waiting.length === 0;
    this.#state = "working";
    try {
      if (!alone) this.#writer.prepare("SAVEPOINT work").run();
      const value = work(this.#writer);
      assert(!(value instanceof Promise), "the work of a write is not synchronous");
      if (!alone) this.#writer.prepare("RELEASE work").run();
      this.#state = "open";
      return value;
    } catch (error) {
      const reason = isOfTheFile(error) ? databaseError(this.#path, error) : error;
      if (alone) {
        this.#rollBack();
      } else if (this.#rollBackToSavepoint()) {
        this.#state = "open";
      } else {
        this.#rollBack();
        this.#rejectWaiting(databaseError(this.#path, error));
      }
      throw reason;
    }
  }

  /** False when there is nothing to roll back to: SQLite has given up the whole transaction by itself. */
  #rollBackToSavepoint(): boolean {
    try {
      this.#writer.exec("ROLLBACK TO work; RELEASE work");
      return true;
    } catch {
      return false;
    }
  }

  #rollBack(): void {
    this.#state = "idle";
    this.#writer.rollBack();
  }

  #rejectWaiting(error: DatabaseError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.reject(error);
  }

  #runLate(): void {
    const late = this.#late;
    if (late.length === 0) return;
    this.#late = [];
    for (const one of late) {
      try {
        if (this.#state === "idle") this.#begin();
        one.run();
      } catch (error) {
        one.reject(error);
      }
    }
  }

  /** Returns how many writes it has made durable. */
  #commit(): number {
    this.#runLate();
    if (this.#state !== "open") return 0;
    this.#writer.closeIterators();
    this.#reader.closeIterators();
    try {
      this.#writer.prepare("COMMIT").run();
    } catch (cause) {
      this.#rollBack();
      this.#rejectWaiting(databaseError(this.#path, cause));
      return 0;
    }
    this.#state = "idle";
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const one of waiting) one.resolve();
    return waiting.length;
  }
}

/** A new file is made for its owner alone: a lab's holds keys, a ledger's the names of objects. */
function createPrivately(path: string): void {
  try {
    // Only when it is new: closing a file that SQLite has open would drop SQLite's locks.
    closeSync(openSync(path, "wx", 0o600));
  } catch {
    // It is there already, or opening it will say why it cannot be.
  }
}

function openReader(path: string, options: DatabaseOptions): SqliteConnection {
  const reader = new SqliteConnection(path);
  reader.exec(
    `PRAGMA busy_timeout = ${options.busyMsMax ?? BUSY_MS_MAX}; PRAGMA query_only = ON; PRAGMA cache_size = -8192;`,
  );
  return reader;
}

function prepareFile(connection: SqliteConnection, options: DatabaseOptions): void {
  connection.exec(
    `PRAGMA busy_timeout = ${options.busyMsMax ?? BUSY_MS_MAX}; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;`,
  );
  // Without these, "on disk" would mean "in the disk's own cache" on macOS.
  connection.exec("PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;");
  connection.exec("PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;");
  // Nothing is written before it is known whose file this is.
  if (knownVersion(connection, options) < options.migrations.length) migrate(connection, options);
  const mode = connection.prepare("PRAGMA journal_mode = WAL").get()?.["journal_mode"];
  if (mode !== "wal" && mode !== "memory") {
    throw new DatabaseError("io", `${options.path} is on a disk without shared memory files: choose a local disk`);
  }
  connection.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}; PRAGMA journal_size_limit = ${LOG_PAGES * 4096};`);
}

/** The version of the tables; 0 for an empty file. */
function knownVersion(connection: SqliteConnection, { path, applicationId, migrations }: DatabaseOptions): number {
  const version = connection.pragma("user_version");
  const isEmpty = connection.prepare("SELECT 1 FROM sqlite_schema LIMIT 1").get() === undefined;
  if (connection.pragma("application_id") !== applicationId && !(isEmpty && version === 0)) {
    throw new DatabaseError("foreign", `${path} is a SQLite file of another kind: choose another file`);
  }
  if (version > migrations.length) {
    throw new DatabaseError(
      "newerVersion",
      `${path} was written by a newer version of Lockstep (format ${version}, this one knows up to ` +
        `${migrations.length}): upgrade Lockstep, or choose another data directory`,
    );
  }
  return version;
}

function migrate(connection: SqliteConnection, options: DatabaseOptions): void {
  connection.exec("BEGIN IMMEDIATE");
  try {
    // Again, for somebody else may have been faster.
    for (const script of options.migrations.slice(knownVersion(connection, options))) connection.exec(script);
    connection.exec(
      `PRAGMA application_id = ${options.applicationId}; PRAGMA user_version = ${options.migrations.length}; COMMIT`,
    );
  } catch (error) {
    connection.rollBack();
    throw error;
  }
}
