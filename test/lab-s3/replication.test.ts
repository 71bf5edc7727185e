/** Replication's side of the store: configurations, statuses, the outbox, and what a replicating service may write. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  CopyObjectCommand,
  DeleteBucketReplicationCommand,
  DeleteObjectCommand,
  GetBucketReplicationCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type ReplicationRule,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { Changes } from "../../src/lab/index.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { Store } from "../../src/s3/store.ts";
import { ALICE, codeOf, refused, TestLab } from "./lab.ts";

const ROLE = `arn:aws:iam::${ALICE}:role/replicator`;

describe("replication at the store", () => {
  let lab: TestLab;
  let s3: S3Client;
  const Bucket = "rep-source";
  before(async () => {
    lab = await TestLab.start();
    changes = lab.lab.openChanges();
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
    await lab.bucket("rep-target", { versioned: true });
    await lab.bucket("rep-unversioned");
    const trust = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" }],
    };
    await lab
      .iam()
      .send(new CreateRoleCommand({ RoleName: "replicator", AssumeRolePolicyDocument: JSON.stringify(trust) }));
    await may(
      "s3:GetObjectVersionForReplication",
      "s3:GetObjectVersionTagging",
      "s3:ListBucket",
      "s3:ReplicateObject",
      "s3:ReplicateDelete",
      "s3:ReplicateTags",
    );
  });
  after(() => lab.stop());

  const may = (...Action: string[]) => {
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action, Resource: "*" }],
    });
    return lab.iam().send(new PutRolePolicyCommand({ RoleName: "replicator", PolicyName: "p", PolicyDocument }));
  };
  let changes: Changes;
  const replicator = async (): Promise<Store> => lab.lab.direct(await lab.lab.assumeReplicationRole(ROLE));
  const rule = (more: Partial<ReplicationRule> = {}): ReplicationRule => ({
    ID: "all",
    Priority: 1,
    Status: "Enabled",
    Filter: { Prefix: "logs/" },
    DeleteMarkerReplication: { Status: "Enabled" },
    Destination: { Bucket: "arn:aws:s3:::rep-target" },
    ...more,
  });
  const configure = (Rules: ReplicationRule[], more: { Role?: string; Bucket?: string } = {}) =>
    s3.send(
      new PutBucketReplicationCommand({
        Bucket: more.Bucket ?? Bucket,
        ReplicationConfiguration: { Role: more.Role ?? ROLE, Rules },
      }),
    );
  const put = (Key: string, more = {}) => s3.send(new PutObjectCommand({ Bucket, Key, Body: "x", ...more }));
  const status = async (Key: string, VersionId?: string) =>
    (await s3.send(new HeadObjectCommand({ Bucket, Key, VersionId }))).ReplicationStatus;

  test("a configuration is checked against the buckets, kept and given back", async () => {
    assert.equal(
      await codeOf(s3.send(new GetBucketReplicationCommand({ Bucket }))),
      "ReplicationConfigurationNotFoundError 404",
    );
    const says = async (call: Promise<unknown>) => {
      const { code, message } = await refused(call);
      return `${code}: ${message}`;
    };
    assert.equal(
      await says(configure([rule()], { Bucket: "rep-unversioned" })),
      "InvalidRequest: Versioning must be 'Enabled' on the bucket to apply a replication configuration",
    );
    assert.equal(
      await says(configure([rule({ Destination: { Bucket: "arn:aws:s3:::rep-unversioned" } })])),
      "InvalidRequest: Destination bucket must have versioning enabled.",
    );
    assert.equal(
      await says(configure([rule({ Destination: { Bucket: "arn:aws:s3:::rep-nowhere" } })])),
      "InvalidRequest: Destination bucket must exist.",
    );
    assert.equal(
      await says(configure([rule({ Destination: { Bucket: `arn:aws:s3:::${Bucket}` } })])),
      "InvalidRequest: Destination bucket cannot be the same as the source bucket.",
    );
    assert.equal(await codeOf(configure([rule({ Priority: undefined })])), "InvalidRequest 400");
    assert.equal(await codeOf(configure([])), "MalformedXML 400");
    const foreign = "arn:aws:iam::999988887777:role/replicator";
    assert.equal(await codeOf(configure([rule()], { Role: foreign })), "AccessDenied 403");
    await configure([
      rule({ ID: undefined }),
      rule({ ID: "off", Priority: 2, Status: "Disabled", Filter: { Prefix: "" } }),
    ]);
    const { ReplicationConfiguration } = await s3.send(new GetBucketReplicationCommand({ Bucket }));
    assert.equal(ReplicationConfiguration?.Role, ROLE);
    assert.match(ReplicationConfiguration?.Rules?.[0]?.ID ?? "", /^[A-Za-z0-9_-]{32}$/);
    assert.equal(ReplicationConfiguration?.Rules?.[1]?.Status, "Disabled");
    const suspend = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } });
    assert.equal(await codeOf(s3.send(suspend)), "InvalidBucketState 409");
    await s3.send(new DeleteBucketReplicationCommand({ Bucket }));
    await s3.send(new DeleteBucketReplicationCommand({ Bucket }));
  });

  test("what a rule takes is PENDING and in the outbox; everything else has no status", async () => {
    await put("logs/before");
    await configure([rule()]);
    const first = await put("logs/1", { Tagging: "a=b" });
    await put("other/1");
    const copied = await s3.send(new CopyObjectCommand({ Bucket, Key: "logs/2", CopySource: `${Bucket}/other/1` }));
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: "logs/1" }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "other/1" }));
    assert.equal(await status("logs/before"), undefined);
    assert.equal(await status("logs/1", first.VersionId), "PENDING");
    assert.equal(await status("logs/2"), "PENDING");
    const taken = await changes.take(10);
    assert.deepEqual(
      taken.map(({ event }) => [event.operation, event.version.key, event.version.versionId]),
      [
        ["put", "logs/1", first.VersionId],
        ["put", "logs/2", copied.VersionId],
        ["deleteMarker", "logs/1", marker.VersionId],
      ],
    );
    assert.deepEqual(taken[0]?.event.taken, [{ ruleId: "all", destinationArn: "arn:aws:s3:::rep-target" }]);
    assert.deepEqual(taken[0]?.event.version.tags, [{ key: "a", value: "b" }]);
    assert.deepEqual(await changes.take(10), []);
    await changes.done(taken.map((one) => one.seq));
  });

  test("listeners are told after the commit, and no more once they leave", async () => {
    let told = 0;
    const leave = changes.onChange(() => void told++);
    await put("logs/told");
    await put("other/untold");
    assert.equal(told, 1);
    leave();
    await put("logs/told");
    assert.equal(told, 1);
  });

  test("the status of a version is that of its destinations together", async () => {
    const { VersionId: versionId = "" } = await put("logs/status");
    const ref = { bucket: Bucket, key: "logs/status", versionId };
    const set = (value: "PENDING" | "COMPLETED" | "FAILED") =>
      lab.lab.setReplicationStatus(ref, value, "arn:aws:s3:::rep-target");
    assert.equal(await set("FAILED"), true);
    assert.equal(await status("logs/status"), "FAILED");
    assert.equal(await set("COMPLETED"), true);
    assert.equal(await status("logs/status"), "COMPLETED");
    assert.equal(await lab.lab.setReplicationStatus({ ...ref, versionId: "gone" }, "FAILED"), false);
  });

  test("a change of tags follows an admitted version only, and makes it PENDING again", async () => {
    const { VersionId } = await put("logs/tags");
    const ref = { bucket: Bucket, key: "logs/tags", versionId: VersionId ?? "" };
    await lab.lab.setReplicationStatus(ref, "COMPLETED");
    await changes.take(100);
    const Tagging = { TagSet: [{ Key: "k", Value: "v" }] };
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: "logs/tags", Tagging }));
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key: "logs/before", Tagging }));
    assert.equal(await status("logs/tags"), "PENDING");
    const taken = await changes.take(100);
    assert.deepEqual(
      taken.map(({ event }) => [event.operation, event.version.key]),
      [["tags", "logs/tags"]],
    );
  });

  test("a replica has the source's version id, date and etag, and is written once however often it is sent", async () => {
    const source = await put("logs/replica", { ServerSideEncryption: "aws:kms" });
    const versionId = source.VersionId ?? "";
    const lastModifiedMs = Date.parse("2020-02-02T02:02:02Z");
    const store = await replicator();
    const write = (text: string) =>
      store.putObject({
        bucket: "rep-target",
        key: "logs/replica",
        body: Buffer.from(text),
        contentHeaders: {},
        userMetadata: {},
        tags: [{ key: "t", value: text }],
        replica: { versionId, lastModifiedMs },
      });
    const reply = await write("x");
    assert.equal(reply.versionId, versionId);
    await write("x");
    const versions = async () => (await s3.send(new ListObjectVersionsCommand({ Bucket: "rep-target" }))).Versions;
    assert.equal((await versions())?.length, 1);
    const head = await s3.send(new HeadObjectCommand({ Bucket: "rep-target", Key: "logs/replica" }));
    assert.deepEqual(
      [head.ReplicationStatus, head.LastModified?.getTime(), head.VersionId],
      ["REPLICA", lastModifiedMs, versionId],
    );
    await write("repaired");
    assert.equal((await versions())?.length, 1);
    const repaired = await s3.send(new GetObjectCommand({ Bucket: "rep-target", Key: "logs/replica" }));
    assert.equal(await repaired.Body?.transformToString(), "repaired");
    assert.deepEqual(
      await changes.take(1).then((all) => all.filter((one) => one.event.version.bucket === "rep-target")),
      [],
    );
  });

  test("replicas take the places of their sources in the order of a key, whatever the order of arrival", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 3; index++) ids.push((await put("logs/order")).VersionId ?? "");
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key: "logs/order" }));
    const store = await replicator();
    const replica = (versionId: string) => ({ versionId, lastModifiedMs: 1_700_000_000_000 });
    await store.deleteObject({ bucket: "rep-target", key: "logs/order", replica: replica(marker.VersionId ?? "") });
    for (const versionId of [ids[2], ids[0], ids[1]]) {
      await store.putObject({
        bucket: "rep-target",
        key: "logs/order",
        body: Buffer.from("x"),
        contentHeaders: {},
        userMetadata: {},
        replica: replica(versionId ?? ""),
      });
    }
    const listed = await s3.send(new ListObjectVersionsCommand({ Bucket: "rep-target", Prefix: "logs/order" }));
    assert.deepEqual(
      listed.Versions?.map((one) => [one.VersionId, one.IsLatest]),
      [...ids].reverse().map((id) => [id, false]),
    );
    assert.deepEqual(
      listed.DeleteMarkers?.map((one) => [one.VersionId, one.IsLatest]),
      [[marker.VersionId, true]],
    );
  });

  test("a bucket that is not versioned refuses replicas with InvalidBucketState", async () => {
    const store = await replicator();
    const replica = { versionId: (await put("logs/u")).VersionId ?? "", lastModifiedMs: 0 };
    const target = { bucket: "rep-unversioned", key: "logs/u", replica };
    const codes: string[] = [];
    for (const call of [
      () => store.putObject({ ...target, body: Buffer.from("x"), contentHeaders: {}, userMetadata: {} }),
      () => store.deleteObject(target),
    ]) {
      await assert.rejects(
        call,
        (error) => error instanceof S3Error && codes.push(`${error.code} ${error.status}`) > 0,
      );
    }
    assert.deepEqual(codes, ["InvalidBucketState 409", "InvalidBucketState 409"]);
  });

  test("nobody but the service decides what a replica is", async () => {
    const versionId = (await put("logs/mine")).VersionId ?? "";
    const mine = lab.lab.direct(lab.alice);
    const reply = await mine.putObject({
      bucket: "rep-target",
      key: "logs/mine",
      body: Buffer.from("x"),
      contentHeaders: {},
      userMetadata: {},
      replica: { versionId, lastModifiedMs: 0 },
    });
    assert.notEqual(reply.versionId, versionId);
    const head = await s3.send(new HeadObjectCommand({ Bucket: "rep-target", Key: "logs/mine" }));
    assert.equal(head.ReplicationStatus, undefined);
  });

  test("the role is judged by replication's own actions", async () => {
    const versionId = (await put("logs/judged", { Tagging: "a=b" })).VersionId ?? "";
    const source = { bucket: Bucket, key: "logs/judged", versionId };
    const denied = (call: Promise<unknown>) =>
      assert.rejects(call, (error) => error instanceof S3Error && error.status === 403);
    await may("s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject");
    const store = await replicator();
    await denied(store.getObject(source));
    await denied(store.getObjectTagging(source));
    const target = { bucket: "rep-target", key: "logs/judged", replica: { versionId, lastModifiedMs: 0 } };
    const write = (tags: { key: string; value: string }[]) =>
      store.putObject({ ...target, tags, body: Buffer.from("x"), contentHeaders: {}, userMetadata: {} });
    await denied(write([]));
    await denied(store.deleteObject(target));
    await may("s3:ReplicateObject");
    await denied(write([{ key: "a", value: "b" }]));
    await write([]);
    await denied(store.putObjectTagging({ ...target, versionId, tags: [] }));
    await may("s3:ReplicateTags");
    await store.putObjectTagging({ ...target, versionId, tags: [{ key: "a", value: "b" }] });
    const tags = await s3.send(new GetObjectTaggingCommand({ Bucket: "rep-target", Key: "logs/judged" }));
    assert.deepEqual(tags.TagSet, [{ Key: "a", Value: "b" }]);
    assert.equal(
      await lab.lab.assumeReplicationRole(`arn:aws:iam::${ALICE}:role/nobody`).catch((error) => error.code),
      "AccessDenied",
    );
  });
});
