import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { type Database, openDatabase } from "../ledger/database.ts";
import { ChangeLane, Records, recordTable } from "./records.ts";

interface Pet {
  readonly id: string;
  readonly name: string;
}

describe("records", () => {
  let directory: string;
  let database: Database;
  /** Commits wait here until the test lets them happen. */
  let commits: (() => void)[];
  let lane: ChangeLane;
  let pets: Records<Pet>;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "lockstep-records-"));
    open();
  });
  afterEach(async () => {
    await database.close();
    rmSync(directory, { recursive: true });
  });

  function open(): void {
    commits = [];
    database = openDatabase({
      path: join(directory, "records.db"),
      applicationId: 1,
      migrations: [recordTable("pets")],
      schedule: (commit) => commits.push(commit),
    });
    lane = new ChangeLane(database);
    pets = new Records({ database, table: "pets", idOf: (one) => one.id, nameOf: (one) => one.name });
  }

  /** Lets plans run and commits what they write, until a few turns of the event loop have brought nothing new. */
  async function settle(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 3; quietTurns++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (commits.length > 0) quietTurns = 0;
      for (const commit of commits.splice(0)) commit();
    }
  }

  const add = (id: string, name: string) => lane.run(() => [undefined, pets.put({ id, name })]);

  it("are shown to readers only when they are on disk", async () => {
    const added = add("1", "rex");
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(commits.length, 1);
    assert.equal(pets.get("1"), undefined);
    await settle();
    await added;
    assert.deepEqual(pets.named("rex"), { id: "1", name: "rex" });
  });

  it("are there again after the file was closed and opened", async () => {
    const added = [add("1", "rex"), add("2", "tom")];
    await settle();
    await Promise.all(added);
    await database.close();
    open();
    assert.deepEqual(
      [...pets.values()],
      [
        { id: "1", name: "rex" },
        { id: "2", name: "tom" },
      ],
    );
  });

  it("follow a changed name, and are gone under the old one", async () => {
    const changes = [add("1", "rex"), add("1", "max")];
    await settle();
    await Promise.all(changes);
    assert.equal(pets.named("rex"), undefined);
    assert.equal(pets.named("max")?.id, "1");
    assert.equal(pets.size, 1);
    const removed = lane.run(() => [undefined, pets.remove({ id: "1", name: "max" })]);
    await settle();
    await removed;
    assert.equal(pets.named("max"), undefined);
    assert.equal(pets.size, 0);
  });

  it("are planned one after another, each plan on what the one before it left", async () => {
    const addOnce = (id: string) =>
      lane.run(() => {
        if (pets.named("rex") !== undefined) throw new Error("taken");
        return [id, pets.put({ id, name: "rex" })];
      });
    const results = Promise.allSettled([addOnce("1"), addOnce("2"), addOnce("3")]);
    await settle();
    assert.deepEqual(
      (await results).map((one) => one.status),
      ["fulfilled", "rejected", "rejected"],
    );
    assert.equal(pets.named("rex")?.id, "1");
  });

  it("stay as they were when the commit fails, and later changes go on", async () => {
    let isFull = true;
    const failing: Database = {
      committed: database.committed,
      write: (work) => (isFull ? Promise.reject(new Error("disk full")) : database.write(work)),
      writeLate: (work) => database.writeLate(work),
      look: (work) => database.look(work),
      snapshot: (work) => database.snapshot(work),
      close: () => database.close(),
    };
    const failingLane = new ChangeLane(failing);
    await assert.rejects(
      failingLane.run(() => [undefined, pets.put({ id: "1", name: "rex" })]),
      /disk full/,
    );
    assert.equal(pets.get("1"), undefined);
    isFull = false;
    const added = failingLane.run(() => [undefined, pets.put({ id: "2", name: "tom" })]);
    await settle();
    await added;
    assert.equal(pets.get("2")?.name, "tom");
  });
});
