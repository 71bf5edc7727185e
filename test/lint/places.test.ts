/** Every finding stands where its cause stands, in each of the three forms. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readLintText } from "../../src/cli/lint/input.ts";
import { printConfiguration } from "../../src/cli/lint/print.ts";
import type { DocumentValue } from "../../src/core/config/document.ts";
import { printPath } from "../../src/core/iam/problems.ts";
import { readJson } from "../../src/core/lint/json.ts";
import { lint } from "../../src/core/lint/lint.ts";
import { nearestName } from "../../src/core/lint/nearest.ts";
import { type PlacedValue, placeOf, readPath } from "../../src/core/lint/places.ts";

const CONFIGURATION = {
  Role: "arn:aws:iam::111122223333:role/r",
  Rules: [
    {
      ID: "first",
      Priority: 1,
      Status: "Enabled",
      Filter: { And: { Prefix: "Tax/", Tags: [{ Key: "a", Value: "1" }] } },
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: { Bucket: "arn:aws:s3:::dst" },
    },
    {
      ID: "second & last",
      Priority: 2,
      Status: "Disabled",
      Filter: {},
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: { Bucket: "arn:aws:s3:::dst", Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } } },
    },
  ],
};

const JSON_TEXT = JSON.stringify(CONFIGURATION, null, 2);

function read(file: string, text: string): PlacedValue {
  const { document } = readLintText(file, text);
  assert.ok(document !== undefined);
  return document;
}

/** What stands at the place of a path, to the end of the line. */
function textAt(file: string, text: string, path: string): string {
  const { line, column } = placeOf(read(file, text).places, readPath(path));
  return (text.split("\n")[line - 1] ?? "").slice(column - 1);
}

describe("lint places", () => {
  it("in JSON, the value; for a member that is missing, what should hold it", () => {
    const at = (path: string) => textAt("c.json", JSON_TEXT, path);
    assert.equal(at("Role"), '"arn:aws:iam::111122223333:role/r",');
    assert.equal(at("Rules[1].ID"), '"second & last",');
    assert.equal(at("Rules[0].Filter.And.Tags[0].Value"), '"1"');
    assert.equal(at("Rules[1].Destination.Metrics.EventThreshold.Minutes"), "15");
    const { line, column } = placeOf(read("c.json", JSON_TEXT).places, readPath("Rules[1].Nothing.There"));
    assert.equal(JSON_TEXT.split("\n")[line - 1]?.slice(column - 1), "{");
    assert.match(JSON_TEXT.split("\n")[line] ?? "", /second/);
  });

  it("in XML, the element, also with white space and a declaration in front", () => {
    const text = `\n ${printConfiguration(CONFIGURATION, "xml").replaceAll("><", ">\n<")}`;
    const at = (path: string) => textAt("c.xml", text, path);
    assert.equal(at("Role"), "<Role>arn:aws:iam::111122223333:role/r</Role>");
    assert.equal(at("Rules[1].ID"), "<ID>second &amp; last</ID>");
    assert.equal(at("Rules[0].Filter.And.Tags[0].Value"), "<Value>1</Value>");
    assert.equal(at("Rules[1].Destination.Metrics.EventThreshold"), "<EventThreshold>");
    assert.equal(at("Rules[1].Priority.Nothing"), "<Priority>2</Priority>");
  });

  it("in YAML, the value", () => {
    const text = `# ours\n${printConfiguration(CONFIGURATION, "yaml")}`;
    const at = (path: string) => textAt("c.yaml", text, path);
    assert.equal(at("Role"), "arn:aws:iam::111122223333:role/r");
    assert.equal(at("Rules[1].ID"), "second & last");
    assert.equal(at("Rules[0].Filter.And.Tags[0].Value"), '"1"');
    assert.equal(at("Rules[1].Destination.Metrics.EventThreshold.Minutes"), "15");
  });

  it("mistakes of the grammar have their place too", () => {
    const placeIn = (file: string, text: string) => {
      const [finding] = readLintText(file, text).findings;
      return `${finding?.rule} ${finding?.line}:${finding?.column}`;
    };
    assert.equal(placeIn("a.json", '{\n  "Role": "a",\n}'), "unreadable-document 3:1");
    assert.equal(placeIn("a.json", '{"Role": "a'), "unreadable-document 1:10");
    assert.equal(placeIn("a.json", "{\"Role\": 'a'}"), "unreadable-document 1:10");
    assert.match(placeIn("a.xml", "<ReplicationConfiguration>\n<Role></Rule>"), /^unreadable-document 2:\d+$/);
    assert.match(placeIn("a.yaml", "Role: a\nRules:\n  - ]"), /^unreadable-document 3:\d+$/);
    assert.equal(placeIn("a.json", '{"Statement": [],\n "Statement": []}'), "repeated-member 2:2");
  });

  it("findings are in the order of the files, and from top to bottom in each", () => {
    const one = read("one.json", JSON_TEXT);
    const documents = ["b.json", "a.json"].map((file) => ({ ...one, file, kind: "replication" as const }));
    const { findings } = lint(documents);
    assert.deepEqual([...new Set(findings.map(({ file }) => file))], ["b.json", "a.json"]);
    const lines = findings.filter(({ file }) => file === "a.json").map(({ line }) => line);
    assert.ok(lines.length > 3);
    assert.deepEqual(
      lines,
      [...lines].sort((a, b) => a - b),
    );
  });

  it("any path can be printed and read again", () => {
    const step = fc.oneof(fc.nat(9), fc.string({ minLength: 1, maxLength: 20 }), fc.constant("kms:ViaService"));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), (path) => {
        assert.deepEqual(readPath(printPath(path)), path);
      }),
    );
  });
});

describe("lint's JSON", () => {
  it("takes what JSON.parse takes, with the same value", () => {
    fc.assert(
      fc.property(fc.json(), fc.constantFrom(undefined, "  ", "\t"), (text, indent) => {
        const value = JSON.parse(text) as DocumentValue;
        const read = readJson(JSON.stringify(value, null, indent));
        assert.ok("value" in read);
        assert.deepEqual(read.value, value);
      }),
    );
  });

  it("refuses what JSON.parse refuses", () => {
    const texts = fc.tuple(
      fc.json(),
      fc.nat(60),
      fc.constantFrom("", ",", "}", "]", '"', "\\", "0", "-", "\n", "'", ":"),
    );
    fc.assert(
      fc.property(texts, ([text, at, inserted]) => {
        const changed = text.slice(0, at) + inserted + text.slice(at + 1);
        assert.equal("value" in readJson(changed), isJson(changed), changed);
      }),
      { numRuns: 2000 },
    );
  });

  it("ends where it is nested too deep, instead of overflowing", () => {
    const read = readJson("[".repeat(100_000));
    assert.ok("says" in read);
    assert.match(read.says, /nested deeper than 64/);
  });

  function isJson(text: string): boolean {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  }
});

describe("the nearest name", () => {
  const names = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"];

  it("is the one with the fewest letters changed, swapped, added or left out", () => {
    assert.equal(nearestName("s3:ReplicateObjcet", names), "s3:ReplicateObject");
    assert.equal(nearestName("s3:replicatetag", names), "s3:ReplicateTags");
  });

  it("is none where too much is different", () => {
    assert.equal(nearestName("s3:PutObject", names), undefined);
    assert.equal(nearestName("a", ["b"]), undefined);
  });
});
