/**
 * Takes notifications off a queue. A message is removed when everything that it calls for is durable; until then it is
 * held, so that it comes again only when this engine is gone.
 *
 * While a store is away its messages are tried again here: every receipt counts for the queue's redrive policy, which is
 * there for messages that nobody understands. Those are told and left to it.
 */
import { setMaxListeners } from "node:events";
import { AwsError } from "../../aws/errors.ts";
import { BATCH_MAX, type QueueMessage, type SqsQueue } from "../../aws/sqs.ts";
import { S3Error } from "../../s3/errors.ts";
import { isPassing } from "../outage.ts";
import type { Clock } from "../ports.ts";
import { Wakeup } from "../wakeup.ts";
import { NotTakenError } from "./dirty-keys.ts";
import type { NotificationReceiver, Sender } from "./receiver.ts";

export interface QueueIntakeOptions {
  readonly queue: Pick<SqsQueue, "receive" | "delete" | "hold">;
  readonly receiver: Pick<NotificationReceiver, "take">;
  readonly sender: Sender;
  readonly clock: Clock;
  readonly onTrouble: (says: string) => void;
}

const WAIT_SECONDS = 20;
const VISIBILITY_SECONDS = 60;
const HOLD_EVERY_MS = 20_000;
/** Messages that are held at once; no others are asked for meanwhile. */
const HELD_MAX = 200;
/** Receives under way at once. */
const RECEIVES_AT_ONCE = 3;
const DELETE_AFTER_MS = 50;
const RETRY_MS = 1000;
const RETRY_MS_MAX = 60_000;

export class QueueIntake {
  readonly #options: QueueIntakeOptions;
  readonly #held = new Map<string, QueueMessage>();
  /** To be deleted. */
  #done: string[] = [];
  readonly #doneOne = new Wakeup();
  #isAway = false;

  constructor(options: QueueIntakeOptions) {
    this.#options = options;
  }

  /** Takes messages until the signal is aborted. Rejects only for bugs, and when the ledger is broken. */
  async run(signal: AbortSignal): Promise<void> {
    const ends = new AbortController();
    const stop = AbortSignal.any([signal, ends.signal]);
    // Every message that waits listens to it: that is no leak.
    setMaxListeners(0, stop);
    let broken: unknown;
    const breakOff = (error: unknown) => {
      broken ??= error;
      ends.abort();
    };
    const receiving = Array.from({ length: RECEIVES_AT_ONCE }, () => this.#receive(stop, breakOff));
    const parts = [...receiving, this.#holdOn(stop), this.#deleteOn(stop)];
    await Promise.all(parts.map((one) => one.catch(breakOff)));
    await this.#delete();
    if (broken !== undefined) throw broken;
  }

  async #receive(signal: AbortSignal, breakOff: (error: unknown) => void): Promise<void> {
    const { queue, clock } = this.#options;
    const request = { waitSeconds: WAIT_SECONDS, visibilitySeconds: VISIBILITY_SECONDS };
    const handling = new Set<Promise<void>>();
    let failures = 0;
    while (!signal.aborted) {
      if (this.#held.size + BATCH_MAX > HELD_MAX) {
        await Promise.race(handling.size > 0 ? handling : [clock.sleep(DELETE_AFTER_MS, signal)]);
        continue;
      }
      const messages = await this.#asked(() => queue.receive(request, signal), signal);
      failures = messages === undefined ? failures + 1 : 0;
      if (messages === undefined) await clock.sleep(backoffMs(failures), signal);
      for (const message of messages ?? []) {
        const one = this.#handle(message, signal)
          .catch(breakOff)
          .finally(() => handling.delete(one));
        handling.add(one);
      }
    }
    await Promise.all(handling);
  }

  async #handle(message: QueueMessage, signal: AbortSignal): Promise<void> {
    const { receiver, sender, clock } = this.#options;
    this.#held.set(message.receipt, message);
    try {
      for (let failures = 1; !signal.aborted; failures++) {
        try {
          const { problems } = await receiver.take(message.body, sender);
          if (problems.length > 0) return;
          this.#done.push(message.receipt);
          this.#doneOne.wake();
          return;
        } catch (error) {
          if (!(error instanceof S3Error || error instanceof NotTakenError || isPassing(error))) throw error;
        }
        await clock.sleep(backoffMs(failures), signal);
      }
    } finally {
      this.#held.delete(message.receipt);
    }
  }

  /** Together with those that are done soon after. */
  async #deleteOn(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#doneOne.wait(signal);
      if (this.#done.length < BATCH_MAX) await this.#options.clock.sleep(DELETE_AFTER_MS, signal);
      await this.#delete();
    }
  }

  async #delete(): Promise<void> {
    const receipts = this.#done;
    this.#done = [];
    for (let at = 0; at < receipts.length; at += BATCH_MAX) {
      // What stays comes again, and calls for nothing then.
      await this.#asked(() => this.#options.queue.delete(receipts.slice(at, at + BATCH_MAX)), NEVER);
    }
  }

  async #holdOn(signal: AbortSignal): Promise<void> {
    const { queue, clock } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(HOLD_EVERY_MS, signal);
      const receipts = signal.aborted ? [] : [...this.#held.keys()];
      for (let at = 0; at < receipts.length; at += BATCH_MAX) {
        await this.#asked(() => queue.hold(receipts.slice(at, at + BATCH_MAX), VISIBILITY_SECONDS), signal);
      }
    }
  }

  /** Undefined when the queue did not answer as it should: that is told once, until it does again. */
  async #asked<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    const { sender, onTrouble } = this.#options;
    try {
      const answer = await ask();
      if (this.#isAway) onTrouble(`${sender.name}: answers again`);
      this.#isAway = false;
      return answer;
    } catch (error) {
      if (signal.aborted) return undefined;
      // An S3Error is about credentials: without them nothing is asked at all.
      if (!(error instanceof AwsError || error instanceof S3Error)) throw error;
      if (!this.#isAway) onTrouble(`${sender.name}: ${error.message}`);
      this.#isAway = true;
      return undefined;
    }
  }
}

function backoffMs(failures: number): number {
  return Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(failures - 1, 10));
}

const NEVER = new AbortController().signal;
