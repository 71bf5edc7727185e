/** Object Ownership and ACLs: whose a version is, whom its list lets in, and what Block Public Access makes of it. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  type Grant,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  type ObjectOwnership,
  PutBucketAclCommand,
  type PutBucketAclCommandInput,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutPublicAccessBlockCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import type { Credentials } from "../../src/core/model.ts";
import { BOB, codeOf, refused, TestLab } from "./lab.ts";
import { send } from "./raw.ts";

const CAROL = "777788889999";
const AUTHENTICATED = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

describe("access control lists", () => {
  let lab: TestLab;
  let alice: S3Client;
  let bob: S3Client;
  let carol: S3Client;
  let bobs: Credentials;
  const ids = { alice: "", bob: "", carol: "" };
  before(async () => {
    lab = await TestLab.start();
    bobs = await lab.lab.account(BOB);
    [alice, bob, carol] = [lab.s3(), lab.s3(bobs), lab.s3(await lab.lab.account(CAROL))];
    for (const [name, s3] of Object.entries({ alice, bob, carol })) {
      await s3.send(new CreateBucketCommand({ Bucket: `home-of-${name}` }));
      const { Owner } = await s3.send(new GetBucketAclCommand({ Bucket: `home-of-${name}` }));
      ids[name as keyof typeof ids] = Owner?.ID ?? "";
    }
    await open("writers", "ObjectWriter");
    await open("preferred", "BucketOwnerPreferred");
    await open("enforced", "BucketOwnerEnforced");
  });
  after(() => lab.stop());

  /** A bucket of Alice's into which Bob may write, and from which he may read what is hers. */
  async function open(Bucket: string, ownership: ObjectOwnership): Promise<void> {
    await alice.send(new CreateBucketCommand({ Bucket, ObjectOwnership: ownership }));
    const Statement = {
      Effect: "Allow",
      Principal: { AWS: BOB },
      Action: ["s3:PutObject", "s3:GetObject", "s3:ListBucket"],
      Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
    };
    await policy(Bucket, Statement);
  }
  const policy = (Bucket: string, ...Statement: object[]) =>
    alice.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: "2012-10-17", Statement }) }));
  const put = (s3: S3Client, Bucket: string, Key: string, more: Partial<PutObjectCommandInput> = {}) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: "x", ...more }));
  const get = (s3: S3Client, Bucket: string, Key: string) =>
    s3.send(new GetObjectCommand({ Bucket, Key })).then((one) => one.Body?.transformToString());
  const setOwnership = (Bucket: string, ObjectOwnership: ObjectOwnership) =>
    alice.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: [{ ObjectOwnership }] } }));
  const nameOf = (id: string | undefined) => Object.entries(ids).find(([, one]) => one === id)?.[0] ?? id;
  const worded = (grants: readonly Grant[] | undefined) =>
    grants?.map((one) => `${nameOf(one.Grantee?.ID) ?? one.Grantee?.URI?.split("/").at(-1)} ${one.Permission}`);
  const aclOf = async (s3: S3Client, Bucket: string, Key: string) => {
    const { Owner, Grants } = await s3.send(new GetObjectAclCommand({ Bucket, Key }));
    return { owner: nameOf(Owner?.ID), grants: worded(Grants) };
  };

  test("what another account writes is its own: the bucket's owner sees and deletes it, and cannot read it", async () => {
    await put(bob, "writers", "bobs");
    assert.equal(await codeOf(get(alice, "writers", "bobs")), "AccessDenied 403");
    assert.equal(
      await codeOf(alice.send(new GetObjectAclCommand({ Bucket: "writers", Key: "bobs" }))),
      "AccessDenied 403",
    );
    assert.equal(await get(bob, "writers", "bobs"), "x");
    assert.deepEqual(await aclOf(bob, "writers", "bobs"), { owner: "bob", grants: ["bob FULL_CONTROL"] });
    const listed = await alice.send(new ListObjectsV2Command({ Bucket: "writers", FetchOwner: true }));
    assert.deepEqual(
      listed.Contents?.map((one) => [one.Key, nameOf(one.Owner?.ID)]),
      [["bobs", "bob"]],
    );
    await put(alice, "writers", "hers");
    const versions = await alice.send(new ListObjectVersionsCommand({ Bucket: "writers" }));
    assert.deepEqual(
      versions.Versions?.map((one) => nameOf(one.Owner?.ID)),
      ["bob", "alice"],
    );
    await alice.send(new DeleteObjectCommand({ Bucket: "writers", Key: "bobs" }));
    assert.equal(await codeOf(get(bob, "writers", "bobs")), "NoSuchKey 404");
  });

  test("the bucket policy lets nobody at another account's object, and can still deny", async () => {
    const everything = {
      Effect: "Allow",
      Principal: { AWS: [BOB, CAROL] },
      Action: "s3:*",
      Resource: "arn:aws:s3:::writers/*",
    };
    await policy("writers", everything);
    await put(bob, "writers", "policy");
    await put(alice, "writers", "policy-hers");
    assert.equal(await get(carol, "writers", "policy-hers"), "x");
    assert.equal(await codeOf(get(carol, "writers", "policy")), "AccessDenied 403");
    const deny = { Effect: "Deny", Principal: "*", Action: "s3:GetObject", Resource: "arn:aws:s3:::writers/policy" };
    await policy("writers", everything, deny);
    assert.equal(await codeOf(get(bob, "writers", "policy")), "AccessDenied 403");
    await policy("writers", everything);
    assert.equal(await get(bob, "writers", "policy"), "x");
  });

  test("grants let accounts in, whose users need a policy of their own besides", async () => {
    const GrantRead = `id="${ids.alice}", id=${ids.carol}`;
    await put(bob, "writers", "granted", { GrantRead, GrantFullControl: `id="${ids.bob}"` });
    assert.equal(await get(alice, "writers", "granted"), "x");
    assert.equal(await get(carol, "writers", "granted"), "x");
    const attributes = new GetObjectAttributesCommand({
      Bucket: "writers",
      Key: "granted",
      ObjectAttributes: ["ETag"],
    });
    const asked = await alice.send(attributes);
    assert.equal(asked.ETag, "9dd4e461268c8034f5c8564e155c67a6");
    assert.equal(
      await codeOf(alice.send(new GetObjectAclCommand({ Bucket: "writers", Key: "granted" }))),
      "AccessDenied 403",
    );
    assert.deepEqual((await aclOf(bob, "writers", "granted")).grants, ["bob FULL_CONTROL", "alice READ", "carol READ"]);
    const user = await userOfAlice("reader");
    assert.equal(await codeOf(get(user.s3, "writers", "granted")), "AccessDenied 403");
    await user.may("s3:GetObject");
    assert.equal(await get(user.s3, "writers", "granted"), "x");
  });

  async function userOfAlice(UserName: string) {
    await lab.iam().send(new CreateUserCommand({ UserName }));
    const { AccessKey } = await lab.iam().send(new CreateAccessKeyCommand({ UserName }));
    const credentials = {
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    };
    const may = (...Action: string[]) => {
      const PolicyDocument = JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Allow", Action, Resource: "*" }],
      });
      return lab.iam().send(new PutUserPolicyCommand({ UserName, PolicyName: "p", PolicyDocument }));
    };
    return { s3: lab.s3(credentials), may };
  }

  test("bucket-owner-full-control shares with ObjectWriter and hands over with BucketOwnerPreferred", async () => {
    await put(bob, "writers", "shared", { ACL: "bucket-owner-full-control" });
    assert.deepEqual(await aclOf(alice, "writers", "shared"), {
      owner: "bob",
      grants: ["bob FULL_CONTROL", "alice FULL_CONTROL"],
    });
    await put(bob, "preferred", "given", { ACL: "bucket-owner-full-control" });
    assert.deepEqual(await aclOf(alice, "preferred", "given"), { owner: "alice", grants: ["alice FULL_CONTROL"] });
    assert.equal(
      await codeOf(bob.send(new GetObjectAclCommand({ Bucket: "preferred", Key: "given" }))),
      "AccessDenied 403",
    );
    await put(bob, "preferred", "kept", { GrantFullControl: `id="${ids.alice}"` });
    assert.deepEqual(await aclOf(alice, "preferred", "kept"), { owner: "bob", grants: ["alice FULL_CONTROL"] });
  });

  test("disabling ACLs makes the bucket's owner own everything at once; enabling them gives it back", async () => {
    await put(bob, "preferred", "switched");
    assert.equal(await codeOf(get(alice, "preferred", "switched")), "AccessDenied 403");
    await setOwnership("preferred", "BucketOwnerEnforced");
    assert.equal(await get(alice, "preferred", "switched"), "x");
    assert.equal((await aclOf(alice, "preferred", "switched")).owner, "alice");
    await put(bob, "preferred", "meanwhile");
    await setOwnership("preferred", "BucketOwnerPreferred");
    assert.equal(await codeOf(get(alice, "preferred", "switched")), "AccessDenied 403");
    assert.equal(await get(alice, "preferred", "meanwhile"), "x");
    await alice.send(new DeleteBucketOwnershipControlsCommand({ Bucket: "preferred" }));
    assert.equal(await codeOf(get(alice, "preferred", "switched")), "AccessDenied 403");
    await setOwnership("preferred", "BucketOwnerPreferred");
  });

  test("with ACLs disabled everything is refused that does not say what holds anyway", async () => {
    await put(bob, "enforced", "given", { ACL: "bucket-owner-full-control" });
    await put(bob, "enforced", "granted", { GrantFullControl: `id="${ids.alice}"` });
    assert.equal(await get(alice, "enforced", "given"), "x");
    await put(alice, "enforced", "hers", { ACL: "private" });
    const unsupported = "AccessControlListNotSupported 400";
    assert.equal(await codeOf(put(bob, "enforced", "k", { ACL: "private" })), unsupported);
    assert.equal(await codeOf(put(alice, "enforced", "k", { ACL: "public-read" })), unsupported);
    assert.equal(await codeOf(put(alice, "enforced", "k", { GrantRead: `id="${ids.bob}"` })), unsupported);
    const copy = { Bucket: "enforced", Key: "k", CopySource: "enforced/hers", ACL: "authenticated-read" } as const;
    assert.equal(await codeOf(alice.send(new CopyObjectCommand(copy))), unsupported);
    const upload = { Bucket: "enforced", Key: "k", ACL: "public-read" } as const;
    assert.equal(await codeOf(alice.send(new CreateMultipartUploadCommand(upload))), unsupported);
    for (const ACL of ["private", "bucket-owner-full-control"] as const) {
      const object = new PutObjectAclCommand({ Bucket: "enforced", Key: "hers", ACL });
      assert.equal(await codeOf(alice.send(object)), unsupported);
    }
    assert.equal(
      await codeOf(alice.send(new PutBucketAclCommand({ Bucket: "enforced", ACL: "private" }))),
      unsupported,
    );
  });

  test("copies and multipart objects belong to whoever asked for them", async () => {
    const Bucket = "writers";
    await put(alice, Bucket, "original");
    await policy(Bucket, {
      Effect: "Allow",
      Principal: { AWS: BOB },
      Action: ["s3:PutObject", "s3:GetObject"],
      Resource: `arn:aws:s3:::${Bucket}/*`,
    });
    await bob.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/original` }));
    assert.equal((await aclOf(bob, Bucket, "copy")).owner, "bob");
    const created = await bob.send(
      new CreateMultipartUploadCommand({ Bucket, Key: "parts", ACL: "bucket-owner-read" }),
    );
    const part = { Bucket, Key: "parts", UploadId: created.UploadId };
    const { ETag } = await bob.send(new UploadPartCommand({ ...part, PartNumber: 1, Body: "x" }));
    // By whom it is completed makes no difference.
    await alice.send(
      new CompleteMultipartUploadCommand({ ...part, MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] } }),
    );
    assert.deepEqual(await aclOf(bob, Bucket, "parts"), { owner: "bob", grants: ["bob FULL_CONTROL", "alice READ"] });
    assert.equal(await get(alice, Bucket, "parts"), "x");
  });

  test("the owner replaces a list by name, by headers and by a document; who was granted WRITE_ACP may too", async () => {
    const target = { Bucket: "writers", Key: "changed" };
    await put(bob, "writers", "changed");
    const set = (s3: S3Client, more: object) => s3.send(new PutObjectAclCommand({ ...target, ...more }));
    assert.equal(await codeOf(set(alice, { ACL: "private" })), "AccessDenied 403");
    await set(bob, { GrantWriteACP: `id=${ids.alice}`, GrantReadACP: `id=${ids.alice}` });
    assert.deepEqual(await aclOf(alice, "writers", "changed"), {
      owner: "bob",
      grants: ["alice READ_ACP", "alice WRITE_ACP"],
    });
    const toAlice = { Grantee: { Type: "CanonicalUser", ID: ids.alice }, Permission: "FULL_CONTROL" } as const;
    const document = (owner: string, ...Grants: Grant[]) => ({ AccessControlPolicy: { Owner: { ID: owner }, Grants } });
    assert.equal(await codeOf(set(alice, document(ids.alice, toAlice))), "AccessDenied 403");
    await set(alice, document(ids.bob, toAlice));
    assert.equal(await get(alice, "writers", "changed"), "x");
    // Its owner can always undo it.
    await set(bob, { ACL: "bucket-owner-read" });
    assert.deepEqual((await aclOf(bob, "writers", "changed")).grants, ["bob FULL_CONTROL", "alice READ"]);
    assert.equal(await codeOf(set(alice, { ACL: "private" })), "AccessDenied 403");
  });

  test("lists that are nonsense are refused by what is wrong with them", async () => {
    const target = { Bucket: "writers", Key: "nonsense" };
    await put(alice, "writers", "nonsense");
    const set = (more: object) => codeOf(alice.send(new PutObjectAclCommand({ ...target, ...more })));
    assert.equal(await set({ ACL: "everybody" }), "InvalidArgument 400");
    assert.equal(await set({ ACL: "private", GrantRead: `id=${ids.bob}` }), "InvalidRequest 400");
    assert.equal(await set({ GrantRead: "bob" }), "InvalidArgument 400");
    assert.equal(await set({ GrantRead: `id=${"0".repeat(64)}` }), "InvalidArgument 400");
    assert.equal(await set({ GrantRead: "uri=http://example.com/everybody" }), "InvalidArgument 400");
    assert.equal(await set({ GrantRead: "emailAddress=bob@example.com" }), "UnresolvableGrantByEmailAddress 400");
    const many = Array.from({ length: 101 }, () => `id=${ids.bob}`).join(",");
    assert.equal(await set({ GrantRead: many }), "MalformedACLError 400");
    const raw = async (body: string, headers = {}) => {
      const request = { method: "PUT", target: "/writers/nonsense?acl", body: Buffer.from(body), headers };
      return /<Code>(\w+)</.exec((await send(lab.port, lab.alice, request)).body)?.[1];
    };
    assert.equal(await raw(""), "MissingSecurityHeader");
    assert.equal(await raw("<AccessControlPolicy/>"), "MalformedACLError");
    assert.equal(await raw("<Other/>"), "MalformedACLError");
    assert.equal(await raw("<AccessControlPolicy"), "MalformedXML");
    assert.equal(await raw("<AccessControlPolicy/>", { "x-amz-acl": "private" }), "UnexpectedContent");
    assert.deepEqual(await aclOf(alice, "writers", "nonsense"), { owner: "alice", grants: ["alice FULL_CONTROL"] });
  });

  test("to write with an ACL needs s3:PutObjectAcl, and policies see what is granted", async () => {
    const user = await userOfAlice("writer");
    await user.may("s3:PutObject");
    await put(user.s3, "writers", "plain");
    assert.match((await refused(put(user.s3, "writers", "k", { ACL: "private" }))).message, /s3:PutObjectAcl/);
    await user.may("s3:PutObject", "s3:PutObjectAcl");
    await put(user.s3, "writers", "k", { ACL: "private" });
    const writing = {
      Effect: "Allow",
      Principal: { AWS: BOB },
      Action: "s3:PutObject",
      Resource: "arn:aws:s3:::writers/*",
    };
    const StringEquals = { "s3:x-amz-grant-full-control": `id=${ids.alice}` };
    await policy("writers", { ...writing, Condition: { StringEquals } });
    assert.equal(await codeOf(put(bob, "writers", "k")), "AccessDenied 403");
    await put(bob, "writers", "k", { GrantFullControl: `id=${ids.alice}` });
    await policy("writers", {
      ...writing,
      Condition: { StringEquals: { "s3:x-amz-acl": "bucket-owner-full-control" } },
    });
    assert.equal(await codeOf(put(bob, "writers", "k", { ACL: "private" })), "AccessDenied 403");
    await put(bob, "writers", "k", { ACL: "bucket-owner-full-control" });
    await policy("writers", writing);
  });

  test("the bucket's own list lets accounts list and write, and delete what is theirs", async () => {
    const Bucket = "writers";
    const setBucket = (more: Partial<PutBucketAclCommandInput>) =>
      alice.send(new PutBucketAclCommand({ Bucket, ...more }));
    const list = (s3: S3Client) => s3.send(new ListObjectsV2Command({ Bucket }));
    assert.equal(await codeOf(list(carol)), "AccessDenied 403");
    await setBucket({
      GrantRead: `id=${ids.carol}`,
      GrantWrite: `id=${ids.carol}`,
      GrantFullControl: `id=${ids.alice}`,
    });
    const acl = await alice.send(new GetBucketAclCommand({ Bucket }));
    assert.deepEqual(worded(acl.Grants), ["alice FULL_CONTROL", "carol READ", "carol WRITE"]);
    await list(carol);
    await put(carol, Bucket, "carols");
    assert.equal(await codeOf(carol.send(new GetBucketAclCommand({ Bucket }))), "AccessDenied 403");
    assert.equal(await codeOf(get(carol, Bucket, "original")), "AccessDenied 403");
    assert.equal(await codeOf(carol.send(new DeleteObjectCommand({ Bucket, Key: "original" }))), "AccessDenied 403");
    await carol.send(new DeleteObjectCommand({ Bucket, Key: "carols" }));
    const sleeping = "InvalidBucketAclWithObjectOwnership 400";
    assert.equal(await codeOf(setOwnership(Bucket, "BucketOwnerEnforced")), sleeping);
    await setBucket({ ACL: "private" });
    assert.equal(await codeOf(list(carol)), "AccessDenied 403");
  });

  test("public ACLs are refused until the block is gone; a later block makes them ineffective", async () => {
    const Bucket = "public";
    await alice.send(new CreateBucketCommand({ Bucket, ObjectOwnership: "ObjectWriter" }));
    const url = `${lab.endpoint}/${Bucket}/k`;
    const { code, message } = await refused(put(alice, Bucket, "k", { ACL: "public-read" }));
    assert.equal(code, "AccessDenied");
    assert.match(message, /arn:aws:s3:::public\/k" because public access control lists .* BlockPublicAcls setting/);
    const forAll = new PutBucketAclCommand({ Bucket, ACL: "public-read" });
    assert.equal(await codeOf(alice.send(forAll)), "AccessDenied 403");
    await alice.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await alice.send(forAll);
    await put(alice, Bucket, "k", { ACL: "public-read" });
    await put(alice, Bucket, "known", { ACL: "authenticated-read" });
    await put(alice, Bucket, "hidden");
    assert.deepEqual((await aclOf(alice, Bucket, "k")).grants, ["alice FULL_CONTROL", "AllUsers READ"]);
    assert.equal(await (await fetch(url)).text(), "x");
    assert.equal((await fetch(`${lab.endpoint}/${Bucket}`)).status, 200);
    assert.equal((await fetch(`${lab.endpoint}/${Bucket}/hidden`)).status, 403);
    assert.equal((await fetch(`${lab.endpoint}/${Bucket}/known`)).status, 403);
    assert.equal(await get(carol, Bucket, "known"), "x");
    const PublicAccessBlockConfiguration = { IgnorePublicAcls: true };
    await alice.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
    assert.equal((await fetch(url)).status, 403);
    assert.equal(await codeOf(get(carol, Bucket, "known")), "AccessDenied 403");
    assert.deepEqual((await aclOf(alice, Bucket, "k")).grants?.length, 2);
  });

  test("strangers may write where a bucket is public for writing, and own what they wrote", async () => {
    const Bucket = "drop-box";
    await alice.send(new CreateBucketCommand({ Bucket, ObjectOwnership: "ObjectWriter" }));
    await alice.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await alice.send(new PutBucketAclCommand({ Bucket, ACL: "public-read-write" }));
    const answer = await fetch(`${lab.endpoint}/${Bucket}/k`, { method: "PUT", body: "x" });
    assert.equal(answer.status, 200);
    assert.equal(await codeOf(get(alice, Bucket, "k")), "AccessDenied 403");
    assert.equal((await fetch(`${lab.endpoint}/${Bucket}/k`, { method: "DELETE" })).status, 403);
    await alice.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  });

  test("a bucket is made with an ACL only where ACLs are enabled, and never with a public one", async () => {
    const make = (more: object) => alice.send(new CreateBucketCommand({ Bucket: "made", ...more }));
    assert.equal(await codeOf(make({ ACL: "log-delivery-write" })), "InvalidBucketAclWithObjectOwnership 400");
    const open = { ObjectOwnership: "BucketOwnerPreferred", ACL: "public-read" };
    assert.equal(await codeOf(make(open)), "InvalidBucketAclWithBlockPublicAccessError 400");
    await make({ ObjectOwnership: "BucketOwnerPreferred", ACL: "log-delivery-write" });
    const { Grants } = await alice.send(new GetBucketAclCommand({ Bucket: "made" }));
    assert.deepEqual(worded(Grants), ["alice FULL_CONTROL", "LogDelivery WRITE", "LogDelivery READ_ACP"]);
    const user = await userOfAlice("maker");
    await user.may("s3:CreateBucket");
    const owned = new CreateBucketCommand({ Bucket: "made-too", ObjectOwnership: "ObjectWriter" });
    assert.match((await refused(user.s3.send(owned))).message, /s3:PutBucketOwnershipControls/);
    const listed = new CreateBucketCommand({ Bucket: "made-too", ACL: "private" });
    assert.match((await refused(user.s3.send(listed))).message, /s3:PutBucketAcl/);
  });

  test("a group is a group to the SDK, and the document is the one that AWS describes", async () => {
    const request = { method: "GET", target: "/public/known?acl" };
    const { body } = await send(lab.port, lab.alice, request);
    assert.match(body, /<Grantee xmlns:xsi="[^"]+" xsi:type="Group"><URI>[^<]+AuthenticatedUsers<\/URI>/);
    const { Grants } = await alice.send(new GetObjectAclCommand({ Bucket: "public", Key: "known" }));
    assert.deepEqual(
      Grants?.map((one) => one.Grantee?.Type),
      ["CanonicalUser", "Group"],
    );
    assert.equal(Grants?.[1]?.Grantee?.URI, AUTHENTICATED);
  });
});
