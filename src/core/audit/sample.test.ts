import assert from "node:assert/strict";
import { test } from "node:test";
import { isSampled } from "./sample.ts";

const rows = Array.from({ length: 20_000 }, (_, index) => ({
  key: `photos/${String(index).padStart(6, "0")}`,
  versionId: "null",
  isDeleteMarker: false,
}));

test("a sample has about the share that was asked for, from all over the keys", () => {
  const picked = rows.filter((one) => isSampled(one, 0.05));
  assert.ok(picked.length > 800 && picked.length < 1200, String(picked.length));
  const halves = picked.filter((one) => one.key < "photos/010000").length / picked.length;
  assert.ok(halves > 0.4 && halves < 0.6, String(halves));
});

test("a larger sample has every version of a smaller one", () => {
  assert.ok(rows.filter((one) => isSampled(one, 0.01)).every((one) => isSampled(one, 0.02)));
});

test("all is all and none is none", () => {
  assert.ok(rows.every((one) => isSampled(one, 1)));
  assert.ok(!rows.some((one) => isSampled(one, 0)));
});
