/**
 * The messages of all queues: rows of `sqs_messages`, and a bell for whoever waits for one.
 *
 * Handing out, moving to a dead-letter queue and removing what is too old are one transaction. Messages come in about the
 * order in which they could be received first; nothing promises that.
 */
import type { Connection, Database, Row } from "../../ledger/database.ts";
import { type Counts, numberOf, redriveOf } from "./attributes.ts";
import type { NewMessage, Queue, StoredMessage } from "./model.ts";

/** Rings for a queue when one of its messages may be received. */
export class Bells {
  readonly #waiting = new Map<string, Set<() => void>>();
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  ring(arn: string): void {
    for (const wake of this.#waiting.get(arn) ?? []) wake();
  }

  /** Nobody waits any more, now or later. */
  end(): void {
    this.#isOver = true;
    for (const arn of this.#waiting.keys()) this.ring(arn);
  }

  /** Resolves at the next ring, or after the time. */
  async wait(arn: string, ms: number): Promise<void> {
    if (this.#isOver) return;
    const waiting = this.#waiting.get(arn) ?? new Set();
    this.#waiting.set(arn, waiting);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(done);
        if (waiting.size === 0 && this.#waiting.get(arn) === waiting) this.#waiting.delete(arn);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waiting.add(done);
    });
  }
}

/** A message names the receive that it was handed out by: an older handle deletes nothing. */
export interface Receipt {
  readonly seq: number;
  readonly received: number;
}

export function receiptHandle(arn: string, { seq, received }: Receipt): string {
  return Buffer.from(JSON.stringify([seq, received, arn])).toString("base64");
}

/** Undefined for what is no handle of this queue. */
export function parseReceipt(arn: string, handle: string): Receipt | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(handle, "base64").toString());
    if (!Array.isArray(value) || value.length !== 3 || value[2] !== arn) return undefined;
    const [seq, received]: unknown[] = value;
    if (!Number.isSafeInteger(seq) || !Number.isSafeInteger(received)) return undefined;
    return { seq: Number(seq), received: Number(received) };
  } catch {
    return undefined;
  }
}

/** Messages that one receive moves to a dead-letter queue or finds too old, at most: the next one goes on. */
const SWEPT_MAX = 1000;

export function addMessages(connection: Connection, arn: string, messages: readonly NewMessage[]): void {
  const statement = connection.prepare(
    "INSERT INTO sqs_messages (queue, visible_ms, sent_ms, received, first_received_ms, message) VALUES (?, ?, ?, 0, 0, ?)",
  );
  for (const { visibleMs, sentMs, ...message } of messages) {
    statement.run(arn, visibleMs, sentMs, JSON.stringify(message));
  }
}

export class Messages {
  readonly bells = new Bells();
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async send(arn: string, messages: readonly NewMessage[]): Promise<void> {
    await this.#database.write((connection) => addMessages(connection, arn, messages));
    this.bells.ring(arn);
  }

  /** When the next message can be received, in the past where one can now; undefined for an empty queue. */
  nextVisibleMs(arn: string): number | undefined {
    const row = this.#database.committed
      .prepare("SELECT visible_ms FROM sqs_messages WHERE queue = ? ORDER BY visible_ms, seq LIMIT 1")
      .get(arn);
    return row === undefined ? undefined : Number(row["visible_ms"]);
  }

