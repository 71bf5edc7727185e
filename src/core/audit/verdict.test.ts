import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareKeys } from "../keys.ts";
import { KeyMerge } from "./merge.ts";
import { type AuditRow, JUDGED_BY_IDS, type JudgeOptions, judgeKey } from "./verdict.ts";

/** `v1:5@9` is a version of 5 bytes written at 9, `-m1` a delete marker; the newest first. */
function rows(key: string, text: string): AuditRow[] {
  if (text === "") return [];
  return text.split(" ").map((word) => {
    const [, marker = "", versionId = "", size = "1", at = "0"] = /^(-?)(\w+)(?::(\d+))?(?:@(\d+))?$/.exec(word) ?? [];
    const isDeleteMarker = marker === "-";
    const sizeBytes = isDeleteMarker ? 0 : Number(size);
    return { key, versionId, isDeleteMarker, sizeBytes, lastModifiedMs: Number(at), etag: "" };
  });
}

function judged(source: readonly AuditRow[], destination: readonly AuditRow[], options: JudgeOptions): string[] {
  const told: string[] = [];
  const name = (one: AuditRow | undefined) => one?.versionId ?? "";
  judgeKey({ key: "k", source, destination }, options, {
    equal: (version, replica) => told.push(`equal ${name(version)}=${name(replica)}`),
    found: ({ verdict, reason, version, replica }) =>
      told.push(`${verdict} ${reason} ${name(version)}=${name(replica)}`),
  });
  return told.sort();
}

const CASES: readonly {
  readonly name: string;
  readonly source: string;
  readonly destination: string;
  readonly known?: Readonly<Record<string, string>>;
  readonly byPlace?: true;
  readonly untilMs?: number;
  readonly expected: readonly string[];
}[] = [
  { name: "one version at both ends is equal", source: "v1", destination: "v1", expected: ["equal v1=v1"] },
  {
    name: "no version is missing",
    source: "v2 v1",
    destination: "v1",
    expected: ["equal v1=v1", "missing NotThere v2="],
  },
  { name: "another size is other data", source: "v1:5", destination: "v1:6", expected: ["data SizeDiffers v1=v1"] },
  {
    name: "what only the destination has",
    source: "v1",
    destination: "x1 v1",
    expected: ["equal v1=v1", "extra OnlyThere =x1"],
  },
  {
    name: "versions that have changed places",
    source: "v2 v1",
    destination: "v1 v2",
    expected: ["equal v1=v1", "order OrderDiffers v2=v2"],
  },
  {
    name: "a deletion that has not arrived",
    source: "-m1 v1",
    destination: "v1",
    expected: ["deleteMarker MarkerNotThere m1=", "equal v1=v1"],
  },
  {
    name: "a deletion that only the destination knows",
    source: "v1",
    destination: "-m1 v1",
    expected: ["deleteMarker MarkerOnlyThere =m1", "equal v1=v1"],
  },
  {
    name: "a marker that is an object at the other end is told once",
    source: "-null",
    destination: "null",
    expected: ["deleteMarker MarkerIsObject null=null"],
  },
  {
    name: "an object that is a marker at the other end is told once",
    source: "null",
    destination: "-null",
    expected: ["deleteMarker ObjectIsMarker null=null"],
  },
  {
    name: "ids that are known lead to replicas and markers",
    source: "-m1 v1",
    destination: "-d1 r1",
    known: { v1: "r1" },
    expected: ["equal m1=d1", "equal v1=r1"],
  },
  {
    name: "a replica that was removed",
    source: "v2 v1",
    destination: "r2",
    known: { v1: "r1", v2: "r2" },
    expected: ["equal v2=r2", "missing ReplicaRemoved v1="],
  },
  {
    name: "what comes late where ids are minted",
    source: "v2 v1",
    destination: "r2",
    known: { v2: "r2" },
    expected: ["equal v2=r2", "missing NewerVersionThere v1="],
  },
  {
    name: "by place, versions go with their sizes in order",
    source: "v3:3 v2:2 v1:1",
    destination: "b:3 a:1",
    byPlace: true,
    expected: ["equal v1=a", "equal v3=b", "missing NewerVersionThere v2="],
  },
  {
    name: "what is too young is not told of",
    source: "v2@9 v1@1",
    destination: "x@8",
    untilMs: 5,
    expected: ["missing NotThere v1=", "young NotThere v2=", "young OnlyThere =x"],
  },
];

