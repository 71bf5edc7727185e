/**
 * `lockstep run` between two gateways, against two gateways that are zones of one zonegroup and replicate by Ceph's own
 * means: how fast while they are written, how soon when idle, how soon after an outage of the destination.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { S3Client } from "../../../src/s3/client.ts";
import { S3Error } from "../../../src/s3/errors.ts";
import { sideBySide } from "../../../src/s3/side-by-side.ts";
import { listed } from "../../e2e/two-stores.ts";
import { type Gateway, startMultisite } from "../../real/rgw.ts";
import { RunWorld } from "../../real/run-world.ts";
import { heading, line, percentile, round } from "../measure.ts";
import { startLive } from "./live.ts";
import { random } from "./objects.ts";

const OBJECTS = 5000;
const MISSED = 1000;
const SIZE_BYTES = 4096;
const WRITERS = 32;
const IDLE_SAMPLES = 10;
const IDLE_PAUSE_MS = 700;
const HEAD_EVERY_MS = 4;
const WAIT_MS_MAX = 300_000;

interface Pair {
  readonly from: S3Client;
  readonly into: S3Client;
  readonly destination: Gateway;
}

interface Figures {
  readonly perSecond: number;
  readonly idleMs: readonly number[];
  readonly firstAfterMs: number;
  readonly allAfterMs: number;
}

export async function benchMultisite(): Promise<void> {
  heading(`Against Ceph's multisite, ${OBJECTS} × 4 KiB, ${WRITERS} writers`);
  const ours = await lockstepFigures();
  const theirs = await multisiteFigures();
  const ratio = (of: (one: Figures) => number) => `${(of(ours) / of(theirs)).toFixed(2)} × multisite`;
  const row = (what: string, of: (one: Figures) => number, words: (value: number) => string) =>
    line(what, `${words(of(ours))} / ${words(of(theirs))}`, ratio(of));
  line("", "lockstep / multisite");
  row(
    "written and replicated",
    (one) => one.perSecond,
    (value) => `${round(value)} /s`,
  );
  row(
    "idle lag, p50",
    (one) => percentile(one.idleMs, 0.5),
    (value) => `${round(value)} ms`,
  );
  row(
    "idle lag, longest",
    (one) => Math.max(...one.idleMs),
    (value) => `${round(value)} ms`,
  );
  row(
    "after an outage, the first",
    (one) => one.firstAfterMs,
    (value) => `${round(value / 1000)} s`,
  );
  row(
    `after an outage, all ${MISSED}`,
    (one) => one.allAfterMs,
    (value) => `${round(value / 1000)} s`,
  );
}

async function lockstepFigures(): Promise<Figures> {
  const world = await RunWorld.open();
  try {
    const { stores, gateways } = world;
    await startLive(world, "peer");
    return await measured({ from: stores.here, into: stores.there, destination: gateways.b });
  } finally {
    await world.close();
  }
}

async function multisiteFigures(): Promise<Figures> {
  const gateways = await startMultisite();
  const { a, b } = gateways;
  try {
    const credentials = await a.createUser("main");
    const [from, into] = [a.client(credentials), b.client(credentials)];
    await from.createBucket("peer");
    await from.putBucketVersioning("peer", "Enabled");
    await there(into, undefined);
    return await measured({ from, into, destination: b });
  } finally {
    await gateways.stop();
  }
}

async function measured({ from, into, destination }: Pair): Promise<Figures> {
  const put = (key: string) =>
    from.putObject({ bucket: "peer", key, body: random(SIZE_BYTES), contentHeaders: {}, userMetadata: {} });
  const idleMs: number[] = [];
  for (let sample = 0; sample < IDLE_SAMPLES; sample++) {
    await put(`idle/${sample}`);
    const startMs = performance.now();
    await there(into, `idle/${sample}`);
    idleMs.push(performance.now() - startMs);
    await sleep(IDLE_PAUSE_MS * (1 + sample / IDLE_SAMPLES));
  }
  const startMs = performance.now();
  await sideBySide(keysOf("live", OBJECTS), WRITERS, put);
  await allThere(into, OBJECTS + IDLE_SAMPLES);
  const perSecond = (OBJECTS * 1000) / (performance.now() - startMs);

  await destination.kill();
  await sideBySide(keysOf("missed", MISSED), WRITERS, put);
  await destination.start();
  const upAtMs = performance.now();
  await Promise.any(
    keysOf("missed", MISSED)
      .slice(0, 3)
      .map((key) => there(into, key)),
  );
  const firstAfterMs = performance.now() - upAtMs;
  await allThere(into, OBJECTS + IDLE_SAMPLES + MISSED);
  return { perSecond, idleMs, firstAfterMs, allAfterMs: performance.now() - upAtMs };
}

function keysOf(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}/${index}`);
}

/** Waits for an object, or for the bucket. */
async function there(into: S3Client, key: string | undefined): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    try {
      if (key === undefined) await into.headBucket("peer");
      else await into.headObject({ bucket: "peer", key });
      return;
    } catch (error) {
      if (!(error instanceof S3Error) || performance.now() > endMs) throw error;
    }
    await sleep(HEAD_EVERY_MS);
  }
}

async function allThere(into: S3Client, count: number): Promise<void> {
  const endMs = performance.now() + WAIT_MS_MAX;
  for (;;) {
    const found = (await listed(into, "peer")).length;
    if (found >= count) return;
    if (performance.now() > endMs) throw new Error(`${found} of ${count} objects have arrived`);
    await sleep(250);
  }
}
