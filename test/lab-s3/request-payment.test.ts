/** Requester Pays: whom such a bucket serves, and what replication is told. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { CreateRoleCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import {
  GetBucketRequestPaymentCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  type Payer,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { rejectsWith } from "../conformance/store-subject.ts";
import { ALICE, BOB, codeOf, TestLab } from "./lab.ts";
import { send } from "./raw.ts";

describe("Requester Pays", () => {
  let lab: TestLab;
  let alice: S3Client;
  let bob: S3Client;
  const Bucket = "paid";
  before(async () => {
    lab = await TestLab.start();
    [alice, bob] = [lab.s3(), lab.s3(await lab.lab.account(BOB))];
    await lab.bucket(Bucket, { versioned: true });
    await alice.send(new PutObjectCommand({ Bucket, Key: "k", Body: "x" }));
    const Resource = [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`];
    const Statement = [{ Effect: "Allow", Principal: { AWS: BOB }, Action: "s3:*", Resource }];
    await alice.send(
      new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: "2012-10-17", Statement }) }),
    );
  });
  after(() => lab.stop());

  const set = (payer: string) => {
    const RequestPaymentConfiguration = { Payer: payer as Payer };
    return alice.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration }));
  };
  const get = (s3: S3Client, more: { RequestPayer?: "requester" } = {}) =>
    s3.send(new GetObjectCommand({ Bucket, Key: "k", ...more }));

  test("the bucket's owner pays until it is said that requesters do", async () => {
    const payer = async () => (await alice.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer;
    assert.equal(await payer(), "BucketOwner");
    assert.equal(await codeOf(set("Nobody")), "MalformedXML 400");
    await set("Requester");
    assert.equal(await payer(), "Requester");
    await set("BucketOwner");
    assert.equal(await payer(), "BucketOwner");
    await get(bob);
  });

  test("other accounts say that they pay, or are refused; the owner's own need not", async () => {
    await set("Requester");
    await get(alice);
    assert.equal(await codeOf(get(bob)), "AccessDenied 403");
    assert.equal(await codeOf(bob.send(new ListObjectsV2Command({ Bucket }))), "AccessDenied 403");
    assert.equal(await codeOf(bob.send(new PutObjectCommand({ Bucket, Key: "b", Body: "b" }))), "AccessDenied 403");
    assert.equal((await get(bob, { RequestPayer: "requester" })).RequestCharged, "requester");
    await bob.send(new ListObjectsV2Command({ Bucket, RequestPayer: "requester" }));
    await bob.send(new PutObjectCommand({ Bucket, Key: "b", Body: "b", RequestPayer: "requester" }));
    assert.equal((await fetch(`${lab.endpoint}/${Bucket}/k?x-amz-request-payer=requester`)).status, 403);
    const target = `/${Bucket}/k?x-amz-request-payer=requester`;
    assert.equal((await send(lab.port, await lab.lab.account(BOB), { method: "GET", target })).status, 200);
  });

  test("replication of another account is refused whatever it says, and of the bucket's own account it works", async () => {
    await set("Requester");
    const write = async (account: string) => {
      const iam = lab.iam(await lab.lab.account(account));
      const trust = { Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" };
      const document = (Statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: [Statement] });
      await iam.send(new CreateRoleCommand({ RoleName: "r", AssumeRolePolicyDocument: document(trust) }));
      const PolicyDocument = document({ Effect: "Allow", Action: "s3:*", Resource: "*" });
      await iam.send(new PutRolePolicyCommand({ RoleName: "r", PolicyName: "p", PolicyDocument }));
      const store = lab.lab.direct(await lab.lab.assumeReplicationRole(`arn:aws:iam::${account}:role/r`));
      const replica = { versionId: "a-version-of-another-store", lastModifiedMs: 0 };
      const body = Buffer.from("x");
      return store.putObject({ bucket: Bucket, key: "r", body, contentHeaders: {}, userMetadata: {}, replica });
    };
    await rejectsWith(write(BOB), 403, "AccessDenied");
    assert.equal((await write(ALICE)).versionId, "a-version-of-another-store");
  });
});
