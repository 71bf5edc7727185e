/**
 * `lockstep run` between gateways while it, or a gateway, is killed again and again: nothing is lost, nothing is there
 * twice, the order is kept. A failure prints `SEED=`; `ROUNDS=200 SEED=… node dist/test/real/all.js run-kills` runs longer.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { replication } from "../e2e/two-stores.ts";
import { Chance } from "../sim/chance.ts";
import { RunWorld, writeSome } from "./run-world.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 20);
const SEED = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
/** What more of them write does not fit into the gateways' memory. */
const ROUNDS_IN_MEMORY_MAX = 60;
/** Every third engine lives long enough to take over what the dead ones held. */
const LIFE_MS = [600, 1200, 5000];
const WRITERS = 4;
const WRITES_A_ROUND = 8;
const BIG_BYTES = 40 * 1024 * 1024;
const GATEWAY_KILLS = Math.ceil(ROUNDS / 4);

describe(`run, and what is killed (SEED=${SEED})`, () => {
  let world: RunWorld;
  before(async () => {
    world = await RunWorld.open({ objectStore: ROUNDS > ROUNDS_IN_MEMORY_MAX ? "bluestore" : "memstore" });
  });
  after(() => world?.close());

  function writes(chance: Chance, bucket: string): Promise<unknown> {
    const seeds = Array.from({ length: WRITERS }, () => chance.below(2 ** 32));
    return Promise.all(
      seeds.map((seed, writer) => {
        const keys = Array.from({ length: 6 }, (_, index) => `${writer}/${index}`);
        return writeSome(world, new Chance(seed), { end: "here", bucket, keys, count: WRITES_A_ROUND });
      }),
    );
  }

  it(`kill -9 of the engine at any moment, ${ROUNDS} times`, async () => {
    const { stores } = world;
    const chance = new Chance(SEED);
    await stores.bucket("engine");
    const path = stores.configure("engine", replication("engine"), "intake: {scan: {every: 1s}}");
    for (let round = 0; round < ROUNDS; round++) {
      const running = world.start(path);
      const writing = writes(chance, "engine");
      await sleep(chance.random() * (LIFE_MS[round % LIFE_MS.length] ?? 0));
      await running.kill();
      await writing;
    }
    const { failed, waiting } = await world.once(path);
    assert.deepEqual([failed, waiting], [0, 0]);
    await world.same("engine");
    assert.equal((await world.once(path)).completed, 0);
  });

  for (const victim of ["b", "a"] as const) {
    const whose = victim === "b" ? "destination" : "source";
    it(`kill -9 of the ${whose}'s gateway in the middle of copies, ${GATEWAY_KILLS} times`, async () => {
      const { stores, gateways } = world;
      const chance = new Chance(SEED);
      const bucket = `gateway-${victim}`;
      await stores.bucket(bucket);
      const more = `intake: {scan: {every: 1s}}\nconsole: {port: 0}`;
      const path = stores.configure(bucket, replication(bucket), more);
      const running = world.start(path);
      const console_ = await running.consoleClient();
      for (let round = 0; round < GATEWAY_KILLS; round++) {
        // Of two versions of one key the second waits for the first, whatever becomes of it.
        for (const part of [1, 2]) await world.put("here", bucket, "big", Buffer.alloc(BIG_BYTES, part));
        const writing = writes(chance, bucket);
        await sleep(chance.random() * 1500);
        await gateways[victim].kill();
        await sleep(chance.random() * 1000);
        await gateways[victim].start();
        await writing;
      }
      await running.until(() => world.replicatedOnce(console_, `${bucket}-here`, bucket));
      await world.same(bucket);
      assert.equal(await running.stop(), 0);
      assert.equal((await world.once(path)).completed, 0);
    });
  }
});
