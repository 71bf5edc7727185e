/** An engine whose PostgreSQL crashes under it, and comes back: it goes on by itself, and writes nothing twice. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/cli/clock.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { keys, PaceWorld } from "../engine/pace-world.ts";
import { findPostgres, type PostgresServer, startPostgres } from "./postgres.ts";

const TASKS = 400;
const WAIT_MS_MAX = 30_000;

describe("an engine on PostgreSQL", { skip: findPostgres() === undefined }, () => {
  let postgres: PostgresServer;
  before(async () => {
    postgres = await startPostgres();
  });
  after(() => postgres.stop());

  test("goes on when its server has crashed and is back", async () => {
    const ledger = await openLedger(postgres.freshUrl());
    const world = new PaceWorld(ledger);
    world.destination("near").takesMs = 20;
    const engine = world.start(
      {},
      systemClock(() => Date.now()),
    );
    await world.add("near", keys("a", TASKS));
    await until(async () => world.arrivals.length > TASKS / 4);
    await postgres.crash();
    await until(async () => engine.outage !== undefined);
    await postgres.start();
    await until(async () => engine.outage === undefined && (await world.completed("near")) === TASKS);
    assert.deepEqual(world.broken, []);
    assert.equal(world.arrivals.length, TASKS);
    await engine.stop(1000);
    await ledger.close();
  });
});

async function until(condition: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + WAIT_MS_MAX;
  while (!(await condition())) {
    assert.ok(Date.now() < endMs, "it takes too long");
    await sleep(20);
  }
}
