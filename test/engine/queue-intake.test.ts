/** Queues: a message leaves its queue when it is done with, and not before; what nobody understands stays. */
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, it } from "node:test";
import { AwsError } from "../../src/aws/errors.ts";
import { SqsQueue } from "../../src/aws/sqs.ts";
import { QueueIntake } from "../../src/engine/notifications/queue-intake.ts";
import type { Taken } from "../../src/engine/notifications/receiver.ts";
import { S3Error } from "../../src/s3/errors.ts";
import { VirtualTime } from "../sim/virtual-time.ts";

const NOTHING: Taken = { changes: 0, ignored: 0, problems: [] };
const SENDER = { name: "queue q", site: "here" };

/** A queue by SQS's rules, on a clock of its own. */
class Queue {
  readonly #time: VirtualTime;
  readonly #messages = new Map<string, { body: string; visibleAtMs: number; receives: number }>();
  readonly calls: string[] = [];
  isAway = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  send(...bodies: string[]): void {
    for (const body of bodies) {
      this.#messages.set(`m${this.#messages.size}-${body}`, { body, visibleAtMs: 0, receives: 0 });
    }
  }

  get left(): string[] {
    return [...this.#messages.values()].map((one) => `${one.body} ${one.receives}`);
  }

  async receive(
    { waitSeconds, visibilitySeconds }: { waitSeconds: number; visibilitySeconds: number },
    signal: AbortSignal,
  ) {
    if (this.isAway)
      throw new AwsError("sqs:ReceiveMessage: away", { service: "sqs", operation: "ReceiveMessage", code: "X" });
    const now = this.#time.nowMs();
    const visible = [...this.#messages].filter(([, one]) => one.visibleAtMs <= now).slice(0, 10);
    if (visible.length === 0) await this.#time.sleep(waitSeconds * 1000, signal);
    return visible.map(([receipt, one]) => {
      one.visibleAtMs = now + visibilitySeconds * 1000;
      one.receives += 1;
      return { id: receipt, receipt, body: one.body, receives: one.receives };
    });
  }

  async delete(receipts: readonly string[]) {
    this.#time.touch();
    this.calls.push(`delete ${receipts.length}`);
    for (const one of receipts) this.#messages.delete(one);
  }

  async hold(receipts: readonly string[], visibilitySeconds: number) {
    this.calls.push(`hold ${receipts.length}`);
    for (const one of receipts) {
      const message = this.#messages.get(one);
      if (message !== undefined) message.visibleAtMs = this.#time.nowMs() + visibilitySeconds * 1000;
    }
  }
}

describe("a queue of notifications", () => {
  let time: VirtualTime;
  let queue: Queue;
  let stop: AbortController;
  let running: Promise<void>;
  const taken: string[] = [];
  const troubles: string[] = [];
  let take: (body: string) => Promise<Taken>;

  beforeEach(() => {
    time = new VirtualTime(1, 1_000_000);
    queue = new Queue(time);
    stop = new AbortController();
    taken.length = 0;
    troubles.length = 0;
    take = async () => NOTHING;
  });
  afterEach(async () => {
    stop.abort();
    await running;
  });

  function run(): void {
    const receiver = {
      take: async (body: string) => {
        time.touch();
        const answer = await take(body);
        taken.push(body);
        return answer;
      },
    };
    const onTrouble = (says: string) => void troubles.push(says);
    running = new QueueIntake({ queue, receiver, sender: SENDER, clock: time, onTrouble }).run(stop.signal);
  }

  it("is emptied in batches, and each message is taken once", async () => {
    const bodies = Array.from({ length: 45 }, (_, index) => `${index}`);
    queue.send(...bodies);
    run();
    await time.runUntil(async () => queue.left.length === 0, 60_000);
    assert.deepEqual(taken.toSorted(), bodies.toSorted());
    assert.ok(queue.calls.filter((one) => one.startsWith("delete")).length <= 8, queue.calls.join());
  });

  it("keeps a message until it is done, held for as long as a store is away, without another receipt", async () => {
    let isAway = true;
    take = async () => {
      if (isAway) throw new S3Error("away", { operation: "ListObjectVersions", network: "refused" });
      return NOTHING;
    };
    queue.send("m");
    run();
    const hourLaterMs = time.nowMs() + 3_600_000;
    await time.runUntil(async () => time.nowMs() >= hourLaterMs, 4_000_000);
    assert.deepEqual([queue.left, taken], [["m 1"], []]);
    isAway = false;
    await time.runUntil(async () => queue.left.length === 0, 120_000);
    assert.deepEqual(taken, ["m"]);
  });

  it("leaves what nobody understands to its redrive policy", async () => {
    take = async (body) => (body === "poison" ? { ...NOTHING, problems: ["not known"] } : NOTHING);
    queue.send("poison", "good");
    run();
    await time.runUntil(async () => queue.left.length === 1, 10_000);
    await time.runUntil(async () => queue.left[0] === "poison 3", 600_000);
  });

  it("gets a message back that an engine died with", async () => {
    queue.send("m");
    await queue.receive({ waitSeconds: 20, visibilitySeconds: 60 }, stop.signal);
    run();
    await time.runUntil(async () => queue.left.length === 0, 120_000);
    assert.deepEqual(taken, ["m"]);
  });

  it("that does not answer is told once, and asked ever more rarely until it does", async () => {
    queue.isAway = true;
    run();
    const laterMs = time.nowMs() + 600_000;
    await time.runUntil(async () => time.nowMs() >= laterMs, 1_000_000);
    queue.isAway = false;
    queue.send("m");
    await time.runUntil(async () => queue.left.length === 0, 120_000);
    assert.deepEqual(troubles, ["queue q: sqs:ReceiveMessage: away", "queue q: answers again"]);
  });

  it("is not read on when the ledger is broken", async () => {
    take = async () => {
      throw new Error("the disk is gone");
    };
    queue.send("m");
    run();
    await assert.rejects(running, /the disk is gone/);
    running = Promise.resolve();
    assert.deepEqual(queue.left, ["m 1"]);
  });
});

/** What SQS says, by its own protocol. */
describe("a client of SQS", () => {
  const requests: { operation: string; body: Record<string, unknown> }[] = [];
  let server: Server;
  let queue: SqsQueue;
  beforeEach(async () => {
    requests.length = 0;
    server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const operation = String(request.headers["x-amz-target"]).replace("AmazonSQS.", "");
        requests.push({ operation, body: JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown> });
        const [status, answer] = ANSWERS[operation] ?? [400, { __type: "com.amazonaws.sqs#QueueDoesNotExist" }];
        response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
        response.end(JSON.stringify(answer));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const credentials = async () => ({ accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" });
    queue = new SqsQueue({ endpoint, region: "eu-west-1", credentials }, `${endpoint}/111122223333/changes`);
  });
  afterEach(async () => {
    await queue.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const ANSWERS: Readonly<Record<string, readonly [number, object]>> = {
    ReceiveMessage: [
      200,
      // MD5 of "hello", as SQS sends it: the SDK checks it.
      {
        Messages: [
          {
            MessageId: "1",
            ReceiptHandle: "r1",
            Body: "hello",
            MD5OfBody: "5d41402abc4b2a76b9719d911017c592",
            Attributes: { ApproximateReceiveCount: "3" },
          },
        ],
      },
    ],
    DeleteMessageBatch: [200, { Successful: [{ Id: "0" }], Failed: [] }],
    ChangeMessageVisibilityBatch: [200, { Successful: [{ Id: "0" }], Failed: [] }],
  };

  it("receives, holds and deletes ten at a time", async () => {
    const received = await queue.receive({ waitSeconds: 20, visibilitySeconds: 60 }, new AbortController().signal);
    assert.deepEqual(received, [{ id: "1", receipt: "r1", body: "hello", receives: 3 }]);
    await queue.hold(["r1"], 60);
    await queue.delete(["r1", "r2"]);
    const QueueUrl = queue.url;
    assert.deepEqual(
      requests.map((one) => one.operation),
      ["ReceiveMessage", "ChangeMessageVisibilityBatch", "DeleteMessageBatch"],
    );
    assert.deepEqual(requests[0]?.body, {
      QueueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 20,
      VisibilityTimeout: 60,
      MessageSystemAttributeNames: ["ApproximateReceiveCount"],
    });
    assert.deepEqual(requests[2]?.body, {
      QueueUrl,
      Entries: [
        { Id: "0", ReceiptHandle: "r1" },
        { Id: "1", ReceiptHandle: "r2" },
      ],
    });
  });

  it("says what a queue refuses in the words of this room", async () => {
    await assert.rejects(queue.attributes(), (error) => {
      assert.ok(error instanceof AwsError);
      assert.deepEqual([error.code, error.status], ["QueueDoesNotExist", 400]);
      return true;
    });
  });
});
