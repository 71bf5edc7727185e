/** Tasks of batch replication jobs: what initiates a version, and every reason why one is not initiated. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { DeleteRoleCommand, DeleteRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketReplicationCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  PutBucketVersioningCommand,
} from "@aws-sdk/client-s3";
import type { XmlNode } from "../../src/core/xml.ts";
import type { TakenChange } from "../../src/lab/index.ts";
import { ALICE } from "../lab-s3/lab.ts";
import { BatchLab, failuresOf, generatorOf, members, reportOf, SOURCE, TARGET } from "./batch-lab.ts";

const SUCCESS = "succeeded,200,,success";
const ARN = `arn:aws:s3:::${TARGET}`;

describe("tasks of batch replication", () => {
  let batch: BatchLab;
  before(async () => {
    batch = await BatchLab.start();
    await batch.put("existing");
    await batch.replicate(SOURCE, TARGET);
  });
  after(() => batch.lab.stop());

  const only = (prefix: string): { readonly ManifestGenerator: XmlNode } => ({
    ManifestGenerator: generatorOf([["KeyNameConstraint", [members("MatchAnyPrefix", prefix)]]]),
  });

  /** Outcome of one version, named by a manifest. */
  async function outcome(key: string, versionId: string, bucket = SOURCE): Promise<string> {
    const Manifest = await batch.manifest(`${bucket},${key},${versionId}\n`);
    const [row] = await batch.report({ Manifest });
    return row?.outcome ?? "no row";
  }

  async function status(Key: string, VersionId?: string, Bucket = SOURCE): Promise<string | undefined> {
    const { ReplicationStatus } = await batch.s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }));
    return ReplicationStatus;
  }

  async function settle(key: string, versionId: string, to: "COMPLETED" | "FAILED", arn = ARN): Promise<void> {
    await batch.lab.lab.setReplicationStatus({ bucket: SOURCE, key, versionId }, to, arn);
  }

  async function changesOf(key: string): Promise<readonly TakenChange[]> {
    const changes = await batch.lab.lab.openChanges().take(1000);
    return changes.filter(({ event }) => event.version.key === key);
  }

  test("a version from before the rule becomes PENDING, and the engine is told in the same breath", async () => {
    let told = 0;
    const stop = batch.lab.lab.openChanges().onChange(() => {
      told += 1;
    });
    const [row] = await batch.report(only("existing"));
    stop();
    assert.equal(row?.outcome, SUCCESS);
    assert.equal(await status("existing"), "PENDING");
    assert.ok(told > 0);
    const [change] = await changesOf("existing");
    assert.equal(change?.event.operation, "put");
    assert.equal(change?.event.isInitiated, true);
    assert.deepEqual(change?.event.taken, [{ ruleId: `to-${TARGET}`, destinationArn: ARN }]);
  });

  test("what FAILED, and what is COMPLETED, is initiated again", async () => {
    for (const to of ["FAILED", "COMPLETED"] as const) {
      const versionId = await batch.put(`again/${to}`);
      await settle(`again/${to}`, versionId, to);
      assert.equal(await outcome(`again/${to}`, versionId), SUCCESS);
      assert.equal(await status(`again/${to}`), "PENDING");
    }
  });

  test("what failed at a destination that no rule writes to any more is forgotten", async () => {
    const versionId = await batch.put("moved");
    await settle("moved", versionId, "COMPLETED");
    await settle("moved", versionId, "FAILED", "arn:aws:s3:::left-behind");
    assert.equal(await status("moved"), "FAILED");
    assert.equal(await outcome("moved", versionId), SUCCESS);
    await settle("moved", versionId, "COMPLETED");
    assert.equal(await status("moved"), "COMPLETED");
  });

  test("a delete marker is initiated when a rule replicates markers", async () => {
    await batch.put("marked");
    const { VersionId = "" } = await batch.s3.send(new DeleteObjectCommand({ Bucket: SOURCE, Key: "marked" }));
    assert.equal(await outcome("marked", VersionId), SUCCESS);
    const changes = await changesOf("marked");
    assert.equal(changes.at(-1)?.event.operation, "deleteMarker");
  });

  test("SrcObjectNotEligible: an archived version, which keeps no status at all", async () => {
    await batch.s3.send(new DeleteBucketReplicationCommand({ Bucket: SOURCE }));
    const versionId = await batch.put("cold", { StorageClass: "DEEP_ARCHIVE" });
    await batch.replicate(SOURCE, TARGET);
    assert.equal(
      await outcome("cold", versionId),
      "failed,500,SrcObjectNotEligible,Object is not eligible for replication",
    );
    assert.equal(await status("cold"), undefined);
  });

  test("SrcObjectNotEligible: no rule takes it, or the rule is disabled", async () => {
    const versionId = await batch.put("ruled");
    await batch.replicate(SOURCE, TARGET, { Filter: { Prefix: "elsewhere/" } });
    assert.match(await outcome("ruled", versionId), /SrcObjectNotEligible/);
    await batch.replicate(SOURCE, TARGET, { Status: "Disabled" });
    assert.match(await outcome("ruled", versionId), /SrcObjectNotEligible/);
    await batch.replicate(SOURCE, TARGET);
    assert.equal(await outcome("ruled", versionId), SUCCESS);
  });

  test("SrcBucketReplicationConfigMissing: the source has no configuration", async () => {
    await batch.lab.bucket("no-rules", { versioned: true });
    const versionId = await batch.put("a", { Bucket: "no-rules" });
    assert.match(await outcome("a", versionId, "no-rules"), /^failed,500,SrcBucketReplicationConfigMissing,/);
  });

  test("SrcBucketNotFound, SrcKeyNotFound and SrcVersionNotFound tell what is not there", async () => {
    const versionId = await batch.put("gone");
    await batch.put("gone");
    await batch.s3.send(new DeleteObjectCommand({ Bucket: SOURCE, Key: "gone", VersionId: versionId }));
    assert.match(await outcome("a", "null", "not-there"), /^failed,500,SrcBucketNotFound,/);
    assert.match(await outcome("never", versionId), /^failed,500,SrcKeyNotFound,/);
    assert.match(await outcome("gone", versionId), /^failed,500,SrcVersionNotFound,/);
  });

  test("SrcObjectNotFound: the version id is empty", async () => {
    assert.equal(await outcome("gone", ""), "failed,500,SrcObjectNotFound,Object versionID is invalid");
  });

  test("InitiateReplicationNotPermitted: the role may not initiate this object", async () => {
    const versionId = await batch.put("guarded/1");
    const open = await batch.put("open/1");
    await batch.allow("batch", ["s3:*"], [`arn:aws:s3:::batch-reports/*`, `arn:aws:s3:::${SOURCE}/open/*`]);
    const Manifest = await batch.manifest(`${SOURCE},guarded/1,${versionId}\n${SOURCE},open/1,${open}\n`);
    const rows = await batch.report({ Manifest });
    await batch.allow("batch", ["s3:*"]);
    assert.deepEqual(rows.map((row) => row.outcome.split(",").slice(0, 3).join()).sort(), [
      "failed,500,InitiateReplicationNotPermitted",
      "succeeded,200,",
    ]);
  });

  test("SrcBucketInvalidRegion: the source is in another Region than the job", async () => {
    await batch.s3.send(
      new CreateBucketCommand({
        Bucket: "far-source",
        CreateBucketConfiguration: { LocationConstraint: "eu-central-1" },
      }),
    );
    const VersioningConfiguration = { Status: "Enabled" } as const;
    await batch.s3.send(new PutBucketVersioningCommand({ Bucket: "far-source", VersioningConfiguration }));
    const versionId = await batch.put("a", { Bucket: "far-source" });
    assert.match(await outcome("a", versionId, "far-source"), /^failed,500,SrcBucketInvalidRegion,/);
  });

  test("DstBucketInvalidRegion: the destination is not where it was when the job was prepared", async () => {
    await batch.lab.bucket("roaming", { versioned: true });
    await batch.lab.bucket("roaming-source", { versioned: true });
    const versionId = await batch.put("a", { Bucket: "roaming-source" });
    await batch.replicate("roaming-source", "roaming");
    const ConfirmationRequired: XmlNode = ["ConfirmationRequired", true];
    const Manifest = await batch.manifest(`roaming-source,a,${versionId}\n`);
    const id = await batch.run({ ConfirmationRequired, Manifest });
    await batch.s3.send(new DeleteBucketCommand({ Bucket: "roaming" }));
    const CreateBucketConfiguration = { LocationConstraint: "eu-west-1" } as const;
    await batch.s3.send(new CreateBucketCommand({ Bucket: "roaming", CreateBucketConfiguration }));
    await batch.control("POST", `/jobs/${id}/status?requestedJobStatus=Ready`);
    await batch.finish();
    const [row] = await batch.rowsOf(id);
    assert.match(row?.outcome ?? "", /^failed,500,DstBucketInvalidRegion,/);
  });

  /** A replica as replication writes it. */
  async function writeReplica(key: string, versionId: string): Promise<void> {
    const by = await batch.lab.lab.assumeReplicationRole(`arn:aws:iam::${ALICE}:role/mover`);
    await batch.lab.lab.direct(by).putObject({
      bucket: TARGET,
      key,
      body: Buffer.from(key),
      contentHeaders: {},
      userMetadata: {},
      replica: { versionId, lastModifiedMs: Date.now() },
    });
  }

  test("DstObjectHardDeleted: a replica that was removed for good is never written again", async () => {
    const versionId = await batch.put("hard");
    await writeReplica("hard", versionId);
    await settle("hard", versionId, "COMPLETED");
    assert.equal(await outcome("hard", versionId), SUCCESS, "the replica is there");
    await settle("hard", versionId, "COMPLETED");
    await batch.s3.send(new DeleteObjectCommand({ Bucket: TARGET, Key: "hard", VersionId: versionId }));
    assert.match(await outcome("hard", versionId), /^failed,500,DstObjectHardDeleted,/);
    assert.equal(await status("hard"), "COMPLETED");
  });

  test("a replica that went with its bucket is written again into the new one", async () => {
    await batch.lab.bucket("reborn", { versioned: true });
    await batch.lab.bucket("reborn-source", { versioned: true });
    await batch.replicate("reborn-source", "reborn");
    const versionId = await batch.put("a", { Bucket: "reborn-source" });
    await batch.lab.lab.setReplicationStatus({ bucket: "reborn-source", key: "a", versionId }, "COMPLETED");
    await batch.s3.send(new DeleteBucketCommand({ Bucket: "reborn" }));
    await batch.lab.bucket("reborn", { versioned: true });
    assert.equal(await outcome("a", versionId, "reborn-source"), SUCCESS);
  });

  test("a replica is initiated, shows PENDING, and is a replica again when it has arrived", async () => {
    await batch.lab.bucket("third", { versioned: true });
    const versionId = await batch.put("chain");
    await writeReplica("chain", versionId);
    await batch.replicate(TARGET, "third");
    assert.equal(await status("chain", versionId, TARGET), "REPLICA");
    const filter = [members("ObjectReplicationStatuses", "REPLICA"), ["EligibleForReplication", true]] as const;
    const rows = await batch.report({ ManifestGenerator: generatorOf(filter, [], TARGET) });
    assert.deepEqual(
      rows.map((row) => `${row.key} ${row.outcome}`),
      [`chain ${SUCCESS}`],
    );
    assert.equal(await status("chain", versionId, TARGET), "PENDING");
    const ref = { bucket: TARGET, key: "chain", versionId };
    await batch.lab.lab.setReplicationStatus(ref, "COMPLETED", "arn:aws:s3:::third");
    assert.equal(await status("chain", versionId, TARGET), "REPLICA");
  });

  test("AssumeRoleNotPermitted: a role that is gone when the job starts fails every task", async () => {
    await batch.role("leaving", "batchoperations.s3.amazonaws.com");
    await batch.allow("leaving", ["s3:*"]);
    const ConfirmationRequired: XmlNode = ["ConfirmationRequired", true];
    const RoleArn: XmlNode = ["RoleArn", `arn:aws:iam::${ALICE}:role/leaving`];
    const id = await batch.run({ ...only("again/"), ConfirmationRequired, RoleArn });
    await batch.iam.send(new DeleteRolePolicyCommand({ RoleName: "leaving", PolicyName: "may" }));
    await batch.iam.send(new DeleteRoleCommand({ RoleName: "leaving" }));
    await batch.control("POST", `/jobs/${id}/status?requestedJobStatus=Ready`);
    while ((await batch.status(id)) !== "Completing") assert.ok(await batch.lab.lab.stepJobs());
    await batch.role("leaving", "batchoperations.s3.amazonaws.com");
    await batch.allow("leaving", ["s3:*"]);
    await batch.finish();
    const rows = await batch.rowsOf(id);
    assert.equal(rows.length, 2);
    for (const row of rows) assert.match(row.outcome, /^failed,500,AssumeRoleNotPermitted,/);
  });

  test("a report of failed tasks only leaves the others out", async () => {
    const versionId = await batch.put("scoped");
    const Manifest = await batch.manifest(`${SOURCE},scoped,${versionId}\n${SOURCE},scoped,\n`);
    const rows = await batch.report({ Manifest, Report: reportOf("FailedTasksOnly") });
    assert.deepEqual(
      rows.map((row) => row.outcome),
      ["failed,500,SrcObjectNotFound,Object versionID is invalid"],
    );
  });

  test("after a thousand tasks a job of which more than half failed is given up, and reports what it did", async () => {
    const lines = Array.from({ length: 1500 }, (_, index) => `${SOURCE},missing/${index},null\n`);
    const id = await batch.run({ Manifest: await batch.manifest(lines.join("")) });
    assert.equal(await batch.status(id), "Failed");
    assert.deepEqual(failuresOf(await batch.describe(id)), ["1000 of the first 1000 tasks failed."]);
    assert.equal((await batch.rowsOf(id)).length, 1000);
  });

  test("a job of which every task failed is Complete when there were less than a thousand", async () => {
    const lines = Array.from({ length: 999 }, (_, index) => `${SOURCE},missing/${index},null\n`);
    assert.equal(await batch.status(await batch.run({ Manifest: await batch.manifest(lines.join("")) })), "Complete");
  });
});

describe("a lab whose jobs run by themselves", () => {
  let batch: BatchLab;
  before(async () => {
    batch = await BatchLab.start({ runsJobs: true });
    for (let index = 0; index < 300; index++) await batch.put(`k/${index}`);
    await batch.replicate(SOURCE, TARGET);
  });
  after(() => batch.lab.stop());

  test("works a job off while everybody else is answered", async () => {
    const id = await batch.create();
    for (let asked = 0; (await batch.status(id)) !== "Complete"; asked++) assert.ok(asked < 10_000, "it never ends");
    assert.equal((await batch.rowsOf(id)).length, 300);
  });

  test("closes in the middle of a job, which goes on when the lab is opened again", async () => {
    const first = await BatchLab.start({ runsJobs: true, onDisk: true });
    try {
      for (let index = 0; index < 150; index++) await first.put(`k/${index}`);
      await first.replicate(SOURCE, TARGET);
      const id = await first.create();
      await first.lab.restart();
      const second = BatchLab.over(first.lab);
      for (let asked = 0; (await second.status(id)) !== "Complete"; asked++) assert.ok(asked < 10_000, "it never ends");
      assert.equal((await second.rowsOf(id)).length, 150);
    } finally {
      await first.lab.stop();
    }
  });
});
