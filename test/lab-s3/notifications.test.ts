/** Event notifications of the lab's buckets, through the unmodified AWS SDK: what is sent where, in which form and order. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  type Event,
  GetBucketNotificationConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  type QueueConfiguration,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SetQueueAttributesCommand,
} from "@aws-sdk/client-sqs";
import { ALICE, BOB, refused, TestLab } from "./lab.ts";

interface EventRecord {
  readonly eventName: string;
  readonly eventVersion: string;
  readonly awsRegion: string;
  readonly userIdentity: { readonly principalId: string };
  readonly s3: {
    readonly configurationId: string;
    readonly bucket: { readonly name: string; readonly arn: string };
    readonly object: {
      readonly key: string;
      readonly size?: number;
      readonly eTag?: string;
      readonly versionId?: string;
      readonly sequencer?: string;
    };
  };
}

/** More messages than any case has. */
const MESSAGES_MAX = 50;

describe("event notifications", () => {
  let lab: TestLab;
  before(async () => {
    lab = await TestLab.start({ onDisk: true });
  });
  after(() => lab.stop());

  const arnOf = (queue: string, account = ALICE) => `arn:aws:sqs:us-east-1:${account}:${queue}`;

  /** A queue that takes events of one bucket. */
  async function queueFor(name: string, bucket: string, account = ALICE): Promise<string> {
    const sqs = lab.sqs(await lab.lab.account(account));
    const { QueueUrl = "" } = await sqs.send(new CreateQueueCommand({ QueueName: name }));
    await allow(QueueUrl, bucket, account);
    return QueueUrl;
  }

  async function allow(QueueUrl: string, bucket: string, account = ALICE): Promise<void> {
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        {
          Effect: "Allow",
          Principal: { Service: "s3.amazonaws.com" },
          Action: "sqs:SendMessage",
          Resource: "*",
          Condition: {
            ArnLike: { "aws:SourceArn": `arn:aws:s3:*:*:${bucket}` },
            StringEquals: { "aws:SourceAccount": ALICE },
          },
        },
      ],
    });
    const sqs = lab.sqs(await lab.lab.account(account));
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
  }

  function configure(Bucket: string, ...QueueConfigurations: QueueConfiguration[]) {
    const NotificationConfiguration = { QueueConfigurations };
    return lab.s3().send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
  }

  const routeTo = (QueueArn: string, ...Events: string[]): QueueConfiguration => ({
    Id: "route",
    QueueArn,
    Events: Events as Event[],
  });

  /** Takes messages until `count` of them are records, and leaves test events out. */
  async function records(QueueUrl: string, count: number, account = ALICE): Promise<EventRecord[]> {
    const sqs = lab.sqs(await lab.lab.account(account));
    const found: EventRecord[] = [];
    for (let taken = 0; taken < MESSAGES_MAX && found.length < count; taken++) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
      for (const { Body = "", ReceiptHandle = "" } of Messages) {
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        const { Records = [] } = JSON.parse(Body) as { Records?: EventRecord[] };
        found.push(...Records);
      }
    }
    return found;
  }

  it("keeps the configuration as it was put, with an id for whoever brought none", async () => {
    await lab.bucket("kept");
    await queueFor("kept-queue", "kept");
    const Filter = { Key: { FilterRules: [{ Name: "prefix" as const, Value: "in/" }] } };
    const Events: Event[] = ["s3:ObjectCreated:*", "s3:Replication:*"];
    const QueueConfigurations = [{ QueueArn: arnOf("kept-queue"), Events, Filter }];
    const NotificationConfiguration = { QueueConfigurations, EventBridgeConfiguration: {} };
    await lab.s3().send(new PutBucketNotificationConfigurationCommand({ Bucket: "kept", NotificationConfiguration }));
    const told = await lab.s3().send(new GetBucketNotificationConfigurationCommand({ Bucket: "kept" }));
    const [route] = told.QueueConfigurations ?? [];
    assert.deepEqual([route?.QueueArn, route?.Events], [arnOf("kept-queue"), Events]);
    assert.deepEqual(route?.Filter?.Key?.FilterRules, [{ Name: "Prefix", Value: "in/" }]);
    assert.match(route?.Id ?? "", /./);
    assert.deepEqual(told.EventBridgeConfiguration, {});
    await configure("kept");
    const none = await lab.s3().send(new GetBucketNotificationConfigurationCommand({ Bucket: "kept" }));
    assert.equal(none.QueueConfigurations, undefined);
  });

  it("refuses destinations that are not there, are elsewhere, or do not let S3 in", async () => {
    await lab.bucket("asking");
    await lab.sqs().send(new CreateQueueCommand({ QueueName: "closed" }));
    await queueFor("others-only", "another-bucket");
    const put = (arn: string) => refused(configure("asking", routeTo(arn, "s3:ObjectCreated:*")));
    for (const queue of ["nowhere", "closed", "others-only"]) {
      const { code, status, message } = await put(arnOf(queue));
      assert.deepEqual(
        [code, status, message],
        ["InvalidArgument", 400, "Unable to validate the following destination configurations"],
      );
    }
    const elsewhere = await put(`arn:aws:sqs:eu-west-1:${ALICE}:closed`);
    assert.match(elsewhere.message, /region is not valid for the bucket location constraint/);
    assert.match((await put("arn:lockstep:webhook:::unknown")).message, /^Unable to validate/);
    const topic = {
      TopicConfigurations: [{ TopicArn: "arn:aws:sns:us-east-1:1:t", Events: ["s3:ObjectCreated:*" as const] }],
    };
    const refusal = await refused(
      lab
        .s3()
        .send(new PutBucketNotificationConfigurationCommand({ Bucket: "asking", NotificationConfiguration: topic })),
    );
    assert.match(refusal.message, /^Unable to validate/);
  });

  it("takes a destination unasked when it is told to", async () => {
    await lab.bucket("unasked");
    const NotificationConfiguration = { QueueConfigurations: [routeTo(arnOf("later"), "s3:ObjectCreated:*")] };
    const SkipDestinationValidation = true;
    await lab.s3().send(
      new PutBucketNotificationConfigurationCommand({
        Bucket: "unasked",
        NotificationConfiguration,
        SkipDestinationValidation,
      }),
    );
    // What happens before the queue is there waits for it.
    await lab.s3().send(new PutObjectCommand({ Bucket: "unasked", Key: "early", Body: "1" }));
    const url = await queueFor("later", "unasked");
    assert.deepEqual(
      (await records(url, 1)).map((one) => one.s3.object.key),
      ["early"],
    );
  });

  it("refuses events that are none, rules that overlap, and ids that are there twice", async () => {
    await lab.bucket("wrong");
    await queueFor("wrong-queue", "wrong");
    const arn = arnOf("wrong-queue");
    const why = async (...routes: QueueConfiguration[]) => (await refused(configure("wrong", ...routes))).message;
    assert.match(await why(routeTo(arn, "s3:ObjectSmelled:*")), /not supported for notifications/);
    const put = routeTo(arn, "s3:ObjectCreated:Put");
    const all = { ...routeTo(arn, "s3:ObjectCreated:*"), Id: "other" };
    assert.match(await why(put, all), /^Configurations overlap/);
    assert.match(await why(put, { ...routeTo(arn, "s3:ObjectRemoved:*") }), /Same ID used/);
    const prefixed = (Id: string, Value: string) => ({
      ...put,
      Id,
      Filter: { Key: { FilterRules: [{ Name: "prefix" as const, Value }] } },
    });
    assert.match(await why(prefixed("a", "in/"), prefixed("b", "in/deep/")), /ambiguously defined/);
    await configure("wrong", prefixed("a", "in/"), prefixed("b", "out/"));
  });

  it("tries a destination with a test event", async () => {
    await lab.bucket("tried");
    const QueueUrl = await queueFor("tried-queue", "tried");
    await configure("tried", routeTo(arnOf("tried-queue"), "s3:ObjectCreated:*"));
    const { Messages } = await lab.sqs().send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }));
    const { Event, Bucket, Service } = JSON.parse(Messages?.[0]?.Body ?? "{}") as Record<string, string>;
    assert.deepEqual([Event, Bucket, Service], ["s3:TestEvent", "tried", "Amazon S3"]);
  });

  it("tells of everything that happens to a key, in its order", async () => {
    const Bucket = await lab.bucket("told", { versioned: true });
    const url = await queueFor("told-queue", Bucket);
    const events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*", "s3:ObjectTagging:*", "s3:ObjectAcl:Put"];
    await configure(Bucket, routeTo(arnOf("told-queue"), ...events));
    const s3 = lab.s3();
    await s3.send(
      new PutBucketOwnershipControlsCommand({
        Bucket,
        OwnershipControls: { Rules: [{ ObjectOwnership: "ObjectWriter" }] },
      }),
    );
    const Key = "a folder/ünï(1).txt";
    const { VersionId, ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "12345" }));
    const TagSet = [{ Key: "a", Value: "b" }];
    await s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging: { TagSet } }));
    await s3.send(new DeleteObjectTaggingCommand({ Bucket, Key }));
    await s3.send(new PutObjectAclCommand({ Bucket, Key, ACL: "private" }));
    await s3.send(
      new CopyObjectCommand({
        Bucket,
        Key,
        CopySource: `${Bucket}/${encodeURIComponent(Key)}`,
        MetadataDirective: "REPLACE",
      }),
    );
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: "whole" }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
    await s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    const marker = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: marker.VersionId }));
    await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId: "null" }));
    const told = await records(url, 8);
    assert.deepEqual(
      told.map(({ eventName, eventVersion }) => `${eventName} ${eventVersion}`),
      [
        "ObjectCreated:Put 2.1",
        "ObjectTagging:Put 2.3",
        "ObjectTagging:Delete 2.3",
        "ObjectAcl:Put 2.3",
        "ObjectCreated:Copy 2.1",
        "ObjectCreated:CompleteMultipartUpload 2.1",
        "ObjectRemoved:DeleteMarkerCreated 2.1",
        "ObjectRemoved:Delete 2.1",
      ],
    );
    const [put] = told;
    assert.deepEqual(
      { ...put?.s3.object, sequencer: undefined },
      {
        key: "a+folder/%C3%BCn%C3%AF%281%29.txt",
        size: 5,
        eTag: ETag?.replaceAll('"', ""),
        versionId: VersionId,
        sequencer: undefined,
      },
    );
    assert.deepEqual([put?.userIdentity.principalId, put?.awsRegion], [`AWS:${ALICE}`, "us-east-1"]);
    assert.deepEqual([put?.s3.bucket.arn, put?.s3.configurationId], ["arn:aws:s3:::told", "route"]);
    const sequencers = told.flatMap(({ s3: { object } }) => object.sequencer ?? []);
    assert.equal(sequencers.length, 5);
    assert.deepEqual(sequencers, [...sequencers].sort());
  });

  it("sends what the filter lets through, and nothing of a delete that did nothing", async () => {
    const Bucket = await lab.bucket("filtered");
    const url = await queueFor("filtered-queue", Bucket);
    const FilterRules = [
      { Name: "prefix" as const, Value: "in/" },
      { Name: "suffix" as const, Value: ".csv" },
    ];
    const route = routeTo(arnOf("filtered-queue"), "s3:ObjectCreated:*", "s3:ObjectRemoved:*");
    await configure(Bucket, { ...route, Filter: { Key: { FilterRules } } });
    const s3 = lab.s3();
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "in/never.csv" }));
    for (const Key of ["in/a.csv", "in/a.txt", "out/a.csv", "in/last.csv"]) {
      await s3.send(new PutObjectCommand({ Bucket, Key, Body: "1" }));
    }
    await s3.send(new DeleteObjectCommand({ Bucket, Key: "in/last.csv" }));
    const told = await records(url, 3);
    assert.deepEqual(
      told.map(({ eventName, s3: { object } }) => [eventName, object.key, object.versionId]),
      [
        ["ObjectCreated:Put", "in/a.csv", undefined],
        ["ObjectCreated:Put", "in/last.csv", undefined],
        ["ObjectRemoved:Delete", "in/last.csv", undefined],
      ],
    );
  });

  it("reaches a queue of another account whose policy says so", async () => {
    const Bucket = await lab.bucket("outgoing");
    const url = await queueFor("incoming", Bucket, BOB);
    await configure(Bucket, routeTo(arnOf("incoming", BOB), "s3:ObjectCreated:*"));
    await lab.s3().send(new PutObjectCommand({ Bucket, Key: "over there", Body: "1" }));
    assert.equal((await records(url, 1, BOB))[0]?.s3.object.key, "over+there");
  });

  it("posts to a webhook until it is taken, each key in its order, also after a restart", async () => {
    const Bucket = await lab.bucket("posted");
    const hook = await Hook.listen();
    try {
      const told = await lab.admin("PUT", "webhooks/engine", { url: hook.url, token: "hook-token" });
      assert.deepEqual(told, { arn: "arn:lockstep:webhook:::engine" });
      assert.deepEqual(await lab.admin("GET", "webhooks"), [
        { name: "engine", url: hook.url, arn: "arn:lockstep:webhook:::engine" },
      ]);
      hook.isBroken = true;
      await configure(Bucket, routeTo("arn:lockstep:webhook:::engine", "s3:ObjectCreated:*"));
      for (const Body of ["1", "22", "333"]) await lab.s3().send(new PutObjectCommand({ Bucket, Key: "same", Body }));
      await hook.next();
      await lab.restart();
      hook.isBroken = false;
      const sizes: (number | undefined)[] = [];
      for (let taken = 0; taken < MESSAGES_MAX && sizes.length < 3; taken++) {
        const { Records = [] } = JSON.parse(await hook.next()) as { Records?: EventRecord[] };
        sizes.push(...Records.map((one) => one.s3.object.size));
      }
      assert.deepEqual(sizes, [1, 2, 3]);
      assert.equal(hook.authorization, "Bearer hook-token");
    } finally {
      await hook.close();
    }
  });
});

/** Somebody who is posted to. Bodies that were answered with an error do not count, but for `next` while it is broken. */
class Hook {
  isBroken = false;
  authorization = "";
  readonly #server: Server;
  readonly #bodies: string[] = [];
  #waiting: ((body: string) => void) | undefined;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#take(request).then(() => response.writeHead(this.isBroken ? 503 : 200).end());
    });
  }

  static async listen(): Promise<Hook> {
    const hook = new Hook();
    await new Promise<void>((resolve) => hook.#server.listen(0, "127.0.0.1", resolve));
    return hook;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/events`;
  }

  async next(): Promise<string> {
    const known = this.#bodies.shift();
    return known ?? (await new Promise((resolve) => (this.#waiting = resolve)));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #take(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.authorization = request.headers.authorization ?? "";
    const body = Buffer.concat(chunks).toString();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) waiting(body);
    else if (!this.isBroken) this.#bodies.push(body);
  }
}
