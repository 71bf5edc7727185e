/**
 * Audits between two gateways with the real binary: every verdict from what somebody did there, repaired as far as it can be,
 * and rclone, which nobody here wrote, sees the same of current objects.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { AuditReport } from "../../src/doctor/audit/report.ts";
import type { ListedVersion } from "../../src/s3/store.ts";
import { lockstep, run } from "../e2e/binary.ts";
import { replication } from "../e2e/two-stores.ts";
import { RunWorld } from "./run-world.ts";

/** More than two pages. */
const KEYS = Array.from({ length: 2100 }, (_, index) => `${index % 7}/object ${index}+é`);
const WRITES_AT_ONCE = 16;

type Audited = AuditReport & {
  readonly repair?: { readonly brought: number; readonly leftOver: readonly { readonly reason: string }[] };
};

describe("audits between two gateways", () => {
  let world: RunWorld;
  before(async () => {
    world = await RunWorld.open({ objectStore: "memstore" });
  });
  after(async () => world.close());

  async function audit(config: string, ...words: readonly string[]) {
    const { environment, directory } = world.stores;
    const typed = ["audit", "-c", config, "--json", ...words];
    const { status, stdout, stderr } = await lockstep(typed, environment, directory.path);
    assert.notEqual(stdout, "", stderr);
    const report = JSON.parse(stdout) as Audited;
    const kinds = report.reasons.map((one) => `${one.verdict} ${one.reason} ${one.versions}`).sort();
    return { status, report, kinds };
  }

  /** `+ key` is missing there, `- key` is only there, `* key` differs. */
  async function rclone(bucket: string, ...words: readonly string[]): Promise<string[]> {
    const { environment, directory } = world.stores;
    const remote = (name: string) => {
      const of = (member: string) => environment[`${name}${member}`] ?? "";
      const keys = `access_key_id=${of("_KEY")},secret_access_key=${of("_SECRET")}`;
      return `:s3,provider=Ceph,${keys},endpoint="${of("")}":${bucket}`;
    };
    const typed = ["--config", "", "check", "--combined", "-", ...words, remote("HERE"), remote("THERE")];
    const { stdout } = await run("rclone", typed, environment, directory.path);
    assert.notEqual(stdout, "");
    return stdout
      .split("\n")
      .filter((one) => one !== "" && !one.startsWith("="))
      .sort();
  }

  async function newest(end: "here" | "there", bucket: string, key: string): Promise<ListedVersion> {
    const { versions } = await world.stores[end].listObjectVersions({ bucket, prefix: key });
    const [found] = versions;
    assert.ok(found?.key === key);
    return found;
  }

  it("are clean where the engine has replicated, and so is rclone's check", async () => {
    const { stores } = world;
    await stores.bucket("audited");
    const waiting = [...KEYS];
    const writer = async () => {
      for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
        await world.put("here", "audited", key, key, { userMetadata: { of: "all" } });
      }
    };
    await Promise.all(Array.from({ length: WRITES_AT_ONCE }, writer));
    await world.put("here", "audited", "again", "first");
    await world.put("here", "audited", "again", "second", { tags: [{ key: "colour", value: "red" }] });
    await world.put("here", "audited", "tagged", "tagged", { tags: [{ key: "colour", value: "red" }] });
    await world.put("here", "audited", "deleted", "deleted");
    await stores.here.deleteObject({ bucket: "audited", key: "deleted" });
    const path = stores.configure("audited", replication("audited"));
    await world.once(path);
    const { status, report, kinds } = await audit(path, "--verify", "all");
    assert.deepEqual([status, kinds], [0, []]);
    assert.equal(report.counts.equal, KEYS.length + 5);
    assert.equal(report.coverage, 1);
    assert.equal(report.verified.looked, KEYS.length + 4);
    assert.deepEqual(await rclone("audited", "--size-only"), []);
  });

  it("tell what was done since, as rclone does of current objects; --repair brings it, and all is clean again", async () => {
    const { stores } = world;
    const bucket = "audited";
    const [hidden = "", gone = ""] = KEYS;
    await world.put("here", bucket, "late", "late");
    await stores.here.deleteObject({ bucket, key: gone });
    await world.put("there", bucket, "stray", "stray");
    await stores.there.deleteObject({ bucket, key: hidden });
    await stores.there.putObjectTagging({ bucket, key: "tagged", tags: [{ key: "colour", value: "blue" }] });
    const first = stores.configure("audited", replication(bucket));
    const found = await audit(first, "--metadata");
    assert.equal(found.status, 1);
    assert.deepEqual(found.kinds, [
      "deleteMarker MarkerNotThere 1",
      "deleteMarker MarkerOnlyThere 1",
      "extra WrittenThere 1",
      "missing NotThere 1",
      "tags TagSetsDiffer 1",
    ]);
    assert.deepEqual(await rclone(bucket, "--size-only"), [`+ ${hidden}`, "+ late", `- ${gone}`, "- stray"].sort());
    const settled = await audit(first, "--older-than", "1h");
    assert.deepEqual([settled.status, settled.kinds, settled.report.counts.young], [0, [], 4]);

    const running = world.start(stores.configure("audited", replication(bucket), "console: {port: 0}"));
    const { url } = await running.console();
    const engine = ["--server", url, "--token-file", join(stores.directory.path, "lockstep.token")];
    const repaired = await audit(first, "--metadata", "--repair", ...engine);
    assert.equal(repaired.status, 1);
    assert.deepEqual(repaired.report.repair?.leftOver.map((one) => one.reason).sort(), [
      "MarkerOnlyThere",
      "WrittenThere",
    ]);
    const after_ = await audit(first, "--metadata");
    assert.deepEqual(after_.kinds, ["deleteMarker MarkerOnlyThere 1", "extra WrittenThere 1"]);
    // What it says to do by hand.
    for (const key of [hidden, "stray"]) {
      const { versionId } = await newest("there", bucket, key);
      await stores.there.deleteObject({ bucket, key, versionId });
    }
    const clean = await audit(first, "--verify", "all");
    assert.deepEqual([clean.status, clean.kinds], [0, []]);
    assert.deepEqual(await rclone(bucket, "--size-only"), []);
    assert.equal(await running.stop(), 0);
  });

  it("tell bytes, metadata and order that differ where somebody forged replicas, and why no repair touches them", async () => {
    const { stores } = world;
    const bucket = "forged";
    await stores.bucket(bucket);
    for (const key of ["bytes", "metadata", "removed", "same"]) await world.put("here", bucket, key, `${key} one`);
    for (const text of ["one", "two", "six"]) await world.put("here", bucket, "order", text);
    await world.once(stores.configure("forged", replication(bucket)));
    const forge = async (at: ListedVersion, change: { body?: string; userMetadata?: Record<string, string> }) => {
      const version = { bucket, key: at.key, versionId: at.versionId };
      const { head, body } = await stores.there.getObject(version);
      const bytes = await body.bytes();
      const userMetadata = { ...head.userMetadata, ...change.userMetadata };
      await world.put("there", bucket, at.key, change.body ?? bytes, { userMetadata });
      await stores.there.deleteObject(version);
    };
    await forge(await newest("there", bucket, "bytes"), { body: "bytes two" });
    await forge(await newest("there", bucket, "metadata"), { userMetadata: { colour: "blue" } });
    const { versions } = await stores.there.listObjectVersions({ bucket, prefix: "order" });
    const oldest = versions.at(-1);
    assert.ok(oldest !== undefined);
    await forge(oldest, {});
    // Another engine, which remembers nothing, knows replicas by their marks.
    const path = stores.configure("forged-anew", replication(bucket), "console: {port: 0}");
    assert.equal((await stores.run(path, "--once")).status, 0);
    const { versionId } = await newest("there", bucket, "removed");
    await stores.there.deleteObject({ bucket, key: "removed", versionId });

    const expected = [
      "data BytesDiffer 1",
      "metadata MetadataDiffers 1",
      "missing ReplicaRemoved 1",
      "order OrderDiffers 2",
    ];
    assert.deepEqual((await audit(path, "--verify", "all")).kinds, expected);
    // The listings of current objects are alike: rclone has to read them all, too.
    assert.deepEqual(await rclone(bucket, "--size-only"), ["+ removed"]);
    assert.deepEqual(await rclone(bucket, "--download"), ["* bytes", "* order", "+ removed"]);

    const running = world.start(path);
    const { url } = await running.console();
    const engine = ["--server", url, "--token-file", join(stores.directory.path, "lockstep.token")];
    const { status, kinds, report } = await audit(path, "--verify", "all", "--repair", ...engine);
    assert.deepEqual([status, kinds], [1, expected]);
    assert.equal(report.repair?.brought, 0);
    assert.deepEqual(report.repair?.leftOver.map((one) => one.reason).sort(), [
      "BytesDiffer",
      "MetadataDiffers",
      "OrderDiffers",
      "ReplicaRemoved",
    ]);
    assert.deepEqual((await audit(path, "--verify", "all")).kinds, expected);
    await running.stop();
  });
});
