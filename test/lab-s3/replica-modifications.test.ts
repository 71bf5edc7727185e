/** Replica modification sync: metadata that users change on a replica goes back to its source, once. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Retention, Tag, VersionRef } from "../../src/core/model.ts";
import { ALL_ACTIONS, TwoBuckets } from "./two-buckets.ts";

const TAGS: readonly Tag[] = [{ key: "changed", value: "there" }];

for (const how of ["direct", "http"] as const) {
  describe(`replica modification sync, ${how === "http" ? "over HTTP" : "without sockets"}`, () => cases(how));
}

function cases(how: "direct" | "http"): void {
  let two: TwoBuckets;
  const HERE = "rms-here";
  const THERE = "rms-there";
  before(async () => {
    two = await TwoBuckets.start(how);
    await two.bucket(HERE, { objectLock: true });
    await two.bucket(THERE, { objectLock: true });
    await two.rule(HERE, THERE, { replicaModifications: true });
    await two.rule(THERE, HERE, { replicaModifications: true });
  });
  after(() => two.stop());

  const there = (ref: VersionRef): VersionRef => ({ ...ref, bucket: THERE });
  const replicated = async (key: string, more: Parameters<TwoBuckets["put"]>[2] = {}): Promise<VersionRef> => {
    const ref = await two.put(HERE, key, more);
    assert.deepEqual(await two.settle(), [{ operation: "put", from: HERE, outcome: "COMPLETED" }]);
    assert.equal(await two.status(there(ref)), "REPLICA");
    return ref;
  };

  test("tags of a replica go back to the source, and no further", async () => {
    const ref = await replicated("tags");
    await two.store.putObjectTagging({ ...there(ref), tags: TAGS });
    assert.equal(await two.status(there(ref)), "PENDING");
    assert.equal(await two.status(ref), "COMPLETED");
    assert.deepEqual(await two.settle(), [{ operation: "tags", from: THERE, outcome: "COMPLETED" }]);
    assert.deepEqual(await two.store.getObjectTagging(ref), TAGS);
    assert.deepEqual([await two.status(ref), await two.status(there(ref))], ["COMPLETED", "REPLICA"]);
    assert.deepEqual(await two.settle(), []);
  });

  test("changes at both ends, one after the other, cost one change each", async () => {
    const ref = await replicated("turns");
    for (const [index, at] of [ref, there(ref), ref, there(ref)].entries()) {
      const tags = [{ key: "turn", value: String(index) }];
      await two.store.putObjectTagging({ ...at, tags });
      assert.deepEqual(await two.settle(), [{ operation: "tags", from: at.bucket, outcome: "COMPLETED" }]);
      assert.deepEqual(await two.store.getObjectTagging(ref), tags);
      assert.deepEqual(await two.store.getObjectTagging(there(ref)), tags);
    }
    assert.deepEqual([await two.status(ref), await two.status(there(ref))], ["COMPLETED", "REPLICA"]);
  });

  test("retention and legal hold go back, too", async () => {
    const ref = await replicated("locks");
    const retention: Retention = { mode: "GOVERNANCE", retainUntilMs: Date.UTC(2090, 0, 1) };
    await two.store.putObjectRetention({ ...there(ref), retention });
    await two.store.putObjectLegalHold({ ...there(ref), legalHold: true });
    assert.deepEqual(await two.settle(), [
      { operation: "retention", from: THERE, outcome: "COMPLETED" },
      { operation: "legalHold", from: THERE, outcome: "COMPLETED" },
    ]);
    assert.deepEqual(await two.store.getObjectRetention(ref), retention);
    assert.equal(await two.store.getObjectLegalHold(ref), true);
    assert.equal(await two.status(there(ref)), "REPLICA");
  });

  test("a change that cannot go back is FAILED, and REPLICA again once it did", async () => {
    const ref = await replicated("fails");
    await two.permit(ALL_ACTIONS.filter((one) => one !== "s3:ReplicateTags"));
    try {
      await two.store.putObjectTagging({ ...there(ref), tags: TAGS });
      const outcome = "DstPutTaggingNotPermitted";
      assert.deepEqual(await two.settle(), [{ operation: "tags", from: THERE, outcome }]);
      assert.equal(await two.status(there(ref)), "FAILED");
      assert.equal(await two.status(ref), "COMPLETED");
    } finally {
      await two.permit(ALL_ACTIONS);
    }
    await two.store.putObjectTagging({ ...there(ref), tags: TAGS });
    await two.settle();
    assert.equal(await two.status(there(ref)), "REPLICA");
    assert.deepEqual(await two.store.getObjectTagging(ref), TAGS);
  });

  test("bodies of replicas are not replicated on; a new version over there is an original of its own", async () => {
    const ref = await replicated("bodies");
    const own = await two.put(THERE, "bodies");
    assert.deepEqual(await two.settle(), [{ operation: "put", from: THERE, outcome: "COMPLETED" }]);
    const { versions } = await two.store.listObjectVersions({ bucket: HERE, prefix: "bodies" });
    assert.deepEqual(
      versions.map((one) => one.versionId),
      [own.versionId, ref.versionId],
    );
    assert.equal(await two.status({ ...own, bucket: HERE }), "REPLICA");
  });

  test("a version that is sent again does not undo a change that is on its way back", async () => {
    const ref = await replicated("again", { tags: [{ key: "was", value: "here" }] });
    await two.store.putObjectTagging({ ...there(ref), tags: TAGS });
    const { lastModifiedMs } = await two.store.headObject(ref);
    const replicator = await two.replicator();
    await replicator.putObject({
      ...there(ref),
      body: Buffer.from("x"),
      contentHeaders: {},
      userMetadata: {},
      tags: [{ key: "was", value: "here" }],
      replica: { versionId: ref.versionId, lastModifiedMs },
    });
    assert.equal(await two.status(there(ref)), "PENDING");
    await two.settle();
    assert.deepEqual(await two.store.getObjectTagging(ref), TAGS);
  });

  test("without it a change stays local, and the replica a REPLICA", async () => {
    await two.rule(THERE, HERE);
    const ref = await replicated("local");
    await two.store.putObjectTagging({ ...there(ref), tags: TAGS });
    await two.store.putObjectLegalHold({ ...there(ref), legalHold: true });
    assert.deepEqual(await two.settle(), []);
    assert.equal(await two.status(there(ref)), "REPLICA");
    assert.deepEqual(await two.store.getObjectTagging(ref), []);
    assert.equal(await two.store.getObjectLegalHold(ref), false);
    await two.rule(THERE, HERE, { replicaModifications: true });
  });
}
