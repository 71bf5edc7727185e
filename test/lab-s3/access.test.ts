/** Who may do what: identity policies, bucket policies, other accounts, nobody; and what each of them is told. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateAccessKeyCommand, CreateUserCommand, type IAMClient, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutObjectCommand,
  PutPublicAccessBlockCommand,
  type S3Client,
  UploadPartCopyCommand,
} from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { ALICE, BOB, codeOf, refused, TestLab } from "./lab.ts";

describe("access", () => {
  let lab: TestLab;
  let root: S3Client;
  let bob: Credentials;
  let iam: IAMClient;
  before(async () => {
    lab = await TestLab.start();
    root = lab.s3();
    iam = lab.iam();
    bob = await lab.lab.account(BOB);
    await lab.bucket("alice-bucket", { versioned: true });
    await root.send(
      new PutObjectCommand({ Bucket: "alice-bucket", Key: "open/x", Body: "x", Tagging: "class=public" }),
    );
    await root.send(
      new PutObjectCommand({ Bucket: "alice-bucket", Key: "shut/x", Body: "x", Tagging: "class=secret" }),
    );
  });
  after(() => lab.stop());

  let users = 0;
  /** A user with one inline policy. */
  async function user(...statements: object[]): Promise<S3Client> {
    const UserName = `user-${++users}`;
    await iam.send(new CreateUserCommand({ UserName }));
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
    return lab.s3({ accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" });
  }
  const allow = (Action: string | string[], Resource: string | string[], Condition?: object) => ({
    Effect: "Allow",
    Action,
    Resource,
    ...(Condition === undefined ? {} : { Condition }),
  });
  const policy = (...Statement: object[]) =>
    root.send(
      new PutBucketPolicyCommand({
        Bucket: "alice-bucket",
        Policy: JSON.stringify({ Version: "2012-10-17", Statement }),
      }),
    );
  const get = (s3: S3Client, Key: string, more = {}) =>
    s3
      .send(new GetObjectCommand({ Bucket: "alice-bucket", Key, ...more }))
      .then((one) => one.Body?.transformToString());

  test("a denial within the account says which action on what, and why", async () => {
    const s3 = await user(allow("s3:GetObject", "arn:aws:s3:::alice-bucket/open/*"));
    assert.equal(await get(s3, "open/x"), "x");
    const { code, status, message } = await refused(get(s3, "shut/x"));
    assert.equal(`${code} ${status}`, "AccessDenied 403");
    assert.match(
      message,
      /^User: arn:aws:iam::111122223333:user\/user-\d+ is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::alice-bucket\/shut\/x" because no identity-based policy allows the s3:GetObject action$/,
    );
  });

  test("a missing key is 404 to those who may list the bucket and 403 to others", async () => {
    const blind = await user(allow("s3:GetObject", "arn:aws:s3:::alice-bucket/*"));
    const seeing = await user(
      allow(["s3:GetObject", "s3:ListBucket"], ["arn:aws:s3:::alice-bucket", "arn:aws:s3:::alice-bucket/*"]),
    );
    assert.equal(await codeOf(get(blind, "absent")), "AccessDenied 403");
    assert.equal(await codeOf(get(seeing, "absent")), "NoSuchKey 404");
  });

  test("to name a version needs the action of versions", async () => {
    const { VersionId } = await root.send(new PutObjectCommand({ Bucket: "alice-bucket", Key: "open/v", Body: "v" }));
    const current = await user(allow("s3:GetObject", "arn:aws:s3:::alice-bucket/*"));
    assert.equal(await codeOf(get(current, "open/v", { VersionId })), "AccessDenied 403");
    const versions = await user(
      allow("s3:GetObjectVersion", "arn:aws:s3:::alice-bucket/*", { StringEquals: { "s3:VersionId": VersionId } }),
    );
    assert.equal(await get(versions, "open/v", { VersionId }), "v");
    assert.equal(await codeOf(get(versions, "open/v")), "AccessDenied 403");
  });

  test("tags of the object and of the request can decide", async () => {
    const readers = await user(
      allow("s3:GetObject", "arn:aws:s3:::alice-bucket/*", {
        StringEquals: { "s3:ExistingObjectTag/class": "public" },
      }),
    );
    assert.equal(await get(readers, "open/x"), "x");
    assert.equal(await codeOf(get(readers, "shut/x")), "AccessDenied 403");
    const writers = await user(
      allow(["s3:PutObject", "s3:PutObjectTagging"], "arn:aws:s3:::alice-bucket/*", {
        StringEquals: { "s3:RequestObjectTag/team": "a" },
      }),
    );
    const put = (Tagging: string) =>
      writers.send(new PutObjectCommand({ Bucket: "alice-bucket", Key: "w", Body: "w", Tagging }));
    await put("team=a");
    assert.equal(await codeOf(put("team=b")), "AccessDenied 403");
    const untagged = await user(allow("s3:PutObject", "arn:aws:s3:::alice-bucket/*"));
    const tagged = new PutObjectCommand({ Bucket: "alice-bucket", Key: "w", Body: "w", Tagging: "a=b" });
    const { message } = await refused(untagged.send(tagged));
    assert.match(message, /s3:PutObjectTagging/);
  });

  test("parameters of listings and headers of writes are condition keys", async () => {
    const lister = await user(
      allow("s3:ListBucket", "arn:aws:s3:::alice-bucket", { StringLike: { "s3:prefix": "open/*" } }),
      allow("s3:PutObject", "arn:aws:s3:::alice-bucket/*", {
        StringEquals: { "s3:x-amz-server-side-encryption": "AES256", "s3:x-amz-storage-class": "STANDARD_IA" },
      }),
    );
    const list = (Prefix?: string) => lister.send(new ListObjectsV2Command({ Bucket: "alice-bucket", Prefix }));
    await list("open/");
    assert.equal(await codeOf(list("shut/")), "AccessDenied 403");
    assert.equal(await codeOf(list()), "AccessDenied 403");
    const put = (more: object) =>
      lister.send(new PutObjectCommand({ Bucket: "alice-bucket", Key: "c", Body: "c", ...more }));
    await put({ ServerSideEncryption: "AES256", StorageClass: "STANDARD_IA" });
    assert.equal(await codeOf(put({ StorageClass: "STANDARD_IA" })), "AccessDenied 403");
  });

  test("DeleteObjects answers for each key by its own permission", async () => {
    const s3 = await user(allow("s3:DeleteObject", "arn:aws:s3:::alice-bucket/mine/*"));
    const answer = await s3.send(
      new DeleteObjectsCommand({ Bucket: "alice-bucket", Delete: { Objects: [{ Key: "mine/a" }, { Key: "open/x" }] } }),
    );
    assert.deepEqual(
      answer.Deleted?.map((one) => one.Key),
      ["mine/a"],
    );
    assert.deepEqual(
      answer.Errors?.map((one) => [one.Key, one.Code]),
      [["open/x", "AccessDenied"]],
    );
  });

  test("another account needs the bucket policy and its own, and is told nothing more than no", async () => {
    const s3 = lab.s3(bob);
    const { message } = await refused(get(s3, "open/x"));
    assert.equal(message, "Access Denied");
    await policy({
      Effect: "Allow",
      Principal: { AWS: BOB },
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::alice-bucket/open/*",
    });
    assert.equal(await get(s3, "open/x"), "x");
    assert.equal(await codeOf(get(s3, "shut/x")), "AccessDenied 403");
    await policy({
      Effect: "Deny",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::alice-bucket/shut/*",
    });
    assert.match((await refused(get(root, "shut/x"))).message, /with an explicit deny in a resource-based policy$/);
    await root.send(new DeleteBucketPolicyCommand({ Bucket: "alice-bucket" }));
    assert.equal(await get(root, "shut/x"), "x");
  });

  test("a policy is pinned to its principals and refused when it names nobody, or another bucket", async () => {
    await iam.send(new CreateUserCommand({ UserName: "pinned" }));
    const arn = `arn:aws:iam::${ALICE}:user/pinned`;
    const statement = {
      Effect: "Allow",
      Principal: { AWS: arn },
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::alice-bucket/*",
    };
    await policy(statement);
    const { Policy } = await root.send(new GetBucketPolicyCommand({ Bucket: "alice-bucket" }));
    assert.deepEqual(JSON.parse(Policy ?? "").Statement, [statement]);
    const nobody = { ...statement, Principal: { AWS: `arn:aws:iam::${ALICE}:user/nobody` } };
    assert.equal(await codeOf(policy(nobody)), "MalformedPolicy 400");
    assert.equal(await codeOf(policy({ ...statement, Resource: "arn:aws:s3:::other/*" })), "MalformedPolicy 400");
    assert.equal(await codeOf(policy({ ...statement, Effect: "Maybe" })), "MalformedPolicy 400");
    const notJson = new PutBucketPolicyCommand({ Bucket: "alice-bucket", Policy: "nonsense" });
    assert.equal(await codeOf(root.send(notJson)), "MalformedPolicy 400");
    await root.send(new DeleteBucketPolicyCommand({ Bucket: "alice-bucket" }));
  });

  test("public policies are blocked until the block is taken away; then strangers may read what it says", async () => {
    const everybody = {
      Effect: "Allow",
      Principal: "*",
      Action: "s3:GetObject",
      Resource: "arn:aws:s3:::alice-bucket/open/*",
    };
    const blocked = await refused(policy(everybody));
    assert.equal(`${blocked.code} ${blocked.status}`, "AccessDenied 403");
    assert.match(blocked.message, /because public policies are prevented by the BlockPublicPolicy setting/);
    const url = `${lab.endpoint}/alice-bucket/open/x`;
    assert.equal((await fetch(url)).status, 403);
    await root.send(new DeletePublicAccessBlockCommand({ Bucket: "alice-bucket" }));
    await policy(everybody);
    const status = await root.send(new GetBucketPolicyStatusCommand({ Bucket: "alice-bucket" }));
    assert.equal(status.PolicyStatus?.IsPublic, true);
    assert.equal(await (await fetch(url)).text(), "x");
    assert.equal((await fetch(`${lab.endpoint}/alice-bucket/shut/x`)).status, 403);
    await root.send(
      new PutPublicAccessBlockCommand({
        Bucket: "alice-bucket",
        PublicAccessBlockConfiguration: { RestrictPublicBuckets: true },
      }),
    );
    assert.equal((await fetch(url)).status, 403);
    assert.equal(await codeOf(get(lab.s3(bob), "open/x")), "AccessDenied 403");
    assert.equal(await get(root, "open/x"), "x");
    await root.send(new DeleteBucketPolicyCommand({ Bucket: "alice-bucket" }));
  });

  test("buckets are made in one namespace and listed by their owner", async () => {
    await lab.bucket("bob-bucket", { by: bob });
    assert.equal(await codeOf(root.send(new CreateBucketCommand({ Bucket: "bob-bucket" }))), "BucketAlreadyExists 409");
    const names = async (s3: S3Client) => (await s3.send(new ListBucketsCommand({}))).Buckets?.map((one) => one.Name);
    assert.deepEqual(await names(lab.s3(bob)), ["bob-bucket"]);
    assert.deepEqual(await names(root), ["alice-bucket"]);
    const nobody = await user(allow("s3:GetObject", "*"));
    assert.equal(await codeOf(nobody.send(new ListBucketsCommand({}))), "AccessDenied 403");
    assert.equal(await codeOf(nobody.send(new CreateBucketCommand({ Bucket: "another-bucket" }))), "AccessDenied 403");
  });

  test("a HEAD that is refused has a status and no body", async () => {
    const head = new HeadObjectCommand({ Bucket: "alice-bucket", Key: "open/x" });
    assert.equal((await refused(lab.s3(bob).send(head))).status, 403);
    const owner = new GetObjectCommand({ Bucket: "alice-bucket", Key: "open/x", ExpectedBucketOwner: BOB });
    assert.equal(await codeOf(root.send(owner)), "AccessDenied 403");
  });

  test("policies see what a copy is made of, whole or in parts, and how", async () => {
    const arn = "arn:aws:s3:::alice-bucket/*";
    const from = { StringLike: { "s3:x-amz-copy-source": "alice-bucket/open/*" } };
    const copier = await user(allow("s3:GetObject*", arn), allow("s3:PutObject", arn, from));
    const copy = (source: string, more = {}) =>
      copier.send(
        new CopyObjectCommand({ Bucket: "alice-bucket", Key: "copy", CopySource: `alice-bucket/${source}`, ...more }),
      );
    // Copied tags need a permission of their own, so there are none.
    const untagged = { TaggingDirective: "REPLACE" } as const;
    await copy("open/x", untagged);
    assert.equal(await codeOf(copy("shut/x", untagged)), "AccessDenied 403");
    const upload = { Bucket: "alice-bucket", Key: "copy" };
    const { UploadId } = await root.send(new CreateMultipartUploadCommand(upload));
    const part = (source: string) =>
      copier.send(
        new UploadPartCopyCommand({ ...upload, UploadId, PartNumber: 1, CopySource: `alice-bucket/${source}` }),
      );
    await part("open/x");
    assert.equal(await codeOf(part("shut/x")), "AccessDenied 403");

    const replacing = { StringEquals: { "s3:x-amz-metadata-directive": "REPLACE" } };
    const rewriter = await user(allow("s3:GetObject*", arn), allow("s3:PutObject", arn, replacing));
    const rewrite = (more: object) =>
      rewriter.send(new CopyObjectCommand({ ...upload, CopySource: "alice-bucket/open/x", ...untagged, ...more }));
    await rewrite({ MetadataDirective: "REPLACE" });
    assert.equal(await codeOf(rewrite({ MetadataDirective: "COPY" })), "AccessDenied 403");
    assert.equal(await codeOf(rewrite({})), "AccessDenied 403");
  });

  test("a copy is refused when its source is not the account's that was expected", async () => {
    const copy = (ExpectedSourceBucketOwner: string) =>
      root.send(
        new CopyObjectCommand({
          Bucket: "alice-bucket",
          Key: "copy",
          CopySource: "alice-bucket/open/x",
          ExpectedSourceBucketOwner,
        }),
      );
    await copy(ALICE);
    assert.equal(await codeOf(copy(BOB)), "AccessDenied 403");
  });
});
