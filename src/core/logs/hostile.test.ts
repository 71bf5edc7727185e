/** Logs hold what strangers sent and what broke on its way: nothing of it stops the reading, hangs it or is forged. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AccessLine, LINE_LENGTH_MAX, logTimeMs } from "./access-line.ts";
import { readDenial } from "./denial-text.ts";
import { LogReader } from "./log-reader.ts";
import { RECORD_LENGTH_MAX, RecordSplitter } from "./record-splitter.ts";
import { readTrailText } from "./trail-record.ts";

const LINES = readFileSync("test/fixtures/logs/access.log", "latin1").split("\n");
const TRAIL = readFileSync("test/fixtures/logs/trail.json", "utf8");
const RUNS = { numRuns: 300 };

/** A text with some of it taken out, doubled or replaced. */
function damaged(text: string): fc.Arbitrary<string> {
  const wound = fc.record({
    at: fc.nat(text.length),
    length: fc.nat(40),
    by: fc.oneof(fc.constantFrom('"', " ", "\\", "{", "}", "[", "]", "\n", "-", "%", "\u0000"), fc.string()),
  });
  return fc
    .array(wound, { maxLength: 6 })
    .map((wounds) => wounds.reduce((all, { at, length, by }) => all.slice(0, at) + by + all.slice(at + length), text));
}

/** What a splitter cuts a text into. */
function recordsOf(text: string, size = text.length || 1): string[] {
  const records: string[] = [];
  const splitter = new RecordSplitter(
    (one) => records.push(one),
    () => undefined,
  );
  for (let at = 0; at < text.length; at += size) splitter.push(text.slice(at, at + size));
  splitter.end();
  return records;
}

describe("hostile logs", () => {
  it("every damaged file is read to its end, and each of its lines is counted", () => {
    fc.assert(
      fc.property(damaged(LINES.join("\n")), fc.integer({ min: 1, max: 5000 }), (text, size) => {
        const reader = new LogReader();
        const sink = reader.accessLog("f");
        for (let at = 0; at < text.length; at += size) sink.push(text.slice(at, at + size));
        sink.end();
        const { read, causes } = reader.report();
        assert.equal(read.lines, text.split("\n").filter((one) => one !== "" && one !== "\r").length);
        assert.ok(read.bad <= read.lines && read.replicationFailures <= read.lines && causes.length <= read.lines);
      }),
      RUNS,
    );
  });

  it("a user agent and a referer can be anything, and what is before them is read the same", () => {
    const line = new AccessLine();
    const [, template = ""] = LINES;
    const forged = fc.oneof(
      fc.string({ maxLength: 60 }),
      fc.constantFrom('" 200 - - - - - "', '" 500 InternalError 1 1 1 1 "', '- "-" "'),
    );
    fc.assert(
      fc.property(fc.array(forged, { maxLength: 4 }), (parts) => {
        const agent = parts.join(" ").replaceAll("\n", " ");
        assert.ok(line.read(template.replace('"-" "-"', () => `"${agent}" "${agent}"`)));
        assert.deepEqual(
          [line.status, line.errorCode, line.bucket, line.key],
          [403, "AccessDenied", "photos-replica", "2026/0002.jpg"],
        );
      }),
      RUNS,
    );
  });

  it("any text is a line or none, and a date or none", () => {
    const line = new AccessLine();
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), (text) => {
        if (line.read(text)) assert.ok(line.status >= 0 && line.status <= 999);
        const ms = logTimeMs(text);
        assert.ok(ms === undefined || Number.isFinite(ms));
      }),
      RUNS,
    );
  });

  it("a damaged document is cut the same wherever its chunks end", () => {
    fc.assert(
      fc.property(damaged(TRAIL), fc.integer({ min: 1, max: 3000 }), (text, size) => {
        assert.deepEqual(recordsOf(text, size), recordsOf(text));
      }),
      RUNS,
    );
  });

  it("every record comes out as it went in, in each of the wrappings", () => {
    const record = fc.dictionary(fc.string(), fc.jsonValue()).filter((one) => !("Records" in one || "Events" in one));
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 50 }),
        (records, size) => {
          const wrappings = [
            JSON.stringify({ Records: records }),
            JSON.stringify({ Events: records, NextToken: "token" }, null, 2),
            JSON.stringify(records),
            records.map((one) => JSON.stringify(one)).join("\n"),
          ];
          const texts = records.map((one) => JSON.stringify(one));
          for (const text of wrappings) {
            assert.deepEqual(
              recordsOf(text, size).map((one) => JSON.stringify(JSON.parse(one))),
              texts,
            );
          }
        },
      ),
      RUNS,
    );
  });

  it("any JSON is an event or none, and any text a denial or none", () => {
    const [first = ""] = recordsOf(TRAIL);
    fc.assert(
      fc.property(fc.oneof(fc.json(), damaged(first)), (text) => {
        readTrailText(text);
        const reader = new LogReader();
        reader.event(text);
        assert.equal(reader.report().read.records, 1);
      }),
      RUNS,
    );
    const words = fc.constantFrom(
      "User: ",
      " is not authorized to perform: ",
      "s3:ReplicateObject",
      " on resource: ",
      '"',
      " with an explicit deny in a ",
      " because no identity-based policy allows the ",
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string({ maxLength: 20 })), { maxLength: 12 }), (parts) => {
        const denial = readDenial(parts.join(""));
        assert.ok(denial === undefined || /^[\w-]+:\w+$/.test(denial.action));
      }),
      RUNS,
    );
  });

  it("a line and a record without an end are told once, and are not kept", () => {
    const reader = new LogReader();
    const lines = reader.accessLog("lines");
    const chunk = "x".repeat(LINE_LENGTH_MAX);
    for (let count = 0; count < 20; count++) lines.push(chunk);
    lines.push(`\n${LINES[1] ?? ""}\n`);
    lines.end();
    const records = reader.cloudTrail("records");
    const part = `"${"y".repeat(RECORD_LENGTH_MAX / 4)}",`;
    records.push('{"Records":[{"a":[');
    for (let count = 0; count < 20; count++) records.push(part);
    records.push('1]},{"eventName":"X","eventSource":"y","eventTime":"2026-01-01T00:00:00Z"}]}');
    records.end();
    const { read } = reader.report();
    assert.deepEqual([read.bad, read.lines, read.records], [2, 1, 1]);
    assert.ok(read.badSamples.every((one) => one.text.length <= 200));
  });

  it("more causes, kinds and ids than fit are counted and not kept", () => {
    const reader = new LogReader();
    const sink = reader.accessLog("many");
    const [, denied = ""] = LINES;
    const stranger = LINES[4] ?? "";
    for (let count = 0; count < 1500; count++) {
      sink.push(`${denied.replace("photos-replica", `bucket-${count}`).replace("AAAAAAAAAAAAAA02", `A${count}`)}\n`);
      sink.push(`${stranger.replace(" photos ", ` bucket-${count} `).replace("AAAAAAAAAAAAAA05", `B${count}`)}\n`);
    }
    sink.end();
    const { causes, others, leftOut, read } = reader.report();
    assert.deepEqual([causes.length, others.length, read.replicationFailures], [1000, 500, 1500]);
    assert.deepEqual(leftOut, { failures: 500, others: 1000, changes: 0 });
  });
});
