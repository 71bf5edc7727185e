/** One call of S3 as the brain sees it: who asks, and the bytes that come with it. No HTTP. */
import type { RequestContext } from "../../core/iam/model.ts";
import type { Caller, ServiceCall } from "../model.ts";

export interface S3Call {
  readonly caller: Caller;
  /** The region the call was signed for. */
  readonly region: string;
  readonly requestId: string;
  readonly nowMs: number;
  /** Condition keys of the whole request, names in lower case. */
  readonly context: RequestContext;
  /** Whether the caller offers to pay (`x-amz-request-payer`): buckets with Requester Pays want that of other accounts. */
  readonly paysRequest?: boolean;
}

/** The bytes of a request. Exactly one of `bytes` and `stream` may be called, once. */
export interface IncomingBody {
  /** How many bytes were announced; undefined when the sender did not say. */
  readonly sizeBytes: number | undefined;
  /** All of them. Throws ServiceError when there are more, or they are not those that were signed. */
  bytes(bytesMax: number): Promise<Uint8Array>;
  stream(): AsyncIterable<Uint8Array>;
  /** Trailing headers, names in lower case; complete after the last byte. */
  trailers(): Readonly<Record<string, string>>;
}

/** A call over HTTP, its body as a stream: what `server.ts` hands to the skin of S3. */
export interface IncomingCall extends ServiceCall {
  readonly body: IncomingBody;
}

/** Bytes that do not come from a client: of another version, or of a caller in this process. */
export function bodyOf(bytes: Uint8Array | AsyncIterable<Uint8Array>, sizeBytes: number): IncomingBody {
  return {
    sizeBytes,
    async bytes() {
      if (bytes instanceof Uint8Array) return bytes;
      const chunks: Uint8Array[] = [];
      for await (const chunk of bytes) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    async *stream() {
      if (bytes instanceof Uint8Array) yield bytes;
      else yield* bytes;
    },
    trailers: () => ({}),
  };
}

/** The service in whose name replicas are written. */
export const REPLICATION_SERVICE = "s3.amazonaws.com";

/** Whether the caller is a role that S3 itself assumed to replicate: only then may a call say what a replica is. */
export function isReplicator(call: S3Call): boolean {
  return call.caller.invokedBy === REPLICATION_SERVICE;
}
