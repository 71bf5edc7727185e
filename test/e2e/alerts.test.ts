/** Alerts with the real binary: a bucket denies, one message arrives, its command helps, and the end is told. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { AlertsAnswer } from "../../src/console/routes/alerts.ts";
import { BINARY, type Outcome, run as typed } from "./binary.ts";
import { consoleOf, endEngine, replication, TwoStores } from "./two-stores.ts";

const ARRIVE_MS_MAX = 30_000;

interface Posted {
  readonly authorization: string | undefined;
  readonly body: {
    readonly status: string;
    readonly alerts: readonly {
      readonly status: string;
      readonly labels: Readonly<Record<string, string>>;
      readonly annotations: Readonly<Record<string, string>>;
      readonly fingerprint: string;
    }[];
    readonly commonLabels: Readonly<Record<string, string>>;
  };
}

const DENY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Principal: "*", Action: "s3:PutObject", Resource: "arn:aws:s3:::denied/*" }],
});

describe("alerts of lockstep run", () => {
  const posted: Posted[] = [];
  let isDown = false;
  let receiver: Server;
  let stores: TwoStores;
  let child: ChildProcess | undefined;
  let consoleUrl = "";
  let path = "";

  before(async () => {
    stores = await TwoStores.open();
    receiver = createServer((request, response) => {
      let text = "";
      request.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      request.on("end", () => {
        response.statusCode = isDown ? 503 : 200;
        response.end();
        if (isDown) return;
        posted.push({ authorization: request.headers.authorization, body: JSON.parse(text) as Posted["body"] });
      });
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    stores.environment["HOOK"] = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/alerts`;
    stores.environment["HOOK_TOKEN"] = "of-the-hook";
    await stores.bucket("denied");
    path = stores.configure(
      "alerts",
      replication("denied"),
      `console: {port: 0}
intake: {scan: {every: 1s}}
alerts:
  every: 1s
  conditions: {newCause: {keep: 1s}}
  sinks: {hook: {webhook: "\${HOOK}", token: "\${HOOK_TOKEN}"}}`,
    );
  });
  after(async () => {
    child?.kill("SIGKILL");
    receiver.closeAllConnections();
    receiver.close();
    await stores.close();
  });

  async function begin(): Promise<void> {
    child = spawn(process.execPath, [BINARY, "run", "-c", path, "--json"], {
      env: stores.environment,
      cwd: stores.directory.path,
      stdio: ["ignore", "pipe", "ignore"],
    });
    consoleUrl = await consoleOf(child);
  }

  /** What somebody types at a shell that knows the console. */
  async function type(line: string): Promise<Outcome> {
    const [, ...words] = line.split(" ");
    const where = ["--server", consoleUrl, "--token-file", `${stores.directory.path}/lockstep.token`];
    return await typed(process.execPath, [BINARY, ...words, ...where], stores.environment, stores.directory.path);
  }

  async function until(what: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = Date.now() + ARRIVE_MS_MAX;
    while (!(await what())) {
      if (Date.now() > endMs) assert.fail(`it did not happen; posted: ${JSON.stringify(posted)}`);
      await sleep(100);
    }
  }

  async function alerts(): Promise<AlertsAnswer> {
    return JSON.parse((await type("lockstep alerts --json")).stdout) as AlertsAnswer;
  }

  it("tells once of a bucket that denies, names the cause, and its command helps when the cause is gone", async () => {
    await stores.there.putBucketPolicy("denied", DENY);
    for (const key of ["a", "b", "c"]) await put(key);
    await begin();
    await until(() => posted.length > 0);
    const [{ authorization, body } = assert.fail()] = posted;
    assert.equal(authorization, "Bearer of-the-hook");
    assert.equal(body.status, "firing");
    const [alert = assert.fail(), ...others] = body.alerts;
    assert.deepEqual(others, []);
    assert.equal(alert.labels["alertname"], "LockstepNewCause");
    assert.equal(alert.labels["reason"], "DstPutObjectNotPermitted");
    assert.equal(alert.labels["replication"], "denied-here");
    assert.match(alert.annotations["summary"] ?? "", /^denied-here → denied-there: /);
    assert.match(alert.annotations["description"] ?? "", /versions? FAILED/);
    assert.match(alert.annotations["example"] ?? "", /^[abc]$/);
    // More of the same is no news.
    await put("d");
    await until(async () => (await alerts()).alerts[0]?.counts["failed"] === 4);
    assert.equal(posted.length, 1);

    await stores.there.deleteBucketPolicy("denied");
    const { status, stderr } = await type(alert.annotations["command"] ?? "");
    assert.equal(status, 0, stderr);
    await until(() => posted.length > 1);
    assert.equal(posted[1]?.body.status, "resolved");
    assert.equal(posted[1]?.body.alerts[0]?.fingerprint, alert.fingerprint);
    const after_ = await alerts();
    assert.deepEqual([after_.alerts.map((one) => one.state), after_.outbox.waiting], [["resolved"], 0]);
  });

  it("keeps a message for a receiver that is down, over kill -9", async () => {
    isDown = true;
    posted.length = 0;
    await stores.there.putBucketPolicy("denied", DENY);
    await put("e");
    await until(async () => (await alerts()).outbox.lastError !== undefined);
    assert.equal((await alerts()).outbox.waiting, 1);
    const { stdout } = await type("lockstep alerts");
    assert.match(stdout, /1 messages wait to be sent \(hook: 127\.0\.0\.1:\d+ answers 503\)/);
    if (child !== undefined) await endEngine(child, "SIGKILL");
    isDown = false;
    await begin();
    await until(() => posted.length > 0);
    assert.equal(posted[0]?.body.status, "firing");
    await until(async () => (await alerts()).outbox.waiting === 0);
    assert.equal(posted.length, 1);
  });

  it("tests its sinks, and silences an alert", async () => {
    posted.length = 0;
    const tested = await type("lockstep alerts test --json");
    assert.deepEqual(JSON.parse(tested.stdout), { tests: [{ sink: "hook", ok: true }] });
    assert.equal(posted[0]?.body.commonLabels["kind"], "test");
    const unknown = await type("lockstep alerts test nowhere");
    assert.deepEqual(
      [unknown.status, unknown.stderr],
      [2, "lockstep: there is no sink nowhere: name it under alerts.sinks in lockstep.yaml\n"],
    );
    const id = (await alerts()).alerts[0]?.id ?? "";
    const silenced = await type(`lockstep alerts silence ${id.slice(0, 6)} --for 2h --why maintenance`);
    assert.match(silenced.stdout, new RegExp(`^${id} is silenced until `));
    const { silences } = await alerts();
    assert.deepEqual([silences[0]?.id, silences[0]?.why], [id, "maintenance"]);
    assert.match((await type(`lockstep alerts unsilence ${id}`)).stdout, /is silenced no more/);
  });

  it("tells of a configuration that is not as it was known to be good, until it is accepted", async () => {
    if (child !== undefined) await endEngine(child, "SIGINT");
    stores.configure(
      "alerts",
      replication("denied", "here", "\n    propagateDeletes: true"),
      "console: {port: 0}\nalerts: {every: 1s}",
    );
    await begin();
    const drifted = async () => (await alerts()).alerts.find((one) => one.condition === "drift");
    await until(async () => (await drifted())?.state === "firing");
    assert.equal((await drifted())?.says, "Not as they were last known to be good: the replication's settings");
    assert.match((await type((await drifted())?.command ?? "")).stdout, /^1 documents are taken for good/);
    await until(async () => (await drifted())?.state === "resolved");
  });

  async function put(key: string): Promise<void> {
    await stores.here.putObject({
      bucket: "denied",
      key,
      body: Buffer.from(key),
      contentHeaders: {},
      userMetadata: {},
    });
  }
});
