import assert from "node:assert/strict";
import { test } from "node:test";
import { addDifference, coverageOf, type Difference, emptyTally, exceptionsIn, sumOf } from "./tally.ts";

const MISSING: Difference = {
  verdict: "missing",
  key: "k",
  versionId: "v1",
  replicaVersionId: "",
  isDeleteMarker: false,
  sizeBytes: 10,
  lastModifiedMs: 1000,
  reason: "NotThere",
  says: "It is not there",
  isExpected: false,
};

test("what is expected is told and is no exception", () => {
  const tally = emptyTally();
  tally.counts.equal = 3;
  addDifference(tally, MISSING, 2000);
  addDifference(tally, { ...MISSING, verdict: "explained", reason: "PrefixDiffers", isExpected: true }, 2000);
  assert.equal(exceptionsIn(tally), 1);
  assert.equal(coverageOf(tally), 0.75);
  assert.equal(tally.oldestLossMs, 1000);
});

test("an empty bucket is covered", () => {
  assert.equal(coverageOf(emptyTally()), 1);
});

test("ranges add up to what one walk would have counted, whatever is kept as JSON in between", () => {
  const whole = emptyTally();
  const parts = [emptyTally(), emptyTally()];
  const found = [
    MISSING,
    { ...MISSING, lastModifiedMs: 500 },
    { ...MISSING, reason: "ReplicaRemoved" },
    { ...MISSING, verdict: "extra" as const, reason: "OnlyThere" },
  ];
  for (const [index, one] of found.entries()) {
    addDifference(whole, one, 4_000_000);
    const part = parts[index % 2];
    if (part !== undefined) addDifference(part, one, 4_000_000);
  }
  assert.deepEqual(sumOf(parts.map((one) => JSON.parse(JSON.stringify(one)) as typeof one)), sumOf([whole]));
  assert.equal(sumOf(parts).oldestLossMs, 500);
});
