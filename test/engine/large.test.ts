/** Large objects between stores of their own: in parts, gone on with after a break, and checked from end to end. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import { MARK } from "../../src/engine/mark.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { ObjectHead, Store, UploadPartRequest } from "../../src/s3/store.ts";
import { pattern } from "../conformance/store-subject.ts";
import { configurationTo, HERE, MintingWorld, THERE } from "./minting-world.ts";
import { instead, type Wrap, withoutChecksums } from "./world.ts";

const MIB = 1024 * 1024;
const DATA = pattern(70 * MIB);
/** 70 MiB in parts of 8. */
const OWN_PARTS = [1, 2, 3, 4, 5, 6, 7, 8, 9];
const KEY = "large";
/** Not of one size, so that they can only be asked for by number. */
const FIVE = [5 * MIB, 6 * MIB, 5 * MIB, 5 * MIB, 1000];

/** A store whose ETags are MD5s and that serves no parts, as Ceph's. */
const LIKE_CEPH = { readsParts: false, etagIsMd5: true, multipartEtag: true, checksumsVerified: [] };

const inOrder = (numbers: Iterable<number>): number[] => [...numbers].sort((one, other) => one - other);

describe("large objects between stores", () => {
  let world: MintingWorld;
  /** Part numbers in the order in which they were sent whole. */
  let sent: number[] = [];

  beforeEach(async () => {
    world = await MintingWorld.make(5);
    sent = [];
    world.wrap.destination = counting;
  });
  afterEach(() => world.close());

  const counting: Wrap = (store) =>
    instead(store, {
      uploadPart: async (request, options) => {
        const part = await store.uploadPart(request, options);
        sent.push(request.partNumber);
        return part;
      },
    });

  const failing = (when: (request: UploadPartRequest) => S3Error | undefined): void => {
    world.wrap.destination = (store) =>
      counting(
        instead(store, {
          uploadPart: async (request, options) => {
            const error = when(request);
            if (error !== undefined) throw error;
            return await store.uploadPart(request, options);
          },
        }),
      );
  };

  const cut = () => new S3Error("cut", { operation: "UploadPart", network: "reset" });

  async function putParts(sizes: readonly number[], more: object = {}): Promise<Buffer> {
    const ref = { bucket: HERE, key: KEY };
    const { uploadId } = await world.store.createMultipartUpload({
      ...ref,
      contentHeaders: {},
      userMetadata: {},
      ...more,
    });
    const parts = [];
    let at = 0;
    for (const [index, size] of sizes.entries()) {
      const body = DATA.subarray(at, at + size);
      parts.push(await world.store.uploadPart({ ...ref, uploadId, partNumber: index + 1, body }));
      at += size;
    }
    await world.store.completeMultipartUpload({ ...ref, uploadId, parts });
    return DATA.subarray(0, at);
  }

  async function assertArrived(bytes: Uint8Array): Promise<ObjectHead> {
    const rows = (await world.store.listObjectVersions({ bucket: THERE })).versions;
    assert.equal(rows.length, 1, "one version and no other");
    const { head, body } = await world.store.getObject({ bucket: THERE, key: KEY });
    assert.ok(Buffer.from(await body.bytes()).equals(bytes));
    assert.ok(head.userMetadata[MARK] !== undefined);
    assert.deepEqual(await uploadsLeft(), []);
    return head;
  }

  async function uploadsLeft(): Promise<readonly unknown[]> {
    return (await world.sdk.send(new ListMultipartUploadsCommand({ Bucket: THERE }))).Uploads ?? [];
  }

  async function failure(): Promise<string | undefined> {
    const { tasks } = await world.ledger.list({}, { limit: 1 });
    return tasks[0]?.failure?.code;
  }

  const sourceEtag = async () => (await world.store.headObject({ bucket: HERE, key: KEY })).etag;

  for (const [name, wrap, traits] of [
    ["its checksum", (same: Store) => same, {}],
    ["its MD5", withoutChecksums, LIKE_CEPH],
  ] as const) {
    test(`what was put whole goes in parts of 8 MiB and is checked by ${name}`, async () => {
      world.traits = traits;
      world.wrap.source = wrap;
      await world.put(HERE, KEY, "", { body: DATA });
      await world.replicate();
      assert.deepEqual(inOrder(sent), OWN_PARTS);
      await assertArrived(DATA);
    });

    test(`bytes that are changed on their way out of the source are found by ${name}, and never become a version`, async () => {
      world.traits = traits;
      let spoilt = 1;
      world.wrap.source = (store) => {
        const inner = wrap(store);
        return instead(inner, {
          getObject: async (request, options) => {
            const reply = await inner.getObject(request, options);
            if (request.range?.firstByte !== 16 * MIB || spoilt-- <= 0) return reply;
            const bytes = async () => {
              const read = Buffer.from(await reply.body.bytes());
              read.writeUInt8(read.readUInt8(7) ^ 1, 7);
              return read;
            };
            const { body } = reply;
            const spoiled = {
              sizeBytes: body.sizeBytes,
              bytes,
              stream: () => body.stream(),
              cancel: () => body.cancel(),
            };
            return { ...reply, body: spoiled };
          },
        });
      };
      await world.put(HERE, KEY, "", { body: DATA });
      let seen: string | undefined;
      let versionsMeanwhile = -1;
      const { wrap: wraps } = world;
      wraps.destination = (store) =>
        counting(
          instead(store, {
            createMultipartUpload: async (request, options) => {
              seen ??= await failure();
              versionsMeanwhile = (await world.store.listObjectVersions({ bucket: THERE })).versions.length;
              return await store.createMultipartUpload(request, options);
            },
          }),
        );
      await world.replicate();
      assert.equal(seen, "ChecksumMismatch");
      assert.equal(versionsMeanwhile, 0);
      assert.equal(sent.length, 2 * OWN_PARTS.length, "all of it was sent again");
      await assertArrived(DATA);
    });
  }

  test("parts of a usual size are found out from the ETag of a store that serves none, and the ETag is the same", async () => {
    world.traits = LIKE_CEPH;
    world.wrap.source = withoutChecksums;
    const bytes = await putParts([8 * MIB, 8 * MIB, 1000]);
    await world.replicate();
    assert.deepEqual(inOrder(sent), [1, 2, 3]);
    assert.equal((await assertArrived(bytes)).etag, await sourceEtag());
  });

  test("an object of a single part keeps its ETag", async () => {
    world.traits = LIKE_CEPH;
    world.wrap.source = withoutChecksums;
    const bytes = await putParts([1000]);
    await world.replicate();
    assert.equal((await assertArrived(bytes)).etag, await sourceEtag());
  });

  test("where the parts have another size than was guessed all is sent once more, in parts of our own", async () => {
    world.traits = LIKE_CEPH;
    world.wrap.source = withoutChecksums;
    const bytes = await putParts([6 * MIB, 6 * MIB, 6 * MIB]);
    await world.replicate();
    assert.deepEqual(inOrder(sent), [1, 1, 2, 2, 3, 3]);
    await assertArrived(bytes);
  });

  for (const [name, traits] of [
    ["what was put whole", {}],
    ["what was put whole into a store without checksums", LIKE_CEPH],
  ] as const) {
    test(`a break does not send finished parts again: ${name}`, async () => {
      world.traits = traits;
      if (traits === LIKE_CEPH) world.wrap.source = withoutChecksums;
      let breaks = 2;
      failing(({ partNumber }) => (partNumber >= 5 && breaks-- > 0 ? cut() : undefined));
      await world.put(HERE, KEY, "", { body: DATA });
      await world.replicate();
      assert.ok(breaks < 0);
      assert.deepEqual(inOrder(sent), OWN_PARTS, "each part once");
      await assertArrived(DATA);
    });
  }

  test("the parts of the source are gone on with, too", async () => {
    const bytes = await putParts(FIVE);
    let breaks = 1;
    failing(({ partNumber }) => (partNumber === 5 && breaks-- > 0 ? cut() : undefined));
    await world.replicate();
    assert.deepEqual(inOrder(sent), [1, 2, 3, 4, 5]);
    assert.equal((await assertArrived(bytes)).etag, await sourceEtag());
  });

  test("an engine that is stopped leaves its upload to the next one", async () => {
    const stop = new AbortController();
    world.wrap.destination = (store) =>
      counting(
        instead(store, {
          uploadPart: async (request, options) => {
            if (request.partNumber < 4) return await store.uploadPart(request, options);
            stop.abort();
            await new Promise<void>((ended) => options?.signal?.addEventListener("abort", () => ended()));
            throw new S3Error("ended", { operation: "UploadPart", network: "aborted" });
          },
        }),
      );
    const bytes = await putParts(FIVE);
    await world.replicateUntil(stop.signal);
    assert.equal((await uploadsLeft()).length, 1);
    const before = sent.length;
    assert.ok(before >= 1 && before <= 3);
    world.wrap.destination = counting;
    await world.replicate();
    assert.deepEqual(inOrder(sent), [1, 2, 3, 4, 5]);
    await assertArrived(bytes);
  });

  test("an upload that somebody removed is begun anew", async () => {
    let breaks = 1;
    world.wrap.destination = (store) =>
      counting(
        instead(store, {
          uploadPart: async (request, options) => {
            if (request.partNumber !== 5 || breaks-- <= 0) return await store.uploadPart(request, options);
            await store.abortMultipartUpload(request);
            throw cut();
          },
        }),
      );
    const bytes = await putParts(FIVE);
    await world.replicate();
    assert.deepEqual(inOrder(new Set(sent)), [1, 2, 3, 4, 5]);
    await assertArrived(bytes);
  });

  test("an upload that was begun for something else is removed, and another one begun", async () => {
    const bytes = await putParts(FIVE);
    const { versionId = "" } = await world.store.headObject({ bucket: HERE, key: KEY });
    let breaks = 1;
    world.wrap.destination = (store) =>
      counting(
        instead(store, {
          uploadPart: async (request, options) => {
            if (request.partNumber !== 5 || breaks-- <= 0) return await store.uploadPart(request, options);
            await world.store.putObjectTagging({
              bucket: HERE,
              key: KEY,
              versionId,
              tags: [{ key: "t", value: "new" }],
            });
            throw cut();
          },
        }),
      );
    await world.replicate();
    await assertArrived(bytes);
    const tags = await world.store.getObjectTagging({ bucket: THERE, key: KEY });
    assert.deepEqual(tags, [{ key: "t", value: "new" }]);
  });

  test("an upload is removed when its task FAILED", async () => {
    failing(({ partNumber }) =>
      partNumber === 5 ? new S3Error("no", { operation: "UploadPart", status: 403, code: "AccessDenied" }) : undefined,
    );
    await putParts(FIVE);
    await world.replicate();
    assert.equal(await failure(), "DstMultipartUploadNotPermitted");
    assert.deepEqual(await uploadsLeft(), []);
  });

  test("an upload is removed when the rule is gone before it is done", async () => {
    let breaks = 1;
    failing(({ partNumber }) => {
      if (partNumber !== 5 || breaks-- <= 0) return undefined;
      world.configurations = { [HERE]: configurationTo(THERE, { enabled: false }) };
      return cut();
    });
    await putParts(FIVE);
    await world.replicate();
    assert.equal(await failure(), "SrcObjectNotEligible");
    assert.deepEqual(await uploadsLeft(), []);
  });

  test("tags and locks that an upload would lose are put when it is complete", async () => {
    world.traits = { tagsOnUploads: false, locksOnUploads: false };
    const created: unknown[] = [];
    world.wrap.destination = (store) =>
      instead(store, {
        createMultipartUpload: async (request, options) => {
          created.push(request.tags, request.retention, request.legalHold);
          return await store.createMultipartUpload(request, options);
        },
      });
    const tags = [{ key: "a b", value: "ü" }];
    const bytes = await putParts(FIVE, { tags });
    await world.replicate();
    assert.deepEqual(created, [undefined, undefined, undefined]);
    assert.deepEqual(await world.store.getObjectTagging({ bucket: THERE, key: KEY }), tags);
    await assertArrived(bytes);
  });
});
