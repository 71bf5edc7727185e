/**
 * The steps of a multipart upload: begun or gone on with, filled, completed, or given up.
 *
 * An upload is noted in the ledger before its first part is sent. A try that is cut short, by a kill or by a store that
 * does not answer, leaves it where it is, and the next try goes on with the parts that it has. An upload that nobody will
 * go on with is aborted: when its task ends without it, and when what it was begun for is not what is there now.
 */
import { bucketOfArn } from "../core/arn.ts";
import type { Step } from "../core/plan.ts";
import { S3Error } from "../s3/errors.ts";
import type { ChecksumAlgorithm, ListedPart, UploadRef, WriteRequest } from "../s3/store.ts";
import { belongingsSaid, bringAllLater, withBelongings } from "./belongings.ts";
import { ownRanges } from "./layout.ts";
import { uploadAllParts } from "./parts.ts";
import {
  answered,
  Discrepancy,
  destinationOf,
  headOf,
  identityOf,
  layoutFor,
  openUploadOf,
  type Run,
  StepFailure,
  target,
} from "./run.ts";
import { digestOf, printNote } from "./upload-note.ts";
import { finishWrite, writeRequest } from "./write.ts";

export async function createUpload(run: Run, step: Step): Promise<void> {
  if (await resumeUpload(run, step)) return;
  await abandonUpload(run);
  await beginUpload(run, step);
}

async function beginUpload(run: Run, step: Step): Promise<void> {
  const layout = layoutFor(run);
  const create = (request: WriteRequest) =>
    destinationOf(run).createMultipartUpload({ ...request, ...checksumOfUpload(run) }, run);
  const { uploadId } = await withBelongings(run, step, writeRequest(run), create);
  run.upload = { ...target(run), uploadId, kept: new Map() };
  if (layout.kind === "whole") return;
  if (await run.note(printNote({ uploadId, layout, of: purposeOf(run) }))) return;
  await abandonUpload(run);
  const { bucket, key } = target(run);
  const message = `somebody else tries ${bucket}/${key} by now`;
  const error = new S3Error(message, { operation: step.call, bucket, key, network: "aborted" });
  throw new StepFailure(step, step.side, "UnknownAnswer", error);
}

/** A composite checksum is one of the source's own parts: with others it would be another one. */
function checksumOfUpload(run: Run) {
  const { checksums } = headOf(run);
  const [algorithm] = Object.keys(checksums?.values ?? {}) as ChecksumAlgorithm[];
  if (algorithm === undefined || checksums === undefined) return {};
  const isKept = checksums.type === "FULL_OBJECT" || layoutFor(run).kind === "numbered";
  const isJoinable = algorithm !== "SHA1" && algorithm !== "SHA256";
  if (!isKept || (checksums.type === "FULL_OBJECT" && !isJoinable)) return {};
  return { checksums: { algorithm, type: checksums.type } };
}

/** What an upload becomes: whoever goes on with it must want the same. */
function purposeOf(run: Run): string {
  const { etag, sizeBytes } = headOf(run);
  return digestOf([etag, sizeBytes, writeRequest(run), belongingsSaid(run), run.source.seal]);
}

async function resumeUpload(run: Run, step: Step): Promise<boolean> {
  const { noted } = run;
  if (noted === undefined || noted.of !== purposeOf(run)) return false;
  const upload = { ...target(run), uploadId: noted.uploadId };
  const kept = await partsOf(run, step, upload);
  if (kept === undefined) return false;
  run.layout = noted.layout;
  run.upload = { ...upload, kept };
  // Whether it was begun with all that belongs to the version, or without what was denied, is not known any more.
  bringAllLater(run);
  return true;
}

/** Undefined when the upload is gone, or may not be looked at. */
async function partsOf(run: Run, step: Step, upload: UploadRef): Promise<Map<number, ListedPart> | undefined> {
  const kept = new Map<number, ListedPart>();
  let partNumberMarker: number | undefined;
  do {
    const marker = partNumberMarker === undefined ? {} : { partNumberMarker };
    try {
      const page = await answered(step, destinationOf(run).listParts({ ...upload, ...marker }, run));
      for (const one of page.parts) kept.set(one.partNumber, one);
      partNumberMarker = page.next;
    } catch (error) {
      if (error instanceof StepFailure && UNSEEN.has(error.error.status)) return undefined;
      throw error;
    }
  } while (partNumberMarker !== undefined);
  return kept;
}

const UNSEEN: ReadonlySet<number | undefined> = new Set([400, 403, 404, 405, 501]);

export async function uploadParts(run: Run, step: Step): Promise<void> {
  run.parts = await orGiveUp(run, async () => {
    const parts = await uploadAllParts(run, step, openUploadOf(run));
    if (parts !== undefined) return parts;
    // The boundaries were guessed wrong, or ETags are made otherwise than was thought: once more, and without a guess.
    run.provesNothingByEtag = true;
    if (layoutFor(run).kind === "ranges") run.layout = ownRanges(headOf(run).sizeBytes);
    await abandonUpload(run);
    await beginUpload(run, step);
    return (await uploadAllParts(run, step, openUploadOf(run))) ?? [];
  });
}

export async function completeUpload(run: Run, step: Step): Promise<void> {
  const head = headOf(run);
  const { checksums } = checksumOfUpload(run);
  const { kept: _, ...upload } = openUploadOf(run);
  const request = {
    ...upload,
    parts: run.parts ?? [],
    ...identityOf(run, head.lastModifiedMs),
    ...(checksums === undefined || head.checksums === undefined ? {} : { checksums: head.checksums }),
  };
  await orGiveUp(run, async () => {
    const reply = await answered(step, destinationOf(run).completeMultipartUpload(request, run));
    delete run.upload;
    delete run.noted;
    await finishWrite(run, step, reply);
  });
}

/** An upload whose parts turned out wrong, or that the store refused, is of no use to the next try. */
async function orGiveUp<T>(run: Run, deed: () => Promise<T>): Promise<T> {
  try {
    return await deed();
  } catch (error) {
    if (error instanceof StepFailure && !isPassing(error.error)) await abandonUpload(run);
    throw error;
  }
}

/** No answer, or one that says nothing of the upload. */
function isPassing(error: S3Error): boolean {
  if (error instanceof Discrepancy) return false;
  const { status } = error;
  return status === undefined || status >= 500 || status === 429 || status === 408;
}

/** Removes what was uploaded so far, by this try or by the one before. */
export async function abandonUpload(run: Run): Promise<void> {
  const uploadId = run.upload?.uploadId ?? run.noted?.uploadId;
  delete run.upload;
  delete run.noted;
  if (uploadId !== undefined) await abortUpload(run, uploadId);
}

/** That an upload cannot be removed changes nothing about what its task ends with. */
export async function abortUpload(
  { task, roleArn, sites, session }: Pick<Run, "task" | "roleArn" | "sites" | "session">,
  uploadId: string,
): Promise<void> {
  const { destinationArn, version } = task;
  const bucket = bucketOfArn(destinationArn) ?? destinationArn;
  try {
    const request = { roleArn, sourceBucket: version.bucket, destinationArn };
    const { destination } = session ?? (await sites.session(request));
    await destination.abortMultipartUpload({ bucket, key: version.key, uploadId });
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
  }
}
