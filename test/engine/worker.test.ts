/** A worker's end: what is in flight is cut short and given back, and nobody goes on listening. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { after, before, describe, test } from "node:test";
import { S3Error } from "../../src/s3/errors.ts";
import { EngineWorld, instead } from "./world.ts";

describe("a worker that is stopped", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets();
  });
  after(() => world.stop());

  test("cuts short what is in flight, and gives it back untried", async () => {
    const ref = await world.put("long");
    const abandon = new AbortController();
    world.wrap.source = (store) =>
      instead(store, {
        getObject: (_request, options) =>
          new Promise((_resolve, reject) => {
            options?.signal?.addEventListener("abort", () =>
              reject(new S3Error("the call was aborted", { operation: "GetObject", network: "aborted" })),
            );
            setImmediate(() => abandon.abort());
          }),
      });
    await world.settle(abandon.signal);
    const [row] = await world.rows(ref);
    assert.deepEqual([row?.state, row?.attempts, row?.failure], ["waiting", 0, undefined]);
    assert.equal(getEventListeners(abandon.signal, "abort").length, 0);
    world.wrap.source = (same) => same;
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
  });
});
