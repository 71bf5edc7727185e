/** SQS of the lab put together: its skin, and the door through which other services of the lab send. */
import type { Database } from "../../ledger/database.ts";
import type { Authoriser, Identity, Skin } from "../model.ts";
import { Messages } from "./messages.ts";
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
  /** Ends every wait for a message; nobody waits afterwards. */
  stop(): void;
}

export function createSqs({ database, identity, authoriser, clock }: SqsOptions): SqsService {
  const queues = new Queues(database);
  const messages = new Messages(database);
  return {
    sqsSkin: createSqsSkin({ queues, messages, identity, authoriser, clock }),
    stop: () => messages.bells.end(),
  };
}
