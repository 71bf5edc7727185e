/** Metrics of the real binary: they equal the ledger, also after kill -9; who may read them; the points of the charts. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Count } from "../../src/ledger/ledger.ts";
import { openSqliteLedger } from "../../src/ledger/sqlite.ts";
import type { Tallies } from "../../src/ledger/tallies.ts";
import type { SeriesTold } from "../../src/monitor/series.ts";
import { type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";
import { endEngine, replication, saidFirst, TwoStores } from "./two-stores.ts";

const PATIENCE_MS = 60_000;
const ROUNDS = 3;
const WRITERS = 8;
const BUCKET = "photos";

/** Name and labels → figure, of what comes from the ledger. */
type Figures = ReadonlyMap<string, number>;

const OF_THE_LEDGER =
  /^lockstep_(?:versions|completed|backlog_(?:operations|bytes)|replication_lag|replication_time_made|retries|failures)/;

async function scrape(url: string, token?: string): Promise<Figures> {
  const response = await fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  const lines = text.split("\n").filter((line) => OF_THE_LEDGER.test(line));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))]),
  );
}

/** Sums the figures of a metric whose labels hold this text. */
function sum(figures: Figures, metric: string, labels = ""): number {
  return [...figures]
    .filter(([name]) => name.startsWith(`${metric}{`) && name.includes(labels))
    .reduce((total, [, value]) => total + value, 0);
}

/** Until nothing is PENDING. */
async function settled(read: () => Promise<Figures>): Promise<Figures> {
  const endMs = Date.now() + PATIENCE_MS;
  for (;;) {
    const figures = await read();
    if (sum(figures, "lockstep_versions", 'status="PENDING"') === 0) return figures;
    assert.ok(Date.now() < endMs, "work is left");
    await sleep(200);
  }
}

function assertEqualsLedger(figures: Figures, counts: readonly Count[], { lags, failures }: Tallies): void {
  const tasksOf = (state: string) =>
    counts.filter((one) => one.state === state).reduce((total, one) => total + one.tasks, 0);
  assert.equal(sum(figures, "lockstep_versions", 'status="FAILED"'), tasksOf("parked"));
  assert.equal(sum(figures, "lockstep_versions", 'status="COMPLETED"'), tasksOf("completed"));
  assert.equal(sum(figures, "lockstep_completed_total"), tasksOf("completed"));
  const bytes = counts.filter((one) => one.state === "completed").reduce((total, one) => total + one.bytes, 0);
  assert.equal(sum(figures, "lockstep_completed_bytes_total"), bytes);
  const lagged = lags.flatMap((one) => one.tasks).reduce((total, one) => total + one, 0);
  assert.equal(sum(figures, "lockstep_replication_lag_seconds_count"), lagged);
  const sumMs = lags.reduce((total, one) => total + one.sumMs, 0);
  assert.equal(sum(figures, "lockstep_replication_lag_seconds_sum"), sumMs / 1000);
  const attempts = (isFinal: boolean) =>
    failures.filter((one) => one.isFinal === isFinal).reduce((total, one) => total + one.attempts, 0);
  assert.equal(sum(figures, "lockstep_failures_total"), attempts(true));
  assert.equal(sum(figures, "lockstep_retries_total"), attempts(false));
}

