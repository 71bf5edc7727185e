/**
 * Four `lockstep run` on one PostgreSQL ledger, which are killed and frozen beyond their leases, and whose database is
 * restarted, all while they replicate: nothing is lost, no version is written twice, the order per key is kept, and what is
 * counted is what was done. The stores are `fast-store.ts`, whose journal tells every write.
 *
 * Needs the package `postgresql`. A failure prints `SEED=`; `ROUNDS=20 VERSIONS=50000` is the long form.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { markOf } from "../../src/engine/mark.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { BINARY, lockstep, temporaryDirectory } from "../e2e/binary.ts";
import { type FastStore, openFastStore } from "../fixtures/fast-store.ts";
import { Chance } from "../sim/chance.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";
import { Running } from "./run-world.ts";

const ROUNDS = Number(process.env["ROUNDS"] ?? 3);
const VERSIONS = Number(process.env["VERSIONS"] ?? 2000);
const SEED = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const ENGINES = 4;
const VERSIONS_OF_A_KEY = 5;
const LATENCY_MS = 20;
/** Work is done in between, and new work is added. */
const ROUND_MS_MAX = ROUNDS <= 3 ? 2000 : 10_000;
/** A lease is 60 s. */
const FROST_MS = { beyond: 62_000, max: 90_000 };
/** So many may be frozen at a time: somebody has to take over. */
const FROZEN_MAX = 2;
const DRAINED_MS_MAX = 20 * 60_000;
const BUCKET = "from";
const TARGET = "into";

type Deed = "kill" | "freeze" | "restart";
/** The short form does each once. */
const DEEDS: readonly Deed[] = ["freeze", "kill", "restart"];

