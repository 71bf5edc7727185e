/** The loop closes for settings that refuse replicas: FAILED → named → patched → applied → resynced → COMPLETED. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { lastingOf, undoOf } from "../../src/doctor/apply.ts";
import { patchCommand } from "../../src/doctor/patch-forms.ts";
import { policy } from "../lab-organizations/call.ts";
import { DESTINATION, SOURCE, World } from "../lab-organizations/embedded.ts";

const POLLS_MAX = 500;
const POLL_MS = 20;

describe("the doctor of settings", () => {
  let world: World;
  beforeEach(async () => {
    world = await World.start();
    await world.replicate(SOURCE);
  });
  afterEach(() => world.stop());

  async function targets(): Promise<readonly string[]> {
    const patches = await world.fix();
    for (const one of patches) assert.match(patchCommand(one, undefined), /^aws s3api put-/);
    return patches.map((one) => `${one.target} ${one.resource}`);
  }

  it("lets a destination take SSE-C that blocked it, and takes that back", async () => {
    const s3 = await world.s3(SOURCE);
    const settings = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" as const },
      BlockedEncryptionTypes: { EncryptionType: ["SSE-C" as const] },
    };
    const open = { ...settings, BlockedEncryptionTypes: { EncryptionType: ["NONE" as const] } };
    await s3.putBucketEncryption({ Bucket: "photos", ServerSideEncryptionConfiguration: { Rules: [open] } });
    const blocked = { Bucket: "photos-replica", ServerSideEncryptionConfiguration: { Rules: [settings] } };
    await s3.putBucketEncryption(blocked);
    const key = randomBytes(32);
    const sealed = {
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: key.toString("base64"),
      SSECustomerKeyMD5: createHash("md5").update(key).digest("base64"),
    };
    await s3.putObject({ Bucket: "photos", Key: "a", Body: "a", ...sealed });
    const status = async () => {
      for (let poll = 0; poll < POLLS_MAX; poll += 1) {
        const head = await s3.headObject({ Bucket: "photos", Key: "a", ...sealed });
        if (head.ReplicationStatus !== "PENDING") return head.ReplicationStatus;
        await sleep(POLL_MS);
      }
      return "PENDING";
    };
    assert.equal(await status(), "FAILED");
    const cause = await world.cause();
    assert.equal(cause.code, "DstPutObjectNotPermitted");
    const patches = await world.fix();
    assert.deepEqual(
      patches.map((one) => one.target),
      ["encryption"],
    );
    assert.deepEqual(await world.resync(), [1, 0]);
    assert.equal(await status(), "COMPLETED");
    await world.apply(undoOf(patches));
    const { ServerSideEncryptionConfiguration: held } = await s3.getBucketEncryption({ Bucket: "photos-replica" });
    assert.deepEqual(held?.Rules?.[0]?.BlockedEncryptionTypes, settings.BlockedEncryptionTypes);
  });

  it("gives the destination Object Lock, which it keeps", async () => {
    const s3 = await world.s3(SOURCE);
    await s3.putObjectLockConfiguration({
      Bucket: "photos",
      ObjectLockConfiguration: { ObjectLockEnabled: "Enabled" },
    });
    await s3.putObject({ Bucket: "photos", Key: "a", Body: "a", ObjectLockLegalHoldStatus: "ON" });
    assert.equal(await world.status("a"), "FAILED");
    const cause = await world.cause();
    assert.deepEqual([cause.code, cause.confidence], ["DstBucketObjectLockConfigMissing", "proven"]);
    const patches = await world.fix();
    assert.deepEqual(
      patches.map((one) => one.target),
      ["object-lock"],
    );
    assert.deepEqual(await world.resync(), [1, 0]);
    assert.equal(await world.status("a"), "COMPLETED");
    assert.deepEqual([undoOf(patches), lastingOf(patches)], [[], patches]);
  });

  it("lets the bucket's owner own what another account wrote", async () => {
    const s3 = await world.s3(SOURCE);
    await world.account(DESTINATION);
    const OwnershipControls = { Rules: [{ ObjectOwnership: "ObjectWriter" as const }] };
    await s3.putBucketOwnershipControls({ Bucket: "photos", OwnershipControls });
    const allow = {
      Effect: "Allow",
      Principal: { AWS: `arn:aws:iam::${DESTINATION}:root` },
      Action: "s3:PutObject",
      Resource: "arn:aws:s3:::photos/*",
    };
    await s3.putBucketPolicy({ Bucket: "photos", Policy: policy(allow) });
    const other = await world.s3(DESTINATION);
    await other.putObject({ Bucket: "photos", Key: "a", Body: "a" });
    const { diagnosis } = await world.diagnose();
    assert.ok(diagnosis.causes.some((one) => one.code === "SrcGetObjectNotPermitted"));
    assert.deepEqual(await targets(), ["ownership arn:aws:s3:::photos"]);
    await world.resync();
    assert.equal(await world.status("a"), "COMPLETED");
  });

  it("corrects a role's policy that names the bucket where its objects are meant", async () => {
    const iam = await world.iam(SOURCE);
    const slip = (Resource: string) =>
      policy(
        { Effect: "Allow", Action: "s3:Get*", Resource: ["arn:aws:s3:::photos", "arn:aws:s3:::photos/*"] },
        { Sid: "Write", Effect: "Allow", Action: ["s3:ReplicateObject", "s3:ReplicateTags"], Resource },
      );
    const put = (PolicyDocument: string) =>
      iam.putRolePolicy({ RoleName: "replication", PolicyName: "replicate", PolicyDocument });
    await put(slip("arn:aws:s3:::photos-replica"));
    assert.equal(await world.write("a"), "FAILED");
    const patches = await world.fix();
    assert.deepEqual(
      patches.map((one) => one.after),
      [JSON.parse(slip("arn:aws:s3:::photos-replica/*"))],
    );
    assert.deepEqual(await world.resync(), [1, 0]);
    await world.apply(undoOf(patches));
    assert.equal(await world.write("b"), "FAILED");
  });

  it("tells of a version that is only at the destination, and of a replica that is not there any more", async () => {
    const s3 = await world.s3(SOURCE);
    const { VersionId } = await s3.putObject({ Bucket: "photos", Key: "a", Body: "first" });
    assert.equal(await world.status("a"), "COMPLETED");
    await s3.putObject({ Bucket: "photos", Key: "a", Body: "second" });
    assert.equal(await world.status("a"), "COMPLETED");
    await s3.deleteObject({ Bucket: "photos", Key: "a", VersionId });
    const ofKey = await world.facts(undefined, "a");
    assert.deepEqual(ofKey.strays, [{ destinationArn: "arn:aws:s3:::photos-replica", key: "a", versionId: VersionId }]);

    const { VersionId: second } = await s3.headObject({ Bucket: "photos", Key: "a" });
    await s3.deleteObject({ Bucket: "photos-replica", Key: "a", VersionId: second });
    const cause = await world.cause();
    assert.deepEqual([cause.code, cause.confidence, cause.affected.versions], ["ReplicaMissing", "likely", 1]);
  });
});
