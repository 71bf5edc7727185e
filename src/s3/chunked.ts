/**
 * The `aws-chunked` content encoding, both ways: the client frames a body so that its checksum may follow it, the lab
 * takes the frames off and verifies what they say.
 *
 * ```
 * 10000;chunk-signature=ad80…\r\n <65536 bytes> \r\n
 * 400;chunk-signature=0055…\r\n   <1024 bytes>  \r\n
 * 0;chunk-signature=b6c6…\r\n
 * x-amz-checksum-crc32c:sOO8/Q==\r\n
 * x-amz-trailer-signature:d81f…\r\n
 * \r\n
 * ```
 * Unsigned bodies lack both kinds of signatures. Data is passed on as views of the buffers it came in; only a signed
 * chunk is held back while it is encoded, because its signature stands in front of it.
 *
 * Not here: which encoding a request uses (`x-amz-content-sha256` says it), and comparing a trailing checksum with the
 * data's.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, …/sigv4-streaming-trailers.html
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { checksumHeader, createHasher, DIGEST_BYTES } from "./checksum.ts";
import { chunkStringToSign, type SigningScope, signature, trailerStringToSign } from "./sigv4.ts";
import type { ChecksumAlgorithm } from "./store.ts";

/** The codes under which S3 refuses such a body. */
export type ChunkedProblem =
  | "SignatureDoesNotMatch"
  | "IncompleteBody"
  | "InvalidChunkSizeError"
  | "MalformedTrailerError";

/** Says why a body is not what its frames announce. */
export class ChunkedError extends Error {
  override readonly name = "ChunkedError";
  readonly code: ChunkedProblem;

  constructor(code: ChunkedProblem, message: string) {
    super(message);
    this.code = code;
  }
}

/** What chunk signatures are chained to. */
export interface ChunkSigning {
  readonly secretAccessKey: string;
  readonly scope: SigningScope;
  /** `x-amz-date` of the request. */
  readonly amzDate: string;
  /** The signature in the request's `authorization`. */
  readonly seedSignature: string;
}

export interface EncodeOptions {
  /** Of the data. */
  readonly sizeBytes: number;
  /** Of the data in every chunk but the last; S3 wants 8 KiB or more. */
  readonly chunkBytes?: number;
  readonly signing?: ChunkSigning;
  /** Computed while the data passes, and sent behind it. */
  readonly trailer?: ChecksumAlgorithm;
}

/** Every chunk but the last must hold this much. */
const CHUNK_BYTES_MIN = 8192;
const CHUNK_BYTES_DEFAULT = 256 * 1024;
const SIGNATURE_LENGTH = 64;
const TRAILER_SIGNATURE = "x-amz-trailer-signature";
const NO_BYTES = new Uint8Array(0);

/** The `content-length` of the encoded body. It is signed, so it is needed before there is a signature to chain to. */
export function encodedLength(options: Omit<EncodeOptions, "signing"> & { readonly signsChunks: boolean }): number {
  const { sizeBytes, chunkBytes = CHUNK_BYTES_DEFAULT, signsChunks, trailer } = options;
  const extension = signsChunks ? ";chunk-signature=".length + SIGNATURE_LENGTH : 0;
  const framed = (size: number) => size.toString(16).length + extension + 2 + size + 2;

  const lastBytes = sizeBytes % chunkBytes;
  let length = ((sizeBytes - lastBytes) / chunkBytes) * framed(chunkBytes) + framed(0);
  if (lastBytes > 0) length += framed(lastBytes);
  if (trailer === undefined) return length;
  length += checksumHeader(trailer).length + 1 + Math.ceil(DIGEST_BYTES[trailer] / 3) * 4 + 2;
  return signsChunks ? length + TRAILER_SIGNATURE.length + 1 + SIGNATURE_LENGTH + 2 : length;
}

/**
 * Frames a body.
 *
 * @throws ChunkedError `IncompleteBody` when the source holds fewer or more bytes than announced
 */
