/** Bytes that were found and then not sent are let go: a version that is deleted afterwards leaves no file behind. */
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { CreateKeyCommand, DisableKeyCommand } from "@aws-sdk/client-kms";
import {
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { codeOf, TestLab } from "./lab.ts";

const Bucket = "let-go";
/** Reads of a directory after which a file that is there will stay. */
const LOOKS_MAX = 500;

describe("bytes that were found", () => {
  let lab: TestLab;
  let s3: S3Client;
  let key: string;
  before(async () => {
    lab = await TestLab.start({ onDisk: true });
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
    key = (await lab.kms().send(new CreateKeyCommand({}))).KeyMetadata?.Arn ?? "";
  });
  after(() => lab.stop());

  async function files(): Promise<readonly string[]> {
    const names = await readdir(join(lab.directory ?? "", "blobs"), { recursive: true, withFileTypes: true });
    return names.filter((one) => one.isFile()).map((one) => one.name);
  }
  async function assertGone(): Promise<void> {
    for (let look = 0; look < LOOKS_MAX && (await files()).length > 0; look++);
    assert.deepEqual(await files(), []);
  }
  const source = async (): Promise<{ readonly Key: string; readonly VersionId: string }> => {
    const Body = Buffer.alloc(300_000, "x");
    const { VersionId = "" } = await s3.send(new PutObjectCommand({ Bucket, Key: "large", Body }));
    assert.equal((await files()).length, 1);
    return { Key: "large", VersionId };
  };
  const forKms = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: "11111111-2222-3333-4444-555555555555" } as const;

  test("are let go when a copy of them cannot be encrypted", async () => {
    const ref = await source();
    const copy = new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/large`, ...forKms });
    assert.equal(await codeOf(s3.send(copy)), "KMS.NotFoundException 400");
    await s3.send(new DeleteObjectCommand({ Bucket, ...ref }));
    await assertGone();
  });

  test("are let go when a part of them cannot be encrypted", async () => {
    const ref = await source();
    const kms = { ServerSideEncryption: "aws:kms", SSEKMSKeyId: key } as const;
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "copy", ...kms }));
    await lab.kms().send(new DisableKeyCommand({ KeyId: key }));
    const part = { Bucket, Key: "copy", UploadId, PartNumber: 1, CopySource: `${Bucket}/large` };
    assert.equal(await codeOf(s3.send(new UploadPartCopyCommand(part))), "KMS.DisabledException 400");
    await s3.send(new DeleteObjectCommand({ Bucket, ...ref }));
    await assertGone();
  });

  test("are let go when a read of them asks for headers that cannot be", async () => {
    const ref = await source();
    const read = new GetObjectCommand({ Bucket, ...ref, ResponseContentType: "text/\u0001" });
    assert.equal(await codeOf(s3.send(read)), "InvalidArgument 400");
    await s3.send(new DeleteObjectCommand({ Bucket, ...ref }));
    await assertGone();
  });
});
