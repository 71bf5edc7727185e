/**
 * Copies that a store makes by itself, where both buckets are its own and who writes may read: no byte comes through
 * here. A store that does not know the call, or does not let it be made, is asked no more in this try, and the bytes go
 * the ordinary way: whatever is denied there is known by its right name.
 */
import type { Step } from "../core/plan.ts";
import { S3Error } from "../s3/errors.ts";
import type { ByteSpan, CopySource, PutReply, UploadedPart, UploadRef, WriteRequest } from "../s3/store.ts";
import { answered, destinationOf, headOf, type Run } from "./run.ts";

/**
 * Whether the destination is asked to copy by itself.
 *
 * Never with a percent sign in the key: UploadPartCopy of such a key ends the process of radosgw 16.2.15, and with it
 * everybody's calls. Never under a customer's key, which nobody here has. Never where replicas keep their ids, which a
 * copy cannot be given.
 */
export function copiesWithin(run: Run): boolean {
  const { session, destinationTraits, refusedWithin, source, task } = run;
  return (
    session?.sourceWithin !== undefined &&
    destinationTraits.mintsVersionIds === true &&
    refusedWithin !== true &&
    source.head?.encryption.kind !== "SSE-C" &&
    !task.version.key.includes("%")
  );
}

/** Undefined when the store does not copy it. */
export async function copyObjectWithin(run: Run, request: WriteRequest): Promise<PutReply | undefined> {
  if (!copiesWithin(run)) return undefined;
  return await unlessRefused(run, () => destinationOf(run).copyObject({ ...request, source: copySourceOf(run) }, run));
}

/** Undefined when the store does not copy it. */
export async function copyPartWithin(
  run: Run,
  step: Step,
  part: UploadRef & { readonly partNumber: number; readonly range: ByteSpan },
): Promise<UploadedPart | undefined> {
  if (!copiesWithin(run)) return undefined;
  const ask = () => destinationOf(run).uploadPartCopy({ ...part, source: copySourceOf(run) }, run);
  return await answered(step, unlessRefused(run, ask));
}

function copySourceOf(run: Run): CopySource {
  const { key, versionId } = run.task.version;
  const bucket = run.session?.sourceWithin ?? run.task.version.bucket;
  return { bucket, key, versionId, ifMatch: headOf(run).etag };
}

/** 501: radosgw, where either side is encrypted. 400: among others a range of an object below 5 MiB. */
const REFUSALS: ReadonlySet<number | undefined> = new Set([400, 403, 405, 501]);

async function unlessRefused<T>(run: Run, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof S3Error) || !REFUSALS.has(error.status)) throw error;
    run.refusedWithin = true;
    return undefined;
  }
}
