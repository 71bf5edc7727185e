/**
 * Sends the parts of an upload, several side by side, and checks that together they are what the source has.
 *
 * What is checked depends on what both stores tell:
 * - Where ETags are made of MD5s at both ends, the ETags of the parts must make up the source's. That proves every byte
 *   from end to end and costs nothing. It is not known before all parts are there, and a guess of the boundaries may have
 *   been wrong: then `undefined` comes back in place of the parts.
 * - A checksum that the source tells must come out of the parts' checksums.
 * - The MD5 of an object that was put whole must come out of its parts, read side by side and hashed in order.
 * - On the way to the destination a part that is held in memory is under the signature or has a checksum; one that passes
 *   through has a trailing checksum, or its MD5 is compared with the ETag that the store gives it.
 *
 * A part that an earlier try has sent is not sent again. It is read again where nothing else tells what is in it.
 */
import type { Step } from "../core/plan.ts";
import { checksumOf, compositeChecksum, createHasher, type Hasher } from "../s3/checksum.ts";
import { type CrcAlgorithm, combineCrcs } from "../s3/crc-combine.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ChecksumAlgorithm, ListedPart, ObjectHead, ObjectReply, UploadedPart, UploadRef } from "../s3/store.ts";
import { InOrderHash } from "./in-order.ts";
import { spanOf } from "./layout.ts";
import {
  answered,
  BUFFER_MAX_BYTES,
  Discrepancy,
  destinationOf,
  headOf,
  layoutFor,
  markReading,
  type Piece,
  provesByEtag,
  type Run,
  StepFailure,
  sendSource,
} from "./run.ts";
import { expectationOf } from "./verify.ts";
import { copiesWithin, copyPartWithin } from "./within.ts";

/** Parts in flight at once: with parts held in memory this bounds what one object takes. */
const PARTS_AT_ONCE_MAX = 3;
/** Where all of them are held, each until its turn to be hashed has come. */
const HELD_AT_ONCE_MAX = 2;

/** An upload, and the parts that it had when this try began. */
export interface OpenUpload extends UploadRef {
  readonly kept: ReadonlyMap<number, ListedPart>;
}

interface CopiedPart extends UploadedPart {
  readonly sizeBytes: number;
  /** In the source's algorithm, of the bytes that were read or that the destination vouches for. */
  readonly checksum?: string;
}

/** What is found out of every part. */
interface Watch {
  readonly algorithm: ChecksumAlgorithm | undefined;
  /** A wrong checksum of the algorithm is refused by the destination. */
  readonly isRefused: boolean;
  readonly byEtag: boolean;
  /** MD5 of the whole, where it must be the source's ETag. */
  readonly whole: InOrderHash | undefined;
  /** The ETag of a part is the MD5 of its bytes. */
  readonly etagIsMd5: boolean;
}

/**
 * Sends all parts that are not there yet.
 *
 * @returns undefined when the parts do not make up the source's ETag: nothing is known of them then
 * @throws StepFailure; parts in flight are waited for before it is thrown
 */
export async function uploadAllParts(
  run: Run,
  step: Step,
  upload: OpenUpload,
): Promise<readonly UploadedPart[] | undefined> {
  const pieces = piecesOf(run);
  const watch = await watchOf(run);
  const atOnce = watch.whole === undefined ? PARTS_AT_ONCE_MAX : HELD_AT_ONCE_MAX;
  const copied = await sideBySide(pieces, atOnce, async (piece) => {
    try {
      return await bringPart(run, step, upload, piece, watch);
    } catch (error) {
      watch.whole?.break();
      throw error;
    }
  });
  // Of sealed parts only their seals tell: the store that takes them in has checked those.
  if (run.source.seal !== undefined) return copied;
  if (watch.byEtag) return (await etagOfParts(copied)) === headOf(run).etag ? copied : undefined;
  await checkWhole(run, step, watch, copied);
  return copied;
}

function piecesOf(run: Run): Piece[] {
  const layout = layoutFor(run);
  const numbers = Array.from({ length: layout.kind === "whole" ? 1 : layout.count }, (_, index) => index + 1);
  if (layout.kind !== "ranges") return numbers.map((partNumber) => ({ partNumber }));
  const { sizeBytes } = headOf(run);
  return numbers.map((partNumber) => ({ partNumber, range: spanOf(partNumber, layout.partBytes, sizeBytes) }));
}

async function watchOf(run: Run): Promise<Watch> {
  const head = headOf(run);
  const { etagIsMd5 = false, checksumsVerified } = run.destinationTraits;
  const layout = layoutFor(run);
  const byEtag = provesByEtag(run) && !(layout.kind === "ranges" && !layout.isGuess);
  const [algorithm] = byEtag ? [] : (Object.keys(head.checksums?.values ?? {}) as ChecksumAlgorithm[]);
  const isHeld = layout.kind === "ranges" && layout.partBytes <= BUFFER_MAX_BYTES;
  const isWatched = isHeld && !byEtag && run.source.seal === undefined && !copiesWithin(run);
  const whole = isWatched && expectationOf(head)?.algorithm === "MD5" ? await createHasher("MD5") : undefined;
  return {
    algorithm,
    isRefused: algorithm !== undefined && (checksumsVerified?.includes(algorithm) ?? true),
    byEtag,
    whole: whole === undefined ? undefined : new InOrderHash(whole),
    etagIsMd5,
  };
}

