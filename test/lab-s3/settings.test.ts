/** Buckets and their settings. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketEncryptionCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketLocationCommand,
  GetBucketLoggingCommand,
  GetBucketNotificationConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  GetBucketVersioningCommand,
  GetBucketWebsiteCommand,
  GetObjectLockConfigurationCommand,
  GetPublicAccessBlockCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketTaggingCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type S3Client,
  type ServerSideEncryptionRule,
} from "@aws-sdk/client-s3";
import { codeOf, refused, TestLab } from "./lab.ts";

describe("buckets and settings", () => {
  let lab: TestLab;
  let s3: S3Client;
  const Bucket = "settings-bucket";
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await lab.bucket(Bucket);
  });
  after(() => lab.stop());

  const create = (name: string, constraint?: string, region = "us-east-1") =>
    lab.s3(lab.alice, { region }).send(
      new CreateBucketCommand({
        Bucket: name,
        ...(constraint === undefined
          ? {}
          : { CreateBucketConfiguration: { LocationConstraint: constraint as "eu-west-1" } }),
      }),
    );

  test("names and locations are checked as AWS checks them", async () => {
    for (const name of ["ab", "Upper-case", "under_score", "192.168.0.1", "a..b", "xn--x", "ends-"]) {
      assert.equal(await codeOf(create(name)), "InvalidBucketName 400", name);
    }
    assert.equal(await codeOf(create("place-1", "atlantis-1")), "InvalidLocationConstraint 400");
    const elsewhere = await refused(create("place-2", "eu-west-1", "eu-central-1"));
    assert.equal(elsewhere.code, "IllegalLocationConstraintException");
    await create("place-3", "eu-west-1", "eu-west-1");
    const head = await s3.send(new HeadBucketCommand({ Bucket: "place-3" }));
    assert.equal(head.BucketRegion, "eu-west-1");
    const location = await s3.send(new GetBucketLocationCommand({ Bucket: "place-3" }));
    assert.equal(location.LocationConstraint, "eu-west-1");
    assert.equal((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint, undefined);
    assert.equal(await codeOf(create("place-3", "eu-west-1", "eu-west-1")), "BucketAlreadyOwnedByYou 409");
    await create(Bucket);
  });

  test("a bucket is deleted when it is empty of versions and markers", async () => {
    const name = await lab.bucket("full-bucket", { versioned: true });
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket: name, Key: "k", Body: "x" }));
    const marker = await s3.send(new DeleteObjectCommand({ Bucket: name, Key: "k" }));
    const remove = () => s3.send(new DeleteBucketCommand({ Bucket: name }));
    assert.equal(await codeOf(remove()), "BucketNotEmpty 409");
    await s3.send(new DeleteObjectCommand({ Bucket: name, Key: "k", VersionId }));
    assert.equal(await codeOf(remove()), "BucketNotEmpty 409");
    await s3.send(new DeleteObjectCommand({ Bucket: name, Key: "k", VersionId: marker.VersionId }));
    await remove();
    assert.equal(await codeOf(remove()), "NoSuchBucket 404");
    assert.equal((await refused(s3.send(new HeadBucketCommand({ Bucket: name })))).status, 404);
  });

  test("versioning is never, enabled or suspended", async () => {
    const name = await lab.bucket("turning-bucket");
    const status = async () => (await s3.send(new GetBucketVersioningCommand({ Bucket: name }))).Status;
    const turn = (Status: "Enabled") =>
      s3.send(new PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status } }));
    assert.equal(await status(), undefined);
    await turn("Enabled");
    assert.equal(await status(), "Enabled");
    await turn("Suspended" as "Enabled");
    assert.equal(await status(), "Suspended");
    assert.equal(await codeOf(turn("Maybe" as "Enabled")), "MalformedXML 400");
  });

  test("default encryption, with a key, a bucket key and blocked kinds, is kept and given back", async () => {
    const get = async () =>
      (await s3.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration?.Rules;
    const fresh = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" },
      BucketKeyEnabled: false,
      BlockedEncryptionTypes: { EncryptionType: ["SSE-C"] },
    };
    assert.deepEqual(await get(), [fresh]);
    const rule = {
      ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: "alias/mine" },
      BucketKeyEnabled: true,
      BlockedEncryptionTypes: { EncryptionType: ["NONE" as const] },
    };
    const put = (Rules: ServerSideEncryptionRule[]) =>
      s3.send(new PutBucketEncryptionCommand({ Bucket, ServerSideEncryptionConfiguration: { Rules } }));
    await put([rule]);
    assert.deepEqual(await get(), [rule]);
    assert.equal(await codeOf(put([])), "MalformedXML 400");
    const unknown = { EncryptionType: ["SSE-S3" as "SSE-C"] };
    assert.equal(await codeOf(put([{ ...rule, BlockedEncryptionTypes: unknown }])), "MalformedXML 400");
    const { BlockedEncryptionTypes: _left, ...silent } = rule;
    await put([{ ...silent, BucketKeyEnabled: false }]);
    assert.deepEqual(await get(), [{ ...rule, BucketKeyEnabled: false }], "what is blocked is left as it was");
    await s3.send(new DeleteBucketEncryptionCommand({ Bucket }));
    assert.deepEqual(await get(), [{ ...fresh, BlockedEncryptionTypes: { EncryptionType: ["NONE"] } }]);
  });

  test("ownership, public access block and tags start as on AWS, and can be taken away", async () => {
    const ownership = async () =>
      (await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls?.Rules?.[0]?.ObjectOwnership;
    assert.equal(await ownership(), "BucketOwnerEnforced");
    await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
    assert.equal(await codeOf(ownership()), "OwnershipControlsNotFoundError 404");
    const block = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    assert.deepEqual(Object.values(block.PublicAccessBlockConfiguration ?? {}), [true, true, true, true]);
    const tags = async () => (await s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet;
    assert.equal(await codeOf(tags()), "NoSuchTagSet 404");
    const TagSet = [{ Key: "team", Value: "a + b" }];
    await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    assert.deepEqual(await tags(), TagSet);
    await s3.send(new DeleteBucketTaggingCommand({ Bucket }));
    assert.equal(await codeOf(tags()), "NoSuchTagSet 404");
    const acl = await s3.send(new GetBucketAclCommand({ Bucket }));
    assert.equal(acl.Grants?.length, 1);
  });

  test("what cannot be set here answers as if it had never been set", async () => {
    assert.equal(
      await codeOf(s3.send(new GetBucketLifecycleConfigurationCommand({ Bucket }))),
      "NoSuchLifecycleConfiguration 404",
    );
    assert.equal(await codeOf(s3.send(new GetBucketCorsCommand({ Bucket }))), "NoSuchCORSConfiguration 404");
    assert.equal(await codeOf(s3.send(new GetBucketWebsiteCommand({ Bucket }))), "NoSuchWebsiteConfiguration 404");
    const lock = s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    assert.equal(await codeOf(lock), "ObjectLockConfigurationNotFoundError 404");
    assert.equal((await s3.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled, undefined);
    assert.equal(
      (await s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }))).QueueConfigurations,
      undefined,
    );
    assert.equal((await s3.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status, undefined);
    assert.equal((await s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer, "BucketOwner");
    const lifecycle = new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [] } });
    const { code, status, message } = await refused(s3.send(lifecycle));
    assert.deepEqual([code, status], ["NotImplemented", 501]);
    assert.match(message, /PutBucketLifecycleConfiguration/);
  });

  test("buckets are listed in pages, by prefix and Region", async () => {
    for (const name of ["page-a", "page-b", "page-c"]) await lab.bucket(name);
    const one = await s3.send(new ListBucketsCommand({ Prefix: "page-", MaxBuckets: 2 }));
    assert.deepEqual(
      one.Buckets?.map((bucket) => bucket.Name),
      ["page-a", "page-b"],
    );
    const two = await s3.send(
      new ListBucketsCommand({ Prefix: "page-", MaxBuckets: 2, ContinuationToken: one.ContinuationToken }),
    );
    assert.deepEqual(
      two.Buckets?.map((bucket) => bucket.Name),
      ["page-c"],
    );
    assert.equal(two.ContinuationToken, undefined);
    const there = await s3.send(new ListBucketsCommand({ BucketRegion: "eu-west-1" }));
    assert.deepEqual(
      there.Buckets?.map((bucket) => bucket.Name),
      ["place-3"],
    );
  });
});
