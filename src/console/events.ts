/**
 * Server-sent events: what everybody who has the page open is told as it happens.
 *
 * What is told is read once for all, and told when it differs from what was told before. Every listener is owed the latest of
 * each kind and nothing older: whoever reads slowly gets less, and nothing queues up. A listener whose session has ended is
 * hung up on.
 */
import { DatabaseError } from "../ledger/database-error.ts";

/** Something that listeners are told the state of. */
export interface LiveTopic<Value = never> {
  /** The event's name. */
  readonly name: string;
  readonly everyMs: number;
  /** Undefined while there is nothing to tell. */
  readonly read: () => Promise<unknown>;
  /** What tells whether it differs; without it the whole. */
  readonly gistOf?: (value: Value) => unknown;
}

export interface LiveEventsOptions {
  readonly clock: () => number;
  readonly topics: readonly LiveTopic[];
  /** Told of faults of ours. */
  readonly onFault: (error: unknown) => void;
}

export const LISTENERS_MAX = 2000;
/** How often is looked whether anything is due. */
const TICK_MS = 250;
const PING_MS = 15_000;
const RETRY_MS = 2000;
/** Of so many things that have happened the latest is owed to those who read slowly. */
const HAPPENED_MAX = 200;
/** What is handed over to a socket before it has to take some of it. */
const BUFFER_BYTES = 64 * 1024;

interface Listener {
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  readonly isOver: () => boolean;
  /** Names of what it is owed. */
  readonly owed: Set<string>;
}

interface Topic extends LiveTopic {
  dueAtMs: number;
  gist?: string;
}

export class LiveEvents {
  readonly #options: LiveEventsOptions;
  readonly #topics: readonly Topic[];
  readonly #listeners = new Set<Listener>();
  /** What was told last, by name; as it goes over the wire. */
  readonly #latest = new Map<string, Uint8Array>();
  /** Names of what was told from outside, the oldest first. */
  readonly #happened = new Set<string>();
  /** Told from outside since the last tick. */
  readonly #told = new Map<string, { readonly event: string; readonly value: unknown }>();
  #timer: NodeJS.Timeout | undefined;
  #pingAtMs = 0;
  #isTicking = false;

  constructor(options: LiveEventsOptions) {
    this.#options = options;
    this.#topics = options.topics.map((one) => ({ ...one, dueAtMs: 0 }));
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /**
   * A new listener's events, beginning with the latest of everything; undefined when there are too many.
   *
   * @param now what is to be told besides, by event
   */
  open(
    isOver: () => boolean,
    now: readonly { readonly event: string; readonly value: unknown }[],
  ): ReadableStream<Uint8Array> | undefined {
    if (this.#listeners.size >= LISTENERS_MAX) return undefined;
    let listener: Listener | undefined;
    const stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const owed = new Set([...this.#latest.keys()].filter((name) => !this.#happened.has(name)));
          listener = { controller, isOver, owed };
          controller.enqueue(encoded(`retry: ${RETRY_MS}\n\n`));
          for (const { event, value } of now) controller.enqueue(messageOf(event, value));
          this.#listeners.add(listener);
          this.#give(listener);
        },
        pull: () => {
          if (listener !== undefined) this.#give(listener);
        },
        cancel: () => {
          if (listener !== undefined) this.#forget(listener);
        },
      },
      { highWaterMark: BUFFER_BYTES, size: (chunk) => chunk.byteLength },
    );
    this.#start();
    return stream;
  }

  /** Tells what has happened, at the next tick. @param name under which a later one takes its place */
  tell(name: string, event: string, value: unknown): void {
    if (this.#listeners.size > 0) this.#told.set(name, { event, value });
  }

  /** Reads what is due and tells it. Called by a timer while somebody listens. */
  async tick(): Promise<void> {
    if (this.#isTicking) return;
    this.#isTicking = true;
    try {
      for (const one of this.#listeners) if (one.isOver()) this.#hangUp(one);
      for (const [name, { event, value }] of this.#told) this.#spreadHappened(name, messageOf(event, value));
      this.#told.clear();
      for (const topic of this.#topics) await this.#readIfDue(topic);
      this.#pingIfDue();
      if (this.#listeners.size === 0) this.#stop();
    } finally {
      this.#isTicking = false;
    }
  }

  /** Hangs up on everybody. */
  close(): void {
    for (const one of this.#listeners) this.#hangUp(one);
    this.#stop();
  }

  async #readIfDue(topic: Topic): Promise<void> {
    const nowMs = this.#options.clock();
    if (topic.dueAtMs > nowMs || this.#listeners.size === 0) return;
    topic.dueAtMs = nowMs + topic.everyMs;
    try {
      const value = await topic.read();
      if (value === undefined) return;
      const gist = JSON.stringify(topic.gistOf === undefined ? value : topic.gistOf(value as never));
      if (gist === topic.gist) return;
      topic.gist = gist;
      this.#latest.delete("trouble");
      this.#spread(topic.name, messageOf(topic.name, value));
    } catch (error) {
      if (!(error instanceof DatabaseError)) this.#options.onFault(error);
      // The page shows what it knows, and that it is not of now; it is told anew when it can be read again.
      delete topic.gist;
      this.#spread("trouble", messageOf("trouble", { error: error instanceof Error ? error.message : String(error) }));
    }
  }

  #pingIfDue(): void {
    const nowMs = this.#options.clock();
    if (nowMs < this.#pingAtMs) return;
    this.#pingAtMs = nowMs + PING_MS;
    this.#spread("ping", messageOf("ping", { atMs: nowMs }));
    this.#latest.delete("ping");
  }

  /** Whoever comes later is told of it in other ways. */
  #spreadHappened(name: string, message: Uint8Array): void {
    this.#happened.delete(name);
    this.#happened.add(name);
    this.#spread(name, message);
    const [oldest] = this.#happened;
    if (this.#happened.size <= HAPPENED_MAX || oldest === undefined) return;
    this.#happened.delete(oldest);
    this.#latest.delete(oldest);
  }

  #spread(name: string, message: Uint8Array): void {
    this.#latest.set(name, message);
    for (const listener of this.#listeners) {
      if (isFree(listener)) {
        listener.controller.enqueue(message);
        listener.owed.delete(name);
      } else listener.owed.add(name);
    }
  }

  /** As much of what it is owed as it takes. What is not told any more is not owed. */
  #give(listener: Listener): void {
    for (const name of listener.owed) {
      if (!isFree(listener)) return;
      listener.owed.delete(name);
      const message = this.#latest.get(name);
      if (message !== undefined) listener.controller.enqueue(message);
    }
  }

  #hangUp(listener: Listener): void {
    this.#forget(listener);
    listener.controller.close();
  }

  #forget(listener: Listener): void {
    this.#listeners.delete(listener);
  }

  #start(): void {
    this.#timer ??= setInterval(() => void this.tick().catch(this.#options.onFault), TICK_MS).unref();
  }

  /** Who comes next is to be told what is so then. */
  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#latest.clear();
    this.#happened.clear();
    this.#told.clear();
    for (const topic of this.#topics) {
      topic.dueAtMs = 0;
      delete topic.gist;
    }
  }
}

function isFree({ controller }: Listener): boolean {
  return (controller.desiredSize ?? 0) > 0;
}

const encoder = new TextEncoder();

function encoded(text: string): Uint8Array {
  return encoder.encode(text);
}

function messageOf(event: string, value: unknown): Uint8Array {
  return encoded(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
}
