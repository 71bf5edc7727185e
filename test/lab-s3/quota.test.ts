/** Quotas of buckets: exact to the byte and the object, whatever changes the bucket; and a disk without room. */
import assert from "node:assert/strict";
import { closeSync, openSync, writeSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { isOutOfRoom } from "../../src/lab/disturbances/full-disk.ts";
import { DatabaseError } from "../../src/ledger/database.ts";
import { rejectsWith } from "../conformance/store-subject.ts";
import { codeOf, TestLab } from "./lab.ts";
import { Replicator } from "./replicator.ts";

describe("quotas of buckets", () => {
  let lab: TestLab;
  let s3: S3Client;
  before(async () => {
    lab = await TestLab.start({ onDisk: true });
    s3 = lab.s3();
  });
  after(() => lab.stop());

  const put = (Bucket: string, Key: string, size: number, more = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: Buffer.alloc(size), ...more }));
  const quota = (bucket: string, to: object) => lab.admin("PUT", `buckets/${bucket}/quota`, to);
  const usage = async (bucket: string) =>
    ((await lab.admin("GET", `buckets/${bucket}/quota`)) as { usage: { bytes: number; objects: number } }).usage;
  const REFUSED = "QuotaExceeded 403";

  test("the last byte fits and one more does not; deletes make room", async () => {
    const Bucket = await lab.bucket("quota-bytes", { versioned: true });
    await put(Bucket, "a", 400);
    await quota(Bucket, { bytes: 1000 });
    assert.deepEqual(await usage(Bucket), { bytes: 400, objects: 1 });
    const { VersionId } = await put(Bucket, "a", 600);
    assert.equal(await codeOf(put(Bucket, "b", 1)), REFUSED);
    await put(Bucket, "empty", 0);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "a" }));
    assert.deepEqual(await usage(Bucket), { bytes: 1000, objects: 3 }, "a marker is no object, and frees nothing");
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "a", VersionId }));
    await put(Bucket, "b", 600);
    assert.deepEqual(await usage(Bucket), { bytes: 1000, objects: 3 });
  });

  test("objects are counted by version, and an overwrite without versioning adds none", async () => {
    const versioned = await lab.bucket("quota-objects", { versioned: true });
    await quota(versioned, { objects: 2 });
    await put(versioned, "a", 1);
    await put(versioned, "a", 1);
    assert.equal(await codeOf(put(versioned, "a", 1)), REFUSED);
    const plain = await lab.bucket("quota-plain");
    await quota(plain, { objects: 1, bytes: 10 });
    for (const size of [10, 3, 10]) await put(plain, "a", size);
    assert.equal(await codeOf(put(plain, "a", 11)), REFUSED);
    assert.equal(await codeOf(put(plain, "b", 0)), REFUSED);
    assert.deepEqual(await usage(plain), { bytes: 10, objects: 1 });
  });

  test("parts count at once, once, and no more when they are replaced, left out or aborted", async () => {
    const Bucket = await lab.bucket("quota-parts", { versioned: true });
    await quota(Bucket, { bytes: 1000 });
    const start = async () =>
      (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "parts" }))).UploadId ?? "";
    const part = (UploadId: string, PartNumber: number, size: number) =>
      s3.send(new UploadPartCommand({ Bucket, Key: "parts", UploadId, PartNumber, Body: Buffer.alloc(size) }));
    const UploadId = await start();
    await part(UploadId, 1, 900);
    const { ETag } = await part(UploadId, 1, 600);
    await part(UploadId, 2, 400);
    assert.deepEqual(await usage(Bucket), { bytes: 1000, objects: 0 });
    assert.equal(await codeOf(part(UploadId, 3, 1)), REFUSED);
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key: "parts", UploadId, MultipartUpload }));
    assert.deepEqual(await usage(Bucket), { bytes: 600, objects: 1 });
    const aborted = await start();
    await part(aborted, 1, 400);
    assert.equal(await codeOf(put(Bucket, "a", 1)), REFUSED);
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: "parts", UploadId: aborted }));
    assert.deepEqual(await usage(Bucket), { bytes: 600, objects: 1 });
    assert.equal(
      await codeOf(s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/parts` }))),
      REFUSED,
    );
  });

  test("writes that come together cannot pass the quota together", async () => {
    const Bucket = await lab.bucket("quota-race", { versioned: true });
    await quota(Bucket, { objects: 5 });
    const writes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => put(Bucket, `k${index}`, 1)));
    assert.equal(writes.filter((one) => one.status === "fulfilled").length, 5);
    assert.deepEqual(await usage(Bucket), { bytes: 5, objects: 5 });
  });

  test("a quota below what is there stops growth only, and what replication sends again is no growth", async () => {
    const Bucket = await lab.bucket("quota-lowered", { versioned: true });
    const role = await Replicator.make(lab);
    const store = await role.direct();
    const replica = { versionId: "from-elsewhere", lastModifiedMs: 1_700_000_000_000 };
    const write = { bucket: Bucket, key: "replica", contentHeaders: {}, userMetadata: {}, replica };
    await store.putObject({ ...write, body: Buffer.from("hello") });
    await quota(Bucket, { bytes: 3, objects: 0 });
    await store.putObject({ ...write, body: Buffer.from("hello") });
    await s3.send(
      new PutObjectTaggingCommand({ Bucket, Key: "replica", Tagging: { TagSet: [{ Key: "a", Value: "b" }] } }),
    );
    const next = { ...replica, versionId: "another" };
    await rejectsWith(store.putObject({ ...write, replica: next, body: Buffer.alloc(0) }), 403, "QuotaExceeded");
    assert.deepEqual(await usage(Bucket), { bytes: 5, objects: 1 });
    await quota(Bucket, { bytes: null, objects: null });
    await store.putObject({ ...write, replica: next, body: Buffer.alloc(0) });
    assert.deepEqual(await usage(Bucket), { bytes: 5, objects: 2 });
  });

  test("a quota and what is used of it survive a restart, and a bucket that is made anew has none", async () => {
    const Bucket = await lab.bucket("quota-kept", { versioned: true });
    await quota(Bucket, { objects: 1 });
    const { VersionId } = await put(Bucket, "a", 7);
    await lab.restart();
    s3 = lab.s3();
    assert.equal(await codeOf(put(Bucket, "b", 1)), REFUSED);
    assert.deepEqual(await usage(Bucket), { bytes: 7, objects: 1 });
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "a", VersionId }));
    await s3.send(new DeleteBucketCommand({ Bucket }));
    await lab.bucket(Bucket);
    await put(Bucket, "a", 1);
    await put(Bucket, "b", 1);
  });

  test("what is no quota, or no bucket, is refused", async () => {
    await lab.bucket("quota-wrong");
    await assert.rejects(quota("quota-wrong", { bytes: -1 }), /^Error: 400 /);
    await assert.rejects(quota("quota-wrong", { byte: 1 }), /^Error: 400 .*byte/);
    await assert.rejects(quota("quota-nowhere", { bytes: 1 }), /^Error: 404 .*NoSuchBucket/);
  });
});

describe("a full disk", () => {
  let lab: TestLab;
  let s3: S3Client;
  const Bucket = "full-disk";
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
    await s3.send(new PutObjectCommand({ Bucket, Key: "before", Body: "here" }));
  });
  after(() => lab.stop());

  test("whatever needs room is a 507; reads, listings and deletes work", async () => {
    await lab.admin("PUT", "disk", { full: true });
    const put = () => s3.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
    assert.equal(await codeOf(put()), "XMinioStorageFull 507");
    const start = s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "k" }));
    assert.equal(await codeOf(start), "XMinioStorageFull 507");
    const direct = lab.lab.direct(lab.alice);
    const write = { bucket: Bucket, key: "k", contentHeaders: {}, userMetadata: {}, body: Buffer.from("x") };
    await rejectsWith(direct.putObject(write), 507, "XMinioStorageFull");
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: "before" }));
    assert.equal(await Body?.transformToString(), "here");
    assert.equal((await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.length, 1);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "before" }));
    await lab.admin("PUT", "disk", { full: false });
    await put();
  });

  test("what the file system and the database say of a full disk is understood", () => {
    const full = openSync("/dev/full", "w");
    try {
      assert.throws(() => writeSync(full, "x"), isOutOfRoom);
    } finally {
      closeSync(full);
    }
    assert.ok(isOutOfRoom(new DatabaseError("full", "lab.db: the disk is full")));
    assert.ok(!isOutOfRoom(new DatabaseError("io", "lab.db: I/O error")));
    assert.ok(!isOutOfRoom(new Error("ENOSPC")));
  });
});
