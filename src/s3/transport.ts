/**
 * Connections to stores: undici's pool, one request at a time on each connection, nothing retried and no redirect
 * followed.
 */
import type { Agent as AgentInstance, Dispatcher } from "undici";
import { S3Error } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { type CallName, failedCall } from "./network-errors.ts";
import type { PayloadStream } from "./payload.ts";
import type { CallOptions } from "./store.ts";
import { Agent } from "./undici.ts";

export interface TransportOptions {
  /** Connections to one origin; further requests wait. */
  readonly connectionsMax: number;
  readonly connectTimeoutMs: number;
  /** From the last byte of the request to the headers of the answer. undici's clock ticks every half second. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of a body. */
  readonly bodyIdleTimeoutMs: number;
  /** Certificates to trust in place of the well-known ones, in PEM: what `AWS_CA_BUNDLE` holds. */
  readonly ca?: string;
}

/** A signed request. */
export interface WireRequest {
  readonly call: CallName;
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Path and query as they go over the wire: nothing is normalised. */
  readonly path: string;
  /** One character per byte. */
  readonly headers: Record<string, string>;
  readonly body: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** What a streamed body is made of; closed when the call is over. */
  readonly source: PayloadStream | undefined;
  /** Default: the transport's. */
  readonly headersTimeoutMs: number | undefined;
}

/** Sends signed requests over kept-alive connections. */
export class Transport {
  readonly #agent: AgentInstance;
  readonly #headersTimeoutMs: number;

  constructor(options: TransportOptions) {
    this.#headersTimeoutMs = options.headersTimeoutMs;
    this.#agent = new Agent({
      connections: options.connectionsMax,
      pipelining: 1,
      headersTimeout: options.headersTimeoutMs,
      bodyTimeout: options.bodyIdleTimeoutMs,
      connect: {
        timeout: options.connectTimeoutMs,
        ...(options.ca === undefined ? {} : { ca: options.ca }),
      },
    });
  }

  /** Fulfilled by the headers of an answer, of whatever status. Rejects with an S3Error. */
  send(request: WireRequest, options: CallOptions = {}): Promise<Exchange> {
    const { source } = request;
    return source === undefined ? this.#dispatch(request, options) : this.#dispatchStream(request, source, options);
  }

  /** Closes every connection; calls under way are cancelled. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #dispatchStream(request: WireRequest, source: PayloadStream, options: CallOptions): Promise<Exchange> {
    try {
      return await this.#dispatch(request, options);
    } catch (error) {
      // The source's own error says more than that the upload was broken off because of it.
      if (source.error instanceof S3Error) throw source.error;
      if (source.error === undefined) throw error;
      throw failedCall("aborted", request.call, source.error, "the payload's source failed");
    } finally {
      source.release();
    }
  }

  #dispatch(request: WireRequest, { signal, mayWrite }: CallOptions): Promise<Exchange> {
    const { call, method, path, headers, body, headersTimeoutMs = this.#headersTimeoutMs } = request;
    if (signal?.aborted) return Promise.reject(failedCall("aborted", call, signal.reason));
    const asked = method === "GET" || method === "HEAD" ? { signal } : { signal, mayWrite };
    return new Promise((resolve, reject) => {
      const options = {
        origin: call.origin,
        method,
        path,
        headers,
        // The type does not know that undici takes any async iterable.
        body: (body ?? null) as Dispatcher.DispatchOptions["body"] & object,
        headersTimeout: headersTimeoutMs,
        // Without this undici closes the connection after every HEAD.
        reset: false,
      };
      this.#agent.dispatch(options, new Exchange(call, { resolve, reject }, asked));
    });
  }
}
