/**
 * Gives the bytes of a version back: finds the bodies that make it up, opens their frames and cuts out the range.
 *
 * What is in the table is read at once; blobs are pinned first, so a version that is deleted while it is read is still
 * read to its end.
 */
import { FRAME_BYTES, frameCount, framePosition, openFrame, SealError, sealedSize } from "../envelope.ts";
import { s3Error } from "./errors.ts";
import type { S3Service } from "./service.ts";
import { checksumOfRow } from "./upload-rows.ts";
import type { Sealing, StoredVersion } from "./versions.ts";

/** Both ends included, from 0. */
export interface ByteRange {
  readonly firstByte: number;
  readonly lastByte: number;
}

/** A sealed body, or a part of one object. */
interface Segment {
  readonly bodyId: number;
  /** What its frames are numbered under: the body id, unless they were sealed elsewhere. */
  readonly frameId: number;
  readonly sizeBytes: number;
  /** From the table; undefined when the body is a blob. */
  readonly sealed?: Uint8Array;
}

/** Bytes that were found and pinned and are not decrypted yet. Exactly one of `read` and `release` must be called. */
export interface FoundBytes {
  /** The whole range at once, when it is in memory anyway; else a stream. */
  read(dataKey: Uint8Array): Uint8Array | AsyncIterable<Uint8Array>;
  release(): void;
}

/** Stored bytes, as they are. */
export interface StoredBytes {
  readonly sizeBytes: number;
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  release(): void;
}

/** Finds the bytes of a version as they are stored. @param part from 0; undefined for all of them, one after the other */
export function findStoredBytes(s3: S3Service, version: StoredVersion, part: number | undefined): StoredBytes {
  const segments = part === undefined ? segmentsOf(s3, version) : segmentsOf(s3, version).slice(part, part + 1);
  const sizeBytes = segments.reduce((sum, one) => sum + sealedSize(one.sizeBytes), 0);
  const [only] = segments;
  if (segments.length === 1 && only?.sealed !== undefined) return { sizeBytes, body: only.sealed, release() {} };
  const release = s3.blobs.pin(segments.flatMap((one) => (one.sealed === undefined ? [one.bodyId] : [])));
  return { sizeBytes, body: streamStored(s3, segments, release), release };
}

async function* streamStored(
  s3: S3Service,
  segments: readonly Segment[],
  release: () => void,
): AsyncIterable<Uint8Array> {
  try {
    for (const { bodyId, sizeBytes, sealed } of segments) {
      if (sealed === undefined) yield* readBlob(s3, bodyId, sealedSize(sizeBytes));
      else yield sealed;
    }
  } finally {
    release();
  }
}

async function* readBlob(s3: S3Service, bodyId: number, sizeBytes: number): AsyncIterable<Uint8Array> {
  const reader = await s3.blobs.open(bodyId);
  try {
    for (let position = 0; position < sizeBytes; position += BYTES_AT_ONCE) {
      const length = Math.min(BYTES_AT_ONCE, sizeBytes - position);
      const bytes = await reader.read(position, length);
      if (bytes.length < length) throw new SealError(`blob ${bodyId} is shorter than its row says`);
      yield bytes;
    }
  } finally {
    await reader.close();
  }
}

const BYTES_AT_ONCE = 524_288;

/** Finds the bytes of a version. @param range within the version, not empty; undefined for all of it */
export function findBytes(s3: S3Service, version: StoredVersion, range: ByteRange | undefined): FoundBytes {
  const segments = segmentsOf(s3, version);
  const [only] = segments;
  if (segments.length === 1 && only?.sealed !== undefined) {
    return { read: (dataKey) => openInline(dataKey, only, only.sealed ?? new Uint8Array(0), range), release() {} };
  }
  const release = s3.blobs.pin(segments.flatMap((one) => (one.sealed === undefined ? [one.bodyId] : [])));
  return { read: (dataKey) => streamSegments(s3, dataKey, segments, range, release), release };
}

