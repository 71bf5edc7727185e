import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { BugError } from "../core/assert.ts";
import { SqliteConnection } from "./connection.ts";
import { type Connection, type Database, DatabaseError, holdFile, openDatabase } from "./database.ts";

const APPLICATION_ID = 0x4c547374;
const MIGRATION = `
  CREATE TABLE numbers (id INTEGER PRIMARY KEY, name TEXT);
  CREATE TABLE bodies (id INTEGER PRIMARY KEY, body BLOB);
  CREATE TABLE children (parent INTEGER REFERENCES numbers (id) DEFERRABLE INITIALLY DEFERRED);`;

let directory: string;
let opened: Database[];

describe("database", () => {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "lockstep-database-"));
    opened = [];
  });

  afterEach(async () => {
    for (const database of opened) await database.close();
    rmSync(directory, { recursive: true });
  });

  interface OpenOptions {
    readonly name?: string;
    readonly migrations?: readonly string[];
    readonly applicationId?: number;
    readonly busyMsMax?: number;
    readonly schedule?: (commit: () => void) => void;
  }

  function open({ name = "test.db", ...options }: OpenOptions = {}): Database {
    const path = name === ":memory:" ? name : join(directory, name);
    const database = openDatabase({ path, applicationId: APPLICATION_ID, migrations: [MIGRATION], ...options });
    opened.push(database);
    return database;
  }

  /** A database whose transactions are committed when the test says so. */
  function openByHand(name?: string): { database: Database; commits: (() => void)[]; commit: () => void } {
    const commits: (() => void)[] = [];
    const schedule = (commit: () => void): void => {
      commits.push(commit);
    };
    const database = open(name === undefined ? { schedule } : { schedule, name });
    return { database, commits, commit: () => commits.at(-1)?.() };
  }

  const insert = (id: number, name = "x") => {
    return (connection: Connection): number =>
      connection.prepare("INSERT INTO numbers VALUES (?, ?)").run(id, name).changes;
  };

  const ids = (connection: Connection): unknown[] =>
    connection
      .prepare("SELECT id FROM numbers ORDER BY id")
      .all()
      .map((row) => row["id"]);

  const isDatabaseError = (reason: DatabaseError["reason"]) => {
    return (error: unknown): boolean => error instanceof DatabaseError && error.reason === reason;
  };

  describe("group commit", () => {
    it("commits all writes of one turn together", async () => {
      const { database, commits, commit } = openByHand();
      const writes = Array.from({ length: 64 }, (_, id) => database.write(insert(id)));
      assert.equal(commits.length, 1);
      commit();
      assert.deepEqual(await Promise.all(writes), Array(64).fill(1));
      assert.equal(ids(database.committed).length, 64);
    });

    it("needs one commit a turn for 64 writers that write again and again", async () => {
      let commits = 0;
      const schedule = (commit: () => void): void => {
        commits++;
        setImmediate(commit);
      };
      const database = open({ schedule });
      let id = 0;
      const writer = async (): Promise<void> => {
        for (let round = 0; round < 10; round++) await database.write(insert(id++));
      };
      await Promise.all(Array.from({ length: 64 }, writer));
      assert.equal(ids(database.committed).length, 640);
      assert.equal(commits, 10);
    });

    it("shows a write to readers only after its commit, and resolves only then", async () => {
      const { database, commit } = openByHand();
      let resolved = false;
      const write = database.write(insert(1)).then(() => {
        resolved = true;
      });
      await new Promise(setImmediate);
      assert.equal(resolved, false);
      assert.deepEqual(ids(database.committed), []);
      commit();
      assert.deepEqual(ids(database.committed), [1]);
      await write;
    });

    it("shows the writes before it in the same transaction to a work", async () => {
      const { database, commit } = openByHand();
      const first = database.write(insert(1));
      const second = database.write((connection) => ids(connection));
      commit();
      await first;
      assert.deepEqual(await second, [1]);
    });

    it("commits what is open on close, and refuses later writes", async () => {
      const { database } = openByHand();
      const write = database.write(insert(1));
      await database.close();
      assert.equal(await write, 1);
      await assert.rejects(database.write(insert(2)), isDatabaseError("io"));
      await database.close();
      assert.deepEqual(ids(open().committed), [1]);
    });

    it("ignores a commit that was scheduled before the close", async () => {
      const { database, commit } = openByHand();
      const write = database.write(insert(1));
      await database.close();
      commit();
      assert.equal(await write, 1);
    });
  });

  for (const name of ["test.db", ":memory:"]) {
    describe(`isolation of writes (${name})`, () => {
      const failing = (id: number) => {
        return (connection: Connection): void => {
          insert(id)(connection);
          throw new RangeError("no");
        };
      };

      it("rolls back only the work that throws", async () => {
        const { database, commit } = openByHand(name);
        const writes = [1, 2, 3].map((id) => database.write(id === 2 ? failing(id) : insert(id)));
        const settled = Promise.allSettled(writes);
        commit();
        assert.deepEqual(
          (await settled).map((one) => one.status),
          ["fulfilled", "rejected", "fulfilled"],
        );
        assert.deepEqual(ids(database.committed), [1, 3]);
      });

      it("rolls back the first work of a transaction too, and what it threw is what the promise rejects with", async () => {
        const { database, commit } = openByHand(name);
        await assert.rejects(database.write(failing(1)), RangeError);
        const write = database.write(insert(2));
        commit();
        await write;
        assert.deepEqual(ids(database.committed), [2]);
      });

      it("takes a write inside a work, and a work that is not synchronous, for bugs", async () => {
        const { database, commit } = openByHand(name);
        let inner: Promise<number> | undefined;
        const outer = database.write((connection) => {
          inner = database.write(insert(1));
          return insert(2)(connection);
        });
        commit();
        await outer;
        assert.ok(inner);
        await assert.rejects(inner, BugError);
        await assert.rejects(
          database.write(async (connection) => insert(3)(connection)),
          BugError,
        );
        assert.deepEqual(ids(database.committed), [2]);
      });

      it("rejects every write of a transaction whose commit fails, and goes on with the next", async () => {
        const { database, commit } = openByHand(name);
        const orphan = (connection: Connection): void => {
          connection.prepare("INSERT INTO children VALUES (99)").run();
        };
        const settled = Promise.allSettled([database.write(insert(1)), database.write(orphan)]);
        commit();
        for (const one of await settled) assert.ok(one.status === "rejected" && one.reason instanceof DatabaseError);
        assert.deepEqual(ids(database.committed), []);
        const write = database.write(insert(2));
        commit();
        await write;
        assert.deepEqual(ids(database.committed), [2]);
      });

      it("rejects every write of a transaction that SQLite gave up, and goes on with the next", async () => {
        const { database, commit } = openByHand(name);
        const limit = (pages: number) => {
          return (connection: Connection): void => {
            connection.prepare(`PRAGMA max_page_count = ${pages}`).all();
          };
        };
        const big = (connection: Connection): void => {
          connection.prepare("INSERT INTO bodies (body) VALUES (?)").run(new Uint8Array(100_000));
        };
        const settled = Promise.allSettled([database.write(limit(10)), database.write(insert(1)), database.write(big)]);
        const after = database.write(limit(1_000_000));
        commit();
        for (const one of await settled) assert.ok(one.status === "rejected" && isDatabaseError("full")(one.reason));
        await after;
        assert.deepEqual(ids(database.committed), []);
        const write = database.write(big);
        commit();
        await write;
      });
    });

    describe(`values (${name})`, () => {
      it("gives back what was stored", async () => {
        const database = open({ name });
        await database.write((connection) => {
          insert(Number.MAX_SAFE_INTEGER, "käse \u{10ffff} %_'")(connection);
          connection.prepare("INSERT INTO bodies VALUES (1, ?), (2, ?)").run(Buffer.from([0, 255]), new Uint8Array(0));
        });
        const row = database.committed.prepare("SELECT * FROM numbers").get();
        assert.deepEqual({ ...row }, { id: Number.MAX_SAFE_INTEGER, name: "käse \u{10ffff} %_'" });
        const bodies = database.committed.prepare("SELECT body FROM bodies ORDER BY id").all();
        assert.deepEqual(
          bodies.map((one) => one["body"]),
          [new Uint8Array([0, 255]), new Uint8Array(0)],
        );
      });

      it("refuses what would not come back as it was given", async () => {
        const database = open({ name });
        for (const wrong of [2 ** 53, -(2 ** 60), Number.NaN, Number.POSITIVE_INFINITY]) {
          await assert.rejects(database.write(insert(wrong)), BugError);
        }
        await assert.rejects(database.write(insert(1, "a\0b")), BugError);
      });
    });
  }

  describe("iterators", () => {
    const fill = (count: number) => {
      return (connection: Connection): void => {
        for (let id = 0; id < count; id++) insert(id)(connection);
      };
    };

    it("end with a bug when they are left open across a commit, and later reads are fresh", async () => {
      const database = open();
      await database.write(fill(3));
      const rows = database.committed.prepare("SELECT * FROM numbers").iterate();
      rows.next();
      await database.write(insert(3));
      assert.deepEqual(ids(database.committed), [0, 1, 2, 3]);
      assert.throws(() => rows.next(), BugError);
    });

    it("that a work leaves open do not hold up its transaction", async () => {
      const database = open();
      await database.write(fill(3));
      await database.write((connection) => {
        connection.prepare("SELECT * FROM numbers").iterate().next();
        insert(3)(connection);
      });
      await assert.rejects(
        database.write((connection) => {
          connection.prepare("SELECT * FROM numbers").iterate().next();
          insert(4)(connection);
          throw new RangeError("no");
        }),
        RangeError,
      );
      assert.deepEqual(ids(database.committed), [0, 1, 2, 3]);
    });

    it("can be left early", async () => {
      const database = open();
      await database.write(fill(3));
      for (const row of database.committed.prepare("SELECT id FROM numbers ORDER BY id").iterate()) {
        if (row["id"] === 1) break;
      }
      await database.write(insert(3));
      assert.equal([...database.committed.prepare("SELECT id FROM numbers").iterate()].length, 4);
    });
  });

  describe("opening", () => {
    it("runs each migration once, in order, and keeps the rows", async () => {
      const first = open();
      await first.write(insert(1));
      await first.close();
      const second = open({ migrations: [MIGRATION, "ALTER TABLE numbers ADD COLUMN more INTEGER DEFAULT 7"] });
      const row = second.committed.prepare("SELECT id, more FROM numbers").get();
      assert.deepEqual({ ...row }, { id: 1, more: 7 });
    });

    it("leaves the file as it was when a migration fails", async () => {
      await open().close();
      assert.throws(
        () => open({ migrations: [MIGRATION, "CREATE TABLE half (id); CREATE TABEL typo"] }),
        DatabaseError,
      );
      const again = open({ migrations: [MIGRATION, "CREATE TABLE half (id)"] });
      assert.deepEqual(again.committed.prepare("SELECT * FROM half").all(), []);
    });

    it("refuses a file of a newer version", async () => {
      await open({ migrations: [MIGRATION, "CREATE TABLE later (id)"] }).close();
      assert.throws(() => open(), isDatabaseError("newerVersion"));
    });

    it("refuses a file with another application's number, and one with tables and no number", async () => {
      await open({ name: "other.db", applicationId: 1 }).close();
      assert.throws(() => open({ name: "other.db" }), isDatabaseError("foreign"));
      await open({ name: "nobody.db", applicationId: 0 }).close();
      assert.throws(() => open({ name: "nobody.db" }), isDatabaseError("foreign"));
    });

    it("does not touch a file of somebody else's tables", () => {
      const path = join(directory, "theirs.db");
      const theirs = new SqliteConnection(path);
      theirs.exec("CREATE TABLE theirs (id)");
      theirs.close();
      const before = readFileSync(path);
      assert.throws(() => open({ name: "theirs.db" }), isDatabaseError("foreign"));
      assert.deepEqual(readFileSync(path), before);
    });

    it("does not touch a file that is not SQLite's", () => {
      const path = join(directory, "text.db");
      writeFileSync(path, "not a database ".repeat(1000));
      const before = statSync(path);
      assert.throws(() => open({ name: "text.db" }), isDatabaseError("foreign"));
      assert.equal(statSync(path).size, before.size);
      assert.equal(statSync(path).mtimeMs, before.mtimeMs);
    });

    it("says which directory is missing", () => {
      assert.throws(
        () => open({ name: "no/such/test.db" }),
        (error) => isDatabaseError("io")(error) && String(error).includes(join(directory, "no/such")),
      );
    });

    it("takes a path for a path, never for a URI", async () => {
      const database = open({ name: "file:a b?c=%20#d.db" });
      await database.write(insert(1));
      assert.equal(statSync(join(directory, "file:a b?c=%20#d.db")).isFile(), true);
    });

    it("sets up commits that a loss of power cannot take back", async () => {
      const database = open();
      const settings = await database.write((connection) => [
        connection.prepare("PRAGMA journal_mode").get()?.["journal_mode"],
        connection.prepare("PRAGMA synchronous").get()?.["synchronous"],
      ]);
      const FULL = 2;
      assert.deepEqual(settings, ["wal", FULL]);
    });

    it("makes the file readable by its owner only", () => {
      open();
      assert.equal(statSync(join(directory, "test.db")).mode & 0o077, 0);
      assert.equal(statSync(join(directory, "test.db-wal")).mode & 0o077, 0);
    });
  });

  describe("two opens of one file", () => {
    it("see each other's writes, and neither loses one", async () => {
      const [one, other] = [open(), open()];
      for (let id = 0; id < 10; id++) await (id % 2 === 0 ? one : other).write(insert(id));
      assert.equal(ids(one.committed).length, 10);
      assert.deepEqual(ids(other.committed), ids(one.committed));
    });

    it("read one state of the file in a snapshot, whatever the other writes meanwhile", async () => {
      const { database: one } = openByHand();
      const { database: other, commit } = openByHand();
      const write = other.write(insert(1));
      one.snapshot((connection) => {
        assert.deepEqual(ids(connection), []);
        commit();
        assert.deepEqual(ids(connection), []);
      });
      await write;
      assert.deepEqual(ids(one.committed), [1]);
    });

    it("give up with a reason when the other never ends its transaction", async () => {
      const { database } = openByHand();
      const held = database.write(insert(1));
      const other = open({ busyMsMax: 1 });
      await assert.rejects(other.write(insert(2)), isDatabaseError("locked"));
      await database.close();
      await held;
      await other.write(insert(2));
      assert.deepEqual(ids(other.committed), [1, 2]);
    });
  });

  describe("the log", () => {
    it("is cut back once a reader that held it up is gone", async () => {
      const database = open();
      const body = new Uint8Array(1_000_000);
      const writeMany = async (): Promise<void> => {
        for (let round = 0; round < 40; round++) {
          await database.write((connection) => {
            connection.prepare("INSERT OR REPLACE INTO bodies VALUES (1, ?)").run(body);
          });
        }
      };
      const logBytes = (): number => statSync(join(directory, "test.db-wal")).size;
      const reader = open();
      await reader.write(insert(1));
      await reader.write(insert(2));
      const iterator = reader.committed.prepare("SELECT id FROM numbers").iterate();
      iterator.next();
      await writeMany();
      assert.ok(logBytes() > 32_000_000);
      iterator.return?.();
      await writeMany();
      assert.ok(logBytes() < 32_000_000);
    });
  });

  describe("holding a file", () => {
    const fixture = fileURLToPath(new URL("../../test/ledger/hold.js", import.meta.url));

    async function startHolder(path: string): Promise<ChildProcess> {
      const child = spawn(process.execPath, ["--no-warnings", fixture, path], { stdio: ["pipe", "pipe", "inherit"] });
      const [said] = (await once(child.stdout, "data")) as [Buffer];
      assert.equal(said.toString(), "held\n");
      return child;
    }

    it("excludes another process until that one is killed", async () => {
      const path = join(directory, "lock");
      const child = await startHolder(path);
      try {
        assert.throws(() => holdFile(path), isDatabaseError("locked"));
      } finally {
        const exited = once(child, "exit");
        child.kill("SIGKILL");
        await exited;
      }
      holdFile(path).release();
    });

    it("excludes a second holder in the same process until it is released, which may be said twice", () => {
      const path = join(directory, "lock");
      const hold = holdFile(path);
      assert.throws(() => holdFile(path), isDatabaseError("locked"));
      hold.release();
      hold.release();
      holdFile(path).release();
    });

    it("needs a directory that exists", () => {
      assert.throws(() => holdFile(join(directory, "no", "lock")), isDatabaseError("io"));
    });
  });
});