export async function* encodeChunked(
  source: AsyncIterable<Uint8Array>,
  options: EncodeOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { sizeBytes, chunkBytes = CHUNK_BYTES_DEFAULT, signing, trailer } = options;
  const checksum = trailer === undefined ? undefined : await createHasher(trailer);
  const chain = signing === undefined ? undefined : new SignatureChain(signing);

  let leftBytes = sizeBytes;
  let chunkSize = 0;
  let chunkLeft = 0;
  let held: Uint8Array[] = [];
  for await (const piece of source) {
    let rest = piece;
    while (rest.byteLength > 0) {
      if (chunkLeft === 0) {
        if (leftBytes === 0) throw new ChunkedError("IncompleteBody", `the body is longer than ${sizeBytes} bytes`);
        chunkSize = Math.min(chunkBytes, leftBytes);
        chunkLeft = chunkSize;
        leftBytes -= chunkSize;
        if (chain === undefined) yield latin1(`${chunkSize.toString(16)}\r\n`);
      }
      const data = rest.subarray(0, chunkLeft);
      rest = rest.subarray(data.byteLength);
      chunkLeft -= data.byteLength;
      checksum?.update(data);
      chain?.update(data);
      if (chain === undefined) yield data;
      else held.push(data);
      if (chunkLeft > 0) continue;
      if (chain !== undefined) {
        yield latin1(`${chunkSize.toString(16)};chunk-signature=${chain.signChunk()}\r\n`);
        yield* held;
        held = [];
      }
      yield LINE_BREAK;
    }
  }
  if (leftBytes + chunkLeft > 0) {
    throw new ChunkedError("IncompleteBody", `the body ended ${leftBytes + chunkLeft} bytes early`);
  }
  let end = chain === undefined ? "0\r\n" : `0;chunk-signature=${chain.signChunk()}\r\n`;
  if (trailer !== undefined && checksum !== undefined) {
    const trailers = { [checksumHeader(trailer)]: checksum.digest() };
    end += `${checksumHeader(trailer)}:${trailers[checksumHeader(trailer)]}\r\n`;
    if (chain !== undefined) end += `${TRAILER_SIGNATURE}:${chain.signTrailers(trailers)}\r\n`;
  }
  yield latin1(`${end}\r\n`);
}

export interface DecodeOptions {
  /** Of the data: `x-amz-decoded-content-length`. */
  readonly sizeBytes: number;
  /** Chunks and trailers must be signed if this is given; otherwise they are not. */
  readonly signing?: ChunkSigning;
  /** The names that `x-amz-trailer` announces, in lower case; the body must bring each of them, and no other. */
  readonly trailerNames?: readonly string[];
}

export interface DecodedBody {
  /**
   * The data. It is handed on before its chunk's signature is verified, so nothing may be kept of it until the end is
   * reached without an error.
   */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** Complete when `bytes` has ended; names in lower case. */
  readonly trailers: Readonly<Record<string, string>>;
}

/** A chunk's head is its size and its signature: some 90 bytes. */
const CHUNK_LINE_BYTES_MAX = 512;
const TRAILERS_BYTES_MAX = 16 * 1024;

/**
 * Takes the frames off a body and verifies its sizes, chunk signatures and trailer signature.
 *
 * @throws ChunkedError from `bytes`
 */
export function decodeChunked(source: AsyncIterable<Uint8Array>, options: DecodeOptions): DecodedBody {
  const trailers: Record<string, string> = {};
  return { bytes: decode(source, options, trailers), trailers };
}

async function* decode(
  source: AsyncIterable<Uint8Array>,
  options: DecodeOptions,
  trailers: Record<string, string>,
): AsyncGenerator<Uint8Array, void, void> {
  const { sizeBytes, signing, trailerNames = [] } = options;
  const chain = signing === undefined ? undefined : new SignatureChain(signing);
  const reader = new ByteReader(source);
  try {
    let totalBytes = 0;
    let previousSize = CHUNK_BYTES_MIN;
    for (;;) {
      const head = parseChunkHead(await reader.line(CHUNK_LINE_BYTES_MAX, "IncompleteBody"));
      if (head.size > 0 && previousSize < CHUNK_BYTES_MIN) {
        throw new ChunkedError("InvalidChunkSizeError", `a chunk before the last has ${previousSize} bytes only`);
      }
      previousSize = head.size;
      totalBytes += head.size;
      if (totalBytes > sizeBytes) {
        throw new ChunkedError("IncompleteBody", `the chunks hold more than the ${sizeBytes} bytes announced`);
      }
      for (let left = head.size; left > 0; ) {
        const data = await reader.some(left);
        left -= data.byteLength;
        chain?.update(data);
        yield data;
      }
      if (chain !== undefined) requireSame(chain.signChunk(), head.signature, "a chunk's signature");
      if (head.size === 0) break;
      await reader.lineBreak();
    }
    if (totalBytes < sizeBytes) {
      throw new ChunkedError("IncompleteBody", `the chunks hold ${totalBytes} of the ${sizeBytes} bytes announced`);
    }
    await readTrailers(reader, trailerNames, chain, trailers);
    await reader.end();
  } finally {
    await reader.close();
  }
}

/** `SIZE[;chunk-signature=HEX]`; other extensions are let pass. An unreadable head is IncompleteBody (unconfirmed). */
function parseChunkHead(line: string): { readonly size: number; readonly signature: string } {
  const semicolon = line.indexOf(";");
  const size = (semicolon < 0 ? line : line.slice(0, semicolon)).trim();
  // 13 hex digits stay below 2^53.
  if (!/^[0-9a-f]{1,13}$/i.test(size)) throw new ChunkedError("IncompleteBody", "a chunk starts without its size");
  const found = semicolon < 0 ? undefined : /;\s*chunk-signature=([0-9a-f]{64})\s*$/.exec(line);
  return { size: Number.parseInt(size, 16), signature: found?.[1] ?? "" };
}