async function bringPart(run: Run, step: Step, upload: OpenUpload, piece: Piece, watch: Watch): Promise<CopiedPart> {
  const { bucket, key, uploadId } = upload;
  const part = { bucket, key, uploadId, partNumber: piece.partNumber };
  const kept = keptPart(upload, piece);
  if (kept !== undefined && tellsEnough(kept, watch)) return { ...kept, ...checksumIn(kept, watch) };
  if (piece.range !== undefined && kept === undefined) {
    const { range } = piece;
    const copied = await copyPartWithin(run, step, { ...part, range });
    if (copied !== undefined) return { ...copied, sizeBytes: range.lastByte - range.firstByte + 1 };
  }
  return await sendSource(run, step, (reply) => sendPart(run, step, part, { reply, kept, watch }), piece);
}

/** A part of another size is none of ours. */
function keptPart({ kept }: OpenUpload, { partNumber, range }: Piece): ListedPart | undefined {
  const part = kept.get(partNumber);
  if (part === undefined || range === undefined) return part;
  return part.sizeBytes === range.lastByte - range.firstByte + 1 ? part : undefined;
}

/** Whether a part that is there need not be read again. */
function tellsEnough(kept: ListedPart, watch: Watch): boolean {
  if (watch.byEtag) return true;
  if (watch.whole !== undefined) return false;
  if (watch.algorithm !== undefined) return watch.isRefused && kept.checksums?.values[watch.algorithm] !== undefined;
  // Nothing was compared on its way but its MD5, and who knows whether that was done.
  return !(watch.etagIsMd5 && kept.sizeBytes > BUFFER_MAX_BYTES);
}

function checksumIn(part: UploadedPart, { algorithm }: Watch): { readonly checksum?: string } {
  const checksum = algorithm === undefined ? undefined : part.checksums?.values[algorithm];
  return checksum === undefined ? {} : { checksum };
}

interface PartOnItsWay {
  readonly reply: ObjectReply;
  /** It is there already: its bytes are only looked at. */
  readonly kept: ListedPart | undefined;
  readonly watch: Watch;
}

type PartRef = UploadRef & Pick<UploadedPart, "partNumber">;

async function sendPart(run: Run, step: Step, part: PartRef, way: PartOnItsWay): Promise<CopiedPart> {
  if (run.source.seal !== undefined) return await sendSealed(run, step, part, way.reply);
  const isHeld = way.reply.body.sizeBytes <= BUFFER_MAX_BYTES && !way.watch.byEtag;
  return isHeld ? await sendHeld(run, step, part, way) : await passThrough(run, step, part, way);
}

async function sendSealed(run: Run, step: Step, part: PartRef, { head, body }: ObjectReply): Promise<CopiedPart> {
  const { sizeBytes } = body;
  const reading = markReading(step, body.stream());
  const sealed = head.sealed ?? run.source.seal ?? "";
  const request = { ...part, body: { sizeBytes, stream: reading.chunks }, sealed };
  const sending = reading.orBlame(destinationOf(run).uploadPart(request, run));
  return { ...(await answered(step, sending)), sizeBytes };
}

async function sendHeld(
  run: Run,
  step: Step,
  part: PartRef,
  { reply: { body }, kept, watch }: PartOnItsWay,
): Promise<CopiedPart> {
  const bytes = await answered(step, body.bytes(), { side: "source", deniedCode: "SrcGetObjectNotPermitted" });
  const { whole } = watch;
  const algorithm = watch.algorithm ?? (isProtected(run) ? DEFAULT_ALGORITHM : undefined);
  const hashed = whole?.take(part.partNumber, bytes);
  const checksum = algorithm === undefined ? undefined : await checksumOf(algorithm, bytes);
  const found = { sizeBytes: bytes.byteLength, ...(checksum === undefined ? {} : { checksum }) };
  const checksums =
    algorithm === undefined || checksum === undefined
      ? {}
      : { checksums: { type: "FULL_OBJECT" as const, values: { [algorithm]: checksum } } };
  try {
    const sent =
      kept ?? (await answered(step, destinationOf(run).uploadPart({ ...part, body: bytes, ...checksums }, run)));
    return { ...sent, ...checksums, ...found };
  } finally {
    await hashed;
  }
}

/** S3 takes parts of what it is to protect with a digest only. */
function isProtected({ source, destinationTraits }: Run): boolean {
  const isLocked = source.retention !== undefined || source.legalHold === true;
  return isLocked && destinationTraits.locksOnUploads !== false;
}

