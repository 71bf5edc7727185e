import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { factsOf } from "../../test/fixtures/diagnose-facts.ts";
import { diagnose, Examination } from "../core/diagnose/diagnose.ts";
import type { Facts } from "../core/diagnose/facts.ts";
import { parseSnapshot, readSnapshot, type Snapshot, SnapshotError } from "./snapshot.ts";

const FACTS = factsOf({
  kms: true,
  role: { WriteReplicas: null },
  versions: [
    { key: "a", count: 7, status: "FAILED", failure: "DstPutObjectNotPermitted", step: "writeReplica" },
    { key: "b", status: "COMPLETED", tags: [{ key: "k", value: "v" }], parts: 3 },
    { key: "c", marker: true, replica: "absent" },
  ],
});

function snapshotOf({ versions, ...setup }: Facts): Snapshot {
  const examination = new Examination(setup);
  for (const one of versions) examination.add(one);
  return {
    format: "lockstep-snapshot",
    version: 1,
    takenAt: "2026-01-01T00:00:00.000Z",
    caller: { accountId: "111122223333", endpoint: "aws" },
    setup,
    alike: examination.alike(),
  };
}

function refusalOf(value: unknown): string {
  try {
    parseSnapshot(typeof value === "string" ? value : JSON.stringify(value), "facts.json");
  } catch (error) {
    assert.ok(error instanceof SnapshotError);
    return error.message;
  }
  return "it was read";
}

test("snapshot: what is read back is what was written, and is diagnosed alike", () => {
  const written = snapshotOf(FACTS);
  const read = parseSnapshot(JSON.stringify(written), "facts.json");
  assert.deepEqual(read, written);
  const examination = new Examination(read.setup);
  for (const one of read.alike) examination.add(one.version, one);
  assert.deepEqual(examination.explained().diagnosis, diagnose(FACTS).diagnosis);
});

test("snapshot: members that are not known are left out, wherever they stand", () => {
  const written = snapshotOf(FACTS);
  const newer = { ...written, more: 1, setup: { ...written.setup, source: { ...written.setup.source, more: {} } } };
  assert.deepEqual(parseSnapshot(JSON.stringify(newer), "facts.json"), written);
});

test("snapshot: what is no snapshot is refused by its name and with what to do", async () => {
  assert.match(refusalOf("{"), /^facts\.json is not JSON/);
  assert.match(refusalOf({ diagnosis: {} }), /^facts\.json is no snapshot: .*lockstep snapshot s3:\/\/BUCKET$/);
  assert.match(refusalOf({ ...snapshotOf(FACTS), version: 2 }), /version 2, .* up to 1: use a newer Lockstep$/);
  await assert.rejects(readSnapshot("no-such-file.json"), {
    name: "SnapshotError",
    message: /^no-such-file\.json cannot be read \(ENOENT\)/,
  });
});

test("snapshot: a wrong member is refused by its path", () => {
  const written = snapshotOf(FACTS);
  const { setup, alike } = written;
  const wrong = { ...setup, source: { ...setup.source, versioning: { state: "read", value: "On" } } };
  assert.match(refusalOf({ ...written, setup: wrong }), /^facts\.json: setup\.source\.versioning\.value: /);
  const { versions: _, ...nameless } = alike[0] ?? {};
  assert.match(refusalOf({ ...written, alike: [nameless] }), /^facts\.json: alike\[0\]\.versions: .*it is not there/);
});

test("snapshot: whatever stands in place of one of its members, it is refused as such, or diagnosed", () => {
  const text = JSON.stringify(snapshotOf(FACTS));
  const places = placesIn(JSON.parse(text));
  const wish = fc.record({
    at: fc.nat(places.length - 1),
    by: fc.oneof(fc.jsonValue(), fc.constantFrom("", "{", "\u0000")),
  });
  fc.assert(
    fc.property(wish, ({ at, by }) => {
      const changed: unknown = JSON.parse(text);
      const path = places[at] ?? [];
      const holder = path.slice(0, -1).reduce((value, name) => Reflect.get(value as object, name) as unknown, changed);
      Reflect.set(holder as object, path.at(-1) ?? "", by);
      let read: Snapshot;
      try {
        read = parseSnapshot(JSON.stringify(changed), "facts.json");
      } catch (error) {
        assert.ok(error instanceof SnapshotError, String(error));
        return;
      }
      const examination = new Examination(read.setup);
      for (const one of read.alike) examination.add(one.version, one);
      examination.explained();
    }),
    { numRuns: 500 },
  );
});

/** The paths of all members, of members of members and so on. */
function placesIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => [[...path, name], ...placesIn(member, [...path, name])]);
}
