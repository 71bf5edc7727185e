/** The contract of parts that are listed, and of what a store copies itself. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { ListedPart, UploadedPart } from "../../src/s3/store.ts";
import type { StoreCapabilities } from "./store.ts";
import { pattern, rejectsWith, type Subject } from "./store-subject.ts";

/** The smallest size of a part that is not the last. */
const PART_BYTES = 5 * 1024 * 1024;

export function copyTests(subject: Subject, can: StoreCapabilities): void {
  const md5 = (bytes: Uint8Array | string) => createHash("md5").update(bytes).digest("hex");

  async function begin(key: string) {
    const { uploadId } = await subject.store.createMultipartUpload(subject.write(key));
    return { bucket: subject.bucket, key, uploadId };
  }

  async function listed(upload: Awaited<ReturnType<typeof begin>>, maxParts?: number): Promise<ListedPart[]> {
    const parts: ListedPart[] = [];
    let marker = {};
    for (let page = 0; page < 10; page++) {
      const size = maxParts === undefined ? {} : { maxParts };
      const answer = await subject.store.listParts({ ...upload, ...size, ...marker });
      assert.ok(maxParts === undefined || answer.parts.length <= maxParts);
      parts.push(...answer.parts);
      if (answer.next === undefined) return parts;
      marker = { partNumberMarker: answer.next };
    }
    assert.fail("the listing has no end");
  }

  test("the parts that an upload has are listed in order, with size and ETag, page by page", async () => {
    const upload = await begin(subject.newKey("a b%c"));
    assert.deepEqual(await listed(upload), []);
    const bodies = new Map([9, 2, 5].map((number) => [number, `part ${"x".repeat(number)}`]));
    for (const [partNumber, body] of bodies) {
      await subject.store.uploadPart({ ...upload, partNumber, body: Buffer.from(body) });
    }
    const expected = [2, 5, 9].map((partNumber) => {
      const body = bodies.get(partNumber) ?? "";
      return { partNumber, sizeBytes: body.length, etag: md5(body) };
    });
    for (const maxParts of [undefined, 1, 2, 3]) {
      const parts = await listed(upload, maxParts);
      assert.deepEqual(
        parts.map(({ partNumber, sizeBytes, etag }) => ({ partNumber, sizeBytes, etag })),
        expected,
      );
    }
    await subject.store.abortMultipartUpload(upload);
    await rejectsWith(subject.store.listParts(upload), 404, can.namesWhatIsMissing ? "NoSuchUpload" : undefined);
  });

  for (const name of ["plain", "a b+c", "ünï\u{1f600}", "a//b/../c"]) {
    test(`a version is copied with what the request says of it, and nothing else: ${name}`, async () => {
      const key = subject.newKey(name);
      const more = { userMetadata: { old: "1" }, tags: [{ key: "old", value: "1" }] };
      const versionId = await subject.put(key, "the first", more);
      await subject.put(key, "the second");
      const copy = subject.newKey(name);
      const reply = await subject.store.copyObject({
        ...subject.write(copy),
        contentHeaders: { "content-type": "text/x-copy" },
        userMetadata: { fresh: "2" },
        tags: [{ key: "fresh", value: "2" }],
        source: { bucket: subject.bucket, key, versionId },
      });
      assert.equal(reply.etag, md5("the first"));
      const ref = { bucket: subject.bucket, key: copy };
      const head = await subject.store.headObject(ref);
      if (can.copyTellsVersion) assert.equal(head.versionId, reply.versionId);
      assert.equal(head.contentHeaders["content-type"], "text/x-copy");
      assert.deepEqual(head.userMetadata, { fresh: "2" });
      assert.equal(await subject.read(copy), "the first");
      if (can.tagsCopies) {
        assert.deepEqual(await subject.store.getObjectTagging(ref), [{ key: "fresh", value: "2" }]);
      }
    });
  }

  test("what is to be copied and is not there is a 404", async () => {
    const source = { bucket: subject.bucket, key: subject.newKey() };
    await rejectsWith(subject.store.copyObject({ ...subject.write(subject.newKey()), source }), 404, "NoSuchKey");
  });

  const noConditions = { skip: can.conditionalCopy ? false : "the store ignores conditions on the source of a copy" };
  test("a copy of a source that has another ETag than it should is refused", noConditions, async () => {
    const key = subject.newKey();
    const versionId = await subject.put(key, "x");
    const source = { bucket: subject.bucket, key, versionId, ifMatch: md5("y") };
    const copy = subject.newKey();
    await rejectsWith(subject.store.copyObject({ ...subject.write(copy), source }), 412, "PreconditionFailed");
    assert.deepEqual(await subject.list(copy), []);
  });

  test("a read of a version that has another ETag than it should is refused", async () => {
    const key = subject.newKey();
    await subject.put(key, "0123456789");
    const request = { bucket: subject.bucket, key, range: { firstByte: 2, lastByte: 4 } };
    const { body } = await subject.store.getObject({ ...request, ifMatch: md5("0123456789") });
    assert.equal(Buffer.from(await body.bytes()).toString(), "234");
    await rejectsWith(subject.store.getObject({ ...request, ifMatch: md5("other") }), 412, "PreconditionFailed");
  });

  test("ranges of a version become the parts of another one", async () => {
    const key = subject.newKey("source");
    const data = pattern(PART_BYTES + 1000);
    const { versionId } = await subject.store.putObject({ ...subject.write(key), body: data });
    assert.ok(versionId !== undefined);
    const upload = await begin(subject.newKey("copy"));
    const source = { bucket: subject.bucket, key, versionId };
    const pieces = [
      { firstByte: 0, lastByte: PART_BYTES - 1 },
      { firstByte: PART_BYTES, lastByte: data.byteLength - 1 },
    ];
    const parts: UploadedPart[] = [];
    for (const [index, range] of pieces.entries()) {
      parts.push(await subject.store.uploadPartCopy({ ...upload, partNumber: index + 1, source, range }));
    }
    assert.deepEqual(
      parts.map((part) => part.etag),
      pieces.map(({ firstByte, lastByte }) => md5(data.subarray(firstByte, lastByte + 1))),
    );
    await subject.store.completeMultipartUpload({ ...upload, parts });
    const { body } = await subject.store.getObject({ bucket: subject.bucket, key: upload.key });
    assert.ok(Buffer.from(await body.bytes()).equals(data));
  });
}
