/** What somebody ordered to go wrong: throttles, faults, the clock, damage; each ends when it was said to. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { DeleteRoleCommand, DeleteRolePolicyCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { CreateKeyCommand, ListKeysCommand } from "@aws-sdk/client-kms";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client as SdkClient,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { S3Error } from "../../src/s3/errors.ts";
import type { Store } from "../../src/s3/store.ts";
import { pattern, rejectsWith } from "../conformance/store-subject.ts";
import { codeOf, refused, TestLab } from "./lab.ts";
import { Replicator } from "./replicator.ts";

describe("what is ordered to go wrong in a lab", () => {
  let lab: TestLab;
  let s3: SdkClient;
  let role: Replicator;
  const stores: { readonly name: string; readonly store: Store }[] = [];
  const Bucket = "disturbed";
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
    await lab.bucket("undisturbed", { versioned: true });
    role = await Replicator.make(lab);
    stores.push({ name: "http", store: await role.overHttp() }, { name: "direct", store: await role.direct() });
    for (const [Key, size] of [
      ["small", 1000],
      ["large", 300_000],
    ] as const) {
      for (const bucket of [Bucket, "undisturbed"]) {
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: pattern(size) }));
      }
    }
  });
  afterEach(async () => {
    await lab.admin("DELETE", "faults");
    await lab.admin("PUT", "clock", { offsetMs: 0 });
  });
  after(async () => {
    await role.close();
    await lab.stop();
  });

  const read = async (store: Store, key: string, bucket = Bucket): Promise<Uint8Array> =>
    (await store.getObject({ bucket, key })).body.bytes();
  const networkOf = async (call: Promise<unknown>): Promise<string | undefined> => {
    const error = await call.then(
      () => assert.fail("the call was fulfilled"),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof S3Error, String(error));
    return error.fields.network;
  };
  const fault = (order: object) => lab.admin("POST", "faults", { bucket: Bucket, ...order });

  test("a body that is cut is fewer bytes than were announced, as often as was ordered", async () => {
    for (const { name, store } of stores) {
      for (const [key, truncateAt] of [
        ["small", 0],
        ["small", 10],
        ["large", 200_000],
      ] as const) {
        await fault({ prefix: key, truncateAt });
        assert.equal(await networkOf(read(store, key)), "truncated", `${name} ${key} ${truncateAt}`);
        assert.equal((await read(store, key)).length, key === "small" ? 1000 : 300_000);
      }
    }
  });

  test("one bit of a body is another one, and nothing else of the answer", async () => {
    for (const { name, store } of stores) {
      for (const [key, size, flipAt] of [
        ["small", 1000, 999],
        ["large", 300_000, 250_000],
      ] as const) {
        await fault({ prefix: key, flipAt, times: 2 });
        await read(store, key, "undisturbed");
        for (let time = 0; time < 2; time++) {
          const bytes = await read(store, key);
          const right = pattern(size);
          right[flipAt] = (right[flipAt] ?? 0) ^ 1;
          assert.ok(Buffer.from(bytes).equals(right), name);
        }
        assert.ok(Buffer.from(await read(store, key)).equals(pattern(size)));
      }
    }
  });

  test("a reset leaves no answer: before the deed nothing is done, after it everything is", async () => {
    for (const { name, store } of stores) {
      const write = { bucket: Bucket, contentHeaders: {}, userMetadata: {}, body: Buffer.from("x") };
      await fault({ operation: "PutObject", reset: "before" });
      assert.equal(await networkOf(store.putObject({ ...write, key: `before ${name}` })), "reset", name);
      await rejectsWith(read(store, `before ${name}`), 404, "NoSuchKey");
      await fault({ operation: "PutObject", reset: "after" });
      assert.equal(await networkOf(store.putObject({ ...write, key: `after ${name}` })), "reset", name);
      assert.equal(Buffer.from(await read(store, `after ${name}`)).toString(), "x");
    }
  });

  test("a status is answered as ordered, and a delay lets the call go on", async () => {
    for (const { store } of stores) {
      await fault({ operation: "GetObject", status: 503, code: "ServiceUnavailable" });
      await rejectsWith(read(store, "small"), 503, "ServiceUnavailable");
      await fault({ status: 500 });
      await rejectsWith(read(store, "small"), 500, "InternalError");
      await fault({ delayMs: 1 });
      assert.equal((await read(store, "small")).length, 1000);
    }
    assert.deepEqual(((await lab.admin("GET", "disturbances")) as { faults: object[] }).faults, []);
  });

  test("faults are told with what is left of them, and taken back one by one", async () => {
    const { id } = (await fault({ status: 500, times: 3 })) as { id: number };
    await fault({ flipAt: 1, prefix: "none/" });
    const [store] = stores;
    assert.ok(store !== undefined);
    await rejectsWith(read(store.store, "small"), 500);
    const { faults } = (await lab.admin("GET", "disturbances")) as { faults: { id: number; times: number }[] };
    assert.deepEqual(
      faults.map((one) => one.times),
      [2, 1],
    );
    await lab.admin("DELETE", `faults/${id}`);
    await read(store.store, "small");
    await assert.rejects(fault({ status: 200 }), /^Error: 400 /);
    await assert.rejects(fault({ flipAt: 1, truncateAt: 1 }), /^Error: 400 /);
    await assert.rejects(fault({}), /^Error: 400 /);
    await assert.rejects(fault({ delayMs: 3_600_000 }), /^Error: 400 /);
  });

  test("a throttled bucket answers SlowDown and when to come again; the others are not touched", async () => {
    await lab.admin("PUT", "throttle", { service: "s3", bucket: Bucket, requestsPerSecond: 0 });
    for (const { store } of stores) {
      const error = await rejectsWith(read(store, "small"), 503, "SlowDown");
      assert.equal(error.fields.retryAfterMs, 60_000);
      await read(store, "small", "undisturbed");
    }
    await lab.admin("PUT", "throttle", { service: "s3", bucket: Bucket, requestsPerSecond: 2 });
    const { headers } = await refused(
      Promise.all(Array.from({ length: 20 }, () => s3.send(new HeadObjectCommand({ Bucket, Key: "small" })))),
    );
    assert.equal(headers["retry-after"], "1");
    await lab.admin("PUT", "throttle", { service: "s3", bucket: Bucket, requestsPerSecond: null });
    await s3.send(new HeadObjectCommand({ Bucket, Key: "small" }));
    await assert.rejects(
      lab.admin("PUT", "throttle", { service: "kms", bucket: Bucket, requestsPerSecond: 1 }),
      /^Error: 400 /,
    );
  });

  test("a throttled KMS is told apart from a throttled S3, and is a ThrottlingException to those who call it", async () => {
    const { KeyMetadata } = await lab.kms().send(new CreateKeyCommand({}));
    const input = { Bucket, Key: "kms", ServerSideEncryption: "aws:kms", SSEKMSKeyId: KeyMetadata?.Arn } as const;
    await s3.send(new PutObjectCommand({ ...input, Body: "x" }));
    await lab.admin("PUT", "throttle", { service: "kms", requestsPerSecond: 0 });
    assert.equal(await codeOf(s3.send(new PutObjectCommand({ ...input, Body: "y" }))), "KMS.ThrottlingException 503");
    for (const { store } of stores) await rejectsWith(read(store, "kms"), 503, "KMS.ThrottlingException");
    await s3.send(new HeadObjectCommand({ Bucket, Key: "kms" }));
    await s3.send(new PutObjectCommand({ Bucket, Key: "plain", Body: "y" }));
    assert.equal(await codeOf(lab.kms().send(new ListKeysCommand({}))), "ThrottlingException 400");
    await lab.admin("PUT", "throttle", { service: "kms", requestsPerSecond: null });
    await s3.send(new PutObjectCommand({ ...input, Body: "y" }));
  });

  test("a clock that is ahead refuses what is signed now, and lets sessions end", async () => {
    const store = await role.overHttp();
    await lab.admin("PUT", "clock", { offsetMs: 16 * 60_000 });
    await rejectsWith(store.getObject({ bucket: Bucket, key: "small" }), 403, "RequestTimeTooSkewed");
    assert.equal(await codeOf(s3.send(new GetObjectCommand({ Bucket, Key: "small" }))), "RequestTimeTooSkewed 403");
    await lab.admin("PUT", "clock", { offsetMs: -14 * 60_000 });
    assert.equal((await read(store, "small")).length, 1000);
    const direct = await role.direct();
    await lab.admin("PUT", "clock", { offsetMs: 13 * 3_600_000 });
    await rejectsWith(direct.getObject({ bucket: Bucket, key: "small" }), 400, "ExpiredToken");
  });

  test("sessions that were revoked by their time of issue are denied, and new ones are not", async () => {
    const revoked = await Replicator.make(lab, "revoked");
    const old = await revoked.overHttp();
    await read(old, "small");
    const cut = new Date(Date.now() + 1).toISOString();
    const Condition = { DateLessThan: { "aws:TokenIssueTime": cut } };
    const Statement = [{ Effect: "Deny", Action: "*", Resource: "*", Condition }];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    const RoleName = revoked.roleName;
    const policy = { RoleName, PolicyName: "AWSRevokeOlderSessions", PolicyDocument };
    await lab.iam().send(new PutRolePolicyCommand(policy));
    const error = await rejectsWith(read(old, "small"), 403, "AccessDenied");
    assert.match(error.message, /with an explicit deny in an identity-based policy/);
    await lab.admin("PUT", "clock", { offsetMs: 60_000 });
    assert.equal((await read(await revoked.direct(), "small")).length, 1000);
    await revoked.close();
  });

  test("a session whose role is gone has a key that nobody knows, also when a role of that name is made again", async () => {
    const gone = await Replicator.make(lab, "gone");
    const store = await gone.overHttp();
    const RoleName = gone.roleName;
    await lab.iam().send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "policy" }));
    await rejectsWith(read(store, "small"), 403, "AccessDenied");
    await lab.iam().send(new DeleteRoleCommand({ RoleName }));
    await rejectsWith(read(store, "small"), 403, "InvalidAccessKeyId");
    const again = await Replicator.make(lab, "gone");
    await rejectsWith(read(store, "small"), 403, "InvalidAccessKeyId");
    const credentials = await again.credentials();
    await assert.rejects(
      lab.s3({ ...credentials, sessionToken: "another" }).send(new GetObjectCommand({ Bucket, Key: "small" })),
      { name: "InvalidToken" },
    );
    await gone.close();
  });
});

describe("versions that are damaged where they lie", () => {
  let lab: TestLab;
  let s3: SdkClient;
  let role: Replicator;
  const Bucket = "damaged";
  before(async () => {
    lab = await TestLab.start({ onDisk: true });
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
    role = await Replicator.make(lab);
  });
  after(() => lab.stop());

  const replica = { versionId: "from-elsewhere", lastModifiedMs: 1_700_000_000_000 };
  const writeOf = (key: string) => ({ bucket: Bucket, key, contentHeaders: {}, userMetadata: {}, replica });
  const read = async (store: Store, key: string): Promise<Buffer> =>
    Buffer.from(await (await store.getObject({ bucket: Bucket, key })).body.bytes());

  for (const sizeBytes of [1, 1000, 300_000]) {
    test(`${sizeBytes} bytes that are altered read as others under the old ETag, until the replica is sent again`, async () => {
      const store = await role.direct();
      const key = `altered/${sizeBytes}`;
      const { etag } = await store.putObject({ ...writeOf(key), body: pattern(sizeBytes) });
      await lab.admin("POST", `buckets/${Bucket}/damage`, { key, versionId: replica.versionId, how: "altered" });
      const bytes = await read(store, key);
      assert.equal(bytes.length, sizeBytes);
      assert.ok(!bytes.equals(pattern(sizeBytes)));
      assert.equal((await store.headObject({ bucket: Bucket, key })).etag, etag);
      await store.putObject({ ...writeOf(key), body: pattern(sizeBytes) });
      assert.ok((await read(store, key)).equals(pattern(sizeBytes)));
    });

    test(`${sizeBytes} bytes that are unreadable are not given out, until the replica is sent again`, async () => {
      const store = await role.direct();
      const key = `unreadable/${sizeBytes}`;
      await store.putObject({ ...writeOf(key), body: pattern(sizeBytes) });
      await lab.admin("POST", `buckets/${Bucket}/damage`, { key });
      await assert.rejects(read(store, key), S3Error);
      await assert.rejects(async () => {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: key }));
        await Body?.transformToByteArray();
      });
      assert.notEqual(lab.faults.splice(0).length, 0, "whoever runs the lab is told");
      await store.putObject({ ...writeOf(key), body: pattern(sizeBytes) });
      assert.ok((await read(store, key)).equals(pattern(sizeBytes)));
    });
  }

  test("a version of parts is damaged in its first part", async () => {
    const Key = "parts";
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { Bucket, Key, UploadId, PartNumber: 1, Body: pattern(200_000) };
    const { ETag } = await s3.send(new UploadPartCommand(part));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    await lab.admin("POST", `buckets/${Bucket}/damage`, { key: Key, how: "altered" });
    assert.ok(!(await read(await role.direct(), Key)).equals(pattern(200_000)));
  });

  test("what cannot be damaged so is refused", async () => {
    await s3.send(new PutObjectCommand({ Bucket, Key: "kms", Body: "x", ServerSideEncryption: "aws:kms" }));
    const damage = (body: object) => lab.admin("POST", `buckets/${Bucket}/damage`, body);
    await assert.rejects(damage({ key: "kms", how: "altered" }), /^Error: 400 /);
    await assert.rejects(damage({ key: "nowhere" }), /^Error: 404 .*NoSuchKey/);
    await assert.rejects(damage({}), /^Error: 400 /);
  });
});
