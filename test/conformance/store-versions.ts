/** The contract of versions, delete markers, tags, ACLs and of the identity that a replica takes over. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StoreCapabilities } from "./store.ts";
import { rejectsWith, type Subject } from "./store-subject.ts";

export function versionTests(subject: Subject, can: StoreCapabilities): void {
  test("every write is a version of its own; the newest is the current one", async () => {
    const key = subject.newKey();
    const [first, second] = [await subject.put(key, "one"), await subject.put(key, "two")];
    assert.notEqual(first, second);
    assert.equal(await subject.read(key), "two");
    assert.equal(await subject.read(key, first), "one");
    const head = await subject.store.headObject({ bucket: subject.bucket, key, versionId: first });
    assert.equal(head.versionId, first);
  });

  test("writes to one key at the same time are as many versions", async () => {
    const key = subject.newKey();
    const ids = await Promise.all(Array.from({ length: 20 }, (_, index) => subject.put(key, `body ${index}`)));
    assert.equal(new Set(ids).size, 20);
    const rows = await subject.list(key);
    assert.deepEqual(new Set(rows.map((row) => row.versionId)), new Set(ids));
    assert.equal(rows.filter((row) => row.isLatest).length, 1);
    for (const [index, versionId] of ids.entries()) assert.equal(await subject.read(key, versionId), `body ${index}`);
  });

  test("a version of another key is a 404", async () => {
    const [key, other] = [subject.newKey(), subject.newKey()];
    await subject.put(key, "x");
    const versionId = await subject.put(other, "y");
    const named = can.namesWhatIsMissing ? "NoSuchVersion" : undefined;
    await rejectsWith(subject.store.getObject({ bucket: subject.bucket, key, versionId }), 404, named);
    await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key, versionId }), 404);
  });

  test("a delete without a version adds a marker and keeps what was there", async () => {
    const key = subject.newKey();
    const versionId = await subject.put(key, "kept");
    const reply = await subject.store.deleteObject({ bucket: subject.bucket, key });
    assert.equal(reply.isDeleteMarker, true);
    assert.ok(reply.versionId !== undefined && reply.versionId !== versionId);
    const error = await rejectsWith(subject.store.getObject({ bucket: subject.bucket, key }), 404, "NoSuchKey");
    if (can.tellsDeleteMarkers) assert.equal(error.fields.isDeleteMarker, true);
    await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key }), 404);
    assert.equal(await subject.read(key, versionId), "kept");
    const rows = await subject.list(key);
    assert.deepEqual(
      rows.map((row) => [row.versionId, row.isDeleteMarker, row.isLatest, row.sizeBytes]),
      [
        [reply.versionId, true, true, 0],
        [versionId, false, false, 4],
      ],
    );
  });

  test("a marker by its id is 405, neither an object nor absent", async () => {
    const key = subject.newKey();
    const { versionId } = await subject.store.deleteObject({ bucket: subject.bucket, key });
    assert.ok(versionId !== undefined, "a delete of what is not there adds a marker too");
    const request = { bucket: subject.bucket, key, versionId };
    if (!can.tellsDeleteMarkers) {
      await rejectsWith(subject.store.headObject(request), 404);
      return;
    }
    const head = await rejectsWith(subject.store.headObject(request), 405);
    assert.equal(head.fields.isDeleteMarker, true);
    const get = await rejectsWith(subject.store.getObject(request), 405, "MethodNotAllowed");
    assert.equal(get.fields.isDeleteMarker, true);
  });

  test("a marker that is removed brings back what it hid", async () => {
    const key = subject.newKey();
    await subject.put(key, "back");
    const marker = await subject.store.deleteObject({ bucket: subject.bucket, key });
    assert.ok(marker.versionId !== undefined);
    const removed = await subject.store.deleteObject({ bucket: subject.bucket, key, versionId: marker.versionId });
    assert.deepEqual([removed.versionId, removed.isDeleteMarker], [marker.versionId, true]);
    assert.equal(await subject.read(key), "back");
  });

  test("a version that is removed is gone for good; the one before it is current", async () => {
    const key = subject.newKey();
    const [first, second] = [await subject.put(key, "one"), await subject.put(key, "two")];
    const reply = await subject.store.deleteObject({ bucket: subject.bucket, key, versionId: second });
    assert.equal(reply.versionId, second);
    assert.equal(reply.isDeleteMarker, false);
    assert.equal(await subject.read(key), "one");
    await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key, versionId: second }), 404);
    await subject.store.deleteObject({ bucket: subject.bucket, key, versionId: second });
    await subject.store.deleteObject({ bucket: subject.bucket, key, versionId: first });
    assert.deepEqual(await subject.list(key), []);
  });

  test("without versioning a write replaces, and a delete removes", async () => {
    const key = subject.newKey();
    const write = { ...subject.write(key), bucket: subject.plainBucket };
    await subject.store.putObject({ ...write, body: Buffer.from("one") });
    await subject.store.putObject({ ...write, body: Buffer.from("two") });
    assert.equal(await subject.read(key, undefined, subject.plainBucket), "two");
    const rows = await subject.list(key, undefined, subject.plainBucket);
    assert.deepEqual(
      rows.map((row) => [row.versionId, row.isLatest]),
      [["null", true]],
    );
    const reply = await subject.store.deleteObject({ bucket: subject.plainBucket, key });
    assert.equal(reply.isDeleteMarker, false);
    await rejectsWith(subject.store.headObject({ bucket: subject.plainBucket, key }), 404);
  });

  test("suspended versioning keeps old versions and writes the null version over itself", async () => {
    const key = subject.newKey();
    const write = { ...subject.write(key), bucket: subject.plainBucket };
    const put = (body: string) => subject.store.putObject({ ...write, body: Buffer.from(body) });
    await subject.settings.putBucketVersioning(subject.plainBucket, "Enabled");
    const kept = await put("kept");
    await subject.settings.putBucketVersioning(subject.plainBucket, "Suspended");
    assert.equal(await subject.settings.getBucketVersioning(subject.plainBucket), "Suspended");
    await put("one");
    await put("two");
    assert.equal(await subject.read(key, "null", subject.plainBucket), "two");
    assert.equal(await subject.read(key, kept.versionId, subject.plainBucket), "kept");
    const rows = await subject.list(key, undefined, subject.plainBucket);
    assert.deepEqual(
      rows.map((row) => row.versionId),
      ["null", kept.versionId],
    );
  });

  test("tags belong to one version and are replaced as a whole", async () => {
    const key = subject.newKey();
    const tags = [
      { key: "a b", value: "c/d=e f+g@h" },
      { key: "ü", value: "" },
    ];
    const first = await subject.put(key, "one", { tags });
    const second = await subject.put(key, "two");
    const tagsOf = (versionId: string) => subject.store.getObjectTagging({ bucket: subject.bucket, key, versionId });
    const byKey = (one: { key: string }, other: { key: string }) => (one.key < other.key ? -1 : 1);
    assert.deepEqual((await tagsOf(first)).toSorted(byKey), tags);
    assert.deepEqual(await tagsOf(second), []);
    const head = await subject.store.headObject({ bucket: subject.bucket, key, versionId: first });
    assert.equal(head.tagCount, 2);

    const replaced = [{ key: "only", value: "one" }];
    await subject.store.putObjectTagging({ bucket: subject.bucket, key, versionId: first, tags: replaced });
    assert.deepEqual(await tagsOf(first), replaced);
    assert.deepEqual(await tagsOf(second), []);
    await subject.store.putObjectTagging({ bucket: subject.bucket, key, versionId: first, tags: [] });
    assert.deepEqual(await tagsOf(first), []);
  });

  test("tags of what is not there are a 404", async () => {
    const request = { bucket: subject.bucket, key: subject.newKey() };
    await rejectsWith(subject.store.getObjectTagging(request), 404, "NoSuchKey");
    await rejectsWith(subject.store.putObjectTagging({ ...request, tags: [] }), 404, "NoSuchKey");
  });

  test("an ACL names the owner, who may do everything", async () => {
    const key = subject.newKey();
    const versionId = await subject.put(key, "x");
    const acl = await subject.store.getObjectAcl({ bucket: subject.bucket, key, versionId });
    assert.notEqual(acl.ownerId, "");
    assert.deepEqual(acl.grants, [{ grantee: { kind: "user", id: acl.ownerId }, permission: "FULL_CONTROL" }]);
  });

  const noIdentity = { skip: can.replicaIdentity ? false : "the store gives version ids of its own" };
  /** UUIDs, for there are stores that take no other ids. */
  const replica = (versionId: string) => ({ versionId, lastModifiedMs: Date.UTC(2020, 1, 3, 4, 5, 6) });

  test("a replica is the same version as its source", noIdentity, async () => {
    const key = subject.newKey();
    const identity = replica("c1a4e5d2-07b3-4a51-8d52-1c9b5be1a001");
    assert.equal(await subject.put(key, "x", { replica: identity }), identity.versionId);
    const head = await subject.store.headObject({ bucket: subject.bucket, key });
    assert.equal(head.versionId, identity.versionId);
    assert.equal(head.lastModifiedMs, identity.lastModifiedMs);
    assert.equal((await subject.list(key))[0]?.lastModifiedMs, identity.lastModifiedMs);
  });

  test("a replica that is written again adds no version", noIdentity, async () => {
    const key = subject.newKey();
    for (let count = 0; count < 3; count++)
      await subject.put(key, "x", { replica: replica("c1a4e5d2-07b3-4a51-8d52-1c9b5be1a002") });
    assert.equal((await subject.list(key)).length, 1);
  });

  test("a replicated marker is the same marker as its source", noIdentity, async () => {
    const key = subject.newKey();
    await subject.put(key, "x");
    const identity = replica("c1a4e5d2-07b3-4a51-8d52-1c9b5be1a003");
    const reply = await subject.store.deleteObject({ bucket: subject.bucket, key, replica: identity });
    assert.deepEqual([reply.versionId, reply.isDeleteMarker], [identity.versionId, true]);
    const marker = (await subject.list(key)).find((row) => row.isDeleteMarker);
    assert.deepEqual([marker?.versionId, marker?.lastModifiedMs], [identity.versionId, identity.lastModifiedMs]);
  });
}
