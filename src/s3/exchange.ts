/**
 * One request and its answer on the wire: what undici tells piece by piece, as a promise and a body.
 *
 * States, and what leaves them:
 * - *waiting*: the request is queued or on its way. An answer's headers lead to *answered*; a network error or an
 *   aborted signal to *failed*, and the promise rejects.
 * - *answered*: the promise is fulfilled; the body's bytes come in. They queue up to a limit, then the connection is
 *   paused until somebody takes them. The last byte leads to *ended*; a network error, an aborted signal or `cancel`
 *   to *failed*.
 * - *ended*: the connection is free again; the queue may still hold bytes.
 * - *failed*: the connection is closed; whoever reads the body gets the error, also in place of queued bytes.
 *
 * Not here: what an answer means.
 */
import type { Dispatcher } from "undici";
import { assert } from "../core/assert.ts";
import type { S3Error } from "./errors.ts";
import { type CallName, failedCall, networkError } from "./network-errors.ts";
import type { Body, CallOptions } from "./store.ts";

type State = "waiting" | "answered" | "ended" | "failed";

/** So much of a body is held for its reader before the connection is paused. */
const QUEUED_BYTES_MAX = 256 * 1024;
/** A cancelled body that has less than this to come is read to its end: cheaper than a new connection. */
const DRAINED_BYTES_MAX = 64 * 1024;

/** Made for one request, handed to undici as its handler, and to the caller as the answer. */
export class Exchange implements Dispatcher.DispatchHandler, Body {
  readonly call: CallName;
  readonly #settle: { resolve(exchange: Exchange): void; reject(error: S3Error): void };
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  readonly #mayStart: (() => boolean) | undefined;

  #state: State = "waiting";
  #error: S3Error | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #status = 0;
  #headers: Readonly<Record<string, string | string[] | undefined>> = {};

  /** Undefined for an answer without `content-length`. */
  #announcedBytes: number | undefined;
  #receivedBytes = 0;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #mode: "unread" | "whole" | "stream" | "discarded" = "unread";
  #whole: { readonly target: Uint8Array | undefined; readonly bytesMax: number } | undefined;
  #wake: (() => void) | undefined;

