import assert from "node:assert/strict";
import { test } from "node:test";
import { KeyMerge, type KeyPair, matchKey, pairMarkers, type Side, type VersionRow } from "./merge.ts";

/** `v1` is a version, `-m1` a delete marker. */
function row(key: string, name: string): VersionRow {
  return { key, versionId: name.replace("-", ""), isDeleteMarker: name.startsWith("-") };
}

function pairOf(source: string, destination: string): KeyPair<VersionRow> {
  const rows = (text: string) => (text === "" ? [] : text.split(" ").map((name) => row("k", name)));
  return { key: "k", source: rows(source), destination: rows(destination) };
}

/** Every way to cut two listings into pages must give the same keys. */
function merged(listings: Readonly<Record<Side, readonly VersionRow[]>>, pageSize: number): string[] {
  const merge = new KeyMerge<VersionRow>();
  const at = { source: 0, destination: 0 };
  const found: string[] = [];
  for (let turn = 0; turn < 1000; turn++) {
    for (const { key, source, destination } of merge.take()) {
      const names = (rows: readonly VersionRow[]) => rows.map((one) => one.versionId).join("");
      found.push(`${key} ${names(source)}|${names(destination)}`);
    }
    const wanted = merge.wants();
    if (wanted.length === 0) return found;
    for (const side of wanted) {
      const rows = listings[side].slice(at[side], at[side] + pageSize);
      at[side] += rows.length;
      assert.ok(merge.push(side, rows, at[side] === listings[side].length));
    }
  }
  assert.fail("the merge never ends");
}

test("two listings come out key by key, whatever the size of their pages", () => {
  const source = ["a1", "a2", "a3", "c1", "\u{ffff}1", "\u{10000}1", "\u{10000}2"];
  const destination = ["a7", "b1", "b2", "c8", "\u{10000}9"];
  const rows = (names: readonly string[]) => names.map((name) => row(name.slice(0, -1), name.slice(-1)));
  const expected = ["a 123|7", "b |12", "c 1|8", "\u{ffff} 1|", "\u{10000} 12|9"];
  for (const pageSize of [1, 2, 3, 4, 100]) {
    assert.deepEqual(merged({ source: rows(source), destination: rows(destination) }, pageSize), expected);
    assert.deepEqual(merged({ source: rows(source), destination: [] }, pageSize).length, 4);
    assert.deepEqual(merged({ source: [], destination: rows(destination) }, pageSize).length, 4);
  }
});

test("a page is asked for only where it decides what comes next", () => {
  const merge = new KeyMerge<VersionRow>();
  assert.deepEqual(merge.wants(), ["source", "destination"]);
  merge.push("source", [row("b", "v1"), row("c", "v1")], false);
  merge.push("destination", [row("x", "v1"), row("y", "v1")], false);
  assert.deepEqual(
    merge.take().map((one) => one.key),
    ["b"],
  );
  assert.deepEqual(merge.wants(), ["source"]);
  merge.push("source", [], true);
  assert.deepEqual(
    merge.take().map((one) => one.key),
    ["c", "x"],
  );
  assert.deepEqual(merge.wants(), ["destination"]);
});

test("keys out of order are noticed, in a page and between two", () => {
  assert.equal(new KeyMerge<VersionRow>().push("source", [row("b", "v1"), row("a", "v1")], true), false);
  const merge = new KeyMerge<VersionRow>();
  assert.ok(merge.push("source", [row("b", "v1")], false));
  assert.equal(merge.push("source", [row("a", "v1")], true), false);
});

const CASES = [
  { name: "the same ids are the same versions", source: "v2 v1", destination: "v2 v1", expected: "v1=v1 v2=v2" },
  {
    name: "what is not there is missing, the oldest first",
    source: "v3 v2 v1",
    destination: "v1",
    expected: "v1=v1 v2? v3?",
  },
  {
    name: "known ids lead to the replica",
    source: "v2 v1",
    destination: "r1",
    known: { v1: "r1" },
    expected: "v1=r1 v2?",
  },
  {
    name: "a replica that is gone was there once",
    source: "v2 v1",
    destination: "r2",
    known: { v1: "r1", v2: "r2" },
    expected: "v1~r1 v2=r2",
  },
  { name: "a version behind a newer one comes late", source: "v3 v2 v1", destination: "v2", expected: "v1! v2=v2 v3?" },
  {
    name: "a version behind a newer one whose replica was removed does not come late",
    source: "v2 v1",
    destination: "",
    known: { v2: "r2" },
    expected: "v1? v2~r2",
  },
  { name: "a marker is no object with the same id", source: "null", destination: "-null", expected: "null? +null" },
  { name: "what nobody wrote from here is told", source: "v1", destination: "x2 v1 x1", expected: "v1=v1 +x1 +x2" },
];

for (const { name, source, destination, known = {}, expected } of CASES) {
  test(`matching a key: ${name}`, () => {
    const match = matchKey(pairOf(source, destination), new Map(Object.entries(known)));
    const words = match.verdicts.map((one) => {
      const { versionId } = one.version;
      if (one.state === "there") return `${versionId}=${one.replica.versionId}`;
      if (one.state === "removed") return `${versionId}~${one.replicaVersionId}`;
      return `${versionId}${one.newerIsThere ? "!" : "?"}`;
    });
    assert.equal([...words, ...match.unexplained.map((one) => `+${one.versionId}`)].join(" "), expected);
  });
}

const MARKERS = [
  { name: "a marker on top goes with the marker on top", source: "-m1 v1", destination: "-d1 r1", expected: "m1=d1" },
  { name: "one that is not there goes with none", source: "-m1 v1", destination: "r1", expected: "" },
  {
    name: "markers do not pair across a version that is known",
    source: "v2 -m1 v1",
    known: { v1: "r1", v2: "r2" },
    destination: "-d1 r2 r1",
    expected: "",
  },
  {
    name: "each between its own neighbours, in order",
    source: "-m3 v2 -m2 -m1 v1",
    known: { v1: "r1", v2: "r2" },
    destination: "-d3 r2 -d2 -d1 r1",
    expected: "m1=d1 m2=d2 m3=d3",
  },
  {
    name: "of two in a row the first one is the one that was written",
    source: "-m2 -m1 v1",
    destination: "-d1 r1",
    expected: "m1=d1",
  },
  { name: "a key of markers only", source: "-m1", destination: "-d1", known: {}, expected: "m1=d1" },
];

for (const { name, source, destination, known = { v1: "r1" }, expected } of MARKERS) {
  test(`pairing delete markers: ${name}`, () => {
    const pair = pairOf(source, destination);
    const pairs = pairMarkers(matchKey(pair, new Map(Object.entries(known))), pair.destination);
    assert.equal(pairs.map((one) => `${one.version.versionId}=${one.replica.versionId}`).join(" "), expected);
  });
}
