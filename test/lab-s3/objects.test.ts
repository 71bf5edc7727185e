/** Objects as the AWS SDK sees them: writes, reads, ranges, conditions, versions, markers, tags. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { codeOf, refused, TestLab } from "./lab.ts";

describe("objects", () => {
  let lab: TestLab;
  let s3: S3Client;
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await lab.bucket("plain-bucket");
    await lab.bucket("versioned-bucket", { versioned: true });
  });
  after(() => lab.stop());

  const put = (Bucket: string, Key: string, Body: string | Uint8Array, more = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const read = async (Bucket: string, Key: string, more = {}) => {
    const answer = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
    return (await answer.Body?.transformToString()) ?? "";
  };

  test("what is put comes back with its headers, metadata, tags and etag", async () => {
    const metadata = { plain: "text", umlaut: "grün ✓" };
    const written = await put("plain-bucket", "dir/a b+c ü✓.txt", "hello", {
      ContentType: "text/plain; charset=utf-8",
      CacheControl: "max-age=60",
      ContentDisposition: 'attachment; filename="x"',
      ContentEncoding: "gzip",
      ContentLanguage: "de",
      Metadata: { plain: "text", umlaut: `=?UTF-8?B?${Buffer.from(metadata.umlaut).toString("base64")}?=` },
      Tagging: "a=1&b=x%20y",
      StorageClass: "STANDARD_IA",
    });
    assert.equal(written.ETag, '"5d41402abc4b2a76b9719d911017c592"');
    assert.equal(written.ServerSideEncryption, "AES256");
    assert.equal(written.VersionId, undefined);
    const head = await s3.send(new HeadObjectCommand({ Bucket: "plain-bucket", Key: "dir/a b+c ü✓.txt" }));
    assert.equal(head.ContentType, "text/plain; charset=utf-8");
    assert.equal(head.CacheControl, "max-age=60");
    assert.equal(head.ContentDisposition, 'attachment; filename="x"');
    assert.equal(head.ContentEncoding, "gzip");
    assert.equal(head.ContentLanguage, "de");
    assert.equal(head.Metadata?.["plain"], "text");
    assert.equal(head.Metadata?.["umlaut"], `=?UTF-8?B?${Buffer.from(metadata.umlaut).toString("base64")}?=`);
    assert.equal(head.StorageClass, "STANDARD_IA");
    assert.equal(head.TagCount, 2);
    assert.equal(head.ContentLength, 5);
    assert.equal(head.ReplicationStatus, undefined);
    const tags = await s3.send(new GetObjectTaggingCommand({ Bucket: "plain-bucket", Key: "dir/a b+c ü✓.txt" }));
    assert.deepEqual(tags.TagSet, [
      { Key: "a", Value: "1" },
      { Key: "b", Value: "x y" },
    ]);
  });

  test("an empty object is read as empty, and no range of it can be", async () => {
    await put("plain-bucket", "empty", "");
    assert.equal(await read("plain-bucket", "empty"), "");
    assert.equal(await codeOf(read("plain-bucket", "empty", { Range: "bytes=0-0" })), "InvalidRange 416");
  });

  test("ranges are cut out of small and large bodies at every border of a frame", async () => {
    const size = 3 * 65_536 + 17;
    const bytes = Buffer.alloc(size);
    for (let index = 0; index < size; index++) bytes[index] = (index * 7 + (index >> 8)) & 0xff;
    for (const [key, length] of [
      ["small", 70_000],
      ["large", size],
    ] as const) {
      await put("plain-bucket", key, bytes.subarray(0, length));
      for (const [first, last] of [
        [0, 0],
        [65_535, 65_536],
        [65_536, 65_536],
        [1, length - 2],
        [length - 1, length + 50],
      ] as const) {
        const answer = await s3.send(
          new GetObjectCommand({ Bucket: "plain-bucket", Key: key, Range: `bytes=${first}-${last}` }),
        );
        const end = Math.min(last, length - 1);
        assert.equal(answer.ContentRange, `bytes ${first}-${end}/${length}`);
        assert.deepEqual(
          Buffer.from((await answer.Body?.transformToByteArray()) ?? []),
          bytes.subarray(first, end + 1),
          `${key} ${first}-${last}`,
        );
      }
      assert.equal((await read("plain-bucket", key, { Range: "bytes=-5" })).length, 5);
      assert.equal((await read("plain-bucket", key, { Range: "lines=1-2" })).length > 5, true);
    }
  });

  test("conditions of reads answer 304 and 412", async () => {
    const { ETag = "" } = await put("plain-bucket", "condition", "x");
    assert.equal(await codeOf(read("plain-bucket", "condition", { IfMatch: '"other"' })), "PreconditionFailed 412");
    assert.equal((await refused(read("plain-bucket", "condition", { IfNoneMatch: ETag }))).status, 304);
    const soon = new Date(Date.now() + 3_600_000);
    assert.equal((await refused(read("plain-bucket", "condition", { IfModifiedSince: soon }))).status, 304);
    assert.equal(await read("plain-bucket", "condition", { IfMatch: ETag, IfUnmodifiedSince: new Date(0) }), "x");
  });

  test("If-None-Match and If-Match decide a write by what is there when it is committed", async () => {
    await put("plain-bucket", "once", "1", { IfNoneMatch: "*" });
    assert.equal(await codeOf(put("plain-bucket", "once", "2", { IfNoneMatch: "*" })), "PreconditionFailed 412");
    assert.equal(await codeOf(put("plain-bucket", "absent", "2", { IfMatch: '"x"' })), "NoSuchKey 404");
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => put("plain-bucket", "race", String(index), { IfNoneMatch: "*" })),
    );
    assert.equal(outcomes.filter((one) => one.status === "fulfilled").length, 1);
  });

  test("every write of a versioned bucket is a version, and a delete is a marker", async () => {
    const Bucket = "versioned-bucket";
    const first = await put(Bucket, "key", "one");
    const second = await put(Bucket, "key", "two");
    assert.match(first.VersionId ?? "", /^[A-Za-z0-9._]{32}$/);
    assert.notEqual(first.VersionId, second.VersionId);
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: "key" }));
    assert.equal(marker.DeleteMarker, true);
    const gone = await refused(read(Bucket, "key"));
    assert.equal(`${gone.code} ${gone.status} ${gone.headers["x-amz-delete-marker"]}`, "NoSuchKey 404 true");
    const ofMarker = await refused(s3.send(new HeadObjectCommand({ Bucket, Key: "key", VersionId: marker.VersionId })));
    assert.equal(ofMarker.status, 405);
    assert.equal(ofMarker.headers["x-amz-delete-marker"], "true");
    assert.equal(ofMarker.headers["x-amz-version-id"], marker.VersionId);
    assert.equal(await read(Bucket, "key", { VersionId: first.VersionId }), "one");
    const listed = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: "key" }));
    assert.deepEqual(
      listed.Versions?.map((one) => [one.VersionId, one.IsLatest]),
      [
        [second.VersionId, false],
        [first.VersionId, false],
      ],
    );
    assert.deepEqual(
      listed.DeleteMarkers?.map((one) => [one.VersionId, one.IsLatest]),
      [[marker.VersionId, true]],
    );
    const undone = await s3.send(new DeleteObjectCommand({ Bucket, Key: "key", VersionId: marker.VersionId }));
    assert.equal(undone.DeleteMarker, true);
    assert.equal(await read(Bucket, "key"), "two");
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "key", VersionId: second.VersionId }));
    assert.equal(await read(Bucket, "key"), "one");
    assert.equal(await codeOf(read(Bucket, "key", { VersionId: second.VersionId })), "NoSuchVersion 404");
    assert.equal(await codeOf(read(Bucket, "key", { VersionId: "x".repeat(1025) })), "InvalidArgument 400");
  });

  test("a suspended bucket keeps one null version beside those that have ids", async () => {
    const Bucket = await lab.bucket("suspended-bucket");
    await put(Bucket, "key", "before versioning");
    const status = (Status: "Enabled" | "Suspended") =>
      s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
    await status("Enabled");
    const version = await put(Bucket, "key", "with id");
    assert.equal(await read(Bucket, "key", { VersionId: "null" }), "before versioning");
    await status("Suspended");
    const suspended = await put(Bucket, "key", "null again");
    assert.equal(suspended.VersionId, "null");
    const ids = async () =>
      (await s3.send(new ListObjectVersionsCommand({ Bucket }))).Versions?.map((one) => one.VersionId);
    assert.deepEqual(await ids(), ["null", version.VersionId]);
    assert.equal(await read(Bucket, "key", { VersionId: "null" }), "null again");
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: "key" }));
    assert.deepEqual([marker.DeleteMarker, marker.VersionId], [true, "null"]);
    assert.deepEqual(await ids(), [version.VersionId]);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "key", VersionId: "null" }));
    assert.equal(await read(Bucket, "key"), "with id");
  });

  test("DeleteObjects deletes each key for itself and says what became of it", async () => {
    const Bucket = "versioned-bucket";
    const { VersionId } = await put(Bucket, "many/1", "x");
    await put(Bucket, "many/2", "x");
    const answer = await s3.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [{ Key: "many/1", VersionId }, { Key: "many/2" }, { Key: "many/absent" }] },
      }),
    );
    assert.deepEqual(answer.Errors, undefined);
    assert.deepEqual(
      answer.Deleted?.map((one) => [one.Key, one.VersionId, one.DeleteMarker]),
      [
        ["many/1", VersionId, undefined],
        ["many/2", undefined, true],
        ["many/absent", undefined, true],
      ],
    );
    const quiet = await s3.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Quiet: true, Objects: [{ Key: "many/2" }] } }),
    );
    assert.equal(quiet.Deleted, undefined);
  });

  test("copies take or replace metadata and tags, and a copy onto itself has to change something", async () => {
    const Bucket = "versioned-bucket";
    const source = await put(Bucket, "from", "content", { Metadata: { a: "1" }, Tagging: "t=1", ContentType: "a/b" });
    const CopySource = `${Bucket}/from?versionId=${encodeURIComponent(source.VersionId ?? "")}`;
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: "to", CopySource }));
    assert.equal(copied.CopyObjectResult?.ETag, source.ETag);
    assert.equal(copied.CopySourceVersionId, source.VersionId);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "to" }));
    assert.deepEqual([head.Metadata, head.ContentType, head.TagCount], [{ a: "1" }, "a/b", 1]);
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key: "to",
        CopySource,
        MetadataDirective: "REPLACE",
        TaggingDirective: "REPLACE",
        Metadata: { b: "2" },
        Tagging: "u=2",
      }),
    );
    const replaced = await s3.send(new HeadObjectCommand({ Bucket, Key: "to" }));
    assert.deepEqual(replaced.Metadata, { b: "2" });
    const tags = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: "to" }));
    assert.deepEqual(tags.TagSet, [{ Key: "u", Value: "2" }]);
    const itself = new CopyObjectCommand({ Bucket, Key: "to", CopySource: `${Bucket}/to` });
    assert.equal(await codeOf(s3.send(itself)), "InvalidRequest 400");
    const wrong = new CopyObjectCommand({ Bucket, Key: "x", CopySource, CopySourceIfMatch: '"no"' });
    assert.equal(await codeOf(s3.send(wrong)), "PreconditionFailed 412");
    const absent = new CopyObjectCommand({ Bucket, Key: "x", CopySource: `${Bucket}/absent` });
    assert.equal(await codeOf(s3.send(absent)), "NoSuchKey 404");
  });

  test("tags are replaced and removed per version, within S3's limits", async () => {
    const Bucket = "versioned-bucket";
    const { VersionId } = await put(Bucket, "tagged", "x", { Tagging: "a=1" });
    await put(Bucket, "tagged", "y");
    const set = (TagSet: { Key: string; Value: string }[], more = {}) =>
      s3.send(new PutObjectTaggingCommand({ Bucket, Key: "tagged", Tagging: { TagSet }, ...more }));
    await set([{ Key: "b", Value: "2" }], { VersionId });
    const of = async (more = {}) =>
      (await s3.send(new GetObjectTaggingCommand({ Bucket, Key: "tagged", ...more }))).TagSet;
    assert.deepEqual(await of({ VersionId }), [{ Key: "b", Value: "2" }]);
    assert.deepEqual(await of(), []);
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: "tagged", VersionId }));
    assert.deepEqual(await of({ VersionId }), []);
    const many = Array.from({ length: 11 }, (_, index) => ({ Key: `k${index}`, Value: "" }));
    assert.equal(await codeOf(set(many)), "BadRequest 400");
    const twice = [
      { Key: "a", Value: "1" },
      { Key: "a", Value: "2" },
    ];
    assert.equal(await codeOf(set(twice)), "InvalidTag 400");
    assert.equal(await codeOf(set([{ Key: "k".repeat(129), Value: "" }])), "InvalidTag 400");
    assert.equal(await codeOf(set([{ Key: "aws:x", Value: "" }])), "InvalidTag 400");
  });

  test("a version's ACL is its owner's, and other ACLs are refused", async () => {
    const Bucket = "plain-bucket";
    await put(Bucket, "acl", "x", { ACL: "bucket-owner-full-control" });
    const acl = await s3.send(new GetObjectAclCommand({ Bucket, Key: "acl" }));
    assert.match(acl.Owner?.ID ?? "", /^[0-9a-f]{64}$/);
    assert.deepEqual(
      acl.Grants?.map((one) => [one.Grantee?.ID, one.Grantee?.Type, one.Permission]),
      [[acl.Owner?.ID, "CanonicalUser", "FULL_CONTROL"]],
    );
    // By the bucket's own account this says what holds anyway.
    await put(Bucket, "acl", "x", { ACL: "private" });
    const refusedAcl = "AccessControlListNotSupported 400";
    const unchanged = new PutObjectAclCommand({ Bucket, Key: "acl", ACL: "private" });
    assert.equal(await codeOf(s3.send(unchanged)), refusedAcl);
    assert.equal(await codeOf(put(Bucket, "acl", "x", { ACL: "public-read" })), refusedAcl);
    const publicRead = new PutObjectAclCommand({ Bucket, Key: "acl", ACL: "public-read" });
    assert.equal(await codeOf(s3.send(publicRead)), refusedAcl);
  });

  test("attributes, overrides and limits are those of S3", async () => {
    const Bucket = "plain-bucket";
    await put(Bucket, "attributes", "hello");
    const attributes = await s3.send(
      new GetObjectAttributesCommand({
        Bucket,
        Key: "attributes",
        ObjectAttributes: ["ETag", "ObjectSize", "StorageClass"],
      }),
    );
    assert.deepEqual(
      [attributes.ETag, attributes.ObjectSize, attributes.StorageClass],
      ["5d41402abc4b2a76b9719d911017c592", 5, "STANDARD"],
    );
    const overridden = await s3.send(
      new GetObjectCommand({ Bucket, Key: "attributes", ResponseContentType: "x/y", ResponseCacheControl: "no-store" }),
    );
    await overridden.Body?.transformToString();
    assert.deepEqual([overridden.ContentType, overridden.CacheControl], ["x/y", "no-store"]);
    assert.equal(await codeOf(put(Bucket, "k".repeat(1025), "x")), "KeyTooLongError 400");
    await put(Bucket, "k".repeat(1024), "x");
    assert.equal(await codeOf(put(Bucket, "m", "x", { Metadata: { m: "v".repeat(2048) } })), "MetadataTooLarge 400");
    assert.equal(await codeOf(put(Bucket, "m", "x", { StorageClass: "COLD" })), "InvalidStorageClass 400");
    await put(Bucket, "archived", "x", { StorageClass: "GLACIER" });
    assert.equal(await codeOf(read(Bucket, "archived")), "InvalidObjectState 403");
    assert.equal(await codeOf(read("no-such-bucket", "x")), "NoSuchBucket 404");
  });
});