describe("metrics", () => {
  it("equal the ledger, whenever the engine was killed, and are the same after a restart", async () => {
    const directory = temporaryDirectory();
    const dataDir = `${directory.path}/data`;
    const up = (...more: readonly string[]) => serve(dataDir, directory.path, more);
    const read = async (served: Served) =>
      await scrape(`${served.consoleUrl}/metrics`, readFileSync(`${dataDir}/token`, "utf8").trim());
    try {
      let served = await up("--example");
      for (let round = 0; round < ROUNDS; round++) {
        const s3 = s3Of(await served.environment());
        const write = async (writer: number) => {
          for (let count = 0; ; count++)
            await s3.putObject({ Bucket: BUCKET, Key: `${round}/${writer}/${count}`, Body: "x" });
        };
        const writing = Promise.allSettled(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
        await sleep(300 + Math.random() * 500);
        await served.kill();
        await writing;
        s3.destroy();
        served = await up();
      }
      const before = await settled(() => read(served));
      await served.kill();
      const ledger = openSqliteLedger({ path: `${dataDir}/ledger.db` });
      const counts = await ledger.counts();
      assertEqualsLedger(before, counts, await ledger.tallies());
      // All work was live and of versions: each completion has its lag, none has two.
      assert.equal(sum(before, "lockstep_replication_lag_seconds_count"), sum(before, "lockstep_completed_total"));
      assert.ok(sum(before, "lockstep_completed_total") > 250 && sum(before, "lockstep_failures_total") >= 30);
      await ledger.close();
      served = await up();
      assert.deepEqual(await read(served), before);
      assert.equal(await served.stop(), 0);
    } finally {
      directory.remove();
    }
  });

  it("are read with the console's token, and the points of the charts outlive a restart", async () => {
    const directory = temporaryDirectory();
    const dataDir = `${directory.path}/data`;
    try {
      let served = await serve(dataDir, directory.path);
      const token = readFileSync(`${dataDir}/token`, "utf8").trim();
      for (const headers of [{}, { authorization: "Bearer another" }, { authorization: token }]) {
        const refused = await fetch(`${served.consoleUrl}/metrics`, { headers });
        assert.equal(refused.status, 401);
        assert.equal((await fetch(`${served.consoleUrl}/api/v1/series`, { headers })).status, 401);
      }
      const headers = { authorization: `Bearer ${token}` };
      const response = await fetch(`${served.consoleUrl}/metrics`, { headers });
      assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
      assert.match(await response.text(), /^lockstep_engine_up\{engine="up"\} 1$/m);
      const points = async (range: string) => {
        const answer = await fetch(`${served.consoleUrl}/api/v1/series?range=${range}`, { headers });
        assert.equal(answer.status, 200);
        return (await answer.json()) as SeriesTold;
      };
      const before = await points("hour");
      assert.equal(before.stepMs, 10_000);
      assert.deepEqual([before.pending[0], before.failed[0], before.lagP99Ms[0]], [0, 0, null]);
      assert.equal((await fetch(`${served.consoleUrl}/api/v1/series?range=year`, { headers })).status, 400);
      await served.stop();
      served = await serve(dataDir, directory.path);
      assert.equal((await points("hour")).atMs[0], before.atMs[0]);
      assert.equal((await points("day")).pending[0], 0);
      await served.stop();
    } finally {
      directory.remove();
    }
  });

  it("have an address of their own in run, and need no token where the configuration says so", async () => {
    const stores = await TwoStores.open();
    try {
      await stores.bucket("own");
      const body = Buffer.from("x");
      await stores.here.putObject({ bucket: "own", key: "a", body, contentHeaders: {}, userMetadata: {} });
      const started = async (name: string, metrics: string) => {
        const child = stores.spawn(stores.configure(name, replication("own"), `metrics: ${metrics}`), "--json");
        return { child, url: (await saidFirst(child)).metricsUrl };
      };
      const open = await started("open", "{port: 0, public: true}");
      const completed = async () => sum(await scrape(open.url), "lockstep_completed_total", 'replication="own-here"');
      for (const endMs = Date.now() + PATIENCE_MS; (await completed()) === 0; ) {
        assert.ok(Date.now() < endMs, "nothing was replicated");
        await sleep(100);
      }
      // A scan has found it, so that nobody can say how long it waited.
      assert.equal(sum(await scrape(open.url), "lockstep_replication_lag_seconds_count"), 0);
      const closed = await started("closed", "{port: 0}");
      assert.equal((await fetch(closed.url)).status, 401);
      await scrape(closed.url, readFileSync(`${stores.directory.path}/lockstep.token`, "utf8").trim());
      for (const { child } of [open, closed]) await endEngine(child, "SIGINT");
    } finally {
      await stores.close();
    }
  });
});
