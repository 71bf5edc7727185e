/**
 * Checks that the bytes that were read are the bytes that the source has, by what the source itself says of them.
 *
 * Where the destination compares them itself, it is told what to compare with, and nothing is hashed here.
 *
 * A stored checksum is best; the MD5 in the ETag of an object that was put whole and is not KMS-encrypted is next; else
 * only the length is left, which the body checks itself. ETags of multipart and KMS objects prove nothing.
 */
import { CHECKSUM_ALGORITHMS, createHasher, type HashAlgorithm, type Hasher } from "../s3/checksum.ts";
import type { ObjectHead } from "../s3/store.ts";
import { Discrepancy, type Run } from "./run.ts";

/** What a whole object must hash to. */
export interface Expectation {
  readonly algorithm: HashAlgorithm;
  /** base64 */
  readonly value: string;
}

/** The best statement that the source makes of the whole object's bytes; undefined when it makes none. */
export function expectationOf(head: ObjectHead): Expectation | undefined {
  return toldChecksum(head) ?? md5InEtag(head);
}

/** The checksum that goes along with a write, in the order of `addChecksum`. */
function toldChecksum({ checksums }: ObjectHead) {
  if (checksums?.type !== "FULL_OBJECT") return undefined;
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = checksums.values[algorithm];
    if (value !== undefined) return { algorithm, value };
  }
  return undefined;
}

function md5InEtag({ etag, encryption: { kind } }: ObjectHead): Expectation | undefined {
  if (!/^[0-9a-f]{32}$/.test(etag) || (kind !== "NOT-SSE" && kind !== "SSE-S3")) return undefined;
  return { algorithm: "MD5", value: Buffer.from(etag, "hex").toString("base64") };
}

/**
 * What the source says of the bytes, where the destination itself compares them with it before it makes a version of them:
 * then hashing them on the way would find out nothing else. Undefined where nobody but us compares.
 */
export function comparedThere({ source, sourceTraits, destinationTraits }: Run): Expectation | undefined {
  const { head, seal } = source;
  // Sealed bytes are others than those that a source speaks of.
  if (head === undefined || seal !== undefined) return undefined;
  const told = toldChecksum(head);
  if (told !== undefined && destinationTraits.checksumsVerified?.includes(told.algorithm) === true) return told;
  const isMd5 = sourceTraits.etagIsMd5 === true || head.encryption.kind === "SSE-S3";
  return isMd5 && destinationTraits.md5Verified === true ? md5InEtag(head) : undefined;
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
