/** The probe over two gateways of Ceph: what it finds is what the `ceph` profile says, and nothing stays behind. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { systemClock } from "../../src/cli/clock.ts";
import type { ProbeReport } from "../../src/engine/probe/model.ts";
import { capabilitiesOf, findingsOf, probe } from "../../src/engine/probe.ts";
import { assumedCapabilities, CAUTIOUS, type Capabilities } from "../../src/s3/capabilities.ts";
import type { S3Client } from "../../src/s3/client.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import { recognise } from "../../src/s3/recognise.ts";
import { BINARY, cleanEnvironment, type Environment, lockstep, temporaryDirectory } from "../e2e/binary.ts";
import { type Gateway, type Gateways, startGateways } from "./rgw.ts";

const NAMES = ["a", "b"] as const;

describe("probe of Ceph's gateways", () => {
  const directory = temporaryDirectory();
  const clients = new Map<string, S3Client>();
  let gateways: Gateways;

  before(async () => {
    gateways = await startGateways();
    for (const name of NAMES) {
      const client = gateways[name].client(await gateways[name].createUser("main"));
      await client.createBucket("tried");
      await client.putBucketVersioning("tried", "Enabled");
      await client.createBucket("locked", { objectLock: true });
      await client.createBucket("plain");
      clients.set(name, client);
    }
  });
  after(async () => {
    await gateways?.stop();
    directory.remove();
  });

  const clientOf = (name: string): S3Client => {
    const client = clients.get(name);
    assert.ok(client !== undefined, `there is a client of ${name}`);
    return client;
  };

  async function probed(name: string, bucket: string): Promise<ProbeReport> {
    const client = clientOf(name);
    const report = await probe(client, client, { bucket, id: "real", clock: systemClock(() => Date.now()) });
    assert.deepEqual(report.left, []);
    assert.deepEqual(await client.listObjectVersions({ bucket }), { versions: [] });
    return report;
  }

  const environmentOf = (gateway: Gateway): Environment => ({
    ...cleanEnvironment(directory.path),
    AWS_ENDPOINT_URL: gateway.endpoint,
    AWS_ACCESS_KEY_ID: "AKMAIN",
    AWS_SECRET_ACCESS_KEY: `main-secret-of-${gateway.name}`,
  });

  for (const name of NAMES) {
    it(`${name}: the store is recognised by its answers`, async () => {
      const { endpoint } = gateways[name];
      assert.deepEqual(await recognise(endpoint), { profile: PROFILES.ceph, by: "answer" });
    });

    it(`${name}: what is found is what the profile says, and all that replication needs is there`, async () => {
      const report = await probed(name, "tried");
      assert.deepEqual(findingsOf(report), []);
      const expected: Capabilities = {
        ...assumedCapabilities(PROFILES.ceph.known),
        versioning: true,
        metadataIsAnyText: true,
        // No probe tries it: it is the profile's to say.
        md5Verified: CAUTIOUS.md5Verified,
      };
      assert.deepEqual(capabilitiesOf(report), expected);
    });

    it(`${name}: locks are tried where the bucket has them`, async () => {
      const report = await probed(name, "locked");
      const locks = report.checks.filter(({ id }) => id.startsWith("lock."));
      assert.deepEqual(
        locks.map(({ id, code }) => [id, code]),
        [
          ["lock.configured", "ok"],
          ["lock.on-put", "ok"],
          ["lock.protects", "ok"],
        ],
      );
    });

    it(`${name}: without versioning If-None-Match is heeded, but replication has no place`, async () => {
      const report = await probed(name, "plain");
      assert.deepEqual(
        findingsOf(report).map(({ id, failure }) => [id, failure]),
        [
          ["versioning.enabled", "DstBucketUnversioned"],
          ["marker.write", undefined],
          ["marker.hides", undefined],
        ],
      );
      assert.equal(report.found.conditionalPut, true);
    });
  }

  it("a quota that is met ends the probe by its name", async () => {
    const client = gateways.a.client(await gateways.a.createUser("small"));
    await client.createBucket("full");
    await client.putBucketVersioning("full", "Enabled");
    await gateways.a.setQuota("small", { scope: "user", objectsMax: 0 });
    const report = await probe(client, client, { bucket: "full", id: "real", clock: systemClock(() => Date.now()) });
    const found = report.checks.map(({ id, code, failure }) => [id, code, failure]);
    assert.deepEqual(
      found.filter(([id]) => id === "put.write" || id === "quota.room"),
      [
        ["put.write", "refused", "DstQuotaExceeded"],
        ["quota.room", "refused", "DstQuotaExceeded"],
      ],
    );
  });

  it("the command tells the same in words and in JSON, with its exit status", async () => {
    const environment = environmentOf(gateways.a);
    const words = await lockstep(["probe", "s3://tried"], environment);
    assert.equal(words.status, 0, words.stderr);
    assert.match(words.stdout, /a store of the kind ceph/);
    assert.match(words.stdout, /ok {7}clean-up\.empty/);
    const json = await lockstep(["probe", "s3://tried", "--json"], environment);
    const told = JSON.parse(json.stdout) as { provider: object; capabilities: Capabilities };
    assert.deepEqual(told.provider, { name: "ceph", toldBy: "answer" });
    assert.equal(told.capabilities.versionIds, "minted");
    assert.equal((await lockstep(["probe", "s3://plain"], environment)).status, 1);
    assert.equal((await lockstep(["probe", "s3://nowhere"], environment)).status, 1);
    const stranger = { ...environment, AWS_ACCESS_KEY_ID: "AKNOBODY" };
    const refused = await lockstep(["probe", "s3://tried"], stranger);
    assert.equal(refused.status, 3);
    assert.match(refused.stdout, /the store does not know the access key/);
    const nowhere = { ...environment, AWS_ENDPOINT_URL: "http://127.0.0.1:9" };
    assert.equal((await lockstep(["probe", "s3://tried"], nowhere)).status, 3);
  });

  it("ctrl-C ends it, and what was written is removed", async () => {
    const client = clientOf("a");
    const child = spawn(process.execPath, [BINARY, "probe", "s3://tried", "--json"], {
      env: { ...environmentOf(gateways.a) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    const ended = new Promise<number | null>((done) => child.once("close", (status) => done(status)));
    // As soon as something is there.
    for (let tried = 0; tried < 1000; tried++) {
      const { versions } = await client.listObjectVersions({ bucket: "tried" });
      if (versions.length > 0) break;
    }
    child.kill("SIGINT");
    assert.equal(await ended, 1);
    const { checks } = JSON.parse(text) as ProbeReport;
    assert.ok(checks.some(({ code, says }) => code === "untried" && says === "the probe was interrupted"));
    assert.deepEqual(await client.listObjectVersions({ bucket: "tried" }), { versions: [] });
  });
});
