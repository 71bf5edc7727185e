/** Listings against a naive model: pages of any size, with any prefix, delimiter and marker, hold the same entries. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  DeleteObjectCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import * as fc from "fast-check";
import { codeOf, TestLab } from "./lab.ts";

const KEYS = [
  "a",
  "a/",
  "a/b",
  "a/b/c",
  "a/b/d",
  "a/\u{10ffff}",
  "a/\u{10ffff}x/y",
  "a0",
  "ab/c",
  "b//c",
  "b/ü/1",
  "b/ü/2",
  "b/ﬁ",
  "b/😀",
  "c d+e",
  "z/",
];

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What S3 says a whole listing holds, in order. */
function expected(prefix: string, delimiter: string, after: string): string[] {
  const entries = new Set<string>();
  for (const key of [...KEYS].sort(byBytes)) {
    if (!key.startsWith(prefix)) continue;
    const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
    const entry = end < 0 ? key : key.slice(0, end + delimiter.length);
    if (byBytes(key, after) > 0 && entry !== after) entries.add(entry);
  }
  return [...entries];
}

describe("listings", () => {
  let lab: TestLab;
  let s3: S3Client;
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await lab.bucket("list-bucket", { versioned: true });
    const shuffled = [...KEYS].sort((a, b) => a.length - b.length);
    for (const Key of shuffled) await s3.send(new PutObjectCommand({ Bucket: "list-bucket", Key, Body: Key }));
    // Keys that are deleted are in no listing of objects.
    await s3.send(new DeleteObjectCommand({ Bucket: "list-bucket", Key: "a/b/deleted" }));
  });
  after(() => lab.stop());

  const listing = fc.record({
    prefix: fc.constantFrom("", "a", "a/", "a/b", "b/", "b/ü/", "x"),
    delimiter: fc.constantFrom("", "/", "b", "ü/"),
    after: fc.constantFrom("", "a", "a/", "a/b", "a/b/c", "a/b/", "b/ü/", "zz", "\u{10ffff}"),
    maxKeys: fc.integer({ min: 1, max: 20 }),
    encoded: fc.boolean(),
  });

  test("pages of ListObjectsV2 put together are the whole listing, each entry once and in UTF-8 order", async () => {
    await fc.assert(
      fc.asyncProperty(listing, async ({ prefix, delimiter, after, maxKeys, encoded }) => {
        const found: string[] = [];
        let ContinuationToken: string | undefined;
        const decode = (text = ""): string => (encoded ? decodeURIComponent(text.replaceAll("+", " ")) : text);
        for (let pages = 0; pages <= KEYS.length; pages++) {
          const page = await s3.send(
            new ListObjectsV2Command({
              Bucket: "list-bucket",
              Prefix: prefix,
              Delimiter: delimiter,
              StartAfter: after,
              MaxKeys: maxKeys,
              ContinuationToken,
              ...(encoded ? { EncodingType: "url" } : {}),
            }),
          );
          const entries = [
            ...(page.Contents ?? []).map((one) => one.Key),
            ...(page.CommonPrefixes ?? []).map((one) => one.Prefix),
          ];
          assert.ok(entries.length <= maxKeys);
          assert.equal(page.KeyCount, entries.length);
          found.push(...entries.map(decode).sort(byBytes));
          ContinuationToken = page.NextContinuationToken;
          if (page.IsTruncated !== true) break;
        }
        assert.deepEqual(found, expected(prefix, delimiter, after));
      }),
      { numRuns: 60 },
    );
  });

  test("ListObjects goes on behind its marker, which may be a common prefix", async () => {
    const found: string[] = [];
    let Marker = "";
    for (let pages = 0; pages <= KEYS.length; pages++) {
      const page = await s3.send(new ListObjectsCommand({ Bucket: "list-bucket", Delimiter: "/", MaxKeys: 2, Marker }));
      const entries = [
        ...(page.Contents ?? []).map((one) => one.Key ?? ""),
        ...(page.CommonPrefixes ?? []).map((one) => one.Prefix ?? ""),
      ];
      found.push(...entries.sort(byBytes));
      if (page.IsTruncated !== true) break;
      Marker = page.NextMarker ?? "";
    }
    assert.deepEqual(found, expected("", "/", ""));
  });

  test("pages of versions hold every version once, the newest of a key first", async () => {
    const Bucket = await lab.bucket("many-versions", { versioned: true });
    const written: string[] = [];
    for (const Key of ["k1", "k2", "k2", "k2", "k3", "k2"]) {
      const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }));
      written.push(`${Key} ${VersionId}`);
    }
    const { VersionId: marker } = await s3.send(new DeleteObjectCommand({ Bucket, Key: "k2" }));
    const order = (key: string): string[] => written.filter((one) => one.startsWith(`${key} `)).reverse();
    const all = [...order("k1"), `k2 ${marker}`, ...order("k2"), ...order("k3")];
    for (const MaxKeys of [1, 2, 3, 7, 1000]) {
      const found: string[] = [];
      let next: { KeyMarker?: string; VersionIdMarker?: string } = {};
      for (let pages = 0; pages <= all.length; pages++) {
        const page = await s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys, ...next }));
        const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(
          (one) => `${one.Key} ${one.VersionId}`,
        );
        found.push(...entries.sort((a, b) => all.indexOf(a) - all.indexOf(b)));
        if (page.IsTruncated !== true) break;
        next = { KeyMarker: page.NextKeyMarker ?? "", VersionIdMarker: page.NextVersionIdMarker ?? "" };
      }
      assert.deepEqual(found, all, `pages of ${MaxKeys}`);
    }
  });

  test("a page of none is empty and not truncated, and wrong parameters are refused", async () => {
    const Bucket = "list-bucket";
    const none = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 0 }));
    assert.deepEqual([none.KeyCount, none.IsTruncated, none.Contents], [0, false, undefined]);
    const markerOnly = new ListObjectVersionsCommand({ Bucket, VersionIdMarker: "x" });
    assert.equal(await codeOf(s3.send(markerOnly)), "InvalidArgument 400");
    assert.equal(await codeOf(s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: -1 }))), "InvalidArgument 400");
    const wrongToken = new ListObjectsV2Command({ Bucket, ContinuationToken: "???" });
    assert.equal(await codeOf(s3.send(wrongToken)), "InvalidArgument 400");
    const owner = await s3.send(new ListObjectsV2Command({ Bucket, MaxKeys: 1, FetchOwner: true }));
    assert.match(owner.Contents?.[0]?.Owner?.ID ?? "", /^[0-9a-f]{64}$/);
  });
});