  constructor(
    call: CallName,
    settle: { resolve(exchange: Exchange): void; reject(error: S3Error): void },
    { signal, mayWrite }: { readonly [member in keyof CallOptions]: CallOptions[member] | undefined } = {},
  ) {
    this.call = call;
    this.#settle = settle;
    this.#mayStart = mayWrite;
    if (signal === undefined) return;
    this.#signal = signal;
    this.#onAbort = () => this.#fail(failedCall("aborted", this.call, signal.reason));
    signal.addEventListener("abort", this.#onAbort);
  }

  get status(): number {
    return this.#status;
  }

  /** The value of an answer's header, one character per byte; several values are joined by a comma. */
  header(name: string): string | undefined {
    const value = this.#headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Names of all headers, in lower case. */
  headerNames(): string[] {
    return Object.keys(this.#headers);
  }

  // What undici calls.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A request that was cancelled while it waited for a connection must not be sent. Throwing keeps the connection.
    if (this.#error !== undefined) throw this.#error;
    if (this.#mayStart?.() === false)
      throw failedCall("aborted", this.call, undefined, "it was not sent: it is too late");
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): void {
    if (status < 200 || this.#state !== "waiting") return;
    this.#state = "answered";
    this.#status = status;
    this.#headers = headers;
    const length = this.header("content-length");
    this.#announcedBytes = length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined;
    this.#settle.resolve(this);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    this.#receivedBytes += chunk.byteLength;
    if (this.#mode === "discarded" || this.#state !== "answered") return;
    if (this.#whole?.target !== undefined) {
      this.#whole.target.set(chunk, this.#receivedBytes - chunk.byteLength);
      return;
    }
    this.#queue.push(chunk);
    this.#queuedBytes += chunk.byteLength;
    if (this.#whole === undefined) {
      if (this.#queuedBytes >= QUEUED_BYTES_MAX) controller.pause();
    } else if (this.#queuedBytes > this.#whole.bytesMax) {
      this.#fail(
        failedCall("protocol", this.call, undefined, `the answer is longer than ${this.#whole.bytesMax} bytes`),
      );
      return;
    }
    if (this.#mode === "stream") this.#wakeUp();
  }

  onResponseEnd(): void {
    if (this.#state !== "answered") return;
    this.#state = "ended";
    this.#letGoOfSignal();
    this.#wakeUp();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(networkError(error, this.call, this.#state === "answered" ? "body" : "request"));
  }

  // What the reader of the answer calls.

  get sizeBytes(): number {
    assert(this.#announcedBytes !== undefined, "the answer's length was required before its body was handed out");
    return this.#announcedBytes;
  }

  /** Whether the answer said how long its body is. */
  get hasLength(): boolean {
    return this.#announcedBytes !== undefined;
  }

  bytes(): Promise<Uint8Array> {
    return this.#readWhole(Number.POSITIVE_INFINITY);
  }

  /** Like `bytes`, for bodies whose length nobody vouches for: one of more than `bytesMax` is a protocol error. */
  bytesUpTo(bytesMax: number): Promise<Uint8Array> {
    return this.#readWhole(bytesMax);
  }

  stream(): AsyncIterable<Uint8Array> {
    this.#begin("stream");
    const iterator: AsyncIterator<Uint8Array> = {
      next: () => this.#next(),
      return: () => {
        this.cancel();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
    return { [Symbol.asyncIterator]: () => iterator };
  }

  cancel(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
    if (this.#state !== "answered") return;
    const leftBytes = (this.#announcedBytes ?? Number.POSITIVE_INFINITY) - this.#receivedBytes;
    if (leftBytes > DRAINED_BYTES_MAX) {
      this.#fail(failedCall("aborted", this.call));
      return;
    }
    this.#mode = "discarded";
    this.#controller?.resume();
  }

  #begin(mode: "whole" | "stream"): void {
    assert(this.#mode === "unread", "a body is read once");
    this.#mode = mode;
  }

  async #readWhole(bytesMax: number): Promise<Uint8Array> {
    this.#begin("whole");
    if (this.#state === "answered") {
      const size = this.#announcedBytes;
      if (size !== undefined && size <= bytesMax) {
        const target = Buffer.allocUnsafeSlow(size);
        let at = 0;
        for (const chunk of this.#queue) {
          target.set(chunk, at);
          at += chunk.byteLength;
        }
        this.#queue = [];
        this.#whole = { target, bytesMax };
      } else {
        this.#whole = { target: undefined, bytesMax };
      }
      this.#controller?.resume();
      while (this.#state === "answered") await this.#nextEvent();
    }
    if (this.#error !== undefined) throw this.#error;
    if (this.#whole?.target !== undefined) return this.#whole.target;
    const [only, second] = this.#queue;
    return only !== undefined && second === undefined ? only : Buffer.concat(this.#queue);
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    while (this.#error === undefined) {
      const value = this.#queue.shift();
      if (value !== undefined) {
        this.#queuedBytes -= value.byteLength;
        if (this.#queuedBytes === 0) this.#controller?.resume();
        return { done: false, value };
      }
      if (this.#state !== "answered" || this.#mode === "discarded") return { done: true, value: undefined };
      await this.#nextEvent();
    }
    throw this.#error;
  }

  #nextEvent(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #letGoOfSignal(): void {
    if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
  }

  #fail(error: S3Error): void {
    if (this.#state === "failed" || this.#state === "ended") return;
    const wasWaiting = this.#state === "waiting";
    this.#state = "failed";
    this.#error = error;
    this.#queue = [];
    this.#letGoOfSignal();
    this.#controller?.abort(error);
    if (wasWaiting) this.#settle.reject(error);
    this.#wakeUp();
  }
}
