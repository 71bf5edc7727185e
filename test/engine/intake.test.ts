/** The way in: nothing that happened is passed over, whatever has become of its neighbours. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { EngineWorld } from "./world.ts";

describe("changes", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets();
  });
  after(() => world.stop());

  test("behind many whose versions are gone meanwhile are taken at once", async () => {
    // More than one turn takes.
    const gone = await Promise.all(Array.from({ length: 510 }, (_, index) => world.put(`gone/${index}`)));
    await Promise.all(gone.map((one) => world.store.deleteObject(one)));
    const kept = await world.put("kept");
    await world.settle();
    assert.equal(await world.story(kept), "COMPLETED");
  });
});
