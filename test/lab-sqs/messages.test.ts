/** Messages of the lab's queues, as the unmodified AWS SDK sees them; it checks the digests itself. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
} from "@aws-sdk/client-sqs";
import { ALICE, codeOf, TestLab } from "../lab-s3/lab.ts";

describe("messages of the lab's queues", () => {
  let lab: TestLab;
  before(async () => {
    lab = await TestLab.start();
  });
  after(() => lab.stop());

  async function make(QueueName: string, Attributes: Record<string, string> = {}): Promise<string> {
    return (await lab.sqs().send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? "";
  }

  async function receive(QueueUrl: string, more: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> {
    return (await lab.sqs().send(new ReceiveMessageCommand({ QueueUrl, ...more }))).Messages ?? [];
  }

  function send(QueueUrl: string, MessageBody: string) {
    return lab.sqs().send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }

  const handleOf = ([message]: readonly Message[]): string => message?.ReceiptHandle ?? "";

  it("hides a received message for a while, and hands it out again when nobody deleted it", async () => {
    const queue = await make("hidden", { VisibilityTimeout: "30" });
    await send(queue, "again");
    const [first] = await receive(queue);
    assert.equal(first?.Body, "again");
    assert.deepEqual(await receive(queue), []);
    lab.skewMs += 31_000;
    const [second] = await receive(queue, { MessageSystemAttributeNames: ["ApproximateReceiveCount"] });
    assert.deepEqual([second?.MessageId, second?.Attributes], [first.MessageId, { ApproximateReceiveCount: "2" }]);
    // The handle of the first receive does nothing any more, and says nothing.
    await lab.sqs().send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: first.ReceiptHandle ?? "" }));
    lab.skewMs += 31_000;
    const third = await receive(queue);
    assert.equal(third.length, 1);
    await lab.sqs().send(new DeleteMessageCommand({ QueueUrl: queue, ReceiptHandle: handleOf(third) }));
    lab.skewMs += 31_000;
    assert.deepEqual(await receive(queue), []);
  });

  it("carries attributes, and shows those that are asked for", async () => {
    const QueueUrl = await make("attributed");
    await lab.sqs().send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: "ünïcode\n",
        MessageAttributes: {
          "trace.id": { DataType: "String", StringValue: "abc" },
          "trace.weight": { DataType: "Number.float", StringValue: "1.5" },
          blob: { DataType: "Binary", BinaryValue: Uint8Array.of(0, 1, 255) },
        },
      }),
    );
    const [message] = await receive(QueueUrl, { MessageAttributeNames: ["trace.*"], VisibilityTimeout: 0 });
    assert.equal(message?.Body, "ünïcode\n");
    assert.deepEqual(Object.keys(message.MessageAttributes ?? {}).sort(), ["trace.id", "trace.weight"]);
    const [whole] = await receive(QueueUrl, { MessageAttributeNames: ["All"] });
    assert.deepEqual(whole?.MessageAttributes?.["blob"]?.BinaryValue, Uint8Array.of(0, 1, 255));
  });

  it("waits for a message that is not there yet, and gets it when it is sent", async () => {
    const queue = await make("awaited");
    const waiting = receive(queue, { WaitTimeSeconds: 20 });
    await send(queue, "at last");
    assert.equal((await waiting)[0]?.Body, "at last");
  });

  it("keeps a delayed message back", async () => {
    const queue = await make("delayed", { DelaySeconds: "60" });
    await send(queue, "later");
    assert.deepEqual(await receive(queue), []);
    const AttributeNames = ["ApproximateNumberOfMessagesDelayed" as const];
    const { Attributes } = await lab.sqs().send(new GetQueueAttributesCommand({ QueueUrl: queue, AttributeNames }));
    assert.deepEqual(Attributes, { ApproximateNumberOfMessagesDelayed: "1" });
    lab.skewMs += 61_000;
    assert.equal((await receive(queue))[0]?.Body, "later");
  });

  it("forgets a message at the end of its retention", async () => {
    const queue = await make("forgetful", { MessageRetentionPeriod: "60" });
    await send(queue, "old");
    lab.skewMs += 61_000;
    assert.deepEqual(await receive(queue), []);
  });

  it("moves a message that was received too often to the dead-letter queue", async () => {
    const dead = await make("dead");
    const deadLetterTargetArn = `arn:aws:sqs:us-east-1:${ALICE}:dead`;
    const RedrivePolicy = JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 2 });
    const queue = await make("risky", { VisibilityTimeout: "0", RedrivePolicy });
    await send(queue, "poison");
    assert.equal((await receive(queue)).length, 1);
    assert.equal((await receive(queue)).length, 1);
    assert.deepEqual(await receive(queue), []);
    const [message] = await receive(dead, { AttributeNames: ["All"] });
    assert.equal(message?.Body, "poison");
    assert.equal(message.Attributes?.["DeadLetterQueueSourceArn" as "All"], `arn:aws:sqs:us-east-1:${ALICE}:risky`);
  });

  it("gives each entry of a batch an outcome of its own", async () => {
    const QueueUrl = await make("batched");
    const sent = await lab.sqs().send(
      new SendMessageBatchCommand({
        QueueUrl,
        Entries: [
          { Id: "a", MessageBody: "first" },
          { Id: "b", MessageBody: "not in XML: \u0001" },
          { Id: "c", MessageBody: "third" },
        ],
      }),
    );
    assert.deepEqual(
      sent.Successful?.map(({ Id }) => Id),
      ["a", "c"],
    );
    assert.deepEqual(
      sent.Failed?.map(({ Id, Code, SenderFault }) => [Id, Code, SenderFault]),
      [["b", "InvalidMessageContents", true]],
    );
    const received = await receive(QueueUrl, { MaxNumberOfMessages: 10 });
    assert.deepEqual(
      received.map(({ Body }) => Body),
      ["first", "third"],
    );
    const Entries = received.map(({ ReceiptHandle = "" }, index) => ({ Id: String(index), ReceiptHandle }));
    const shown = await lab.sqs().send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: Entries.map((one) => ({ ...one, VisibilityTimeout: 100 })),
      }),
    );
    assert.equal(shown.Successful?.length, 2);
    const deleted = await lab
      .sqs()
      .send(new DeleteMessageBatchCommand({ QueueUrl, Entries: [...Entries, { Id: "x", ReceiptHandle: "none" }] }));
    assert.equal(deleted.Successful?.length, 2);
    assert.deepEqual(
      deleted.Failed?.map(({ Id, Code }) => [Id, Code]),
      [["x", "ReceiptHandleIsInvalid"]],
    );
    lab.skewMs += 101_000;
    assert.deepEqual(await receive(QueueUrl), []);
  });

  it("refuses batches that are empty, too long, or name an entry twice", async () => {
    const QueueUrl = await make("refused");
    const batch = (ids: readonly string[]) =>
      codeOf(
        lab
          .sqs()
          .send(new SendMessageBatchCommand({ QueueUrl, Entries: ids.map((Id) => ({ Id, MessageBody: "body" })) })),
      );
    assert.equal(await batch([]), "EmptyBatchRequest 400");
    assert.equal(await batch("abcdefghijk".split("")), "TooManyEntriesInBatchRequest 400");
    assert.equal(await batch(["a", "a"]), "BatchEntryIdsNotDistinct 400");
    assert.equal(await batch(["a b"]), "InvalidBatchEntryId 400");
    assert.equal(await codeOf(receive(QueueUrl, { MaxNumberOfMessages: 11 })), "InvalidParameterValue 400");
    assert.equal(await codeOf(send(QueueUrl, "x".repeat(1_048_577))), "InvalidParameterValue 400");
  });

  it("shows a message at once whose visibility is set to nothing, and refuses that for one that is not in flight", async () => {
    const QueueUrl = await make("visible");
    await send(QueueUrl, "here");
    const ReceiptHandle = handleOf(await receive(QueueUrl));
    const show = () =>
      lab.sqs().send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    await show();
    assert.equal(await codeOf(show()), "MessageNotInflight 400");
    assert.equal((await receive(QueueUrl))[0]?.Body, "here");
  });
});
