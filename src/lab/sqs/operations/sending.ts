/** SendMessage and SendMessageBatch. */
import { randomUUID } from "node:crypto";
import { numberOf } from "../attributes.ts";
import { invalidParameter, missingParameter, sqsError } from "../errors.ts";
import type { Input } from "../input.ts";
import { md5OfAttributes, md5OfBody } from "../md5.ts";
import type { MessageAttributes, NewMessage, Queue } from "../model.ts";
import type { SqsRequest } from "../request.ts";
import { type BatchEntry, batchAnswer, batchOf, outcomeOf } from "./batch.ts";

const DELAY = { min: 0, max: 900 };
const ATTRIBUTES_MAX = 10;
const BATCH_BYTES_MAX = 1_048_576;
/** What XML 1.0 can hold. */
const FORBIDDEN = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u;

export async function sendMessage(request: SqsRequest) {
  const queue = request.queue();
  const message = messageOf(request, queue, request.input);
  await request.messages.send(queue.arn, [message]);
  return told(message);
}

export async function sendMessageBatch(request: SqsRequest) {
  const queue = request.queue();
  const entries = batchOf(request.input, request.action);
  const sizeBytes = entries.reduce((sum, { input }) => sum + sizeOfEntry(input), 0);
  if (sizeBytes > BATCH_BYTES_MAX) {
    const message = `Batch requests cannot be longer than ${BATCH_BYTES_MAX} bytes. You have sent ${sizeBytes} bytes.`;
    throw sqsError("BatchRequestTooLong", message);
  }
  const made: NewMessage[] = [];
  const outcomes = entries.map((entry: BatchEntry) =>
    outcomeOf(entry, () => {
      const message = messageOf(request, queue, entry.input);
      made.push(message);
      return told(message);
    }),
  );
  if (made.length > 0) await request.messages.send(queue.arn, made);
  return batchAnswer(outcomes);
}

function sizeOfEntry(input: Input): number {
  return sizeOf(input.optionalText("MessageBody") ?? "", input.messageAttributes("MessageAttributes"));
}

function sizeOf(body: string, attributes: MessageAttributes): number {
  let size = Buffer.byteLength(body);
  for (const [name, { DataType, StringValue = "", BinaryValue = "" }] of Object.entries(attributes)) {
    size += Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue);
    size += Buffer.byteLength(BinaryValue, "base64");
  }
  return size;
}

function messageOf(request: SqsRequest, queue: Queue, input: Input): NewMessage {
  const body = input.text("MessageBody");
  if (body === "") throw missingParameter("MessageBody");
  if (FORBIDDEN.test(body)) {
    throw sqsError(
      "InvalidMessageContents",
      "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.",
    );
  }
  const attributes = input.messageAttributes("MessageAttributes");
  if (Object.keys(attributes).length > ATTRIBUTES_MAX) {
    throw invalidParameter(
      `Number of message attributes [${Object.keys(attributes).length}] exceeds the allowed maximum [${ATTRIBUTES_MAX}].`,
    );
  }
  const bytesMax = numberOf(queue, "MaximumMessageSize");
  if (sizeOf(body, attributes) > bytesMax) {
    throw invalidParameter(
      `One or more parameters are invalid. Reason: Message must be shorter than ${bytesMax} bytes.`,
    );
  }
  const delaySeconds = input.integer("DelaySeconds", DELAY) ?? numberOf(queue, "DelaySeconds");
  const sentMs = request.clock();
  return {
    id: randomUUID(),
    body,
    attributes,
    systemAttributes: input.messageAttributes("MessageSystemAttributes"),
    sender: request.sender,
    sentMs,
    visibleMs: sentMs + delaySeconds * 1000,
  };
}

/** What the sender is told of a message. */
function told({ id, body, attributes, systemAttributes }: NewMessage): Readonly<Record<string, unknown>> {
  const ofAttributes = md5OfAttributes(attributes);
  const ofSystem = md5OfAttributes(systemAttributes);
  return {
    MessageId: id,
    MD5OfMessageBody: md5OfBody(body),
    ...(ofAttributes === undefined ? {} : { MD5OfMessageAttributes: ofAttributes }),
    ...(ofSystem === undefined ? {} : { MD5OfMessageSystemAttributes: ofSystem }),
  };
}
