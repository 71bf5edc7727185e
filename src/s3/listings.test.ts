import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareKeys } from "../core/keys.ts";
import { ListingError, readObjectPage, readVersionPage } from "./listings.ts";
import { readPlainVersionPage } from "./plain-listings.ts";
import { parseXml } from "./xml.ts";

const AT = "<LastModified>2026-01-02T03:04:05.678Z</LastModified>";
const AT_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function versions(inner: string) {
  const document = `<ListVersionsResult>${inner}</ListVersionsResult>`;
  const page = readVersionPage(parseXml(document));
  assert.deepEqual(readPlainVersionPage(document), page, "read without a tree it is the same");
  return page;
}

/** What comes of it, or what is said against it. */
function outcomeOf<Page>(read: () => Page): Page | string {
  try {
    return read();
  } catch (error) {
    assert.ok(error instanceof ListingError);
    return error.message;
  }
}

test("a page that is read without a tree is the page of its tree, whatever stands in it", () => {
  const text = fc.constantFrom(
    "",
    "a",
    "b%20c",
    "%zz",
    "true",
    "false",
    "url",
    "&amp;",
    "&quot;e&quot;",
    "5",
    " \n",
    "é",
    "\r",
  );
  const name = fc.constantFrom(
    ..."Key VersionId IsLatest LastModified Size ETag StorageClass ID Owner Version DeleteMarker Type".split(" "),
    ..."IsTruncated NextKeyMarker NextVersionIdMarker EncodingType".split(" "),
  );
  const element = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(name, fc.oneof({ depthSize: "small" }, text, fc.array(tie("element"), { maxLength: 6 })))
      .map(([as, inner]) => `<${as}>${typeof inner === "string" ? inner : inner.join("")}</${as}>`),
  })).element;
  let plain = 0;
  fc.assert(
    fc.property(fc.array(element, { maxLength: 6 }), text, (elements, between) => {
      const document = `<ListVersionsResult>${elements.join(between)}</ListVersionsResult>`;
      const found = outcomeOf(() => readPlainVersionPage(document));
      if (found === undefined) return;
      plain += 1;
      assert.deepEqual(
        found,
        outcomeOf(() => readVersionPage(parseXml(document))),
        document,
      );
    }),
    { numRuns: 2000 },
  );
  assert.ok(plain > 100, "many of them are plain");
});

test("what is no page of versions is left to those who read any document", () => {
  for (const document of [
    "<Error><Code>SlowDown</Code></Error>",
    "<ListVersionsResult>",
    "<ListVersionsResult><!-- c --></ListVersionsResult>",
    "",
  ])
    assert.equal(readPlainVersionPage(document), undefined);
});

test("versions and delete markers become rows, in the order of the document", () => {
  const page = versions(`
    <Name>b</Name><IsTruncated>false</IsTruncated>
    <DeleteMarker><Key>a</Key><VersionId>m</VersionId><IsLatest>true</IsLatest>${AT}<Owner><ID>o</ID></Owner></DeleteMarker>
    <Version><Key>a</Key><VersionId>null</VersionId><IsLatest>false</IsLatest>${AT}<ETag>&quot;e-2&quot;</ETag>
      <Size>5</Size><StorageClass>GLACIER</StorageClass></Version>
    <Version><Key>b</Key><VersionId>v</VersionId><IsLatest>true</IsLatest>${AT}<ETag>e</ETag><Size>0</Size></Version>`);
  assert.deepEqual(page, {
    versions: [
      {
        key: "a",
        versionId: "m",
        isLatest: true,
        isDeleteMarker: true,
        lastModifiedMs: AT_MS,
        sizeBytes: 0,
        etag: "",
        storageClass: "STANDARD",
        ownerId: "o",
      },
      {
        key: "a",
        versionId: "null",
        isLatest: false,
        isDeleteMarker: false,
        lastModifiedMs: AT_MS,
        sizeBytes: 5,
        etag: "e-2",
        storageClass: "GLACIER",
      },
      {
        key: "b",
        versionId: "v",
        isLatest: true,
        isDeleteMarker: false,
        lastModifiedMs: AT_MS,
        sizeBytes: 0,
        etag: "e",
        storageClass: "STANDARD",
      },
    ],
  });
});

test("keys and markers are decoded where the store says that it encoded them", () => {
  const inner = `<IsTruncated>true</IsTruncated><NextKeyMarker>a%2Fb+c</NextKeyMarker><NextVersionIdMarker>v+1</NextVersionIdMarker>
    <Version><Key>a%2Fb+c%2B%C3%A9</Key></Version>`;
  const encoded = versions(`<EncodingType>url</EncodingType>${inner}`);
  assert.equal(encoded.versions[0]?.key, "a/b c+é");
  assert.deepEqual(encoded.next, { keyMarker: "a/b c", versionIdMarker: "v+1" });
  const raw = versions(inner);
  assert.equal(raw.versions[0]?.key, "a%2Fb+c%2B%C3%A9");
  assert.equal(raw.next?.keyMarker, "a%2Fb+c");
});

test("a page that cannot be continued or read is refused, so that nobody asks for it for ever", () => {
  assert.throws(() => versions("<IsTruncated>true</IsTruncated>"), ListingError);
  assert.throws(() => versions("<IsTruncated>true</IsTruncated><NextKeyMarker/>"), ListingError);
  const broken = "<EncodingType>url</EncodingType><Version><Key>%FF</Key></Version>";
  assert.throws(() => versions(broken), ListingError);
  const objects = "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>";
  assert.throws(() => readObjectPage(parseXml(objects)), ListingError);
});

test("a page in another order is brought into that of keys, the newest version first", () => {
  const row = (kind: string, key: string, id: string, second: number, latest = false) =>
    `<${kind}><Key>${key}</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest>
     <LastModified>2026-01-02T03:04:0${second}Z</LastModified></${kind}>`;
  const page = versions(
    row("Version", "a", "a1", 1) +
      row("Version", "a", "a2", 2) +
      row("Version", "b", "b1", 1) +
      row("DeleteMarker", "a", "a3", 2, true),
  );
  assert.deepEqual(
    page.versions.map((one) => one.versionId),
    ["a3", "a2", "a1", "b1"],
  );
});

test("current objects and common prefixes become a page", () => {
  const page = readObjectPage(
    parseXml(`<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>
      <NextContinuationToken>t=</NextContinuationToken>
      <Contents><Key>a+b</Key>${AT}<ETag>&quot;e&quot;</ETag><Size>3</Size><StorageClass>STANDARD</StorageClass></Contents>
      <CommonPrefixes><Prefix>c%2F</Prefix></CommonPrefixes></ListBucketResult>`),
  );
  assert.deepEqual(page, {
    objects: [{ key: "a b", lastModifiedMs: AT_MS, sizeBytes: 3, etag: "e", storageClass: "STANDARD" }],
    commonPrefixes: ["c/"],
    continuationToken: "t=",
  });
});

test("keys are compared by their UTF-8 bytes, not by JavaScript's code units", () => {
  const [last, first] = ["\u{10000}", "\uffff"];
  assert.ok(compareKeys(first, last) < 0);
  assert.deepEqual([first, last].sort(), [last, first]);
  const key = fc.string({ unit: "binary", maxLength: 6 });
  fc.assert(
    fc.property(key, key, (a, b) => {
      assert.equal(Math.sign(compareKeys(a, b)), Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 1000 },
  );
});
