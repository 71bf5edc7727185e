/** What belongs to a version besides its bytes: denied by itself it fails by itself, and is healed by a resync. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import {
  DeletePublicAccessBlockCommand,
  PutBucketOwnershipControlsCommand,
  PutPublicAccessBlockCommand,
} from "@aws-sdk/client-s3";
import type { VersionRef } from "../../src/core/model.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { EngineWorld, instead, REPLICA, SOURCE } from "./world.ts";

const TAGS = [{ key: "a", value: "1" }];
const RETENTION = { mode: "GOVERNANCE", retainUntilMs: Date.UTC(2099, 0, 1) } as const;
const EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers";

describe("belongings of a version", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets({}, [SOURCE, REPLICA]);
    const s3 = world.lab.s3();
    for (const Bucket of [SOURCE, REPLICA]) {
      const OwnershipControls = { Rules: [{ ObjectOwnership: "ObjectWriter" as const }] };
      await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls }));
      await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    }
  });
  after(() => world.stop());
  beforeEach(async () => {
    await world.permit();
    world.wrap.destination = (same) => same;
  });
  const there = (ref: VersionRef) => ({ ...ref, bucket: REPLICA });
  const grantsOf = async (ref: VersionRef) => (await world.store.getObjectAcl(there(ref))).grants.length;
  const blockPublic = (BlockPublicAcls: boolean) =>
    world.lab
      .s3()
      .send(new PutPublicAccessBlockCommand({ Bucket: REPLICA, PublicAccessBlockConfiguration: { BlockPublicAcls } }));
  const publicAcl = async () => {
    const ref = await world.put("owner");
    const { ownerId } = await world.store.getObjectAcl(ref);
    return {
      ownerId,
      grants: [
        { grantee: { kind: "user", id: ownerId }, permission: "FULL_CONTROL" },
        { grantee: { kind: "group", uri: EVERYBODY }, permission: "READ" },
      ],
    } as const;
  };

  interface Case {
    readonly name: string;
    readonly code: string;
    deny(): Promise<unknown>;
    allow(): Promise<unknown>;
    write(): Promise<Parameters<EngineWorld["put"]>[1]>;
    /** What the replica has of it. */
    seen(ref: VersionRef): Promise<unknown>;
    readonly without: unknown;
    readonly healed: unknown;
  }
  const cases: readonly Case[] = [
    {
      name: "tags",
      code: "DstPutTaggingNotPermitted",
      deny: () => world.permit({ but: ["s3:ReplicateTags"] }),
      allow: () => world.permit(),
      write: async () => ({ tags: TAGS }),
      seen: (ref) => world.store.getObjectTagging(there(ref)),
      without: [],
      healed: TAGS,
    },
    {
      name: "tags that may not be read",
      code: "SrcGetTaggingNotPermitted",
      deny: () => world.permit({ but: ["s3:GetObjectVersionTagging"] }),
      allow: () => world.permit(),
      write: async () => ({ tags: TAGS }),
      seen: (ref) => world.store.getObjectTagging(there(ref)),
      without: [],
      healed: TAGS,
    },
    {
      name: "a retention",
      code: "DstPutRetentionNotPermitted",
      deny: () => world.permit({ but: ["s3:PutObjectRetention"] }),
      allow: () => world.permit(),
      write: async () => ({ retention: RETENTION }),
      seen: (ref) => world.store.getObjectRetention(there(ref)),
      without: undefined,
      healed: RETENTION,
    },
    {
      name: "a legal hold",
      code: "DstPutLegalHoldNotPermitted",
      deny: () => world.permit({ but: ["s3:PutObjectLegalHold"] }),
      allow: () => world.permit(),
      write: async () => ({ legalHold: true }),
      seen: (ref) => world.store.getObjectLegalHold(there(ref)),
      without: false,
      healed: true,
    },
    {
      name: "grants",
      code: "DstPutAclNotPermitted",
      deny: () => blockPublic(true),
      allow: () => blockPublic(false),
      write: async () => ({ acl: await publicAcl() }),
      seen: grantsOf,
      without: 1,
      healed: 2,
    },
  ];

  for (const one of cases) {
    test(`${one.name}: denied, the replica is there without; allowed and resynced, with`, async () => {
      const ref = await world.put(one.name, await one.write());
      await one.deny();
      await world.settle();
      assert.equal(await world.story(ref), `FAILED put ${one.code}`);
      assert.notEqual(await world.replica(ref), undefined);
      assert.deepEqual(await one.seen(ref), one.without);
      await one.allow();
      await world.resync({ failureCodes: [one.code] });
      assert.equal(await world.story(ref), "COMPLETED");
      assert.deepEqual(await one.seen(ref), one.healed);
    });
  }

  test("what is allowed is brought, though something else is denied", async () => {
    await world.permit({ but: ["s3:PutObjectRetention"] });
    const ref = await world.put("some of it", { tags: TAGS, retention: RETENTION, legalHold: true });
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstPutRetentionNotPermitted");
    assert.deepEqual(await world.store.getObjectTagging(there(ref)), TAGS);
    assert.equal(await world.store.getObjectLegalHold(there(ref)), true);
  });

  test("a denied body is no matter of what belongs to it", async () => {
    await world.permit({ but: ["s3:ReplicateObject"] });
    const ref = await world.put("no body", { tags: TAGS });
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstPutObjectNotPermitted");
    assert.equal(await world.replica(ref), undefined);
  });

  test("what could not be brought for now leaves the version PENDING, and is brought later", async () => {
    await world.permit({ but: ["s3:ReplicateTags"] });
    const ref = await world.put("later", { tags: TAGS });
    world.wrap.destination = (store) =>
      instead(store, {
        putObjectTagging: async () => {
          throw new S3Error("slow down", { operation: "PutObjectTagging", status: 503, code: "SlowDown" });
        },
      });
    await world.settle();
    assert.equal(await world.story(ref), "PENDING put RequestThrottled");
  });

  test("a destination without access control lists takes the rest, together or apart", async () => {
    const acl = await publicAcl();
    const unsupported = (): S3Error =>
      new S3Error("no ACLs", { operation: "PutObject", status: 400, code: "AccessControlListNotSupported" });
    world.wrap.destination = (store) =>
      instead(store, {
        // Some stores say first what is not allowed, and only then what they do not know.
        putObject: async (request, options) => {
          const reply = request.acl === undefined || (request.tags ?? []).length > 0;
          if (!reply) throw unsupported();
          return store.putObject(request, options);
        },
        putObjectAcl: async () => {
          throw unsupported();
        },
      });
    const together = await world.put("no lists", { acl });
    await world.settle();
    assert.equal(await world.story(together), "COMPLETED");

    await world.permit({ but: ["s3:PutObjectRetention"] });
    const apart = await world.put("no lists, no retention", { acl, tags: TAGS, retention: RETENTION });
    await world.settle();
    assert.equal(await world.story(apart), "FAILED put DstPutRetentionNotPermitted");

    await world.permit();
    await world.store.putObjectAcl({ ...together, acl: { ...acl, grants: acl.grants.slice(0, 1) } });
    await world.settle();
    assert.equal(await world.story(together), "COMPLETED");
  });
});

describe("a source with Object Lock and a destination without", () => {
  let world: EngineWorld;
  before(async () => {
    world = await EngineWorld.start();
    await world.buckets({}, [SOURCE]);
  });
  after(() => world.stop());

  test("versions are FAILED, not written unprotected; delete markers go on", async () => {
    const ref = await world.put("locked");
    await world.settle();
    assert.equal(await world.story(ref), "FAILED put DstBucketObjectLockConfigMissing");
    assert.equal(await world.replica(ref), undefined);
    const { versionId = "" } = await world.store.deleteObject({ bucket: SOURCE, key: "locked" });
    await world.settle();
    const { versions } = await world.store.listObjectVersions({ bucket: REPLICA });
    assert.deepEqual(
      versions.map((one) => [one.versionId, one.isDeleteMarker]),
      [[versionId, true]],
    );
  });
});
