import assert from "node:assert/strict";
import { test } from "node:test";
import { progressWords } from "./progress-bar.ts";

test("a first audit shows what is done and how fast, and no total", () => {
  const so = { versions: 1_234_567, exceptions: 3, isResumed: false };
  assert.equal(
    progressWords(so, { versions: 1_234_567, tookMs: 100_000 }),
    "1,234,567 versions, 12,346/s, 3 exceptions",
  );
});

test("later ones show how many there were", () => {
  const so = { versions: 500, exceptions: 0, versionsBefore: 1000, isResumed: false };
  assert.equal(progressWords(so, { versions: 500, tookMs: 2000 }), "500 versions of about 1,000, 250/s, 0 exceptions");
});

test("what was compared before an interruption does not make the rate", () => {
  const so = { versions: 900, exceptions: 0, isResumed: true };
  assert.equal(progressWords(so, { versions: 100, tookMs: 2000 }), "900 versions, 50/s, 0 exceptions");
});

test("of the first second no rate is told", () => {
  assert.equal(
    progressWords({ versions: 10, exceptions: 0, isResumed: false }, { versions: 10, tookMs: 500 }),
    "10 versions, 0 exceptions",
  );
});
