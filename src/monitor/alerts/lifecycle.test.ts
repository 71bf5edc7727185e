/** The state machine of one sign, against what its history says. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Level, type Life, lived, RESOLVED_KEPT_MS } from "./lifecycle.ts";

const SETTINGS = { forMs: 60, keepMs: 100 };

/** Looks at these levels, so many ms after one another; returns each state. */
function states(steps: readonly (readonly [Level, number])[], settings = SETTINGS): (Life["state"] | "nothing")[] {
  let life: Life | undefined;
  let nowMs = 1000;
  return steps.map(([level, afterMs]) => {
    nowMs += afterMs;
    life = lived(life, level, settings, nowMs);
    return life?.state ?? "nothing";
  });
}

describe("an alert's life", () => {
  it("fires when it has held long enough without a gap", () => {
    assert.deepEqual(
      states([
        ["over", 0],
        ["over", 59],
        ["over", 1],
      ]),
      ["pending", "pending", "firing"],
    );
    assert.deepEqual(
      states([
        ["over", 0],
        ["between", 30],
        ["over", 1],
        ["over", 59],
      ]),
      ["pending", "nothing", "pending", "pending"],
    );
  });

  it("fires at once where it need not hold for a while", () => {
    assert.deepEqual(states([["over", 0]], { forMs: 0, keepMs: 0 }), ["firing"]);
  });

  it("goes on between the bounds, and is resolved when it was clear long enough without a gap", () => {
    const firing = [
      ["over", 0],
      ["over", 60],
    ] as const;
    assert.deepEqual(states([...firing, ["between", 500], ["clear", 10], ["clear", 99], ["clear", 1]]).slice(2), [
      "firing",
      "firing",
      "firing",
      "resolved",
    ]);
    assert.deepEqual(states([...firing, ["clear", 10], ["between", 90], ["clear", 10], ["clear", 99]]).slice(2), [
      "firing",
      "firing",
      "firing",
      "firing",
    ]);
  });

  it("is shown for a day when it is over, and begins anew when it holds again", () => {
    const over: Life = { state: "resolved", sinceMs: 0, firedAtMs: 60, resolvedAtMs: 1000 };
    assert.equal(lived(over, "clear", SETTINGS, 1000 + RESOLVED_KEPT_MS - 1), over);
    assert.equal(lived(over, "clear", SETTINGS, 1000 + RESOLVED_KEPT_MS), undefined);
    assert.deepEqual(lived(over, "over", SETTINGS, 2000), { state: "pending", sinceMs: 2000 });
  });

  it("changes as its history says, whatever happens", () => {
    const step = fc.tuple(fc.constantFrom<Level>("over", "between", "clear", "unknown"), fc.nat(80));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let life: Life | undefined;
        let nowMs = 0;
        // What is not known is as if nobody had looked.
        const known: { readonly level: Level; readonly atMs: number }[] = [];
        for (const [level, afterMs] of steps) {
          nowMs += afterMs;
          const before = life;
          life = lived(life, level, SETTINGS, nowMs);
          if (level === "unknown") {
            assert.equal(life, before);
            continue;
          }
          known.push({ level, atMs: nowMs });
          const unbroken = (wanted: Level) => {
            const end = known.findLastIndex((one) => one.level !== wanted);
            const first = known[end + 1];
            return first === undefined ? -1 : nowMs - first.atMs;
          };
          const isFiring = life?.state === "firing";
          const wasFiring = before?.state === "firing";
          if (isFiring && !wasFiring) assert.ok(unbroken("over") >= SETTINGS.forMs);
          if (wasFiring && !isFiring) assert.ok(unbroken("clear") >= SETTINGS.keepMs);
          if (!wasFiring && unbroken("over") >= SETTINGS.forMs) assert.ok(isFiring);
          if (wasFiring && unbroken("clear") >= SETTINGS.keepMs) assert.equal(life?.state, "resolved");
          if (life?.state === "pending") assert.ok(unbroken("over") < SETTINGS.forMs);
        }
      }),
    );
  });
});
