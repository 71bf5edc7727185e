/** SQS of the lab put together: its skin, and the door through which other services of the lab send. */
import { randomUUID } from "node:crypto";
import type { Database } from "../../ledger/database.ts";
import type { Authoriser, Caller, Identity, Skin } from "../model.ts";
import type { EventQueues, EventSource } from "../s3/events/delivery.ts";
import { numberOf } from "./attributes.ts";
import { addMessages, Messages } from "./messages.ts";
import { Queues } from "./queues.ts";
import { createSqsSkin } from "./skin.ts";

export interface SqsOptions {
  readonly database: Database;
  readonly identity: Identity;
  readonly authoriser: Authoriser;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
}

export interface SqsService {
  readonly sqsSkin: Skin;
  /** How S3 sends: its queues' policies are asked. */
  readonly eventQueues: EventQueues;
  /** Ends every wait for a message; nobody waits afterwards. */
  stop(): void;
}

const EVENT_SENDER = {
  principal: { kind: "service", service: "s3.amazonaws.com" },
  accessKeyId: "",
  identity: [],
} as const satisfies Caller;

export function createSqs({ database, identity, authoriser, clock }: SqsOptions): SqsService {
  const queues = new Queues(database);
  const messages = new Messages(database);
  function refusalOf(arn: string, from: EventSource): string | undefined {
    const queue = queues.get(arn);
    if (queue === undefined) return "The destination queue does not exist";
    const resourcePolicy = queues.policyOf(queue);
    const { allowed } = authoriser.decide(EVENT_SENDER, {
      action: "sqs:SendMessage",
      resource: arn,
      resourceAccount: queue.account,
      context: { "aws:sourcearn": from.bucketArn, "aws:sourceaccount": from.account },
      ...(resourcePolicy === undefined ? {} : { resourcePolicy }),
    });
    return allowed
      ? undefined
      : "Permissions on the destination queue do not allow S3 to publish notifications from this bucket";
  }

  const eventQueues: EventQueues = {
    refusalOf,
    send(connection, arn, body) {
      const queue = queues.get(arn);
      const sentMs = clock();
      const visibleMs = sentMs + (queue === undefined ? 0 : numberOf(queue, "DelaySeconds") * 1000);
      const sender = EVENT_SENDER.principal.service;
      const message = { id: randomUUID(), body, attributes: {}, systemAttributes: {}, sender, sentMs, visibleMs };
      addMessages(connection, arn, [message]);
    },
    ring: (arn) => messages.bells.ring(arn),
  };

  return {
    eventQueues,
    sqsSkin: createSqsSkin({ queues, messages, identity, authoriser, clock }),
    stop: () => messages.bells.end(),
  };
}
