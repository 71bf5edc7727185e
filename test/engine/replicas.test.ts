/** What replicas are like: encryption, owner, storage class, whatever the rule and the version say. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, afterEach, before, describe, test } from "node:test";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { VersionRef } from "../../src/core/model.ts";
import { ALICE } from "../lab-s3/lab.ts";
import { EngineWorld, REPLICA, SOURCE } from "./world.ts";

const MIB = 1024 * 1024;
const LARGE = Buffer.alloc(20 * MIB, "large ");

describe("replicas", () => {
  let world: EngineWorld;
  let kmsKey: string;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets();
    for (const Bucket of [SOURCE, REPLICA]) await blocking(Bucket, "NONE");
    kmsKey = (await world.lab.kms().send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";
  });
  after(() => world.stop());
  afterEach(async () => {
    await world.permit();
    await world.rule();
  });
  const blocking = (Bucket: string, kind: "SSE-C" | "NONE") => {
    const Rules = [{ BlockedEncryptionTypes: { EncryptionType: [kind] } }];
    const input = { Bucket, ServerSideEncryptionConfiguration: { Rules } };
    return world.lab.s3().send(new PutBucketEncryptionCommand(input));
  };

  describe("of versions under a customer's key", () => {
    const key = randomBytes(32);
    const ours = {
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
    };
    async function put(Key: string, ...parts: Uint8Array[]): Promise<VersionRef> {
      const s3 = world.lab.s3();
      const ref = { Bucket: SOURCE, Key };
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ ...ref, ...ours }));
      const Parts = [];
      for (const [index, Body] of parts.entries()) {
        const PartNumber = index + 1;
        const part = await s3.send(new UploadPartCommand({ ...ref, ...ours, UploadId, PartNumber, Body }));
        Parts.push({ PartNumber, ETag: part.ETag, ChecksumCRC64NVME: part.ChecksumCRC64NVME });
      }
      const completed = new CompleteMultipartUploadCommand({ ...ref, ...ours, UploadId, MultipartUpload: { Parts } });
      const { VersionId = "" } = await s3.send(completed);
      return { bucket: SOURCE, key: Key, versionId: VersionId };
    }
    async function putWhole(Key: string, Body: Uint8Array): Promise<VersionRef> {
      const input = { Bucket: SOURCE, Key, Body, ...ours };
      const { VersionId = "" } = await world.lab.s3().send(new PutObjectCommand(input));
      return { bucket: SOURCE, key: Key, versionId: VersionId };
    }
    const cases: readonly [string, Uint8Array, () => Promise<VersionRef>][] = [
      ["a small one", Buffer.from("small"), () => putWhole("small", Buffer.from("small"))],
      ["an empty one", Buffer.from(""), () => putWhole("empty", Buffer.from(""))],
      ["a large one", LARGE, () => putWhole("large", LARGE)],
      ["one of one part", Buffer.from("part"), () => put("one part", Buffer.from("part"))],
      [
        "one of parts",
        LARGE.subarray(0, 16 * MIB),
        () => put("parts", LARGE.subarray(0, 6 * MIB), LARGE.subarray(6 * MIB, 16 * MIB)),
      ],
    ];
    for (const [name, bytes, write] of cases) {
      test(`${name} is one that only the customer can read`, async () => {
        const ref = await write();
        await world.settle();
        assert.equal(await shown(ref), "COMPLETED");
        const there = { Bucket: REPLICA, Key: ref.key, VersionId: ref.versionId };
        const { Body, ETag } = await world.lab.s3().send(new GetObjectCommand({ ...there, ...ours }));
        assert.ok(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(Buffer.from(bytes)));
        const source = await world.lab.s3().send(new HeadObjectCommand({ ...there, Bucket: SOURCE, ...ours }));
        assert.equal(ETag, source.ETag);
      });
    }
    const shown = async (ref: VersionRef): Promise<string> => {
      const input = { Bucket: SOURCE, Key: ref.key, VersionId: ref.versionId, ...ours };
      const { ReplicationStatus } = await world.lab.s3().send(new HeadObjectCommand(input));
      const rows = (await world.rows(ref)).map((one) => `${one.operation} ${one.failure?.code}`);
      return [ReplicationStatus, ...rows].join(" ");
    };

    test("is FAILED where the destination blocks such, and is there after a resync", async () => {
      await blocking(REPLICA, "SSE-C");
      const ref = await putWhole("blocked", Buffer.from("x"));
      await world.settle();
      assert.equal(await shown(ref), "FAILED put DstPutObjectNotPermitted");
      await blocking(REPLICA, "NONE");
      await world.resync();
      assert.equal(await shown(ref), "COMPLETED");
    });
  });

  for (const kind of ["SSE-KMS", "DSSE-KMS"] as const) {
    test(`of a version under ${kind} are under it, with the rule's key, small and in parts`, async () => {
      await world.rule({
        criteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
        destination: { EncryptionConfiguration: { ReplicaKmsKeyID: kmsKey } },
      });
      await world.permit({ kms: true });
      const encryption = { kind, kmsKeyArn: kmsKey };
      const small = await world.put(`small ${kind}`, { encryption });
      const write = { bucket: SOURCE, key: `parts ${kind}`, contentHeaders: {}, userMetadata: {}, encryption };
      const { uploadId } = await world.store.createMultipartUpload(write);
      const parts = [];
      for (const [index, body] of [LARGE.subarray(0, 5 * MIB), Buffer.from("end")].entries()) {
        const part = { bucket: SOURCE, key: write.key, uploadId, partNumber: index + 1, body };
        parts.push(await world.store.uploadPart(part));
      }
      const { versionId = "" } = await world.store.completeMultipartUpload({ ...write, uploadId, parts });
      const large = { bucket: SOURCE, key: write.key, versionId };
      await world.settle();
      for (const ref of [small, large]) {
        assert.equal(await world.story(ref), "COMPLETED");
        const [source, replica] = [await world.store.headObject(ref), await world.replica(ref)];
        assert.deepEqual([replica?.encryption.kind, replica?.encryption.kmsKeyArn], [kind, kmsKey]);
        assert.equal(replica?.etag, source.etag);
      }
    });
  }

  test("have the storage class that the rule says, else their source's", async () => {
    const same = await world.put("class", { storageClass: "STANDARD_IA" });
    await world.settle();
    assert.equal((await world.replica(same))?.storageClass, "STANDARD_IA");
    await world.rule({ destination: { StorageClass: "GLACIER_IR" } });
    const other = await world.put("other class", { storageClass: "STANDARD_IA" });
    await world.settle();
    assert.equal((await world.replica(other))?.storageClass, "GLACIER_IR");
  });

  test("change their owner with a permission of its own, where access control lists have a say", async () => {
    const OwnershipControls = { Rules: [{ ObjectOwnership: "ObjectWriter" as const }] };
    await world.lab.s3().send(new PutBucketOwnershipControlsCommand({ Bucket: REPLICA, OwnershipControls }));
    await world.rule({ destination: { Account: ALICE, AccessControlTranslation: { Owner: "Destination" } } });
    await world.permit({ but: ["s3:ObjectOwnerOverrideToBucketOwner"] });
    const ref = await world.put("owned");
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstPutObjectNotPermitted");
    await world.permit();
    await world.resync();
    assert.equal(await world.story(ref), "COMPLETED");
  });
});
