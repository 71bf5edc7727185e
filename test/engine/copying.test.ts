/** What a replica in another store is like, and what the engine need not carry itself. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { MARK } from "../../src/engine/mark.ts";
import { checksumOf } from "../../src/s3/checksum.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { PutRequest, Store } from "../../src/s3/store.ts";
import { pattern } from "../conformance/store-subject.ts";
import { configurationTo, HERE, MintingWorld, THERE } from "./minting-world.ts";
import { instead, withoutChecksums } from "./world.ts";

const MIB = 1024 * 1024;

describe("copies into another store", () => {
  let world: MintingWorld;
  beforeEach(async () => {
    world = await MintingWorld.make();
  });
  afterEach(() => world.close());

  const there = (key: string) => ({ bucket: THERE, key });
  const count = (name: string) => world.calls.get(name) ?? 0;

  async function only(key: string) {
    const { versions } = await world.store.listObjectVersions({ bucket: THERE, prefix: key });
    assert.equal(versions.length, 1, "one version and no other");
    return await world.store.headObject(there(key));
  }

  test("headers and metadata arrive as they were, whatever they hold; how the body travelled does not", async () => {
    const contentHeaders = {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "max-age=60, no-transform",
      "content-disposition": 'attachment; filename="a b.txt"',
      "content-encoding": "gzip",
      "content-language": "de",
      expires: "Fri, 02 Jan 2099 03:04:05 GMT",
      "x-amz-website-redirect-location": "/elsewhere",
    };
    const userMetadata = { plain: "a, b; c=d", name: "ünï\u{1f600}", empty: "" };
    const sent = { ...contentHeaders, "content-encoding": "aws-chunked,gzip" };
    await world.put(HERE, "a", "x", { contentHeaders: sent, userMetadata });
    await world.replicate();
    const head = await only("a");
    assert.deepEqual(head.contentHeaders, contentHeaders);
    const { [MARK]: mark, ...others } = head.userMetadata;
    assert.ok(mark !== undefined);
    assert.deepEqual(others, userMetadata);
    assert.deepEqual(head.checksums, (await world.store.headObject({ bucket: HERE, key: "a" })).checksums);
  });

  for (const [says, known, named, expected] of [
    ["a class that the destination has is kept", ["STANDARD", "STANDARD_IA"], undefined, "STANDARD_IA"],
    ["a class that it lacks becomes its default", ["STANDARD"], undefined, "STANDARD"],
    ["a class that the rule names is asked for in any case", ["STANDARD"], "ONEZONE_IA", "ONEZONE_IA"],
  ] as const) {
    test(`${says}`, async () => {
      world.traits = { storageClasses: known };
      const destination = { bucketArn: `arn:aws:s3:::${THERE}`, ownerOverride: false, metrics: false };
      const chosen = named === undefined ? destination : { ...destination, storageClass: named };
      world.configurations = { [HERE]: configurationTo(THERE, { destination: chosen }) };
      await world.put(HERE, "a", "x", { storageClass: "STANDARD_IA" });
      await world.replicate();
      assert.equal((await only("a")).storageClass, expected);
    });
  }

  describe("within one store", () => {
    beforeEach(() => {
      world.isOneStore = true;
    });

    test("an object is copied by the store: its bytes are neither read nor sent", async () => {
      const tags = [{ key: "t", value: "ü" }];
      await world.put(HERE, "a b/ü", "x", {
        userMetadata: { colour: "red" },
        tags,
        contentHeaders: { expires: "never" },
      });
      await world.replicate();
      assert.deepEqual([count("copyObject"), count("putObject"), count("getObject")], [1, 0, 0]);
      const head = await only("a b/ü");
      assert.equal(head.userMetadata["colour"], "red");
      assert.ok(head.userMetadata[MARK] !== undefined);
      assert.equal(head.contentHeaders["expires"], "never");
      assert.deepEqual(await world.store.getObjectTagging(there("a b/ü")), tags);
    });

    test("versions are copied each by itself, and delete markers between them", async () => {
      await world.put(HERE, "a", "1");
      await world.mark(HERE, "a");
      await world.put(HERE, "a", "2");
      await world.replicate();
      assert.deepEqual(await world.words(THERE), ["a: 1 - 2"]);
      assert.equal(count("putObject"), 0);
    });

    test("where a copy's answer does not tell its id, it is found by its mark", async () => {
      world.wrap.destination = (store) =>
        instead(store, {
          copyObject: async (request, options) => {
            const { versionId: _, ...reply } = await store.copyObject(request, options);
            return reply;
          },
        });
      await world.put(HERE, "a", "1", { tags: [{ key: "t", value: "v" }] });
      world.traits = { tagsOnUploads: false };
      await world.replicate();
      const head = await only("a");
      const [source] = (await world.rows(HERE)).filter((one) => one.key === "a");
      const version = { bucket: HERE, key: "a", versionId: source?.versionId ?? "" };
      assert.equal(await world.ledger.replicaOf(version, `arn:aws:s3:::${THERE}`), head.versionId);
      assert.deepEqual(await world.store.getObjectTagging(there("a")), [{ key: "t", value: "v" }]);
    });

    test("parts are copied by the store, in the source's own boundaries", async () => {
      world.traits = { etagIsMd5: true, multipartEtag: true };
      const ref = { bucket: HERE, key: "parts" };
      const data = pattern(8 * MIB + 1000);
      const { uploadId } = await world.store.createMultipartUpload({ ...ref, contentHeaders: {}, userMetadata: {} });
      const parts = [];
      for (const [index, from] of [0, 8 * MIB].entries()) {
        const body = data.subarray(from, from + 8 * MIB);
        parts.push(await world.store.uploadPart({ ...ref, uploadId, partNumber: index + 1, body }));
      }
      const { etag } = await world.store.completeMultipartUpload({ ...ref, uploadId, parts });
      await world.replicate();
      assert.deepEqual([count("uploadPartCopy"), count("uploadPart"), count("getObject")], [2, 0, 0]);
      assert.equal((await only("parts")).etag, etag);
    });

    test("a key with a percent sign goes the ordinary way", async () => {
      await world.put(HERE, "100%", "x");
      await world.replicate();
      assert.deepEqual([count("copyObject"), count("putObject")], [0, 1]);
      await only("100%");
    });

    for (const status of [501, 405, 403]) {
      test(`what the store does not copy (${status}) is read and sent`, async () => {
        const refuse = async (): Promise<never> => {
          throw new S3Error("no", { operation: "CopyObject", status, code: "Refused" });
        };
        world.wrap.destination = (store) => instead(store, { copyObject: refuse });
        await world.put(HERE, "a", "x", { tags: [{ key: "t", value: "v" }] });
        await world.replicate();
        await only("a");
        assert.deepEqual(await world.words(THERE), ["a: x"]);
        assert.equal(count("putObject"), 1);
      });
    }

    test("that a write is denied is known by its own name, not by the copy's", async () => {
      const denied = async (): Promise<never> => {
        throw new S3Error("no", { operation: "PutObject", status: 403, code: "AccessDenied" });
      };
      world.wrap.destination = (store) => instead(store, { copyObject: denied, putObject: denied });
      await world.put(HERE, "a", "x");
      await world.replicate();
      const { tasks } = await world.ledger.list({}, { limit: 1 });
      assert.equal(tasks[0]?.failure?.code, "DstPutObjectNotPermitted");
    });
  });

  describe("a write that comes late", () => {
    /** The first write is taken for lost, and arrives just before the second one, whose engine has looked and seen nothing. */
    function late(store: Store): Store {
      let held: PutRequest | undefined;
      let isFirst = true;
      return instead(store, {
        putObject: async (request, options) => {
          if (isFirst) {
            isFirst = false;
            held = request;
            throw new S3Error("no answer", { operation: "PutObject", network: "timeout" });
          }
          if (held !== undefined) await world.store.putObject(held);
          held = undefined;
          return await store.putObject(request, options);
        },
      });
    }

    beforeEach(async () => {
      const held = late(world.store);
      world.wrap.destination = (store) =>
        instead(store, { putObject: (request, options) => held.putObject(request, options) });
    });

    test("does not make a second version where writes can be conditional", async () => {
      world.traits = { conditionalPut: true };
      await world.put(HERE, "a", "x");
      await world.replicate();
      assert.deepEqual(await world.words(THERE), ["a: x"]);
      const head = await only("a");
      const [source] = await world.rows(HERE);
      const version = { bucket: HERE, key: "a", versionId: source?.versionId ?? "" };
      assert.equal(await world.ledger.replicaOf(version, `arn:aws:s3:::${THERE}`), head.versionId);
    });
  });

  test("an object of somebody else's stays below the replica where writes are conditional", async () => {
    world.traits = { conditionalPut: true };
    await world.put(THERE, "a", "theirs");
    await world.put(HERE, "a", "1");
    await world.put(HERE, "a", "2");
    await world.replicate();
    assert.deepEqual(await world.words(THERE), ["a: theirs 1 2"]);
    assert.equal(count("putObject"), 3, "one was refused, and a later version is not asked for so");
  });

  for (const [says, locksOnUploads, late] of [
    ["with an upload that keeps them", true, 0],
    ["after an upload that would lose them", false, 1],
  ] as const) {
    test(`retention and hold arrive with the object, and ${says}`, async () => {
      const until = Math.ceil(Date.now() / 1000) * 1000 + 3_600_000;
      await world.lock();
      world.traits = { locksOnUploads, objectLock: true };
      world.wrap.source = withoutChecksums;
      const retention = { mode: "GOVERNANCE", retainUntilMs: until } as const;
      await world.put(HERE, "small", "x", { retention, legalHold: true });
      const ref = { bucket: HERE, key: "parts" };
      const write = { ...ref, contentHeaders: {}, userMetadata: {}, retention, legalHold: true };
      const { uploadId } = await world.store.createMultipartUpload(write);
      const body = Buffer.from("x");
      const values = { CRC64NVME: await checksumOf("CRC64NVME", body) };
      const checksums = { type: "FULL_OBJECT", values } as const;
      const part = await world.store.uploadPart({ ...ref, uploadId, partNumber: 1, body, checksums });
      await world.store.completeMultipartUpload({ ...ref, uploadId, parts: [part] });
      await world.replicate();
      for (const key of ["small", "parts"]) {
        const head = await only(key);
        assert.deepEqual([head.retention, head.legalHold], [retention, true], key);
      }
      assert.deepEqual([count("putObjectRetention"), count("putObjectLegalHold")], [late, late]);
    });
  }
});
