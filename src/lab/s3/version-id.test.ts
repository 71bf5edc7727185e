import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { openLabDatabase } from "../database.ts";
import { openSequence } from "./sequence.ts";
import { isVersionId, mintVersionId, placeOfVersionId } from "./version-id.ts";

test("a version id holds its place, and no two are alike", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (place) => {
      const id = mintVersionId(place, "lab");
      assert.match(id, /^[A-Za-z0-9._]{32}$/);
      assert.equal(placeOfVersionId(id), place);
      assert.notEqual(mintVersionId(place, "lab"), id);
    }),
  );
});

test("ids of other stores, and ids with a changed character, hold no place", () => {
  for (const id of ["null", "", "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRcxvf3vjVBH40Nr8X8gdRQBPUMLUo", "x".repeat(32)]) {
    assert.equal(placeOfVersionId(id), undefined, id);
  }
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat({ max: 31 }), (place, at) => {
      const id = mintVersionId(place, "lab");
      const changed = `${id.slice(0, at)}${id[at] === "A" ? "B" : "A"}${id.slice(at + 1)}`;
      assert.equal(placeOfVersionId(changed), undefined);
    }),
  );
  assert.equal(isVersionId(""), false);
  assert.equal(isVersionId("x".repeat(1025)), false);
});

test("the sequence only grows, also when the clock goes back and the lab starts again", async () => {
  const database = openLabDatabase(":memory:");
  const sequence = openSequence(database);
  const numbers = [1_000_000, 1_000_000, 999_000, 1_000_001, 0].map((nowMs) => sequence.next(nowMs));
  const sorted = [...numbers].sort((a, b) => a - b);
  assert.deepEqual(numbers, sorted);
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal(numbers[0], 1_000_000_000);
  await database.write(() => undefined);
  const again = openSequence(database).next(0);
  assert.ok(again > (numbers.at(-1) ?? 0));
  await database.close();
});
