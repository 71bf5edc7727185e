import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gapsBetween, isFree, isPast } from "./scan-parts.ts";

describe("the parts of a walk", () => {
  it("leave out everything when there are none, and nothing when one has no ends", () => {
    assert.deepEqual(gapsBetween([]), [{}]);
    assert.deepEqual(gapsBetween([{}]), []);
  });

  it("leave out what lies before, between and behind them, in whatever order they are told", () => {
    const parts = [
      { from: "m", upTo: "p" },
      { from: "b", upTo: "d" },
      { from: "d", upTo: "g" },
    ];
    assert.deepEqual(gapsBetween(parts), [{ upTo: "b" }, { from: "g", upTo: "m" }, { from: "p" }]);
  });

  it("may overlap, and one may lie within another", () => {
    assert.deepEqual(gapsBetween([{ upTo: "p" }, { from: "b", upTo: "d" }, { from: "f" }]), []);
    assert.deepEqual(gapsBetween([{ upTo: "p" }, { from: "b", upTo: "d" }]), [{ from: "p" }]);
  });

  it("stand in the order of UTF-8, not in that of JavaScript", () => {
    assert.deepEqual(gapsBetween([{ upTo: "\uffee" }, { from: "\u{10000}" }]), [{ from: "\uffee", upTo: "\u{10000}" }]);
    assert.equal(isPast("\u{10000}", "\uffee"), true);
    assert.equal(isPast("a", undefined), false);
  });

  it("are free when their holder was not heard of for a while, or is oneself", () => {
    const part = { id: "1", isDone: false, holder: "one", untilMs: 10 };
    assert.equal(isFree(part, { holder: "other", nowMs: 9 }), false);
    assert.equal(isFree(part, { holder: "other", nowMs: 10 }), true);
    assert.equal(isFree(part, { holder: "one", nowMs: 9 }), true);
    assert.equal(isFree({ ...part, isDone: true }, { holder: "one", nowMs: 10 }), false);
  });
});
