/**
 * Records of the control plane: read from memory, written to disk first.
 *
 * Users, roles, policies, keys and grants are few and small, and every request reads some of them. So all are kept in
 * memory as immutable objects, and SQLite holds each of them as one row of JSON. Readers see a change only after its
 * commit, so nobody is told what a crash would take back. What is large or many (objects, versions) does not belong here.
 */
import type { Connection, Database } from "../ledger/database.ts";

/** One record that is about to be put or removed. Made by `Records`, carried out by `ChangeLane`. */
export interface Change {
  write(connection: Connection): void;
  /** Shows the change to readers. */
  apply(): void;
}

export interface RecordsOptions<T> {
  readonly database: Database;
  /** A table of the shape that `recordTable` gives. */
  readonly table: string;
  readonly idOf: (record: T) => string;
  /** A second name, unique among the records of the table. */
  readonly nameOf?: (record: T) => string;
}

/** The SQL of a table that `Records` can use. */
export function recordTable(name: string): string {
  return `CREATE TABLE ${name} (id TEXT NOT NULL PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;`;
}

/** All records of one table. Loading happens in the constructor. */
export class Records<T extends object> {
  readonly #byId = new Map<string, T>();
  readonly #byName = new Map<string, T>();
  readonly #options: RecordsOptions<T>;

  constructor(options: RecordsOptions<T>) {
    this.#options = options;
    for (const row of options.database.committed.prepare(`SELECT record FROM ${options.table} ORDER BY id`).iterate()) {
      this.#show(JSON.parse(String(row["record"])) as T);
    }
  }

  get size(): number {
    return this.#byId.size;
  }

  get(id: string): T | undefined {
    return this.#byId.get(id);
  }

  named(name: string): T | undefined {
    return this.#byName.get(name);
  }

  values(): IterableIterator<T> {
    return this.#byId.values();
  }

  /** Adds the record, or replaces the one with the same id. */
  put(record: T): Change {
    const { table, idOf } = this.#options;
    return {
      write: (connection) => {
        connection
          .prepare(
            `INSERT INTO ${table} (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record`,
          )
          .run(idOf(record), JSON.stringify(record));
      },
      apply: () => this.#show(record),
    };
  }

  remove(record: T): Change {
    const { table, idOf } = this.#options;
    return {
      write: (connection) => {
        connection.prepare(`DELETE FROM ${table} WHERE id = ?`).run(idOf(record));
      },
      apply: () => this.#hide(record),
    };
  }

  #show(record: T): void {
    const { idOf, nameOf } = this.#options;
    const before = this.#byId.get(idOf(record));
    if (before !== undefined) this.#hide(before);
    this.#byId.set(idOf(record), record);
    if (nameOf !== undefined) this.#byName.set(nameOf(record), record);
  }

  #hide(record: T): void {
    const { idOf, nameOf } = this.#options;
    this.#byId.delete(idOf(record));
    if (nameOf !== undefined) this.#byName.delete(nameOf(record));
  }
}

/** Carries out changes one after another: what a change has read is still so when it is written. */
export class ChangeLane {
  readonly #database: Database;
  #last: Promise<unknown> = Promise.resolve();

  constructor(database: Database) {
    this.#database = database;
  }

  /**
   * Calls `plan` once every earlier change is done; commits the changes that it returns, shows them to readers, and
   * resolves with its value. A throw of `plan` changes nothing and rejects.
   */
  run<T>(plan: () => readonly [value: T, ...changes: readonly Change[]]): Promise<T> {
    const done = this.#last.then(async () => {
      const [value, ...changes] = plan();
      await this.commit(changes);
      return value;
    });
    this.#last = done.catch(() => undefined);
    return done;
  }

  /** Commits changes that depend on nothing that was read. */
  async commit(changes: readonly Change[]): Promise<void> {
    if (changes.length === 0) return;
    await this.#database.write((connection) => {
      for (const change of changes) change.write(connection);
    });
    for (const change of changes) change.apply();
  }
}

/**
 * What was computed from a record, or is computed now. With a WeakMap by record nothing gets stale: a changed record
 * is another object.
 */
export function remembered<K, V>(
  memory: { get(key: K): V | undefined; set(key: K, value: V): unknown },
  key: K,
  compute: () => V,
): V {
  const known = memory.get(key);
  if (known !== undefined) return known;
  const computed = compute();
  memory.set(key, computed);
  return computed;
}
