/** A queue of SQS as far as somebody needs it who takes messages off it. Holds nothing of what messages mean. */
import type { SQS } from "@aws-sdk/client-sqs";
import { type AwsAccess, clientSettings } from "./access.ts";
import { asked } from "./errors.ts";

export interface QueueMessage {
  readonly id: string;
  /** By which this receipt of the message is deleted or held back. */
  readonly receipt: string;
  readonly body: string;
  /** How often it has been received, this time included. */
  readonly receives: number;
}

export interface QueueAttributes {
  /** About how many wait. */
  readonly messages: number;
  /** Messages that are received again and again go to another queue. */
  readonly hasDeadLetters: boolean;
}

/** What SQS takes in one call. */
export const BATCH_MAX = 10;

export class SqsQueue {
  readonly url: string;
  readonly #access: AwsAccess;
  #client: Promise<SQS> | undefined;

  constructor(access: AwsAccess, url: string) {
    this.#access = access;
    this.url = url;
  }

  /** Waits up to `waitSeconds` for the first of up to ten messages. @throws AwsError */
  async receive(
    request: { readonly waitSeconds: number; readonly visibilitySeconds: number },
    signal: AbortSignal,
  ): Promise<QueueMessage[]> {
    const sqs = await this.#sqs();
    const answer = sqs.receiveMessage(
      {
        QueueUrl: this.url,
        MaxNumberOfMessages: BATCH_MAX,
        WaitTimeSeconds: request.waitSeconds,
        VisibilityTimeout: request.visibilitySeconds,
        MessageSystemAttributeNames: ["ApproximateReceiveCount"],
      },
      { abortSignal: signal },
    );
    const { Messages = [] } = await asked("sqs", "ReceiveMessage", answer);
    return Messages.map(({ MessageId, ReceiptHandle, Body, Attributes }) => ({
      id: MessageId ?? "",
      receipt: ReceiptHandle ?? "",
      body: Body ?? "",
      receives: Number(Attributes?.ApproximateReceiveCount ?? 1),
    }));
  }

  /** Removes messages, up to ten. One that cannot be removed comes again. @throws AwsError */
  async delete(receipts: readonly string[]): Promise<void> {
    const Entries = receipts.map((ReceiptHandle, index) => ({ Id: String(index), ReceiptHandle }));
    const sqs = await this.#sqs();
    await asked("sqs", "DeleteMessageBatch", sqs.deleteMessageBatch({ QueueUrl: this.url, Entries }));
  }

  /** Keeps messages, up to ten, from coming again for so long from now on. @throws AwsError */
  async hold(receipts: readonly string[], visibilitySeconds: number): Promise<void> {
    const Entries = receipts.map((ReceiptHandle, index) => ({
      Id: String(index),
      ReceiptHandle,
      VisibilityTimeout: visibilitySeconds,
    }));
    const sqs = await this.#sqs();
    const answer = sqs.changeMessageVisibilityBatch({ QueueUrl: this.url, Entries });
    await asked("sqs", "ChangeMessageVisibilityBatch", answer);
  }

  /** @throws AwsError */
  async attributes(): Promise<QueueAttributes> {
    const sqs = await this.#sqs();
    const AttributeNames = ["ApproximateNumberOfMessages" as const, "RedrivePolicy" as const];
    const answer = sqs.getQueueAttributes({ QueueUrl: this.url, AttributeNames });
    const { Attributes = {} } = await asked("sqs", "GetQueueAttributes", answer);
    return {
      messages: Number(Attributes["ApproximateNumberOfMessages"] ?? 0),
      hasDeadLetters: Attributes["RedrivePolicy"] !== undefined,
    };
  }

  async close(): Promise<void> {
    (await this.#client)?.destroy();
  }

  async #sqs(): Promise<SQS> {
    this.#client ??= import("@aws-sdk/client-sqs").then((sdk) => new sdk.SQS(clientSettings(this.#access)));
    return await this.#client;
  }
}
