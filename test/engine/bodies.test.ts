/** Bodies on their way: large ones, parts, and what goes wrong between two stores. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import type { VersionRef } from "../../src/core/model.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { ObjectReply, Store } from "../../src/s3/store.ts";
import { EngineWorld, instead, REPLICA, SOURCE, type Wrap } from "./world.ts";

const MIB = 1024 * 1024;
const LARGE = Buffer.alloc(20 * MIB, "large ");

describe("bodies", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets();
  });
  after(() => world.stop());
  afterEach(() => {
    world.wrap.source = (same) => same;
    world.wrap.destination = (same) => same;
  });

  async function putParts(key: string, ...parts: Uint8Array[]): Promise<VersionRef> {
    const { store } = world;
    const ref = { bucket: SOURCE, key };
    const write = { ...ref, contentHeaders: {}, userMetadata: {} };
    const { uploadId } = await store.createMultipartUpload(write);
    const uploaded = [];
    for (const [index, body] of parts.entries()) {
      uploaded.push(await store.uploadPart({ ...ref, uploadId, partNumber: index + 1, body }));
    }
    const { versionId } = await store.completeMultipartUpload({ ...ref, uploadId, parts: uploaded });
    assert.ok(versionId !== undefined);
    return { ...ref, versionId };
  }

  async function assertSame(ref: VersionRef, bytes: Uint8Array): Promise<void> {
    const source = await world.store.headObject(ref);
    const replica = await world.replica(ref);
    assert.deepEqual([replica?.etag, replica?.checksums], [source.etag, source.checksums]);
    assert.ok(Buffer.from(bytes).equals(await world.replicaBytes(ref)));
  }

  test("a large object passes through whole", async () => {
    const ref = await world.put("large", { body: LARGE });
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
    await assertSame(ref, LARGE);
  });

  test("an object of parts keeps its ETag and its checksum", async () => {
    const ref = await putParts("parts", LARGE.subarray(0, 5 * MIB), LARGE.subarray(0, 9 * MIB), Buffer.from("end"));
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
    await assertSame(ref, Buffer.concat([LARGE.subarray(0, 5 * MIB), LARGE.subarray(0, 9 * MIB), Buffer.from("end")]));
  });

  test("an object of one part keeps its ETag and its checksum", async () => {
    const ref = await putParts("one part", Buffer.from("the only part"));
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
    await assertSame(ref, Buffer.from("the only part"));
  });

  /** Counts bodies that were opened and neither read to their end nor cancelled. */
  function watchBodies(open: Set<object>): Wrap {
    return (store) =>
      instead(store, {
        getObject: async (request, options) => {
          const reply = await store.getObject(request, options);
          const { body } = reply;
          open.add(body);
          const end = () => void open.delete(body);
          async function* ending() {
            yield* body.stream();
            end();
          }
          const watched = {
            sizeBytes: body.sizeBytes,
            bytes: () => body.bytes().finally(end),
            stream: ending,
            cancel: () => {
              end();
              body.cancel();
            },
          };
          return { ...reply, body: watched };
        },
      });
  }

  for (const [name, put] of [
    ["a large object", () => world.put("unread", { body: LARGE })],
    ["a large part", () => putParts("unread parts", LARGE.subarray(0, 9 * MIB), Buffer.from("end"))],
  ] as const) {
    test(`what was opened of ${name} is closed when the destination does not even begin to read it`, async () => {
      const ref = await put();
      const open = new Set<object>();
      const unreachable = async (): Promise<never> => {
        throw new S3Error("nobody is there", { operation: "PutObject", network: "refused" });
      };
      world.wrap.source = watchBodies(open);
      world.wrap.destination = (store) => instead(store, { putObject: unreachable, uploadPart: unreachable });
      await world.settle();
      assert.equal(await world.story(ref), "PENDING put EndpointUnreachable");
      assert.equal(open.size, 0);
      world.wrap.destination = (same) => same;
      world.pass(3_600_000);
      await world.settle();
      assert.equal(await world.story(ref), "COMPLETED");
      assert.equal(open.size, 0);
    });
  }

  /** Changes the replies to reads. */
  const replying = (change: (reply: ObjectReply, request: Parameters<Store["getObject"]>[0]) => ObjectReply): Wrap => {
    return (store) =>
      instead(store, {
        getObject: async (request, options) => change(await store.getObject(request, options), request),
      });
  };

  test("a version that is another one between two reads is SourceChanged, and is read anew", async () => {
    const ref = await putParts("changed", LARGE.subarray(0, 5 * MIB), Buffer.from("end"));
    world.wrap.source = replying((reply, { partNumber }) =>
      partNumber === 2 ? { ...reply, head: { ...reply.head, etag: "0".repeat(32) } } : reply,
    );
    await world.settle();
    assert.equal(await world.story(ref), "PENDING put SourceChanged");
    assert.equal(await world.replica(ref), undefined);
    assert.deepEqual(await uploadsLeft(), []);
    world.wrap.source = (same) => same;
    world.pass(3_600_000);
    await world.settle();
    assert.equal(await world.story(ref), "COMPLETED");
  });

  async function uploadsLeft(): Promise<readonly unknown[]> {
    const s3 = world.lab.s3(undefined, { systemClockOffset: world.lab.skewMs });
    return (await s3.send(new ListMultipartUploadsCommand({ Bucket: REPLICA }))).Uploads ?? [];
  }

  test("a destination that stores other bytes than were sent is ReplicaAltered", async () => {
    const ref = await world.put("altered");
    world.wrap.destination = (store) =>
      instead(store, {
        putObject: async (request, options) => ({ ...(await store.putObject(request, options)), etag: "f".repeat(32) }),
      });
    await world.settle();
    assert.match(await world.story(ref), /^\w+ put ReplicaAltered$/);
    world.wrap.destination = (same) => same;
    world.pass(3_600_000);
    await world.resync();
    assert.equal(await world.story(ref), "COMPLETED");
  });

  for (const [name, put] of [
    ["a small object", () => world.put("short", { body: LARGE.subarray(0, 1000) })],
    ["a large object", () => world.put("short and large", { body: LARGE })],
    ["a part", () => putParts("short part", LARGE.subarray(0, 5 * MIB), Buffer.from("end of it"))],
  ] as const) {
    test(`${name} whose body breaks off is never taken for whole, and stays PENDING`, async () => {
      const ref = await put();
      await world.lab.admin("POST", "faults", {
        bucket: SOURCE,
        prefix: ref.key,
        truncateAt: 5,
        times: 100,
      });
      await world.settle();
      assert.equal(await world.story(ref), "PENDING put TruncatedBody");
      assert.equal(await world.replica(ref), undefined);
      await world.lab.admin("DELETE", "faults");
      world.pass(3_600_000);
      await world.settle();
      assert.equal(await world.story(ref), "COMPLETED");
    });
  }
});
