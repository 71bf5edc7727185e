/** Canaries and schedules with the real binary: in a lab, where roles decide, and between two stores. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { FlownCanary } from "../../src/cli/canary/canarying.ts";
import type { KnownWatches } from "../../src/cli/console-client.ts";
import type { Overview } from "../../src/console/overview.ts";
import { canaryId, isCanaryKey } from "../../src/core/canary-key.ts";
import type { S3Client } from "../../src/s3/client.ts";
import { type Environment, lockstep, type Outcome, type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";
import { consoleOf, endEngine, listed, replication, TwoStores } from "./two-stores.ts";

const PATIENCE_MS = 30_000;

interface Said {
  readonly results: readonly FlownCanary[];
}

function story({ stdout }: Outcome): (string | undefined)[][] {
  const { results } = JSON.parse(stdout) as Said;
  return results.map(({ subject, ruleId, verdict, objects }) => [
    `${subject} ${ruleId} ${verdict}`,
    ...objects.map(({ kind, outcome, code }) => `${kind} ${outcome}${code === undefined ? "" : ` ${code}`}`),
  ]);
}

describe("canary in a lab", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let lab: Environment;
  before(async () => {
    served = await serve(`${directory.path}/data`, directory.path, ["--example"]);
    lab = await served.environment();
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  const type = (...words: readonly string[]) => lockstep(words, lab, directory.path);

  async function canaryKeys(): Promise<string[]> {
    const all = await Promise.all(
      (["photos", "photos-replica"] as const).map(async (Bucket, at) => {
        const s3 = s3Of(lab, at === 0 ? "us-east-1" : "eu-west-1");
        const { Versions = [], DeleteMarkers = [] } = await s3.listObjectVersions({
          Bucket,
          Prefix: ".lockstep-canary/",
        });
        s3.destroy();
        return [...Versions, ...DeleteMarkers].map(({ Key = "" }) => `${Bucket}/${Key}`);
      }),
    );
    return all.flat();
  }

  async function failed(): Promise<number> {
    return (JSON.parse((await type("status", "--json")).stdout) as Overview).failed;
  }

  it("says what would be written, and writes nothing", async () => {
    const { status, stdout } = await type("canary", "s3://photos", "--dry-run", "--multipart");
    assert.equal(status, 0);
    assert.match(stdout, /^rule everything → arn:aws:s3:::photos-replica$/m);
    assert.match(stdout, /^ {2}s3:\/\/photos\/\.lockstep-canary\/ID\/plain \(256 B\)$/m);
    assert.match(stdout, /and a delete marker of the first$/m);
    assert.deepEqual(await canaryKeys(), []);
  });

  it("names what the role may not do, exits with 1, and leaves neither objects nor failures behind", async () => {
    const before = await failed();
    const denied = await type("canary", "s3://photos", "--timeout", "30s", "--json");
    assert.equal(denied.stderr, "");
    assert.equal(denied.status, 1);
    assert.deepEqual(story(denied), [
      ["photos everything findings", "plain completed", "marker failed DstDelObjNotPermitted"],
    ]);
    const words = await type("canary", "s3://photos", "--timeout", "30s");
    assert.match(words.stdout, /completed plain in /);
    assert.match(words.stdout, /failed {4}marker: FAILED: .* \(DstDelObjNotPermitted\): /);
    assert.deepEqual(await canaryKeys(), []);
    assert.equal(await failed(), before);
  });

  it("removes what a canary left behind that was killed, and nothing of anybody else's", async () => {
    const left = `.lockstep-canary/${canaryId(Date.now() - 60_000, "killed0")}/plain`;
    const s3 = s3Of(lab);
    await s3.putObject({ Bucket: "photos", Key: left, Body: "x" });
    await s3.putObject({ Bucket: "photos", Key: ".lockstep-canary/mine", Body: "x" });
    const swept = JSON.parse((await type("canary", "s3://photos", "--timeout", "30s", "--json")).stdout) as Said;
    assert.ok((swept.results[0]?.counts["swept"] ?? 0) >= 1);
    assert.deepEqual((await canaryKeys()).filter(isCanaryKey), []);
    assert.ok((await canaryKeys()).includes("photos/.lockstep-canary/mine"));
    s3.destroy();
  });

  it("is well when the role may do what it needs, again and again", async () => {
    assert.equal((await type("fix", "s3://photos", "--apply", "--yes")).status, 0);
    // The engine notices a policy that has changed with its next session.
    const untilMs = Date.now() + 2 * PATIENCE_MS;
    while ((await type("canary", "s3://photos", "--timeout", "30s")).status !== 0) assert.ok(Date.now() < untilMs);
    const twice = await type("canary", "s3://photos", "--every", "1s", "--times", "2", "--timeout", "30s", "--json");
    assert.equal(twice.status, 0);
    const lines = twice.stdout.trim().split("\n");
    assert.equal(lines.length, 2);
    const { results } = JSON.parse(lines[0] ?? "") as Said;
    const [well] = results;
    // The fix lets KMS objects through too, and nobody has said with which key.
    assert.deepEqual(
      well?.objects.map(({ kind, outcome }) => `${kind} ${outcome}`),
      ["plain completed", "marker completed", "kms untried"],
    );
    assert.equal(well?.verdict, "ok");
    assert.ok((well?.counts["latencyMs"] ?? 0) > 0);
  });

  it("refuses what it cannot do, with the exit status of its kind", async () => {
    for (const [words, status, says] of [
      [["canary"], 2, /name a bucket, s3:\/\/BUCKET, or a configuration/],
      [["canary", "s3://photos", "-c", "lockstep.yaml"], 2, /name a bucket/],
      [["canary", "s3://photos", "--times", "2"], 2, /--times goes with --every/],
      [["canary", "s3://photos", "--timeout", "soon"], 2, /--timeout takes a duration/],
      [["canary", "s3://photos-replica"], 2, /has no replication configuration to try/],
      [["canary", "s3://nowhere"], 3, /there is no bucket nowhere/],
    ] as const) {
      const answer = await type(...words);
      assert.equal(answer.status, status, answer.stderr);
      assert.match(answer.stderr, says);
    }
  });

  it("is run by the lab itself when somebody asks its console, as are probes, audits, lints and rehearsals", async () => {
    assert.deepEqual((JSON.parse((await type("history", "--json")).stdout) as KnownWatches).results, []);
    const headers = { authorization: `Bearer ${lab["LOCKSTEP_CONSOLE_TOKEN"]}` };
    const kinds = ["canary", "probe", "audit", "lint", "rehearse"] as const;
    for (const kind of kinds) {
      const url = `${served.consoleUrl}/api/v1/watches/${kind}/photos/run`;
      assert.equal((await fetch(url, { method: "POST", headers })).status, 202);
    }
    const untilMs = Date.now() + 2 * PATIENCE_MS;
    for (;;) {
      const { results, schedules } = JSON.parse((await type("history", "--json")).stdout) as KnownWatches;
      assert.deepEqual(
        schedules.map(({ kind, subject, when }) => [kind, subject, when]),
        kinds.map((kind) => [kind, "photos", "when asked"]),
      );
      if (results.length === kinds.length) {
        const found = new Map(results.map((one) => [one.kind, one]));
        assert.deepEqual(
          kinds.map((kind) => [kind, found.get(kind)?.verdict]),
          // The example's role may not use every key that its rule lets through now, and nobody has resynced what FAILED.
          kinds.map((kind) => [kind, kind === "rehearse" || kind === "audit" ? "findings" : "ok"]),
          JSON.stringify(results),
        );
        const audit = found.get("audit");
        assert.equal(audit?.destinationArn, "arn:aws:s3:::photos-replica");
        assert.equal(audit?.report?.startsWith(`${directory.path}/data/lockstep-audits/`), true);
        assert.ok((found.get("rehearse")?.counts["kinds"] ?? 0) > 5);
        break;
      }
      assert.ok(Date.now() < untilMs, JSON.stringify(results));
      await sleep(500);
    }
    assert.deepEqual(
      (await canaryKeys()).filter((one) => isCanaryKey(one)),
      [],
    );
  });
});

describe("canary between two stores", () => {
  const BUCKET = "flown";
  let stores: TwoStores;
  let engine: ChildProcess | undefined;
  let server = "";
  before(async () => {
    stores = await TwoStores.open();
    await stores.bucket(BUCKET);
  });
  after(async () => {
    await end("SIGKILL");
    await stores.close();
  });

  const RUNNING = "intake: {scan: {every: 1s}}\nconsole: {port: 0}";

  async function start(path: string): Promise<void> {
    engine = stores.spawn(path, "--json");
    server = await consoleOf(engine);
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (engine === undefined) return;
    await endEngine(engine, signal);
    engine = undefined;
  }

  const type = (...words: readonly string[]) => lockstep(words, stores.environment, stores.directory.path);

  const asked = async <T>(...words: readonly string[]): Promise<T> => {
    const where = ["--server", server, "--token-file", `${stores.directory.path}/lockstep.token`, "--json"];
    return JSON.parse((await type(...words, ...where)).stdout) as T;
  };

  async function nothingIsLeft(): Promise<void> {
    const at = (s3: S3Client) => listed(s3, BUCKET);
    assert.deepEqual([await at(stores.here), await at(stores.there)], [[], []]);
  }

  it("flies through a running engine, and what came of it is kept for history", async () => {
    const path = stores.configure("flies", replication(BUCKET), RUNNING);
    await start(path);
    const flown = await type("canary", "-c", path, "--timeout", "30s", "--json");
    assert.equal(flown.stderr, "");
    assert.deepEqual(story(flown), [["flown-here all ok", "plain completed", "marker completed"]]);
    assert.equal(flown.status, 0);
    await nothingIsLeft();
    const { results } = await asked<KnownWatches>("history", "--kind", "canary");
    assert.deepEqual(
      results.map((one) => [one.subject, one.ruleId, one.verdict, one.counts["completed"]]),
      [["flown-here", "all", "ok", 2]],
    );
    const read = await type("history", "-c", path);
    assert.equal(read.status, 0);
    assert.match(
      read.stdout,
      /^20\S+ \S+ {2}ok {7}canary flown-here all → flown-there, .*: plain, marker arrived within \d+ ms$/m,
    );
  });

  it("names what the destination denies, and takes its failure off the engine's record", async () => {
    const Resource = `arn:aws:s3:::${BUCKET}/*`;
    const Statement = { Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource };
    await stores.there.putBucketPolicy(BUCKET, JSON.stringify({ Version: "2012-10-17", Statement }));
    const path = `${stores.directory.path}/flies.yaml`;
    const denied = await type("canary", "-c", path, "--timeout", "30s", "--json");
    assert.equal(denied.status, 1);
    assert.deepEqual(story(denied), [
      ["flown-here all findings", "plain failed DstPutObjectNotPermitted", "marker untried"],
    ]);
    const { failed, pending } = await asked<Overview>("status");
    assert.deepEqual([failed, pending], [0, 0]);
    assert.equal((await type("history", "-c", path)).status, 1);
    await stores.there.deleteBucketPolicy(BUCKET);
    await end("SIGTERM");
    await nothingIsLeft();
  });

  it("is late where no engine runs, and leaves nothing behind", async () => {
    const path = stores.configure("nobody", replication(BUCKET));
    const late = await type("canary", "-c", path, "--timeout", "1s", "--json");
    assert.deepEqual([late.status, story(late)], [1, [["flown-here all findings", "plain late", "marker untried"]]]);
    await nothingIsLeft();
    const unknown = await type("canary", "-c", path, "--replication", "other");
    assert.deepEqual([unknown.status, unknown.stdout], [2, ""]);
    assert.match(unknown.stderr, /--replication is one of flown-here, not "other"/);
  });

  it("flies by the clock, also after kill -9, and when somebody asks", async () => {
    const schedules = "schedules: {canary: {every: 1h, timeout: 30s}, probe: {cron: 0 3 1 1 *}}";
    const path = stores.configure("clock", replication(BUCKET), `${RUNNING}\n${schedules}`);
    await start(path);
    const flights = async (count: number): Promise<KnownWatches> => {
      const untilMs = Date.now() + PATIENCE_MS;
      for (;;) {
        const known = await asked<KnownWatches>("history", "--kind", "canary");
        if (known.results.length >= count && known.schedules.every((one) => !one.isRunning)) return known;
        assert.ok(Date.now() < untilMs, JSON.stringify(known));
        await sleep(500);
      }
    };
    const first = await flights(1);
    assert.equal(first.results[0]?.verdict, "ok", JSON.stringify(first));
    const [planned] = first.schedules;
    assert.equal(planned?.when, "every 1h");
    assert.ok((planned?.nextAtMs ?? 0) > Date.now());
    await end("SIGKILL");
    await start(path);
    const again = await flights(1);
    // Its hour has not gone by: it is not begun anew.
    assert.deepEqual([again.results.length, again.schedules[0]?.nextAtMs], [1, planned?.nextAtMs]);
    const token = readFileSync(`${stores.directory.path}/lockstep.token`, "utf8").trim();
    const run = (what: string) =>
      fetch(`${server}/api/v1/watches/${what}/run`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
    assert.equal((await run("canary/flown-here")).status, 202);
    assert.equal((await run("probe/flown-here")).status, 202);
    assert.equal((await run("canary/other")).status, 404);
    assert.equal((await run("magic/flown-here")).status, 400);
    await flights(2);
    const { results, schedules: all } = await asked<KnownWatches>("history");
    assert.deepEqual(
      all.map(({ kind, subject }) => [kind, subject]),
      [
        ["canary", "flown-here"],
        ["probe", "flown-here"],
      ],
    );
    const probed = results.find((one) => one.kind === "probe");
    assert.deepEqual([probed?.verdict, probed?.destinationArn], ["ok", "arn:aws:s3:::flown-there"]);
    await end("SIGTERM");
    await nothingIsLeft();
  });
});
