/**
 * A Store that is asked no more than so much: requests and bytes in a second, and requests at once.
 *
 * Calls wait in the order in which they come. Bytes that are sent are counted before they go, bytes that are read when
 * their length is known, so that it is the next call that waits for them. A second's worth may go at once.
 */
import { S3Error } from "./errors.ts";
import { type Around, intercepted } from "./intercepted.ts";
import type { Payload, Store } from "./store.ts";

export interface StoreLimits {
  readonly requestsPerSecond?: number;
  readonly bytesPerSecond?: number;
  readonly inFlight?: number;
}

/** Time, as the caller has it. */
export interface LimitClock {
  nowMs(): number;
  /** Resolves after the time, or when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What all Stores of one site share. */
export class Limiter {
  readonly #clock: LimitClock;
  readonly #requests: Rate | undefined;
  readonly #bytes: Rate | undefined;
  readonly #places: Places | undefined;

  constructor(limits: StoreLimits, clock: LimitClock) {
    this.#clock = clock;
    this.#requests = limits.requestsPerSecond === undefined ? undefined : new Rate(limits.requestsPerSecond);
    this.#bytes = limits.bytesPerSecond === undefined ? undefined : new Rate(limits.bytesPerSecond);
    this.#places = limits.inFlight === undefined ? undefined : new Places(limits.inFlight);
  }

  /** The store within the limits; the same one where there are none. */
  limit(store: Store): Store {
    if ((this.#requests ?? this.#bytes ?? this.#places) === undefined) return store;
    return intercepted(store, this.#around);
  }

  readonly #around: Around = async ({ name, request, signal }, ask) => {
    await this.#places?.take();
    try {
      const nowMs = this.#clock.nowMs();
      const sent = "body" in request ? sizeOf(request.body as Payload) : 0;
      const waitMs = Math.max(this.#requests?.take(1, nowMs) ?? 0, this.#bytes?.take(sent, nowMs) ?? 0);
      if (waitMs > 0) await this.#clock.sleep(waitMs, signal ?? NEVER);
      if (signal?.aborted === true) {
        const { bucket } = request;
        throw new S3Error("cut short while it waited for its turn", { operation: name, bucket, network: "aborted" });
      }
      const reply = await ask(request);
      this.#bytes?.take(readBytes(reply), this.#clock.nowMs());
      return reply;
    } finally {
      this.#places?.give();
    }
  };
}

const NEVER = new AbortController().signal;

function sizeOf(body: Payload): number {
  return body instanceof Uint8Array ? body.byteLength : body.sizeBytes;
}

function readBytes(reply: unknown): number {
  if (typeof reply !== "object" || reply === null || !("body" in reply)) return 0;
  return (reply as { readonly body: { readonly sizeBytes: number } }).body.sizeBytes;
}

const BURST_MS = 1000;

/** So many in a second: the time up to which everything is spoken for. */
class Rate {
  readonly #perMs: number;
  #takenUntilMs = Number.NEGATIVE_INFINITY;

  constructor(perSecond: number) {
    this.#perMs = perSecond / 1000;
  }

  /** Takes so many, and says how long to wait for them. */
  take(count: number, nowMs: number): number {
    const fromMs = Math.max(this.#takenUntilMs, nowMs - BURST_MS);
    if (count > 0) this.#takenUntilMs = fromMs + count / this.#perMs;
    return Math.max(0, this.#takenUntilMs - nowMs);
  }
}

/** So many at once, the others in a row. */
class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number) {
    this.#free = places;
  }

  async take(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    await new Promise<void>((turn) => this.#waiting.push(turn));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}
