/** One call of SQS on its way through an operation: who asks, about which queue, and whether they may. */

import { principalContext } from "../../core/iam/context.ts";
import type { RequestContext } from "../../core/iam/model.ts";
import type { Authoriser, Caller, Identity } from "../model.ts";
import { queueDoesNotExist, sqsError } from "./errors.ts";
import type { Input } from "./input.ts";
import type { Messages } from "./messages.ts";
import { type Queue, queueArn } from "./model.ts";
import type { Queues } from "./queues.ts";

/** What the operations are built on. */
export interface SqsParts {
  readonly queues: Queues;
  readonly messages: Messages;
  readonly identity: Identity;
  readonly authoriser: Authoriser;
  readonly clock: () => number;
}

/** An operation: the members of its answer, or nothing. */
export type SqsOperation = (request: SqsRequest) => Promise<Readonly<Record<string, unknown>> | undefined>;

export interface SqsCall {
  readonly caller: Caller;
  readonly action: string;
  readonly input: Input;
  readonly region: string;
  /** `http://HOST:PORT`, as the client knows this lab. */
  readonly baseUrl: string;
  readonly context: RequestContext;
  readonly isGone: () => boolean;
}

/**
 * Actions that no policy allows to another account's principals.
 *
 * @source SQS Developer Guide, "Limitations of Amazon SQS custom policies"
 */
const OWN_ACCOUNT_ONLY: ReadonlySet<string> = new Set([
  "CreateQueue",
  "DeleteQueue",
  "ListQueues",
  "ListQueueTags",
  "SetQueueAttributes",
  "TagQueue",
  "UntagQueue",
]);

const QUEUE_PATH = /\/(\d{12})\/([A-Za-z0-9_-]{1,80}(?:\.fifo)?)\/?$/;

export class SqsRequest {
  readonly queues: Queues;
  readonly messages: Messages;
  readonly identity: Identity;
  readonly accountId: string;
  readonly region: string;
  readonly input: Input;
  readonly action: string;
  readonly clock: () => number;
  readonly isGone: () => boolean;
  readonly #call: SqsCall;
  readonly #authoriser: Authoriser;

  /** @throws ServiceError MissingAuthenticationToken for callers without an account */
  constructor(parts: SqsParts, call: SqsCall) {
    const { principal } = call.caller;
    if (!("accountId" in principal)) {
      throw sqsError("MissingAuthenticationToken", "Request is missing Authentication Token", 403);
    }
    this.accountId = principal.accountId;
    this.queues = parts.queues;
    this.messages = parts.messages;
    this.identity = parts.identity;
    this.clock = parts.clock;
    this.region = call.region;
    this.input = call.input;
    this.action = call.action;
    this.isGone = call.isGone;
    this.#call = call;
    this.#authoriser = parts.authoriser;
  }

  /** The caller's id, as messages and policies tell it. */
  get sender(): string {
    return String(principalContext(this.#call.caller.principal)["aws:userid"] ?? this.accountId);
  }

  urlOf({ account, name }: Queue): string {
    return `${this.#call.baseUrl}/${account}/${name}`;
  }

  /**
   * The queue that `QueueUrl` names, after asking for permission. A batch needs the permission of its single call.
   *
   * @throws ServiceError QueueDoesNotExist, AccessDenied
   */
  queue(): Queue {
    const [, account, name] = QUEUE_PATH.exec(this.input.text("QueueUrl")) ?? [];
    if (account === undefined || name === undefined) {
      throw sqsError(
        "InvalidAddress",
        `The address ${this.input.text("QueueUrl")} is not valid for this endpoint.`,
        404,
      );
    }
    return this.named(account, name);
  }

  /** @throws ServiceError QueueDoesNotExist, AccessDenied */
  named(account: string, name: string): Queue {
    const queue = this.queues.get(queueArn(this.region, account, name));
    this.authorise(account, name, queue);
    if (queue === undefined) throw queueDoesNotExist();
    return queue;
  }

  /** @param queue undefined where there is none yet. @throws ServiceError AccessDenied */
  authorise(account: string, name: string, queue: Queue | undefined): void {
    // Of other accounts' queues everybody is told whether they exist.
    if (queue === undefined && account !== this.accountId) throw queueDoesNotExist();
    const single = this.action.replace(/Batch$/, "");
    const policy = queue === undefined ? undefined : this.queues.policyOf(queue);
    const isCapped = account !== this.accountId && OWN_ACCOUNT_ONLY.has(single);
    const ask = {
      action: `sqs:${single}`,
      resource: queueArn(this.region, account, name),
      resourceAccount: account,
      context: this.#call.context,
      ...(policy === undefined || isCapped ? {} : { resourcePolicy: policy }),
    };
    const decision = this.#authoriser.decide(this.#call.caller, ask);
    if (decision.allowed) return;
    throw sqsError("AccessDenied", this.#authoriser.denial(this.#call.caller, ask, decision), 403);
  }
}
