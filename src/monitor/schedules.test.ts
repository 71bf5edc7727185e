import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "node:test";
import type { Ledger } from "../ledger/ledger.ts";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import { remembered, type WatchResult } from "./history.ts";
import { cronComplaint, type Schedule, type ScheduleClock, Schedules } from "./schedules.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 2, 28, 12, 0, 0);
/** Turns of the event loop in which the ledger answers and nothing else is left to happen. */
const QUIET_TURNS = 40;

/** Time that stands still until it is moved, and then goes from sleeper to sleeper. */
class TestTime implements ScheduleClock {
  atMs = START;
  readonly #sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>();

  nowMs(): number {
    return this.atMs;
  }

  random(): number {
    return 0.5;
  }

  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { atMs: this.atMs + ms, wake };
      this.#sleepers.add(sleeper);
      signal.addEventListener("abort", wake);
    });
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.atMs + ms;
    for (;;) {
      await settle();
      const [next] = [...this.#sleepers].toSorted((one, other) => one.atMs - other.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.atMs = Math.max(this.atMs, next.atMs);
      next.wake();
    }
    this.atMs = untilMs;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < QUIET_TURNS; turn++) await new Promise(setImmediate);
}

describe("schedules", () => {
  let ledger: Ledger;
  let time: TestTime;
  const nodes: { over: AbortController; running: Promise<void> }[] = [];
  const troubles: string[] = [];
  /** When a watch was begun, and where. */
  let begun: string[] = [];
  beforeEach(() => {
    ledger = openSqliteLedger({ path: ":memory:" });
    time = new TestTime();
    begun = [];
    troubles.length = 0;
  });
  afterEach(async () => {
    for (const one of nodes.splice(0)) await stop(one);
    await ledger.close();
  });

  function start(
    holder: string,
    ...schedules: readonly Schedule[]
  ): Schedules & { readonly node: (typeof nodes)[number] } {
    const made = new Schedules({ ledger, clock: time, holder, onTrouble: (what) => troubles.push(what) });
    made.use(schedules);
    const over = new AbortController();
    const node = { over, running: made.run(over.signal) };
    nodes.push(node);
    return Object.assign(made, { node });
  }

  async function stop({ over, running }: (typeof nodes)[number]): Promise<void> {
    over.abort();
    await running;
  }

  function result(says: string): WatchResult {
    return { kind: "canary", subject: "photos", atMs: time.atMs, tookMs: 0, verdict: "ok", says, counts: {} };
  }

  function watch(holder: string, more: Partial<Schedule> = {}): Schedule {
    return {
      kind: "canary",
      subject: "photos",
      when: { everyMs: 5 * MINUTE },
      run: async () => {
        begun.push(`${holder} ${(time.atMs - START) / MINUTE}`);
        return [result(holder)];
      },
      ...more,
    };
  }

  it("begins at once, then every so often, and remembers what was found", async () => {
    start("a", watch("a"));
    await time.pass(11 * MINUTE);
    assert.deepEqual(begun, ["a 0", "a 5", "a 10"]);
    assert.equal((await remembered(ledger, "canary", "photos")).length, 3);
  });

  it("begins at the times of a cron expression, in its zone, also over the change of clocks", async () => {
    // Berlin puts its clocks forward on 29 March 2026: 3:00 is 2:00 UTC before and 1:00 UTC after.
    const when = { cron: "0 3 * * *", timezone: "Europe/Berlin" };
    const schedules = start("a", watch("a", { when }));
    await settle();
    assert.deepEqual(await schedules.list(), [
      {
        kind: "canary",
        subject: "photos",
        when: "0 3 * * * Europe/Berlin",
        nextAtMs: Date.UTC(2026, 2, 29, 1),
        isRunning: false,
      },
    ]);
    await time.pass(48 * HOUR);
    assert.deepEqual(begun, ["a 780", "a 2220"]);
  });

  it("waits for its share of the jitter, so that not all begin at once", async () => {
    start(
      "a",
      watch("a", { jitterMs: MINUTE }),
      watch("b", { subject: "b", when: { cron: "5 * * * *" }, jitterMs: MINUTE }),
    );
    await time.pass(6 * MINUTE);
    assert.deepEqual(begun.toSorted(), ["a 0.5", "a 5.5", "b 5.5"]);
  });

  it("does once what was missed while nobody ran, when its period has gone by, and else waits for its time", async () => {
    const { node } = start("a", watch("a"), watch("cron", { subject: "cron", when: { cron: "0 * * * *" } }));
    await time.pass(MINUTE);
    await stop(node);
    time.atMs += 2 * MINUTE;
    const again = start("b", watch("b"), watch("cron", { subject: "cron", when: { cron: "0 * * * *" } }));
    await time.pass(MINUTE);
    assert.deepEqual(begun, ["a 0"]);
    await stop(again.node);
    time.atMs += 3 * HOUR;
    start("c", watch("c"), watch("cron", { subject: "cron", when: { cron: "0 * * * *" } }));
    await time.pass(MINUTE);
    assert.deepEqual(begun.toSorted(), ["a 0", "c 184", "cron 184"]);
  });

  it("is run by one of several nodes", async () => {
    for (const holder of ["a", "b", "c"]) start(holder, watch(holder));
    await time.pass(16 * MINUTE);
    assert.deepEqual(
      begun.map((one) => one.slice(2)),
      ["0", "5", "10", "15"],
    );
  });

  it("does not overlap with itself, however long it takes, and shows on every node that it runs", async () => {
    let end: () => void = () => undefined;
    const long = (holder: string) =>
      watch(holder, {
        run: async () => {
          begun.push(holder);
          await new Promise<void>((resolve) => {
            end = resolve;
          });
          return [];
        },
      });
    const [a, b] = [start("a", long("a")), start("b", long("b"))];
    await time.pass(30 * MINUTE);
    assert.equal(begun.length, 1);
    for (const one of [a, b]) assert.equal((await one.list())[0]?.isRunning, true);
    assert.equal(await a.start("canary", "photos"), "running");
    assert.equal(await b.start("canary", "photos"), "running");
    end();
    await settle();
    // Its next time is long past.
    await time.pass(MINUTE);
    assert.equal(begun.length, 2);
    end();
  });

  it("is taken over when its node dies in the middle, and given up for the period when it kills every node", async () => {
    const dies = (holder: string) =>
      watch(holder, {
        when: { everyMs: 24 * HOUR },
        run: (signal) => {
          begun.push(`${holder} ${Math.round((time.atMs - START) / MINUTE)}`);
          return new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("killed"))));
        },
      });
    for (const holder of ["a", "b", "c", "d"]) {
      const { node } = start(holder, dies(holder));
      await time.pass(10 * MINUTE);
      await stop(node);
    }
    assert.deepEqual(begun, ["a 0", "b 10", "c 20"]);
    assert.deepEqual(await remembered(ledger), []);
  });

  it("remembers what could not be done with its reason, and goes on", async () => {
    let isBroken = true;
    const run: Schedule["run"] = async () => {
      if (isBroken) throw new Error("nobody answers");
      return [result("well")];
    };
    start("a", watch("a", { run }));
    await time.pass(MINUTE);
    isBroken = false;
    await time.pass(5 * MINUTE);
    const [well, broken] = await remembered(ledger, "canary", "photos");
    assert.deepEqual([well?.says, broken?.verdict, broken?.says], ["well", "failed", "nobody answers"]);
    assert.deepEqual(troubles, ["canary of photos"]);
  });

  it("is begun when somebody asks, and one without a time only then", async () => {
    const schedules = start("a", watch("a", { when: { everyMs: HOUR } }), {
      kind: "probe",
      subject: "photos",
      run: async () => {
        begun.push("probe");
        return [];
      },
    });
    await time.pass(MINUTE);
    assert.deepEqual(
      (await schedules.list()).map(({ kind, when, nextAtMs }) => [kind, when, nextAtMs]),
      [
        ["canary", "every 1h", START + HOUR],
        ["probe", "when asked", undefined],
      ],
    );
    assert.equal(await schedules.start("probe", "photos"), "started");
    assert.equal(await schedules.start("canary", "photos"), "started");
    assert.equal(await schedules.start("canary", "photo"), undefined);
    await settle();
    assert.deepEqual(begun, ["a 0", "probe", "a 1"]);
  });

  it("takes new schedules while it runs, and drops the old ones", async () => {
    const schedules = start("a", watch("a"));
    await time.pass(MINUTE);
    schedules.use([watch("other", { subject: "other", when: { everyMs: MINUTE } })]);
    await time.pass(5 * MINUTE);
    assert.equal(begun.filter((one) => one.startsWith("a ")).length, 1);
    assert.ok(begun.filter((one) => one.startsWith("other ")).length >= 5);
  });

  it("says why an expression cannot be used", () => {
    assert.equal(cronComplaint("*/5 * * * *"), undefined);
    assert.equal(cronComplaint("0 3 * * 1", "Europe/Berlin"), undefined);
    for (const [cron, zone] of [["every day"], ["61 * * * *"], ["* * * *"], ["0 3 * * *", "Europe/Nowhere"]] as const) {
      assert.ok((cronComplaint(cron, zone) ?? "") !== "", cron);
    }
  });
});
