/** Object Lock over HTTP, for the unmodified AWS SDK: settings, protection, who may lift it and who may see it. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  type ObjectLockRule,
  PutBucketVersioningCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  type PutObjectRetentionCommandInput,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { codeOf, refused, TestLab } from "./lab.ts";
import { errorCode, send } from "./raw.ts";

const DAY_MS = 86_400_000;
const PROTECTED = "AccessDenied: Access Denied because object protected by object lock.";

describe("Object Lock", () => {
  let lab: TestLab;
  let s3: S3Client;
  const Bucket = "lock-bucket";
  before(async () => {
    lab = await TestLab.start();
    s3 = lab.s3();
    await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
  });
  after(() => lab.stop());

  const startMs = Math.floor(Date.now() / 1000) * 1000;
  const inDays = (days: number): Date => new Date(startMs + days * DAY_MS);
  const says = async (call: Promise<unknown>): Promise<string> => {
    const { code, message } = await refused(call);
    return `${code}: ${message}`;
  };
  const put = async (Key: string, more: Partial<PutObjectCommandInput> = {}): Promise<string> => {
    const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "x", ...more }));
    return VersionId ?? "";
  };
  const governed = (days = 10): Partial<PutObjectCommandInput> => ({
    ObjectLockMode: "GOVERNANCE",
    ObjectLockRetainUntilDate: inDays(days),
  });
  const retain = (
    Key: string,
    Mode: "GOVERNANCE" | "COMPLIANCE",
    RetainUntilDate: Date,
    more: Partial<PutObjectRetentionCommandInput> = {},
    by = s3,
  ) => by.send(new PutObjectRetentionCommand({ Bucket, Key, Retention: { Mode, RetainUntilDate }, ...more }));
  const hold = (Key: string, Status: "ON" | "OFF") =>
    s3.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status } }));
  const remove = (Key: string, VersionId: string, BypassGovernanceRetention?: boolean, by = s3) =>
    by.send(new DeleteObjectCommand({ Bucket, Key, VersionId, BypassGovernanceRetention }));
  const head = (Key: string, by = s3) => by.send(new HeadObjectCommand({ Bucket, Key }));
  const user = async (name: string, ...statements: object[]): Promise<S3Client> => {
    const iam = lab.iam();
    await iam.send(new CreateUserCommand({ UserName: name }));
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: statements });
    await iam.send(new PutUserPolicyCommand({ UserName: name, PolicyName: "p", PolicyDocument }));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
    return lab.s3({ accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" });
  };
  const allow = (...Action: string[]) => ({ Effect: "Allow", Action, Resource: "*" });
  const configure = (bucket: string, Rule?: ObjectLockRule) =>
    s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket: bucket,
        ObjectLockConfiguration: { ObjectLockEnabled: "Enabled", ...(Rule === undefined ? {} : { Rule }) },
      }),
    );

  test("a bucket that is created with it is versioned, and stays so", async () => {
    const { ObjectLockConfiguration } = await s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
    assert.deepEqual(ObjectLockConfiguration, { ObjectLockEnabled: "Enabled" });
    assert.equal((await s3.send(new GetBucketVersioningCommand({ Bucket }))).Status, "Enabled");
    const suspend = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Suspended" } });
    assert.equal(
      await says(s3.send(suspend)),
      "InvalidBucketState: An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    );
  });

  test("who creates such a bucket must be allowed to enable both", async () => {
    const by = await user("creator", allow("s3:CreateBucket", "s3:PutBucketVersioning"));
    const create = new CreateBucketCommand({ Bucket: "lock-created", ObjectLockEnabledForBucket: true });
    assert.match(await says(by.send(create)), /s3:PutBucketObjectLockConfiguration/);
    await by.send(new CreateBucketCommand({ Bucket: "lock-created" }));
  });

  test("a bucket that is there takes it once it is versioned", async () => {
    const bucket = await lab.bucket("lock-later");
    const read = () => s3.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
    assert.equal(await codeOf(read()), "ObjectLockConfigurationNotFoundError 404");
    assert.equal(
      await says(configure(bucket)),
      "InvalidBucketState: Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    );
    await s3.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } }));
    await configure(bucket, { DefaultRetention: { Mode: "COMPLIANCE", Years: 2 } });
    assert.deepEqual((await read()).ObjectLockConfiguration?.Rule?.DefaultRetention, { Mode: "COMPLIANCE", Years: 2 });
    assert.deepEqual([lab.lab.bucket(bucket)?.objectLock, lab.lab.bucket("lock-created")?.objectLock], [true, false]);
  });

  test("documents of settings are checked as AWS checks them", async () => {
    const xml = (inner: string) => `<ObjectLockConfiguration>${inner}</ObjectLockConfiguration>`;
    const enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>";
    const byDefault = (inner: string) =>
      xml(`${enabled}<Rule><DefaultRetention><Mode>GOVERNANCE</Mode>${inner}</DefaultRetention></Rule>`);
    const cases: [string, string][] = [
      ["InvalidRequest 400", ""],
      ["MalformedXML 400", xml("")],
      ["MalformedXML 400", xml("<ObjectLockEnabled>Disabled</ObjectLockEnabled>")],
      ["MalformedXML 400", xml(`${enabled}<Rule></Rule>`)],
      ["MalformedXML 400", byDefault("")],
      ["MalformedXML 400", byDefault("<Days>1</Days><Years>1</Years>")],
      ["MalformedXML 400", byDefault("<Days>1</Days>").replace("GOVERNANCE", "governance")],
      ["MalformedXML 400", byDefault("<Days>one</Days>")],
      ["InvalidArgument 400", byDefault("<Days>0</Days>")],
      ["InvalidArgument 400", byDefault("<Years>-1</Years>")],
      ["InvalidArgument 400", byDefault("<Days>36501</Days>")],
      ["InvalidArgument 400", byDefault("<Years>101</Years>")],
    ];
    for (const [expected, text] of cases) {
      const body = Buffer.from(text);
      const headers = text === "" ? {} : { "content-md5": hash("md5", body, "base64") };
      const request = { method: "PUT", target: `/${Bucket}?object-lock`, headers, body };
      assert.equal(errorCode(await send(lab.port, lab.alice, request)), expected, text);
    }
  });

  test("without Object Lock a bucket takes no lock headers, and has no lock sub-resources", async () => {
    const plain = await lab.bucket("lock-plain", { versioned: true });
    await s3.send(new PutObjectCommand({ Bucket: plain, Key: "k", Body: "x" }));
    const missing = "InvalidRequest: Bucket is missing Object Lock Configuration";
    const Retention = { Mode: "GOVERNANCE", RetainUntilDate: inDays(1) } as const;
    const target = { Bucket: plain, Key: "k" };
    assert.equal(await says(s3.send(new GetObjectRetentionCommand(target))), missing);
    assert.equal(await says(s3.send(new GetObjectLegalHoldCommand(target))), missing);
    assert.equal(await says(s3.send(new PutObjectRetentionCommand({ ...target, Retention }))), missing);
    assert.equal(
      await says(s3.send(new PutObjectLegalHoldCommand({ ...target, LegalHold: { Status: "OFF" } }))),
      missing,
    );
    assert.equal(
      await says(put("k", { Bucket: plain, ...governed() })),
      "InvalidRequest: Bucket is missing ObjectLockConfiguration",
    );
    const bypass = new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true });
    assert.equal(await codeOf(s3.send(bypass)), "InvalidArgument 400");
  });

  test("lock headers are checked as AWS checks them", async () => {
    const until = inDays(1).toISOString();
    const mode = "x-amz-object-lock-mode";
    const date = "x-amz-object-lock-retain-until-date";
    const holding = "x-amz-object-lock-legal-hold";
    const cases: [string, Record<string, string>][] = [
      ["must both be supplied", { [mode]: "GOVERNANCE" }],
      ["must both be supplied", { [date]: until }],
      ["Unknown wormMode directive.", { [mode]: "governance", [date]: until }],
      ["must be provided in ISO 8601 format", { [mode]: "GOVERNANCE", [date]: "tomorrow" }],
      ["must be in the future!", { [mode]: "GOVERNANCE", [date]: "2020-01-01T00:00:00Z" }],
      ["Legal Hold must be either of", { [holding]: "on" }],
    ];
    for (const [expected, headers] of cases) {
      const request = { method: "PUT", target: `/${Bucket}/headers`, headers, body: Buffer.from("x") };
      const answer = await send(lab.port, lab.alice, request);
      assert.equal(errorCode(answer), "InvalidArgument 400", expected);
      assert.ok(answer.body.includes(expected), answer.body);
    }
  });

  test("what is protected by its headers, or will be by default, has to come with a digest", async () => {
    const says = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests";
    const request = { method: "PUT", target: `/${Bucket}/digest`, body: Buffer.from("x") };
    const headers = { "x-amz-object-lock-legal-hold": "ON" };
    const bare = await send(lab.port, lab.alice, { ...request, headers });
    assert.equal(errorCode(bare), "InvalidRequest 400");
    assert.ok(bare.body.includes(says), bare.body);
    assert.equal((await send(lab.port, lab.alice, request)).status, 200);
    const byDefault = await send(lab.port, lab.alice, { ...request, target: "/lock-later/digest" });
    assert.ok(byDefault.body.includes(says), byDefault.body);
    const digest = { ...headers, "content-md5": "nd1OkqRWQE2ZLr7Q8UqaZQ==" };
    assert.equal(errorCode(await send(lab.port, lab.alice, { ...request, headers: digest })), "BadDigest 400");
  });

  test("a retained version is not removed, but hidden and followed by others", async () => {
    const VersionId = await put("kept", governed());
    assert.equal(await says(remove("kept", VersionId)), PROTECTED);
    const { DeleteMarker } = await s3.send(new DeleteObjectCommand({ Bucket, Key: "kept" }));
    assert.equal(DeleteMarker, true);
    const next = await put("kept");
    await remove("kept", next);
    const { Errors, Deleted } = await s3.send(
      new DeleteObjectsCommand({
        Bucket,
        Delete: { Objects: [{ Key: "kept", VersionId }, { Key: "never" }] },
      }),
    );
    assert.deepEqual(
      Errors?.map((one) => `${one.Key} ${one.Code}: ${one.Message}`),
      [`kept ${PROTECTED}`],
    );
    assert.equal(Deleted?.length, 1);
  });

  test("protection ends with its date, and not before", async () => {
    const VersionId = await put("ends", governed(2));
    try {
      lab.skewMs = 2 * DAY_MS - 3_600_000;
      const soon = lab.s3(lab.alice, { systemClockOffset: lab.skewMs });
      assert.equal(await says(remove("ends", VersionId, undefined, soon)), PROTECTED);
      lab.skewMs = 2 * DAY_MS + 1000;
      const later = lab.s3(lab.alice, { systemClockOffset: lab.skewMs });
      await remove("ends", VersionId, undefined, later);
    } finally {
      lab.skewMs = 0;
    }
  });

  test("GOVERNANCE is bypassed by those who may and ask to", async () => {
    const may = await user("bypasser", allow("s3:*"));
    const mayNot = await user("warden", allow("s3:DeleteObject*", "s3:PutObjectRetention"));
    const VersionId = await put("governed", governed());
    assert.match(await says(remove("governed", VersionId, true, mayNot)), /s3:BypassGovernanceRetention/);
    assert.equal(await says(remove("governed", VersionId, false, may)), PROTECTED);
    const shorter = () => retain("governed", "GOVERNANCE", inDays(1), {}, mayNot);
    assert.equal(await says(shorter()), PROTECTED);
    await retain("governed", "GOVERNANCE", inDays(20), {}, mayNot);
    assert.equal(await says(retain("governed", "COMPLIANCE", inDays(30), {}, mayNot)), PROTECTED);
    await retain("governed", "GOVERNANCE", inDays(1), { BypassGovernanceRetention: true }, may);
    assert.deepEqual((await head("governed")).ObjectLockRetainUntilDate, inDays(1));
    await remove("governed", VersionId, true, may);
  });

  test("a retention is ended by an empty one, where it may be bypassed", async () => {
    const VersionId = await put("lifted", governed());
    const lift = (BypassGovernanceRetention: boolean) =>
      s3.send(new PutObjectRetentionCommand({ Bucket, Key: "lifted", Retention: {}, BypassGovernanceRetention }));
    assert.equal(await says(lift(false)), PROTECTED);
    await lift(true);
    assert.equal(
      await codeOf(s3.send(new GetObjectRetentionCommand({ Bucket, Key: "lifted" }))),
      "NoSuchObjectLockConfiguration 404",
    );
    await remove("lifted", VersionId);
  });

  test("COMPLIANCE is longer or the same, and nobody lifts it", async () => {
    const VersionId = await put("complied", { ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: inDays(5) });
    const BypassGovernanceRetention = true;
    assert.equal(await says(remove("complied", VersionId, true)), PROTECTED);
    assert.equal(await says(retain("complied", "COMPLIANCE", inDays(4), { BypassGovernanceRetention })), PROTECTED);
    assert.equal(await says(retain("complied", "GOVERNANCE", inDays(9), { BypassGovernanceRetention })), PROTECTED);
    await retain("complied", "COMPLIANCE", inDays(6));
    const { Retention } = await s3.send(new GetObjectRetentionCommand({ Bucket, Key: "complied" }));
    assert.deepEqual(Retention, { Mode: "COMPLIANCE", RetainUntilDate: inDays(6) });
  });

  test("a legal hold protects whatever the retention says, and no bypass gets past it", async () => {
    const VersionId = await put("held");
    const read = () => s3.send(new GetObjectLegalHoldCommand({ Bucket, Key: "held" }));
    assert.equal(await codeOf(read()), "NoSuchObjectLockConfiguration 404");
    assert.equal((await head("held")).ObjectLockLegalHoldStatus, undefined);
    await hold("held", "ON");
    assert.equal(await says(remove("held", VersionId, true)), PROTECTED);
    assert.equal((await read()).LegalHold?.Status, "ON");
    await hold("held", "OFF");
    assert.equal((await read()).LegalHold?.Status, "OFF");
    assert.equal((await head("held")).ObjectLockLegalHoldStatus, "OFF");
    await remove("held", VersionId);
  });

  test("retention of a marker is a 405, of a missing version a 404, of a past date a 400", async () => {
    await put("odd");
    assert.equal(
      await says(retain("odd", "GOVERNANCE", new Date(0))),
      "InvalidArgument: The retain until date must be in the future!",
    );
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key: "odd" }));
    const target = VersionId === undefined ? {} : { VersionId };
    assert.equal(await codeOf(retain("odd", "GOVERNANCE", inDays(1), target)), "MethodNotAllowed 405");
    assert.equal(await codeOf(retain("nowhere", "GOVERNANCE", inDays(1))), "NoSuchKey 404");
  });

  test("the default is for versions that are written from then on, and that do not say otherwise", async () => {
    const bucket = "lock-default";
    await s3.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true }));
    const target = { Bucket: bucket, Key: "k" };
    const shown = async () => {
      const answer = await s3.send(new HeadObjectCommand(target));
      const { ObjectLockMode: mode, ObjectLockRetainUntilDate: until, LastModified: modified } = answer;
      const days = until === undefined ? undefined : (until.getTime() - (modified?.getTime() ?? 0)) / DAY_MS;
      return { mode, days };
    };
    await put("k", { Bucket: bucket });
    await configure(bucket, { DefaultRetention: { Mode: "GOVERNANCE", Days: 3 } });
    assert.deepEqual(await shown(), { mode: undefined, days: undefined });
    await put("k", { Bucket: bucket });
    assert.deepEqual(await shown(), { mode: "GOVERNANCE", days: 3 });
    await put("k", { Bucket: bucket, ObjectLockLegalHoldStatus: "ON" });
    assert.deepEqual(await shown(), { mode: "GOVERNANCE", days: 3 });
    await put("k", { Bucket: bucket, ObjectLockMode: "COMPLIANCE", ObjectLockRetainUntilDate: inDays(1) });
    assert.equal((await shown()).mode, "COMPLIANCE");
    await s3.send(new CopyObjectCommand({ ...target, CopySource: `${bucket}/k`, MetadataDirective: "REPLACE" }));
    assert.deepEqual(await shown(), { mode: "GOVERNANCE", days: 3 });
    await configure(bucket);
    await put("k", { Bucket: bucket });
    assert.deepEqual(await shown(), { mode: undefined, days: undefined });
  });

  test("a copy is protected by its own headers, not by its source's", async () => {
    await put("source", governed());
    const copy = (more = {}) =>
      s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/source`, ...more }));
    await copy();
    assert.equal((await head("copy")).ObjectLockMode, undefined);
    await copy({ ObjectLockMode: "GOVERNANCE", ObjectLockRetainUntilDate: inDays(4), ObjectLockLegalHoldStatus: "ON" });
    const { ObjectLockMode, ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus } = await head("copy");
    assert.deepEqual(
      [ObjectLockMode, ObjectLockRetainUntilDate, ObjectLockLegalHoldStatus],
      ["GOVERNANCE", inDays(4), "ON"],
    );
  });

  test("an upload is protected as it was created", async () => {
    const Key = "upload";
    const create = new CreateMultipartUploadCommand({ Bucket, Key, ...governed(7), ObjectLockLegalHoldStatus: "OFF" });
    const { UploadId } = await s3.send(create);
    const target = `/${Bucket}/${Key}?partNumber=1&uploadId=${UploadId}`;
    const bare = await send(lab.port, lab.alice, { method: "PUT", target, body: Buffer.from("x") });
    assert.ok(bare.body.includes("is required for Put Part requests with Object Lock parameters"), bare.body);
    const { ETag } = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "part" }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    const { ObjectLockMode, ObjectLockLegalHoldStatus } = await head(Key);
    assert.deepEqual([ObjectLockMode, ObjectLockLegalHoldStatus], ["GOVERNANCE", "OFF"]);
  });

  test("protection is shown to those who may see it", async () => {
    await put("seen", { ...governed(), ObjectLockLegalHoldStatus: "ON" });
    const shown = async (by: S3Client) => {
      const { ObjectLockMode, ObjectLockLegalHoldStatus, ObjectLockRetainUntilDate } = await head("seen", by);
      return [ObjectLockMode, ObjectLockRetainUntilDate !== undefined, ObjectLockLegalHoldStatus];
    };
    const none = await user("reader", allow("s3:GetObject"));
    assert.deepEqual(await shown(none), [undefined, false, undefined]);
    assert.deepEqual(await shown(await user("dates", allow("s3:GetObject", "s3:GetObjectRetention"))), [
      "GOVERNANCE",
      true,
      undefined,
    ]);
    assert.deepEqual(await shown(await user("holds", allow("s3:GetObject", "s3:GetObjectLegalHold"))), [
      undefined,
      false,
      "ON",
    ]);
    assert.equal((await s3.send(new GetObjectCommand({ Bucket, Key: "seen" }))).ObjectLockMode, "GOVERNANCE");
    assert.equal(await codeOf(none.send(new GetObjectRetentionCommand({ Bucket, Key: "seen" }))), "AccessDenied 403");
  });

  test("a write with lock headers needs the actions of retention and of legal holds", async () => {
    const by = await user("writer", allow("s3:PutObject"));
    const write = (more: Partial<PutObjectCommandInput>) =>
      by.send(new PutObjectCommand({ Bucket, Key: "judged", Body: "x", ...more }));
    await write({});
    assert.match(await says(write(governed())), /s3:PutObjectRetention/);
    assert.match(await says(write({ ObjectLockLegalHoldStatus: "ON" })), /s3:PutObjectLegalHold/);
  });

  test("policies look at mode, date, remaining days and hold", async () => {
    const when = (Condition: object) => ({ Effect: "Deny", Action: "s3:PutObjectRetention", Resource: "*", Condition });
    const by = await user(
      "conditioned",
      allow("s3:*"),
      when({ NumericGreaterThan: { "s3:object-lock-remaining-retention-days": "10" } }),
      when({ StringEquals: { "s3:object-lock-mode": "COMPLIANCE" } }),
      when({ DateGreaterThan: { "s3:object-lock-retain-until-date": "2090-01-01T00:00:00Z" } }),
      { ...when({ StringEquals: { "s3:object-lock-legal-hold": "OFF" } }), Action: "s3:PutObjectLegalHold" },
    );
    await put("conditions");
    await retain("conditions", "GOVERNANCE", inDays(10), {}, by);
    assert.equal(await codeOf(retain("conditions", "GOVERNANCE", inDays(11), {}, by)), "AccessDenied 403");
    assert.equal(await codeOf(retain("conditions", "COMPLIANCE", inDays(10), {}, by)), "AccessDenied 403");
    const write = (more: Partial<PutObjectCommandInput>) =>
      by.send(new PutObjectCommand({ Bucket, Key: "conditions", Body: "x", ...more }));
    assert.equal(await codeOf(write(governed(11))), "AccessDenied 403");
    assert.equal(await codeOf(write({ ObjectLockLegalHoldStatus: "OFF" })), "AccessDenied 403");
    await write({ ...governed(10), ObjectLockLegalHoldStatus: "ON" });
  });
});

describe("Object Lock on disk", () => {
  test("protection survives a restart", async () => {
    const lab = await TestLab.start({ onDisk: true });
    try {
      const Bucket = "lock-disk";
      const until = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY_MS);
      const s3 = lab.s3();
      await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: true }));
      const { VersionId } = await s3.send(
        new PutObjectCommand({
          Bucket,
          Key: "k",
          Body: "x",
          ObjectLockMode: "COMPLIANCE",
          ObjectLockRetainUntilDate: until,
        }),
      );
      await lab.restart();
      const again = lab.s3();
      const { ObjectLockMode, ObjectLockRetainUntilDate } = await again.send(
        new HeadObjectCommand({ Bucket, Key: "k" }),
      );
      assert.deepEqual([ObjectLockMode, ObjectLockRetainUntilDate], ["COMPLIANCE", until]);
      const gone = again.send(new DeleteObjectCommand({ Bucket, Key: "k", VersionId }));
      assert.equal(await codeOf(gone), "AccessDenied 403");
    } finally {
      await lab.stop();
    }
  });
});
