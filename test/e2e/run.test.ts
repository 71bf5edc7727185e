/** `lockstep run` between two stores: what it copies, that it copies it once, and what ends it. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { IAM } from "@aws-sdk/client-iam";
import { ConsoleClient } from "../../src/cli/console-client.ts";
import { contents, type End, endEngine, listed, replication, TwoStores } from "./two-stores.ts";

const CONVERGE_MS_MAX = 30_000;
const PART_BYTES = 5 * 1024 * 1024;

interface OnceValue {
  readonly scans: readonly { readonly versions: number; readonly added: number; readonly resumed: boolean }[];
  readonly completed: number;
  readonly failed: number;
  readonly waiting: number;
}

describe("run", () => {
  let stores: TwoStores;
  before(async () => {
    stores = await TwoStores.open();
  });
  after(() => stores.close());

  async function put(end: End, bucket: string, key: string, body: Uint8Array | string, more: object = {}) {
    const bytes = typeof body === "string" ? Buffer.from(body) : body;
    await stores[end].putObject({ bucket, key, body: bytes, contentHeaders: {}, userMetadata: {}, ...more });
  }

  async function same(bucket: string): Promise<void> {
    assert.deepEqual(await contents(stores.there, bucket), await contents(stores.here, bucket));
  }

  async function runOnce(path: string): Promise<OnceValue> {
    const { status, stdout, stderr } = await stores.run(path, "--once", "--json");
    assert.equal(stderr, "");
    const value = JSON.parse(stdout) as OnceValue;
    assert.equal(status, value.failed + value.waiting > 0 ? 1 : 0, stdout);
    return value;
  }

  async function said(child: ChildProcess, stream: "stdout" | "stderr", what: RegExp): Promise<string> {
    let text = "";
    const endMs = Date.now() + CONVERGE_MS_MAX;
    while (Date.now() < endMs) {
      assert.equal(child.exitCode, null, `it ended, and never said ${String(what)}: ${text}`);
      const [chunk] = (await once(child[stream] ?? process, "data")) as [Buffer];
      text += chunk.toString();
      if (what.test(text)) return text;
    }
    assert.fail(`it never said ${String(what)}: ${text}`);
  }

  async function converged(check: () => Promise<void>): Promise<void> {
    const endMs = Date.now() + CONVERGE_MS_MAX;
    for (;;) {
      try {
        return await check();
      } catch (error) {
        if (Date.now() > endMs) throw error;
      }
      await sleep(100);
    }
  }

  it("copies everything once, in order, with markers, tags, metadata and parts", async () => {
    await stores.bucket("whole");
    for (let count = 0; count < 5; count++) await put("here", "whole", "a", `body ${count}`);
    await stores.here.deleteObject({ bucket: "whole", key: "a" });
    await put("here", "whole", "a", "after", {
      contentHeaders: { "content-type": "text/plain", "cache-control": "no-cache" },
      userMetadata: { colour: "grün", size: "1" },
      tags: [{ key: "ä b", value: "c+d@e" }],
    });
    for (const key of ["sp ace", "pl+us", "per%cent", "dir/", "x//y", "..", "🎈", "k".repeat(1024)]) {
      await put("here", "whole", key, key);
    }
    await put("here", "whole", "empty", "");
    const upload = { bucket: "whole", key: "parts" };
    const { uploadId } = await stores.here.createMultipartUpload({ ...upload, contentHeaders: {}, userMetadata: {} });
    const parts = [];
    for (const [index, size] of [PART_BYTES, 1000].entries()) {
      const part = { ...upload, uploadId, partNumber: index + 1, body: Buffer.alloc(size, index + 1) };
      parts.push(await stores.here.uploadPart(part));
    }
    await stores.here.completeMultipartUpload({ ...upload, uploadId, parts });
    const path = stores.configure("whole", replication("whole"));
    const first = await runOnce(path);
    assert.deepEqual([first.scans[0]?.versions, first.completed, first.failed], [17, 17, 0]);
    await same("whole");
    const second = await runOnce(path);
    assert.deepEqual([second.scans[0]?.versions, second.scans[0]?.added, second.completed], [17, 0, 0]);
    await put("here", "whole", "empty", "no more");
    assert.equal((await runOnce(path)).completed, 1);
    await same("whole");
  });

  it("holds nothing twice and loses nothing, though it is killed again and again", async () => {
    await stores.bucket("killed");
    for (let round = 0; round < 3; round++) {
      const keys = Array.from({ length: 60 }, (_, index) => `key${index % 20}`);
      for (const key of keys) await put("here", "killed", key, `${key} ${round}`);
      for (const key of ["key1", "key2"]) await stores.here.deleteObject({ bucket: "killed", key });
    }
    const path = stores.configure("killed", replication("killed"), "limits: {there: {requestsPerSecond: 150}}");
    for (let round = 0; round < 6; round++) {
      const child = stores.spawn(path, "--once", "--json");
      const ended = once(child, "exit");
      // At some moment or other: a write is on its way then, or done and not yet known to be.
      await Promise.race([sleep(700 + Math.random() * 500), ended]);
      child.kill("SIGKILL");
      await ended;
    }
    assert.equal((await runOnce(path)).failed, 0);
    await same("killed");
    assert.equal((await runOnce(path)).completed, 0);
    await same("killed");
  });

  it("goes on until it is told to stop, takes up what is written meanwhile, and answers its console", async () => {
    await stores.bucket("live");
    const path = stores.configure("live", replication("live"), "intake: {scan: {every: 1s}}\nconsole: {port: 0}");
    const child = stores.spawn(path, "--json");
    const ended = once(child, "exit");
    const { consoleUrl } = JSON.parse(await said(child, "stdout", /\n/)) as { consoleUrl: string };
    for (let count = 0; count < 3; count++) await put("here", "live", `k${count}`, "x");
    await converged(() => same("live"));
    await put("here", "live", "k0", "later");
    await converged(() => same("live"));
    const token = readFileSync(`${stores.directory.path}/lockstep.token`, "utf8").trim();
    const counts = await new ConsoleClient(consoleUrl, token).counts("live-here");
    assert.deepEqual(
      counts.map((one) => `${one.state} ${one.tasks}`),
      ["completed 4"],
    );
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  });

  it("removes replicas of versions that were removed for good only where propagateDeletes says so", async () => {
    await stores.bucket("removed");
    for (const body of ["1", "2"]) await put("here", "removed", "a", body);
    await stores.here.deleteObject({ bucket: "removed", key: "a" });
    const path = stores.configure("removed", replication("removed"));
    await runOnce(path);
    const rows = await listed(stores.here, "removed");
    for (const { versionId } of rows.slice(0, 2)) {
      await stores.here.deleteObject({ bucket: "removed", key: "a", versionId });
    }
    assert.equal((await runOnce(path)).completed, 0);
    assert.equal((await listed(stores.there, "removed")).length, 3);
    stores.configure("removed", replication("removed", "here", "\n    propagateDeletes: true"));
    assert.equal((await runOnce(path)).completed, 2);
    await same("removed");
    assert.equal((await runOnce(path)).completed, 0);
  });

  it("takes up what it is notified of, without a scan", async () => {
    await stores.bucket("notified");
    await put("here", "notified", "before", "x");
    stores.environment["HOOK"] = "a-token";
    const ways = `intake: {scan: {every: 1h}, webhooks: [{site: here, port: 0, path: /hook, token: "\${HOOK}"}]}`;
    const child = stores.spawn(stores.configure("notified", replication("notified"), ways), "--json");
    const ended = once(child, "exit");
    const { webhookUrls } = JSON.parse(await said(child, "stdout", /\n/)) as { webhookUrls: readonly string[] };
    await converged(() => same("notified"));
    const tell = async (eventName: string, key: string) => {
      const s3 = { bucket: { name: "notified" }, object: { key } };
      const body = JSON.stringify({ Records: [{ eventVersion: "2.1", eventSource: "aws:s3", eventName, s3 }] });
      const headers = { authorization: "Bearer a-token" };
      return (await fetch(webhookUrls[0] ?? "", { method: "POST", body, headers })).status;
    };
    for (const body of ["1", "2", "3"]) await put("here", "notified", "sp ace", body);
    assert.equal(await tell("ObjectCreated:Put", "sp+ace"), 200);
    await stores.here.deleteObject({ bucket: "notified", key: "before" });
    assert.equal(await tell("ObjectRemoved:DeleteMarkerCreated", "before"), 200);
    await converged(() => same("notified"));
    const tags = [{ key: "colour", value: "red" }];
    await stores.here.putObjectTagging({ bucket: "notified", key: "sp ace", tags });
    assert.equal(await tell("ObjectTagging:Put", "sp+ace"), 200);
    await converged(() => same("notified"));
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  });

  it("checks that its queues can be reached", async () => {
    await stores.bucket("queued");
    const ways = 'intake: {queues: [{site: here, url: "http://127.0.0.1:9/111122223333/changes"}]}';
    const { status, stdout } = await stores.run(
      stores.configure("queued", replication("queued"), ways),
      "--check",
      "--json",
    );
    assert.equal(status, 3);
    const { ends } = JSON.parse(stdout) as { ends: { end: string; ok: boolean; says: string }[] };
    assert.deepEqual(
      ends.map((one) => [one.end, one.ok]),
      [
        ["source", true],
        ["destination", true],
        ["queue", false],
      ],
    );
    assert.match(ends[2]?.says ?? "", /sqs:GetQueueAttributes: .*ECONNREFUSED/);
  });

  it("reads its configuration again on SIGHUP, and keeps the old one when the new one is wrong", async () => {
    for (const bucket of ["first", "second"]) await stores.bucket(bucket);
    await put("here", "second", "k", "x");
    const path = stores.configure("hup", replication("first"));
    const child = stores.spawn(path);
    const ended = once(child, "exit");
    await said(child, "stdout", /replicating first-here/);
    const good = readFileSync(path, "utf8");
    writeFileSync(path, good.replace("site: there", "site: nowhere"));
    child.kill("SIGHUP");
    const complaint = await said(child, "stderr", /correct the name/);
    assert.match(complaint, /hup\.yaml cannot be used, and the configuration stays as it was/);
    stores.configure("hup", `${replication("first")}${replication("second")}`);
    child.kill("SIGHUP");
    await said(child, "stderr", /replicating first-here, second-here/);
    await converged(() => same("second"));
    await put("here", "first", "k", "x");
    child.kill("SIGHUP");
    await converged(() => same("first"));
    child.kill("SIGINT");
    assert.deepEqual(await ended, [0, null]);
  });

  it("replicates both ways, and nothing goes round", async () => {
    await stores.bucket("both");
    await put("here", "both", "ours", "1");
    await put("there", "both", "theirs", "2");
    await stores.there.deleteObject({ bucket: "both", key: "theirs" });
    await put("here", "both", "shared", "1");
    const path = stores.configure("both", `${replication("both")}${replication("both", "there")}`);
    assert.equal((await runOnce(path)).completed, 4);
    await same("both");
    await put("there", "both", "shared", "2");
    assert.equal((await runOnce(path)).completed, 1);
    assert.equal((await runOnce(path)).completed, 0);
    await same("both");
    assert.equal((await contents(stores.here, "both")).length, 5);
  });

  it("reads the rules from the source bucket, and assumes the role that it is given at AWS", async () => {
    await stores.bucket("roles");
    // S3 takes no configuration whose destination is not there.
    await stores.here.createBucket("roles-there");
    await stores.here.putBucketVersioning("roles-there", "Enabled");
    for (const key of ["in/denied", "out/k"]) await put("here", "roles", key, "x");
    const { HERE = "", HERE_KEY = "", HERE_SECRET = "" } = stores.environment;
    const credentials = { accessKeyId: HERE_KEY, secretAccessKey: HERE_SECRET };
    const iam = new IAM({ endpoint: HERE, region: "us-east-1", credentials });
    const allow = (statement: object) =>
      JSON.stringify({ Version: "2012-10-17", Statement: { Effect: "Allow", ...statement } });
    const trust = allow({
      Principal: { AWS: ["111122223333"], Service: "s3.amazonaws.com" },
      Action: "sts:AssumeRole",
    });
    // The root of an account may not assume roles, so somebody else has to.
    await iam.createUser({ UserName: "operator" });
    const everything = allow({ Action: ["s3:*", "sts:AssumeRole"], Resource: "*" });
    await iam.putUserPolicy({ UserName: "operator", PolicyName: "all", PolicyDocument: everything });
    const { AccessKey } = await iam.createAccessKey({ UserName: "operator" });
    stores.environment["OPERATOR_KEY"] = AccessKey?.AccessKeyId;
    stores.environment["OPERATOR_SECRET"] = AccessKey?.SecretAccessKey;
    const { Role } = await iam.createRole({ RoleName: "reader", AssumeRolePolicyDocument: trust });
    await stores.here.putBucketReplication(
      "roles",
      `<ReplicationConfiguration><Role>${Role?.Arn}</Role><Rule><ID>in</ID><Priority>1</Priority><Status>Enabled</Status>
       <Filter><Prefix>in/</Prefix></Filter><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>
       <Destination><Bucket>arn:aws:s3:::roles-there</Bucket></Destination></Rule></ReplicationConfiguration>`,
    );
    const path = stores.configure("roles", replication("roles", "here", `\n    role: ${Role?.Arn}`));
    const text = readFileSync(path, "utf8")
      .replace(/configuration:[\s\S]*?destinations:/, "configuration: {fromBucket: true}\n    destinations:")
      .replace("here: {", "here: {provider: aws, addressing: path, ")
      .replace("there: {", "there: {provider: generic, ")
      .replaceAll("${HERE_", "${OPERATOR_");
    writeFileSync(path, text);
    const denied = await stores.run(path, "--check");
    assert.equal(denied.status, 3);
    assert.match(denied.stdout, /the credentials may not look at roles/);
    assert.deepEqual([(await runOnce(path)).failed], [1]);
    await iam.putRolePolicy({
      RoleName: "reader",
      PolicyName: "read",
      PolicyDocument: allow({
        Action: ["s3:GetObjectVersion", "s3:ListBucket"],
        Resource: ["arn:aws:s3:::roles", "arn:aws:s3:::roles/*"],
      }),
    });
    iam.destroy();
    assert.equal((await stores.run(path, "--check")).status, 0);
    await put("here", "roles", "in/allowed", "y");
    const { completed, failed } = await runOnce(path);
    assert.deepEqual([completed, failed], [1, 1]);
    const keys = (await contents(stores.there, "roles")).map((one) => one.split(":")[0]);
    assert.deepEqual(keys, ["in/allowed"]);
  });

  it("says everything that is wrong with its configuration, and exits with 2", async () => {
    const path = stores.configure("wrong", replication("wrong").replaceAll("site: there", "site: nowhere"), "extra: 1");
    for (const words of [[], ["--once"], ["--check"]]) {
      const { status, stdout } = await stores.run(path, ...words);
      assert.equal(status, 2);
      assert.match(stdout, /wrong\.yaml:\d+: replications\["wrong-here"\]\.destinations\[.*expected one of the sites/);
      assert.match(stdout, /wrong\.yaml:\d+: extra: expected one of/);
    }
    const { status, stderr } = await stores.run(path, "--once", "--check");
    assert.equal(status, 2);
    assert.match(stderr, /give one of them/);
  });

  it("checks every bucket without writing anything", async () => {
    await stores.bucket("checked");
    await stores.there.putBucketVersioning("checked", "Suspended");
    await put("here", "checked", "k", "x");
    const path = stores.configure("checked", replication("checked"));
    const suspended = await stores.run(path, "--check");
    assert.equal(suspended.status, 1);
    assert.match(suspended.stdout, /its versioning is Suspended: enable it/);
    assert.deepEqual(await contents(stores.there, "checked"), []);
    const missing = await stores.run(stores.configure("missing", replication("missing")), "--check", "--json");
    assert.equal(missing.status, 3);
    const { ends } = JSON.parse(missing.stdout) as { ends: { says: string }[] };
    assert.match(ends[0]?.says ?? "", /there is no bucket missing/);
  });

  it("does not share its ledger with another one", async () => {
    await stores.bucket("alone");
    const path = stores.configure("alone", replication("alone"));
    const child = stores.spawn(path);
    await said(child, "stdout", /replicating/);
    const { status, stderr } = await stores.run(path, "--once");
    assert.equal(status, 2);
    assert.match(stderr, /another lockstep run works with the ledger/);
    await endEngine(child, "SIGKILL");
    assert.equal((await runOnce(path)).failed, 0);
  });

  it("FAILs what the destination denies, with its reason, and waits for a destination that is away", async () => {
    await stores.bucket("denied");
    await put("here", "denied", "k", "x");
    const policy = (Effect: string) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: { Effect, Principal: "*", Action: "s3:PutObject", Resource: "arn:aws:s3:::denied/*" },
      });
    await stores.there.putBucketPolicy("denied", policy("Deny"));
    const path = stores.configure("denied", replication("denied"));
    const { status, stdout } = await stores.run(path, "--once");
    assert.equal(status, 1);
    assert.match(stdout, /0 completed, 1 failed, 0 waiting\nDstPutObjectNotPermitted 1 task, FAILED/);
    const away = { ...stores.environment, THERE: "http://127.0.0.1:9" };
    const { lockstep } = await import("./binary.ts");
    const unreachable = await lockstep(["run", "-c", path, "--once"], away, stores.directory.path);
    assert.equal(unreachable.status, 3);
    assert.match(unreachable.stdout, /cut off: .*nothing listens at http:\/\/127\.0\.0\.1:9/);
  });
});
