/** ReceiveMessage with long polling, and what a receiver does with what it got: DeleteMessage, ChangeMessageVisibility. */
import type { ServiceError } from "../../model.ts";
import { numberOf } from "../attributes.ts";
import { invalidParameter, missingParameter, sqsError } from "../errors.ts";
import type { Input } from "../input.ts";
import { md5OfAttributes, md5OfBody } from "../md5.ts";
import { parseReceipt, type Receipt, receiptHandle } from "../messages.ts";
import type { MessageAttributes, Queue, StoredMessage } from "../model.ts";
import type { SqsRequest } from "../request.ts";
import { batchAnswer, batchOf, outcomeOf } from "./batch.ts";

const COUNT = { min: 1, max: 10 };
const VISIBILITY = { min: 0, max: 43_200 };
const WAIT = { min: 0, max: 20 };
/** The least time between two looks at a queue whose messages are about to become visible. */
const LOOK_AGAIN_MS = 5;

export async function receiveMessage(request: SqsRequest) {
  const { input } = request;
  const queue = request.queue();
  const max = input.integer("MaxNumberOfMessages", COUNT) ?? 1;
  const hiddenSeconds = input.integer("VisibilityTimeout", VISIBILITY) ?? numberOf(queue, "VisibilityTimeout");
  const waitSeconds = input.integer("WaitTimeSeconds", WAIT) ?? numberOf(queue, "ReceiveMessageWaitTimeSeconds");
  const systemNames = [...input.texts("AttributeNames"), ...input.texts("MessageSystemAttributeNames")];
  const names = input.texts("MessageAttributeNames");
  const received = await poll(request, queue, { max, hiddenSeconds, waitSeconds });
  if (received.length === 0) return {};
  return { Messages: received.map((one) => told(queue, one, systemNames, names)) };
}

interface Poll {
  readonly max: number;
  readonly hiddenSeconds: number;
  readonly waitSeconds: number;
}

/** Looks, waits for the bell or for the next message to become visible, and looks again until the time is over. */
async function poll(request: SqsRequest, { arn }: Queue, { max, hiddenSeconds, waitSeconds }: Poll) {
  const { messages, queues, clock } = request;
  let isOver = waitSeconds === 0;
  const end = setTimeout(() => {
    isOver = true;
    messages.bells.ring(arn);
  }, waitSeconds * 1000);
  try {
    for (;;) {
      const queue = queues.get(arn);
      if (queue === undefined || request.isGone() || messages.bells.isOver) return [];
      const nowMs = clock();
      const nextMs = messages.nextVisibleMs(arn);
      if (nextMs !== undefined && nextMs <= nowMs) {
        const received = await messages.receive(queue, { max, nowMs, visibleMs: nowMs + hiddenSeconds * 1000 });
        if (received.length > 0) return received;
      }
      if (isOver) return [];
      const pauseMs = nextMs === undefined ? waitSeconds * 1000 : Math.max(nextMs - nowMs, LOOK_AGAIN_MS);
      await messages.bells.wait(arn, Math.min(pauseMs, waitSeconds * 1000));
    }
  } finally {
    clearTimeout(end);
  }
}

function told(queue: Queue, message: StoredMessage, systemNames: readonly string[], names: readonly string[]) {
  const system = systemAttributesOf(message);
  const shown = systemNames.includes("All")
    ? system
    : Object.fromEntries(Object.entries(system).filter(([name]) => systemNames.includes(name)));
  const attributes: MessageAttributes = Object.fromEntries(
    Object.entries(message.attributes).filter(([name]) => names.some((one) => isMeant(one, name))),
  );
  const md5 = md5OfAttributes(attributes);
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandle(queue.arn, message),
    MD5OfBody: md5OfBody(message.body),
    Body: message.body,
    ...(Object.keys(shown).length === 0 ? {} : { Attributes: shown }),
    ...(md5 === undefined ? {} : { MessageAttributes: attributes, MD5OfMessageAttributes: md5 }),
  };
}