  /** @param visibleMs when what is handed out can be received again */
  async receive(
    queue: Queue,
    { max, nowMs, visibleMs }: { readonly max: number; readonly nowMs: number; readonly visibleMs: number },
  ): Promise<readonly StoredMessage[]> {
    const redrive = redriveOf(queue);
    const { received, isMoved } = await this.#database.write((connection) => {
      removeOld(connection, queue, nowMs);
      const isMoved = redrive !== undefined && moveDead(connection, queue, redrive, nowMs);
      const rows = connection
        .prepare("SELECT * FROM sqs_messages WHERE queue = ? AND visible_ms <= ? ORDER BY visible_ms, seq LIMIT ?")
        .all(queue.arn, nowMs, max);
      const update = connection.prepare(
        "UPDATE sqs_messages SET visible_ms = ?, received = ?, first_received_ms = ? WHERE seq = ?",
      );
      const received = rows.map((row) => {
        const before = messageOfRow(row);
        const firstReceivedMs = before.received === 0 ? nowMs : before.firstReceivedMs;
        update.run(visibleMs, before.received + 1, firstReceivedMs, before.seq);
        return { ...before, received: before.received + 1, firstReceivedMs };
      });
      return { received, isMoved };
    });
    if (isMoved && redrive !== undefined) this.bells.ring(redrive.targetArn);
    return received;
  }

  /** A message that was received again since is not touched. Idempotent. */
  async remove(arn: string, receipts: readonly Receipt[]): Promise<void> {
    await this.#database.write((connection) => {
      const statement = connection.prepare("DELETE FROM sqs_messages WHERE seq = ? AND queue = ? AND received = ?");
      for (const { seq, received } of receipts) statement.run(seq, arn, received);
    });
  }

  /** Moves when a message in flight can be received again. */
  async delay(
    arn: string,
    { seq, received }: Receipt,
    { nowMs, visibleMs }: { readonly nowMs: number; readonly visibleMs: number },
  ): Promise<"done" | "gone" | "notInFlight"> {
    const outcome = await this.#database.write((connection) => {
      const row = connection
        .prepare("SELECT visible_ms, received FROM sqs_messages WHERE seq = ? AND queue = ?")
        .get(seq, arn);
      if (row === undefined) return "gone";
      if (Number(row["visible_ms"]) <= nowMs || Number(row["received"]) !== received) return "notInFlight";
      connection.prepare("UPDATE sqs_messages SET visible_ms = ? WHERE seq = ?").run(visibleMs, seq);
      return "done";
    });
    this.bells.ring(arn);
    return outcome;
  }

  async purge(arn: string): Promise<void> {
    await this.#database.write((connection) => {
      connection.prepare("DELETE FROM sqs_messages WHERE queue = ?").run(arn);
    });
  }

  counts(arn: string, nowMs: number): Counts {
    const row = this.#database.committed
      .prepare(
        `SELECT count(*) FILTER (WHERE visible_ms <= ?2) AS visible,
                count(*) FILTER (WHERE visible_ms > ?2 AND received > 0) AS flying,
                count(*) FILTER (WHERE visible_ms > ?2 AND received = 0) AS delayed
         FROM sqs_messages WHERE queue = ?1`,
      )
      .get(arn, nowMs);
    return {
      ApproximateNumberOfMessages: Number(row?.["visible"] ?? 0),
      ApproximateNumberOfMessagesNotVisible: Number(row?.["flying"] ?? 0),
      ApproximateNumberOfMessagesDelayed: Number(row?.["delayed"] ?? 0),
    };
  }
}

function removeOld(connection: Connection, queue: Queue, nowMs: number): void {
  const beforeMs = nowMs - numberOf(queue, "MessageRetentionPeriod") * 1000;
  connection
    .prepare(
      "DELETE FROM sqs_messages WHERE seq IN (SELECT seq FROM sqs_messages WHERE queue = ? AND sent_ms < ? LIMIT ?)",
    )
    .run(queue.arn, beforeMs, SWEPT_MAX);
}

/** Moves what was received as often as it may be. Nothing is lost where the other queue is gone: it stays. */
function moveDead(
  connection: Connection,
  { arn }: Queue,
  { targetArn, receivesMax }: { readonly targetArn: string; readonly receivesMax: number },
  nowMs: number,
): boolean {
  if (connection.prepare("SELECT 1 FROM sqs_queues WHERE id = ?").get(targetArn) === undefined) return false;
  const { changes } = connection
    .prepare(
      `UPDATE sqs_messages SET queue = ?, source_arn = ?, visible_ms = ? WHERE seq IN
       (SELECT seq FROM sqs_messages WHERE queue = ? AND visible_ms <= ? AND received >= ? LIMIT ?)`,
    )
    .run(targetArn, arn, nowMs, arn, nowMs, receivesMax, SWEPT_MAX);
  return Number(changes) > 0;
}

function messageOfRow(row: Row): StoredMessage {
  const sourceArn = row["source_arn"];
  return {
    ...(JSON.parse(String(row["message"])) as Omit<NewMessage, "visibleMs" | "sentMs">),
    seq: Number(row["seq"]),
    sentMs: Number(row["sent_ms"]),
    received: Number(row["received"]),
    firstReceivedMs: Number(row["first_received_ms"]),
    ...(sourceArn === null ? {} : { sourceArn: String(sourceArn) }),
  };
}
