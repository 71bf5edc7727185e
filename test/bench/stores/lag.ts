/**
 * From the write here to its replica there, while `lockstep run` runs and objects are written at a steady rate.
 *
 * Both gateways take LastModified from the clock of this machine when they store an object's head, and tell it in
 * milliseconds: the difference is the lag, of every object, and nothing has to be polled. The two writes of heads take the
 * same few milliseconds each.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { listed } from "../../e2e/two-stores.ts";
import { RunWorld } from "../../real/run-world.ts";
import { heading, line, percentile, round } from "../measure.ts";
import { startLive } from "./live.ts";
import { random } from "./objects.ts";

const RATES = [50, 200];
const WRITE_MS = 15_000;
const ARRIVE_MS_MAX = 120_000;
const SIZE_BYTES = 4096;

export async function benchLag(): Promise<void> {
  heading("Live: from the write here to the replica there, 4 KiB, told by the gateway");
  const world = await RunWorld.open();
  try {
    for (const perSecond of RATES) await lagAt(world, perSecond);
  } finally {
    await world.close();
  }
}

async function lagAt(world: RunWorld, perSecond: number): Promise<void> {
  const { stores } = world;
  const bucket = `lag-${perSecond}`;
  const running = await startLive(world, bucket);
  const count = (perSecond * WRITE_MS) / 1000;
  const startMs = performance.now();
  const writing: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    const waitMs = startMs + (index * 1000) / perSecond - performance.now();
    if (waitMs > 1) await sleep(waitMs);
    writing.push(world.put("here", bucket, `k${index}`, random(SIZE_BYTES)));
  }
  await Promise.all(writing);
  const wroteMs = performance.now() - startMs;
  const arrived = await allThere(world, bucket, count);
  const { rssBytes } = await running.memory();
  await running.stop();
  const writtenAt = new Map((await listed(stores.here, bucket)).map((one) => [one.key, one.lastModifiedMs]));
  const lagsMs = arrived.map((one) => one.lastModifiedMs - (writtenAt.get(one.key) ?? Number.NaN));
  const [p50, p99] = [percentile(lagsMs, 0.5), percentile(lagsMs, 0.99)];
  const rate = `${round((count * 1000) / wroteMs)} /s written`;
  line(
    `${perSecond} PUT/s`,
    `p50 ${round(p50)} ms`,
    `p99 ${round(p99)} ms, ${rate}, RSS ${round(rssBytes / 2 ** 20)} MiB`,
  );
}

/** Waits until so many objects are there. */
async function allThere(world: RunWorld, bucket: string, count: number) {
  const endMs = performance.now() + ARRIVE_MS_MAX;
  for (;;) {
    const found = await listed(world.stores.there, bucket);
    if (found.length >= count) return found;
    if (performance.now() > endMs) throw new Error(`${found.length} of ${count} objects have arrived`);
    await sleep(250);
  }
}
