/**
 * The body of an HTTP request, checked against what was signed while it is read.
 *
 * Reading it lets a waiting client go on (`Expect: 100-continue`), so nothing reads it before the call is authorised.
 */
import { createHash, hash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { ChunkedError, decodeChunked } from "../s3/chunked.ts";
import {
  STREAMING_PAYLOAD,
  STREAMING_PAYLOAD_TRAILER,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  UNSIGNED_PAYLOAD,
} from "../s3/sigv4.ts";
import type { Authenticated, WireRequest } from "./authenticate.ts";
import { ServiceError } from "./model.ts";
import type { IncomingBody } from "./s3/call.ts";
import { s3Error } from "./s3/errors.ts";

/** Reads a whole body. @throws ServiceError past the limit, IncompleteBody when the client goes away */
export function readAll(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  if (request.destroyed && !request.readableEnded) return Promise.reject(s3Error("IncompleteBody"));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bytesMax) chunks.push(chunk);
      else {
        request.pause();
        reject(tooLarge(bytesMax));
      }
    });
    let isWhole = false;
    request.on("end", () => {
      isWhole = true;
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    });
    // A client that goes away ends with `close` and without `end`.
    request.on("close", () => {
      if (!isWhole) reject(s3Error("IncompleteBody"));
    });
    request.on("error", () => reject(s3Error("IncompleteBody")));
  });
}

/** Encodings of the body in frames, by what stands in `x-amz-content-sha256`. */
const FRAMED: ReadonlySet<string> = new Set([
  STREAMING_PAYLOAD,
  STREAMING_PAYLOAD_TRAILER,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
]);

/** @param proceed lets a waiting client send its body */
export function bodyOfS3(
  request: IncomingMessage,
  { headers }: WireRequest,
  authenticated: Authenticated,
  proceed: () => void,
): IncomingBody {
  const kind = headers["x-amz-content-sha256"] ?? UNSIGNED_PAYLOAD;
  return FRAMED.has(kind)
    ? framedBody(request, headers, kind, authenticated, proceed)
    : plainBody(request, headers, kind === UNSIGNED_PAYLOAD ? undefined : kind.toLowerCase(), proceed);
}

function plainBody(
  request: IncomingMessage,
  headers: WireRequest["headers"],
  payloadHash: string | undefined,
  proceed: () => void,
): IncomingBody {
  return {
    sizeBytes: plainSize(headers),
    trailers: () => NO_TRAILERS,
    async bytes(bytesMax) {
      proceed();
      const bytes = await readAll(request, bytesMax);
      if (payloadHash !== undefined) requireHash(payloadHash, hash("sha256", bytes, "hex"));
      return bytes;
    },
    async *stream() {
      proceed();
      const sha256 = payloadHash === undefined ? undefined : createHash("sha256");
      for await (const chunk of chunksOf(request)) {
        sha256?.update(chunk);
        yield chunk;
      }
      if (payloadHash !== undefined && sha256 !== undefined) requireHash(payloadHash, sha256.digest("hex"));
    },
  };
}

const NO_TRAILERS: Readonly<Record<string, string>> = {};

function framedBody(
  request: IncomingMessage,
  headers: WireRequest["headers"],
  kind: string,
  { signed }: Authenticated,
  proceed: () => void,
): IncomingBody {
  const sizeBytes = sizeOf(headers["x-amz-decoded-content-length"]);
  const trailerNames = (headers["x-amz-trailer"] ?? "")
    .split(",")
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== "");
  const isSigned = kind !== STREAMING_UNSIGNED_PAYLOAD_TRAILER && signed !== undefined;
  const decoded = decodeChunked(chunksOf(request), {
    sizeBytes: sizeBytes ?? 0,
    trailerNames,
    ...(isSigned
      ? {
          signing: {
            secretAccessKey: signed.secretAccessKey,
            scope: signed.claim.scope,
            amzDate: signed.amzDate,
            seedSignature: signed.claim.signature,
          },
        }
      : {}),
  });
  async function* stream(): AsyncGenerator<Uint8Array> {
    proceed();
    try {
      yield* decoded.bytes;
    } catch (error) {
      if (error instanceof ChunkedError)
        throw new ServiceError(error.code, error.code === "SignatureDoesNotMatch" ? 403 : 400, error.message);
      throw error;
    }
  }
  return {
    sizeBytes,
    trailers: () => decoded.trailers,
    stream,
    async bytes(bytesMax) {
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const chunk of stream()) {
        size += chunk.length;
        if (size > bytesMax) throw tooLarge(bytesMax);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
  };
}

/** The chunks of a request as they come. @throws ServiceError IncompleteBody when the client goes away */
async function* chunksOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of request) yield chunk as Buffer;
  } catch {
    throw s3Error("IncompleteBody");
  }
}

/** Without a length there is no body, unless the client sends one in HTTP's own chunks: then its size is not known. */
function plainSize(headers: WireRequest["headers"]): number | undefined {
  if (headers["content-length"] !== undefined) return sizeOf(headers["content-length"]);
  return headers["transfer-encoding"] === undefined ? 0 : undefined;
}

function sizeOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function tooLarge(bytesMax: number): Error {
  return s3Error("MaxMessageLengthExceeded", { details: { MaxMessageLengthBytes: String(bytesMax) } });
}

function requireHash(claimed: string, computed: string): void {
  if (claimed === computed) return;
  throw s3Error("XAmzContentSHA256Mismatch", {
    details: { ClientComputedContentSHA256: claimed, S3ComputedContentSHA256: computed },
  });
}
