/** The nouns of SQS: queues as they are kept, and messages as they go in and come out. */

/** A standard queue. FIFO queues are not emulated. */
export interface Queue {
  /** `arn:aws:sqs:REGION:ACCOUNT:NAME` */
  readonly arn: string;
  readonly account: string;
  readonly region: string;
  readonly name: string;
  readonly createdMs: number;
  readonly modifiedMs: number;
  /** Those that were set, as they were set; the others have their defaults. */
  readonly attributes: QueueAttributes;
  readonly tags: Readonly<Record<string, string>>;
  readonly purgedMs?: number;
}

export type QueueAttributes = Readonly<Partial<Record<string, string>>>;

export function queueArn(region: string, account: string, name: string): string {
  return `arn:aws:sqs:${region}:${account}:${name}`;
}

/** Exactly one of the two values, by the type. */
export interface MessageAttribute {
  /** `String`, `Number` or `Binary`, and whatever the sender put behind a dot. */
  readonly DataType: string;
  readonly StringValue?: string;
  /** Base64. */
  readonly BinaryValue?: string;
}

export type MessageAttributes = Readonly<Record<string, MessageAttribute>>;

export interface NewMessage {
  readonly id: string;
  readonly body: string;
  readonly attributes: MessageAttributes;
  readonly systemAttributes: MessageAttributes;
  /** As `SenderId` tells it. */
  readonly sender: string;
  readonly sentMs: number;
  /** From when on it can be received. */
  readonly visibleMs: number;
}

export interface StoredMessage extends Omit<NewMessage, "visibleMs"> {
  /** Grows in the order of sending; never used again. */
  readonly seq: number;
  readonly received: number;
  readonly firstReceivedMs: number;
  /** The queue that it was moved out of, for it was received too often. */
  readonly sourceArn?: string;
}
