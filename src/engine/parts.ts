/**
 * Copies a multipart object part by part, with the source's own part boundaries, so that the replica's ETag and composite
 * checksum come out the same.
 */
import type { Step } from "../core/plan.ts";
import { checksumOf, compositeChecksum } from "../s3/checksum.ts";
import { type CrcAlgorithm, combineCrcs } from "../s3/crc-combine.ts";
import { partsOfEtag } from "../s3/etag.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ChecksumAlgorithm, ObjectHead, ObjectReply, UploadedPart, UploadRef } from "../s3/store.ts";
import {
  answered,
  BUFFER_MAX_BYTES,
  Discrepancy,
  destinationOf,
  headOf,
  markReading,
  type Run,
  StepFailure,
  sendSource,
} from "./run.ts";

/** Parts in flight at once: with buffered parts this bounds the memory of one object. */
const PARTS_AT_ONCE_MAX = 3;

interface CopiedPart extends UploadedPart {
  readonly sizeBytes: number;
  /** Of the bytes that were read, when they were held whole and the source has a checksum to compare with. */
  readonly readChecksum?: string;
}

/**
 * Copies all parts and checks that together they are what the source has.
 *
 * @throws StepFailure; parts in flight are waited for before it is thrown
 */
export async function uploadAllParts(run: Run, step: Step, upload: UploadRef): Promise<readonly UploadedPart[]> {
  const head = headOf(run);
  const numbers = Array.from({ length: partsOfEtag(head.etag) ?? 1 }, (_, index) => index + 1);
  const copied = await sideBySide(numbers, PARTS_AT_ONCE_MAX, (partNumber) =>
    sendSource(run, step, (reply) => copyPart(run, step, { ...upload, partNumber }, reply), partNumber),
  );
  // Of sealed parts only their seals tell: the store that takes them in has checked those.
  if (run.source.seal === undefined) await checkWhole(run, step, head, copied);
  return copied;
}

async function copyPart(
  run: Run,
  step: Step,
  part: UploadRef & Pick<UploadedPart, "partNumber">,
  { head, body }: ObjectReply,
): Promise<CopiedPart> {
  const destination = destinationOf(run);
  if (run.source.seal !== undefined) {
    const { sizeBytes } = body;
    const reading = markReading(step, body.stream());
    const payload = { sizeBytes, stream: reading.chunks };
    const sealed = head.sealed ?? run.source.seal;
    const sending = reading.orBlame(destination.uploadPart({ ...part, body: payload, sealed }, run));
    return { ...(await answered(step, sending)), sizeBytes };
  }
  const algorithm = algorithmOf(headOf(run));
  if (body.sizeBytes > BUFFER_MAX_BYTES) {
    const { sizeBytes } = body;
    const reading = markReading(step, body.stream());
    const payload = { sizeBytes, stream: reading.chunks, ...(algorithm === undefined ? {} : { trailer: algorithm }) };
    const sending = reading.orBlame(destination.uploadPart({ ...part, body: payload }, run));
    return { ...(await answered(step, sending)), sizeBytes };
  }
  const bytes = await answered(step, body.bytes(), { side: "source", deniedCode: "SrcGetObjectNotPermitted" });
  if (algorithm === undefined) {
    return {
      ...(await answered(step, destination.uploadPart({ ...part, body: bytes }, run))),
      sizeBytes: bytes.byteLength,
    };
  }
  const readChecksum = await checksumOf(algorithm, bytes);
  const checksums = { type: "FULL_OBJECT" as const, values: { [algorithm]: readChecksum } };
  const sending = destination.uploadPart({ ...part, body: bytes, checksums }, run);
  return { ...(await answered(step, sending)), checksums, sizeBytes: bytes.byteLength, readChecksum };
}

/** What was read, part by part, must add up to what the source says of the whole. */
async function checkWhole(run: Run, step: Step, head: ObjectHead, parts: readonly CopiedPart[]): Promise<void> {
  const sizeBytes = parts.reduce((sum, one) => sum + one.sizeBytes, 0);
  if (sizeBytes !== head.sizeBytes) {
    throw misread(run, step, `its parts add up to ${sizeBytes} bytes, the source says ${head.sizeBytes}`);
  }
  const algorithm = algorithmOf(head);
  const expected = algorithm === undefined ? undefined : head.checksums?.values[algorithm];
  const pieces = parts.flatMap((one) =>
    one.readChecksum === undefined ? [] : [{ checksum: one.readChecksum, sizeBytes: one.sizeBytes }],
  );
  if (algorithm === undefined || expected === undefined || pieces.length < parts.length) return;
  const actual = await joined(head, algorithm, pieces);
  if (actual !== undefined && actual !== expected) {
    throw misread(run, step, `its parts have the ${algorithm} ${actual}, the source says ${expected}`);
  }
}

async function joined(
  head: ObjectHead,
  algorithm: ChecksumAlgorithm,
  pieces: readonly { readonly checksum: string; readonly sizeBytes: number }[],
): Promise<string | undefined> {
  if (head.checksums?.type === "COMPOSITE")
    return await compositeChecksum(
      algorithm,
      pieces.map((one) => one.checksum),
    );
  return isCrc(algorithm) ? combineCrcs(algorithm, pieces) : undefined;
}

function isCrc(algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm {
  return algorithm === "CRC32" || algorithm === "CRC32C" || algorithm === "CRC64NVME";
}

function algorithmOf(head: ObjectHead): ChecksumAlgorithm | undefined {
  const [algorithm] = Object.keys(head.checksums?.values ?? {}) as ChecksumAlgorithm[];
  return algorithm;
}

function misread(run: Run, step: Step, says: string): StepFailure {
  const { bucket, key } = run.task.version;
  const message = `${bucket}/${key} was misread: ${says}`;
  const error = new Discrepancy("ChecksumMismatch", message, { operation: "GetObject", bucket, key });
  return new StepFailure(step, "source", "SrcGetObjectNotPermitted", error);
}
