/**
 * The engine over a faulty lab, under one seed and a virtual clock. A failure prints `SEED=`, and
 * `SEED=… node dist/test/all.js sim` runs it again; `SIM_ROUNDS=1000 …` runs that many seeds.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { checksumOf } from "../../src/s3/checksum.ts";
import { allVersions, completedMeansHeld, everythingArrived, nothingIsInvented, orderIsKept } from "./invariants.ts";
import { SOURCE, World } from "./world.ts";
import { writeSome } from "./writer.ts";

const ROUNDS = Number(process.env["SIM_ROUNDS"] ?? 12);
const FIRST_SEED = Number(process.env["SEED"] ?? 1);
const SEEDS = Array.from({ length: process.env["SEED"] === undefined ? ROUNDS : 1 }, (_, index) => FIRST_SEED + index);

const HOUR_MS = 3_600_000;

for (const seed of SEEDS) {
  test(`sim: whatever fails, what is COMPLETED is held, and once faults stop everything arrives (SEED=${seed})`, async () => {
    // WebAssembly is made ready by the machine's own clock: before, not during.
    await checksumOf("CRC64NVME", new Uint8Array());
    const world = await World.make(seed);
    const { time, faults, writer } = world;
    const everWritten = new Set<string>();
    try {
      faults.rate = 0.05 + time.random() * 0.3;
      world.startEngine();
      for (let phase = 0; phase < 3; phase++) {
        const writing = writeSome(writer, time, 15, everWritten);
        let written = false;
        void writing.then(() => {
          written = true;
        });
        await time.runUntil(async () => written, HOUR_MS);
        await completedMeansHeld(world);
        await nothingIsInvented(world, everWritten);
        // A kill in the middle of whatever is under way; leases and the feed have to bring it back.
        if (time.random() < 0.7) world.startEngine();
      }
      faults.rate = 0;
      await time.runUntil(() => world.isDrained(), HOUR_MS);
      await redriveWhatWasGone(world);
      await everythingArrived(world);
      assert.ok((await completedMeansHeld(world)) > 0);
      await nothingIsInvented(world, everWritten);
      await orderIsKept(world);
    } finally {
      await world.close();
    }
  });
}

/** What failed for good under faults can only be versions that were removed at the source meanwhile. */
async function redriveWhatWasGone(world: World): Promise<void> {
  const { tasks } = await world.ledger.list({ state: "parked" }, { limit: 1000 });
  const left = new Set((await allVersions(world.writer, SOURCE)).map((one) => `${one.versionId} ${one.key}`));
  const stillThere = tasks.filter((one) => left.has(`${one.version.versionId} ${one.version.key}`));
  assert.deepEqual(
    stillThere.map((one) => `${one.operation} ${one.failure?.code}: ${one.failure?.message}`),
    [],
  );
}

test("sim: a permission that is taken away makes FAILED with its code, and a resync after its return makes COMPLETED", async () => {
  const world = await World.make(7);
  const { time, faults } = world;
  try {
    const engine = world.startEngine();
    await world.permit(["s3:ReplicateTags"]);
    await drainWrites(world, 20);
    const { tasks } = await world.ledger.list({ state: "parked" }, { limit: 1000 });
    const codes = new Set(tasks.map((one) => one.failure?.code));
    assert.ok(codes.has("DstPutObjectNotPermitted"), [...codes].join());
    assert.ok(codes.has("DstDelObjNotPermitted"), [...codes].join());
    await world.permit(["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]);
    faults.rate = 0.2;
    const request = { bucket: SOURCE, failed: true, untried: true, dryRun: false };
    const { id } = await engine.resync.start(request);
    await time.runUntil(async () => (await engine.resync.progress(id))?.state === "done", HOUR_MS);
    faults.rate = 0;
    await time.runUntil(() => world.isDrained(), HOUR_MS);
    await redriveWhatWasGone(world);
    await everythingArrived(world);
    await completedMeansHeld(world);
    const progress = await engine.resync.progress(id);
    assert.equal((progress?.completed ?? 0) + (progress?.failed ?? 0), tasks.length);
  } finally {
    await world.close();
  }
});

async function drainWrites(world: World, count: number): Promise<void> {
  let written = false;
  void writeSome(world.writer, world.time, count, new Set()).then(() => {
    written = true;
  });
  await world.time.runUntil(async () => written, HOUR_MS);
  await world.time.runUntil(() => world.isDrained(), HOUR_MS);
}
