/**
 * Checks that the bytes that were read are the bytes that the source has, by what the source itself says of them.
 *
 * A stored checksum is best; the MD5 in the ETag of an object that was put whole and is not KMS-encrypted is next; else
 * only the length is left, which the body checks itself. ETags of multipart and KMS objects prove nothing.
 */
import { CHECKSUM_ALGORITHMS, createHasher, type HashAlgorithm, type Hasher } from "../s3/checksum.ts";
import type { ObjectHead } from "../s3/store.ts";
import { Discrepancy } from "./run.ts";

/** What a whole object must hash to. */
export interface Expectation {
  readonly algorithm: HashAlgorithm;
  /** base64 */
  readonly value: string;
}

/** The best statement that the source makes of the whole object's bytes; undefined when it makes none. */
export function expectationOf(head: ObjectHead): Expectation | undefined {
  if (head.checksums?.type === "FULL_OBJECT") {
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const value = head.checksums.values[algorithm];
      if (value !== undefined) return { algorithm, value };
    }
  }
  const { kind } = head.encryption;
  if (/^[0-9a-f]{32}$/.test(head.etag) && (kind === "NOT-SSE" || kind === "SSE-S3")) {
    return { algorithm: "MD5", value: Buffer.from(head.etag, "hex").toString("base64") };
  }
  return undefined;
}

/** @throws Discrepancy when the bytes are not those of the source */
export async function verifyBytes(head: ObjectHead, bytes: Uint8Array, where: Where): Promise<void> {
  const expectation = expectationOf(head);
  if (expectation === undefined) return;
  const hasher = await createHasher(expectation.algorithm);
  hasher.update(bytes);
  compare(expectation, hasher, where);
}

/** Passes a stream through and throws at its end, before the last chunk is out of sight, when it is not what it should be. */
export async function* verifyStream(
  head: ObjectHead,
  stream: AsyncIterable<Uint8Array>,
  where: Where,
): AsyncGenerator<Uint8Array> {
  const expectation = expectationOf(head);
  const hasher = expectation === undefined ? undefined : await createHasher(expectation.algorithm);
  let held: Uint8Array | undefined;
  for await (const chunk of stream) {
    hasher?.update(chunk);
    // One chunk is held back: a body that turns out wrong is never sent to its end, so no store takes it for whole.
    if (held !== undefined) yield held;
    held = chunk;
  }
  if (expectation !== undefined && hasher !== undefined) compare(expectation, hasher, where);
  if (held !== undefined) yield held;
}

/** What an error says it happened on. */
export interface Where {
  readonly bucket: string;
  readonly key: string;
}

function compare(expectation: Expectation, hasher: Hasher, where: Where): void {
  const actual = hasher.digest();
  if (actual === expectation.value) return;
  throw new Discrepancy(
    "ChecksumMismatch",
    `the bytes read from ${where.bucket}/${where.key} have the ${expectation.algorithm} ${actual}, the source says ${expectation.value}`,
    { operation: "GetObject", bucket: where.bucket, key: where.key },
  );
}
