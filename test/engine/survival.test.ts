/** What an engine does that was frozen, or whose ledger went away: nothing twice, and it goes on. */
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Clock } from "../../src/engine/ports.ts";
import { DatabaseError } from "../../src/ledger/database-error.ts";
import { HOUR_MS, keys, PaceWorld } from "./pace-world.ts";

describe("an engine that survives", () => {
  let world: PaceWorld;
  beforeEach(() => {
    world = new PaceWorld();
  });
  afterEach(() => world.stop());

  /** A process that is stopped as by SIGSTOP: its clock goes on, and nothing in it does. */
  class Frost {
    #thaw: (() => void) | undefined;
    #frozen: Promise<void> | undefined;

    freeze(): void {
      this.#frozen = new Promise((resolve) => {
        this.#thaw = resolve;
      });
    }

    thaw(): void {
      this.#frozen = undefined;
      this.#thaw?.();
    }

    async passes(): Promise<void> {
      await this.#frozen;
    }

    clock(time: Clock): Clock {
      return {
        nowMs: () => time.nowMs(),
        random: () => time.random(),
        sleep: async (ms, signal) => {
          await time.sleep(ms, signal);
          await this.#frozen;
        },
      };
    }
  }

  describe("an engine that was frozen while it read", () => {
    async function frozenAtReading(): Promise<Frost> {
      const frost = new Frost();
      world.destination("near");
      world.onRead = async () => {
        frost.freeze();
        await frost.passes();
      };
      world.start({}, frost.clock(world.time));
      await world.add("near", ["a"]);
      await world.passes(5000);
      assert.equal((await world.counts("near")).leased, 1);
      world.onRead = async () => undefined;
      return frost;
    }

    test("sends nothing and ends nothing when somebody else has taken the task", async () => {
      const frost = await frozenAtReading();
      await world.passes(2 * 60_000);
      const nowMs = world.time.nowMs();
      const [claim] = await world.ledger.claim({ worker: "other", limit: 1, nowMs, leaseUntilMs: nowMs + HOUR_MS });
      assert.ok(claim !== undefined);
      frost.thaw();
      await world.passes(10_000);
      assert.deepEqual(world.arrivals, []);
      assert.equal((await world.counts("near")).leased, 1);
      assert.equal(await world.ledger.complete(claim, { startedAtMs: nowMs, endedAtMs: nowMs, bytes: 1 }), true);
    });

    test("goes on with a task that nobody took, on a new lease", async () => {
      const frost = await frozenAtReading();
      await world.passes(2 * 60_000);
      frost.thaw();
      await world.time.runUntil(async () => (await world.completed("near")) === 1, 10_000);
      assert.equal(world.arrivals.length, 1);
    });
  });

  describe("an engine whose ledger goes away", () => {
    const away = (reason: DatabaseError["reason"]) => new DatabaseError(reason, "the server is restarted");

    for (const reason of ["io", "locked", "full"] as const) {
      test(`waits while it is away (${reason}), says so, and goes on without writing anything twice`, async () => {
        world.destination("near").takesMs = 1000;
        const engine = world.start();
        await world.add("near", keys("a", 24));
        await world.time.runUntil(async () => world.arrivals.length > 0, 10_000);
        const sinceMs = world.time.nowMs();
        world.ledgerFault = () => away(reason);
        await world.passes(10 * 60_000);
        assert.deepEqual(world.broken, []);
        const outage = engine.outage;
        assert.ok(outage !== undefined && outage.sinceMs - sinceMs < 6000);
        assert.equal(outage.message, "the server is restarted");
        world.ledgerFault = undefined;
        await world.time.runUntil(async () => (await world.completed("near")) === 24, 60_000);
        assert.equal(engine.outage, undefined);
        assert.equal(world.arrivals.length, 24);
      });
    }

    test("does not write while it cannot make sure that a task is its own", async () => {
      world.destination("near");
      let isRead = false;
      world.onRead = async () => {
        isRead = true;
        world.ledgerFault = () => away("io");
        await world.time.sleep(50_000, new AbortController().signal);
      };
      world.start();
      await world.add("near", ["a"]);
      await world.passes(120_000);
      assert.ok(isRead);
      assert.deepEqual(world.arrivals, []);
      world.onRead = async () => undefined;
      world.ledgerFault = undefined;
      await world.time.runUntil(async () => (await world.completed("near")) === 1, 120_000);
      assert.equal(world.arrivals.length, 1);
    });

    test("gives up only where waiting would not help", async () => {
      world.destination("near");
      world.start();
      await world.passes(1000);
      world.ledgerFault = () => away("newerVersion");
      await world.passes(20_000);
      assert.equal(world.broken.length, 1);
      world.ledgerFault = undefined;
    });
  });
});
