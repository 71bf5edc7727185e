/** Audits with the real binary: what is altered at a destination gets its verdict, what is missing is repaired, reports are filed. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { S3 } from "@aws-sdk/client-s3";
import type { KnownWatches } from "../../src/cli/console-client.ts";
import { canaryId, canaryPrefix } from "../../src/core/canary-key.ts";
import type { AuditReport } from "../../src/doctor/audit/report.ts";
import { type Environment, lockstep, type Served, serve, temporaryDirectory } from "./binary.ts";
import { s3Of } from "./sdk.ts";
import { consoleOf, endEngine, replication, TwoStores } from "./two-stores.ts";

type Audited = AuditReport & { readonly directory: string };

interface Repaired {
  readonly repair: { readonly leftOver: readonly { readonly reason: string }[] };
}

/** `verdict reason versions`, what is expected in brackets. */
function kinds({ reasons }: AuditReport): string[] {
  return reasons
    .map(({ verdict, reason, versions, isExpected }) => {
      const text = `${verdict} ${reason} ${versions}`;
      return isExpected ? `(${text})` : text;
    })
    .sort();
}

describe("audits in the lab", () => {
  const directory = temporaryDirectory();
  const reports = join(directory.path, "audits");
  let served: Served;
  let environment: Environment;
  let s3: S3;

  before(async () => {
    served = await serve(`${directory.path}/data`, directory.path, ["--example"]);
    environment = await served.environment();
    s3 = s3Of(environment);
  });
  after(async () => {
    s3.destroy();
    await served.stop();
    directory.remove();
  });

  async function audit(...words: string[]): Promise<{ readonly status: number; readonly report: Audited }> {
    const typed = ["audit", ...words, "--json", "--report-dir", reports];
    const { status, stdout, stderr } = await lockstep(typed, environment);
    assert.equal(stderr, "");
    return { status, report: JSON.parse(stdout) as Audited };
  }

  it("tells what the rules leave out from what FAILED", async () => {
    const { status, report } = await audit("s3://photos");
    assert.equal(status, 1);
    assert.deepEqual(kinds(report), ["(explained KmsNotSelected 60)", "explained DstDelObjNotPermitted 30"]);
    assert.equal(report.counts.equal, 240);
    assert.equal(report.coverage, 240 / 270);
    assert.equal(report.previous, null);
  });

  it("is clean when the causes are gone and the versions are replicated again", async () => {
    assert.equal((await lockstep(["fix", "s3://photos", "--apply", "--yes"], environment)).status, 0);
    const { status, report } = await audit("s3://photos", "--repair");
    assert.equal(status, 0, JSON.stringify(report));
    const again = await audit("s3://photos", "--verify", "all");
    assert.equal(again.status, 0);
    assert.equal(again.report.counts.equal, 330);
    assert.equal(again.report.coverage, 1);
    assert.ok(again.report.verified.byChecksum > 0);
  });

  it("gives what is altered at the destination its verdict, and repairs what a resync can bring", async () => {
    const bucket = "photos-replica";
    const { Versions = [] } = await s3.listObjectVersions({ Bucket: bucket, Prefix: "2026/01" });
    const [lost, tagged, hidden] = Versions.filter((one) => one.Size !== 0 && one.IsLatest === true);
    const refOf = (one: typeof lost) => ({ Bucket: bucket, Key: one?.Key ?? "", VersionId: one?.VersionId ?? "" });
    await s3.deleteObject(refOf(lost));
    await s3.putObjectTagging({ ...refOf(tagged), Tagging: { TagSet: [{ Key: "altered", Value: "yes" }] } });
    await s3.deleteObject({ Bucket: bucket, Key: hidden?.Key ?? "" });
    await s3.putObject({ Bucket: bucket, Key: "2026/stray.jpg", Body: "stray" });
    const found = await audit("s3://photos", "--metadata", "--repair");
    assert.equal(found.status, 1);
    assert.deepEqual(kinds(found.report), [
      "deleteMarker MarkerOnlyThere 1",
      "extra WrittenThere 1",
      "missing ReplicaMissing 1",
      "tags TagSetsDiffer 1",
    ]);
    assert.deepEqual((found.report as unknown as Repaired).repair.leftOver.map((one) => one.reason).sort(), [
      "MarkerOnlyThere",
      "WrittenThere",
    ]);
    const repaired = await audit("s3://photos", "--one-way", "--metadata");
    assert.deepEqual([repaired.status, kinds(repaired.report)], [0, []]);
  });

  it("compares buckets that nothing replicates between by what is in them", async () => {
    for (const Bucket of ["plain-a", "plain-b"]) await s3.createBucket({ Bucket });
    const put = async (Bucket: string, Key: string, Body: string, meta: Record<string, string> = {}) =>
      void (await s3.putObject({ Bucket, Key, Body, Metadata: meta }));
    for (const bucket of ["plain-a", "plain-b"]) await put(bucket, "same", "same");
    await put("plain-a", "<script>alert(1)</script>", "gone");
    await put("plain-a", "bytes", "1234");
    await put("plain-b", "bytes", "1235");
    await put("plain-a", "size", "12345");
    await put("plain-b", "size", "123456");
    await put("plain-a", "meta", "m", { colour: "red" });
    await put("plain-b", "meta", "m", { colour: "blue" });
    await put("plain-b", "new", "n");
    const byListing = await audit("s3://plain-a", "s3://plain-b");
    assert.deepEqual(kinds(byListing.report), ["data SizeDiffers 1", "extra OnlyThere 1", "missing NotThere 1"]);
    assert.equal(byListing.report.suspects, 1);
    const { report } = await audit("s3://plain-a", "s3://plain-b", "--verify", "all");
    assert.deepEqual(kinds(report), [
      "data ChecksumDiffers 1",
      "data SizeDiffers 1",
      "extra OnlyThere 1",
      "metadata MetadataDiffers 1",
      "missing NotThere 1",
    ]);
    const page = readFileSync(join(report.directory, "report.html"), "utf8");
    assert.ok(!page.includes("<script>alert"));
    assert.ok(page.includes("&lt;script&gt;alert(1)&lt;/script&gt;"));
  });

  it("tells nothing of what is younger than it is asked to", async () => {
    const { status, report } = await audit("s3://plain-a", "s3://plain-b", "--older-than", "1h");
    assert.deepEqual([status, report.counts.young, kinds(report)], [0, 3, []]);
  });

  /** Makes a report of all versions, in Parquet, now; told by the place of its manifest. */
  async function inventoried(Bucket: string): Promise<string> {
    const S3BucketDestination = { Bucket: "arn:aws:s3:::inventories", Format: "Parquet" as const, Prefix: "all" };
    const fields = ["Size", "LastModifiedDate", "ETag", "ReplicationStatus"] as const;
    await s3.putBucketInventoryConfiguration({
      Bucket,
      Id: "all",
      InventoryConfiguration: {
        Id: "all",
        IsEnabled: true,
        IncludedObjectVersions: "All",
        Schedule: { Frequency: "Daily" },
        OptionalFields: [...fields],
        Destination: { S3BucketDestination },
      },
    });
    const token = readFileSync(join(directory.path, "data/token"), "utf8").trim();
    const made = await fetch(`${served.endpoint}/_lockstep/buckets/${Bucket}/inventory`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}` },
      body: JSON.stringify({ id: "all" }),
    });
    const said = await made.text();
    assert.equal(made.status, 200, said);
    return `s3://inventories/${(JSON.parse(said) as { readonly manifest: string }).manifest}`;
  }

  it("reads inventories in Parquet as it reads listings", async () => {
    const { report: byListing } = await audit("s3://plain-a", "s3://plain-b");
    assert.equal(byListing.from, "listings");
    await s3.createBucket({ Bucket: "inventories" });
    const Principal = { Service: "s3.amazonaws.com" };
    const Resource = ["arn:aws:s3:::inventories", "arn:aws:s3:::inventories/*"];
    const Statement = [{ Effect: "Allow", Principal, Action: ["s3:PutObject", "s3:GetBucketAcl"], Resource }];
    const Policy = JSON.stringify({ Version: "2012-10-17", Statement });
    await s3.putBucketPolicy({ Bucket: "inventories", Policy });
    await inventoried("plain-a");
    const there = await inventoried("plain-b");
    const ends = ["--source-inventory", "latest", "--destination-inventory", there];
    const { status, report } = await audit("s3://plain-a", "s3://plain-b", ...ends);
    assert.equal(status, 1);
    assert.equal(report.from, "inventories");
    assert.match(report.source, /^s3:\/\/plain-a \(inventory of /);
    const { versions, bytes, suspects } = byListing;
    assert.deepEqual(
      [kinds(report), report.versions, report.bytes, report.suspects],
      [kinds(byListing), versions, bytes, suspects],
    );
    // What was written since the inventory is at the other end only: the listing at one end is as it is now.
    await s3.putObject({ Bucket: "plain-a", Key: "since", Body: "s" });
    const { report: mixed } = await audit("s3://plain-a", "s3://plain-b", "--destination-inventory", there);
    assert.equal(mixed.counts.missing, byListing.counts.missing + 1);
    await s3.deleteObject({ Bucket: "plain-a", Key: "since" });
  });

  it("names what a bucket without inventories lacks", async () => {
    await s3.createBucket({ Bucket: "plain-c" });
    const unknown = await lockstep(
      ["audit", "s3://plain-c", "s3://plain-b", "--source-inventory", "latest", "--report-dir", reports],
      environment,
    );
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /has no inventory/);
  });

  it("shows which filed report was changed, and which of its files", async () => {
    const clean = await lockstep(["audit", "--check", reports], environment);
    assert.equal(clean.status, 0, clean.stdout);
    const ofPhotos = readdirSync(reports)
      .filter((one) => one.endsWith("photos-photos-replica"))
      .toSorted();
    const [first, second] = ofPhotos.map((one) => join(reports, one));
    const edit = (path: string, from: string, to: string) => {
      const text = readFileSync(path, "utf8");
      assert.ok(text.includes(from), path);
      writeFileSync(path, text.replaceAll(from, to));
    };
    edit(join(first ?? "", "report.json"), '"exceptions": 30', '"exceptions": 0');
    edit(join(second ?? "", "report.html"), "Coverage", "Rosy coverage");
    const { status, stdout } = await lockstep(["audit", "--check", reports, "--json"], environment);
    assert.equal(status, 1);
    const { reports: checked } = JSON.parse(stdout) as {
      readonly reports: readonly { readonly file: string; readonly problems: readonly string[] }[];
    };
    const problems = (of: string | undefined) =>
      checked.find((one) => one.file === join(of ?? "", "report.json"))?.problems;
    assert.match(problems(first)?.join() ?? "", /does not fit its digest/);
    assert.match(problems(second)?.join() ?? "", /report\.html does not show what the report says/);
    assert.match(problems(second)?.join() ?? "", /the report before it, .* is another one than it was/);
  });
});

