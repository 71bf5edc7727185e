/** Queues of the lab, as the unmodified AWS SDK sees them: attributes, policies, accounts, errors, restarts. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand } from "@aws-sdk/client-iam";
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListDeadLetterSourceQueuesCommand,
  ListQueuesCommand,
  ListQueueTagsCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
  TagQueueCommand,
  UntagQueueCommand,
} from "@aws-sdk/client-sqs";
import { ALICE, BOB, codeOf, refused, TestLab } from "../lab-s3/lab.ts";

describe("queues of the lab", () => {
  let lab: TestLab;
  before(async () => {
    lab = await TestLab.start({ onDisk: true });
  });
  after(() => lab.stop());

  async function make(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
    return (await lab.sqs().send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? "";
  }

  async function attributesOf(QueueUrl: string, ...names: string[]): Promise<Readonly<Record<string, string>>> {
    const AttributeNames = names as "All"[];
    return (await lab.sqs().send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).Attributes ?? {};
  }

  it("gives a queue a URL of account and name, and finds it again by its name", async () => {
    const url = await make("named");
    assert.equal(url, `${lab.endpoint}/${ALICE}/named`);
    assert.equal((await lab.sqs().send(new GetQueueUrlCommand({ QueueName: "named" }))).QueueUrl, url);
    const missing = await refused(lab.sqs().send(new GetQueueUrlCommand({ QueueName: "nowhere" })));
    assert.deepEqual([missing.code, missing.status], ["QueueDoesNotExist", 400]);
    assert.equal(missing.headers["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
  });

  it("keeps queues of two Regions apart", async () => {
    await make("regional");
    const elsewhere = lab.sqs(lab.alice, "eu-west-1");
    assert.equal(
      await codeOf(elsewhere.send(new GetQueueUrlCommand({ QueueName: "regional" }))),
      "QueueDoesNotExist 400",
    );
  });

  it("is the same queue when it is made again alike, and QueueNameExists when it is made otherwise", async () => {
    const url = await make("twice", { VisibilityTimeout: "45" });
    assert.equal(await make("twice", { VisibilityTimeout: "45" }), url);
    assert.equal(await make("twice"), url);
    assert.equal(await codeOf(make("twice", { VisibilityTimeout: "46" })), "QueueNameExists 400");
    assert.equal(await codeOf(make("no spaces")), "InvalidParameterValue 400");
    assert.equal(await codeOf(make("ordered.fifo")), "UnsupportedOperation 400");
  });

  it("shows AWS's defaults, and what was set", async () => {
    const url = await make("attributes");
    const all = await attributesOf(url, "All");
    assert.equal(all["QueueArn"], `arn:aws:sqs:us-east-1:${ALICE}:attributes`);
    assert.deepEqual(
      ["VisibilityTimeout", "MessageRetentionPeriod", "DelaySeconds", "ReceiveMessageWaitTimeSeconds"].map(
        (name) => all[name],
      ),
      ["30", "345600", "0", "0"],
    );
    await lab.sqs().send(new SetQueueAttributesCommand({ QueueUrl: url, Attributes: { DelaySeconds: "7" } }));
    assert.deepEqual(await attributesOf(url, "DelaySeconds"), { DelaySeconds: "7" });
  });

  it("refuses attributes that are none, and values that are too large", async () => {
    const QueueUrl = await make("refusing");
    const set = (Attributes: Record<string, string>) =>
      codeOf(lab.sqs().send(new SetQueueAttributesCommand({ QueueUrl, Attributes })));
    assert.equal(await set({ VisibilityTimeout: "43201" }), "InvalidAttributeValue 400");
    assert.equal(await set({ Policy: "{}" }), "InvalidAttributeValue 400");
    assert.equal(await set({ FifoQueue: "true" }), "InvalidAttributeName 400");
    assert.equal(await codeOf(attributesOf(QueueUrl, "Colour")), "InvalidAttributeName 400");
    const target = { deadLetterTargetArn: `arn:aws:sqs:us-east-1:${ALICE}:nowhere`, maxReceiveCount: 3 };
    assert.equal(await set({ RedrivePolicy: JSON.stringify(target) }), "InvalidParameterValue 400");
  });

  it("lists queues by prefix and page by page, and the sources of a dead-letter queue", async () => {
    await make("list-dead");
    const RedrivePolicy = JSON.stringify({
      deadLetterTargetArn: `arn:aws:sqs:us-east-1:${ALICE}:list-dead`,
      maxReceiveCount: "2",
    });
    const source = await make("list-source", { RedrivePolicy });
    const list = (more: object) => lab.sqs().send(new ListQueuesCommand({ QueueNamePrefix: "list-", ...more }));
    const first = await list({ MaxResults: 1 });
    assert.deepEqual(first.QueueUrls, [`${lab.endpoint}/${ALICE}/list-dead`]);
    const second = await list({ MaxResults: 1, NextToken: first.NextToken });
    assert.deepEqual([second.QueueUrls, second.NextToken], [[source], undefined]);
    const QueueUrl = `${lab.endpoint}/${ALICE}/list-dead`;
    const sources = await lab.sqs().send(new ListDeadLetterSourceQueuesCommand({ QueueUrl }));
    assert.deepEqual(sources.queueUrls, [source]);
  });

  it("lets another account in by the queue's policy alone, and never to its attributes", async () => {
    const QueueUrl = await make("shared");
    const bob = lab.sqs(await lab.lab.account(BOB));
    const send = () => bob.send(new SendMessageCommand({ QueueUrl, MessageBody: "from next door" }));
    assert.equal(await codeOf(send()), "AccessDenied 403");
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { AWS: BOB }, Action: "sqs:*", Resource: "*" }],
    });
    await lab.sqs().send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    await send();
    const found = await bob.send(new GetQueueUrlCommand({ QueueName: "shared", QueueOwnerAWSAccountId: ALICE }));
    assert.equal(found.QueueUrl, QueueUrl);
    const set = new SetQueueAttributesCommand({ QueueUrl, Attributes: { DelaySeconds: "1" } });
    assert.equal(await codeOf(bob.send(set)), "AccessDenied 403");
    const { Messages = [] } = await lab.sqs().send(new ReceiveMessageCommand({ QueueUrl, AttributeNames: ["All"] }));
    assert.deepEqual([Messages[0]?.Body, Messages[0]?.Attributes?.["SenderId"]], ["from next door", BOB]);
  });

  it("asks a user's own policies", async () => {
    const QueueUrl = await make("watched");
    await lab.iam().send(new CreateUserCommand({ UserName: "reader" }));
    const { AccessKey } = await lab.iam().send(new CreateAccessKeyCommand({ UserName: "reader" }));
    const reader = lab.sqs({
      accessKeyId: AccessKey?.AccessKeyId ?? "",
      secretAccessKey: AccessKey?.SecretAccessKey ?? "",
    });
    const receive = () => reader.send(new ReceiveMessageCommand({ QueueUrl }));
    const { code, message } = await refused(receive());
    assert.equal(code, "AccessDenied");
    assert.match(
      message,
      /sqs:ReceiveMessage on resource: arn:aws:sqs:us-east-1:111122223333:watched because no identity/,
    );
    const PolicyArn = "arn:aws:iam::aws:policy/AdministratorAccess";
    await lab.iam().send(new AttachUserPolicyCommand({ UserName: "reader", PolicyArn }));
    await receive();
  });

  it("tags queues, and takes tags away", async () => {
    const QueueUrl = await make("tagged");
    await lab.sqs().send(new TagQueueCommand({ QueueUrl, Tags: { team: "storage", stage: "test" } }));
    await lab.sqs().send(new UntagQueueCommand({ QueueUrl, TagKeys: ["stage"] }));
    assert.deepEqual((await lab.sqs().send(new ListQueueTagsCommand({ QueueUrl }))).Tags, { team: "storage" });
  });

  it("empties a queue once a minute, and has nothing of a deleted one when it is made anew", async () => {
    const QueueUrl = await make("emptied");
    const send = () => lab.sqs().send(new SendMessageCommand({ QueueUrl, MessageBody: "soon gone" }));
    const receive = async () => (await lab.sqs().send(new ReceiveMessageCommand({ QueueUrl }))).Messages;
    await send();
    await lab.sqs().send(new PurgeQueueCommand({ QueueUrl }));
    assert.equal(await receive(), undefined);
    assert.equal(await codeOf(lab.sqs().send(new PurgeQueueCommand({ QueueUrl }))), "PurgeQueueInProgress 403");
    await send();
    await lab.sqs().send(new DeleteQueueCommand({ QueueUrl }));
    assert.equal(await codeOf(receive()), "QueueDoesNotExist 400");
    await make("emptied");
    assert.equal(await receive(), undefined);
  });

  it("has its queues and messages after a restart", async () => {
    const url = await make("durable", { VisibilityTimeout: "11" });
    await lab.sqs().send(new SendMessageCommand({ QueueUrl: url, MessageBody: "still here" }));
    await lab.restart();
    const QueueUrl = `${lab.endpoint}/${ALICE}/durable`;
    assert.deepEqual(await attributesOf(QueueUrl, "VisibilityTimeout", "ApproximateNumberOfMessages"), {
      VisibilityTimeout: "11",
      ApproximateNumberOfMessages: "1",
    });
    const { Messages = [] } = await lab.sqs().send(new ReceiveMessageCommand({ QueueUrl }));
    assert.equal(Messages[0]?.Body, "still here");
  });
});
