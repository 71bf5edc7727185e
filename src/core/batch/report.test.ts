import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { manifestLine } from "./manifest.ts";
import { OutcomeCount } from "./outcome.ts";
import { parseReportRow } from "./report.ts";
import { Spread } from "./spread.ts";

test("a row has the HTTP status before the code, as AWS writes it", () => {
  const line = "photos,a%20b.jpg,v1,failed,500,SrcObjectNotEligible,Object is not eligible for replication";
  assert.deepEqual(parseReportRow(line), {
    bucket: "photos",
    key: "a b.jpg",
    versionId: "v1",
    succeeded: false,
    httpStatus: 500,
    code: "SrcObjectNotEligible",
    message: "Object is not eligible for replication",
  });
});

test("a row is read the same in the order that AWS's schema declares", () => {
  const [written, declared] = ["failed,403,AccessDenied,no", "failed,AccessDenied,403,no"].map((end) =>
    parseReportRow(`photos,a,v1,${end}`),
  );
  assert.deepEqual(written, declared);
  assert.deepEqual([written?.httpStatus, written?.code], [403, "AccessDenied"]);
});

test("a task that succeeded has no code in either order", () => {
  for (const end of ["succeeded,200,,success", "succeeded,,200,success"]) {
    const row = parseReportRow(`photos,a,v1,${end}`);
    assert.deepEqual([row?.succeeded, row?.httpStatus, row?.code], [true, 200, ""]);
  }
});

test("a message with commas stays whole, in quotes and without", () => {
  assert.equal(parseReportRow("b,k,v,failed,500,X,one, two")?.message, "one, two");
  assert.equal(parseReportRow('b,k,v,failed,500,X,"one, ""two"""')?.message, 'one, "two"');
});

test("a row without a version is of the null version, and a key that is no percent-encoding stands as it is", () => {
  const row = parseReportRow("b,100%,,failed,404,SrcObjectNotFound,gone");
  assert.deepEqual([row?.versionId, row?.key], ["null", "100%"]);
});

test("what is no row is none, and no line breaks the reader", () => {
  for (const line of ["", "b,k,v,maybe,200,,x", "b,k,v,failed", '"b,k,v,failed,500,X,m']) {
    assert.equal(parseReportRow(line), undefined, line);
  }
  fc.assert(fc.property(fc.string(), (line) => void parseReportRow(line)));
});

test("a key of any characters comes back from a manifest's line as it was", () => {
  const key = fc.string({ unit: "grapheme", minLength: 1 });
  fc.assert(
    fc.property(key, (one) => {
      const line = manifestLine({ bucket: "b", key: one, versionId: "v" });
      assert.match(line, /^b,[A-Za-z0-9%/_.~-]+,v\n$/);
      assert.equal(parseReportRow(`${line.trimEnd()},succeeded,200,,success`)?.key, one);
    }),
  );
});

test("the version from before versioning is a literal null in a manifest, however it was told", () => {
  for (const versionId of ["", "null"]) assert.equal(manifestLine({ bucket: "b", key: "k", versionId }), "b,k,null\n");
});

test("failures are counted by code, and SrcObjectNotEligible is permanent in spite of its HTTP 500", () => {
  const count = new OutcomeCount(10);
  for (let index = 0; index < 7; index++) {
    count.add(parseReportRow(`b,k${index},v,failed,500,SrcObjectNotEligible,not eligible`));
  }
  count.add(parseReportRow("b,x,v,failed,503,SomethingNew,who knows"));
  count.add(parseReportRow("b,y,v,succeeded,200,,success"));
  count.add(undefined);
  const { succeeded, failed, unread, failures } = count.outcome();
  assert.deepEqual([succeeded, failed, unread], [1, 8, 1]);
  assert.deepEqual(
    failures.map((one) => [one.code, one.tasks, one.permanent, one.samples.length, one.title === "who knows"]),
    [
      ["SrcObjectNotEligible", 7, true, 5, false],
      ["SomethingNew", 1, false, 1, true],
    ],
  );
});

test("a spread keeps a few of many, from the beginning to the end", () => {
  const spread = new Spread<number>(100);
  for (let item = 0; item < 100_000; item++) spread.add(item);
  assert.ok(spread.items.length >= 100 && spread.items.length < 200, String(spread.items.length));
  assert.equal(spread.items[0], 0);
  assert.ok((spread.items.at(-1) ?? 0) > 98_000);
});
