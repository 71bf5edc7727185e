/**
 * Changes of metadata where the destination gave the replica an id of its own. Such a change finds nothing under the
 * source's id; that the very same bytes are there under another one is told apart from a replica that is missing: to
 * write it once more would not help.
 */
import type { StepName } from "../core/plan.ts";
import { S3Error } from "../s3/errors.ts";
import type { ObjectHead } from "../s3/store.ts";
import { Discrepancy, destinationOf, type Run, StepFailure, target } from "./run.ts";

const ON_REPLICAS: ReadonlySet<StepName> = new Set<StepName>([
  "writeTags",
  "writeAcl",
  "writeRetention",
  "writeLegalHold",
]);

/** The failure under its better name, where the replica is the key's current version under another id. */
export async function namedByOtherId(run: Run, failed: StepFailure): Promise<StepFailure> {
  const { step, error } = failed;
  const { head } = run.source;
  if (!ON_REPLICAS.has(step.name) || error.status !== 404 || head === undefined) return failed;
  const { bucket, key } = target(run);
  const { versionId } = run.task.version;
  const there = await currentOf(run);
  if (there?.versionId === undefined || there.versionId === versionId) return failed;
  if (there.etag !== head.etag || there.sizeBytes !== head.sizeBytes) return failed;
  const message = `${bucket}/${key} is at the destination as version ${there.versionId}, and not as ${versionId}`;
  const other = new Discrepancy("DstVersionIdDiffers", message, { operation: step.call, bucket, key });
  return new StepFailure(step, failed.side, failed.deniedCode, other);
}

/** Undefined where the role may not look, as AWS's roles may not. */
async function currentOf(run: Run): Promise<ObjectHead | undefined> {
  try {
    return await destinationOf(run).headObject({ ...target(run), checksums: false }, run);
  } catch (error) {
    if (error instanceof S3Error) return undefined;
    throw error;
  }
}
