/**
 * Looks for a replica that may be there already, where the destination mints version ids: before a task is tried again,
 * so that no try adds a version that an earlier one has added.
 *
 * A first try needs no look: a lane is serial, and the ledger counts the try of a worker that died. Objects are known by
 * their mark, delete markers by their place: one that is no replica of another version and lies above all that are.
 */

import type { Step } from "../core/plan.ts";
import type { KnownReplica, Ledger, TaskRow } from "../ledger/ledger.ts";
import { headIfThere } from "./head-if-there.ts";
import { MARK, markOf } from "./mark.ts";
import { answered, destinationOf, headOf, type Run, sourceOf, target } from "./run.ts";
import { versionsOfKey } from "./versions-of-key.ts";

/** What the ledger knows of replicas. */
export type ReplicaMap = Pick<Ledger, "replicaOf" | "replicasBetween">;

/** Whether an earlier try may have written the replica; a resync may have made a new task of one that was tried. */
export function mayBeThere(task: TaskRow): boolean {
  return task.origin === "resync" || task.attempts > 0 || task.redrives > 0 || task.failure !== undefined;
}

/**
 * The version id of the replica that an earlier try has written; undefined when none has.
 *
 * @throws StepFailure when the destination does not let itself be looked at: then nothing may be written either
 */
export async function findReplica(run: Run, step: Step, map: ReplicaMap): Promise<string | undefined> {
  const replicas = await knownReplicas(run, map);
  // A scan may have come upon it since this try began.
  const own = replicas.find((one) => one.version.versionId === run.task.version.versionId);
  if (own !== undefined) return own.replicaVersionId;
  const known = new Set(replicas.map((one) => one.replicaVersionId));
  return run.task.operation === "deleteMarker"
    ? await findMarker(run, step, known)
    : await findObject(run, step, known);
}

/** The version that this try has just written, where the store did not tell its id. */
export async function findByMark(run: Run, step: Step): Promise<string | undefined> {
  return await findObject(run, step, new Set());
}

/** Whether the ledger knows of no replica of the key. Somebody else's object may be there all the same. */
export async function isNewKey(run: Run, map: ReplicaMap): Promise<boolean> {
  return (await knownReplicas(run, map)).length === 0;
}

async function findObject(run: Run, step: Step, known: ReadonlySet<string>): Promise<string | undefined> {
  const { bucket, key } = target(run);
  const destination = destinationOf(run);
  const mark = markOf(run.task.version);
  const { sizeBytes } = headOf(run);
  for await (const one of versionsOfKey(destination, { bucket, key }, step, run)) {
    if (one.isDeleteMarker || one.sizeBytes !== sizeBytes || known.has(one.versionId)) continue;
    const { versionId } = one;
    const head = await answered(step, headIfThere(destination, { bucket, key, versionId }, run));
    if (head?.userMetadata[MARK] === mark) return versionId;
  }
  return undefined;
}

async function findMarker(run: Run, step: Step, known: ReadonlySet<string>): Promise<string | undefined> {
  let found: string | undefined;
  for await (const one of versionsOfKey(destinationOf(run), target(run), step, run)) {
    if (known.has(one.versionId)) break;
    if (one.isDeleteMarker) found = one.versionId;
  }
  return found;
}

/** Whether a newer version of the source is at the destination: an older one would be put on top of it. */
export async function newerIsThere(run: Run, step: Step, map: ReplicaMap): Promise<boolean> {
  const replicated = new Set((await knownReplicas(run, map)).map((one) => one.version.versionId));
  for await (const one of versionsOfKey(sourceOf(run), run.task.version, step, run)) {
    if (one.versionId === run.task.version.versionId) return false;
    if (replicated.has(one.versionId)) return true;
  }
  return false;
}

async function knownReplicas({ task }: Run, map: ReplicaMap): Promise<readonly KnownReplica[]> {
  const { bucket, key } = task.version;
  return await map.replicasBetween({ bucket, destinationArn: task.destinationArn, fromKey: key, toKey: key });
}