/** `All`, `.*`, a name, or a prefix with `.*` behind it. */
function isMeant(wanted: string, name: string): boolean {
  if (wanted === "All" || wanted === ".*" || wanted === name) return true;
  return wanted.endsWith(".*") && name.startsWith(wanted.slice(0, -1));
}

function systemAttributesOf(message: StoredMessage): Readonly<Record<string, string>> {
  const { AWSTraceHeader } = message.systemAttributes;
  return {
    SenderId: message.sender,
    SentTimestamp: String(message.sentMs),
    ApproximateReceiveCount: String(message.received),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedMs),
    ...(AWSTraceHeader?.StringValue === undefined ? {} : { AWSTraceHeader: AWSTraceHeader.StringValue }),
    ...(message.sourceArn === undefined ? {} : { DeadLetterQueueSourceArn: message.sourceArn }),
  };
}

/** A handle of an earlier receive removes nothing, and nobody is told. */
export async function deleteMessage(request: SqsRequest) {
  const { arn } = request.queue();
  await request.messages.remove(arn, [receiptOf(arn, request.input)]);
  return undefined;
}

export async function deleteMessageBatch(request: SqsRequest) {
  const { arn } = request.queue();
  const receipts: Receipt[] = [];
  const outcomes = batchOf(request.input, request.action).map((entry) =>
    outcomeOf(entry, () => {
      receipts.push(receiptOf(arn, entry.input));
      return {};
    }),
  );
  await request.messages.remove(arn, receipts);
  return batchAnswer(outcomes);
}

export async function changeMessageVisibility(request: SqsRequest) {
  const { arn } = request.queue();
  const refusal = await changeVisibility(request, arn, visibilityOf(arn, request.input));
  if (refusal !== undefined) throw refusal;
  return undefined;
}

export async function changeMessageVisibilityBatch(request: SqsRequest) {
  const { arn } = request.queue();
  const entries = batchOf(request.input, request.action);
  const wanted = entries.map((entry) => ({ entry, parsed: parse(entry.id, arn, entry.input) }));
  const outcomes = await Promise.all(
    wanted.map(async ({ entry: { id }, parsed }) => {
      if (!("seconds" in parsed)) return parsed;
      const refusal = await changeVisibility(request, arn, parsed);
      return { id, outcome: refusal ?? {} };
    }),
  );
  return batchAnswer(outcomes);
}

function parse(id: string, arn: string, input: Input) {
  let visibility: Visibility | undefined;
  const outcome = outcomeOf({ id, input }, () => {
    visibility = visibilityOf(arn, input);
    return {};
  });
  return visibility ?? outcome;
}

interface Visibility {
  readonly receipt: Receipt;
  readonly seconds: number;
}

function visibilityOf(arn: string, input: Input): Visibility {
  const receipt = receiptOf(arn, input);
  const seconds = input.integer("VisibilityTimeout", VISIBILITY);
  if (seconds === undefined) throw missingParameter("VisibilityTimeout");
  return { receipt, seconds };
}

async function changeVisibility(
  { messages, clock }: SqsRequest,
  arn: string,
  { receipt, seconds }: Visibility,
): Promise<ServiceError | undefined> {
  const nowMs = clock();
  const outcome = await messages.delay(arn, receipt, { nowMs, visibleMs: nowMs + seconds * 1000 });
  if (outcome === "done") return undefined;
  if (outcome === "notInFlight") return sqsError("MessageNotInflight", "The message is not in flight.");
  return invalidParameter(
    "Value for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
  );
}

function receiptOf(arn: string, input: Input): Receipt {
  const handle = input.text("ReceiptHandle");
  const receipt = parseReceipt(arn, handle);
  if (receipt !== undefined) return receipt;
  throw sqsError("ReceiptHandleIsInvalid", `The input receipt handle "${handle}" is not a valid receipt handle.`);
}
