/** SQS by hand, with Debian's AWS CLI, which speaks the query protocol. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TypedAws } from "./typed-aws.ts";

describe("aws sqs, Debian's", () => {
  const aws = new TypedAws();
  const typed = (...words: string[]) => aws.typed("sqs", ...words);
  const answer = <T>(...words: string[]) => aws.answer<T>("sqs", ...words);
  let url = "";

  before(async () => {
    await aws.start();
  });
  after(() => aws.stop());

  it("makes a queue, and reads and sets its attributes", async () => {
    const made = await answer<{ QueueUrl: string }>(
      "create-queue",
      "--queue-name",
      "typed",
      "--attributes",
      "VisibilityTimeout=5",
      "--tags",
      "team=storage",
    );
    url = made.QueueUrl;
    assert.ok(url.startsWith(aws.endpoint) && url.endsWith("/typed"), url);
    await answer("set-queue-attributes", "--queue-url", url, "--attributes", '{"DelaySeconds":"0"}');
    const names = ["VisibilityTimeout", "DelaySeconds"];
    const shown = await answer("get-queue-attributes", "--queue-url", url, "--attribute-names", ...names);
    assert.deepEqual(shown, { Attributes: { VisibilityTimeout: "5", DelaySeconds: "0" } });
    assert.deepEqual(await answer("list-queue-tags", "--queue-url", url), { Tags: { team: "storage" } });
    assert.deepEqual(await answer("list-queues", "--queue-name-prefix", "ty"), { QueueUrls: [url] });
  });

  it("sends, receives and deletes, with attributes and digests", async () => {
    const attributes = '{"kind":{"DataType":"String","StringValue":"order"}}';
    const sent = await answer<{ MD5OfMessageBody: string; MD5OfMessageAttributes: string }>(
      "send-message",
      "--queue-url",
      url,
      "--message-body",
      "one & two",
      "--message-attributes",
      attributes,
    );
    assert.equal(sent.MD5OfMessageBody, "51b7a70f69602bf97ad4e0039f872fdb");
    const receive = ["receive-message", "--queue-url", url, "--message-attribute-names", "All"];
    const { Messages } = await answer<{ Messages: readonly Readonly<Record<string, unknown>>[] }>(
      ...receive,
      "--attribute-names",
      "All",
      "--wait-time-seconds",
      "1",
    );
    const [message] = Messages;
    assert.equal(message?.["Body"], "one & two");
    assert.deepEqual(message["MessageAttributes"], { kind: { StringValue: "order", DataType: "String" } });
    assert.equal(message["MD5OfMessageAttributes"], sent.MD5OfMessageAttributes);
    const entries = JSON.stringify([{ Id: "1", ReceiptHandle: message["ReceiptHandle"] }]);
    assert.deepEqual(await answer("delete-message-batch", "--queue-url", url, "--entries", entries), {
      Successful: [{ Id: "1" }],
    });
  });

  it("sends a batch whose entries have attributes", async () => {
    const entry = { Id: "a", MessageBody: "x", MessageAttributes: { n: { DataType: "Number", StringValue: "1" } } };
    const sent = await answer<{ Successful: readonly { Id: string }[] }>(
      "send-message-batch",
      "--queue-url",
      url,
      "--entries",
      JSON.stringify([entry]),
    );
    assert.deepEqual(
      sent.Successful.map(({ Id }) => Id),
      ["a"],
    );
  });

  it("understands what is refused", async () => {
    const missing = await typed("get-queue-url", "--queue-name", "nowhere");
    assert.match(
      missing.stderr,
      /\(AWS\.SimpleQueueService\.NonExistentQueue\) when calling the GetQueueUrl operation/,
    );
    await answer("delete-queue", "--queue-url", url);
    const gone = await typed("receive-message", "--queue-url", url);
    assert.match(gone.stderr, /NonExistentQueue/);
  });
});
