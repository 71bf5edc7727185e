import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { compareKeys } from "../core/keys.ts";
import { cutBetween } from "./key-cuts.ts";

/** Cuts what is behind a key in a bucket of these keys; tells the halves, and how often the store was asked. */
async function halves(keys: readonly string[], afterKey: string, upTo?: string) {
  const inOrder = keys.toSorted(compareKeys);
  let asked = 0;
  const cut = await cutBetween(afterKey, upTo, async (text) => {
    asked += 1;
    return inOrder.find((key) => compareKeys(key, text) > 0);
  });
  const left = inOrder.filter(
    (key) => compareKeys(key, afterKey) > 0 && (upTo === undefined || compareKeys(key, upTo) <= 0),
  );
  const lower = left.filter((key) => cut !== undefined && compareKeys(key, cut) <= 0).length;
  return { cut, asked, left: left.length, lower, upper: left.length - lower };
}

describe("what is left of a range of keys", () => {
  it("is cut about in the middle where keys are numbered behind a long beginning", async () => {
    const keys = Array.from({ length: 1000 }, (_, at) => `photos/2026/07/IMG_${String(at).padStart(8, "0")}.jpg`);
    const { lower, upper, asked } = await halves(keys, keys[99] ?? "");
    assert.ok(lower > 300 && upper > 300, `${lower} and ${upper}`);
    assert.ok(asked < 30, `${asked} questions`);
  });

  it("is cut within its end, not behind it", async () => {
    const keys = Array.from({ length: 100 }, (_, at) => `k${String(at).padStart(2, "0")}`);
    const { cut = "", lower, upper } = await halves(keys, "k10", "k49");
    assert.ok(compareKeys(cut, "k49") < 0, cut);
    assert.ok(lower >= 10 && upper >= 10, `${lower} and ${upper}`);
  });

  it("is not cut where one key is left, or none", async () => {
    assert.equal((await halves(["a", "b"], "a")).cut, undefined);
    assert.equal((await halves(["a", "b"], "b")).cut, undefined);
    assert.equal((await halves(["a", "b", "c", "d"], "a", "b")).cut, undefined);
  });

  it("has something in both halves whatever the keys are", async () => {
    const key = fc.string({ unit: "binary", minLength: 1, maxLength: 6 }).filter((one) => !one.includes("\u{10ffff}"));
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(key, { minLength: 2, maxLength: 30 }), async (keys) => {
        const { cut, lower, upper } = await halves(keys, "");
        assert.ok(cut !== undefined && lower > 0 && upper > 0, `${JSON.stringify(cut)}: ${lower} and ${upper}`);
      }),
      { numRuns: 300 },
    );
  });
});
