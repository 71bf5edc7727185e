/** The contract of multipart uploads. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { checksumOf, compositeChecksum } from "../../src/s3/checksum.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { CreateUploadRequest, UploadedPart } from "../../src/s3/store.ts";
import { streamOf } from "../fixtures/bytes.ts";
import type { StoreCapabilities } from "./store.ts";
import { pattern, rejectsWith, type Subject } from "./store-subject.ts";

/** The smallest size of a part that is not the last. */
const PART_BYTES = 5 * 1024 * 1024;

export function uploadTests(subject: Subject, can: StoreCapabilities): void {
  const data = pattern(PART_BYTES + 1000);
  const pieces = [data.subarray(0, PART_BYTES), data.subarray(PART_BYTES)];

  async function begin(key: string, more: Partial<CreateUploadRequest> = {}) {
    const { uploadId } = await subject.store.createMultipartUpload({ ...subject.write(key), ...more });
    assert.notEqual(uploadId, "");
    return { bucket: subject.bucket, key, uploadId };
  }

  async function uploadAll(upload: Awaited<ReturnType<typeof begin>>, algorithm?: "CRC64NVME" | "SHA256") {
    const parts: UploadedPart[] = [];
    for (const [index, body] of pieces.entries()) {
      const values = algorithm === undefined ? {} : { [algorithm]: await checksumOf(algorithm, body) };
      const checksums = algorithm === undefined ? {} : { checksums: { type: "FULL_OBJECT", values } as const };
      parts.push(await subject.store.uploadPart({ ...upload, partNumber: index + 1, body, ...checksums }));
    }
    return parts;
  }

  test("parts become one object, with the ETag of a multipart upload", async () => {
    const upload = await begin(subject.newKey());
    const parts = await uploadAll(upload);
    assert.deepEqual(
      parts.map((part) => part.etag),
      pieces.map((piece) => createHash("md5").update(piece).digest("hex")),
    );
    const reply = await subject.store.completeMultipartUpload({ ...upload, parts });
    const { head, body } = await subject.store.getObject({ bucket: subject.bucket, key: upload.key });
    assert.ok(Buffer.from(await body.bytes()).equals(data));
    const digests = Buffer.concat(pieces.map((piece) => createHash("md5").update(piece).digest()));
    assert.equal(head.etag, `${createHash("md5").update(digests).digest("hex")}-2`);
    if (can.completeTellsEtag) assert.equal(reply.etag, head.etag);
    assert.equal(reply.versionId, head.versionId);
  });

  test("a part may be a stream", async () => {
    const upload = await begin(subject.newKey());
    const stream = streamOf(data.subarray(0, 10), data.subarray(10));
    const body = { sizeBytes: data.byteLength, stream };
    const part = await subject.store.uploadPart({ ...upload, partNumber: 1, body });
    await subject.store.completeMultipartUpload({ ...upload, parts: [part] });
    const head = await subject.store.headObject({ bucket: subject.bucket, key: upload.key });
    assert.equal(head.sizeBytes, data.byteLength);
  });

  test("the last upload of a part number counts, and part numbers may leave gaps", async () => {
    const upload = await begin(subject.newKey());
    await subject.store.uploadPart({ ...upload, partNumber: 7, body: Buffer.from("first") });
    const part = await subject.store.uploadPart({ ...upload, partNumber: 7, body: Buffer.from("last") });
    await subject.store.completeMultipartUpload({ ...upload, parts: [part] });
    assert.equal(await subject.read(upload.key), "last");
  });

  test("nothing of an upload is seen before it is complete", async () => {
    const upload = await begin(subject.newKey());
    await subject.store.uploadPart({ ...upload, partNumber: 1, body: Buffer.from("hidden") });
    await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key: upload.key }), 404);
    assert.deepEqual(await subject.list(upload.key), []);
    await subject.store.abortMultipartUpload(upload);
  });

  test("what was said at the beginning describes the object at the end", async () => {
    const contentHeaders = { "content-type": "text/x-upload" };
    const userMetadata = { color: "blue" };
    const tags = [{ key: "t", value: "v" }];
    const upload = await begin(subject.newKey(), { contentHeaders, userMetadata, tags });
    const part = await subject.store.uploadPart({ ...upload, partNumber: 1, body: Buffer.from("x") });
    await subject.store.completeMultipartUpload({ ...upload, parts: [part] });
    const request = { bucket: subject.bucket, key: upload.key };
    const head = await subject.store.headObject(request);
    assert.equal(head.contentHeaders["content-type"], "text/x-upload");
    assert.deepEqual(head.userMetadata, userMetadata);
    if (can.tagsUploads) assert.deepEqual(await subject.store.getObjectTagging(request), tags);
  });

  test("an upload is aborted once, and again without an error", async () => {
    const upload = await begin(subject.newKey());
    const part = await subject.store.uploadPart({ ...upload, partNumber: 1, body: Buffer.from("x") });
    await subject.store.abortMultipartUpload(upload);
    await subject.store.abortMultipartUpload(upload);
    const again = subject.store.uploadPart({ ...upload, partNumber: 1, body: Buffer.from("x") });
    await rejectsWith(again, 404, "NoSuchUpload");
    const late = subject.store.completeMultipartUpload({ ...upload, parts: [part] });
    if (can.namesWhatIsMissing) await rejectsWith(late, 404, "NoSuchUpload");
    else await assert.rejects(late, S3Error);
  });

  test("a part that was not uploaded so is refused", async () => {
    const upload = await begin(subject.newKey());
    const part = await subject.store.uploadPart({ ...upload, partNumber: 1, body: Buffer.from("x") });
    const wrong = { ...part, etag: createHash("md5").update("other").digest("hex") };
    await rejectsWith(subject.store.completeMultipartUpload({ ...upload, parts: [wrong] }), 400, "InvalidPart");
    const missing = [{ ...part, partNumber: 2 }];
    await rejectsWith(subject.store.completeMultipartUpload({ ...upload, parts: missing }), 400, "InvalidPart");
    await subject.store.abortMultipartUpload(upload);
  });

  test("a part before the last must have 5 MiB", async () => {
    const upload = await begin(subject.newKey());
    const parts: UploadedPart[] = [];
    for (const partNumber of [1, 2]) {
      parts.push(await subject.store.uploadPart({ ...upload, partNumber, body: Buffer.from("small") }));
    }
    await rejectsWith(subject.store.completeMultipartUpload({ ...upload, parts }), 400, "EntityTooSmall");
    await subject.store.abortMultipartUpload(upload);
  });

  const noParts = { skip: can.readsParts ? false : "the store does not read single parts" };
  test("a part is read by its number, and tells how many there are", noParts, async () => {
    const upload = await begin(subject.newKey());
    await subject.store.completeMultipartUpload({ ...upload, parts: await uploadAll(upload) });
    const request = { bucket: subject.bucket, key: upload.key, partNumber: 2 };
    const { head, body } = await subject.store.getObject(request);
    assert.ok(Buffer.from(await body.bytes()).equals(data.subarray(PART_BYTES)));
    assert.deepEqual([head.partsCount, head.sizeBytes], [2, data.byteLength]);
    assert.equal((await subject.store.headObject(request)).partsCount, 2);
    await rejectsWith(subject.store.getObject({ ...request, partNumber: 3 }), 416);
  });

  const noChecksums = { skip: can.verifiesChecksums ? false : "the store does not verify checksums" };
  test("a checksum of the whole follows from its parts', and a wrong one is refused", noChecksums, async () => {
    const checksums = { algorithm: "CRC64NVME", type: "FULL_OBJECT" } as const;
    const upload = await begin(subject.newKey(), { checksums });
    const parts = await uploadAll(upload, "CRC64NVME");
    const complete = (value: string) =>
      subject.store.completeMultipartUpload({
        ...upload,
        parts,
        checksums: { type: "FULL_OBJECT", values: { CRC64NVME: value } },
      });
    await rejectsWith(complete("AAAAAAAAAAA="), 400, "BadDigest");
    const right = await checksumOf("CRC64NVME", data);
    await complete(right);
    const head = await subject.store.headObject({ bucket: subject.bucket, key: upload.key });
    assert.deepEqual(head.checksums, { type: "FULL_OBJECT", values: { CRC64NVME: right } });
  });

  test("a composite checksum is the checksum of the parts' checksums", noChecksums, async () => {
    const checksums = { algorithm: "SHA256", type: "COMPOSITE" } as const;
    const upload = await begin(subject.newKey(), { checksums });
    const parts = await uploadAll(upload, "SHA256");
    await subject.store.completeMultipartUpload({ ...upload, parts });
    const sums = await Promise.all(pieces.map((piece) => checksumOf("SHA256", piece)));
    const expected = await compositeChecksum("SHA256", sums);
    const head = await subject.store.headObject({ bucket: subject.bucket, key: upload.key });
    assert.deepEqual(head.checksums, { type: "COMPOSITE", values: { SHA256: expected } });
  });

  const noIdentity = { skip: can.replicaIdentity ? false : "the store gives version ids of its own" };
  test("a replica that comes in parts is the same version as its source", noIdentity, async () => {
    const { replicator } = subject;
    const replica = {
      versionId: "5b7c3f9e-26a1-4f0e-9c57-8f2d1f0a7b11",
      lastModifiedMs: Date.UTC(2020, 1, 3, 4, 5, 6),
    };
    const write = { ...subject.write(subject.newKey()), replica };
    const { uploadId } = await replicator.createMultipartUpload(write);
    const upload = { bucket: subject.bucket, key: write.key, uploadId };
    const part = await replicator.uploadPart({ ...upload, partNumber: 1, body: Buffer.from("x") });
    const reply = await replicator.completeMultipartUpload({ ...upload, parts: [part], replica });
    assert.equal(reply.versionId, replica.versionId);
    const head = await subject.store.headObject({ bucket: subject.bucket, key: upload.key });
    assert.equal(head.versionId, replica.versionId);
    assert.equal(head.lastModifiedMs, replica.lastModifiedMs);
  });
}
