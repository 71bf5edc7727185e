/** Replication into a store that gives every version an id of its own: nothing is lost, and nothing is there twice. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import { MARK } from "../../src/engine/mark.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import { configurationTo, HERE, MintingWorld, THERE } from "./minting-world.ts";

const FLAVOURS = ["aws", "ceph", "minio"] as const;

for (const flavour of FLAVOURS) {
  describe(`a store that mints version ids as ${flavour} does`, () => suiteOf(flavour));
}

function suiteOf(flavour: (typeof FLAVOURS)[number]): void {
  let world: MintingWorld;
  beforeEach(async () => {
    world = await MintingWorld.make(50, flavour);
  });
  afterEach(() => world.close());

  async function writeSome(): Promise<void> {
    for (const body of ["1", "2", "3"]) await world.put(HERE, "a", body);
    await world.mark(HERE, "a");
    await world.put(HERE, "a", "4");
    await world.put(HERE, "b", "", { userMetadata: { colour: "red" }, tags: [{ key: "t", value: "v" }] });
    await world.mark(HERE, "gone");
    await world.mark(HERE, "gone");
  }

  const SOME = ["a: 1 2 3 - 4", "b: ", "gone: - -"];

  it("gets what was there before, in order, with metadata, tags and markers; and then nothing more", async () => {
    await writeSome();
    const [first] = await world.replicate();
    assert.deepEqual([first?.versions, first?.added, first?.late, first?.error], [8, 8, 0, undefined]);
    assert.deepEqual(await world.words(THERE), SOME);
    const b = (await world.rows(THERE)).find((one) => one.key === "b");
    const there = { bucket: THERE, key: "b" };
    assert.equal((await world.store.headObject(there)).userMetadata["colour"], "red");
    assert.deepEqual(await world.store.getObjectTagging(there), [{ key: "t", value: "v" }]);
    const own = (await world.rows(HERE)).find((one) => one.key === "b")?.versionId;
    assert.equal(b?.versionId === own, flavour === "minio");
    world.calls.clear();
    const [second] = await world.replicate();
    assert.deepEqual([second?.versions, second?.added], [8, 0]);
    assert.deepEqual([...world.calls], [["listObjectVersions", 2]]);
    await world.put(HERE, "a", "5");
    assert.equal((await world.replicate())[0]?.added, 1);
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 - 4 5", "b: ", "gone: - -"]);
  });

  it("holds no version twice when answers are lost", async () => {
    await writeSome();
    world.disturbance.loseAnswers = 6;
    await world.replicate();
    assert.deepEqual(await world.words(THERE), SOME);
    assert.equal(world.disturbance.loseAnswers, 0);
    await world.put(HERE, "b", "more", { tags: [{ key: "t", value: "w" }] });
    world.disturbance.loseAnswers = 1;
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 - 4", "b:  more", "gone: - -"]);
    assert.deepEqual(await world.store.getObjectTagging({ bucket: THERE, key: "b" }), [{ key: "t", value: "w" }]);
  });

  it("is recognised by marks and places when the ledger is lost", async () => {
    await writeSome();
    await world.replicate();
    await world.ledger.close();
    world.ledger = openSqliteLedger({ path: ":memory:" });
    await world.put(HERE, "a", "5");
    const [result] = await world.replicate();
    assert.equal(result?.added, 1);
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 - 4 5", "b: ", "gone: - -"]);
    world.calls.clear();
    await world.replicate();
    assert.deepEqual([...world.calls], [["listObjectVersions", 2]], "the map has grown again");
  });

  it("keeps what others wrote there, and a replica that somebody removed is not written again", async () => {
    await world.put(THERE, "a", "theirs");
    await world.put(HERE, "a", "1");
    await world.put(HERE, "b", "1");
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: theirs 1", "b: 1"]);
    const [replica] = (await world.rows(THERE)).filter((one) => one.key === "b");
    await world.store.deleteObject({ bucket: THERE, key: "b", versionId: replica?.versionId ?? "" });
    assert.equal((await world.replicate())[0]?.added, 0);
    assert.deepEqual(await world.words(THERE), ["a: theirs 1"]);
  });

  it("is not given old markers on top of newer versions when a rule begins to replicate markers", async () => {
    world.configurations = { [HERE]: configurationTo(THERE, { deleteMarkers: false }) };
    await writeSome();
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 4", "b: "]);
    world.configurations = { [HERE]: configurationTo(THERE) };
    const [result] = await world.replicate();
    assert.deepEqual([result?.late, result?.added], [1, 2]);
    assert.deepEqual(await world.words(THERE), ["a: 1 2 3 4", "b: ", "gone: - -"]);
  });

  it("converges with a source that is its replica in turn, and neither gets anything back", async () => {
    world.configurations = { [HERE]: configurationTo(THERE), [THERE]: configurationTo(HERE) };
    await writeSome();
    await world.put(THERE, "theirs", "1");
    await world.mark(THERE, "theirs");
    await world.replicate();
    const both = [...SOME, "theirs: 1 -"];
    assert.deepEqual(await world.words(HERE), both);
    assert.deepEqual(await world.words(THERE), both);
    const again = await world.replicate();
    assert.deepEqual(
      again.map((one) => one.added),
      [0, 0],
    );
    assert.deepEqual(await world.words(HERE), both);
  });

  it("does not replicate on what another engine has replicated to here", async () => {
    await writeSome();
    await world.replicate();
    world.configurations = { [THERE]: configurationTo(HERE) };
    await world.ledger.close();
    world.ledger = openSqliteLedger({ path: ":memory:" });
    for (const round of [1, 2]) {
      await world.replicate();
      const objects = (await world.rows(HERE)).filter((one) => one.body !== "-");
      assert.equal(objects.length, 5, `round ${round}`);
    }
    const undone = (await world.ledger.counts()).filter((one) => one.operation === "put" && one.tasks > 0);
    assert.deepEqual(undone, []);
  });

  it("takes a copy of a replica under another key for what it is: somebody's own object", async () => {
    await world.put(HERE, "a", "1");
    await world.replicate();
    const { userMetadata } = await world.store.headObject({ bucket: THERE, key: "a" });
    assert.match(userMetadata[MARK] ?? "", /^here\/[^/]+\/[0-9a-f]{16}$/);
    await world.put(THERE, "copy", "1", { userMetadata });
    world.configurations = { [HERE]: configurationTo(THERE), [THERE]: configurationTo(HERE) };
    await world.replicate();
    assert.deepEqual(await world.words(HERE), ["a: 1", "copy: 1"]);
  });

  it("refuses a version that FAILED and would now be put on top of a newer one", async () => {
    await world.put(HERE, "a", "old");
    await world.put(HERE, "a", "new");
    await world.put(HERE, "b", "old");
    world.disturbance.denied = "old";
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: new"]);
    delete world.disturbance.denied;
    await world.ledger.redrive({ state: "parked" }, 0, { origin: "resync" });
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: new", "b: old"]);
    const { tasks } = await world.ledger.list({}, { limit: 10 });
    assert.deepEqual(
      tasks.map((one) => `${one.version.key} ${one.state} ${one.failure?.code}`),
      ["a parked DstNewerVersionThere"],
    );
  });

  it("gets the tags of a version that FAILED without them, though a scan has seen its replica meanwhile", async () => {
    await world.put(HERE, "a", "1", { tags: [{ key: "t", value: "v" }] });
    world.disturbance.tagsAreHidden = true;
    await world.replicate();
    await world.replicate();
    world.disturbance.tagsAreHidden = false;
    assert.deepEqual(await world.store.getObjectTagging({ bucket: THERE, key: "a" }), []);
    await world.ledger.redrive({ state: "parked" }, 0, { origin: "resync" });
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1"]);
    assert.deepEqual(await world.store.getObjectTagging({ bucket: THERE, key: "a" }), [{ key: "t", value: "v" }]);
  });

  it("takes markers upon a marker for one where the store does, and never deletes what was written since", async () => {
    await world.put(HERE, "a", "1");
    for (let count = 0; count < 3; count++) await world.mark(HERE, "a");
    world.disturbance.markersAreOne = true;
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: 1 -"]);
    await world.put(THERE, "a", "back");
    assert.equal((await world.replicate())[0]?.added, 0);
    assert.deepEqual(await world.words(THERE), ["a: 1 - back"]);
  });

  it("goes on behind the watermark of a scan that was cut off, and begins anew under other rules", async () => {
    for (const key of ["a", "b", "c"]) await world.put(HERE, key, "1");
    const [whole] = await world.replicate();
    assert.equal(whole?.resumed, false);
    const name = `scan ${HERE} arn:aws:s3:::${THERE}`;
    const { rules } = JSON.parse((await world.ledger.checkpoint(name)) ?? "") as { rules: string };
    await world.ledger.setCheckpoint(name, JSON.stringify({ rules, afterKey: "aa" }));
    const [rest] = await world.replicate();
    assert.deepEqual([rest?.resumed, rest?.versions], [true, 2]);
    // What was written behind the watermark since the scan was cut off is found by the same call.
    await world.put(HERE, "a", "2");
    await world.ledger.setCheckpoint(name, JSON.stringify({ rules, afterKey: "aa" }));
    const [behind, next] = await world.replicate();
    assert.deepEqual([behind?.resumed, behind?.added], [true, 0]);
    assert.deepEqual([next?.resumed, next?.added], [false, 1]);
    assert.deepEqual(await world.words(THERE), ["a: 1 2", "b: 1", "c: 1"]);
    await world.ledger.setCheckpoint(name, JSON.stringify({ rules: "others", afterKey: "aa" }));
    const [anew] = await world.replicate();
    assert.deepEqual([anew?.resumed, anew?.versions], [false, 4]);
  });

  it("gets by a resync of untried versions what is missing there, and nothing twice", async () => {
    await writeSome();
    await world.replicate();
    await world.put(HERE, "late", "1");
    assert.equal(await world.resyncUntried(), 1);
    assert.deepEqual(await world.words(THERE), [...SOME, "late: 1"]);
    assert.equal(await world.resyncUntried(), 0);
  });

  it("asks versions for their tags only where a rule does", async () => {
    await world.put(HERE, "a", "1", { tags: [{ key: "keep", value: "yes" }] });
    await world.put(HERE, "b", "1");
    world.configurations = { [HERE]: configurationTo(THERE, { tags: [{ key: "keep", value: "yes" }] }) };
    const [result] = await world.replicate();
    assert.equal(result?.added, 1);
    assert.deepEqual(await world.words(THERE), ["a: 1"]);
    assert.equal(world.calls.get("headObject"), 2);
  });
}
