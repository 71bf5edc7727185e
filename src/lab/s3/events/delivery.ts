/**
 * Takes events off the outbox and brings them where they go: at least once, and those of one key in their order.
 *
 * A queue gets its message in the transaction that takes the event off, so it gets it once. A webhook may get an event
 * again after a crash. What is not taken is tried again, later and later, and is let go after a day, as S3 does.
 */

import { bucketArn } from "../../../core/arn.ts";
import type { Connection, Database, Row } from "../../../ledger/database.ts";
import type { Webhooks } from "./webhooks.ts";

/** The queues of the lab, as S3 sends to them. */
export interface EventQueues {
  /** Why nothing can be sent there; undefined when it can. */
  refusalOf(arn: string, from: EventSource): string | undefined;
  /** Sends, in a transaction; who does calls `ring` after the commit. */
  send(connection: Connection, arn: string, body: string): void;
  ring(arn: string): void;
}

/** The bucket that sends. */
export interface EventSource {
  readonly bucketArn: string;
  readonly account: string;
}

export interface DeliveryOptions {
  readonly database: Database;
  readonly queues: EventQueues;
  readonly webhooks: Webhooks;
  readonly clock: () => number;
  /** Told of what went wrong with the record; what was to be delivered is tried again. */
  readonly onFault: (error: unknown) => void;
}

type Kind = "queue" | "webhook";

const AT_ONCE: Readonly<Record<Kind, number>> = { queue: 100, webhook: 8 };
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 60_000;
const KEEP_MS_MAX = 24 * 3_600_000;

interface OutboxEvent {
  readonly seq: number;
  readonly target: string;
  readonly source: EventSource;
  readonly lane: readonly [target: string, bucket: string, key: string];
  readonly atMs: number;
  readonly tries: number;
  readonly body: string;
}

/** One line for queues and one for webhooks, so that a slow one does not hold up the others. */
export class Delivery {
  readonly #lines: readonly Line[];
  readonly #over = new AbortController();
  #running: Promise<unknown> | undefined;

  constructor(options: DeliveryOptions) {
    this.#lines = [new Line("queue", options, this.#over.signal), new Line("webhook", options, this.#over.signal)];
  }

  /** Delivers until `stop`. Call once. */
  start(): void {
    this.#running = Promise.all(this.#lines.map((one) => one.run()));
  }

  /** Tells that there may be events. */
  wake(): void {
    for (const line of this.#lines) line.wake();
  }

  /** Ends after what is being written now; a post under way is cut short and done again. Idempotent. */
  async stop(): Promise<void> {
    this.#over.abort();
    this.wake();
    await this.#running;
  }
}

class Line {
  readonly #kind: Kind;
  readonly #options: DeliveryOptions;
  readonly #over: AbortSignal;
  #isAwake = true;
  #wake: (() => void) | undefined;

  constructor(kind: Kind, options: DeliveryOptions, over: AbortSignal) {
    this.#kind = kind;
    this.#options = options;
    this.#over = over;
  }

  wake(): void {
    this.#isAwake = true;
    this.#wake?.();
  }

  async run(): Promise<void> {
    while (!this.#over.aborted) {
      this.#isAwake = false;
      try {
        // One instant for both questions, or what becomes due between them would be overlooked.
        const nowMs = this.#options.clock();
        if (!(await this.#step(nowMs)) && !this.#isAwake) await this.#pause(this.#untilDueMs(nowMs));
      } catch (error) {
        // The record cannot be read or written, for want of room perhaps: later it may be.
        this.#options.onFault(error);
        await this.#pause(RETRY_MS_MAX);
      }
    }
  }

  /** False when nothing was due. */
  async #step(nowMs: number): Promise<boolean> {
    const events = this.#due(nowMs);
    if (events.length === 0) return false;
    if (this.#kind === "queue") await this.#toQueues(events);
    else await Promise.all(events.map((one) => this.#toWebhook(one)));
    return true;
  }

  #due(nowMs: number): OutboxEvent[] {
    return this.#options.database.committed
      .prepare(
        `SELECT * FROM s3_events AS one WHERE kind = ? AND due_ms <= ? AND NOT EXISTS (
           SELECT 1 FROM s3_events AS other
           WHERE other.target = one.target AND other.bucket = one.bucket AND other.key = one.key AND other.seq < one.seq
         ) ORDER BY due_ms, seq LIMIT ?`,
      )
      .all(this.#kind, nowMs, AT_ONCE[this.#kind])
      .map(eventOfRow);
  }

  /** Undefined when nothing waits for its time. */
  #untilDueMs(nowMs: number): number | undefined {
    const row = this.#options.database.committed
      .prepare("SELECT due_ms FROM s3_events WHERE kind = ? AND due_ms > ? ORDER BY due_ms LIMIT 1")
      .get(this.#kind, nowMs);
    return row === undefined ? undefined : Math.min(Number(row["due_ms"]) - nowMs, RETRY_MS_MAX);
  }

  /** Until the time is over, or somebody wakes it. */
  async #pause(ms: number | undefined): Promise<void> {
    if (this.#over.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #toQueues(events: readonly OutboxEvent[]): Promise<void> {
    const { database, queues } = this.#options;
    const rung = await database.write((connection) => {
      const rung = new Set<string>();
      for (const event of events) {
        if (queues.refusalOf(event.target, event.source) !== undefined) this.#postpone(connection, event);
        else {
          queues.send(connection, event.target, event.body);
          takeOff(connection, event);
          rung.add(event.target);
        }
      }
      return rung;
    });
    for (const arn of rung) queues.ring(arn);
  }

  async #toWebhook(event: OutboxEvent): Promise<void> {
    const { database, webhooks } = this.#options;
    const isTaken = await webhooks.post(event.target, event.body, this.#over);
    if (this.#over.aborted && !isTaken) return;
    await database.write((connection) => {
      if (isTaken) takeOff(connection, event);
      else this.#postpone(connection, event);
    });
  }

  /** The whole lane waits, so that nothing of it is looked at before it is due. */
  #postpone(connection: Connection, event: OutboxEvent): void {
    const nowMs = this.#options.clock();
    if (nowMs - event.atMs > KEEP_MS_MAX) {
      takeOff(connection, event);
      return;
    }
    const dueMs = nowMs + Math.min(RETRY_MS_MIN * 2 ** Math.min(event.tries, 20), RETRY_MS_MAX);
    connection.prepare("UPDATE s3_events SET tries = tries + 1 WHERE seq = ?").run(event.seq);
    connection
      .prepare("UPDATE s3_events SET due_ms = ? WHERE target = ? AND bucket = ? AND key = ?")
      .run(dueMs, ...event.lane);
  }
}

function takeOff(connection: Connection, { seq, lane, tries, atMs }: OutboxEvent): void {
  connection.prepare("DELETE FROM s3_events WHERE seq = ?").run(seq);
  if (tries === 0) return;
  // Those that waited behind it need not wait longer.
  connection.prepare("UPDATE s3_events SET due_ms = ? WHERE target = ? AND bucket = ? AND key = ?").run(atMs, ...lane);
}

function eventOfRow(row: Row): OutboxEvent {
  const [target, bucket] = [String(row["target"]), String(row["bucket"])];
  return {
    seq: Number(row["seq"]),
    target,
    source: { bucketArn: bucketArn(bucket), account: String(row["account"]) },
    lane: [target, bucket, String(row["key"])],
    atMs: Number(row["at_ms"]),
    tries: Number(row["tries"]),
    body: String(row["body"]),
  };
}
