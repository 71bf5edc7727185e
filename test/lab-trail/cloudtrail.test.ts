/** CloudTrail by the unmodified AWS SDK: the event history, trails and their files. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  type CloudTrailClient,
  CreateTrailCommand,
  DeleteTrailCommand,
  DescribeTrailsCommand,
  type Event,
  GetEventSelectorsCommand,
  GetTrailCommand,
  GetTrailStatusCommand,
  type LookupAttribute,
  LookupEventsCommand,
  PutEventSelectorsCommand,
  StartLoggingCommand,
  StopLoggingCommand,
} from "@aws-sdk/client-cloudtrail";
import { CreateAccessKeyCommand, CreateUserCommand, PutUserPolicyCommand } from "@aws-sdk/client-iam";
import { CreateKeyCommand, DecryptCommand, EncryptCommand } from "@aws-sdk/client-kms";
import {
  GetObjectCommand,
  PutBucketEncryptionCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { BOB, codeOf } from "../lab-s3/lab.ts";
import { Replicator } from "../lab-s3/replicator.ts";
import { ACCOUNT, type CloudTrailRecord, TrailWorld } from "./world.ts";

const SERVICE = "cloudtrail.amazonaws.com";

describe("CloudTrail", () => {
  let world: TrailWorld;
  let client: CloudTrailClient;
  before(async () => {
    world = await TrailWorld.start();
    client = world.cloudTrail();
  });
  after(async () => {
    await world.stop();
  });

  async function events(AttributeKey: LookupAttribute["AttributeKey"], AttributeValue: string): Promise<Event[]> {
    const LookupAttributes = [{ AttributeKey, AttributeValue }];
    const { Events = [] } = await client.send(new LookupEventsCommand({ LookupAttributes }));
    return Events;
  }

  function recordOf(event: Event | undefined): CloudTrailRecord {
    assert.ok(event?.CloudTrailEvent !== undefined);
    return JSON.parse(event.CloudTrailEvent) as CloudTrailRecord;
  }

  it("a change of a bucket is in the history, with who, what and on what", async () => {
    const { lab } = world;
    await lab.bucket("history", { versioned: true });
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Deny", Principal: "*", Action: "s3:DeleteBucket", Resource: "arn:aws:s3:::history" }],
    });
    await lab.s3().send(new PutBucketPolicyCommand({ Bucket: "history", Policy }));
    const found = await events("ResourceName", "history");
    assert.deepEqual(
      found.map((one) => one.EventName),
      ["PutBucketPolicy", "PutBucketVersioning", "CreateBucket"],
    );
    const [policy, versioning] = found;
    assert.equal(policy?.ReadOnly, "false");
    assert.equal(policy?.Username, "root");
    assert.equal(policy?.EventSource, "s3.amazonaws.com");
    assert.deepEqual(policy?.Resources, [{ ResourceType: "AWS::S3::Bucket", ResourceName: "history" }]);
    const record = recordOf(policy);
    const { eventID, eventTime, requestID, userAgent, additionalEventData, ...rest } = record;
    assert.equal(eventID, policy?.EventId);
    assert.match(String(eventTime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.match(String(requestID), /^[0-9A-F]{16}$/);
    assert.match(String(userAgent), /^\[aws-sdk-js/);
    assert.equal((additionalEventData as Record<string, unknown>)["AuthenticationMethod"], "AuthHeader");
    assert.deepEqual(rest, {
      eventVersion: "1.11",
      userIdentity: {
        type: "Root",
        principalId: ACCOUNT,
        arn: `arn:aws:iam::${ACCOUNT}:root`,
        accountId: ACCOUNT,
        accessKeyId: lab.alice.accessKeyId,
      },
      eventSource: "s3.amazonaws.com",
      eventName: "PutBucketPolicy",
      awsRegion: "us-east-1",
      sourceIPAddress: "127.0.0.1",
      requestParameters: {
        bucketName: "history",
        Host: `127.0.0.1:${lab.port}`,
        policy: "",
        bucketPolicy: JSON.parse(Policy),
      },
      responseElements: null,
      readOnly: false,
      resources: [{ accountId: ACCOUNT, type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::history" }],
      eventType: "AwsApiCall",
      managementEvent: true,
      recipientAccountId: ACCOUNT,
      eventCategory: "Management",
    });
    assert.deepEqual(recordOf(versioning).requestParameters?.["VersioningConfiguration"], { Status: "Enabled" });
  });

  it("a denied call has the code and the message that the caller got", async () => {
    const { lab } = world;
    await lab.iam().send(new CreateUserCommand({ UserName: "eve" }));
    const { AccessKey } = await lab.iam().send(new CreateAccessKeyCommand({ UserName: "eve" }));
    const eve = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
    await lab.bucket("guarded");
    const VersioningConfiguration = { Status: "Enabled" } as const;
    const input = { Bucket: "guarded", VersioningConfiguration };
    assert.equal(await codeOf(lab.s3(eve).send(new PutBucketVersioningCommand(input))), "AccessDenied 403");
    const [event] = await events("Username", "eve");
    assert.equal(event?.AccessKeyId, eve.accessKeyId);
    const record = recordOf(event);
    assert.equal(record["errorCode"], "AccessDenied");
    assert.equal(
      record["errorMessage"],
      `User: arn:aws:iam::${ACCOUNT}:user/eve is not authorized to perform: s3:PutBucketVersioning on resource: ` +
        '"arn:aws:s3:::guarded" because no identity-based policy allows the s3:PutBucketVersioning action',
    );
    const { type, userName } = record.userIdentity;
    assert.deepEqual({ type, userName }, { type: "IAMUser", userName: "eve" });

    const [made] = await events("EventName", "CreateAccessKey");
    const text = made?.CloudTrailEvent ?? "";
    assert.deepEqual(made?.Resources, [{ ResourceType: "AWS::IAM::User", ResourceName: "eve" }]);
    assert.ok(text.includes(eve.accessKeyId) && !text.includes(eve.secretAccessKey), text);
  });

  it("KMS events name the key and never what was encrypted", async () => {
    const { lab } = world;
    const { KeyMetadata } = await lab.kms().send(new CreateKeyCommand({}));
    const Plaintext = Buffer.from("the plain text");
    const EncryptionContext = { purpose: "test" };
    const { CiphertextBlob } = await lab
      .kms()
      .send(new EncryptCommand({ KeyId: KeyMetadata?.KeyId, Plaintext, EncryptionContext }));
    await lab.kms().send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    const [encrypt] = await events("EventName", "Encrypt");
    const record = recordOf(encrypt);
    assert.deepEqual(record.requestParameters, {
      encryptionContext: EncryptionContext,
      keyId: KeyMetadata?.KeyId,
    });
    assert.deepEqual(record["resources"], [{ accountId: ACCOUNT, type: "AWS::KMS::Key", ARN: KeyMetadata?.Arn }]);
    assert.equal(record.responseElements, null);
    const [decrypt] = await events("EventName", "Decrypt");
    assert.ok(!JSON.stringify([record, recordOf(decrypt)]).includes(Plaintext.toString("base64")));
  });

  it("a role that S3 assumes is an event of the service, without its secrets", async () => {
    const replicator = await Replicator.make(world.lab, "assumed");
    const credentials = await replicator.credentials();
    const [event] = await events("ResourceName", replicator.roleArn);
    const record = recordOf(event);
    assert.deepEqual(record.userIdentity, { type: "AWSService", invokedBy: "s3.amazonaws.com" });
    assert.equal(record["sourceIPAddress"], "s3.amazonaws.com");
    assert.deepEqual(record.requestParameters, { roleArn: replicator.roleArn, roleSessionName: "s3-replication" });
    const text = JSON.stringify(record);
    assert.ok(!text.includes(credentials.secretAccessKey) && !text.includes(credentials.sessionToken ?? "?"));
  });

  it("the history is paged, newest first, and a token goes with its parameters", async () => {
    const first = await client.send(new LookupEventsCommand({ MaxResults: 2 }));
    assert.equal(first.Events?.length, 2);
    const second = await client.send(new LookupEventsCommand({ MaxResults: 2, NextToken: first.NextToken }));
    const ids = [...(first.Events ?? []), ...(second.Events ?? [])].map((one) => one.EventId);
    assert.equal(new Set(ids).size, 4);
    const times = [...(first.Events ?? []), ...(second.Events ?? [])].map((one) => one.EventTime?.getTime() ?? 0);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => b - a),
    );
    const LookupAttributes = [{ AttributeKey: "EventName", AttributeValue: "CreateBucket" } as const];
    const stolen = new LookupEventsCommand({ LookupAttributes, NextToken: first.NextToken });
    assert.equal(await codeOf(client.send(stolen)), "InvalidNextTokenException 400");
    const backwards = new LookupEventsCommand({ StartTime: new Date(2000), EndTime: new Date(1000) });
    assert.equal(await codeOf(client.send(backwards)), "InvalidTimeRangeException 400");
    assert.equal(
      await codeOf(client.send(new LookupEventsCommand({ MaxResults: 51 }))),
      "InvalidMaxResultsException 400",
    );
  });

  it("other accounts and other Regions see nothing of it, and who may not look is refused", async () => {
    const bob = await world.lab.lab.account(BOB);
    const { Events: ofBob = [] } = await world.cloudTrail(bob).send(new LookupEventsCommand({}));
    assert.deepEqual(
      ofBob.filter((one) => one.EventName !== "LookupEvents"),
      [],
    );
    const { Events: elsewhere } = await world.cloudTrail(undefined, "eu-west-1").send(new LookupEventsCommand({}));
    assert.deepEqual(elsewhere?.map((one) => one.EventName) ?? [], []);
    const { lab } = world;
    await lab.iam().send(new CreateUserCommand({ UserName: "mallory" }));
    const { AccessKey } = await lab.iam().send(new CreateAccessKeyCommand({ UserName: "mallory" }));
    const mallory = { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
    const lookup = (): Promise<unknown> => world.cloudTrail(mallory).send(new LookupEventsCommand({}));
    assert.equal(await codeOf(lookup()), "AccessDeniedException 400");
    const PolicyDocument = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "cloudtrail:LookupEvents", Resource: "*" }],
    });
    await lab.iam().send(new PutUserPolicyCommand({ UserName: "mallory", PolicyName: "look", PolicyDocument }));
    await lookup();
  });

  async function createTrail(name: string, more: object = {}): Promise<string> {
    const bucket = `${name}-files`;
    await world.lab.bucket(bucket);
    await world.letIn(bucket, SERVICE, { StringEquals: { "s3:x-amz-acl": "bucket-owner-full-control" } });
    await client.send(new CreateTrailCommand({ Name: name, S3BucketName: bucket, ...more }));
    await client.send(new StartLoggingCommand({ Name: name }));
    return bucket;
  }

  it("a trail delivers gzipped files of its account, Region and day", async () => {
    const bucket = await createTrail("files", { S3KeyPrefix: "pre" });
    await world.lab.bucket("watched");
    await world.lab.lab.deliver();
    const [key = ""] = await world.keys(bucket);
    const file = `${ACCOUNT}_CloudTrail_us-east-1_\\1\\2\\3T\\d{4}Z_[A-Za-z0-9]{16}\\.json\\.gz`;
    const day = "(\\d{4})/(\\d\\d)/(\\d\\d)";
    assert.match(key, new RegExp(`^pre/AWSLogs/${ACCOUNT}/CloudTrail/us-east-1/${day}/${file}$`));
    const names = (await world.records(bucket)).map((one) => one.eventName);
    assert.ok(names.includes("CreateBucket") && !names.includes("PutObject"), names.join());
    const status = await client.send(new GetTrailStatusCommand({ Name: "files" }));
    assert.equal(status.IsLogging, true);
    assert.ok(status.LatestDeliveryTime !== undefined && status.LatestDeliveryError === undefined);
    await client.send(new StopLoggingCommand({ Name: "files" }));
    assert.equal((await client.send(new GetTrailStatusCommand({ Name: "files" }))).IsLogging, false);
    await client.send(new DeleteTrailCommand({ Name: "files" }));
    assert.equal(await codeOf(client.send(new GetTrailCommand({ Name: "files" }))), "TrailNotFoundException 404");
  });

  /** Until its selectors are set, a trail takes management events. */
  async function dataRecords(bucket: string): Promise<CloudTrailRecord[]> {
    return (await world.records(bucket)).filter((one) => one["eventCategory"] === "Data");
  }

  it("data events of S3 are delivered where selectors ask for them, and are in no history", async () => {
    const { lab } = world;
    await lab.bucket("data", { versioned: true });
    await lab.bucket("other");
    const bucket = await createTrail("data-trail");
    const DataResources = [{ Type: "AWS::S3::Object", Values: ["arn:aws:s3:::data/in/"] }];
    const EventSelectors = [{ ReadWriteType: "All", IncludeManagementEvents: false, DataResources } as const];
    await client.send(new PutEventSelectorsCommand({ TrailName: "data-trail", EventSelectors }));
    const put = await lab.s3().send(new PutObjectCommand({ Bucket: "data", Key: "in/k", Body: "hello" }));
    await lab.s3().send(new PutObjectCommand({ Bucket: "data", Key: "out/k", Body: "hello" }));
    await lab.s3().send(new PutObjectCommand({ Bucket: "other", Key: "in/k", Body: "hello" }));
    const none = new GetObjectCommand({ Bucket: "data", Key: "in/none", VersionId: "null" });
    assert.equal(await codeOf(lab.s3().send(none)), "NoSuchVersion 404");
    await lab.lab.deliver();
    const [written, missed, ...rest] = await dataRecords(bucket);
    assert.deepEqual(rest, []);
    assert.equal(written?.eventName, "PutObject");
    assert.deepEqual(written?.requestParameters, {
      bucketName: "data",
      Host: `127.0.0.1:${lab.port}`,
      key: "in/k",
      "x-id": "PutObject",
    });
    assert.deepEqual(written?.responseElements, {
      "x-amz-server-side-encryption": "AES256",
      "x-amz-version-id": put.VersionId,
    });
    assert.deepEqual(written?.["resources"], [
      { type: "AWS::S3::Object", ARN: "arn:aws:s3:::data/in/k" },
      { accountId: ACCOUNT, type: "AWS::S3::Bucket", ARN: "arn:aws:s3:::data" },
    ]);
    assert.equal(written?.["managementEvent"], false);
    assert.equal(written?.["eventCategory"], "Data");
    assert.equal(missed?.["errorCode"], "NoSuchVersion");
    assert.equal(missed?.requestParameters?.["versionId"], "null");
    assert.deepEqual(await events("EventName", "PutObject"), []);
    await client.send(new DeleteTrailCommand({ Name: "data-trail" }));
  });

  it("replication's own calls are those of its session, invoked by S3", async () => {
    const { lab } = world;
    await lab.bucket("replica", { versioned: true });
    const bucket = await createTrail("replication");
    const AdvancedEventSelectors = [
      {
        Name: "objects",
        FieldSelectors: [
          { Field: "eventCategory", Equals: ["Data"] },
          { Field: "resources.type", Equals: ["AWS::S3::Object"] },
          { Field: "resources.ARN", StartsWith: ["arn:aws:s3:::replica/"] },
        ],
      },
    ];
    await client.send(new PutEventSelectorsCommand({ TrailName: "replication", AdvancedEventSelectors }));
    assert.deepEqual(
      (await client.send(new GetEventSelectorsCommand({ TrailName: "replication" }))).AdvancedEventSelectors,
      AdvancedEventSelectors,
    );
    const replicator = await Replicator.make(lab, "mover");
    const store = await replicator.overHttp();
    const metadata = { contentHeaders: {}, userMetadata: {} };
    await store.putObject({ bucket: "replica", key: "k", body: Buffer.from("x"), ...metadata });
    await store.close();
    await lab.lab.deliver();
    const [record] = await dataRecords(bucket);
    assert.equal(record?.["sourceIPAddress"], "s3.amazonaws.com");
    assert.equal(record?.["userAgent"], "s3.amazonaws.com");
    const { type, arn, principalId, invokedBy, sessionContext } = record?.userIdentity ?? {};
    assert.equal(type, "AssumedRole");
    assert.equal(arn, `arn:aws:sts::${ACCOUNT}:assumed-role/mover/s3-replication`);
    assert.match(String(principalId), /^AROA[A-Z0-9]+:s3-replication$/);
    assert.equal(invokedBy, "s3.amazonaws.com");
    const { sessionIssuer } = sessionContext as { sessionIssuer: Record<string, unknown> };
    assert.equal(sessionIssuer["arn"], replicator.roleArn);
    await client.send(new DeleteTrailCommand({ Name: "replication" }));
  });

  it("keys that S3 uses for a caller are events of KMS by that caller", async () => {
    const { lab } = world;
    await lab.bucket("sealed");
    const { KeyMetadata } = await lab.kms().send(new CreateKeyCommand({}));
    const byDefault = { SSEAlgorithm: "aws:kms", KMSMasterKeyID: KeyMetadata?.Arn ?? "" } as const;
    const Rules = [{ ApplyServerSideEncryptionByDefault: byDefault }];
    const ServerSideEncryptionConfiguration = { Rules };
    await lab.s3().send(new PutBucketEncryptionCommand({ Bucket: "sealed", ServerSideEncryptionConfiguration }));
    await lab.s3().send(new PutObjectCommand({ Bucket: "sealed", Key: "k", Body: "x" }));
    const [event] = await events("EventName", "GenerateDataKey");
    const record = recordOf(event);
    assert.equal(record["sourceIPAddress"], "AWS Internal");
    assert.deepEqual(record.requestParameters?.["encryptionContext"], { "aws:s3:arn": "arn:aws:s3:::sealed/k" });
    assert.deepEqual(event?.Resources, [{ ResourceType: "AWS::KMS::Key", ResourceName: KeyMetadata?.Arn }]);
  });

  it("a trail needs a bucket that lets CloudTrail in, and a name of its own", async () => {
    const { lab } = world;
    await lab.bucket("locked");
    const create = (S3BucketName: string, Name = "refused") =>
      codeOf(client.send(new CreateTrailCommand({ Name, S3BucketName })));
    assert.equal(await create("nowhere"), "S3BucketDoesNotExistException 404");
    assert.equal(await create("locked"), "InsufficientS3BucketPolicyException 403");
    await world.letIn("locked", SERVICE, {
      StringEquals: { "aws:SourceArn": `arn:aws:cloudtrail:us-east-1:${ACCOUNT}:trail/named` },
    });
    assert.equal(await create("locked"), "InsufficientS3BucketPolicyException 403");
    await client.send(new CreateTrailCommand({ Name: "named", S3BucketName: "locked", IsMultiRegionTrail: true }));
    assert.equal(await create("locked", "named"), "TrailAlreadyExistsException 400");
    const { trailList = [] } = await world.cloudTrail(undefined, "eu-west-1").send(new DescribeTrailsCommand({}));
    assert.deepEqual(
      trailList.map(({ Name, HomeRegion, IsMultiRegionTrail }) => ({ Name, HomeRegion, IsMultiRegionTrail })),
      [{ Name: "named", HomeRegion: "us-east-1", IsMultiRegionTrail: true }],
    );
    const EventSelectors = [{ DataResources: [{ Type: "AWS::S3::Object", Values: ["arn:aws:s3:::photos"] }] }];
    const wrong = new PutEventSelectorsCommand({ TrailName: "named", EventSelectors });
    assert.equal(await codeOf(client.send(wrong)), "InvalidEventSelectorsException 400");
  });

  it("events are forgotten after 90 days", async () => {
    assert.notDeepEqual(await events("EventName", "CreateBucket"), []);
    const laterMs = 91 * 86_400_000;
    await world.lab.admin("PUT", "clock", { offsetMs: laterMs });
    const LookupAttributes = [{ AttributeKey: "EventName", AttributeValue: "CreateBucket" } as const];
    const later = world.cloudTrail(undefined, undefined, laterMs);
    const { Events } = await later.send(new LookupEventsCommand({ LookupAttributes }));
    assert.deepEqual(Events, []);
  });
});
