/** Sealed transfer: SSE-C versions are replicated by a role that cannot read them, and only its customer can. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, describe, test } from "node:test";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { ObjectHead, Store, UploadedPart } from "../../src/s3/store.ts";
import { pattern, rejectsWith } from "../conformance/store-subject.ts";
import { refused, TestLab } from "./lab.ts";
import { Replicator } from "./replicator.ts";

const PART_BYTES = 5 * 1024 * 1024;

describe("sealed transfer of SSE-C versions", () => {
  let lab: TestLab;
  let s3: S3Client;
  let role: Replicator;
  const stores: { readonly name: string; readonly store: Store }[] = [];
  const key = randomBytes(32);
  const ours = {
    SSECustomerAlgorithm: "AES256",
    SSECustomerKey: key.toString("base64"),
    SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
  };

  before(async () => {
    lab = await TestLab.start({ onDisk: true });
    s3 = lab.s3();
    for (const name of ["sealed-source", "sealed-target"]) await lab.bucket(name, { versioned: true });
    await allow("sealed-source", "NONE");
    await allow("sealed-target", "NONE");
    role = await Replicator.make(lab, "replicator", {
      Action: ["s3:GetObjectVersionForReplication", "s3:ReplicateObject", "s3:ReplicateTags", "s3:ListBucket"],
    });
    stores.push({ name: "http", store: await role.overHttp() }, { name: "direct", store: await role.direct() });
  });
  after(async () => {
    await role.close();
    await lab.stop();
  });

  const allow = (Bucket: string, kind: "SSE-C" | "NONE") =>
    s3.send(
      new PutBucketEncryptionCommand({
        Bucket,
        ServerSideEncryptionConfiguration: { Rules: [{ BlockedEncryptionTypes: { EncryptionType: [kind] } }] },
      }),
    );
  const put = async (Key: string, Body: Uint8Array, more = {}): Promise<string> => {
    const { VersionId = "" } = await s3.send(
      new PutObjectCommand({ Bucket: "sealed-source", Key, Body, ...ours, ...more }),
    );
    return VersionId;
  };
  const read = async (Bucket: string, Key: string, more = {}) => {
    const {
      Body,
      ETag,
      ChecksumCRC64NVME,
      ChecksumCRC32,
      SSECustomerKeyMD5,
      Metadata,
      TagCount,
      VersionId,
      PartsCount,
    } = await s3.send(new GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED", ...ours, ...more }));
    const bytes = Buffer.from((await Body?.transformToByteArray()) ?? []);
    const told = {
      ETag,
      ChecksumCRC64NVME,
      ChecksumCRC32,
      SSECustomerKeyMD5,
      Metadata,
      TagCount,
      VersionId,
      PartsCount,
    };
    return { bytes, told };
  };
  const writeOf = (Key: string, versionId: string, head: ObjectHead) => ({
    bucket: "sealed-target",
    key: Key,
    contentHeaders: head.contentHeaders,
    userMetadata: head.userMetadata,
    encryption: head.encryption,
    replica: {
      versionId,
      lastModifiedMs: head.lastModifiedMs,
      ...(head.sealed === undefined ? {} : { sealed: head.sealed }),
    },
  });
  /** What the engine does with a version that was put whole. */
  async function move(store: Store, Key: string, versionId: string): Promise<ObjectHead> {
    const reply = await store.getObject({ bucket: "sealed-source", key: Key, versionId, sealed: true });
    const body = await reply.body.bytes();
    await store.putObject({ ...writeOf(Key, versionId, reply.head), body, tags: [{ key: "team", value: "a" }] });
    return reply.head;
  }

  test("a HEAD by replication needs no customer's key and says what there is", async () => {
    const versionId = await put("head", Buffer.from("twelve bytes"), { Metadata: { a: "b" } });
    for (const { name, store } of stores) {
      const head = await store.headObject({ bucket: "sealed-source", key: "head", versionId });
      assert.deepEqual([head.encryption, head.sizeBytes, head.sealed], [{ kind: "SSE-C" }, 12, undefined], name);
      assert.deepEqual(head.userMetadata, { a: "b" });
      await rejectsWith(store.getObject({ bucket: "sealed-source", key: "head", versionId }), 400, "InvalidRequest");
    }
    assert.equal((await refused(s3.send(new HeadObjectCommand({ Bucket: "sealed-source", Key: "head" })))).status, 400);
  });

  for (const sizeBytes of [0, 1, 65_536, 98_304, 98_305, 1_000_000]) {
    test(`${sizeBytes} bytes are the same version under the same key at the destination`, async () => {
      for (const { name, store } of stores) {
        const Key = `whole/${name}/${sizeBytes}`;
        const body = pattern(sizeBytes);
        const versionId = await put(Key, body, { Metadata: { a: "b" }, Tagging: "team=a" });
        const head = await move(store, Key, versionId);
        assert.equal(head.sizeBytes, sizeBytes, "the size is that of the object, not of its sealed bytes");
        const [source, target] = [await read("sealed-source", Key), await read("sealed-target", Key)];
        assert.ok(target.bytes.equals(body), name);
        assert.deepEqual(target.told, source.told);
        const middle = { Range: `bytes=${Math.floor(sizeBytes / 2)}-` };
        if (sizeBytes > 0) {
          assert.ok((await read("sealed-target", Key, middle)).bytes.equals(body.subarray(Math.floor(sizeBytes / 2))));
        }
      }
    });
  }

  test("nobody without the customer's key reads the replica, and another key does not open it", async () => {
    const versionId = await put("secret", Buffer.from("secret"));
    await move(await role.direct(), "secret", versionId);
    const get = (more = {}) => s3.send(new GetObjectCommand({ Bucket: "sealed-target", Key: "secret", ...more }));
    assert.equal((await refused(get())).code, "InvalidRequest");
    const other = randomBytes(32);
    const SSECustomerKeyMD5 = createHash("md5").update(other).digest("base64");
    const wrong = { ...ours, SSECustomerKey: other.toString("base64"), SSECustomerKeyMD5 };
    assert.equal((await refused(get(wrong))).code, "AccessDenied");
  });

  test("what is not SSE-C answers as if sealed bytes had not been asked for", async () => {
    const { VersionId: versionId = "" } = await s3.send(
      new PutObjectCommand({ Bucket: "sealed-source", Key: "plain", Body: "plain" }),
    );
    for (const { store } of stores) {
      const { head, body } = await store.getObject({ bucket: "sealed-source", key: "plain", versionId, sealed: true });
      assert.equal(head.sealed, undefined);
      assert.equal(Buffer.from(await body.bytes()).toString(), "plain");
    }
  });

  test("a multipart version goes part by part and keeps ETag, checksums and part boundaries", async () => {
    for (const { name, store } of stores) {
      const Key = `parts/${name}`;
      const bodies = [pattern(PART_BYTES), pattern(70_000)];
      const versionId = await putParts(Key, bodies);
      const source = { bucket: "sealed-source", key: Key, versionId };
      const whole = await store.getObject({ ...source, sealed: true });
      whole.body.cancel();
      const { head } = whole;
      assert.equal(head.sizeBytes, PART_BYTES + 70_000);
      const { uploadId } = await store.createMultipartUpload({
        ...writeOf(Key, versionId, head),
        checksums: { algorithm: "CRC32", type: "COMPOSITE" },
      });
      const upload = { bucket: "sealed-target", key: Key, uploadId };
      const parts: UploadedPart[] = [];
      for (const partNumber of [1, 2]) {
        const reply = await store.getObject({ ...source, partNumber, sealed: true });
        const { sealed = "" } = reply.head;
        parts.push(
          await store.uploadPart({
            ...upload,
            partNumber,
            sealed,
            body: { sizeBytes: reply.body.sizeBytes, stream: reply.body.stream() },
          }),
        );
      }
      const replica = { versionId, lastModifiedMs: head.lastModifiedMs };
      const reply = await store.completeMultipartUpload({
        ...upload,
        parts,
        replica,
        ...(head.checksums === undefined ? {} : { checksums: head.checksums }),
      });
      assert.equal(reply.etag, head.etag);
      const [before, moved] = [await read("sealed-source", Key), await read("sealed-target", Key)];
      assert.ok(moved.bytes.equals(Buffer.concat(bodies)), name);
      assert.deepEqual(moved.told, before.told);
      const second = await read("sealed-target", Key, { PartNumber: 2 });
      assert.ok(second.bytes.equals(pattern(70_000)));
      const { ObjectParts } = await s3.send(
        new GetObjectAttributesCommand({
          Bucket: "sealed-target",
          Key,
          ObjectAttributes: ["ObjectParts"],
          ...ours,
        }),
      );
      assert.deepEqual(
        ObjectParts?.Parts?.map((one) => one.Size),
        [PART_BYTES, 70_000],
      );
    }
  });

  async function putParts(Key: string, bodies: readonly Uint8Array[]): Promise<string> {
    const Bucket = "sealed-source";
    const target = { Bucket, Key, ...ours };
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: "CRC32" }));
    const Parts = [];
    for (const [index, Body] of bodies.entries()) {
      const PartNumber = index + 1;
      const part = { ...target, UploadId, PartNumber, Body, ChecksumAlgorithm: "CRC32" } as const;
      const { ETag, ChecksumCRC32 } = await s3.send(new UploadPartCommand(part));
      Parts.push({ PartNumber, ETag, ChecksumCRC32 });
    }
    const done = await s3.send(new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }));
    return done.VersionId ?? "";
  }

  test("a replica is moved on sealed, and still opens", async () => {
    const store = await role.direct();
    const versionId = await put("onward", pattern(200_000));
    await move(store, "onward", versionId);
    await lab.bucket("sealed-third", { versioned: true });
    await allow("sealed-third", "NONE");
    const reply = await store.getObject({ bucket: "sealed-target", key: "onward", versionId, sealed: true });
    const body = await reply.body.bytes();
    await store.putObject({ ...writeOf("onward", versionId, reply.head), bucket: "sealed-third", body });
    assert.ok((await read("sealed-third", "onward")).bytes.equals(pattern(200_000)));
  });

  test("bytes that were altered on the way are refused, and those of another version too", async () => {
    const versionId = await put("altered", pattern(100_000));
    const otherId = await put("altered", pattern(100_001));
    for (const { store } of stores) {
      const reply = await store.getObject({ bucket: "sealed-source", key: "altered", versionId, sealed: true });
      const body = Buffer.from(await reply.body.bytes());
      body[50_000] = (body[50_000] ?? 0) ^ 1;
      const write = writeOf("altered", versionId, reply.head);
      await rejectsWith(store.putObject({ ...write, body }), 400, "BadDigest");
      await rejectsWith(store.putObject({ ...write, body: body.subarray(1) }), 400, "BadDigest");
      const confused = { ...write, replica: { ...write.replica, versionId: otherId } };
      await rejectsWith(store.putObject({ ...confused, body }), 400, "InvalidArgument");
      await rejectsWith(store.putObject({ ...write, key: "another", body }), 400, "InvalidArgument");
      const forged = { ...write, replica: { ...write.replica, sealed: Buffer.from("{}").toString("base64") } };
      await rejectsWith(store.putObject({ ...forged, body }), 400, "InvalidArgument");
    }
    assert.equal((await refused(read("sealed-target", "altered"))).code, "NoSuchKey");
  });

  test("parts of one version do not fit another's upload, nor an upload that is not sealed", async () => {
    const store = await role.direct();
    const [first, second] = [await putParts("mixed", [pattern(10)]), await putParts("mixed", [pattern(20)])];
    const source = { bucket: "sealed-source", key: "mixed" };
    const whole = await store.getObject({ ...source, versionId: first, sealed: true });
    whole.body.cancel();
    const part = await store.getObject({ ...source, versionId: second, partNumber: 1, sealed: true });
    const body = await part.body.bytes();
    const sealed = part.head.sealed ?? "";
    const write = writeOf("mixed", first, whole.head);
    const { uploadId } = await store.createMultipartUpload(write);
    const upload = { bucket: "sealed-target", key: "mixed", uploadId, partNumber: 1 };
    await rejectsWith(store.uploadPart({ ...upload, body, sealed }), 400, "InvalidArgument");
    await rejectsWith(store.uploadPart({ ...upload, body }), 400, "InvalidRequest");
    const { sealed: _sealed, ...replica } = write.replica;
    const open = await store.createMultipartUpload({ ...write, encryption: { kind: "SSE-S3" }, replica });
    const wrong = store.uploadPart({ ...upload, uploadId: open.uploadId, body, sealed });
    await rejectsWith(wrong, 400, "InvalidArgument");
    await store.abortMultipartUpload({ ...upload, uploadId: open.uploadId });
    await store.abortMultipartUpload(upload);
  });

  test("ordinary callers may neither read sealed bytes nor write them", async () => {
    const versionId = await put("ordinary", Buffer.from("mine"));
    const everybody = lab.lab.direct(lab.alice);
    const source = { bucket: "sealed-source", key: "ordinary", versionId, sealed: true };
    await rejectsWith(everybody.getObject(source), 400, "InvalidRequest");
    const { head, body } = await (await role.direct()).getObject(source);
    const bytes = await body.bytes();
    const reply = await everybody.putObject({ ...writeOf("ordinary", versionId, head), body: bytes });
    assert.notEqual(reply.versionId, versionId);
    const plain = await everybody.getObject({ bucket: "sealed-target", key: "ordinary" });
    assert.equal(plain.head.encryption.kind, "SSE-S3");
    plain.body.cancel();
  });

  test("a destination that blocks SSE-C refuses the replica, and metadata of one that is there still follows", async () => {
    const versionId = await put("blocked", Buffer.from("mine"));
    const store = await role.overHttp();
    await move(store, "blocked", versionId);
    await allow("sealed-target", "SSE-C");
    try {
      const later = await put("blocked", Buffer.from("mine again"));
      const error = await rejectsWith(move(store, "blocked", later), 403, "AccessDenied");
      assert.match(error.message, /s3-replication is not authorized to perform: s3:ReplicateObject/);
      assert.match(error.message, /has blocked upload requests that specify Server Side Encryption with Customer/);
      const parts = await putParts("blocked parts", [pattern(10)]);
      const whole = await store.getObject({
        bucket: "sealed-source",
        key: "blocked parts",
        versionId: parts,
        sealed: true,
      });
      whole.body.cancel();
      await rejectsWith(store.createMultipartUpload(writeOf("blocked parts", parts, whole.head)), 403, "AccessDenied");
      const tags = [{ key: "team", value: "b" }];
      await store.putObjectTagging({ bucket: "sealed-target", key: "blocked", versionId, tags });
      assert.equal((await read("sealed-target", "blocked")).told.TagCount, 1);
    } finally {
      await allow("sealed-target", "NONE");
    }
  });

  test("a policy can tell a sealed write by its condition key", async () => {
    const limited = await Replicator.make(
      lab,
      "no-customers-keys",
      { Action: "s3:*" },
      {
        Effect: "Deny",
        Action: "s3:ReplicateObject",
        Condition: { Null: { "s3:x-amz-server-side-encryption-customer-algorithm": "false" } },
      },
    );
    const versionId = await put("condition", Buffer.from("mine"));
    await rejectsWith(move(await limited.direct(), "condition", versionId), 403, "AccessDenied");
  });

  test("what is on the disk opens after a restart", async () => {
    const versionId = await put("durable", pattern(300_000));
    await move(await role.direct(), "durable", versionId);
    await lab.restart();
    const { Body } = await lab.s3().send(new GetObjectCommand({ Bucket: "sealed-target", Key: "durable", ...ours }));
    assert.ok(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(pattern(300_000)));
  });
});
