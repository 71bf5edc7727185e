/** What listeners are told: the latest of everything, once for all, and nothing that queues up. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LISTENERS_MAX, LiveEvents } from "./events.ts";

const NEVER = () => false;

interface World {
  readonly events: LiveEvents;
  value: unknown;
  reads: number;
  nowMs: number;
}

function open(): World {
  const world: World = {
    value: { n: 1 },
    reads: 0,
    nowMs: 0,
    events: new LiveEvents({
      clock: () => world.nowMs,
      onFault: (error) => assert.fail(String(error)),
      topics: [
        {
          name: "overview",
          everyMs: 2000,
          read: async () => {
            world.reads++;
            return world.value;
          },
        },
      ],
    }),
  };
  return world;
}

function listen(world: World, isOver = NEVER): ReadableStreamDefaultReader<Uint8Array> {
  const stream = world.events.open(isOver, []);
  assert.ok(stream !== undefined);
  return stream.getReader();
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string | undefined> {
  const { value } = await reader.read();
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

describe("events of the console", () => {
  it("are read once for all listeners, and told when they differ", async () => {
    const world = open();
    const readers = [listen(world), listen(world), listen(world)];
    await world.events.tick();
    assert.equal(world.reads, 1);
    for (const reader of readers) {
      assert.equal(await next(reader), "retry: 2000\n\n");
      assert.equal(await next(reader), 'event: overview\ndata: {"n":1}\n\n');
      assert.match((await next(reader)) ?? "", /^event: ping\n/);
    }
    world.nowMs = 2000;
    await world.events.tick();
    assert.equal(world.reads, 2);
    world.nowMs = 4000;
    world.value = { n: 2 };
    await world.events.tick();
    for (const reader of readers) assert.equal(await next(reader), 'event: overview\ndata: {"n":2}\n\n');
    world.events.close();
  });

  it("begin with what was told last for whoever comes later", async () => {
    const world = open();
    const first = listen(world);
    await world.events.tick();
    const later = listen(world);
    assert.equal(await next(later), "retry: 2000\n\n");
    assert.equal(await next(later), 'event: overview\ndata: {"n":1}\n\n');
    await first.cancel();
    assert.equal(world.events.listeners, 1);
    world.events.close();
  });

  it("are dropped, not queued, for whoever reads slowly, who gets the latest in the end", async () => {
    const world = open();
    const slow = listen(world);
    for (let n = 1; n <= 20; n++) {
      world.value = { n, filling: "x".repeat(40_000) };
      world.nowMs += 2000;
      await world.events.tick();
    }
    const told: number[] = [];
    await next(slow);
    for (;;) {
      const message = (await next(slow)) ?? "";
      const n = /"n":(\d+)/.exec(message)?.[1];
      if (n !== undefined) told.push(Number(n));
      if (n === "20") break;
    }
    assert.ok(told.length < 6, `told ${told.join(", ")}`);
    world.events.close();
  });

  it("tell the end of a work also to whoever reads slowly", async () => {
    const world = open();
    world.value = { filling: "x".repeat(100_000) };
    const slow = listen(world);
    await world.events.tick();
    world.events.tell("work 1", "work", { state: "running" });
    await world.events.tick();
    world.events.tell("work 1", "work", { state: "done" });
    await world.events.tick();
    const seen: string[] = [];
    while (!seen.some((one) => one.includes('"done"'))) seen.push((await next(slow)) ?? "");
    assert.ok(!seen.some((one) => one.includes('"running"')));
    world.events.close();
  });

  it("end when the session has ended, and when the console closes", async () => {
    const world = open();
    let isOver = false;
    const reader = listen(world, () => isOver);
    const other = listen(world);
    await world.events.tick();
    isOver = true;
    await world.events.tick();
    assert.equal(world.events.listeners, 1);
    while ((await next(reader)) !== undefined);
    world.events.close();
    while ((await next(other)) !== undefined);
    assert.equal(world.events.listeners, 0);
  });

  it("are told to a limited number of listeners", async () => {
    const world = open();
    for (let count = 0; count < LISTENERS_MAX; count++) listen(world);
    assert.equal(world.events.open(NEVER, []), undefined);
    await world.events.tick();
    assert.equal(world.reads, 1);
    world.events.close();
  });
});