for (const { name, source, destination, known = {}, byPlace = false, untilMs, expected } of CASES) {
  test(`a verdict: ${name}`, () => {
    const options = { untilMs: untilMs ?? 1e15, replicaIds: new Map(Object.entries(known)), byPlace };
    assert.deepEqual(judged(rows("k", source), rows("k", destination), options), expected);
  });
}

interface Entry extends AuditRow {
  readonly atSource: boolean;
  readonly atDestination: boolean;
}

/** One loop over everything with everything else: slow, and plain enough to be believed. */
function naively(source: readonly AuditRow[], destination: readonly AuditRow[]): string[] {
  const told: string[] = [];
  const placeOf = (all: readonly AuditRow[], one: AuditRow) =>
    all.filter((other) => other.key === one.key).findIndex((other) => other.versionId === one.versionId);
  const twin = (all: readonly AuditRow[], one: AuditRow) =>
    all.find((other) => other.key === one.key && other.versionId === one.versionId);
  for (const one of source) {
    const other = twin(destination, one);
    if (other === undefined)
      told.push(`${one.key} ${one.isDeleteMarker ? "deleteMarker" : "missing"} ${one.versionId}`);
    else if (other.isDeleteMarker !== one.isDeleteMarker) told.push(`${one.key} deleteMarker ${one.versionId}`);
    else if (other.sizeBytes !== one.sizeBytes) told.push(`${one.key} data ${one.versionId}`);
    else {
      const isBelowAnOlder = source.some((older) => {
        const there = twin(destination, older);
        return (
          older.key === one.key &&
          there?.isDeleteMarker === older.isDeleteMarker &&
          placeOf(source, older) > placeOf(source, one) &&
          placeOf(destination, there) < placeOf(destination, other)
        );
      });
      told.push(`${one.key} ${isBelowAnOlder ? "order" : "equal"} ${one.versionId}`);
    }
  }
  for (const one of destination) {
    if (twin(source, one) !== undefined) continue;
    told.push(`${one.key} ${one.isDeleteMarker ? "deleteMarker" : "extra"} ${one.versionId}`);
  }
  return told.sort();
}

function merged(source: readonly AuditRow[], destination: readonly AuditRow[], pageSize: number): string[] {
  const merge = new KeyMerge<AuditRow>();
  const sides = { source, destination };
  const at = { source: 0, destination: 0 };
  const told: string[] = [];
  for (;;) {
    for (const pair of merge.take()) {
      judgeKey(pair, JUDGED_BY_IDS, {
        equal: (version) => told.push(`${version.key} equal ${version.versionId}`),
        found: ({ verdict, version, replica }) =>
          told.push(`${pair.key} ${verdict} ${(version ?? replica)?.versionId ?? ""}`),
      });
    }
    const wanted = merge.wants();
    if (wanted.length === 0) return told.sort();
    for (const side of wanted) {
      const page = sides[side].slice(at[side], at[side] + pageSize);
      at[side] += page.length;
      assert.ok(merge.push(side, page, at[side] === sides[side].length));
    }
  }
}

test("what two listings come to is what a comparison of everything with everything comes to", () => {
  const key = fc.constantFrom("a", "a/b", "b", "é", "\u{ffff}", "\u{10000}");
  const entry = fc.record({
    key,
    versionId: fc.constantFrom("1", "2", "3", "4"),
    isDeleteMarker: fc.boolean(),
    sizeBytes: fc.integer({ min: 0, max: 1 }),
  });
  const listing = fc.uniqueArray(entry, { maxLength: 16, selector: (one) => `${one.key}/${one.versionId}` });
  const ordered = (entries: readonly Omit<Entry, "etag" | "lastModifiedMs" | "atSource" | "atDestination">[]) =>
    entries
      .map(
        (one): AuditRow => ({ ...one, sizeBytes: one.isDeleteMarker ? 0 : one.sizeBytes, etag: "", lastModifiedMs: 0 }),
      )
      .sort((one, other) => compareKeys(one.key, other.key));
  fc.assert(
    fc.property(listing, listing, fc.integer({ min: 1, max: 5 }), (here, there, pageSize) => {
      const [source, destination] = [ordered(here), ordered(there)];
      assert.deepEqual(merged(source, destination, pageSize), naively(source, destination));
    }),
    { numRuns: 500 },
  );
});
