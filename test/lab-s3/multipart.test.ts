/** Multipart uploads and checksums, as the AWS SDK sends them. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import { checksumOf } from "../../src/s3/checksum.ts";
import { codeOf, refused, TestLab } from "./lab.ts";

const MIB = 1024 * 1024;
const ALGORITHMS = ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const;

describe("multipart uploads and checksums", () => {
  let lab: TestLab;
  let s3: S3Client;
  const Bucket = "upload-bucket";
  const part = randomBytes(5 * MIB);
  const tail = randomBytes(1234);
  before(async () => {
    lab = await TestLab.start({ onDisk: true });
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
  });
  after(() => lab.stop());

  const create = async (Key: string, more = {}) =>
    (await s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...more }))).UploadId ?? "";
  const upload = (Key: string, UploadId: string, PartNumber: number, Body: Uint8Array, more = {}) =>
    s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ...more }));
  const complete = (Key: string, UploadId: string, Parts: object[], more = {}) =>
    s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...more }));

  test("an object is its parts in order, with the etag of its parts' etags", async () => {
    const Key = "three parts";
    const UploadId = await create(Key, { Metadata: { m: "1" }, Tagging: "t=1", ContentType: "a/b" });
    const parts = [part, part, tail];
    const sent = [];
    for (const [index, body] of parts.entries()) {
      const { ETag } = await upload(Key, UploadId, index + 1, body);
      sent.push({ ETag, PartNumber: index + 1 });
    }
    const { ETag, VersionId } = await complete(Key, UploadId, sent);
    const digests = parts.map((body) => createHash("md5").update(body).digest());
    assert.equal(ETag, `"${createHash("md5").update(Buffer.concat(digests)).digest("hex")}-3"`);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
    assert.deepEqual(
      [head.Metadata, head.ContentType, head.TagCount, head.VersionId],
      [{ m: "1" }, "a/b", 1, VersionId],
    );
    assert.equal(head.ChecksumCRC64NVME, await checksumOf("CRC64NVME", Buffer.concat(parts)));
    assert.equal(head.ChecksumType, "FULL_OBJECT");
    const whole = await s3.send(new GetObjectCommand({ Bucket, Key }));
    assert.deepEqual(Buffer.from((await whole.Body?.transformToByteArray()) ?? []), Buffer.concat(parts));
    const second = await s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 3 }));
    assert.deepEqual(Buffer.from((await second.Body?.transformToByteArray()) ?? []), tail);
    assert.deepEqual([second.PartsCount, second.ContentLength], [3, tail.length]);
    const across = await s3.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=${5 * MIB - 2}-${5 * MIB + 1}` }));
    const joined = Buffer.concat(parts).subarray(5 * MIB - 2, 5 * MIB + 2);
    assert.deepEqual(Buffer.from((await across.Body?.transformToByteArray()) ?? []), joined);
    const attributes = await s3.send(
      new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ["ObjectParts"] }),
    );
    assert.deepEqual(
      [attributes.ObjectParts?.TotalPartsCount, attributes.ObjectParts?.Parts?.[2]?.Size],
      [3, tail.length],
    );
    assert.equal(await codeOf(complete(Key, UploadId, sent)), "NoSuchUpload 404");
  });

  test("a part can be uploaded again, and parts that are not named are gone", async () => {
    const Key = "again";
    const UploadId = await create(Key);
    await upload(Key, UploadId, 1, part);
    await upload(Key, UploadId, 9, part);
    const { ETag } = await upload(Key, UploadId, 1, tail);
    const listed = await s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    assert.deepEqual(
      listed.Parts?.map((one) => [one.PartNumber, one.Size]),
      [
        [1, tail.length],
        [9, part.length],
      ],
    );
    await complete(Key, UploadId, [{ ETag, PartNumber: 1 }]);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key }));
    assert.equal(head.ContentLength, tail.length);
  });

  test("what does not make an object is refused by name", async () => {
    const Key = "refused";
    const UploadId = await create(Key);
    const small = await upload(Key, UploadId, 1, tail);
    const last = await upload(Key, UploadId, 2, tail);
    const first = { ETag: small.ETag, PartNumber: 1 };
    const second = { ETag: last.ETag, PartNumber: 2 };
    assert.equal(await codeOf(complete(Key, UploadId, [first, second])), "EntityTooSmall 400");
    assert.equal(await codeOf(complete(Key, UploadId, [second, first])), "InvalidPartOrder 400");
    assert.equal(await codeOf(complete(Key, UploadId, [{ ETag: '"0"', PartNumber: 1 }])), "InvalidPart 400");
    assert.equal(await codeOf(complete(Key, UploadId, [{ ETag: small.ETag, PartNumber: 3 }])), "InvalidPart 400");
    assert.equal(await codeOf(complete(Key, "no such upload", [first])), "NoSuchUpload 404");
    assert.equal(await codeOf(upload(Key, UploadId, 10_001, tail)), "InvalidArgument 400");
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: "there" }));
    const onlyIfAbsent = { IfNoneMatch: "*" };
    assert.equal(await codeOf(complete(Key, UploadId, [first], onlyIfAbsent)), "PreconditionFailed 412");
    await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    assert.equal(await codeOf(upload(Key, UploadId, 1, tail)), "NoSuchUpload 404");
  });

  test("uploads are listed by key and start until they end", async () => {
    const keys = ["list/a", "list/b", "list/b", "list/c/d", "list/c/e"];
    const ids = [];
    for (const key of keys) ids.push(await create(key));
    const found: string[] = [];
    let next: { KeyMarker?: string; UploadIdMarker?: string } = {};
    for (let pages = 0; pages < 6; pages++) {
      const page = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: "list/", MaxUploads: 2, ...next }));
      found.push(...(page.Uploads ?? []).map((one) => one.UploadId ?? ""));
      if (page.IsTruncated !== true) break;
      next = { KeyMarker: page.NextKeyMarker ?? "", UploadIdMarker: page.NextUploadIdMarker ?? "" };
    }
    assert.deepEqual(found, ids);
    const rolled = await s3.send(new ListMultipartUploadsCommand({ Bucket, Prefix: "list/", Delimiter: "/" }));
    assert.deepEqual([rolled.Uploads?.length, rolled.CommonPrefixes], [3, [{ Prefix: "list/c/" }]]);
    for (const [index, Key] of keys.entries()) {
      await s3.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: ids[index] ?? "" }));
    }
  });

  test("parts can be copied from ranges of other objects", async () => {
    const Key = "of copies";
    await s3.send(new PutObjectCommand({ Bucket, Key: "source", Body: part }));
    const UploadId = await create(Key);
    const CopySource = `${Bucket}/source`;
    const one = await s3.send(new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber: 1, CopySource }));
    const ranged = new UploadPartCopyCommand({
      Bucket,
      Key,
      UploadId,
      PartNumber: 2,
      CopySource,
      CopySourceRange: "bytes=10-19",
    });
    const two = await s3.send(ranged);
    const beyond = new UploadPartCopyCommand({
      Bucket,
      Key,
      UploadId,
      PartNumber: 3,
      CopySource,
      CopySourceRange: `bytes=0-${part.length}`,
    });
    assert.equal(await codeOf(s3.send(beyond)), "InvalidArgument 400");
    await complete(Key, UploadId, [
      { ETag: one.CopyPartResult?.ETag, PartNumber: 1 },
      { ETag: two.CopyPartResult?.ETag, PartNumber: 2 },
    ]);
    const whole = await s3.send(new GetObjectCommand({ Bucket, Key }));
    assert.deepEqual(
      Buffer.from((await whole.Body?.transformToByteArray()) ?? []),
      Buffer.concat([part, part.subarray(10, 20)]),
    );
  });

  for (const algorithm of ALGORITHMS) {
    test(`${algorithm} is verified, kept and given back, for whole objects and for parts`, async () => {
      const Key = `checksum/${algorithm}`;
      const value = await checksumOf(algorithm, tail);
      const name = `Checksum${algorithm}` as const;
      const put = await s3.send(new PutObjectCommand({ Bucket, Key, Body: tail, ChecksumAlgorithm: algorithm }));
      assert.equal(put[name], value);
      const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
      assert.equal(head[name], value);
      const wrong = await checksumOf(algorithm, part);
      assert.equal(
        await codeOf(s3.send(new PutObjectCommand({ Bucket, Key, Body: tail, [name]: wrong }))),
        "BadDigest 400",
      );

      const UploadId = await create(Key, { ChecksumAlgorithm: algorithm });
      const sent = [];
      for (const [index, body] of [part, tail].entries()) {
        const answer = await upload(Key, UploadId, index + 1, body, { ChecksumAlgorithm: algorithm });
        assert.equal(answer[name], await checksumOf(algorithm, body));
        sent.push({ ETag: answer.ETag, PartNumber: index + 1, [name]: answer[name] });
      }
      const done = await complete(Key, UploadId, sent);
      if (algorithm === "CRC64NVME") {
        assert.equal(done.ChecksumType, "FULL_OBJECT");
        assert.equal(done[name], await checksumOf(algorithm, Buffer.concat([part, tail])));
      } else {
        assert.equal(done.ChecksumType, "COMPOSITE");
        assert.match(done[name] ?? "", /-2$/);
      }
    });
  }

  test("a full-object checksum follows from the parts' CRCs and is compared with the client's", async () => {
    const Key = "full";
    const UploadId = await create(Key, { ChecksumAlgorithm: "CRC32", ChecksumType: "FULL_OBJECT" });
    const sent = [];
    for (const [index, body] of [part, tail].entries()) {
      const answer = await upload(Key, UploadId, index + 1, body);
      sent.push({ ETag: answer.ETag, PartNumber: index + 1, ChecksumCRC32: answer.ChecksumCRC32 });
    }
    const right = await checksumOf("CRC32", Buffer.concat([part, tail]));
    const wrong = await checksumOf("CRC32", tail);
    assert.equal(
      await codeOf(complete(Key, UploadId, sent, { ChecksumCRC32: wrong, ChecksumType: "FULL_OBJECT" })),
      "BadDigest 400",
    );
    const done = await complete(Key, UploadId, sent, { ChecksumCRC32: right, ChecksumType: "FULL_OBJECT" });
    assert.equal(done.ChecksumCRC32, right);
    const sha = new CreateMultipartUploadCommand({
      Bucket,
      Key,
      ChecksumAlgorithm: "SHA256",
      ChecksumType: "FULL_OBJECT",
    });
    assert.equal(await codeOf(s3.send(sha)), "InvalidRequest 400");
  });

  test("streams come with a trailing checksum, and without a checksum S3 computes CRC64NVME", async () => {
    const stream = Readable.from([part.subarray(0, 100_000), part.subarray(100_000, 300_000)]);
    const Key = "streamed";
    await s3.send(
      new PutObjectCommand({ Bucket, Key, Body: stream, ContentLength: 300_000, ChecksumAlgorithm: "SHA256" }),
    );
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
    assert.equal(head.ChecksumSHA256, await checksumOf("SHA256", part.subarray(0, 300_000)));
    assert.equal(head.ContentEncoding, undefined);
    const plain = lab.s3(lab.alice, { requestChecksumCalculation: "WHEN_REQUIRED" });
    await plain.send(new PutObjectCommand({ Bucket, Key, Body: tail }));
    const computed = await s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
    assert.equal(computed.ChecksumCRC64NVME, await checksumOf("CRC64NVME", tail));
    const wrongMd5 = new PutObjectCommand({ Bucket, Key, Body: tail, ContentMD5: await checksumOf("MD5", part) });
    assert.equal((await refused(plain.send(wrongMd5))).code, "BadDigest");
    const noMd5 = new PutObjectCommand({ Bucket, Key, Body: tail, ContentMD5: "short" });
    assert.equal((await refused(plain.send(noMd5))).code, "InvalidDigest");
  });
});
