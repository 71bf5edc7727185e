/** Resync: what it finds, in which order it sends it, and what versions show meanwhile. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  DeleteBucketReplicationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
} from "@aws-sdk/client-s3";
import { BOB } from "../lab-s3/lab.ts";
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

  test("the version comes along, too, when it has failed for another reason than was asked for", async () => {
    await world.permit({ but: ["s3:ReplicateObject"] });
    const ref = await world.put("both failed");
    await world.settle();
    await world.permit();
    await world.store.putObjectTagging({ ...ref, tags: [{ key: "a", value: "b" }] });
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstPutObjectNotPermitted tags DstVersionNotFound");
    await world.resync({ failureCodes: ["DstVersionNotFound"] });
    assert.equal(await world.story(ref), "COMPLETED");
  });

  test("what failed under a rule that is gone is replicated by the rule that takes it today", async () => {
    const tagged = await world.put("renamed/tagged");
    await world.settle();
    await world.permit({ but: ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"] });
    const ref = await world.put("renamed/put");
    await world.store.putObjectTagging({ ...tagged, tags: [{ key: "a", value: "b" }] });
    const { versionId = "" } = await world.store.deleteObject({ bucket: SOURCE, key: "renamed/marker" });
    const marker = { bucket: SOURCE, key: "renamed/marker", versionId };
    await world.settle();
    await world.permit();
    await world.rule({ id: "renamed" });
    const progress = await world.resync({ prefix: "renamed/" });
    assert.deepEqual([progress.foundFailed, progress.completed, progress.state], [3, 3, "done"]);
    assert.equal(await world.story(ref), "COMPLETED");
    assert.equal(await world.story(tagged), "COMPLETED");
    assert.deepEqual(await world.rows(marker), []);
    const { versions } = await world.store.listObjectVersions({ bucket: REPLICA, prefix: "renamed/marker" });
    assert.deepEqual(
      versions.map((one) => one.versionId),
      [versionId],
    );
    await world.rule();
  });

  test("a change that failed for want of its version, under a rule that is gone, brings both by the rule of today", async () => {
    const ref = await world.put("missing and renamed");
    await world.settle();
    await world.store.deleteObject({ ...ref, bucket: REPLICA });
    await world.store.putObjectTagging({ ...ref, tags: [{ key: "a", value: "b" }] });
    await world.settle();
    await world.rule({ id: "renamed" });
    await world.resync({ prefix: "missing and" });
    assert.equal(await world.story(ref), "COMPLETED");
    await world.rule();
  });

  test("what failed and no rule takes today stays FAILED, and says so", async () => {
    await world.permit({ but: ["s3:ReplicateObject"] });
    const ref = await world.put("taken by nobody");
    await world.settle();
    await world.permit();
    await world.rule({ id: "elsewhere", prefix: "elsewhere/" });
    await world.resync({ prefix: "taken by" });
    assert.equal(await world.story(ref), "FAILED put SrcObjectNotEligible");
    await world.rule();
    await world.resync({ prefix: "taken by" });
    assert.equal(await world.story(ref), "COMPLETED");
  });
});

describe("a bucket that holds versions of others", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets();
  });
  after(() => world.stop());

  test("passes over and counts what its own account may not read, and replicates the rest", async () => {
    const s3 = world.lab.s3();
    const OwnershipControls = { Rules: [{ ObjectOwnership: "ObjectWriter" as const }] };
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket: SOURCE, OwnershipControls }));
    const Statement = {
      Effect: "Allow",
      Principal: { AWS: BOB },
      Action: "s3:PutObject",
      Resource: `arn:aws:s3:::${SOURCE}/*`,
    };
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    const bob = world.lab.lab.direct(await world.lab.lab.account(BOB));
    await s3.send(new PutBucketPolicyCommand({ Bucket: SOURCE, Policy }));
    await s3.send(new DeleteBucketReplicationCommand({ Bucket: SOURCE }));
    await bob.putObject({
      bucket: SOURCE,
      key: "theirs",
      body: Buffer.from("x"),
      contentHeaders: {},
      userMetadata: {},
    });
    const ours = await world.put("ours");
    await world.rule();
    const progress = await world.resync({ untried: true });
    assert.deepEqual([progress.unreadable, progress.foundUntried, progress.completed], [1, 1, 1]);
    assert.equal(await world.story(ours), "COMPLETED");
  });

  test("fails a version of another account as one that may not be read", async () => {
    const bob = world.lab.lab.direct(await world.lab.lab.account(BOB));
    const write = { bucket: SOURCE, key: "theirs, live", body: Buffer.from("x"), contentHeaders: {}, userMetadata: {} };
    const { versionId = "" } = await bob.putObject(write);
    await world.settle();
    const [row] = await world.rows({ bucket: SOURCE, key: write.key, versionId });
    assert.equal(row?.failure?.code, "SrcGetObjectNotPermitted");
  });

  test("COMPLETED versions whose replica was lost are found when they are asked for, and only then", async () => {
    const refs = [await world.put("arrived/lost"), await world.put("arrived/there")];
    await world.settle();
    await world.store.deleteObject({ ...(refs[0] ?? assert.fail()), bucket: REPLICA });
    const request = { failed: false, prefix: "arrived/" };
    assert.equal((await world.resync({ ...request, untried: true })).foundUntried, 0);
    const progress = await world.resync({ ...request, untried: false, arrived: ["COMPLETED"] });
    assert.deepEqual([progress.foundUntried, progress.completed, progress.failed], [1, 1, 0]);
    for (const ref of refs) {
      assert.notEqual(await world.replica(ref), undefined);
      assert.equal(await world.story(ref), "COMPLETED");
    }
  });
});