async function passThrough(
  run: Run,
  step: Step,
  part: PartRef,
  { reply: { body }, kept, watch }: PartOnItsWay,
): Promise<CopiedPart> {
  const { algorithm, isRefused, byEtag, etagIsMd5 } = watch;
  const { sizeBytes } = body;
  const isTrailed = !byEtag && kept === undefined && (algorithm === undefined ? !etagIsMd5 : isRefused);
  const own = algorithm === undefined || isTrailed ? undefined : await createHasher(algorithm);
  const md5 = !byEtag && etagIsMd5 ? await createHasher("MD5") : undefined;
  const reading = markReading(step, hashing(body.stream(), [own, md5]));
  const trailer = isTrailed ? { trailer: algorithm ?? DEFAULT_ALGORITHM } : {};
  const payload = { sizeBytes, stream: reading.chunks, ...trailer };
  const sent =
    kept ?? (await answered(step, reading.orBlame(destinationOf(run).uploadPart({ ...part, body: payload }, run))));
  if (kept !== undefined) await answered(step, reading.toEnd(), { side: "source" });
  const digest = md5 === undefined ? undefined : Buffer.from(md5.digest(), "base64").toString("hex");
  if (digest !== undefined && digest !== sent.etag) throw altered(step, part, digest, sent.etag);
  const checksum = own?.digest() ?? checksumIn(sent, watch).checksum;
  if (algorithm === undefined || checksum === undefined) return { ...sent, sizeBytes };
  return { ...sent, sizeBytes, checksum, checksums: { type: "FULL_OBJECT", values: { [algorithm]: checksum } } };
}

/** For parts of uploads that name no algorithm: the one that S3 itself takes then. */
const DEFAULT_ALGORITHM: ChecksumAlgorithm = "CRC64NVME";

async function* hashing(
  chunks: AsyncIterable<Uint8Array>,
  hashers: readonly (Hasher | undefined)[],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (const one of hashers) one?.update(chunk);
    yield chunk;
  }
}

/** As S3 makes the ETag of an object of parts. */
async function etagOfParts(parts: readonly UploadedPart[]): Promise<string> {
  const digests = Buffer.concat(parts.map((one) => Buffer.from(one.etag, "hex")));
  return `${Buffer.from(await checksumOf("MD5", digests), "base64").toString("hex")}-${parts.length}`;
}

/** What was read, part by part, must add up to what the source says of the whole. */
async function checkWhole(run: Run, step: Step, watch: Watch, parts: readonly CopiedPart[]): Promise<void> {
  const head = headOf(run);
  const sizeBytes = parts.reduce((sum, one) => sum + one.sizeBytes, 0);
  if (sizeBytes !== head.sizeBytes) {
    throw misread(run, step, `its parts add up to ${sizeBytes} bytes, the source says ${head.sizeBytes}`);
  }
  const md5 = watch.whole?.digest();
  const expectation = expectationOf(head);
  if (md5 !== undefined && md5 !== expectation?.value) {
    throw misread(run, step, `its bytes have the MD5 ${md5}, the source says ${expectation?.value}`);
  }
  const { algorithm } = watch;
  const expected = algorithm === undefined ? undefined : head.checksums?.values[algorithm];
  const pieces = parts.flatMap(({ checksum, sizeBytes: size }) =>
    checksum === undefined ? [] : [{ checksum, sizeBytes: size }],
  );
  if (algorithm === undefined || expected === undefined || pieces.length < parts.length) return;
  const actual = await joined(head, algorithm, pieces, layoutFor(run).kind === "numbered");
  if (actual !== undefined && actual !== expected) {
    throw misread(run, step, `its parts have the ${algorithm} ${actual}, the source says ${expected}`);
  }
}

/** @param isAsThere the parts are the source's own: of others a composite checksum is another one */
async function joined(
  head: ObjectHead,
  algorithm: ChecksumAlgorithm,
  pieces: readonly { readonly checksum: string; readonly sizeBytes: number }[],
  isAsThere: boolean,
): Promise<string | undefined> {
  if (head.checksums?.type === "COMPOSITE") {
    if (!isAsThere) return undefined;
    return await compositeChecksum(
      algorithm,
      pieces.map((one) => one.checksum),
    );
  }
  return isCrc(algorithm) ? combineCrcs(algorithm, pieces) : undefined;
}

function isCrc(algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm {
  return algorithm === "CRC32" || algorithm === "CRC32C" || algorithm === "CRC64NVME";
}

function misread(run: Run, step: Step, says: string): StepFailure {
  const { bucket, key } = run.task.version;
  const message = `${bucket}/${key} was misread: ${says}`;
  const error = new Discrepancy("ChecksumMismatch", message, { operation: "GetObject", bucket, key });
  return new StepFailure(step, "source", "SrcGetObjectNotPermitted", error);
}

/** Bytes were changed on their way: another try will see. */
function altered(step: Step, part: PartRef, md5: string, etag: string): StepFailure {
  const { bucket, key, partNumber } = part;
  const message = `part ${partNumber} of ${bucket}/${key} has the MD5 ${md5} and was stored with the ETag ${etag}`;
  const error = new Discrepancy("ChecksumMismatch", message, { operation: "UploadPart", bucket, key });
  return new StepFailure(step, "destination", step.checks[0]?.deniedCode ?? "UnknownAnswer", error);
}
