/** SQS by hand, with Debian's AWS CLI, which speaks the query protocol. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import {
  cleanEnvironment,
  type Environment,
  type Outcome,
  run,
  type Served,
  serve,
  temporaryDirectory,
} from "../e2e/binary.ts";

const AWS = "/usr/bin/aws";

describe("aws sqs, Debian's", () => {
  const directory = temporaryDirectory();
  let served: Served;
  let environment: Environment;
  let url = "";

  before(async () => {
    assert.ok(existsSync(AWS), "install Debian's package awscli: apt-get install awscli");
    served = await serve(`${directory.path}/.lockstep`, directory.path);
    environment = {
      ...cleanEnvironment(directory.path),
      ...(await served.environment()),
      AWS_PAGER: "",
    };
  });
  after(async () => {
    await served.stop();
    directory.remove();
  });

  async function typed(...words: string[]): Promise<Outcome> {
    const where = ["--region", "us-east-1", "--endpoint-url", served.endpoint];
    return await run(AWS, [...where, "sqs", ...words], environment, directory.path);
  }

  async function answer<T>(...words: string[]): Promise<T> {
    const { status, stdout, stderr } = await typed(...words, "--output", "json");
    assert.equal(status, 0, `${words.join(" ")}: ${stderr}`);
    return JSON.parse(stdout === "" ? "{}" : stdout) as T;
  }

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
    assert.ok(url.startsWith(served.endpoint) && url.endsWith("/typed"), url);
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