async function readTrailers(
  reader: ByteReader,
  names: readonly string[],
  chain: SignatureChain | undefined,
  trailers: Record<string, string>,
): Promise<void> {
  let leftBytes = TRAILERS_BYTES_MAX;
  let signed: string | undefined;
  const wantsSignature = chain !== undefined && names.length > 0;
  // One more line than there are names and signature, and the blank ones: `name:value\n\r\n`, as AWS's own page and
  // MinIO's client write it, has a blank line in front of the signature.
  for (let lines = 0; lines <= 2 * names.length + 2; lines++) {
    if (await reader.atEnd()) break;
    const line = await reader.line(leftBytes, "MalformedTrailerError");
    leftBytes -= line.length;
    if (line === "") {
      if (wantsSignature && signed === undefined) continue;
      break;
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (wantsSignature && name === TRAILER_SIGNATURE) signed = value;
    else if (colon < 0 || !names.includes(name) || trailers[name] !== undefined) {
      throw new ChunkedError("MalformedTrailerError", "the body ends with a trailer that was not announced");
    } else trailers[name] = value;
  }
  const missing = names.find((name) => trailers[name] === undefined);
  if (missing !== undefined) throw new ChunkedError("MalformedTrailerError", `the trailer ${missing} did not come`);
  if (wantsSignature) requireSame(chain.signTrailers(trailers), signed ?? "", "the trailers' signature");
}

function requireSame(computed: string, sent: string, what: string): void {
  if (sent.length === computed.length && timingSafeEqual(latin1(sent), latin1(computed))) return;
  throw new ChunkedError("SignatureDoesNotMatch", `${what} is not that of the data`);
}

/** The chain of signatures: each is made of the one before and of what it covers. */
class SignatureChain {
  readonly #signing: ChunkSigning;
  #previous: string;
  #hash = createHash("sha256");

  constructor(signing: ChunkSigning) {
    this.#signing = signing;
    this.#previous = signing.seedSignature;
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  /** Ends the chunk that was fed to `update`, and starts the next. */
  signChunk(): string {
    const { amzDate, scope, secretAccessKey } = this.#signing;
    const toSign = chunkStringToSign(amzDate, scope, this.#previous, this.#hash.digest("hex"));
    this.#hash = createHash("sha256");
    this.#previous = signature(secretAccessKey, scope, toSign);
    return this.#previous;
  }

  signTrailers(trailers: Readonly<Record<string, string>>): string {
    const { amzDate, scope, secretAccessKey } = this.#signing;
    return signature(secretAccessKey, scope, trailerStringToSign(amzDate, scope, this.#previous, trailers));
  }
}

/** Reads lines and runs of bytes from buffers that were cut anywhere. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #buffer: Uint8Array = NO_BYTES;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At least one byte and at most `bytesMax`, as a view. */
  async some(bytesMax: number): Promise<Uint8Array> {
    if (await this.atEnd()) throw new ChunkedError("IncompleteBody", "the body ends inside a chunk");
    const taken = this.#buffer.subarray(0, bytesMax);
    this.#buffer = this.#buffer.subarray(taken.byteLength);
    return taken;
  }

  /** A line without its end, which is CR LF or a bare LF. */
  async line(bytesMax: number, problem: ChunkedProblem): Promise<string> {
    let line = "";
    for (;;) {
      if (await this.atEnd()) throw new ChunkedError("IncompleteBody", "the body ends inside a line");
      const end = this.#buffer.indexOf(LF);
      const piece = this.#buffer.subarray(0, end < 0 ? this.#buffer.byteLength : end);
      if (line.length + piece.byteLength > bytesMax) throw new ChunkedError(problem, "a line is too long");
      line += Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength).toString("latin1");
      this.#buffer = this.#buffer.subarray(end < 0 ? this.#buffer.byteLength : end + 1);
      if (end >= 0) return line.endsWith("\r") ? line.slice(0, -1) : line;
    }
  }

  async lineBreak(): Promise<void> {
    if ((await this.line(1, "IncompleteBody")) === "") return;
    throw new ChunkedError("IncompleteBody", "a chunk is longer than its size");
  }

  /** Requires that nothing but line ends is left. */
  async end(): Promise<void> {
    for (let lines = 0; lines < 2 && !(await this.atEnd()); lines++) await this.lineBreak();
    if (!(await this.atEnd())) throw new ChunkedError("IncompleteBody", "the body goes on behind its end");
  }

  async atEnd(): Promise<boolean> {
    while (this.#buffer.byteLength === 0) {
      const next = await this.#source.next();
      if (next.done) return true;
      this.#buffer = next.value;
    }
    return false;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}

const LF = 10;
const LINE_BREAK = Buffer.from("\r\n");

function latin1(text: string): Buffer {
  return Buffer.from(text, "latin1");
}
