/** KMS as replication meets it: which actions it needs under which encryption context, for every kind of source. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateKeyCommand } from "@aws-sdk/client-kms";
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { replicaEncryption } from "../../src/core/encryption.ts";
import type { Encryption, Rule } from "../../src/core/model.ts";
import type { ObjectHead, Store } from "../../src/s3/store.ts";
import { rejectsWith } from "../conformance/store-subject.ts";
import { codeOf, refused, TestLab } from "./lab.ts";
import { Replicator, type Statement } from "./replicator.ts";

const SOURCE = "arn:aws:s3:::kms-source";
const TARGET = "arn:aws:s3:::kms-target";
const VIA = "s3.us-east-1.amazonaws.com";

describe("encryption of replicas", () => {
  let lab: TestLab;
  let s3: S3Client;
  let role: Replicator;
  let sourceKey: string;
  let targetKey: string;
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    for (const name of ["kms-source", "kms-target"]) await lab.bucket(name, { versioned: true });
    const keys = await Promise.all([1, 2].map(() => lab.kms().send(new CreateKeyCommand({}))));
    [sourceKey = "", targetKey = ""] = keys.map((one) => one.KeyMetadata?.Arn ?? "");
    role = await Replicator.make(lab);
  });
  after(() => lab.stop());

  const OBJECTS: Statement = {
    Action: ["s3:GetObjectVersionForReplication", "s3:ReplicateObject", "s3:ListBucket"],
  };
  const onKey = (key: string, arn: string, ...actions: string[]): Statement => ({
    Action: actions.map((one) => `kms:${one}`),
    Resource: key,
    Condition: { StringEquals: { "kms:EncryptionContext:aws:s3:arn": arn, "kms:ViaService": VIA } },
  });
  const put = async (Key: string, more: object): Promise<string> =>
    (await s3.send(new PutObjectCommand({ Bucket: "kms-source", Key, Body: "secret", ...more }))).VersionId ?? "";
  const rule = (): Rule => ({
    id: "r",
    enabled: true,
    prefix: "",
    tags: [],
    kmsObjects: true,
    replicaModifications: false,
    destination: { bucketArn: TARGET, ownerOverride: false, metrics: false, replicaKmsKeyArn: targetKey },
  });
  const defaultTo = (SSEAlgorithm: "AES256" | "aws:kms" | "aws:kms:dsse", BucketKeyEnabled = false) => {
    const KMSMasterKeyID = SSEAlgorithm === "AES256" ? {} : { KMSMasterKeyID: targetKey };
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm, ...KMSMasterKeyID }, BucketKeyEnabled }];
    return s3.send(
      new PutBucketEncryptionCommand({ Bucket: "kms-target", ServerSideEncryptionConfiguration: { Rules } }),
    );
  };
  /** What the engine does. */
  async function replicate(key: string, versionId: string, store?: Store): Promise<ObjectHead> {
    const by = store ?? (await role.direct());
    const { head, body } = await by.getObject({ bucket: "kms-source", key, versionId });
    const bytes = await body.bytes();
    await by.putObject({ ...writeOf(key, versionId, head), body: bytes });
    return head;
  }
  function writeOf(key: string, versionId: string, head: ObjectHead) {
    const encryption: Encryption | undefined = replicaEncryption(head.encryption, rule());
    return {
      bucket: "kms-target",
      key,
      contentHeaders: head.contentHeaders,
      userMetadata: head.userMetadata,
      replica: { versionId, lastModifiedMs: head.lastModifiedMs },
      ...(encryption === undefined ? {} : { encryption }),
    };
  }
  const replicaOf = (Key: string) => s3.send(new HeadObjectCommand({ Bucket: "kms-target", Key }));
  const textOf = async (Key: string) =>
    (await s3.send(new GetObjectCommand({ Bucket: "kms-target", Key }))).Body?.transformToString();

  for (const kind of ["aws:kms", "aws:kms:dsse"] as const) {
    test(`${kind} to ${kind} takes kms:Decrypt at the source and kms:Encrypt alone at the destination`, async () => {
      const key = `plain ${kind}`;
      const versionId = await put(key, { ServerSideEncryption: kind, SSEKMSKeyId: sourceKey });
      const read = onKey(sourceKey, `${SOURCE}/${key}`, "Decrypt");
      const write = onKey(targetKey, `${TARGET}/${key}`, "Encrypt");
      await role.may(OBJECTS, write);
      assert.match((await rejectsWith(replicate(key, versionId), 403, "AccessDenied")).message, /kms:Decrypt/);
      await role.may(OBJECTS, read, onKey(targetKey, `${TARGET}/${key}`, "GenerateDataKey", "Decrypt"));
      assert.match((await rejectsWith(replicate(key, versionId), 403, "AccessDenied")).message, /kms:Encrypt/);
      await role.may(OBJECTS, read, onKey(targetKey, `${TARGET}/another`, "Encrypt"));
      await rejectsWith(replicate(key, versionId), 403, "AccessDenied");
      await role.may(OBJECTS, read, write);
      const head = await replicate(key, versionId);
      const replica = await replicaOf(key);
      assert.deepEqual(
        [replica.ServerSideEncryption, replica.SSEKMSKeyId, replica.BucketKeyEnabled, replica.ETag],
        [kind, targetKey, undefined, `"${head.etag}"`],
      );
      assert.equal(await textOf(key), "secret");
    });

    test(`${kind} with a bucket key is asked for under the bucket's ARN, and the replica's key is verified`, async () => {
      const key = `bucket key ${kind}`;
      const versionId = await put(key, {
        ServerSideEncryption: kind,
        SSEKMSKeyId: sourceKey,
        BucketKeyEnabled: true,
      });
      const read = onKey(sourceKey, SOURCE, "Decrypt");
      await role.may(OBJECTS, onKey(sourceKey, `${SOURCE}/${key}`, "Decrypt"), onKey(targetKey, TARGET, "*"));
      assert.match((await rejectsWith(replicate(key, versionId), 403, "AccessDenied")).message, /kms:Decrypt/);
      await role.may(OBJECTS, read, onKey(targetKey, TARGET, "Encrypt"));
      assert.match((await rejectsWith(replicate(key, versionId), 403, "AccessDenied")).message, /kms:Decrypt/);
      await role.may(OBJECTS, read, onKey(targetKey, `${TARGET}/${key}`, "Encrypt", "Decrypt"));
      assert.match((await rejectsWith(replicate(key, versionId), 403, "AccessDenied")).message, /kms:Encrypt/);
      await role.may(OBJECTS, read, onKey(targetKey, TARGET, "Encrypt", "Decrypt"));
      await replicate(key, versionId);
      const replica = await replicaOf(key);
      assert.deepEqual([replica.ServerSideEncryption, replica.BucketKeyEnabled], [kind, true]);
      assert.equal(await textOf(key), "secret");
    });

    test(`a plaintext source takes the destination's default of ${kind} with kms:GenerateDataKey`, async () => {
      const key = `old ${kind}`;
      const versionId = await put(key, {});
      await lab.admin("POST", "buckets/kms-source/plaintext", { key, versionId });
      const source = await s3.send(new HeadObjectCommand({ Bucket: "kms-source", Key: key }));
      assert.equal(source.ServerSideEncryption, undefined);
      await defaultTo(kind);
      try {
        await role.may(OBJECTS, onKey(targetKey, `${TARGET}/${key}`, "Encrypt"));
        const error = await rejectsWith(replicate(key, versionId), 403, "AccessDenied");
        assert.match(error.message, /kms:GenerateDataKey/);
        await role.may(OBJECTS, onKey(targetKey, `${TARGET}/${key}`, "GenerateDataKey"));
        await replicate(key, versionId);
        const replica = await replicaOf(key);
        assert.deepEqual([replica.ServerSideEncryption, replica.SSEKMSKeyId], [kind, targetKey]);
        const later = await put(key, {});
        await lab.admin("POST", "buckets/kms-source/plaintext", { key });
        await defaultTo(kind, true);
        await role.may(OBJECTS, onKey(targetKey, TARGET, "GenerateDataKey", "Decrypt"));
        await replicate(key, later);
        assert.equal((await replicaOf(key)).BucketKeyEnabled, true);
      } finally {
        await defaultTo("AES256");
      }
    });
  }

  test("an SSE-S3 source stays SSE-S3 whatever the destination's default is, and needs no key", async () => {
    const versionId = await put("s3", {});
    await defaultTo("aws:kms", true);
    try {
      await role.may(OBJECTS);
      await replicate("s3", versionId);
      assert.equal((await replicaOf("s3")).ServerSideEncryption, "AES256");
    } finally {
      await defaultTo("AES256");
    }
  });

  test("parts of a replica need no more than kms:Encrypt, which ordinary uploads would", async () => {
    const versionId = await put("upload", { ServerSideEncryption: "aws:kms", SSEKMSKeyId: sourceKey });
    await role.may(
      OBJECTS,
      onKey(sourceKey, `${SOURCE}/upload`, "Decrypt"),
      onKey(targetKey, `${TARGET}/upload`, "Encrypt"),
    );
    const store = await role.direct();
    const { head, body } = await store.getObject({ bucket: "kms-source", key: "upload", versionId });
    const bytes = await body.bytes();
    const { replica, ...write } = writeOf("upload", versionId, head);
    const { uploadId } = await store.createMultipartUpload({ ...write, replica });
    const upload = { bucket: "kms-target", key: "upload", uploadId };
    const part = await store.uploadPart({ ...upload, partNumber: 1, body: bytes });
    await store.completeMultipartUpload({ ...upload, parts: [part], replica });
    assert.equal(await textOf("upload"), "secret");
  });

  test("the role's writes can be told by how they encrypt", async () => {
    const versionId = await put("condition", { ServerSideEncryption: "aws:kms:dsse", SSEKMSKeyId: sourceKey });
    const only = (algorithm: string): Statement => ({
      Action: "s3:ReplicateObject",
      Condition: {
        StringEquals: {
          "s3:x-amz-server-side-encryption": algorithm,
          "s3:x-amz-server-side-encryption-aws-kms-key-id": targetKey,
        },
      },
    });
    const reads: Statement = { Action: ["s3:GetObjectVersionForReplication", "kms:*"] };
    await role.may(reads, only("aws:kms"));
    const error = await rejectsWith(replicate("condition", versionId), 403, "AccessDenied");
    assert.match(error.message, /s3:ReplicateObject/);
    await role.may(reads, only("aws:kms:dsse"));
    await replicate("condition", versionId);
  });

  test("a customer's encryption context goes to KMS with the ARN, and a replica has none", async () => {
    const context = { team: "a", "a:b": "c" };
    const SSEKMSEncryptionContext = Buffer.from(JSON.stringify(context)).toString("base64");
    const input = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: sourceKey, SSEKMSEncryptionContext } as const;
    const written = await s3.send(
      new PutObjectCommand({ Bucket: "kms-source", Key: "context", Body: "secret", ...input }),
    );
    assert.equal(written.SSEKMSEncryptionContext, SSEKMSEncryptionContext);
    const versionId = written.VersionId ?? "";
    const exactly = (value: string): Statement => {
      const { Condition, ...statement } = onKey(sourceKey, `${SOURCE}/context`, "Decrypt");
      const { StringEquals } = Condition as { StringEquals: object };
      return { ...statement, Condition: { StringEquals: { ...StringEquals, "kms:EncryptionContext:team": value } } };
    };
    const write = onKey(targetKey, `${TARGET}/context`, "Encrypt");
    await role.may(OBJECTS, exactly("b"), write);
    await rejectsWith(replicate("context", versionId), 403, "AccessDenied");
    await role.may(OBJECTS, exactly("a"), write);
    await replicate("context", versionId);
    assert.equal(await textOf("context"), "secret");
    const upload = await s3.send(new CreateMultipartUploadCommand({ Bucket: "kms-source", Key: "context", ...input }));
    assert.equal(upload.SSEKMSEncryptionContext, SSEKMSEncryptionContext);
  });

  test("an encryption context that is none, overrides S3's own, or meets no KMS is refused", async () => {
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const refusedContext = async (SSEKMSEncryptionContext: string, kind: "aws:kms" | "AES256" = "aws:kms") =>
      codeOf(put("wrong", { ServerSideEncryption: kind, SSEKMSEncryptionContext }));
    for (const text of ["", "no JSON", "[]", "null", '{"a":1}', '{"aws:s3:arn":"arn:aws:s3:::another/key"}']) {
      assert.equal(await refusedContext(base64(text)), "InvalidArgument 400", text);
    }
    assert.equal(await refusedContext(base64('{"a":"b"}'), "AES256"), "InvalidArgument 400");
    const { message } = await refused(put("wrong", { SSEKMSEncryptionContext: base64('{"a":"b"}') }));
    assert.match(message, /Base64-encoded UTF-8 string holding JSON/);
  });
});
