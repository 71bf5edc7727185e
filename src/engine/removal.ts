/**
 * The removal of a replica for good, because its source version was removed for good: only where a replication asks for
 * it, which AWS's never does. What is removed cannot be brought back, so nothing is believed that is not proven.
 *
 * The version is gone when the source says so twice, right before: a listing of its key that comes to its end without it,
 * and a HEAD by its id that is a 404. One of them alone may come from a bucket that is not there any more, a proxy, a
 * marker that a store hides, or a listing that lags. Anything else (403, 405, 5xx, silence) is no absence. The replica is
 * the one that the ledger remembers; an object has to carry the mark of this very version.
 */
import type { Step } from "../core/plan.ts";
import { S3Error } from "../s3/errors.ts";
import { headIfThere } from "./head-if-there.ts";
import { MARK, markOf } from "./mark.ts";
import { answered, Discrepancy, destinationOf, type Run, StepFailure, sourceOf, target } from "./run.ts";
import { versionsOfKey } from "./versions-of-key.ts";

/** Finds out whether the source version is gone; `run.isThereStill` says when it is not. */
export async function confirmGone(run: Run, step: Step): Promise<void> {
  const { version } = run.task;
  for await (const one of versionsOfKey(sourceOf(run), version, step, run)) {
    if (one.versionId === version.versionId) {
      run.isThereStill = true;
      return;
    }
  }
  try {
    await sourceOf(run).headObject({ ...version, checksums: false }, run);
    run.isThereStill = true;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.status === 405) run.isThereStill = true;
    else if (error.status !== 404) throw new StepFailure(step, "source", "SrcHeadObjectNotPermitted", error);
  }
}

/** Idempotent: a replica that is not there was removed before. @throws StepFailure also when it is no replica of this version */
export async function removeReplica(run: Run, step: Step): Promise<void> {
  const { replicaVersionId: versionId, task } = run;
  if (run.isThereStill === true || versionId === undefined) return;
  const replica = { ...target(run), versionId };
  const destination = destinationOf(run);
  const head = await answered(step, headIfThere(destination, replica, run));
  if (head === undefined) {
    // A marker, or gone already: a marker is told by its listing, for it carries no mark.
    if (!(await isMarkerThere(run, step, versionId))) return;
  } else if (head.userMetadata[MARK] !== markOf(task.version)) {
    const { bucket, key } = replica;
    const message = `version ${versionId} of ${bucket}/${key} carries no mark of ${task.version.versionId}: it was left alone`;
    const error = new Discrepancy("DstVersionIdDiffers", message, { operation: step.call, bucket, key });
    throw new StepFailure(step, "destination", "UnknownAnswer", error);
  }
  await answered(step, destination.deleteObject(replica, run));
}

async function isMarkerThere(run: Run, step: Step, versionId: string): Promise<boolean> {
  for await (const one of versionsOfKey(destinationOf(run), target(run), step, run)) {
    if (one.versionId === versionId) return one.isDeleteMarker;
  }
  return false;
}