describe(`run on several machines (SEED=${SEED})`, () => {
  const directory = temporaryDirectory();
  const chance = new Chance(SEED);
  const engines: Running[] = [];
  const frozen = new Set<Running>();
  const killed = new Set<Running>();
  /** Of engines that ended by themselves. */
  const epitaphs: string[] = [];
  const thawing: Promise<void>[] = [];
  let server: PostgresServer;
  let here: FastStore;
  let there: FastStore;
  let url: string;
  let path: string;

  before(async () => {
    server = await startPostgres();
    url = server.freshUrl();
    here = await openFastStore({ latencyMs: LATENCY_MS });
    there = await openFastStore({ latencyMs: LATENCY_MS });
    path = `${directory.path}/lockstep.yaml`;
    writeFileSync(path, configuration());
  });
  after(async () => {
    for (const one of engines) killed.add(one);
    await Promise.all(engines.map((one) => one.kill()));
    await here?.close();
    await there?.close();
    await server?.stop();
    directory.remove();
  });

  function configuration(): string {
    const site = (store: FastStore) =>
      `{endpoint: "${store.endpoint}", provider: generic, credentials: {accessKeyId: "\${KEY}", secretAccessKey: "\${KEY}"}}`;
    return `
sites: {here: ${site(here)}, there: ${site(there)}}
replications:
  all:
    source: {site: here, bucket: ${BUCKET}}
    configuration:
      Rules:
        - ID: all
          Priority: 1
          Status: Enabled
          Filter: {}
          DeleteMarkerReplication: {Status: Enabled}
          Destination: {Bucket: "arn:aws:s3:::${TARGET}"}
    destinations: {"arn:aws:s3:::${TARGET}": {site: there, bucket: ${TARGET}}}
intake: {scan: {every: 2s}}
ledger: ${url}
console: {port: 0}
`;
  }

  const environment = { PATH: process.env["PATH"], HOME: directory.path, KEY: "any" };

  function start(): Running {
    const child = spawn(process.execPath, [BINARY, "run", "-c", path, "--json"], {
      env: environment,
      cwd: directory.path,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const running = new Running(child, `${directory.path}/lockstep.token`, () => {
      const at = engines.indexOf(running);
      if (at >= 0) engines.splice(at, 1);
      if (killed.has(running)) return;
      // Begun while the database was away; whoever supervises it begins it again.
      if (!running.isReady) start();
      else epitaphs.push(running.epitaph ?? "");
    });
    engines.push(running);
    return running;
  }

  /** New versions of some keys; one in ten is a delete marker. */
  function write(count: number): void {
    for (let done = 0; done < count; done++) {
      const key = `photos/${String(chance.below(VERSIONS / VERSIONS_OF_A_KEY)).padStart(6, "0")}.jpg`;
      const body = chance.random() < 0.1 ? undefined : Buffer.from(`${chance.random()}`.repeat(1 + chance.below(50)));
      here.write(BUCKET, key, body);
    }
  }

  function victim(): Running | undefined {
    const awake = engines.filter((one) => !frozen.has(one));
    return awake.length === 0 ? undefined : chance.pick(awake);
  }

  async function work(deed: Deed): Promise<Deed> {
    if (deed === "kill") {
      const one = victim();
      if (one === undefined) return await work("restart");
      killed.add(one);
      await one.kill();
      start();
    } else if (deed === "freeze" && frozen.size < FROZEN_MAX) {
      const one = victim();
      if (one === undefined) return await work("restart");
      one.freeze();
      frozen.add(one);
      const isBeyond = ROUNDS <= DEEDS.length || chance.random() < 0.6;
      const { beyond, max } = FROST_MS;
      const ms =
        ROUNDS <= DEEDS.length ? beyond : (isBeyond ? beyond : 5000) + chance.below(isBeyond ? max - beyond : beyond);
      thawing.push(
        sleep(ms).then(() => {
          one.thaw();
          frozen.delete(one);
        }),
      );
    } else {
      await (chance.random() < 0.5 ? server.crash() : server.shutDown());
      await sleep(chance.random() * 2000);
      await server.start();
      return "restart";
    }
    return deed;
  }

  it("shows all engines from the console of each, and what they do together", async () => {
    write(Math.ceil(VERSIONS / 2));
    // The first one makes the token that all show.
    await start().console();
    await Promise.all(Array.from({ length: ENGINES - 1 }, () => start().console()));
    for (const one of engines) {
      const client = await one.consoleClient();
      await one.until(async () => {
        const { engines: shown, pending, completed } = await client.overview();
        assert.equal(shown.filter((engine) => !engine.isAway).length, ENGINES);
        assert.equal(new Set(shown.map((engine) => engine.name)).size, ENGINES);
        assert.equal(pending + completed, here.journal(BUCKET).length);
      });
    }
  });

  it(`${VERSIONS} versions, ${ROUNDS} rounds of kill -9, SIGSTOP and restarts of PostgreSQL: each once, in order`, async (test) => {
    const done: Deed[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      write(Math.floor(VERSIONS / 2 / ROUNDS));
      await sleep(chance.random() * ROUND_MS_MAX);
      const deed = ROUNDS <= DEEDS.length ? DEEDS[round] : chance.pick(DEEDS);
      if (deed !== undefined) done.push(await work(deed));
      assert.deepEqual(epitaphs, []);
    }
    await Promise.all(thawing);
    test.diagnostic(DEEDS.map((deed) => `${deed} ${done.filter((one) => one === deed).length} times`).join(", "));
    const ledger = await openLedger(url);
    try {
      const endMs = performance.now() + DRAINED_MS_MAX;
      for (;;) {
        assert.deepEqual(epitaphs, []);
        const counts = await ledger.counts();
        const undone = counts.filter((one) => one.state !== "completed");
        const isThere = there.journal(TARGET).length >= here.journal(BUCKET).length;
        if (undone.length === 0 && isThere) break;
        assert.ok(performance.now() < endMs, `not done: ${JSON.stringify(undone)}`);
        await sleep(500);
      }
      for (const one of engines) killed.add(one);
      const statuses = await Promise.all(engines.map((one) => one.stop()));
      assert.deepEqual(statuses, [0, 0, 0, 0]);
      const last = await lockstep(["run", "-c", path, "--once", "--json"], environment, directory.path);
      assert.equal(last.status, 0, last.stderr);
      assert.equal((JSON.parse(last.stdout) as { readonly completed: number }).completed, 0);
      assert.deepEqual(byKey(there.journal(TARGET)), byKey(asReplicas(here.journal(BUCKET))));
      const counts = await ledger.counts();
      assert.equal(
        counts.reduce((sum, one) => sum + one.tasks, 0),
        here.journal(BUCKET).length,
        "what is counted is not what was done",
      );
    } finally {
      await ledger.close();
    }
  });
});

type Journal = ReturnType<FastStore["journal"]>;

/** What is to be written at the destination. */
function asReplicas(journal: Journal): Journal {
  return journal.map((one) =>
    one.isMarker ? one : { ...one, mark: markOf({ bucket: BUCKET, key: one.key, versionId: one.versionId }) },
  );
}

/** The writes of each key, in their order; keys in order. */
function byKey(journal: Journal): readonly string[] {
  const keys = new Map<string, string[]>();
  for (const { key, mark, isMarker } of journal) {
    const words = keys.get(key) ?? [];
    words.push(isMarker ? "deleted" : (mark ?? "unmarked"));
    keys.set(key, words);
  }
  return [...keys].map(([key, words]) => `${key}: ${words.join(" ")}`).toSorted();
}
