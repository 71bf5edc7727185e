/** Jobs and pauses of `lockstep run`, typed at its console: what is paused waits and says why, jobs survive kill -9. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { KeyExplanation } from "../../src/console/explain.ts";
import type { Overview } from "../../src/console/overview.ts";
import type { ResyncProgress } from "../../src/engine/resync/model.ts";
import { BINARY, lockstep, type Outcome } from "./binary.ts";
import { consoleOf, endEngine, replication, TwoStores } from "./two-stores.ts";

const PATIENCE_MS = 30_000;
const BUCKET = "jobs";
const NAME = "jobs-here";

describe("jobs and pauses", () => {
  let stores: TwoStores;
  let engine: ChildProcess;
  let server = "";
  before(async () => {
    stores = await TwoStores.open();
    await stores.bucket(BUCKET);
    await start();
  });
  after(async () => {
    await endEngine(engine, "SIGKILL");
    await stores.close();
  });

  async function start(): Promise<void> {
    const more = "intake: {scan: {every: 1s}}\nconsole: {port: 0}";
    engine = stores.spawn(stores.configure("jobs", replication(BUCKET), more), "--json");
    server = await consoleOf(engine);
  }

  function where(): string[] {
    return ["--server", server, "--token-file", `${stores.directory.path}/lockstep.token`];
  }

  async function type(...words: readonly string[]): Promise<Outcome> {
    return await lockstep([...words, ...where()], stores.environment, stores.directory.path);
  }

  async function ask<T>(...words: readonly string[]): Promise<T> {
    const { stdout, stderr } = await type(...words, "--json");
    assert.equal(stderr, "");
    return JSON.parse(stdout) as T;
  }

  async function put(key: string): Promise<void> {
    const object = { bucket: BUCKET, key, body: Buffer.from(key), contentHeaders: {}, userMetadata: {} };
    await stores.here.putObject(object);
  }

  /** Nobody may write keys that begin so at the destination. */
  async function deny(prefix: string): Promise<void> {
    const Resource = `arn:aws:s3:::${BUCKET}/${prefix}*`;
    const Statement = { Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource };
    await stores.there.putBucketPolicy(BUCKET, JSON.stringify({ Version: "2012-10-17", Statement }));
  }

  async function overviewUntil(is: (overview: Overview) => boolean): Promise<Overview> {
    const untilMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const overview = await ask<Overview>("status");
      if (is(overview)) return overview;
      assert.ok(Date.now() < untilMs, JSON.stringify(overview));
      await sleep(100);
    }
  }

  it("takes nothing up while it is paused, says so of every object, also after kill -9, and goes on when it is resumed", async () => {
    assert.match((await type("pause", `s3://${NAME}`)).stdout, /^jobs-here is paused since /);
    await put("waits");
    const paused = await overviewUntil((one) => one.pending === 1);
    assert.deepEqual([paused.completed, paused.etaMs], [0, undefined]);
    assert.ok((paused.replications[0]?.pausedSinceMs ?? 0) > 0);
    await endEngine(engine, "SIGKILL");
    await start();
    const { tasks } = await ask<KeyExplanation>("status", `s3://${NAME}/waits`);
    assert.deepEqual([tasks[0]?.status, tasks[0]?.attempts, tasks[0]?.because[0]?.is], ["PENDING", 0, "paused"]);
    assert.deepEqual(tasks[0]?.standing, { inLane: 0, inStream: 0 });
    const { stdout } = await type("status", `s3://${NAME}/waits`);
    assert.match(stdout, /PENDING\n.*not tried yet\n.*s3:\/\/jobs-here is paused since .*lockstep resume/);
    assert.match((await type("resume", NAME)).stdout, /goes on/);
    await overviewUntil((one) => one.completed === 1 && one.pending === 0);
    const gone = await type("status", `s3://${NAME}/waits`);
    assert.match(gone.stdout, /Nothing of it is waiting and nothing has FAILED/);
  });

  it("stops behind its canary, lists what came of it, and the next job brings everything", async () => {
    await deny("denied/");
    for (let count = 0; count < 5; count++) await put(`denied/${count}`);
    await overviewUntil((one) => one.failed === 5);
    const explained = await ask<KeyExplanation>("status", `s3://${NAME}/denied/1`);
    assert.equal(explained.tasks[0]?.failure?.title, "The role may not write replicas to the destination");
    assert.equal((await ask<ResyncProgress>("resync", `s3://${NAME}`, "--dry-run")).foundFailed, 5);
    const broken = await type("resync", `s3://${NAME}`, "--canary", "2");
    assert.equal(broken.status, 1);
    assert.match(broken.stdout, /2 of the 2 that went first FAILED again: DstPutObjectNotPermitted \(2\)/);
    assert.match(
      (await type("jobs")).stdout,
      /^\w{8} broken s3:\/\/jobs-here: 0 completed, 2 failed, 0 under way of 2/m,
    );
    await deny("nothing/");
    const done = await ask<ResyncProgress>(
      "resync",
      `s3://${NAME}`,
      "--status",
      "FAILED",
      "--since",
      "1h",
      "--canary",
      "2",
    );
    assert.deepEqual([done.state, done.foundFailed, done.completed, done.failed], ["done", 5, 5, 0]);
  });

  it("keeps a job over kill -9, paused as it was, and cancels it by the beginning of its id", async () => {
    await deny("kept/");
    for (let count = 0; count < 3; count++) await put(`kept/${count}`);
    await overviewUntil((one) => one.failed === 3);
    await deny("nothing/");
    await type("pause", NAME);
    const { id } = await ask<ResyncProgress>("resync", `s3://${NAME}`, "--detach");
    await overviewUntil((one) => one.jobs[0]?.open === 3);
    assert.match((await type("pause", "--job", id.slice(0, 8))).stdout, /paused/);
    await endEngine(engine, "SIGKILL");
    await start();
    const [kept] = (await ask<{ jobs: ResyncProgress[] }>("jobs")).jobs;
    assert.deepEqual([kept?.id, kept?.state, kept?.foundFailed, kept?.open], [id, "paused", 3, 3]);
    assert.equal((await ask<ResyncProgress>("cancel", "--job", id)).state, "cancelled");
    await overviewUntil((one) => one.failed === 3 && one.pending === 0);
    const again = await type("cancel", "--job", id);
    assert.equal(again.status, 0);
    const late = await type("resume", "--job", id);
    assert.deepEqual([late.status, /the job has ended: it is cancelled/.test(late.stderr)], [2, true]);
    await type("resume", NAME);
    const end_ = await ask<ResyncProgress>("resync", `s3://${NAME}`);
    assert.deepEqual([end_.state, end_.completed], ["done", 3]);
  });

  it("watches: a line for each picture in a pipe, JSON when asked, until it is interrupted", async () => {
    await put("watched");
    await overviewUntil((one) => one.lag !== undefined && one.pending === 0);
    const { stdout } = await type("status", "--watch", "--interval", "1", "--times", "2");
    const lines = stdout.trimEnd().split("\n");
    assert.equal(lines.length, 2);
    for (const line of lines) assert.match(line, /backlog 0 tasks, .* lag .* completed, 0 FAILED \| 1 engine$/);
    const child = spawn(process.execPath, [BINARY, "status", "--watch", "--json", ...where()], {
      env: stores.environment,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    const [chunk] = (await once(child.stdout, "data")) as [Buffer];
    const picture = JSON.parse(chunk.toString().split("\n")[0] ?? "") as Overview;
    assert.deepEqual([picture.pending, picture.failed, picture.engines.length >= 1], [0, 0, true]);
    assert.ok((picture.lag?.p50Ms ?? 0) > 0);
    child.kill("SIGINT");
    assert.deepEqual(await ended, [0, null]);
  });

  it("says what is wrong with what was typed", async () => {
    const complains = async (words: readonly string[], status: number, says: RegExp) => {
      const outcome = await type(...words);
      assert.deepEqual([outcome.status, outcome.stdout], [status, ""], outcome.stderr);
      assert.match(outcome.stderr, says);
    };
    await complains(["pause", "nobody"], 2, /nothing is replicated under the name nobody/);
    await complains(["pause"], 2, /say what to pause/);
    await complains(["pause", NAME, "--job", "x"], 2, /not both/);
    await complains(["cancel"], 2, /say which job/);
    await complains(["cancel", "--job", "zzz"], 2, /there is no job zzz/);
    await complains(["resync", `s3://${NAME}`, "--since", "yesterday"], 2, /--since takes a time such as 2h/);
    await complains(["resync", `s3://${NAME}`, "--since", "1h", "--until", "2h"], 2, /nothing is in between/);
    await complains(["status", "--times", "2"], 2, /--times goes with --watch/);
    const nowhere = await lockstep(["jobs"], stores.environment, stores.directory.path);
    assert.deepEqual([nowhere.status, /no engine is known/.test(nowhere.stderr)], [3, true]);
    const away = await lockstep(["jobs", "--server", "http://127.0.0.1:9"], stores.environment, stores.directory.path);
    assert.deepEqual([away.status, /no engine answers at/.test(away.stderr)], [3, true]);
  });
});
