/** The live way in: notifications mark keys, and what the keys call for is replicated once and in order. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { DatabaseError } from "../../src/ledger/database-error.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { configurationTo, HERE, MintingWorld, THERE } from "./minting-world.ts";

const TAG = { key: "colour", value: "red" };

describe("notifications", () => {
  let world: MintingWorld;
  beforeEach(async () => {
    world = await MintingWorld.make();
  });
  afterEach(() => world.close());

  const listings = () => world.calls.get("listObjectVersions") ?? 0;

  it("replicate a key without a scan: its versions of before too, the oldest first", async () => {
    for (const body of ["1", "2"]) await world.put(HERE, "a", body);
    await world.put(HERE, "a/other", "x");
    await world.mark(HERE, "a");
    await world.notified((changes) => changes.mark(HERE, "a"));
    assert.deepEqual(await world.words(THERE), ["a: 1 2 -"]);
    assert.equal((await world.replicate())[0]?.added, 1, "the next scan finds what nobody told");
    assert.deepEqual(await world.words(THERE), ["a: 1 2 -", "a/other: x"]);
  });

  it("cost one listing of the source after a scan, and none of the destination", async () => {
    await world.put(HERE, "a", "0");
    await world.replicate();
    world.calls.clear();
    await world.notified(async (changes) => {
      for (const body of ["1", "2", "3"]) {
        await world.put(HERE, "a", body);
        await changes.mark(HERE, "a");
      }
      await world.put(HERE, "new", "1");
      await changes.mark(HERE, "new");
      // Told once more, and late.
      await changes.mark(HERE, "a");
    });
    assert.equal(listings(), 5);
    assert.deepEqual(await world.words(THERE), ["a: 0 1 2 3", "new: 1"]);
    assert.deepEqual((await world.replicate())[0]?.added, 0);
  });

  it("keep the order of a burst of 300 versions of one key, told out of order and more than once", async () => {
    await world.replicate();
    const bodies = Array.from({ length: 300 }, (_, index) => `${index}`);
    await world.notified(async (changes) => {
      const told: Promise<void>[] = [];
      for (const [index, body] of bodies.entries()) {
        await world.put(HERE, "k", body);
        if (index % 3 !== 0) told.push(changes.mark(HERE, "k"));
        if (index % 7 === 0) told.unshift(changes.mark(HERE, "k"));
      }
      await Promise.all([...told, changes.mark(HERE, "k")]);
    });
    assert.deepEqual(await world.words(THERE), [`k: ${bodies.join(" ")}`]);
  });

  it("replicate once and in order what several engines on one ledger are told of at once", async () => {
    await world.replicate();
    const keys = ["a", "b", "c", "d"];
    for (const body of ["1", "2", "3"]) for (const key of keys) await world.put(HERE, key, body);
    const engines = [keys, keys.toReversed(), keys].map((told) =>
      world.notified((changes) => Promise.all(told.map((key) => changes.mark(HERE, key)))),
    );
    await Promise.all(engines);
    assert.deepEqual(
      await world.words(THERE),
      keys.map((key) => `${key}: 1 2 3`),
    );
    assert.equal((await world.replicate())[0]?.added, 0);
  });

  it("put no older version on top of a newer one that has arrived", async () => {
    await world.replicate();
    await world.put(HERE, "a", "1");
    await world.put(HERE, "a", "2");
    world.disturbance.denied = "1";
    await world.notified((changes) => changes.mark(HERE, "a"));
    assert.deepEqual(await world.words(THERE), ["a: 2"]);
    delete world.disturbance.denied;
    await world.notified((changes) => changes.mark(HERE, "a"));
    assert.deepEqual(await world.words(THERE), ["a: 2"]);
  });

  it("recognise replicas by their marks while no scan has come to its end", async () => {
    for (const body of ["1", "2"]) await world.put(HERE, "a", body);
    await world.replicate();
    await world.ledger.close();
    const { openSqliteLedger } = await import("../../src/ledger/sqlite.ts");
    world.ledger = openSqliteLedger({ path: ":memory:" });
    await world.put(HERE, "a", "3");
    await world.notified((changes) => changes.mark(HERE, "a"));
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3"]);
  });

  it("bring later changes of tags to replicas, of the version that they name", async () => {
    const first = await world.put(HERE, "a", "1");
    await world.put(HERE, "a", "2");
    await world.replicate();
    const version = { bucket: HERE, key: "a", versionId: first };
    await world.store.putObjectTagging({ ...version, tags: [TAG] });
    await world.notified((changes) => changes.mark(HERE, "a", { operation: "tags", versionId: first }));
    const [old, current] = (await world.rows(THERE)).map((one) => one.versionId);
    const tags = (versionId = "") => world.store.getObjectTagging({ bucket: THERE, key: "a", versionId });
    assert.deepEqual([await tags(old), await tags(current)], [[TAG], []]);
    await world.store.putObjectTagging({ bucket: HERE, key: "a", tags: [TAG] });
    await world.notified((changes) => changes.mark(HERE, "a", { operation: "tags" }));
    assert.deepEqual(await tags(current), [TAG]);
  });

  it("of changes of tags are nothing for versions that are not replicated", async () => {
    world.configurations = { [HERE]: configurationTo(THERE, { prefix: "in/" }) };
    const out = await world.put(HERE, "out", "1");
    await world.notified((changes) => changes.mark(HERE, "out", { operation: "tags", versionId: out }));
    await world.notified((changes) => changes.mark(HERE, "in/never", { operation: "tags", versionId: "gone" }));
    assert.deepEqual(await world.ledger.counts(), []);
  });

  it("try a FAILED change of tags again", async () => {
    await world.put(HERE, "a", "1");
    await world.replicate();
    const told = () => world.notified((changes) => changes.mark(HERE, "a", { operation: "tags" }));
    const states = async () =>
      (await world.ledger.counts()).filter((one) => one.operation === "tags").map((one) => one.state);
    world.disturbance.refusesTags = true;
    await world.store.putObjectTagging({ bucket: HERE, key: "a", tags: [TAG] });
    await told();
    assert.deepEqual(await states(), ["parked"]);
    world.disturbance.refusesTags = false;
    await told();
    assert.deepEqual(await states(), ["completed"]);
    assert.deepEqual(await world.store.getObjectTagging({ bucket: THERE, key: "a" }), [TAG]);
  });

  it("of replicas lead nowhere, also when they come before the replication knows of its own write", async () => {
    world.configurations = { [HERE]: configurationTo(THERE), [THERE]: configurationTo(HERE) };
    await world.replicate();
    await world.notified(async (changes) => {
      world.disturbance.onWritten = async (bucket, key) => {
        await changes.mark(bucket, key);
      };
      await world.put(HERE, "a", "1");
      await changes.mark(HERE, "a");
      await world.mark(HERE, "a");
      await changes.mark(HERE, "a");
      await world.mark(THERE, "b");
      await changes.mark(THERE, "b");
      // Long enough for what would go round to go round.
      for (let round = 0; round < 20; round++) await changes.mark(round % 2 === 0 ? HERE : THERE, "a");
    });
    delete world.disturbance.onWritten;
    await world.replicate();
    assert.deepEqual(await world.words(HERE), ["a: 1 -", "b: -"]);
    assert.deepEqual(await world.words(THERE), ["a: 1 -", "b: -"]);
  });

  it("are not taken while the source does not answer", async () => {
    await world.put(HERE, "a", "1");
    world.disturbance.isAway = true;
    await world.notified((changes) => assert.rejects(changes.mark(HERE, "a"), S3Error));
    world.disturbance.isAway = false;
    await world.notified((changes) => changes.mark(HERE, "a"));
    assert.deepEqual(await world.words(THERE), ["a: 1"]);
  });

  it("go on where an intake was that could not reach the ledger: what it had taken is taken again", async () => {
    await world.put(HERE, "a", "1");
    const add = world.ledger.add.bind(world.ledger);
    let failures = 2;
    world.ledger.add = async (tasks) => {
      failures -= 1;
      if (failures >= 0) throw new DatabaseError("io", "the database is away");
      return await add(tasks);
    };
    await world.notified((changes) => changes.mark(HERE, "a"));
    assert.equal(failures, -1);
    assert.deepEqual(await world.words(THERE), ["a: 1"]);
  });

  it("of buckets without a configuration are taken and call for nothing", async () => {
    await world.notified((changes) => changes.mark(THERE, "a"));
    assert.equal(listings(), 0);
  });
});

describe("scans that compare metadata", () => {
  let world: MintingWorld;
  beforeEach(async () => {
    world = await MintingWorld.make();
  });
  afterEach(() => world.close());

  it("find tags that changed while nobody told, and only they do", async () => {
    await world.put(HERE, "a", "1", { tags: [TAG, { key: "b", value: "2" }] });
    await world.put(HERE, "b", "1");
    await world.mark(HERE, "c");
    await world.replicate();
    await world.store.putObjectTagging({ bucket: HERE, key: "a", tags: [TAG] });
    assert.equal((await world.replicate())[0]?.added, 0);
    for (const compared of ["tags", "all"] as const) {
      world.comparedMetadata = compared;
      await world.store.putObjectTagging({ bucket: HERE, key: "a", tags: [{ key: "by", value: compared }] });
      assert.equal((await world.replicate())[0]?.added, 1);
      assert.deepEqual(await world.store.getObjectTagging({ bucket: THERE, key: "a" }), [
        { key: "by", value: compared },
      ]);
      assert.equal((await world.replicate())[0]?.added, 0);
    }
  });
});
