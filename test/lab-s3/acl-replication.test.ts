/**
 * ACLs and owners on their way to a replica: what the replicator may read, whose the replica is, what the destination
 * takes. Every test runs over HTTP through our own client and against the lab without sockets.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  CreateBucketCommand,
  DeletePublicAccessBlockCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  type ObjectOwnership,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { AccessControlList } from "../../src/core/model.ts";
import type { Changes } from "../../src/lab/index.ts";
import { createS3Client } from "../../src/s3/client.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import type { Store } from "../../src/s3/store.ts";
import { rejectsWith } from "../conformance/store-subject.ts";
import { ALICE, BOB, codeOf, REGION, TestLab } from "./lab.ts";

const ROLE = `arn:aws:iam::${ALICE}:role/replicator`;
const READING = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:ListBucket"];
const AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY = "http://acs.amazonaws.com/groups/s3/LogDelivery";

for (const how of ["over HTTP", "without sockets"] as const) {
  describe(`replicas and ACLs, ${how}`, () => {
    let lab: TestLab;
    let alice: S3Client;
    let bob: S3Client;
    let replicator: Store;
    let closing: { close(): Promise<void> } | undefined;
    let changes: Changes;
    const ids = { alice: "", bob: "" };
    before(async () => {
      lab = await TestLab.start();
      const bobs = await lab.lab.account(BOB);
      [alice, bob, changes] = [lab.s3(), lab.s3(bobs), lab.lab.openChanges()];
      const trust = { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" };
      const AssumeRolePolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [trust] });
      await lab.iam().send(new CreateRoleCommand({ RoleName: "replicator", AssumeRolePolicyDocument }));
      await may(...READING, "s3:ReplicateObject");
      await make(alice, "source", "ObjectWriter");
      await make(bob, "open", "ObjectWriter");
      await make(bob, "enforced", "BucketOwnerEnforced");
      await allow(alice, "source", BOB, "s3:PutObject");
      for (const bucket of ["open", "enforced"]) await allow(bob, bucket, ALICE, "s3:ReplicateObject");
      const credentials = await lab.lab.assumeReplicationRole(ROLE);
      if (how === "over HTTP") {
        const profile = { ...PROFILES.aws, addressing: "path" } as const;
        const { endpoint } = lab;
        const client = createS3Client({ endpoint, region: REGION, credentials, profile, clock: () => Date.now() });
        [replicator, closing] = [client, client];
      } else replicator = lab.lab.direct(credentials);
      ids.alice = await ownerOf(alice, "source", await put(alice, "hers"), "hers");
      ids.bob = await ownerOf(bob, "source", await put(bob, "his"), "his");
    });
    after(async () => {
      await closing?.close();
      await lab.stop();
    });

    async function make(by: S3Client, Bucket: string, ObjectOwnership: ObjectOwnership): Promise<void> {
      await by.send(new CreateBucketCommand({ Bucket, ObjectOwnership }));
      const VersioningConfiguration = { Status: "Enabled" } as const;
      await by.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    }
    const may = (...Action: string[]) => {
      const Statement = [{ Effect: "Allow", Action, Resource: "*" }];
      const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
      return lab.iam().send(new PutRolePolicyCommand({ RoleName: "replicator", PolicyName: "p", PolicyDocument }));
    };
    const allow = (by: S3Client, Bucket: string, account: string, ...Action: string[]) => {
      const Statement = [
        { Effect: "Allow", Principal: { AWS: account }, Action, Resource: `arn:aws:s3:::${Bucket}/*` },
      ];
      return by.send(
        new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: "2012-10-17", Statement }) }),
      );
    };
    const put = async (by: S3Client, Key: string, more: Partial<PutObjectCommandInput> = {}): Promise<string> =>
      (await by.send(new PutObjectCommand({ Bucket: "source", Key, Body: "x", ...more }))).VersionId ?? "";
    const ownerOf = async (by: S3Client, Bucket: string, VersionId: string, Key: string) =>
      (await by.send(new GetObjectAclCommand({ Bucket, Key, VersionId }))).Owner?.ID ?? "";
    const grantsOf = async (by: S3Client, Bucket: string, Key: string) =>
      (await by.send(new GetObjectAclCommand({ Bucket, Key }))).Grants?.map(
        (one) => `${one.Grantee?.ID ?? one.Grantee?.URI} ${one.Permission}`,
      );
    const get = (by: S3Client, Bucket: string, Key: string) =>
      by.send(new GetObjectCommand({ Bucket, Key })).then((one) => one.Body?.transformToString());
    const replica = (
      bucket: string,
      key: string,
      versionId: string,
      { ownerOverride, acl }: { readonly ownerOverride?: boolean; readonly acl?: AccessControlList } = {},
    ) =>
      replicator.putObject({
        bucket,
        key,
        body: Buffer.from("x"),
        contentHeaders: {},
        userMetadata: {},
        replica: {
          versionId,
          lastModifiedMs: 1_700_000_000_000,
          ...(ownerOverride === undefined ? {} : { ownerOverride }),
        },
        ...(acl === undefined ? {} : { acl }),
      });

    test("the replicator reads another account's version and its ACL only with READ and READ_ACP", async () => {
      const read = (versionId: string) => replicator.getObject({ bucket: "source", key: "foreign", versionId });
      const acl = (versionId: string) => replicator.getObjectAcl({ bucket: "source", key: "foreign", versionId });
      const none = await put(bob, "foreign");
      await rejectsWith(read(none), 403, "AccessDenied");
      await rejectsWith(acl(none), 403, "AccessDenied");
      await rejectsWith(replicator.headObject({ bucket: "source", key: "foreign", versionId: none }), 403);
      const half = await put(bob, "foreign", { GrantRead: `id=${ids.alice}` });
      assert.equal(Buffer.from(await (await read(half)).body.bytes()).toString(), "x");
      await rejectsWith(acl(half), 403, "AccessDenied");
      const whole = await put(bob, "foreign", { ACL: "bucket-owner-full-control" });
      (await read(whole)).body.cancel();
      assert.equal((await acl(whole)).ownerId, ids.bob);
      // The role needs its own permission besides.
      await may("s3:GetObjectVersionForReplication", "s3:ListBucket", "s3:ReplicateObject");
      await rejectsWith(acl(whole), 403, "AccessDenied");
      await may(...READING, "s3:ReplicateObject");
    });

    test("a replica belongs to its source's owner, whom the destination's owner has to ask", async () => {
      const versionId = await put(alice, "plain");
      await replica("open", "plain", versionId);
      assert.equal(await ownerOf(alice, "open", versionId, "plain"), ids.alice);
      assert.equal(await codeOf(get(bob, "open", "plain")), "AccessDenied 403");
      assert.equal(await get(alice, "open", "plain"), "x");
      await replica("enforced", "plain", versionId);
      assert.equal(await ownerOf(bob, "enforced", versionId, "plain"), ids.bob);
      assert.equal(await get(bob, "enforced", "plain"), "x");
    });

    test("grants go along with the bytes; written again they are replaced; where ACLs are disabled they are dropped", async () => {
      const versionId = await put(alice, "granted", {
        GrantRead: `id=${ids.bob}`,
        GrantFullControl: `id=${ids.alice}`,
      });
      const acl = await replicator.getObjectAcl({ bucket: "source", key: "granted", versionId });
      await replica("open", "granted", versionId, { acl });
      assert.deepEqual(await grantsOf(alice, "open", "granted"), [`${ids.alice} FULL_CONTROL`, `${ids.bob} READ`]);
      assert.equal(await get(bob, "open", "granted"), "x");
      await replica("open", "granted", versionId);
      assert.deepEqual(await grantsOf(alice, "open", "granted"), [`${ids.alice} FULL_CONTROL`]);
      await replicator.putObjectAcl({ bucket: "open", key: "granted", versionId, acl });
      assert.equal(await get(bob, "open", "granted"), "x");
      await replica("enforced", "granted", versionId, { acl });
      await replicator.putObjectAcl({ bucket: "enforced", key: "granted", versionId, acl });
      assert.deepEqual(await grantsOf(bob, "enforced", "granted"), [`${ids.bob} FULL_CONTROL`]);
    });

    test("a third account's version stays its own at the destination", async () => {
      const versionId = await put(bob, "third", { ACL: "bucket-owner-full-control" });
      const acl = await replicator.getObjectAcl({ bucket: "source", key: "third", versionId });
      await replica("open", "third", versionId, { acl });
      assert.equal(await ownerOf(bob, "open", versionId, "third"), ids.bob);
      const upload = { bucket: "open", key: "third-parts", contentHeaders: {}, userMetadata: {}, acl };
      const identity = { versionId, lastModifiedMs: 1_700_000_000_000 };
      const { uploadId } = await replicator.createMultipartUpload({ ...upload, replica: identity });
      const ref = { bucket: "open", key: "third-parts", uploadId };
      const part = await replicator.uploadPart({ ...ref, partNumber: 1, body: Buffer.from("x") });
      await replicator.completeMultipartUpload({ ...ref, parts: [part], replica: identity });
      assert.equal(await ownerOf(bob, "open", versionId, "third-parts"), ids.bob);
    });

    test("to override the owner needs its own permission on both sides, unless ACLs are disabled", async () => {
      const versionId = await put(alice, "overridden");
      const override = (bucket: string) => replica(bucket, "overridden", versionId, { ownerOverride: true });
      await override("enforced");
      await rejectsWith(override("open"), 403, "AccessDenied");
      await may(...READING, "s3:ReplicateObject", "s3:ObjectOwnerOverrideToBucketOwner");
      await rejectsWith(override("open"), 403, "AccessDenied");
      await allow(bob, "open", ALICE, "s3:ReplicateObject", "s3:ObjectOwnerOverrideToBucketOwner");
      await override("open");
      assert.deepEqual(await grantsOf(bob, "open", "overridden"), [`${ids.bob} FULL_CONTROL`]);
      assert.equal(await get(bob, "open", "overridden"), "x");
      assert.equal(await codeOf(get(alice, "open", "overridden")), "AccessDenied 403");
      // Changes of the source's list do not reach it any more.
      const acl: AccessControlList = {
        ownerId: ids.alice,
        grants: [{ grantee: { kind: "user", id: ids.alice }, permission: "READ" }],
      };
      await replicator.putObjectAcl({ bucket: "open", key: "overridden", versionId, acl });
      assert.deepEqual(await grantsOf(bob, "open", "overridden"), [`${ids.bob} FULL_CONTROL`]);
    });

    test("a destination that blocks public ACLs refuses a public replica, and a list that makes it public", async () => {
      const acl: AccessControlList = {
        ownerId: ids.alice,
        grants: [{ grantee: { kind: "group", uri: AUTHENTICATED }, permission: "READ" }],
      };
      const versionId = await put(alice, "public");
      await rejectsWith(replica("open", "public", versionId, { acl }), 403, "AccessDenied");
      await replica("open", "public", versionId);
      const list = { bucket: "open", key: "public", versionId, acl };
      await rejectsWith(replicator.putObjectAcl(list), 403, "AccessDenied");
      await bob.send(new DeletePublicAccessBlockCommand({ Bucket: "open" }));
      await replicator.putObjectAcl(list);
      assert.deepEqual(await grantsOf(alice, "open", "public"), [`${AUTHENTICATED} READ`]);
      // A group that is not everybody is nobody's business.
      const grants = [{ grantee: { kind: "group", uri: LOG_DELIVERY }, permission: "READ" }] as const;
      await replicator.putObjectAcl({ ...list, acl: { ownerId: ids.alice, grants } });
    });

    test("only users' changes of a list are replicated, of admitted versions, and not where the owner is overridden", async () => {
      const key = "changed";
      const before = await put(alice, "early");
      const rule = (ID: string, Bucket: string, more: object = {}) => ({
        ID,
        Priority: ID.length,
        Status: "Enabled" as const,
        Filter: { Prefix: "" },
        DeleteMarkerReplication: { Status: "Disabled" as const },
        Destination: { Bucket: `arn:aws:s3:::${Bucket}`, ...more },
      });
      const override = { Account: BOB, AccessControlTranslation: { Owner: "Destination" as const } };
      const Rules = [rule("plain", "open"), rule("overriding", "enforced", override)];
      const ReplicationConfiguration = { Role: ROLE, Rules };
      await alice.send(new PutBucketReplicationCommand({ Bucket: "source", ReplicationConfiguration }));
      const versionId = await put(alice, key);
      const ref = { bucket: "source", key, versionId };
      await lab.lab.setReplicationStatus(ref, "COMPLETED");
      await changes.take(100);
      const set = (Key: string, VersionId: string) =>
        alice.send(new PutObjectAclCommand({ Bucket: "source", Key, VersionId, GrantRead: `id=${ids.bob}` }));
      await set(key, versionId);
      await set("early", before);
      const { ReplicationStatus } = await alice.send(new HeadObjectCommand({ Bucket: "source", Key: key }));
      assert.equal(ReplicationStatus, "PENDING");
      const taken = await changes.take(100);
      assert.deepEqual(
        taken.map(({ event }) => [event.operation, event.version.key, event.taken?.map((one) => one.ruleId)]),
        [["acl", key, ["plain"]]],
      );
    });
  });
}
