/** Resync: what it finds, in which order it sends it, and what versions show meanwhile. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DeleteBucketReplicationCommand } from "@aws-sdk/client-s3";
import { EngineWorld, REPLICA, SOURCE } from "./world.ts";

describe("resync", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets();
  });
  after(() => world.stop());

  test("no untried version is passed over, however many there are on a page of the bucket", async () => {
    await world.lab.s3().send(new DeleteBucketReplicationCommand({ Bucket: SOURCE }));
    const refs = await Promise.all(Array.from({ length: 620 }, (_, index) => world.put(`many/${index}`)));
    await world.rule();
    const progress = await world.resync({ untried: true, failed: false });
    assert.deepEqual([progress.foundUntried, progress.completed, progress.state], [620, 620, "done"]);
    assert.ok((await Promise.all(refs.map((one) => world.replica(one)))).every((one) => one !== undefined));
  });

  test("a limit holds for failed and untried versions together", async () => {
    await world.lab.s3().send(new DeleteBucketReplicationCommand({ Bucket: SOURCE }));
    for (const key of ["limit/1", "limit/2", "limit/3"]) await world.put(key);
    await world.rule();
    const request = { untried: true, prefix: "limit/" };
    const { foundUntried } = await world.resync({ ...request, limit: 2 });
    assert.equal(foundUntried, 2);
    assert.equal((await world.resync(request)).foundUntried, 1);
  });

  test("a task that is done before its version is shown PENDING does not leave it PENDING", async () => {
    await world.permit({ but: ["s3:ReplicateObject"] });
    const ref = await world.put("early bird");
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstPutObjectNotPermitted");
    await world.permit();
    // As soon as the task may be claimed, a worker that is awake anyway does it.
    world.onPublish = async (_version, status) => {
      world.onPublish = async () => undefined;
      if (status === "PENDING") await world.settle();
    };
    await world.resync();
    assert.equal(await world.story(ref), "COMPLETED");
  });

  test("a change of a version that is missing there brings the version first, and then the change", async () => {
    const ref = await world.put("missing");
    await world.settle();
    await world.store.deleteObject({ ...ref, bucket: REPLICA });
    await world.store.putObjectTagging({ ...ref, tags: [{ key: "a", value: "b" }] });
    await world.settle();
    assert.equal(await world.story(ref), "FAILED tags DstVersionNotFound");
    await world.resync({ failureCodes: ["DstVersionNotFound"] });
    assert.equal(await world.story(ref), "COMPLETED");
    const tags = await world.store.getObjectTagging({ ...ref, bucket: REPLICA });
    assert.deepEqual(tags, [{ key: "a", value: "b" }]);
  });
});
