import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DatabaseError } from "../ledger/database.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import { SERIES_RANGES, Series, type SeriesPoint } from "./series.ts";

const START = 1_700_000_100_000;

function point(pending: number, change: Partial<SeriesPoint> = {}): SeriesPoint {
  return {
    pending,
    pendingBytes: pending * 10,
    failed: 0,
    tasksPerSecond: pending,
    bytesPerSecond: 0,
    lagP50Ms: null,
    lagP99Ms: null,
    ...change,
  };
}

/** Runs a series over so many steps of a clock that jumps, and ends it. */
async function run(
  ledger: Ledger,
  options: { readonly fromMs: number; readonly steps: number; readonly name?: string },
  measure: (step: number) => SeriesPoint,
): Promise<Series> {
  let nowMs = options.fromMs;
  let step = 0;
  const over = new AbortController();
  const clock = {
    nowMs: () => nowMs,
    sleep: async (ms: number) => {
      step++;
      if (step >= options.steps) over.abort();
      else nowMs += ms;
    },
  };
  const series = new Series({ ledger, clock, name: options.name ?? "a", measure: async () => measure(step) });
  await series.run(over.signal);
  return series;
}

describe("series", () => {
  it("tell a point for every ten seconds of the last hour, the oldest first", async () => {
    const ledger = openSqliteLedger({ path: ":memory:" });
    const series = await run(ledger, { fromMs: START + 3000, steps: 3 }, (step) => point(step));
    const told = series.tell("hour");
    assert.deepEqual(told.atMs, [START, START + 10_000, START + 20_000]);
    assert.deepEqual(told.pending, [0, 1, 2]);
    assert.deepEqual(told.pendingBytes, [0, 10, 20]);
    assert.deepEqual(told.lagP50Ms, [null, null, null]);
    assert.deepEqual(series.latest(), { atMs: START + 20_000, ...point(2) });
    await ledger.close();
  });

  it("tell of a step of the day the most that waited, the mean of what moved, and the longest lag", async () => {
    const ledger = openSqliteLedger({ path: ":memory:" });
    const fromMs = START - (START % SERIES_RANGES.day.stepMs);
    const series = await run(ledger, { fromMs, steps: 31 }, (step) =>
      step === 3 ? point(9, { lagP99Ms: 70 }) : point(step < 30 ? 0 : 4, { lagP99Ms: step < 30 ? 50 : null }),
    );
    const told = series.tell("day");
    assert.deepEqual(told.atMs, [fromMs, fromMs + 300_000]);
    assert.deepEqual(told.pending, [9, 4]);
    assert.deepEqual(told.tasksPerSecond, [0.3, 4]);
    assert.deepEqual(told.lagP99Ms, [70, null]);
    await ledger.close();
  });

  it("go on after a restart, with a gap for the time in which nobody measured", async () => {
    const ledger = openSqliteLedger({ path: ":memory:" });
    await run(ledger, { fromMs: START, steps: 2 }, () => point(5));
    const series = await run(ledger, { fromMs: START + 40_000, steps: 1 }, () => point(6));
    const told = series.tell("hour");
    assert.deepEqual(told.pending, [5, 5, null, null, 6]);
    assert.equal(told.atMs.length, 5);
    await ledger.close();
  });

  it("forget what is older than an hour and a day", async () => {
    const ledger = openSqliteLedger({ path: ":memory:" });
    await run(ledger, { fromMs: START, steps: 2 }, () => point(5));
    const nextDay = await run(ledger, { fromMs: START + 86_400_000 + 300_000, steps: 1 }, () => point(6));
    assert.deepEqual(nextDay.tell("hour").pending, [6]);
    assert.deepEqual(nextDay.tell("day").pending, [6]);
    const full = await run(ledger, { fromMs: START + 2 * 86_400_000, steps: 400 }, (step) => point(step));
    assert.deepEqual(full.tell("hour").pending.slice(0, 2), [40, 41]);
    assert.equal(full.tell("hour").pending.length, SERIES_RANGES.hour.points);
    await ledger.close();
  });

  it("are kept by one of several that share a ledger, and by another one after it has ended", async () => {
    const ledger = openSqliteLedger({ path: ":memory:" });
    await ledger.hold("series", "b", { nowMs: START, untilMs: START + 1_000_000 });
    await run(ledger, { fromMs: START, steps: 10, name: "a" }, () => point(5));
    assert.equal(await ledger.checkpoint("series"), undefined);
    await ledger.letGo("series", "b");
    await run(ledger, { fromMs: START, steps: 10, name: "a" }, () => point(5));
    assert.notEqual(await ledger.checkpoint("series"), undefined);
    assert.equal(await ledger.hold("series", "b", { nowMs: START, untilMs: START + 1 }), true);
    await ledger.close();
  });

  it("have a gap where the ledger is out of reach, and end with what is a fault of ours", async () => {
    const ledger = openSqliteLedger({ path: ":memory:" });
    const away = new DatabaseError("io", "away");
    const series = await run(ledger, { fromMs: START, steps: 3 }, (step) => {
      if (step === 1) throw away;
      return point(step);
    });
    assert.deepEqual(series.tell("hour").pending, [0, null, 2]);
    const fault = new TypeError("a fault");
    await assert.rejects(
      run(ledger, { fromMs: START, steps: 3 }, () => {
        throw fault;
      }),
      fault,
    );
    await ledger.close();
  });

  it("are empty when nothing was measured yet", () => {
    const clock = { nowMs: () => START, sleep: async () => undefined };
    const ledger = openSqliteLedger({ path: ":memory:" });
    const series = new Series({ ledger, clock, name: "a", measure: async () => point(0) });
    assert.deepEqual(series.tell("day").atMs, []);
    assert.equal(series.latest(), undefined);
  });
});
