/**
 * Takes in the bytes of a request: hashes them, checks them against what the sender claimed, seals them and puts them
 * where bodies are kept. Nothing names them yet: the caller adds a row, or discards them.
 *
 * Bodies of up to `INLINE_BYTES` are handled in one piece and go into the row's transaction; larger ones stream into a
 * blob, which is durable when `receiveBody` resolves.
 */
import { createHash, hash } from "node:crypto";
import type { Connection } from "../../ledger/database.ts";
import { CHECKSUM_ALGORITHMS, checksumHeader, createHasher, type Hasher } from "../../s3/checksum.ts";
import type { ChecksumAlgorithm } from "../../s3/store.ts";
import { FRAME_BYTES, sealBody, sealedSize, sealFrame } from "../envelope.ts";
import type { IncomingBody } from "./call.ts";
import { invalidRequest, s3Error } from "./errors.ts";
import type { S3Service } from "./service.ts";

/** Larger bodies are files. */
export const INLINE_BYTES = 98_304;
/** 5 GiB, for one PUT and for one part. */
export const BODY_BYTES_MAX = 5 * 1024 ** 3;

/** What the sender says of the bytes. */
export interface BodyClaims {
  /** Base64. */
  readonly contentMd5?: string;
  /** Value in base64; undefined when it comes in a trailer. */
  readonly checksum?: { readonly algorithm: ChecksumAlgorithm; readonly value?: string };
  /** What to compute when nothing is claimed. */
  readonly defaultAlgorithm?: ChecksumAlgorithm;
  /** What to keep, whatever is claimed: the parts of one upload must have checksums of one kind. */
  readonly keep?: ChecksumAlgorithm;
}

export interface ReceivedBody {
  readonly bodyId: number;
  readonly sizeBytes: number;
  /** 16 bytes. */
  readonly md5: Buffer;
  /** To be kept with the bytes; value in base64. */
  readonly checksum: NamedChecksum;
  /** What the sender claimed, and it was right. */
  readonly claimed?: NamedChecksum;
  readonly inFile: boolean;
  /** Base64, of the bytes as they are stored; only when it was asked for. */
  readonly sealedSha256?: string;
  /** Puts an inline body into its table; part of the transaction that names it. */
  store(connection: Connection): void;
  /** Takes back what was kept outside of the database. Not after `store`. */
  discard(): void;
}

export interface NamedChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

/** S3 computes this checksum when the sender asks for none. */
export const DEFAULT_ALGORITHM: ChecksumAlgorithm = "CRC64NVME";

/** How the bytes are sealed. */
export interface BodySealing {
  /** Undefined for bytes that come sealed: they are kept as they are, and all that is hashed is theirs. */
  readonly dataKey: Uint8Array | undefined;
  /** Whether the stored bytes are hashed too. */
  readonly hashesSealed?: boolean;
  readonly nowMs: number;
}

/** @throws ServiceError BadDigest, InvalidDigest, EntityTooLarge, MissingContentLength, and what the body itself throws */
export async function receiveBody(
  s3: S3Service,
  body: IncomingBody,
  claims: BodyClaims,
  sealing: BodySealing,
): Promise<ReceivedBody> {
  const { sizeBytes } = body;
  if (sizeBytes === undefined) throw s3Error("MissingContentLength");
  const bytesMax = sealing.dataKey === undefined ? sealedSize(BODY_BYTES_MAX) : BODY_BYTES_MAX;
  if (sizeBytes > bytesMax) {
    throw s3Error("EntityTooLarge", {
      details: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(bytesMax) },
    });
  }
  const expectedMd5 = parseContentMd5(claims.contentMd5);
  const kept = claims.keep ?? claims.checksum?.algorithm ?? claims.defaultAlgorithm ?? DEFAULT_ALGORITHM;
  const target: BodyTarget = {
    kept,
    claimed: claims.checksum?.algorithm,
    dataKey: sealing.dataKey,
    hashesSealed: sealing.hashesSealed === true,
    bodyId: s3.sequence.next(sealing.nowMs),
  };
  const received = sizeBytes <= INLINE_BYTES ? await receiveInline(body, target) : await receiveFile(s3, body, target);
  try {
    if (expectedMd5 !== undefined && !expectedMd5.equals(received.md5)) {
      throw s3Error("BadDigest", {
        details: { CalculatedDigest: received.md5.toString("base64"), ExpectedDigest: claims.contentMd5 ?? "" },
      });
    }
    checkClaim(claims.checksum, body, received.claimed);
  } catch (error) {
    received.discard();
    throw error;
  }
  return received;
}

/** The checksum that is kept, and the one that is claimed where it is another one. */
class Hashers {
  readonly #kept: { readonly algorithm: ChecksumAlgorithm; readonly hasher: Hasher };
  readonly #claimed: { readonly algorithm: ChecksumAlgorithm; readonly hasher?: Hasher } | undefined;

  private constructor(
    kept: { readonly algorithm: ChecksumAlgorithm; readonly hasher: Hasher },
    claimed: { readonly algorithm: ChecksumAlgorithm; readonly hasher?: Hasher } | undefined,
  ) {
    this.#kept = kept;
    this.#claimed = claimed;
  }

  static async open(kept: ChecksumAlgorithm, claimed: ChecksumAlgorithm | undefined): Promise<Hashers> {
    const first = { algorithm: kept, hasher: await createHasher(kept) };
    if (claimed === undefined) return new Hashers(first, undefined);
    if (claimed === kept) return new Hashers(first, { algorithm: claimed });
    return new Hashers(first, { algorithm: claimed, hasher: await createHasher(claimed) });
  }

