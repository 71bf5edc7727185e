/**
 * What a real gateway answers when a replication fails, and what the catalogue calls it.
 *
 * The answers are kept in `test/fixtures/answers-ceph.json`, where `test/answers.test.ts` reads them without a gateway. A
 * run with LOCKSTEP_RECORD=1 writes the file anew; every other run compares.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type AnsweredStep, classify } from "../../src/core/failures/classify.ts";
import type { Credentials } from "../../src/core/model.ts";
import type { S3Client } from "../../src/s3/client.ts";
import { S3Error } from "../../src/s3/errors.ts";
import type { RecordedAnswer } from "../fixtures/answers.ts";
import { type Gateways, startGateways } from "./rgw.ts";

const FILE = "test/fixtures/answers-ceph.json";
const STORE = "Ceph RGW 16.2.15";

const WRITE: AnsweredStep = { name: "writeReplica", side: "destination", deniedCode: "DstPutObjectNotPermitted" };
const BEGIN: AnsweredStep = { name: "createUpload", side: "destination", deniedCode: "DstMultipartInitNotPermitted" };
const PART: AnsweredStep = { name: "uploadParts", side: "destination", deniedCode: "DstMultipartUploadNotPermitted" };
const END: AnsweredStep = {
  name: "completeUpload",
  side: "destination",
  deniedCode: "DstMultipartCompleteNotPermitted",
};
const MARKER: AnsweredStep = { name: "writeMarker", side: "destination", deniedCode: "DstDelObjNotPermitted" };
const TAGS: AnsweredStep = { name: "writeTags", side: "destination", deniedCode: "DstPutTaggingNotPermitted" };
const ACL: AnsweredStep = { name: "writeAcl", side: "destination", deniedCode: "DstPutAclNotPermitted" };
const RETENTION: AnsweredStep = {
  name: "writeRetention",
  side: "destination",
  deniedCode: "DstPutRetentionNotPermitted",
};
const HOLD: AnsweredStep = { name: "writeLegalHold", side: "destination", deniedCode: "DstPutLegalHoldNotPermitted" };
const HEAD: AnsweredStep = { name: "headVersion", side: "source", deniedCode: "SrcHeadObjectNotPermitted" };
const READ: AnsweredStep = { name: "readVersion", side: "source", deniedCode: "SrcGetObjectNotPermitted" };
const READ_TAGS: AnsweredStep = { name: "readTags", side: "source", deniedCode: "SrcGetTaggingNotPermitted" };

describe("failures of a real gateway have the catalogue's names", () => {
  const recorded: RecordedAnswer[] = [];
  const known = JSON.parse(readFileSync(FILE, "utf8")) as readonly RecordedAnswer[];
  const isRecording = process.env["LOCKSTEP_RECORD"] !== undefined;
  let gateways: Gateways;
  let owner: S3Client;
  let stranger: S3Client;
  let keys: Credentials;

  before(async () => {
    gateways = await startGateways();
    keys = await gateways.a.createUser("main");
    owner = gateways.a.client(keys);
    stranger = gateways.a.client(await gateways.a.createUser("other"));
    for (const bucket of ["open", "shut"]) {
      await owner.createBucket(bucket);
      await owner.putBucketVersioning(bucket, "Enabled");
      await put(owner, bucket);
    }
    await owner.createBucket("locked", { objectLock: true });
    await put(owner, "locked");
    for (const bucket of ["shut", "locked"]) await owner.putBucketPolicy(bucket, denial(bucket));
  });
  after(async () => {
    await gateways?.stop();
    if (isRecording) writeFileSync(FILE, `${JSON.stringify(recorded, null, 2)}\n`);
  });

  const bytes = Buffer.from("x");
  const write = (bucket: string, key = "key") => ({ bucket, key, contentHeaders: {}, userMetadata: {} });
  const put = (by: S3Client, bucket: string, key = "key") => by.putObject({ ...write(bucket, key), body: bytes });

  /** Everybody is denied what replication does, the owner too. */
  function denial(bucket: string): string {
    const Action = [
      "GetObject",
      "GetObjectVersion",
      "GetObjectTagging",
      "PutObject",
      "DeleteObject",
      "PutObjectTagging",
      "PutObjectAcl",
      "PutObjectRetention",
      "PutObjectLegalHold",
    ].map((name) => `s3:${name}`);
    const Resource = [`arn:aws:s3:::${bucket}/*`];
    return JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action, Resource }],
    });
  }

  /** Makes the call, and compares its answer and its name with what is recorded. */
  function fails(name: string, step: AnsweredStep, expected: string, call: () => Promise<unknown>): void {
    it(`${name}: ${expected}`, async () => {
      const error: unknown = await call().then(
        () => assert.fail("it was expected to fail, and did not"),
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof S3Error, String(error));
      const { operation, status, code, network } = error.fields;
      const answer = {
        ...(status === undefined ? {} : { status }),
        ...(code === undefined ? {} : { code }),
        ...(network === undefined ? {} : { network }),
      };
      assert.equal(classify(step, answer), expected);
      const row = { name, store: STORE, operation, step, answer, expected };
      recorded.push(row);
      if (isRecording) return;
      assert.deepEqual(
        row,
        known.find((one) => one.name === name),
      );
    });
  }

  describe("denied by the bucket's policy", () => {
    const part = { partNumber: 1, body: bytes };
    const at = { bucket: "shut", key: "key" };
    const lockAt = { bucket: "locked", key: "key" };
    const retention = { mode: "GOVERNANCE", retainUntilMs: Date.UTC(2100, 0, 1) } as const;
    const acl = { ownerId: "main", grants: [] };
    fails("a write", WRITE, "DstPutObjectNotPermitted", () => put(owner, "shut"));
    fails("the beginning of an upload", BEGIN, "DstMultipartInitNotPermitted", () =>
      owner.createMultipartUpload(write("shut")),
    );
    fails("a part", PART, "DstMultipartUploadNotPermitted", () => owner.uploadPart({ ...at, uploadId: "u", ...part }));
    fails("the end of an upload", END, "DstMultipartCompleteNotPermitted", () =>
      owner.completeMultipartUpload({ ...at, uploadId: "u", parts: [{ partNumber: 1, etag: "e" }] }),
    );
    fails("a delete marker", MARKER, "DstDelObjNotPermitted", () => owner.deleteObject(at));
    fails("tags", TAGS, "DstPutTaggingNotPermitted", () => owner.putObjectTagging({ ...at, tags: [] }));
    fails("an ACL", ACL, "DstPutAclNotPermitted", () => owner.putObjectAcl({ ...at, acl }));
    fails("a retention", RETENTION, "DstPutRetentionNotPermitted", () =>
      owner.putObjectRetention({ ...lockAt, retention }),
    );
    fails("a legal hold", HOLD, "DstPutLegalHoldNotPermitted", () =>
      owner.putObjectLegalHold({ ...lockAt, legalHold: true }),
    );
    fails("a HEAD", HEAD, "SrcHeadObjectNotPermitted", () => owner.headObject(at));
    fails("a read", READ, "SrcGetObjectNotPermitted", () => owner.getObject(at));
    fails("a read of tags", READ_TAGS, "SrcGetTaggingNotPermitted", () => owner.getObjectTagging(at));
  });

  describe("without any allow", () => {
    fails("a stranger's write", WRITE, "DstPutObjectNotPermitted", () => put(stranger, "open"));
    fails("a stranger's delete marker", MARKER, "DstDelObjNotPermitted", () =>
      stranger.deleteObject({ bucket: "open", key: "key" }),
    );
    fails("a stranger's read", READ, "SrcGetObjectNotPermitted", () =>
      stranger.getObject({ bucket: "open", key: "key" }),
    );
    fails("a stranger's HEAD", HEAD, "SrcHeadObjectNotPermitted", () =>
      stranger.headObject({ bucket: "open", key: "key" }),
    );
  });

  describe("what is not there", () => {
    const nowhere = { bucket: "nowhere", key: "key" };
    fails("a write to no bucket", WRITE, "DstBucketNotFound", () => put(owner, "nowhere"));
    fails("an upload to no bucket", BEGIN, "DstBucketNotFound", () => owner.createMultipartUpload(write("nowhere")));
    fails("a marker to no bucket", MARKER, "DstBucketNotFound", () => owner.deleteObject(nowhere));
    fails("a read from no bucket", READ, "SrcBucketNotFound", () => owner.getObject(nowhere));
    fails("a read of no key", READ, "SrcKeyNotFound", () => owner.getObject({ bucket: "open", key: "none" }));
    // It has no word for a version that is missing.
    fails("a read of no version", READ, "SrcKeyNotFound", () =>
      owner.getObject({ bucket: "open", key: "key", versionId: "gone" }),
    );
    fails("a HEAD of no version", HEAD, "SrcObjectNotFound", () =>
      owner.headObject({ bucket: "open", key: "key", versionId: "gone" }),
    );
    fails("tags on no key", TAGS, "DstVersionNotFound", () =>
      owner.putObjectTagging({ bucket: "open", key: "none", tags: [] }),
    );
    fails("a part of no upload", PART, "StoreUnavailable", () =>
      owner.uploadPart({ bucket: "open", key: "key", uploadId: "gone", partNumber: 1, body: bytes }),
    );
    it("a HEAD of a delete marker by its id is a 404 like any other", async () => {
      const at = { bucket: "open", key: "marked" };
      const { versionId } = await owner.deleteObject(at);
      assert.ok(versionId !== undefined);
      await assert.rejects(owner.headObject({ ...at, versionId }), { status: 404 });
    });
  });

  describe("settings of the bucket", () => {
    const retention = { mode: "GOVERNANCE", retainUntilMs: Date.UTC(2100, 0, 1) } as const;
    fails(
      "a lock in a bucket without Object Lock",
      { ...WRITE, locked: true },
      "DstBucketObjectLockConfigMissing",
      () => owner.putObject({ ...write("open"), retention, body: bytes }),
    );
    fails("a later lock in a bucket without Object Lock", RETENTION, "DstBucketObjectLockConfigMissing", () =>
      owner.putObjectRetention({ bucket: "open", key: "key", retention }),
    );
    it("a bucket without versioning refuses nothing: only its versioning and the missing id tell", async () => {
      await owner.createBucket("plain");
      assert.equal(await owner.getBucketVersioning("plain"), undefined);
      assert.equal((await put(owner, "plain")).versionId, undefined);
    });
    // Not the key but the KMS key is unknown. Nothing in the answer tells the two apart.
    fails("a KMS key that does not exist", WRITE, "CredentialsInvalid", () =>
      owner.putObject({ ...write("open"), encryption: { kind: "SSE-KMS", kmsKeyArn: "no-such-key" }, body: bytes }),
    );
  });

  describe("quotas", () => {
    let crowded: S3Client;
    let narrow: S3Client;
    before(async () => {
      crowded = gateways.a.client(await gateways.a.createUser("crowded"));
      narrow = gateways.a.client(await gateways.a.createUser("narrow"));
      for (const [client, bucket, id, scope] of [
        [crowded, "crowd", "crowded", "user"],
        [narrow, "narrows", "narrow", "bucket"],
      ] as const) {
        await client.createBucket(bucket);
        await client.putBucketVersioning(bucket, "Enabled");
        await gateways.a.setQuota(id, { scope, objectsMax: 2, sizeBytesMax: 1024 * 1024 });
        await put(client, bucket, "first");
        await put(client, bucket, "second");
      }
    });
    fails("a third version under a user's quota of two", WRITE, "DstQuotaExceeded", () => put(crowded, "crowd"));
    fails("a third version under a bucket's quota of two", WRITE, "DstQuotaExceeded", () => put(narrow, "narrows"));
    fails("a part under a user's quota that is used up", PART, "DstQuotaExceeded", async () => {
      const { uploadId } = await crowded.createMultipartUpload(write("crowd"));
      await crowded.uploadPart({ bucket: "crowd", key: "key", uploadId, partNumber: 1, body: bytes });
    });
    it("once the quota is lifted, the same write succeeds", async () => {
      await gateways.a.liftQuota("crowded", "user");
      assert.notEqual((await put(crowded, "crowd")).versionId, undefined);
    });
  });

  describe("who asks", () => {
    const client = (credentials: Credentials, skewMs = 0) =>
      gateways.a.client(credentials, { clock: () => Date.now() + skewMs });
    const nobody = { accessKeyId: "AKNOBODY", secretAccessKey: "secret" };
    fails("an access key that nobody has", WRITE, "CredentialsInvalid", () => put(client(nobody), "open"));
    fails("a secret of another key", WRITE, "CredentialsInvalid", () =>
      put(client({ ...keys, secretAccessKey: "wrong" }), "open"),
    );
    // A HEAD has no body, and so no word: it is taken for a denial.
    fails("a HEAD with an access key that nobody has", HEAD, "SrcHeadObjectNotPermitted", () =>
      client(nobody).headObject({ bucket: "open", key: "key" }),
    );
    fails("a clock that is an hour late", WRITE, "ClockSkewed", () => put(client(keys, -3_600_000), "open"));
    fails("a user that is suspended", WRITE, "CredentialsInvalid", async () => {
      const lame = await gateways.a.createUser("lame");
      await gateways.a.suspendUser("lame");
      await put(client(lame), "open");
    });
  });

  describe("where it is asked", () => {
    const at = (endpoint: string) => gateways.a.client(keys, { endpoint });
    fails("a host that does not exist", WRITE, "DnsFailed", () => put(at("http://gateway.invalid"), "open"));
    fails("TLS where there is none", WRITE, "TlsFailed", () =>
      put(at(gateways.a.endpoint.replace("http:", "https:")), "open"),
    );
    fails("a gateway that is down", WRITE, "EndpointUnreachable", async () => {
      await gateways.b.kill();
      await put(at(gateways.b.endpoint), "open");
    });
    it("a gateway that comes back has kept what it had", async () => {
      await gateways.b.start();
      const again = gateways.b.client(await gateways.b.createUser("again"));
      assert.deepEqual(await again.listBuckets(), []);
    });
  });
});