function segmentsOf(s3: S3Service, version: StoredVersion): Segment[] {
  const bodies = s3.database.committed.prepare("SELECT sealed FROM s3_bodies WHERE id = ?");
  const segment = (bodyId: number, sizeBytes: number, inFile: boolean, sealing: Sealing | undefined): Segment => {
    const frameId = sealing?.frameId ?? bodyId;
    if (inFile) return { bodyId, frameId, sizeBytes };
    const sealed = bodies.get(bodyId)?.["sealed"];
    // The row is deleted in the same transaction as the version; a reader of an older row finds neither.
    if (!(sealed instanceof Uint8Array)) throw s3Error("InternalError");
    return { bodyId, frameId, sizeBytes, sealed };
  };
  if (version.upload === undefined) {
    return [segment(version.bodyId ?? 0, version.sizeBytes, version.inFile, version.metadata.sealing)];
  }
  const isCustomers = version.encryption.kind === "SSE-C";
  return s3.database.committed
    .prepare("SELECT body_id, size, in_file, checksums FROM s3_parts WHERE upload = ? ORDER BY number")
    .all(version.upload)
    .map((row) => {
      const { sealing } = isCustomers ? checksumOfRow(row) : {};
      return segment(Number(row["body_id"]), Number(row["size"]), row["in_file"] === 1, sealing);
    });
}

function openInline(
  dataKey: Uint8Array,
  segment: Segment,
  sealed: Uint8Array,
  range: ByteRange | undefined,
): Uint8Array {
  const { frameId, sizeBytes } = segment;
  const frames = frameCount(sizeBytes);
  if (frames === 1) {
    const whole = openFrame(dataKey, { bodyId: frameId, index: 0, isLast: true }, sealed);
    return range === undefined ? whole : whole.subarray(range.firstByte, range.lastByte + 1);
  }
  const opened: Buffer[] = [];
  for (let index = 0; index < frames; index++) {
    const { start, length } = framePosition(sizeBytes, index);
    opened.push(
      openFrame(
        dataKey,
        { bodyId: frameId, index, isLast: index === frames - 1 },
        sealed.subarray(start, start + length),
      ),
    );
  }
  const whole = Buffer.concat(opened);
  return range === undefined ? whole : whole.subarray(range.firstByte, range.lastByte + 1);
}

async function* streamSegments(
  s3: S3Service,
  dataKey: Uint8Array,
  segments: readonly Segment[],
  range: ByteRange | undefined,
  release: () => void,
): AsyncIterable<Uint8Array> {
  try {
    let offset = 0;
    for (const segment of segments) {
      const from = range === undefined ? 0 : Math.max(0, range.firstByte - offset);
      const to = range === undefined ? segment.sizeBytes : Math.min(segment.sizeBytes, range.lastByte + 1 - offset);
      offset += segment.sizeBytes;
      if (from >= to) continue;
      if (segment.sealed !== undefined) {
        yield openInline(dataKey, segment, segment.sealed, { firstByte: from, lastByte: to - 1 });
      } else yield* streamBlob(s3, dataKey, segment, from, to);
    }
  } finally {
    release();
  }
}

/** Frames that are read from the file at once: 512 KiB. */
const FRAMES_AT_ONCE = 8;

/** Bytes `from` (included) to `to` (excluded) of a blob. */
async function* streamBlob(
  s3: S3Service,
  dataKey: Uint8Array,
  { bodyId, frameId, sizeBytes }: Segment,
  from: number,
  to: number,
): AsyncIterable<Uint8Array> {
  const frames = frameCount(sizeBytes);
  const lastFrame = Math.floor((to - 1) / FRAME_BYTES);
  const reader = await s3.blobs.open(bodyId);
  try {
    for (let first = Math.floor(from / FRAME_BYTES); first <= lastFrame; first += FRAMES_AT_ONCE) {
      const last = Math.min(first + FRAMES_AT_ONCE - 1, lastFrame);
      const begin = framePosition(sizeBytes, first).start;
      const end = framePosition(sizeBytes, last);
      const sealed = await reader.read(begin, end.start + end.length - begin);
      for (let index = first; index <= last; index++) {
        const { start, length } = framePosition(sizeBytes, index);
        const bytes = sealed.subarray(start - begin, start - begin + length);
        if (bytes.length < length) throw new SealError(`blob ${bodyId} is shorter than its row says`);
        const opened = openFrame(dataKey, { bodyId: frameId, index, isLast: index === frames - 1 }, bytes);
        const frameStart = index * FRAME_BYTES;
        yield opened.subarray(Math.max(0, from - frameStart), Math.min(opened.length, to - frameStart));
      }
    }
  } finally {
    await reader.close();
  }
}
