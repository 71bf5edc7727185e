import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { canaryDirectory, canaryId, canaryPrefix, isCanaryKey, isLeftCanary } from "./canary-key.ts";

const UNTIL = Date.UTC(2026, 2, 1, 12, 0, 0, 500);

describe("canary keys", () => {
  it("stand under the prefix of their rule, also where that ends in no slash", () => {
    const id = canaryId(UNTIL, "a1b2");
    assert.equal(id, "20260301T120000Z-a1b2");
    assert.equal(canaryPrefix("photos/", id), "photos/.lockstep-canary/20260301T120000Z-a1b2/");
    assert.equal(canaryPrefix("photos", id), "photos.lockstep-canary/20260301T120000Z-a1b2/");
    assert.equal(canaryDirectory(""), ".lockstep-canary/");
    for (const prefix of ["", "photos/", "photos"]) assert.ok(isCanaryKey(`${canaryPrefix(prefix, id)}plain`));
  });

  it("are not what only looks like one: a person's object is nobody's to remove", () => {
    for (const key of [
      "",
      ".lockstep-canary/",
      ".lockstep-canary/notes.txt",
      ".lockstep-canary/20260301T120000Z-a1b2/",
      ".lockstep-canary/20260301T120000Z-a1b2/deeper/plain",
      ".lockstep-canary/20260301T120000Z/plain",
      "lockstep-canary/20260301T120000Z-a1b2/plain",
    ]) {
      assert.equal(isCanaryKey(key), false, key);
      assert.equal(isLeftCanary(key, UNTIL * 2), false, key);
    }
  });

  it("are left behind when their run is over, and not before", () => {
    const key = `${canaryPrefix("", canaryId(UNTIL, "x"))}plain`;
    assert.equal(isLeftCanary(key, UNTIL), false);
    assert.equal(isLeftCanary(key, UNTIL + 999), true);
    assert.equal(isLeftCanary(key, UNTIL - 86_400_000), false);
  });

  it("refuse words that would make another key of them", () => {
    assert.throws(() => canaryId(UNTIL, "a/b"));
    assert.throws(() => canaryId(UNTIL, ""));
  });
});
