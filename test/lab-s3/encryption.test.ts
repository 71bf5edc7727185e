/** Encryption at rest: what it does to etags, who may read, what is on the disk, and what KMS says no to. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { CreateAliasCommand, CreateKeyCommand, DisableKeyCommand, EnableKeyCommand } from "@aws-sdk/client-kms";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { codeOf, refused, TestLab } from "./lab.ts";

describe("encryption at rest", () => {
  let lab: TestLab;
  let s3: S3Client;
  let keyArn: string;
  const Bucket = "secret-bucket";
  before(async () => {
    lab = await TestLab.start({ onDisk: true });
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
    await s3.send(blocking("NONE"));
    const { KeyMetadata } = await lab.kms().send(new CreateKeyCommand({}));
    keyArn = KeyMetadata?.Arn ?? "";
    await lab.kms().send(new CreateAliasCommand({ AliasName: "alias/photos", TargetKeyId: keyArn }));
  });
  after(() => lab.stop());

  const blocking = (kind: "SSE-C" | "NONE") => {
    const BlockedEncryptionTypes = { EncryptionType: [kind] };
    return new PutBucketEncryptionCommand({
      Bucket,
      ServerSideEncryptionConfiguration: { Rules: [{ BlockedEncryptionTypes }] },
    });
  };
  const put = (Key: string, Body: string | Uint8Array, more = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const read = async (Key: string, more = {}, by = s3) =>
    (await by.send(new GetObjectCommand({ Bucket, Key, ...more }))).Body?.transformToString();
  const KMS = { ServerSideEncryption: "aws:kms" } as const;

  let users = 0;
  async function user(...Statement: object[]): Promise<S3Client> {
    const UserName = `reader-${++users}`;
    const iam = lab.iam();
    await iam.send(new CreateUserCommand({ UserName }));
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    return lab.s3({ accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" });
  }
  const objects = { Effect: "Allow", Action: ["s3:GetObject", "s3:PutObject"], Resource: `arn:aws:s3:::${Bucket}/*` };
  const keys = (Action: string[], Condition = {}) => ({ Effect: "Allow", Action, Resource: keyArn, Condition });

  test("nothing of a body is readable in the data directory, small or large", async () => {
    const marker = "a very recognisable sentence; ".repeat(8);
    await put("small", marker);
    await put("large", marker.repeat(1000));
    const files = readdirSync(lab.directory ?? "", { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    assert.ok(files.length > 2);
    for (const bytes of files) assert.equal(bytes.includes("very recognisable"), false);
    assert.equal(await read("small"), marker);
    assert.equal(await read("large"), marker.repeat(1000));
  });

  test("a KMS object names its key, has an etag that is no MD5, and is read with kms:Decrypt only", async () => {
    const written = await put("kms", "hello", { ...KMS, SSEKMSKeyId: "alias/photos" });
    assert.equal(written.SSEKMSKeyId, keyArn);
    assert.notEqual(written.ETag, `"${createHash("md5").update("hello").digest("hex")}"`);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "kms" }));
    assert.deepEqual(
      [head.ServerSideEncryption, head.SSEKMSKeyId, head.BucketKeyEnabled],
      ["aws:kms", keyArn, undefined],
    );
    assert.equal(await read("kms"), "hello");
    const without = await user(objects);
    const { code, message } = await refused(read("kms", {}, without));
    assert.equal(code, "AccessDenied");
    assert.match(message, /is not authorized to perform: kms:Decrypt/);
    await without.send(new HeadObjectCommand({ Bucket, Key: "kms" }));
    const via = {
      StringEquals: {
        "kms:ViaService": "s3.us-east-1.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": `arn:aws:s3:::${Bucket}/kms`,
      },
    };
    assert.equal(await read("kms", {}, await user(objects, keys(["kms:Decrypt"], via))), "hello");
  });

  test("with a bucket key the encryption context is the bucket's ARN", async () => {
    await put("bucket-key", "x", { ...KMS, SSEKMSKeyId: keyArn, BucketKeyEnabled: true });
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "bucket-key" }));
    assert.equal(head.BucketKeyEnabled, true);
    const context = (arn: string) => ({ StringEquals: { "kms:EncryptionContext:aws:s3:arn": arn } });
    const ofObject = await user(objects, keys(["kms:Decrypt"], context(`arn:aws:s3:::${Bucket}/bucket-key`)));
    assert.equal(await codeOf(read("bucket-key", {}, ofObject)), "AccessDenied 403");
    const ofBucket = await user(objects, keys(["kms:Decrypt"], context(`arn:aws:s3:::${Bucket}`)));
    assert.equal(await read("bucket-key", {}, ofBucket), "x");
  });

  test("writing needs kms:GenerateDataKey, and parts need kms:Decrypt too", async () => {
    const Key = "upload";
    const input = { Bucket, Key, ...KMS, SSEKMSKeyId: keyArn };
    const reader = await user(objects, keys(["kms:Decrypt"]));
    assert.match(
      (await refused(reader.send(new PutObjectCommand({ ...input, Body: "x" })))).message,
      /kms:GenerateDataKey/,
    );
    const writer = await user(objects, keys(["kms:GenerateDataKey"]));
    await writer.send(new PutObjectCommand({ ...input, Body: "x" }));
    const { UploadId } = await writer.send(new CreateMultipartUploadCommand(input));
    const part = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "x" });
    assert.match((await refused(writer.send(part))).message, /kms:Decrypt/);
    const { ETag } = await s3.send(part);
    await s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
      }),
    );
    assert.equal(await read(Key), "x");
  });

  test("a key that cannot be used is a 400 of KMS, not a 403", async () => {
    await put("state", "x", { ...KMS, SSEKMSKeyId: keyArn });
    await lab.kms().send(new DisableKeyCommand({ KeyId: keyArn }));
    assert.equal(await codeOf(read("state")), "KMS.DisabledException 400");
    assert.equal(await codeOf(put("state", "y", { ...KMS, SSEKMSKeyId: keyArn })), "KMS.DisabledException 400");
    await lab.kms().send(new EnableKeyCommand({ KeyId: keyArn }));
    assert.equal(await read("state"), "x");
    const absent = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000";
    assert.equal(await codeOf(put("state", "y", { ...KMS, SSEKMSKeyId: absent })), "KMS.NotFoundException 400");
  });

  test("the bucket's default is used when the request says nothing, and AWS's own key when it names none", async () => {
    const name = await lab.bucket("default-kms-bucket");
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: keyArn },
      BucketKeyEnabled: true,
    };
    await s3.send(
      new PutBucketEncryptionCommand({ Bucket: name, ServerSideEncryptionConfiguration: { Rules: [rule] } }),
    );
    const written = await s3.send(new PutObjectCommand({ Bucket: name, Key: "k", Body: "x" }));
    assert.deepEqual([written.SSEKMSKeyId, written.BucketKeyEnabled], [keyArn, true]);
    const plain = await s3.send(
      new PutObjectCommand({ Bucket: name, Key: "k", Body: "x", ServerSideEncryption: "AES256" }),
    );
    assert.deepEqual([plain.ServerSideEncryption, plain.SSEKMSKeyId], ["AES256", undefined]);
    const managed = await put("managed", "x", KMS);
    assert.match(managed.SSEKMSKeyId ?? "", /^arn:aws:kms:us-east-1:111122223333:key\//);
    assert.notEqual(managed.SSEKMSKeyId, keyArn);
  });

  test("a customer's key is needed to read what it encrypted, and only its MD5 is kept", async () => {
    const key = randomBytes(32);
    const SSECustomer = (bytes: Buffer) => ({
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: bytes.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(bytes).digest("base64"),
    });
    await put("customer", "mine", SSECustomer(key));
    assert.equal(await read("customer", SSECustomer(key)), "mine");
    assert.equal(await codeOf(read("customer")), "InvalidRequest 400");
    assert.equal(await codeOf(read("customer", SSECustomer(randomBytes(32)))), "AccessDenied 403");
    assert.equal(await codeOf(read("managed", SSECustomer(key))), "InvalidRequest 400");
    const { SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 } = SSECustomer(key);
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: "customer copy",
        CopySource: `${Bucket}/customer`,
        CopySourceSSECustomerAlgorithm: SSECustomerAlgorithm,
        CopySourceSSECustomerKey: SSECustomerKey,
        CopySourceSSECustomerKeyMD5: SSECustomerKeyMD5,
      }),
    );
    assert.equal(await read("customer copy"), "mine");
    await s3.send(blocking("SSE-C"));
    const { code, message } = await refused(put("customer", "x", SSECustomer(key)));
    assert.equal(code, "AccessDenied");
    assert.match(message, /blocked upload requests that specify Server Side Encryption with Customer provided keys/);
  });
});
