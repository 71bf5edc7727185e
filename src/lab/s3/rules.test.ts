/** The small pure rules of the brain: ranges, conditions, tags, key order, customer keys. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import * as fc from "fast-check";
import { ServiceError } from "../model.ts";
import { isBucketName } from "./buckets.ts";
import { parseCustomerKey } from "./encryption.ts";
import { compareKeys, successor } from "./listing.ts";
import { parseCopyRange, parseRange } from "./ranges.ts";
import { checkTags, parseTaggingHeader } from "./tags.ts";

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof ServiceError) return error.code;
    throw error;
  }
  return "";
};

test("ranges are read as HTTP has them; what is malformed is no range", () => {
  for (const [header, expected] of [
    ["bytes=0-", [0, 9]],
    ["bytes=3-5", [3, 5]],
    ["bytes=3-50", [3, 9]],
    ["bytes=-3", [7, 9]],
    ["bytes=-30", [0, 9]],
    ["bytes=5-3", undefined],
    ["bytes=1-2,4-5", undefined],
    ["bytes=-", undefined],
    ["items=0-1", undefined],
  ] as const) {
    const range = parseRange(header, 10);
    assert.deepEqual(range === undefined ? undefined : [range.firstByte, range.lastByte], expected, header);
  }
  for (const header of ["bytes=10-", "bytes=10-20", "bytes=-0"]) {
    assert.equal(
      codeOf(() => parseRange(header, 10)),
      "InvalidRange",
      header,
    );
  }
  assert.equal(
    codeOf(() => parseRange("bytes=0-0", 0)),
    "InvalidRange",
  );
  assert.deepEqual(parseCopyRange("bytes=2-9", 10), { firstByte: 2, lastByte: 9 });
  for (const header of ["bytes=2-10", "bytes=2-", "bytes=9-2", "x"]) {
    assert.equal(
      codeOf(() => parseCopyRange(header, 10)),
      "InvalidArgument",
      header,
    );
  }
});

test("the successor of a prefix is behind every key with the prefix, and before every other one behind it", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", "/", "ü", "\ud7ff", "\ue000", "\u{10000}", "\u{10ffff}"),
    maxLength: 4,
  });
  fc.assert(
    fc.property(text, text, (prefix, other) => {
      const next = successor(prefix);
      if (prefix === "" || next === undefined) return;
      assert.ok(compareKeys(prefix + other, next) < 0);
      if (compareKeys(other, prefix) > 0 && !other.startsWith(prefix)) assert.ok(compareKeys(other, next) >= 0);
    }),
  );
  assert.equal(successor("\u{10ffff}"), undefined);
  assert.equal(successor("\ud7ff"), "\ue000");
});

test("the tagging header is a query string", () => {
  assert.deepEqual(parseTaggingHeader("a=1&b=x%20y&c&d=p+q"), [
    { key: "a", value: "1" },
    { key: "b", value: "x y" },
    { key: "c", value: "" },
    { key: "d", value: "p q" },
  ]);
  for (const header of ["a=1&a=2", "=1", "%zz=1", "&"]) {
    assert.equal(
      codeOf(() => parseTaggingHeader(header)),
      "InvalidArgument",
      header,
    );
  }
});

test("tags are limited in number, length and characters", () => {
  const tags = (count: number) => Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: "" }));
  checkTags(tags(10), "object");
  checkTags(tags(50), "bucket");
  assert.equal(
    codeOf(() => checkTags(tags(11), "object")),
    "BadRequest",
  );
  assert.equal(
    codeOf(() => checkTags(tags(51), "bucket")),
    "BadRequest",
  );
  checkTags([{ key: "ü ✓".replace("✓", "x"), value: "a+b-c=d._:/@ é" }], "object");
  for (const value of ["a&b", "a<b", "v".repeat(257)]) {
    assert.equal(
      codeOf(() => checkTags([{ key: "k", value }], "object")),
      "InvalidTag",
      value,
    );
  }
});

test("names of buckets follow AWS's rules", () => {
  for (const name of ["abc", "a-b.c", "0abc", "x".repeat(63)]) assert.equal(isBucketName(name), true, name);
  for (const name of [
    "ab",
    "x".repeat(64),
    "Abc",
    "a_b",
    "-ab",
    "ab-",
    "a..b",
    "1.2.3.4",
    "xn--abc",
    "abc-s3alias",
    "a\nbc",
  ]) {
    assert.equal(isBucketName(name), false, name);
  }
});

test("a customer's key comes with its algorithm and its MD5", () => {
  const key = Buffer.alloc(32, 1);
  const md5 = createHash("md5").update(key).digest("base64");
  const prefix = "x-amz-server-side-encryption-customer-";
  const headers = {
    [`${prefix}algorithm`]: "AES256",
    [`${prefix}key`]: key.toString("base64"),
    [`${prefix}key-md5`]: md5,
  };
  assert.deepEqual(parseCustomerKey(headers)?.md5, md5);
  assert.equal(parseCustomerKey({}), undefined);
  assert.equal(
    codeOf(() => parseCustomerKey({ ...headers, [`${prefix}algorithm`]: "AES128" })),
    "InvalidEncryptionAlgorithmError",
  );
  assert.equal(
    codeOf(() => parseCustomerKey({ ...headers, [`${prefix}key`]: "c2hvcnQ=" })),
    "InvalidArgument",
  );
  assert.equal(
    codeOf(() => parseCustomerKey({ ...headers, [`${prefix}key-md5`]: "AAAA" })),
    "InvalidArgument",
  );
});
