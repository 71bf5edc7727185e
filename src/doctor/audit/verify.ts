/**
 * Compares a version with its replica beyond what listings tell: bytes, metadata, tags.
 *
 * Bytes: by checksums where both ends tell one of the same kind; else equal ETags are taken for equal bytes, as a hash of
 * them; else both are read. ETags that differ prove nothing: parts and keys (KMS) make others of the same bytes.
 */
import { createHash } from "node:crypto";
import { S3Error } from "../../s3/errors.ts";
import type { Checksums, ListedVersion, ObjectHead, Store } from "../../s3/store.ts";
import type { Explanation } from "./ports.ts";

export interface VerifyEnds {
  readonly source: { readonly store: Store; readonly bucket: string };
  readonly destination: { readonly store: Store; readonly bucket: string };
  /** User metadata that only replicas carry. */
  readonly mark?: string;
  readonly bytes: boolean;
}

export interface Verified {
  /** Undefined: nothing differs, as far as could be seen. */
  readonly difference?: Explanation & { readonly verdict: "data" | "metadata" | "tags" };
  readonly by: "checksum" | "etag" | "bytes" | "undecided" | "nothing";
  readonly bytesRead: number;
}

/** @throws S3Error when a store is away */
export async function verifyPair(
  ends: VerifyEnds,
  version: ListedVersion,
  replica: ListedVersion,
  signal: AbortSignal,
): Promise<Verified> {
  const here = { bucket: ends.source.bucket, key: version.key, versionId: version.versionId };
  const there = { bucket: ends.destination.bucket, key: replica.key, versionId: replica.versionId };
  try {
    const [one, other] = await Promise.all([
      ends.source.store.headObject({ ...here, checksums: ends.bytes }, { signal }),
      ends.destination.store.headObject({ ...there, checksums: ends.bytes }, { signal }),
    ]);
    const content = ends.bytes ? await compareBytes(ends, { here, there, one, other }, signal) : NOT_ASKED;
    if (content.difference !== undefined) return content;
    const metadata = metadataDifference(one, other, ends.mark);
    if (metadata !== undefined) return { ...content, difference: metadata };
    if (one.tagCount === 0 && other.tagCount === 0) return content;
    const [tags, otherTags] = await Promise.all([
      ends.source.store.getObjectTagging(here, { signal }),
      ends.destination.store.getObjectTagging(there, { signal }),
    ]);
    const [said, otherSaid] = [tagWords(tags), tagWords(otherTags)];
    if (said === otherSaid) return content;
    const says = `Tags are ${said || "none"} at the source, ${otherSaid || "none"} at the destination`;
    return { ...content, difference: { verdict: "tags", reason: "TagSetsDiffer", says, isExpected: false } };
  } catch (error) {
    if (!(error instanceof S3Error) || error.status === undefined || error.status >= 500) throw error;
    // Not allowed, under a customer's key, or removed meanwhile.
    return { by: "undecided", bytesRead: 0 };
  }
}

const NOT_ASKED: Verified = { by: "nothing", bytesRead: 0 };

interface Pair {
  readonly here: { readonly bucket: string; readonly key: string; readonly versionId: string };
  readonly there: Pair["here"];
  readonly one: ObjectHead;
  readonly other: ObjectHead;
}

async function compareBytes(ends: VerifyEnds, pair: Pair, signal: AbortSignal): Promise<Verified> {
  const { one, other } = pair;
  if (one.sizeBytes !== other.sizeBytes) {
    const says = `${one.sizeBytes} bytes at the source, ${other.sizeBytes} at the destination`;
    return { by: "checksum", bytesRead: 0, difference: dataDifference("SizeDiffers", says) };
  }
  const compared = compareChecksums(one.checksums, other.checksums);
  if (compared === "same") return { by: "checksum", bytesRead: 0 };
  if (compared !== undefined) {
    return { by: "checksum", bytesRead: 0, difference: dataDifference("ChecksumDiffers", compared) };
  }
  if (one.etag === other.etag && /^[0-9a-f]{32}(?:-\d+)?$/.test(one.etag)) return { by: "etag", bytesRead: 0 };
  const digests = await Promise.all([
    digestOf(ends.source.store, pair.here, signal),
    digestOf(ends.destination.store, pair.there, signal),
  ]);
  const bytesRead = 2 * one.sizeBytes;
  if (digests[0] === digests[1]) return { by: "bytes", bytesRead };
  const says = `The bytes were read: SHA-256 ${digests[0]} at the source, ${digests[1]} at the destination`;
  return { by: "bytes", bytesRead, difference: dataDifference("BytesDiffer", says) };
}

function dataDifference(reason: string, says: string) {
  return { verdict: "data" as const, reason, says, isExpected: false };
}

/** Composite checksums that differ may be of the same bytes in other parts, so they prove nothing. */
function compareChecksums(one: Checksums | undefined, other: Checksums | undefined): string | undefined {
  if (one === undefined || other === undefined || one.type !== other.type) return undefined;
  for (const [algorithm, value] of Object.entries(one.values)) {
    const theirs = other.values[algorithm as keyof typeof other.values];
    if (theirs === undefined) continue;
    if (theirs === value) return "same";
    if (one.type === "FULL_OBJECT") return `${algorithm} is ${value} at the source, ${theirs} at the destination`;
  }
  return undefined;
}

async function digestOf(store: Store, ref: Pair["here"], signal: AbortSignal): Promise<string> {
  const { body } = await store.getObject({ ...ref, checksums: false }, { signal });
  const hash = createHash("sha256");
  for await (const chunk of body.stream()) hash.update(chunk);
  return hash.digest("hex");
}

function metadataDifference(one: ObjectHead, other: ObjectHead, mark: string | undefined): Verified["difference"] {
  const names = [
    ...differing(one.contentHeaders, other.contentHeaders),
    ...differing(one.userMetadata, other.userMetadata)
      .filter((name) => name !== mark)
      .map((name) => `x-amz-meta-${name}`),
  ];
  if (names.length === 0) return undefined;
  return { verdict: "metadata", reason: "MetadataDiffers", says: `${names.join(", ")} differ`, isExpected: false };
}

function differing(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => one[name] !== other[name]).sort();
}

function tagWords(tags: readonly { readonly key: string; readonly value: string }[]): string {
  return tags
    .map((one) => `${one.key}=${one.value}`)
    .sort()
    .join(", ");
}
