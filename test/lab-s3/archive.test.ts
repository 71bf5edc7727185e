/** Archived versions: not to be read before they are restored, and not by replication at all. */
import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import {
  CopyObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  RestoreObjectCommand,
  type RestoreRequest,
  type S3Client,
  type StorageClass,
} from "@aws-sdk/client-s3";
import { rejectsWith } from "../conformance/store-subject.ts";
import { codeOf, refused, TestLab } from "./lab.ts";
import { Replicator } from "./replicator.ts";

const DAY_MS = 24 * 3_600_000;

describe("archived versions", () => {
  let lab: TestLab;
  let s3: S3Client;
  let role: Replicator;
  const Bucket = "archive-bucket";
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await lab.bucket(Bucket, { versioned: true });
    role = await Replicator.make(lab);
  });
  afterEach(() => lab.admin("PUT", "clock", { offsetMs: 0 }));
  after(() => lab.stop());

  const put = (Key: string, storage: StorageClass) =>
    s3.send(new PutObjectCommand({ Bucket, Key, Body: "cold", StorageClass: storage }));
  const get = async (Key: string) => (await s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToString();
  const head = (Key: string) => s3.send(new HeadObjectCommand({ Bucket, Key }));
  const restore = async (Key: string, request: RestoreRequest = { Days: 1 }): Promise<number | undefined> =>
    (await s3.send(new RestoreObjectCommand({ Bucket, Key, RestoreRequest: request }))).$metadata.httpStatusCode;
  const archive = (key: string, status: string | null) =>
    lab.admin("PUT", `buckets/${Bucket}/archive`, { key, status });

  for (const storage of ["GLACIER", "DEEP_ARCHIVE"] as const) {
    test(`a ${storage} version is read only while its restored copy is there, and its class stays`, async () => {
      const key = `of ${storage}`;
      const { VersionId: versionId = "" } = await put(key, storage);
      const { code, status } = await refused(get(key));
      assert.equal(`${code} ${status}`, "InvalidObjectState 403");
      const direct = await rejectsWith(lab.lab.direct(lab.alice).getObject({ bucket: Bucket, key }), 403);
      assert.deepEqual(direct.fields.details, { StorageClass: storage });
      assert.equal((await head(key)).Restore, undefined);
      assert.equal(await restore(key), 202);
      assert.equal(await get(key), "cold");
      const shown = await head(key);
      assert.equal(shown.StorageClass, storage);
      const [, until = ""] = /^ongoing-request="false", expiry-date="(.*)"$/.exec(shown.Restore ?? "") ?? [];
      const ahead = Date.parse(until) - Date.now();
      assert.ok(ahead > DAY_MS - 60_000 && ahead <= 2 * DAY_MS, until);
      assert.equal(Date.parse(until) % DAY_MS, 0, "copies end at midnight");
      assert.equal(await restore(key, { Days: 7 }), 200, "a copy that is there gets another end");
      const read = (await role.direct()).getObject({ bucket: Bucket, key, versionId });
      await rejectsWith(read, 403, "InvalidObjectState");
      await s3.send(new CopyObjectCommand({ Bucket, Key: `${key} copy`, CopySource: encodeURI(`${Bucket}/${key}`) }));
      await lab.admin("PUT", "clock", { offsetMs: 9 * DAY_MS });
      await rejectsWith(lab.lab.direct(lab.alice).getObject({ bucket: Bucket, key }), 403, "InvalidObjectState");
    });
  }

  test("a version in an archive tier of INTELLIGENT_TIERING says so, and is restored for good", async () => {
    const { VersionId: versionId = "" } = await put("tiered", "INTELLIGENT_TIERING");
    assert.equal(await get("tiered"), "cold");
    await archive("tiered", "DEEP_ARCHIVE_ACCESS");
    assert.equal((await head("tiered")).ArchiveStatus, "DEEP_ARCHIVE_ACCESS");
    const target = { bucket: Bucket, key: "tiered", versionId };
    const store = await role.direct();
    assert.equal((await store.headObject(target)).archiveStatus, "DEEP_ARCHIVE_ACCESS");
    const { fields } = await rejectsWith(store.getObject(target), 403, "InvalidObjectState");
    assert.deepEqual(fields.details, { StorageClass: "INTELLIGENT_TIERING", AccessTier: "DEEP_ARCHIVE_ACCESS" });
    assert.equal(await codeOf(restore("tiered")), "InvalidRequest 400");
    assert.equal(await restore("tiered", {}), 202);
    assert.equal(await get("tiered"), "cold");
    assert.equal((await head("tiered")).ArchiveStatus, undefined);
    (await store.getObject(target)).body.cancel();
  });

  test("what is not archived cannot be restored, and what has no tiers cannot be put into one", async () => {
    await put("warm", "GLACIER_IR");
    assert.equal(await get("warm"), "cold");
    assert.equal(await codeOf(restore("warm")), "InvalidObjectState 403");
    await put("no days", "GLACIER");
    assert.equal(await codeOf(restore("no days", {})), "MalformedXML 400");
    assert.equal(await codeOf(restore("nowhere")), "NoSuchKey 404");
    await assert.rejects(archive("warm", "ARCHIVE_ACCESS"), /^Error: 400 /);
    await assert.rejects(archive("warm", "FROZEN"), /^Error: 400 /);
  });

  test("restoring needs s3:RestoreObject", async () => {
    const limited = await Replicator.make(lab, "limited", { Action: ["s3:GetObject*", "s3:ListBucket"] });
    const by = lab.s3(await limited.credentials());
    const call = by.send(new RestoreObjectCommand({ Bucket, Key: "no days", RestoreRequest: { Days: 1 } }));
    assert.match((await refused(call)).message, /not authorized to perform: s3:RestoreObject/);
  });
});
