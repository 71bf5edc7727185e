/** How an engine goes on when stores are away, busy or slow, and whose turn it is. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import { FAILURES_TO_OPEN, TRIAL_AFTER_MS_MAX } from "../../src/engine/breaker.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { arnOf, HOUR_MS, keys, PaceWorld, SOURCE } from "./pace-world.ts";

const AWAY = { network: "refused" } as const;
const MINUTE_MS = 60_000;

describe("an engine between stores", () => {
  let world: PaceWorld;
  beforeEach(() => {
    world = new PaceWorld();
  });
  afterEach(async () => {
    assert.deepEqual(world.broken, []);
    await world.stop();
  });

  function breakerOf(engine: Engine, destination: string) {
    return engine.breakers().find((one) => one.name === arnOf(destination));
  }

  describe("a destination that is away", () => {
    test("is asked by one task at a time, and what waits for it uses up no attempts", async () => {
      const far = world.destination("far");
      far.refuses = () => AWAY;
      const engine = world.start();
      const fromMs = world.time.nowMs();
      await world.add("far", keys("a", 200));
      await world.passes(10 * MINUTE_MS);
      const tries = world.to("far").length;
      // The first tasks go out together; then trials, at last every half minute.
      const trials = world.to("far").filter((one) => one.atMs > fromMs + 500);
      assert.ok(trials.length >= 20 && trials.length <= 34, `${trials.length} trials`);
      assert.ok(trials.every((one) => one.underWay === 1));
      assert.ok(tries - trials.length >= FAILURES_TO_OPEN && tries - trials.length <= 2 * 9, `${tries} tries`);
      const { tasks } = await world.ledger.list({}, { limit: 1000 });
      assert.equal(tasks.filter((one) => one.state === "parked").length, 0);
      assert.ok(tasks.filter((one) => one.attempts === 0).length >= 200 - tries);
      const { state, lastAnswer } = breakerOf(engine, "far") ?? {};
      assert.notEqual(state, "closed");
      assert.equal(lastAnswer?.code, "EndpointUnreachable");
    });

    test("gets everything soon after it is back, whatever the tasks' own waits", async () => {
      const far = world.destination("far");
      far.refuses = () => AWAY;
      const engine = world.start();
      // Fewer than there are places: every one of them has failed often when the outage ends.
      await world.add("far", keys("a", 6));
      await world.passes(HOUR_MS);
      far.refuses = () => undefined;
      await world.time.runUntil(async () => (await world.completed("far")) === 6, TRIAL_AFTER_MS_MAX + 5000);
      assert.deepEqual([breakerOf(engine, "far")?.state, breakerOf(engine, "far")?.failures], ["closed", 0]);
    });

    test("gets soon also what is recorded as failed only when it is back already", async () => {
      const far = world.destination("far");
      far.refuses = () => AWAY;
      world.start();
      await world.add("far", keys("a", 6));
      await world.passes(HOUR_MS);
      let isSlow = false;
      let goOn = () => {};
      const slowness = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      world.onLedger = async (method) => {
        if (method !== "retryLater" || isSlow) return;
        isSlow = true;
        await slowness;
      };
      await world.time.runUntil(async () => isSlow, 2 * TRIAL_AFTER_MS_MAX);
      far.refuses = () => undefined;
      await world.time.runUntil(async () => (await world.completed("far")) === 5, 2 * TRIAL_AFTER_MS_MAX);
      goOn();
      await world.time.runUntil(async () => (await world.completed("far")) === 6, 1000);
    });

    test("is tried again by what fails right after it is back as if it had never failed before", async () => {
      const far = world.destination("far");
      far.refuses = () => AWAY;
      const engine = world.start({ smallTasks: 1 });
      await world.add("far", ["a"]);
      await world.passes(HOUR_MS);
      let isOver = false;
      far.refuses = () => {
        if (isOver) return undefined;
        isOver = breakerOf(engine, "far")?.state === "closed";
        return isOver ? AWAY : { status: 409, code: "OperationAborted" };
      };
      await world.time.runUntil(async () => isOver, 2 * TRIAL_AFTER_MS_MAX);
      await world.time.runUntil(async () => (await world.completed("far")) === 1, 2000);
    });

    test("holds up no other destination of the same source", async () => {
      world.destination("far").refuses = () => AWAY;
      world.destination("near");
      world.start();
      await world.add("far", keys("a", 50));
      await world.passes(MINUTE_MS);
      await world.add("near", keys("b", 50));
      await world.time.runUntil(async () => (await world.completed("near")) === 50, 1000);
    });

    test("is one that answers 503 without saying SlowDown, and not one that denies", async () => {
      world.destination("broken").refuses = () => ({ status: 503, code: "ServiceUnavailable" });
      world.destination("shut").refuses = () => ({ status: 403, code: "AccessDenied" });
      const engine = world.start();
      await world.add("broken", keys("a", 20));
      await world.add("shut", keys("b", 20));
      await world.passes(2000);
      assert.notEqual(breakerOf(engine, "broken")?.state, "closed");
      assert.equal(breakerOf(engine, "shut")?.state, "closed");
      assert.equal((await world.counts("shut")).parked, 20);
      assert.equal((await world.counts("broken")).parked, undefined);
    });
  });

  describe("a destination that is busy", () => {
    test("is asked by half as many tasks at once, and by more and more again when it can", async () => {
      const busy = world.destination("busy");
      busy.takesMs = 400;
      busy.refuses = (underWay) => (underWay > 4 ? { status: 503, code: "SlowDown" } : undefined);
      const engine = world.start({ smallTasks: 16 });
      await world.add("busy", keys("a", 2000));
      await world.passes(MINUTE_MS);
      const [throttle] = engine.throttles();
      assert.ok(throttle !== undefined && throttle.places <= 8, `${throttle?.places} places`);
      const last = world.to("busy").slice(-200);
      // It goes on at what the store can do: growing costs a refusal now and then.
      assert.ok(last.filter((one) => one.done).length > 150, `${last.filter((one) => one.done).length} done`);
      busy.refuses = () => undefined;
      await world.time.runUntil(async () => engine.throttles().length === 0, 5 * MINUTE_MS);
      await world.passes(1000);
      assert.ok(
        Math.max(
          ...world
            .to("busy")
            .slice(-32)
            .map((one) => one.underWay),
        ) >= 15,
      );
      assert.equal(breakerOf(engine, "busy")?.state, "closed");
    });

    test("gets what it has put off as soon as it is not busy any more", async () => {
      const busy = world.destination("busy");
      const engine = world.start({ smallTasks: 2 });
      await world.add("busy", ["a"]);
      busy.refuses = () => ({ status: 503, code: "SlowDown" });
      await world.passes(HOUR_MS);
      busy.refuses = () => undefined;
      const { tasks } = await world.ledger.list({}, { limit: 1 });
      const dueInMs = (tasks[0]?.nextTryAtMs ?? 0) - world.time.nowMs();
      assert.ok(dueInMs > 10_000, `due in ${dueInMs} ms`);
      for (const key of keys("b", 3)) {
        await world.add("busy", [key]);
        await world.passes(1500);
      }
      assert.deepEqual(engine.throttles(), []);
      assert.equal(await world.completed("busy"), 4);
    });

    test("is asked for nothing until the time that it names", async () => {
      const busy = world.destination("busy");
      busy.refuses = () => ({ status: 429, retryAfterMs: 20_000 });
      world.start();
      await world.add("busy", keys("a", 100));
      await world.time.runUntil(async () => world.arrivals.length > 0, 1000);
      await world.passes(100);
      const before = world.arrivals.length;
      busy.refuses = () => undefined;
      await world.passes(19_000);
      assert.equal(world.arrivals.length, before);
      await world.passes(10_000);
      assert.ok((await world.completed("busy")) >= 92);
    });
  });

  describe("streams", () => {
    test("of a slow destination with a long backlog do not delay another's live task", async () => {
      const slow = world.destination("slow");
      slow.takesMs = 20_000;
      world.destination("quick");
      world.start();
      await world.add("slow", keys("a", 10_000));
      await world.passes(30_000);
      for (const key of keys("b", 3)) {
        const fromMs = world.time.nowMs();
        await world.add("quick", [key]);
        await world.time.runUntil(async () => world.to("quick").at(-1)?.key === key, 1000);
        assert.ok(world.time.nowMs() - fromMs <= 100, `${world.time.nowMs() - fromMs} ms`);
      }
      assert.equal(Math.max(...world.to("slow").map((one) => one.underWay)), 8);
    });

    test("that are paused begin nothing, and go on when they are woken", async () => {
      world.destination("far");
      world.destination("near");
      const paused = [{ bucket: SOURCE, destinationArn: arnOf("far") }];
      const engine = world.start({ paused: () => paused });
      await world.add("far", keys("a", 20));
      await world.add("near", keys("b", 20));
      await world.passes(MINUTE_MS);
      assert.deepEqual([await world.completed("far"), await world.completed("near")], [0, 20]);
      paused.pop();
      engine.wake();
      await world.time.runUntil(async () => (await world.completed("far")) === 20, 1000);
    });

    test("are woken by tasks that another process adds", async () => {
      world.destination("near");
      world.start();
      await world.passes(1234);
      const fromMs = world.time.nowMs();
      await world.add("near", ["a"]);
      await world.time.runUntil(async () => world.arrivals.length === 1, 1000);
      assert.ok(world.time.nowMs() - fromMs < 100);
    });
  });
});
