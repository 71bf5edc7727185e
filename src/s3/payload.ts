/**
 * What goes over the wire as a body: bytes as they are, or a stream, framed where a checksum or signatures have to go
 * along with it.
 *
 * A stream that is handed in is read with back-pressure, never gathered, and always closed: read to its end, or told to
 * `return` when the call is over before that.
 */

import { checksumHeader } from "./checksum.ts";
import type { ChunkSigning } from "./chunked.ts";
import { encodeChunked, encodedLength } from "./chunked.ts";
import type { ProviderProfile } from "./profiles.ts";
import type { Headers } from "./requests.ts";
import {
  EMPTY_PAYLOAD_HASH,
  hashPayload,
  STREAMING_PAYLOAD,
  STREAMING_PAYLOAD_TRAILER,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  UNSIGNED_PAYLOAD,
} from "./sigv4.ts";
import type { ChecksumAlgorithm, Payload } from "./store.ts";

/** A body before its request is signed. */
export interface PreparedPayload {
  /** What stands for it under the signature. */
  readonly payloadHash: string;
  /** Present when chunks are signed, one chained to the other. */
  readonly signsChunks: boolean;
  readonly source?: PayloadStream;
  /** @param signing needed when `signsChunks` */
  body(signing: ChunkSigning | undefined): Uint8Array | AsyncIterable<Uint8Array> | undefined;
}

/**
 * Decides how a body is sent, and adds the headers that say so.
 *
 * @param isTls whether the connection protects the bytes already
 */
export function preparePayload(
  payload: Payload | undefined,
  headers: Headers,
  profile: ProviderProfile,
  isTls: boolean,
): PreparedPayload {
  if (payload === undefined) {
    return { payloadHash: EMPTY_PAYLOAD_HASH, signsChunks: false, body: () => undefined };
  }
  if (payload instanceof Uint8Array) {
    const isProtected = isTls && Object.keys(headers).some((name) => name.startsWith("x-amz-checksum-"));
    const isHashed = profile.payloadSigning === "always" || !isProtected;
    return {
      payloadHash: isHashed ? hashPayload(payload) : UNSIGNED_PAYLOAD,
      signsChunks: false,
      body: () => payload,
    };
  }
  const { sizeBytes, stream } = payload;
  const source = new PayloadStream(stream);
  const signsChunks = profile.payloadSigning === "always";
  const trailer = profile.trailers ? payload.trailer : undefined;
  if (!signsChunks && trailer === undefined) {
    headers["content-length"] = String(sizeBytes);
    return { payloadHash: UNSIGNED_PAYLOAD, signsChunks, source, body: () => source };
  }
  addFraming(headers, sizeBytes, signsChunks, trailer);
  return {
    payloadHash: framedHash(signsChunks, trailer),
    signsChunks,
    source,
    body: (signing) => encodeChunked(source, framing(sizeBytes, signing, trailer)),
  };
}

function framing(sizeBytes: number, signing: ChunkSigning | undefined, trailer: ChecksumAlgorithm | undefined) {
  return {
    sizeBytes,
    ...(signing === undefined ? {} : { signing }),
    ...(trailer === undefined ? {} : { trailer }),
  };
}

function framedHash(signsChunks: boolean, trailer: ChecksumAlgorithm | undefined): string {
  if (!signsChunks) return STREAMING_UNSIGNED_PAYLOAD_TRAILER;
  return trailer === undefined ? STREAMING_PAYLOAD : STREAMING_PAYLOAD_TRAILER;
}

function addFraming(
  headers: Headers,
  sizeBytes: number,
  signsChunks: boolean,
  trailer: ChecksumAlgorithm | undefined,
): void {
  const own = headers["content-encoding"];
  headers["content-encoding"] = own === undefined ? "aws-chunked" : `aws-chunked,${own}`;
  headers["x-amz-decoded-content-length"] = String(sizeBytes);
  headers["content-length"] = String(encodedLength({ signsChunks, sizeBytes, ...(trailer ? { trailer } : {}) }));
  if (trailer !== undefined) headers["x-amz-trailer"] = checksumHeader(trailer);
}

/** A stream on its way: remembers why its source failed, and closes it. */
export class PayloadStream implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  #isDone = false;
  /** What the source failed of; undefined while it did not. */
  error: unknown;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return { next: () => this.#next(), return: () => this.#return() };
  }

  /** Closes the source unless it was read to its end. Idempotent; a source that fails at it is not listened to. */
  release(): void {
    void this.#return();
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    if (this.#isDone) return { done: true, value: undefined };
    try {
      const next = await this.#source.next();
      if (next.done) this.#isDone = true;
      return next;
    } catch (error) {
      this.#isDone = true;
      this.error ??= error;
      throw error;
    }
  }

  async #return(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#isDone) {
      this.#isDone = true;
      try {
        await this.#source.return?.();
      } catch {
        // Nobody waits for these bytes any more; what the source failed of before this is in `error`.
      }
    }
    return { done: true, value: undefined };
  }
}
