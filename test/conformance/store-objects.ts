/** The contract of reading and writing whole objects. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { AccessControlList } from "../../src/core/model.ts";
import { checksumOf } from "../../src/s3/checksum.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { joined, streamOf } from "../fixtures/bytes.ts";
import type { StoreCapabilities } from "./store.ts";
import { pattern, rejectsWith, type Subject } from "./store-subject.ts";

const MEBIBYTE = 1024 * 1024;

/** Keys that somebody's client, proxy, path join or XML writer has got wrong. */
const AWKWARD_KEYS = [
  "a b",
  "a+b",
  "a%b",
  "a%20b",
  "a//b",
  "a/../b",
  "a/./b",
  "a/",
  "/a",
  "a?b=c&d#e",
  "a\\b",
  "a:b@c;d,e=f$g!h*i'j(k)l",
  'a"b<c>d',
  "ünï\u{1f600}cödé",
  "e\u0301",
  "a\tb\nc",
  ".",
  "~a^b`c{d}e|f[g]",
];

export function objectTests(subject: Subject, can: StoreCapabilities): void {
  test("what was put is got, with its size, MD5 as ETag, date and default class", async () => {
    const key = subject.newKey();
    const reply = await subject.store.putObject({ ...subject.write(key), body: Buffer.from("hello") });
    const { head, body } = await subject.store.getObject({ bucket: subject.bucket, key });
    assert.equal(body.sizeBytes, 5);
    assert.equal(Buffer.from(await body.bytes()).toString(), "hello");
    assert.equal(head.sizeBytes, 5);
    assert.equal(head.etag, createHash("md5").update("hello").digest("hex"));
    assert.equal(reply.etag, head.etag);
    assert.equal(head.versionId, reply.versionId);
    assert.equal(head.storageClass, "STANDARD");
    assert.ok(head.lastModifiedMs > Date.UTC(2000, 0, 1));
    const alone = await subject.store.headObject({ bucket: subject.bucket, key });
    assert.deepEqual({ ...alone, requestId: "" }, { ...head, requestId: "" });
  });

  test("an object may be empty", async () => {
    const key = subject.newKey();
    await subject.put(key, "");
    const { head, body } = await subject.store.getObject({ bucket: subject.bucket, key });
    assert.deepEqual([head.sizeBytes, body.sizeBytes], [0, 0]);
    assert.equal((await joined(body.stream())).byteLength, 0);
  });

  test("8 MiB go in one piece and come as a stream, to the byte", async () => {
    const key = subject.newKey();
    const data = pattern(8 * MEBIBYTE);
    await subject.store.putObject({ ...subject.write(key), body: data });
    const { body } = await subject.store.getObject({ bucket: subject.bucket, key });
    assert.ok((await joined(body.stream())).equals(data));
  });

  test("a stream of known length goes in, with a trailing checksum if the store can have one", async () => {
    const key = subject.newKey();
    const data = pattern(3 * MEBIBYTE + 5);
    const stream = streamOf(data.subarray(0, 1), data.subarray(1, MEBIBYTE), data.subarray(MEBIBYTE));
    const body = { sizeBytes: data.byteLength, stream, trailer: "CRC64NVME" } as const;
    await subject.store.putObject({ ...subject.write(key), body });
    const back = await subject.store.getObject({ bucket: subject.bucket, key });
    assert.ok(Buffer.from(await back.body.bytes()).equals(data));
    if (can.verifiesChecksums) {
      assert.equal(back.head.checksums?.values.CRC64NVME, await checksumOf("CRC64NVME", data));
    }
  });

  test("a stream that ends early writes nothing", async () => {
    const key = subject.newKey();
    const put = subject.store.putObject({ ...subject.write(key), body: { sizeBytes: 10, stream: streamOf("abc") } });
    await assert.rejects(put, S3Error);
    await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key }), 404);
  });

  const noConditions = { skip: can.conditionalPut ? false : "the store ignores If-None-Match on a write" };
  test("a write that is only for an absent key is refused when there is an object", noConditions, async () => {
    const key = subject.newKey();
    const put = (body: string) => subject.put(key, body, { onlyIfAbsent: true });
    await put("first");
    await rejectsWith(put("second"), 412, "PreconditionFailed");
    assert.equal(await subject.read(key), "first");
    assert.equal((await subject.list(key)).length, 1);
    await subject.store.deleteObject({ bucket: subject.bucket, key });
    await put("over a marker");
  });

  test("content headers and user metadata come back as they were", async () => {
    const key = subject.newKey();
    const contentHeaders = {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "max-age=60",
      "content-disposition": 'attachment; filename="a b.html"',
      "content-encoding": "gzip",
      "content-language": "de",
      expires: "Fri, 02 Jan 2099 03:04:05 GMT",
    };
    const userMetadata = { color: "blue", "with-dash": "a, b; c=d" };
    await subject.put(key, "x", { contentHeaders, userMetadata });
    const head = await subject.store.headObject({ bucket: subject.bucket, key });
    assert.deepEqual(head.contentHeaders, contentHeaders);
    assert.deepEqual(head.userMetadata, userMetadata);
  });

  test("user metadata may be any text", async () => {
    const key = subject.newKey();
    const userMetadata = { color: "grün", sign: "✓ \u{1f600}" };
    await subject.put(key, "x", { userMetadata });
    const head = await subject.store.headObject({ bucket: subject.bucket, key });
    assert.deepEqual(head.userMetadata, userMetadata);
  });

  test("every key names an object of its own, whatever stands in it", async () => {
    const prefix = subject.newKey("");
    for (const name of AWKWARD_KEYS) await subject.put(prefix + name, `body of ${name}`);
    for (const name of AWKWARD_KEYS) assert.equal(await subject.read(prefix + name), `body of ${name}`, name);
    const listed = (await subject.list(prefix)).map((one) => one.key);
    assert.deepEqual(new Set(listed), new Set(AWKWARD_KEYS.map((name) => prefix + name)));
    assert.equal(listed.length, AWKWARD_KEYS.length);
  });

  test("a key may have 1,024 bytes", async () => {
    const key = subject.newKey().padEnd(1022, "k").concat("é");
    assert.equal(Buffer.byteLength(key), 1024);
    await subject.put(key, "long");
    assert.equal(await subject.read(key), "long");
  });

  test("a range has its own length, and the head that of the whole", async () => {
    const key = subject.newKey();
    await subject.put(key, "0123456789");
    const part = async (firstByte: number, lastByte: number) => {
      const range = { firstByte, lastByte };
      const { head, body } = await subject.store.getObject({ bucket: subject.bucket, key, range });
      assert.equal(head.sizeBytes, 10);
      const bytes = await body.bytes();
      assert.equal(bytes.byteLength, body.sizeBytes);
      return Buffer.from(bytes).toString();
    };
    assert.equal(await part(0, 0), "0");
    assert.equal(await part(3, 5), "345");
    assert.equal(await part(0, 9), "0123456789");
    assert.equal(await part(8, 100), "89");
    const beyond = { bucket: subject.bucket, key, range: { firstByte: 10, lastByte: 11 } };
    await rejectsWith(subject.store.getObject(beyond), 416, "InvalidRange");
  });

  test("a range in the middle of a large object is the bytes that were asked for", async () => {
    const key = subject.newKey();
    const data = pattern(2 * MEBIBYTE);
    await subject.store.putObject({ ...subject.write(key), body: data });
    const range = { firstByte: 700_001, lastByte: 1_400_002 };
    const { body } = await subject.store.getObject({ bucket: subject.bucket, key, range });
    assert.ok((await joined(body.stream())).equals(data.subarray(700_001, 1_400_003)));
  });

  test("what is not there is a 404 that says what is missing", async () => {
    const key = subject.newKey();
    const error = await rejectsWith(subject.store.getObject({ bucket: subject.bucket, key }), 404, "NoSuchKey");
    assert.equal(error.fields.operation, "GetObject");
    assert.deepEqual([error.fields.bucket, error.fields.key], [subject.bucket, key]);
    assert.equal(error.fields.isDeleteMarker, undefined);
    await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key }), 404);
    const nowhere = { bucket: `${subject.bucket}-nowhere`, key };
    await rejectsWith(subject.store.getObject(nowhere), 404, "NoSuchBucket");
    await rejectsWith(subject.store.headObject(nowhere), 404);
    const put = subject.store.putObject({ ...subject.write(key), ...nowhere, body: Buffer.from("x") });
    await rejectsWith(put, 404, "NoSuchBucket");
  });

  const noChecksums = { skip: can.verifiesChecksums ? false : "the store does not verify checksums" };
  for (const algorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
    test(
      `${algorithm}: a right checksum is kept and told, a wrong one refused and nothing written`,
      noChecksums,
      async () => {
        const [key, data] = [subject.newKey(), Buffer.from("123456789")];
        const right = { [algorithm]: await checksumOf(algorithm, data) };
        const wrong = { [algorithm]: await checksumOf(algorithm, Buffer.from("123456780")) };
        const put = (values: typeof right) =>
          subject.store.putObject({ ...subject.write(key), body: data, checksums: { type: "FULL_OBJECT", values } });
        await rejectsWith(put(wrong), 400, "BadDigest");
        await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key }), 404);
        await put(right);
        const head = await subject.store.headObject({ bucket: subject.bucket, key });
        assert.equal(head.checksums?.values[algorithm], right[algorithm]);
        assert.equal(head.checksums?.type, "FULL_OBJECT");
      },
    );
  }

  for (const form of ["bytes", "a stream"] as const) {
    test(`${form} of another MD5 than is said of them are refused, and nothing is written`, async () => {
      const [key, data] = [subject.newKey(), Buffer.from("123456789")];
      const body = () => (form === "bytes" ? data : { sizeBytes: data.byteLength, stream: streamOf("1234", "56789") });
      const put = (md5: string) => subject.store.putObject({ ...subject.write(key), body: body(), md5 });
      await rejectsWith(put(await checksumOf("MD5", Buffer.from("123456780"))), 400, "BadDigest");
      await rejectsWith(subject.store.headObject({ bucket: subject.bucket, key }), 404);
      const { etag } = await put(await checksumOf("MD5", data));
      assert.equal(etag, createHash("md5").update(data).digest("hex"));
    });
  }

  const noEncryption = { skip: can.encrypts ? false : "the store ignores encryption headers" };
  test("an object is encrypted as it was asked, and says so", noEncryption, async () => {
    const key = subject.newKey();
    await subject.put(key, "secret", { encryption: { kind: "SSE-S3" } });
    const { head, body } = await subject.store.getObject({ bucket: subject.bucket, key });
    assert.equal(Buffer.from(await body.bytes()).toString(), "secret");
    assert.deepEqual(head.encryption, { kind: "SSE-S3" });
  });

  test("who asks for sealed bytes gets the plain ones of whatever is not under a customer's key", async () => {
    const key = subject.newKey();
    await subject.put(key, "hello");
    const { head, body } = await subject.replicator.getObject({ bucket: subject.bucket, key, sealed: true });
    assert.equal(head.sealed, undefined);
    assert.equal(head.sizeBytes, 5);
    assert.equal(Buffer.from(await body.bytes()).toString(), "hello");
  });

  const noAcls = { skip: can.keepsAcls ? false : "the store keeps no access control lists" };
  test("a version's list is its owner's alone until another comes with the write or later", noAcls, async () => {
    const { store, bucket } = subject;
    const [key, other] = [subject.newKey(), subject.newKey()];
    const versionId = await subject.put(key, "x");
    const first = await store.getObjectAcl({ bucket, key, versionId });
    const owner = { kind: "user", id: first.ownerId } as const;
    assert.deepEqual(first.grants, [{ grantee: owner, permission: "FULL_CONTROL" }]);
    const more: AccessControlList = { ...first, grants: [...first.grants, { grantee: owner, permission: "READ_ACP" }] };
    await store.putObjectAcl({ bucket, key, versionId, acl: more });
    assert.deepEqual(ordered(await store.getObjectAcl({ bucket, key })), more);
    await subject.put(other, "x", { acl: more });
    assert.deepEqual(ordered(await store.getObjectAcl({ bucket, key: other })), more);
    await rejectsWith(store.putObjectAcl({ bucket, key: subject.newKey(), acl: more }), 404, "NoSuchKey");
  });

  test("a call that is cancelled rejects, before it and within a body", async () => {
    const key = subject.newKey();
    const data = pattern(8 * MEBIBYTE);
    await subject.store.putObject({ ...subject.write(key), body: data });
    const isAborted = (error: unknown) => error instanceof S3Error && error.fields.network === "aborted";
    const request = { bucket: subject.bucket, key };
    await assert.rejects(subject.store.headObject(request, { signal: AbortSignal.abort() }), isAborted);

    const controller = new AbortController();
    const { body } = await subject.store.getObject(request, { signal: controller.signal });
    controller.abort();
    await assert.rejects(body.bytes(), isAborted);
  });

  test("a body that is cancelled, unread or partly read, leaves the store in order", async () => {
    const key = subject.newKey();
    await subject.store.putObject({ ...subject.write(key), body: pattern(4 * MEBIBYTE) });
    const request = { bucket: subject.bucket, key };
    const unread = await subject.store.getObject(request);
    unread.body.cancel();
    unread.body.cancel();
    const partly = await subject.store.getObject(request);
    for await (const piece of partly.body.stream()) {
      assert.ok(piece.byteLength > 0);
      break;
    }
    partly.body.cancel();
    assert.equal((await subject.store.headObject(request)).sizeBytes, 4 * MEBIBYTE);
  });
}

/** The order of grants means nothing. */
function ordered(acl: AccessControlList): AccessControlList {
  return { ...acl, grants: acl.grants.toSorted((one, other) => (one.permission < other.permission ? -1 : 1)) };
}
