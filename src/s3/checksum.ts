/**
 * The checksums of S3: hashed piece by piece, in base64 as they stand in `x-amz-checksum-*` headers.
 *
 * CRC32 comes from zlib, SHA and MD5 from OpenSSL, CRC32C and CRC64NVME from WebAssembly, which takes a moment to load:
 * that is why a hasher is handed out by a promise. Joining CRCs without the bytes is in `crc-combine.ts`.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { IHasher } from "hash-wasm";
import type { ChecksumAlgorithm } from "./store.ts";

/** What can be hashed: S3's own five, and MD5 for `Content-MD5` and ETags. */
export type HashAlgorithm = ChecksumAlgorithm | "MD5";

/** Every checksum algorithm of S3. */
export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = ["CRC64NVME", "CRC32C", "CRC32", "SHA256", "SHA1"];

/** The header that carries a checksum, in requests, answers and trailers. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return CHECKSUM_HEADERS[algorithm];
}

const CHECKSUM_HEADERS: Readonly<Record<ChecksumAlgorithm, string>> = {
  CRC32: "x-amz-checksum-crc32",
  CRC32C: "x-amz-checksum-crc32c",
  CRC64NVME: "x-amz-checksum-crc64nvme",
  SHA1: "x-amz-checksum-sha1",
  SHA256: "x-amz-checksum-sha256",
};

/** How many bytes a hash has before it is written in base64. */
export const DIGEST_BYTES: Readonly<Record<HashAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
  MD5: 16,
};

/** One hash in the making. Nothing may be called after `digest`. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  /** Base64 of the hash of everything so far. */
  digest(): string;
}

/** Reflected polynomials: hash-wasm gives wrong values for the plain ones. */
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64NVME_POLYNOMIAL = "9a6c9329ac4bc9b5";

/** Starts a hash. The hasher belongs to the caller alone. */
export async function createHasher(algorithm: HashAlgorithm): Promise<Hasher> {
  switch (algorithm) {
    case "CRC32":
      return new Crc32Hasher();
    case "CRC32C":
      return new WasmHasher(idle.CRC32C, idle.CRC32C.pop() ?? (await newCrc("CRC32C")));
    case "CRC64NVME":
      return new WasmHasher(idle.CRC64NVME, idle.CRC64NVME.pop() ?? (await newCrc("CRC64NVME")));
    case "SHA1":
    case "SHA256":
    case "MD5": {
      const hash = createHash(algorithm.toLowerCase());
      return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("base64") };
    }
  }
}

/** Loaded by those who need it only: many stores know no checksums. */
async function newCrc(algorithm: "CRC32C" | "CRC64NVME"): Promise<IHasher> {
  const { createCRC32, createCRC64 } = await import("hash-wasm");
  return await (algorithm === "CRC32C" ? createCRC32(CRC32C_POLYNOMIAL) : createCRC64(CRC64NVME_POLYNOMIAL));
}

/** The checksum of bytes that are all here. */
export async function checksumOf(algorithm: HashAlgorithm, bytes: Uint8Array): Promise<string> {
  const hasher = await createHasher(algorithm);
  hasher.update(bytes);
  return hasher.digest();
}

/**
 * The composite checksum of a multipart object: the hash of its parts' checksums, and the number of parts.
 *
 * @param partChecksums base64, in the order of part numbers
 */
export async function compositeChecksum(
  algorithm: ChecksumAlgorithm,
  partChecksums: readonly string[],
): Promise<string> {
  const joined = Buffer.concat(partChecksums.map((one) => Buffer.from(one, "base64")));
  return `${await checksumOf(algorithm, joined)}-${partChecksums.length}`;
}

class Crc32Hasher implements Hasher {
  #value = 0;

  update(bytes: Uint8Array): void {
    this.#value = crc32(bytes, this.#value);
  }

  digest(): string {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32BE(this.#value);
    return bytes.toString("base64");
  }
}

/**
 * One WebAssembly instance holds the state of one hash, and making one takes longer than hashing a small object. So an
 * instance goes back to the idle ones when its hash is done; one whose hash is never finished is garbage.
 */
const idle: Record<"CRC32C" | "CRC64NVME", IHasher[]> = { CRC32C: [], CRC64NVME: [] };
const IDLE_MAX = 32;

class WasmHasher implements Hasher {
  readonly #home: IHasher[];
  readonly #instance: IHasher;

  constructor(home: IHasher[], instance: IHasher) {
    this.#home = home;
    this.#instance = instance.init();
  }

  update(bytes: Uint8Array): void {
    this.#instance.update(bytes);
  }

  digest(): string {
    const bytes = this.#instance.digest("binary");
    if (this.#home.length < IDLE_MAX) this.#home.push(this.#instance);
    return Buffer.from(bytes).toString("base64");
  }
}
