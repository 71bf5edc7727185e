/** Two buckets that replicate to each other, written at both ends: they converge, and nothing goes round. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { replication } from "../e2e/two-stores.ts";
import { Chance } from "../sim/chance.ts";
import { RunWorld, writeSome } from "./run-world.ts";

const WRITES = 40;
const CLASHES = 10;

describe("run both ways", () => {
  const PAIRS = [
    ["two gateways", () => RunWorld.open()],
    ["a lab and a gateway", () => RunWorld.withLab()],
  ] as const;

  for (const [names, open] of PAIRS) {
    it(`between ${names}`, async () => {
      const world = await open();
      try {
        await takesMarkersAsOne(world);
        await converges(world);
      } finally {
        await world.close();
      }
    });
  }

  async function converges(world: RunWorld): Promise<void> {
    const { stores } = world;
    const bucket = "both";
    await stores.bucket(bucket);
    const both = `${replication(bucket, "here")}${replication(bucket, "there")}`;
    const path = stores.configure(bucket, both, "intake: {scan: {every: 1s}}\nconsole: {port: 0}");
    const running = world.start(path);
    const console_ = await running.consoleClient();
    const write = (end: "here" | "there", lane: number) => {
      const keys = Array.from({ length: 8 }, (_, index) => `${end}/${lane}/${index}`);
      return writeSome(world, new Chance(lane), { end, bucket, keys, count: WRITES });
    };
    await Promise.all([write("here", 1), write("here", 2), write("there", 3), write("there", 4)]);
    await running.until(() => world.same(bucket));

    // One after the other at both ends: each end has the whole history in the same order.
    for (const [turn, end] of (["here", "there", "here", "there"] as const).entries()) {
      await world.put(end, bucket, "in turn", `turn ${turn}`);
      await running.until(() => world.same(bucket));
    }

    // At once at both ends: both have both versions, whichever is on top.
    for (let index = 0; index < CLASHES; index++) {
      const key = `clash/${index}`;
      await Promise.all([world.put("here", bucket, key, "from here"), world.put("there", bucket, key, "from there")]);
    }
    const inAnyOrder = async (end: "here" | "there") =>
      (await world.words(end, bucket)).map((one) => one.replace(" (latest)", "")).toSorted();
    await running.until(async () => assert.deepEqual(await inAnyOrder("there"), await inAnyOrder("here")));

    const versions = (await inAnyOrder("here")).length;
    const completed = async () => {
      const counts = await Promise.all(["both-here", "both-there"].map((name) => console_.counts(name)));
      return counts.flat().reduce((sum, one) => sum + (one.state === "completed" ? one.tasks : 0), 0);
    };
    await running.until(async () => assert.equal(await completed(), versions));
    assert.equal(await running.stop(), 0);
    assert.equal((await world.once(path)).completed, 0);
    assert.equal((await inAnyOrder("here")).length, versions);
    assert.deepEqual(await inAnyOrder("there"), await inAnyOrder("here"));
  }

  /** S3 makes a marker upon a marker, the gateway does not: the key is deleted at both ends, and nothing is sent again. */
  async function takesMarkersAsOne(world: RunWorld): Promise<void> {
    const { stores } = world;
    await stores.bucket("markers");
    await world.put("here", "markers", "k", "x");
    for (let count = 0; count < 3; count++) await stores.here.deleteObject({ bucket: "markers", key: "k" });
    const path = stores.configure("markers", `${replication("markers", "here")}${replication("markers", "there")}`);
    const lastWords = async (end: "here" | "there") => (await world.words(end, "markers")).at(-1);
    assert.equal((await world.once(path)).failed, 0);
    assert.equal((await world.once(path)).completed, 0);
    assert.deepEqual([await lastWords("here"), await lastWords("there")], Array(2).fill("k: deleted (latest)"));
    await world.put("there", "markers", "k", "back");
    assert.equal((await world.once(path)).completed, 1);
    assert.equal(await lastWords("here"), await lastWords("there"));
  }
});
