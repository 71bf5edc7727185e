/**
 * How a version's bytes go over: whole, or in which parts. Pure; sending is in `parts.ts`.
 *
 * An object of parts keeps its parts, so that ETag and composite checksum come out equal. Where the source does not serve
 * parts, their size is guessed from the number of parts in the ETag: clients cut into few sizes. The ETag of the copy
 * tells whether the guess was right. Large objects that were put whole go in parts of our own where the replica is
 * another version anyway: they are resumed and read side by side, and their ETag is lost.
 */
import { partsOfEtag } from "../s3/etag.ts";

export type Layout =
  | { readonly kind: "whole" }
  /** Part by part as the source has them, asked for by number. */
  | { readonly kind: "numbered"; readonly count: number }
  /** Ranges of one size, the last one maybe shorter. */
  | { readonly kind: "ranges"; readonly count: number; readonly partBytes: number; readonly isGuess: boolean };

/** What a layout depends on. */
export interface LayoutRequest {
  readonly sizeBytes: number;
  readonly etag: string;
  /** The source hands over a part by its number. */
  readonly readsParts: boolean;
  /** The ETags of the parts can show whether a guess was right. */
  readonly mayGuess: boolean;
  /** The destination copies by itself: ranges only, and a whole object in one call. */
  readonly copiesWithin: boolean;
  /** The destination compares a whole object with what the source says of it. */
  readonly comparedWhole: boolean;
  /** What was put whole stays whole, whatever its size. */
  readonly keepsWhole: boolean;
  /** The destination knows uploads in parts. */
  readonly takesUploads: boolean;
}

const MIB = 1024 * 1024;

/** What one PUT, one part and one CopyObject may have. @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const BODY_BYTES_MAX = 5 * 1024 * MIB;
const PARTS_MAX = 10_000;
/** Up to here an object that was put whole goes whole: one request, the same ETag, its MD5 checked from end to end. */
const WHOLE_BYTES_MAX = 64 * MIB;
/**
 * Up to here where the destination compares: nothing is hashed and nothing is held, which takes a third of the CPU of our
 * own parts. Above it, parts that can be gone on with are worth more.
 */
const COMPARED_BYTES_MAX = 512 * MIB;
/** Held in memory while it is sent, so not large; large enough for an object of 78 GiB. */
const OWN_PART_BYTES = 8 * MIB;

/**
 * The sizes that clients cut by, the most frequent first: AWS CLI and SDKs 8, rclone and lib-storage 5, mc and s5cmd's
 * forks 16, s3fs 10, s3cmd 15; then powers of two and round numbers that people set.
 */
const USUAL_PART_MIB = [8, 5, 16, 64, 10, 15, 32, 50, 25, 20, 100, 128, 256, 500, 512, 1024, 2048, 4096, 5120];

export function layoutOf(request: LayoutRequest): Layout {
  const { sizeBytes, etag, readsParts, mayGuess, copiesWithin, comparedWhole, keepsWhole, takesUploads } = request;
  if (!takesUploads) return { kind: "whole" };
  const count = partsOfEtag(etag);
  if (count !== undefined && readsParts && !copiesWithin) return { kind: "numbered", count };
  if (count !== undefined && mayGuess) {
    const partBytes = usualPartBytes(sizeBytes, count);
    if (partBytes !== undefined) return { kind: "ranges", count, partBytes, isGuess: true };
  }
  if (count !== undefined && readsParts) return { kind: "numbered", count };
  const sentBytesMax = comparedWhole ? COMPARED_BYTES_MAX : WHOLE_BYTES_MAX;
  const wholeBytesMax = keepsWhole || copiesWithin ? BODY_BYTES_MAX : sentBytesMax;
  return sizeBytes <= wholeBytesMax ? { kind: "whole" } : ownRanges(sizeBytes);
}

/** Ranges of a size of our own, within what S3 allows. */
export function ownRanges(sizeBytes: number): Layout {
  const leastBytes = Math.ceil(sizeBytes / PARTS_MAX / MIB) * MIB;
  const partBytes = Math.max(OWN_PART_BYTES, leastBytes);
  return { kind: "ranges", count: Math.max(1, Math.ceil(sizeBytes / partBytes)), partBytes, isGuess: false };
}

/** The most frequent size that gives exactly so many parts; undefined when none does. */
function usualPartBytes(sizeBytes: number, count: number): number | undefined {
  if (sizeBytes === 0 || count > PARTS_MAX) return undefined;
  if (count === 1) return sizeBytes <= BODY_BYTES_MAX ? sizeBytes : undefined;
  return USUAL_PART_MIB.map((one) => one * MIB).find((one) => Math.ceil(sizeBytes / one) === count);
}

/** Where a part of ranges lies. @param partNumber from 1 */
export function spanOf(partNumber: number, partBytes: number, sizeBytes: number) {
  const firstByte = (partNumber - 1) * partBytes;
  return { firstByte, lastByte: Math.min(firstByte + partBytes, sizeBytes) - 1 };
}