describe("audits between two stores", () => {
  let stores: TwoStores;
  before(async () => {
    stores = await TwoStores.open();
  });
  after(async () => stores.close());

  it("follow the ledger's map of ids, and know why something is missing", async () => {
    const bucket = "audited";
    await stores.bucket(bucket);
    for (const key of ["a", "b", "c"]) {
      for (const text of ["one", "two"]) {
        await stores.here.putObject({ ...EMPTY, bucket, key, body: Buffer.from(`${key} ${text}`) });
      }
    }
    await stores.here.deleteObject({ bucket, key: "c" });
    const config = stores.configure("audited", replication(bucket));
    assert.equal((await stores.run(config, "--once")).status, 0);
    const audit = async (...words: string[]) => {
      const typed = ["audit", "-c", config, "--json", ...words];
      const { status, stdout, stderr } = await lockstep(typed, stores.environment, stores.directory.path);
      assert.equal(stderr, "");
      return { status, report: JSON.parse(stdout) as Audited };
    };
    const clean = await audit("--verify", "all");
    assert.deepEqual([clean.status, clean.report.counts.equal, kinds(clean.report)], [0, 7, []]);
    assert.ok(clean.report.directory.startsWith(join(stores.directory.path, "lockstep-audits")));
    const { versions } = await stores.there.listObjectVersions({ bucket, prefix: "a" });
    await stores.there.deleteObject({ bucket, key: "a", versionId: versions[0]?.versionId ?? "" });
    await stores.here.putObject({ ...EMPTY, bucket, key: "d", body: Buffer.from("late") });
    const found = await audit();
    assert.deepEqual([found.status, kinds(found.report)], [1, ["missing NotThere 1", "missing ReplicaRemoved 1"]]);
    assert.equal(found.report.previous?.digest, clean.report.digest);
    assert.deepEqual(
      found.report.earlier.map((one) => one.exceptions),
      [0],
    );
  });

  it("see versions that stand in another order than those they are replicas of", async () => {
    const bucket = "ordered";
    await stores.bucket(bucket);
    for (const text of ["one", "two", "six"]) {
      await stores.here.putObject({ ...EMPTY, bucket, key: "k", body: Buffer.from(text) });
    }
    assert.equal((await stores.run(stores.configure("ordered", replication(bucket)), "--once")).status, 0);
    const { versions } = await stores.there.listObjectVersions({ bucket });
    const oldest = { bucket, key: "k", versionId: versions.at(-1)?.versionId ?? "" };
    const { head, body } = await stores.there.getObject(oldest);
    const { userMetadata } = head;
    await stores.there.putObject({ ...EMPTY, bucket, key: "k", body: await body.bytes(), userMetadata });
    await stores.there.deleteObject(oldest);
    // Another engine, which remembers nothing, knows replicas by their marks.
    const config = stores.configure("ordered-anew", replication(bucket));
    assert.equal((await stores.run(config, "--once")).status, 0);
    const typed = ["audit", "-c", config, "--json", "--verify", "all"];
    const { status, stdout } = await lockstep(typed, stores.environment, stores.directory.path);
    const report = JSON.parse(stdout) as Audited;
    assert.deepEqual([status, kinds(report), report.counts.equal], [1, ["order OrderDiffers 2"], 1]);
    const words = await lockstep(typed.slice(0, 3), stores.environment, stores.directory.path);
    assert.match(words.stdout, /The versions are in another order\n +Copy the current object in place at the source/);
  });

  it("are run by the clock, remembered, and filed behind those that somebody asked for", async () => {
    const bucket = "clocked";
    await stores.bucket(bucket);
    await stores.here.putObject({ ...EMPTY, bucket, key: "a", body: Buffer.from("a") });
    const schedules = "schedules: {audit: {every: 1h, olderThan: 1s, verify: all, reports: by-the-clock}}";
    const path = stores.configure("clocked", replication(bucket), `console: {port: 0}\n${schedules}`);
    assert.equal((await stores.run(path, "--once")).status, 0);
    // A canary that somebody has left behind is nobody's object.
    const canary = `${canaryPrefix("", canaryId(0, "w"))}plain`;
    await stores.there.putObject({ ...EMPTY, bucket, key: canary, body: Buffer.from("c") });
    const engine = stores.spawn(path, "--json");
    try {
      const consoleUrl = await consoleOf(engine);
      const token = readFileSync(join(stores.directory.path, "lockstep.token"), "utf8").trim();
      const untilMs = Date.now() + 30_000;
      for (;;) {
        const answer = await fetch(`${consoleUrl}/api/v1/watches?kind=audit`, {
          headers: { authorization: `Bearer ${token}` },
        });
        const { results, schedules: known } = (await answer.json()) as KnownWatches;
        const [result] = results;
        if (result !== undefined) {
          const { kind, subject, verdict, counts, report = "", says } = result;
          assert.deepEqual([kind, subject, verdict], ["audit", "clocked-here", "ok"], says);
          assert.deepEqual([counts["equal"], counts["young"]], [1, 0]);
          assert.ok(report.startsWith(join(stores.directory.path, "by-the-clock")), report);
          const filed = JSON.parse(readFileSync(join(report, "report.json"), "utf8")) as AuditReport;
          assert.ok(says.includes(filed.digest));
          assert.deepEqual([known[0]?.kind, known[0]?.when], ["audit", "every 1h"]);
          break;
        }
        assert.ok(Date.now() < untilMs, "no audit was run");
        await sleep(200);
      }
    } finally {
      await endEngine(engine, "SIGKILL");
    }
  });
});

const EMPTY = { contentHeaders: {}, userMetadata: {} } as const;
