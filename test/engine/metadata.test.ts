/** Changes of versions that were written before, and what they do for versions that have failed. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { VersionRef } from "../../src/core/model.ts";
import { EngineWorld, REPLICA } from "./world.ts";

const A = [{ key: "a", value: "1" }];
const B = [{ key: "b", value: "2" }];

describe("a change of metadata", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets();
  });
  after(() => world.stop());
  const tagsOf = (ref: VersionRef) => world.store.getObjectTagging({ ...ref, bucket: REPLICA });

  test("of a version whose last change has failed is tried, and takes the failed one along", async () => {
    await world.permit();
    const ref = await world.put("twice");
    await world.settle();
    await world.permit({ but: ["s3:ReplicateTags"] });
    await world.store.putObjectTagging({ ...ref, tags: A });
    await world.settle();
    assert.equal(await world.story(ref), "FAILED tags DstPutTaggingNotPermitted");
    await world.permit();
    await world.store.putObjectTagging({ ...ref, tags: B });
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
    assert.deepEqual(await tagsOf(ref), B);
  });

  test("heals a version whose replica was written without its tags", async () => {
    await world.permit({ but: ["s3:ReplicateTags"] });
    const ref = await world.put("untagged", { tags: A });
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstPutTaggingNotPermitted");
    await world.permit();
    await world.store.putObjectTagging({ ...ref, tags: B });
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
    assert.deepEqual(await tagsOf(ref), B);
  });

  test("does not bring a body that was never copied, which a resync does", async () => {
    await world.permit({ but: ["s3:ReplicateObject"] });
    const ref = await world.put("bodiless");
    await world.settle();
    await world.permit();
    await world.store.putObjectTagging({ ...ref, tags: A });
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstPutObjectNotPermitted tags DstVersionNotFound");
    assert.equal(await world.replica(ref), undefined);
    await world.resync();
    assert.equal(await world.story(ref), "COMPLETED");
    assert.deepEqual(await tagsOf(ref), A);
  });

  test("that failed under a rule of another name is tried under the rule of today", async () => {
    await world.permit();
    const ref = await world.put("renamed");
    await world.settle();
    await world.permit({ but: ["s3:ReplicateTags"] });
    await world.store.putObjectTagging({ ...ref, tags: A });
    await world.settle();
    await world.permit();
    await world.rule({ id: "another" });
    await world.store.putObjectTagging({ ...ref, tags: B });
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
    assert.deepEqual(await tagsOf(ref), B);
  });
});
