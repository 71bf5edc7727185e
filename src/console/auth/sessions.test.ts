/** Sessions outlive a restart, and nothing that the ledger keeps of them opens anything. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DatabaseError } from "../../ledger/database-error.ts";
import { openSqliteLedger } from "../../ledger/sqlite.ts";
import { IDLE_MS, LIFE_MS, SESSIONS_MAX, Sessions, type Standing, TOUCH_MS } from "./sessions.ts";

interface World {
  readonly ledger: ReturnType<typeof openSqliteLedger>;
  readonly users: Map<string, Standing>;
  nowMs: number;
  isAway: boolean;
  /** Sessions of a console that has just started on this ledger. */
  start(): Sessions;
}

function open(): World {
  const ledger = openSqliteLedger({ path: ":memory:" });
  const users = new Map<string, Standing>([["anna", { role: "operator", secret: "hash 1" }]]);
  const there = async <Value>(ask: () => Promise<Value>): Promise<Value> => {
    if (world.isAway) throw new DatabaseError("io", "the ledger is away");
    return await ask();
  };
  const world: World = {
    ledger,
    users,
    nowMs: 1_700_000_000_000,
    isAway: false,
    start: () =>
      new Sessions({
        clock: () => world.nowMs,
        standingOf: (user) => users.get(user),
        ledger: {
          checkpoint: (name) => there(() => ledger.checkpoint(name)),
          checkpoints: (prefix) => there(() => ledger.checkpoints(prefix)),
          setCheckpoint: (name, value) => there(() => ledger.setCheckpoint(name, value)),
        },
      }),
  };
  return world;
}

const written = async ({ ledger }: World) => await ledger.checkpoints("session ");

describe("sessions of the console", () => {
  it("go on after a restart, with the same token against forged calls", async () => {
    const world = open();
    const id = await world.start().open("anna");
    const again = world.start();
    const found = await again.use(id);
    assert.deepEqual([found?.user, found?.role], ["anna", "operator"]);
    assert.equal(found?.csrf, (await world.start().look(id))?.csrf);
    assert.equal(again.expiresAtMs(id), world.nowMs + IDLE_MS);
    await world.ledger.close();
  });

  it("leave nothing in the ledger that opens one: neither the id, nor the token against forged calls", async () => {
    const world = open();
    const sessions = world.start();
    const id = await sessions.open("anna");
    const [kept] = await written(world);
    const csrf = (await sessions.look(id))?.csrf ?? assert.fail("a session");
    for (const secret of [id, csrf, "hash 1"]) assert.ok(!`${kept?.name} ${kept?.value}`.includes(secret), secret);
    assert.equal(await sessions.use((kept?.name ?? "").slice("session ".length)), undefined);
    await world.ledger.close();
  });

  it("end with a restart when the password was changed, or the user is not in the configuration any more", async () => {
    const world = open();
    const id = await world.start().open("anna");
    world.users.set("anna", { role: "operator", secret: "hash 2" });
    assert.equal(await world.start().use(id), undefined);
    world.users.delete("anna");
    assert.equal(await world.start().use(id), undefined);
    world.users.set("anna", { role: "viewer", secret: "hash 1" });
    assert.equal((await world.start().use(id))?.role, "viewer");
    await world.ledger.close();
  });

  it("end across restarts as they do without: half an hour idle, half a day in all", async () => {
    const world = open();
    const idle = await world.start().open("anna");
    world.nowMs += IDLE_MS - 1;
    assert.notEqual(await world.start().look(idle), undefined);
    world.nowMs += 1;
    assert.equal(await world.start().look(idle), undefined);
    const busy = await world.start().open("anna");
    const endsAtMs = world.nowMs + LIFE_MS;
    let sessions = world.start();
    for (; world.nowMs < endsAtMs; world.nowMs += IDLE_MS / 2) {
      assert.notEqual(await sessions.use(busy), undefined);
      // What was used here, and written, is known to the next one.
      sessions = world.start();
    }
    assert.equal(await sessions.use(busy), undefined);
    await world.ledger.close();
  });

  it("are over everywhere within a minute once they are closed at one of several engines", async () => {
    const world = open();
    const [here, there] = [world.start(), world.start()];
    const id = await here.open("anna");
    assert.notEqual(await there.use(id), undefined);
    await here.close(id);
    assert.equal(await here.use(id), undefined);
    assert.deepEqual(await written(world), []);
    world.nowMs += TOUCH_MS;
    assert.equal(await there.use(id), undefined);
    assert.equal(there.expiresAtMs(id), undefined);
    assert.deepEqual(await written(world), [], "it is not written again");
    await world.ledger.close();
  });

  it("are opened, used and closed while the ledger is away, which hears of it when it is back", async () => {
    const world = open();
    const sessions = world.start();
    const before = await sessions.open("anna");
    world.isAway = true;
    const id = await sessions.open("anna");
    world.nowMs += TOUCH_MS;
    assert.notEqual(await sessions.use(id), undefined);
    assert.notEqual(await sessions.use(before), undefined);
    await sessions.close(before);
    assert.equal(await sessions.use(before), undefined);
    world.isAway = false;
    assert.notEqual(await sessions.use(id), undefined);
    assert.notEqual(await world.start().use(id), undefined);
    await sessions.open("anna");
    assert.equal(await world.start().use(before), undefined);
    assert.equal((await written(world)).length, 2);
    await world.ledger.close();
  });

  it("are kept in a limited number, of which the longest idle gives way", async () => {
    const world = open();
    const sessions = world.start();
    const first = await sessions.open("anna");
    const second = await sessions.open("anna");
    for (let opened = 2; opened < SESSIONS_MAX; opened++) {
      await world.ledger.setCheckpoint(
        `session of ${opened}`,
        JSON.stringify({ user: "anna", createdAtMs: world.nowMs, seenAtMs: world.nowMs + opened, proof: "" }),
      );
    }
    world.nowMs += 10;
    await sessions.use(first);
    await sessions.open("anna");
    assert.equal((await written(world)).length, SESSIONS_MAX);
    assert.equal(await sessions.use(second), undefined);
    assert.notEqual(await sessions.use(first), undefined);
    await world.ledger.close();
  });
});
