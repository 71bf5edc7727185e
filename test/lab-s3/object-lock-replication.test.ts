/** Object Lock under replication: what a replica is protected by, what its writer needs, and what Lifecycle leaves behind. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { PutObjectLockConfigurationCommand } from "@aws-sdk/client-s3";
import type { Retention, VersionRef } from "../../src/core/model.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { PutRequest } from "../../src/s3/store.ts";
import { ALL_ACTIONS, TwoBuckets } from "./two-buckets.ts";

const DAY_MS = 86_400_000;

describe("replication and Object Lock", () => {
  let two: TwoBuckets;
  const SOURCE = "wormy-source";
  const REPLICA = "wormy-replica";
  const PLAIN = "wormy-plain";
  before(async () => {
    two = await TwoBuckets.start("http");
    await two.bucket(SOURCE, { objectLock: true });
    await two.bucket(REPLICA, { objectLock: true });
    await two.bucket(PLAIN);
    await two.rule(SOURCE, REPLICA);
  });
  after(() => two.stop());

  const startMs = Math.floor(Date.now() / 1000) * 1000;
  const governed = (days: number): Retention => ({ mode: "GOVERNANCE", retainUntilMs: startMs + days * DAY_MS });
  const complied = (days: number): Retention => ({ mode: "COMPLIANCE", retainUntilMs: startMs + days * DAY_MS });
  const replica = (ref: VersionRef): VersionRef => ({ ...ref, bucket: REPLICA });
  const lockOf = async (ref: VersionRef) => {
    const { retention, legalHold } = await two.store.headObject(ref);
    return { retention, legalHold };
  };
  const byDefault = (DefaultRetention?: { Mode: "GOVERNANCE" | "COMPLIANCE"; Days: number }) =>
    two.lab.s3().send(
      new PutObjectLockConfigurationCommand({
        Bucket: REPLICA,
        ObjectLockConfiguration: {
          ObjectLockEnabled: "Enabled",
          ...(DefaultRetention === undefined ? {} : { Rule: { DefaultRetention } }),
        },
      }),
    );
  /** Writes a replica as replication does. */
  const write = async (ref: VersionRef, more: Partial<PutRequest> = {}) => {
    const store = await two.replicator();
    const replicaIdentity = { versionId: ref.versionId, lastModifiedMs: startMs };
    const rest = { body: Buffer.from("x"), contentHeaders: {}, userMetadata: {}, replica: replicaIdentity };
    return store.putObject({ bucket: ref.bucket, key: ref.key, ...rest, ...more });
  };
  const refusedWith = (code: string, status: number) => (error: unknown) =>
    error instanceof S3Error && error.code === code && error.status === status;

  test("retention and hold go along, and their changes follow", async () => {
    const ref = await two.put(SOURCE, "along", { retention: governed(5), legalHold: true });
    assert.deepEqual(await two.settle(), [{ operation: "put", from: SOURCE, outcome: "COMPLETED" }]);
    assert.deepEqual(await lockOf(replica(ref)), { retention: governed(5), legalHold: true });
    await two.store.putObjectRetention({ ...ref, retention: governed(9) });
    await two.store.putObjectLegalHold({ ...ref, legalHold: false });
    assert.equal(await two.status(ref), "PENDING");
    assert.deepEqual(await two.settle(), [
      { operation: "retention", from: SOURCE, outcome: "COMPLETED" },
      { operation: "legalHold", from: SOURCE, outcome: "COMPLETED" },
    ]);
    assert.deepEqual(await lockOf(replica(ref)), { retention: governed(9), legalHold: false });
    assert.deepEqual([await two.status(ref), await two.status(replica(ref))], ["COMPLETED", "REPLICA"]);
    await two.store.putObjectRetention({ ...ref, retention: undefined, bypassGovernance: true });
    await two.settle();
    assert.equal((await lockOf(replica(ref))).retention, undefined);
  });

  test("changes of a version that no rule took stay where they are", async () => {
    const ref = await two.put(PLAIN, "alone");
    await two.store.putObjectTagging({ ...ref, tags: [{ key: "a", value: "b" }] });
    assert.equal(await two.status(ref), undefined);
    assert.deepEqual(await two.settle(), []);
  });

  test("a replica's own retention wins over the destination's default, which the unprotected get", async () => {
    await byDefault({ Mode: "COMPLIANCE", Days: 30 });
    try {
      const kept = await two.put(SOURCE, "own", { retention: governed(2) });
      const bare = await two.put(SOURCE, "bare");
      await two.settle();
      assert.deepEqual((await lockOf(replica(kept))).retention, governed(2));
      const { lastModifiedMs } = await two.store.headObject(bare);
      const expected = { mode: "COMPLIANCE", retainUntilMs: lastModifiedMs + 30 * DAY_MS };
      assert.deepEqual((await lockOf(replica(bare))).retention, expected);
      assert.equal((await lockOf(bare)).retention, undefined);
    } finally {
      await byDefault();
    }
  });

  test("a protected replica's write needs the actions of retention and of legal holds", async () => {
    await two.permit(ALL_ACTIONS.filter((one) => one !== "s3:PutObjectRetention"));
    const ref = { bucket: REPLICA, key: "judged", versionId: "JudgedSourceVersion" };
    await assert.rejects(write(ref, { retention: governed(1) }), refusedWith("AccessDenied", 403));
    await write(ref, { legalHold: true });
    await two.permit(ALL_ACTIONS.filter((one) => one !== "s3:PutObjectLegalHold"));
    await write({ ...ref, versionId: "JudgedOther" }, { retention: governed(1) });
    await assert.rejects(write(ref, { legalHold: true }), refusedWith("AccessDenied", 403));
    await two.permit(ALL_ACTIONS);
  });

  test("a retention that ran out on the way is no reason to refuse the replica", async () => {
    const retention: Retention = { mode: "COMPLIANCE", retainUntilMs: startMs - DAY_MS };
    const ref = { bucket: REPLICA, key: "ran-out", versionId: "RanOutVersion" };
    await write(ref, { retention });
    assert.deepEqual((await lockOf(ref)).retention, retention);
    const store = await two.replicator();
    await store.putObjectRetention({ ...ref, retention });
  });

  test("a bucket without Object Lock refuses protected replicas", async () => {
    const ref = { bucket: PLAIN, key: "locked", versionId: "LockedVersion" };
    await assert.rejects(write(ref, { retention: governed(1) }), refusedWith("InvalidRequest", 400));
    await assert.rejects(write(ref, { legalHold: true }), refusedWith("InvalidRequest", 400));
    await write(ref);
  });

  test("sending a replica again lifts no protection, and never replaces what is protected", async () => {
    const ref = { bucket: REPLICA, key: "resent", versionId: "ResentVersion" };
    await write(ref, { retention: complied(5), legalHold: true });
    await write(ref);
    await write(ref, { retention: governed(9) });
    assert.deepEqual(await lockOf(ref), { retention: complied(5), legalHold: true });
    await write(ref, { retention: complied(6), legalHold: false });
    assert.deepEqual(await lockOf(ref), { retention: complied(6), legalHold: true });
    await assert.rejects(write(ref, { body: Buffer.from("other") }), refusedWith("AccessDenied", 403));
  });

  test("what COMPLIANCE keeps longer at the destination, replication does not shorten", async () => {
    const ref = await two.put(SOURCE, "longer", { retention: complied(3) });
    await two.settle();
    await two.store.putObjectRetention({ ...replica(ref), retention: complied(20) });
    await two.store.putObjectRetention({ ...ref, retention: complied(4) });
    const outcome = "DstPutRetentionNotPermitted";
    assert.deepEqual(await two.settle(), [{ operation: "retention", from: SOURCE, outcome }]);
    assert.equal(await two.status(ref), "FAILED");
    assert.deepEqual((await lockOf(replica(ref))).retention, complied(20));
  });

  const expire = async (bucket: string, key: string) => {
    const answer = await fetch(`${two.lab.endpoint}/_lockstep/buckets/${bucket}/expire`, {
      method: "POST",
      headers: { authorization: "Bearer test-token" },
      body: JSON.stringify({ key }),
    });
    return { status: answer.status, says: (await answer.json()) as Record<string, unknown> };
  };

  test("a marker that Lifecycle makes is never replicated; one that a user makes is", async () => {
    await two.put(SOURCE, "expires");
    const pending = await expire(SOURCE, "expires");
    assert.deepEqual([pending.status, pending.says["code"]], [403, "InvalidObjectState"]);
    await two.settle();
    const expired = await expire(SOURCE, "expires");
    assert.deepEqual([expired.status, expired.says["isDeleteMarker"]], [200, true]);
    assert.deepEqual(await two.settle(), []);
    assert.equal((await two.store.headObject({ bucket: REPLICA, key: "expires" })).replicationStatus, "REPLICA");
    const { versions } = await two.store.listObjectVersions({ bucket: SOURCE, prefix: "expires" });
    assert.deepEqual(
      versions.map((one) => [one.isDeleteMarker, one.isLatest]),
      [
        [true, true],
        [false, false],
      ],
    );
    await two.store.deleteObject({ bucket: SOURCE, key: "expires" });
    assert.deepEqual(await two.settle(), [{ operation: "deleteMarker", from: SOURCE, outcome: "COMPLETED" }]);
  });

  test("there is nothing to expire where there is no object, no bucket, no key", async () => {
    assert.equal((await expire(SOURCE, "nothing")).status, 404);
    assert.equal((await expire("no-such-bucket", "k")).status, 404);
    assert.equal((await expire(SOURCE, "")).status, 400);
  });
});
