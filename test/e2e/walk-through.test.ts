/** The README's walk-through: the example FAILS, is explained, fixed, undone, fixed again, resynced, and is all there. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { S3 } from "@aws-sdk/client-s3";
import type { Diagnosis } from "../../src/core/diagnose/report.ts";
import { type Environment, lockstep, type Outcome, type Served, serve, temporaryDirectory } from "./binary.ts";
import { readBucket, s3Of } from "./sdk.ts";

describe("the example", () => {
  const directory = temporaryDirectory();
  const dataDir = `${directory.path}/data`;
  let served: Served;
  let environment: Environment;
  let s3: S3;

  before(async () => {
    served = await serve(dataDir, directory.path, ["--example"]);
    environment = await served.environment();
    s3 = s3Of(environment);
  });
  after(async () => {
    s3.destroy();
    await served.stop();
    directory.remove();
  });

  const type = (...words: string[]): Promise<Outcome> => lockstep(words, environment);
  const ask = async <T>(...words: string[]): Promise<{ status: number; value: T }> => {
    const { status, stdout, stderr } = await type(...words, "--json");
    assert.equal(stderr, "");
    return { status, value: JSON.parse(stdout) as T };
  };

  it("says when it is ready what went wrong", () => {
    const { diagnosis } = served.said as { diagnosis: Diagnosis };
    assert.deepEqual(
      diagnosis.causes.map((one) => `${one.code} ${one.affected.versions}`),
      ["KmsNotSelected 60", "DstDelObjNotPermitted 30"],
    );
  });

  it("has 240 COMPLETED, 30 FAILED and 60 versions that were never tried", async () => {
    const { status, value } = await ask<{ scanned: object; engine: { byReason: object } }>("status", "s3://photos");
    assert.equal(status, 1);
    assert.deepEqual(value.scanned, {
      versions: 330,
      completed: 240,
      failed: 30,
      pending: 0,
      replica: 0,
      none: 60,
      unreadable: 0,
      silent: { notSelected: 60, beforeRule: 0, unreadableClass: 0, replicaSource: 0 },
    });
    assert.deepEqual(value.engine.byReason, [{ code: "DstDelObjNotPermitted", state: "failed", tasks: 30 }]);
  });

  it("is explained by exactly two causes, with the statement and the element that are missing", async () => {
    const { status, value } = await ask<Diagnosis>("diagnose", "s3://photos");
    assert.equal(status, 1);
    assert.deepEqual(value.unexplained, []);
    const [kms, markers, ...others] = value.causes;
    assert.deepEqual(others, []);
    assert.equal(kms?.code, "KmsNotSelected");
    assert.match(kms.evidence[0]?.says ?? "", /SseKmsEncryptedObjects/);
    assert.equal(markers?.action, "s3:ReplicateDelete");
    assert.equal(markers.resource, "arn:aws:s3:::photos-replica/*");
    assert.equal(markers.confidence, "proven");
    assert.match(markers.evidence[0]?.source ?? "", /policy "replicate" of role photos-replication/);
    assert.ok(markers.evidence.some((one) => one.kind === "response" && one.says.includes("AccessDenied")));
  });

  it("shows for one object each rule's word and each step's permission", async () => {
    const { value } = await ask<Diagnosis & { versions: { status: string; rules: object[]; steps: object[] }[] }>(
      "diagnose",
      "s3://photos/private/0001.jpg",
    );
    assert.equal(value.versions.length, 1);
    assert.equal(value.versions[0]?.status, "none");
    const words = await type("diagnose", "s3://photos/2026/0001.jpg");
    assert.match(words.stdout, /writeMarker \(DeleteObject, as the role\)\n\s+✗ .* may not s3:ReplicateDelete/);
  });

  it("has two patches, shown as a diff and as AWS CLI, and showing them changes nothing", async () => {
    const words = await type("fix", "s3://photos");
    assert.equal(words.status, 1);
    assert.match(words.stdout, /\+ +"s3:ReplicateDelete"/);
    assert.match(words.stdout, /\+ +"SseKmsEncryptedObjects"/);
    assert.match(words.stdout, /aws --endpoint-url http\S+ iam put-role-policy --role-name photos-replication/);
    assert.match(words.stdout, /s3api put-bucket-replication --bucket photos/);
    const { Rules } = (await s3.getBucketReplication({ Bucket: "photos" })).ReplicationConfiguration ?? {};
    assert.equal(Rules?.[0]?.SourceSelectionCriteria, undefined);
  });

  it("can be fixed and taken back to what it was", async () => {
    const before = (await s3.getBucketReplication({ Bucket: "photos" })).ReplicationConfiguration;
    const applied = await ask<{ undo: string }>("fix", "s3://photos", "--prove", "--apply", "--yes");
    assert.equal(applied.status, 0);
    const fixed = (await s3.getBucketReplication({ Bucket: "photos" })).ReplicationConfiguration;
    assert.equal(fixed?.Rules?.[0]?.SourceSelectionCriteria?.SseKmsEncryptedObjects?.Status, "Enabled");
    const undone = await type("fix", "s3://photos", "--undo", applied.value.undo);
    assert.equal(undone.status, 0);
    assert.deepEqual((await s3.getBucketReplication({ Bucket: "photos" })).ReplicationConfiguration, before);
    const again = await type("fix", "s3://photos", "--undo", applied.value.undo);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /was taken back already/);
    const { value } = await ask<Diagnosis>("diagnose", "s3://photos");
    assert.equal(value.causes.length, 2);
  });

  it("stays FAILED after a fix until it is resynced, and then only what was lost is sent again", async () => {
    assert.equal((await type("fix", "s3://photos", "--apply", "--yes")).status, 0);
    const between = await ask<Diagnosis>("diagnose", "s3://photos");
    assert.deepEqual(between.value.causes.map((one) => `${one.code} ${one.affected.versions}`).sort(), [
      "NeverTried 60",
      "RetryNeeded 30",
    ]);
    const dry = await ask<{ foundFailed: number; foundUntried: number }>("resync", "s3://photos", "--dry-run");
    assert.deepEqual([dry.value.foundFailed, dry.value.foundUntried], [30, 60]);
    const few = await ask<{ completed: number }>("resync", "s3://photos", "--limit", "5");
    assert.equal(few.value.completed, 5);
    const rest = await ask<{ completed: number; failed: number }>("resync", "s3://photos", "--canary", "5");
    assert.deepEqual([rest.status, rest.value.completed, rest.value.failed], [0, 85, 0]);
    const { status, value } = await ask<{ scanned: object }>("status", "s3://photos");
    assert.equal(status, 0);
    assert.deepEqual(value.scanned, {
      versions: 330,
      completed: 330,
      failed: 0,
      pending: 0,
      replica: 0,
      none: 0,
      unreadable: 0,
      silent: { notSelected: 0, beforeRule: 0, unreadableClass: 0, replicaSource: 0 },
    });
    assert.match((await type("diagnose", "s3://photos")).stdout, /Nothing is wrong/);
  });

  it("is read back the same: bytes, metadata, tags, times, version ids, markers, and KMS under the other key", async () => {
    const source = await readBucket(s3, "photos");
    const replica = await readBucket(s3, "photos-replica");
    assert.equal(source.versions.length, 330);
    assert.deepEqual(replica.versions, source.versions);
    assert.deepEqual([...new Set(Object.values(source.statuses))], ["COMPLETED"]);
    assert.deepEqual([...new Set(Object.values(replica.statuses))], ["REPLICA"]);
    for (const [name, key] of Object.entries(source.keys)) {
      const isPrivate = name.startsWith("private/");
      assert.equal(key?.includes(":kms:us-east-1:"), isPrivate ? true : undefined, name);
      assert.equal(replica.keys[name]?.includes(":kms:eu-west-1:"), isPrivate ? true : undefined, name);
    }
  });

  it("is not written a second time by a second start on the same data", async () => {
    await served.stop();
    served = await serve(dataDir, directory.path, ["--example"]);
    environment = await served.environment();
    const { value } = await ask<{ scanned: { versions: number; completed: number } }>("status", "s3://photos");
    assert.deepEqual([value.scanned.versions, value.scanned.completed], [330, 330]);
    s3.destroy();
    s3 = s3Of(environment);
  });

  it("ends with status 0 on ctrl-C", async () => {
    const other = await serve(`${directory.path}/other`, directory.path);
    assert.equal(await other.stop(), 0);
  });
});