  update(bytes: Uint8Array): void {
    this.#kept.hasher.update(bytes);
    this.#claimed?.hasher?.update(bytes);
  }

  digest(): Pick<ReceivedBody, "checksum" | "claimed"> {
    const checksum = { algorithm: this.#kept.algorithm, value: this.#kept.hasher.digest() };
    if (this.#claimed === undefined) return { checksum };
    const { algorithm, hasher } = this.#claimed;
    return { checksum, claimed: { algorithm, value: hasher === undefined ? checksum.value : hasher.digest() } };
  }
}

/** Where the bytes of one body go. */
interface BodyTarget {
  /** The checksum to keep, and the one that was claimed. */
  readonly kept: ChecksumAlgorithm;
  readonly claimed: ChecksumAlgorithm | undefined;
  readonly dataKey: Uint8Array | undefined;
  readonly hashesSealed: boolean;
  readonly bodyId: number;
}

/** The algorithm that a list of trailing header names announces. @throws ServiceError InvalidRequest */
export function trailerAlgorithm(trailer: string): ChecksumAlgorithm | undefined {
  const name = trailer.trim().toLowerCase();
  if (name === "") return undefined;
  const algorithm = CHECKSUM_ALGORITHMS.find((one) => name === checksumHeader(one));
  if (algorithm === undefined) throw invalidRequest("The value specified in the x-amz-trailer header is not supported");
  return algorithm;
}

async function receiveInline(
  body: IncomingBody,
  { kept, claimed, dataKey, hashesSealed, bodyId }: BodyTarget,
): Promise<ReceivedBody> {
  const bytes = await body.bytes(INLINE_BYTES);
  const md5 = hash("md5", bytes, "buffer");
  // Taken when the bytes are here: a hasher that waits for a client is one that nobody else can use.
  const hashers = await Hashers.open(kept, claimed);
  hashers.update(bytes);
  const sealed = dataKey === undefined ? bytes : sealBody(dataKey, bodyId, bytes);
  return {
    bodyId,
    sizeBytes: bytes.length,
    md5,
    ...hashers.digest(),
    ...(hashesSealed ? { sealedSha256: hash("sha256", sealed, "base64") } : {}),
    inFile: false,
    store(connection) {
      connection.prepare("INSERT INTO s3_bodies VALUES (?, ?)").run(bodyId, sealed);
    },
    discard() {},
  };
}

async function receiveFile(
  s3: S3Service,
  body: IncomingBody,
  { kept, claimed, dataKey, hashesSealed, bodyId }: BodyTarget,
): Promise<ReceivedBody> {
  const writer = await s3.blobs.create(bodyId);
  try {
    const md5 = createHash("md5");
    const hashers = await Hashers.open(kept, claimed);
    const sha256 = hashesSealed ? createHash("sha256") : undefined;
    const store = (sealed: Uint8Array): Promise<void> => {
      sha256?.update(sealed);
      return writer.write(sealed);
    };
    const frames = dataKey === undefined ? { write: store, end: nothingToEnd } : new Framer(store, dataKey, bodyId);
    let sizeBytes = 0;
    for await (const chunk of body.stream()) {
      md5.update(chunk);
      hashers.update(chunk);
      sizeBytes += chunk.length;
      await frames.write(chunk);
    }
    await frames.end();
    await writer.finish();
    return {
      bodyId,
      sizeBytes,
      md5: md5.digest(),
      ...hashers.digest(),
      ...(sha256 === undefined ? {} : { sealedSha256: sha256.digest("base64") }),
      inFile: true,
      store() {},
      discard: () => s3.blobs.remove([bodyId]),
    };
  } catch (error) {
    await writer.abandon();
    throw error;
  }
}

async function nothingToEnd(): Promise<void> {}

/** Cuts a stream into frames and seals each; one frame is held back, because the last one is sealed as such. */
class Framer {
  readonly #store: (sealed: Uint8Array) => Promise<void>;
  readonly #dataKey: Uint8Array;
  readonly #bodyId: number;
  readonly #frame = Buffer.allocUnsafe(FRAME_BYTES);
  #filled = 0;
  #index = 0;

  constructor(store: (sealed: Uint8Array) => Promise<void>, dataKey: Uint8Array, bodyId: number) {
    this.#store = store;
    this.#dataKey = dataKey;
    this.#bodyId = bodyId;
  }

  async write(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#filled === FRAME_BYTES) await this.#seal(false);
      const taken = Math.min(rest.length, FRAME_BYTES - this.#filled);
      this.#frame.set(rest.subarray(0, taken), this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
    }
  }

  end(): Promise<void> {
    return this.#seal(true);
  }

  #seal(isLast: boolean): Promise<void> {
    const frame = { bodyId: this.#bodyId, index: this.#index, isLast };
    const sealed = sealFrame(this.#dataKey, frame, this.#frame.subarray(0, this.#filled));
    this.#index++;
    this.#filled = 0;
    return this.#store(sealed);
  }
}

function parseContentMd5(header: string | undefined): Buffer | undefined {
  if (header === undefined) return undefined;
  const bytes = Buffer.from(header, "base64");
  if (bytes.length !== 16) throw s3Error("InvalidDigest", { details: { "Content-MD5": header } });
  return bytes;
}

function checkClaim(claim: BodyClaims["checksum"], body: IncomingBody, computed: NamedChecksum | undefined): void {
  if (claim === undefined || computed === undefined) return;
  const { algorithm } = claim;
  const claimed = claim.value ?? body.trailers()[checksumHeader(algorithm)];
  if (claimed === undefined) {
    throw s3Error("MalformedTrailerError");
  }
  if (claimed !== computed.value) {
    throw s3Error("BadDigest", {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  }
}
