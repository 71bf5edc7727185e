/**
 * Performs the plan of one task: reads the source as the role, writes the replica, verifies on the way.
 *
 * This file is the seam of errors: what the stores throw below it becomes a value above it, with the raw answer kept.
 * It decides nothing about retries and writes nothing to the ledger.
 */
import { bucketOfArn } from "../core/arn.ts";
import { eligibility, type SkipReason } from "../core/eligibility.ts";
import { type FailureCode, failureEntry } from "../core/failures/catalogue.ts";
import { classify, isTransient } from "../core/failures/classify.ts";
import type { Operation, ReplicationConfiguration, Rule } from "../core/model.ts";
import { planReplication, type Step, type StepName } from "../core/plan.ts";
import { replicationStatusOf } from "../core/status.ts";
import type { TaskFailure, TaskRow } from "../ledger/ledger.ts";
import { bringAllBelongings } from "./belongings.ts";
import { isMarked } from "./mark.ts";
import { namedByOtherId } from "./other-id.ts";
import type { Sites } from "./ports.ts";
import { findReplica, isNewKey, mayBeThere, newerIsThere, type ReplicaMap } from "./replica-search.ts";
import { Discrepancy, layoutFor, type Run, StepFailure } from "./run.ts";
import { performStep } from "./steps.ts";
import { parseNote } from "./upload-note.ts";
import { abandonUpload, abortUpload } from "./upload-steps.ts";
import { copiesWithin } from "./within.ts";

/** What came of one try. */
export type CopyOutcome =
  | { readonly done: true; readonly bytes: number; readonly replicaVersionId?: string }
  | {
      readonly done: false;
      readonly code: FailureCode;
      readonly failure: TaskFailure;
      readonly retryAfterMs?: number;
      /** Who gave the answer, or gave none; undefined when nobody was asked. */
      readonly side?: Step["side"];
      /** A write was under way and got no answer: it may have been done all the same. */
      readonly unsure?: boolean;
    }
  /** Nothing was to be done: no rule takes the version, now that it has been read. */
  | { readonly done: "unwanted"; readonly because: SkipReason["reason"] }
  /** It was broken off before a write: somebody else may have the task by now. */
  | { readonly done: "lost" };

/** What a try is made with, besides the task. */
export interface Surroundings {
  readonly sites: Pick<Sites, "session" | "traits" | "propagatesDeletes">;
  readonly replicas: ReplicaMap;
  /** Asked before every step that writes. False when somebody else may have the task by now. */
  readonly stillMine: () => Promise<boolean>;
  /** Asked when a write is about to go out: it may have waited, and the process may have been frozen meanwhile. */
  readonly mayWrite: () => boolean;
  /** Keeps a text with the task for its next try; false when this one does not count any more. */
  readonly note: (text: string) => Promise<boolean>;
}

/** Thrown where a write is not made because the task is somebody else's. */
class TaskLost extends Error {
  override readonly name = "TaskLost";
}

/**
 * Tries one task once. Rejects only for bugs; an aborted signal is a failure like any other, of class network.
 *
 * @param configuration of the source bucket as it is now; undefined when it has none
 */
export async function replicate(
  task: TaskRow,
  configuration: ReplicationConfiguration | undefined,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  const { sites, note, mayWrite } = surroundings;
  const noted = parseNote(task.note);
  const sourceTraits = await sites.traits(task.version.bucket);
  const destinationTraits = await sites.traits(bucketOfArn(task.destinationArn) ?? "");
  const rule = configuration?.rules.find(
    (one) => one.id === task.ruleId && one.destination.bucketArn === task.destinationArn,
  );
  // Removals are of no rule: who has turned them off meanwhile wants none.
  const isRefused = task.operation === "delete" && sites.propagatesDeletes?.(task.version.bucket) !== true;
  const code = isRefused
    ? "SrcObjectNotEligible"
    : refusalOf({ configuration, rule, task, sourceTraits, destinationTraits });
  const roleArn = configuration?.roleArn ?? "";
  if (code !== undefined || rule === undefined) {
    if (noted !== undefined) await abortUpload({ task, roleArn, sites }, noted.uploadId);
    return refused(code ?? "SrcObjectNotEligible");
  }
  const common = { task, rule, roleArn, sites, signal, mayWrite, note, sourceTraits, destinationTraits };
  const run: Run = { ...common, sentBytes: 0, source: {}, ...(noted === undefined ? {} : { noted }) };
  const outcome = await tryOnce(run, surroundings);
  if (!isGoneOnWith(outcome)) await abandonUpload(run);
  return outcome;
}

/** Whether another try, or whoever has the task by now, goes on with the upload. */
function isGoneOnWith(outcome: CopyOutcome): boolean {
  return outcome.done === "lost" || (outcome.done === false && isTransient(outcome.code));
}

/** Why nothing is tried. */
function refusalOf({
  configuration,
  rule,
  task,
  sourceTraits,
  destinationTraits,
}: Pick<Run, "task" | "sourceTraits" | "destinationTraits"> & {
  readonly configuration: ReplicationConfiguration | undefined;
  readonly rule: Rule | undefined;
}): FailureCode | undefined {
  if (configuration === undefined) return "SrcBucketReplicationConfigMissing";
  if (rule === undefined || !rule.enabled) return "SrcObjectNotEligible";
  const lacksLock = sourceTraits.objectLock === true && destinationTraits.objectLock === false;
  return lacksLock && !NEEDS_NO_LOCK.has(task.operation) ? "DstBucketObjectLockConfigMissing" : undefined;
}

const NEEDS_NO_LOCK: ReadonlySet<Operation> = new Set<Operation>(["deleteMarker", "delete"]);

async function tryOnce(run: Run, surroundings: Surroundings): Promise<CopyOutcome> {
  const { replicas } = surroundings;
  const { task, destinationTraits } = run;
  if (destinationTraits.mintsVersionIds === true) {
    const replicaVersionId = await replicas.replicaOf(task.version, task.destinationArn);
    // Added once more by somebody who did not know yet that it was done.
    if (replicaVersionId !== undefined && ADDS_VERSION.has(task.operation)) {
      return { done: true, bytes: 0, replicaVersionId };
    }
    if (replicaVersionId !== undefined) run.replicaVersionId = replicaVersionId;
  }
  try {
    await perform(run, surroundings);
  } catch (error) {
    if (error instanceof TaskLost) return { done: "lost" };
    if (error instanceof StepFailure) return outcomeOf(run, await namedByOtherId(run, error));
    throw error;
  } finally {
    run.source.body?.cancel();
  }
  if (run.unwanted !== undefined) return { done: "unwanted", because: run.unwanted };
  if (run.metadataFailure !== undefined) return outcomeOf(run, run.metadataFailure);
  const { replicaVersionId } = run;
  // Where ids are minted the map holds every replica, also one that could keep its id: what is in it is a replica.
  const needsNoMap = destinationTraits.mintsVersionIds !== true && replicaVersionId === task.version.versionId;
  return {
    done: true,
    bytes: run.sentBytes,
    ...(replicaVersionId === undefined || needsNoMap ? {} : { replicaVersionId }),
  };
}

/** Operations that make a new version at the destination. */
const ADDS_VERSION: ReadonlySet<Operation> = new Set<Operation>(["put", "deleteMarker"]);

async function perform(run: Run, { replicas, stillMine }: Surroundings): Promise<void> {
  let plan = planOf(run);
  for (let at = 0; at < plan.length; at++) {
    const step = plan[at];
    if (step === undefined) break;
    if (step.side === "destination" && !(await stillMine())) throw new TaskLost();
    if (ADDING.has(step.name) && (await isThereAlready(run, step, replicas))) return;
    if (step.name === "writeReplica" && run.destinationTraits.conditionalPut === true) {
      if (await writeIfNew(run, step, replicas)) return;
    } else await performStep(run, step);
    const because = whyUnwanted(run);
    if (because !== undefined) {
      run.unwanted = because;
      return;
    }
    // What follows depends on the version's tags, parts, encryption and locks. The steps so far stay the same.
    if (REVEALING.has(step.name)) plan = planOf(run);
  }
}

/** The first steps that add something at the destination. */
const ADDING: ReadonlySet<StepName> = new Set<StepName>(["writeReplica", "createUpload", "writeMarker"]);

/** Where ids are minted nothing is written twice, and nothing is put on top of what is newer. */
async function isThereAlready(run: Run, step: Step, replicas: ReplicaMap): Promise<boolean> {
  if (run.destinationTraits.mintsVersionIds !== true || !mayBeThere(run.task)) return false;
  const found = await findReplica(run, step, replicas);
  if (found !== undefined) {
    run.replicaVersionId = found;
    await bringAllBelongings(run, step);
    return true;
  }
  const isAgain = run.task.redrives > 0 || run.task.origin === "resync";
  if (isAgain && (await newerIsThere(run, step, replicas))) {
    const { bucket, key } = run.task.version;
    const message = `a newer version of ${bucket}/${key} is at the destination, and this one would be put on top of it`;
    const error = new Discrepancy("DstNewerVersionThere", message, { operation: step.call, bucket, key });
    throw new StepFailure(step, "destination", "UnknownAnswer", error);
  }
  return false;
}

/**
 * Writes the first version of a key on the condition that the key has no object. So of two writes of one version, a slow
 * one whose engine is thought dead and that of its successor, one only succeeds. A key that has replicas has an object:
 * there the condition would only be in the way. Where it is not fulfilled, the destination is looked at, as it is before
 * every later try, and what others have put there stays below the replica.
 *
 * @returns true when the replica was there
 */
async function writeIfNew(run: Run, step: Step, replicas: ReplicaMap): Promise<boolean> {
  run.keyIsNew = run.destinationTraits.mintsVersionIds === true && (await isNewKey(run, replicas));
  try {
    await performStep(run, step);
    return false;
  } catch (error) {
    const isTaken = error instanceof StepFailure && error.side === "destination" && error.error.status === 412;
    if (!isTaken || !run.keyIsNew) throw error;
  }
  run.keyIsNew = false;
  const found = await findReplica(run, step, replicas);
  if (found === undefined) {
    await performStep(run, step);
    return false;
  }
  run.replicaVersionId = found;
  await bringAllBelongings(run, step);
  return true;
}

/** A scan knows a version from its listing only: what else the rule asks is seen when the version has been read. */
function whyUnwanted({ task, rule, source, destinationTraits }: Run): SkipReason["reason"] | undefined {
  const { head } = source;
  if (destinationTraits.mintsVersionIds !== true || task.operation !== "put" || head === undefined) return undefined;
  const status = isMarked(head.userMetadata, task.version.key)
    ? "REPLICA"
    : replicationStatusOf(head.replicationStatus);
  const { key } = task.version;
  const { storageClass, encryption } = head;
  const seen = { key, isDeleteMarker: false, storageClass, encryption, tags: rule.tags };
  const version = status === undefined ? seen : { ...seen, replicationStatus: status };
  const [outcome] = eligibility({ roleArn: "", schema: "V2", rules: [rule] }, version, "put").outcomes;
  return outcome === undefined || outcome.taken ? undefined : outcome.because.reason;
}

/** Steps after which more is known of the version than before. */
const REVEALING: ReadonlySet<StepName> = new Set<StepName>(["readVersion", "readLegalHold"]);

function planOf(run: Run): readonly Step[] {
  const { task, rule, roleArn, source } = run;
  const { bucket, key } = task.version;
  const layout = source.head === undefined ? undefined : layoutFor(run);
  const version = {
    bucket,
    key,
    encryption: source.head?.encryption ?? { kind: "NOT-SSE" as const },
    tagCount: source.head?.tagCount ?? 0,
    partsCount: layout === undefined || layout.kind === "whole" ? 1 : layout.count,
    isMultipart: layout !== undefined && layout.kind !== "whole",
    retained: source.retention !== undefined,
    held: source.legalHold === true,
  };
  return planReplication({
    operation: task.operation,
    version,
    rule,
    roleArn,
    sourceObjectLock: run.sourceTraits.objectLock === true,
    destinationOwnerEnforced: run.destinationTraits.ownerEnforced === true,
    copiesWithin: copiesWithin(run),
  });
}

/** Names what a step's failure means. */
function outcomeOf(run: Run, failed: StepFailure): CopyOutcome {
  const { step, error } = failed;
  const locked = run.source.retention !== undefined || run.source.legalHold === true;
  const code =
    error instanceof Discrepancy
      ? error.failureCode
      : classify({ name: step.name, side: failed.side, deniedCode: failed.deniedCode, locked }, error.fields);
  const { status, code: errorCode, requestId, retryAfterMs } = error.fields;
  const requestMember =
    requestId === undefined
      ? {}
      : failed.side === "destination"
        ? { destinationRequestId: requestId }
        : { sourceRequestId: requestId };
  return {
    done: false,
    code,
    side: failed.side,
    failure: {
      code,
      step: step.name,
      ...(status === undefined ? {} : { httpStatus: status }),
      ...(errorCode === undefined ? {} : { errorCode }),
      message: error.message,
      ...requestMember,
    },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(run.destinationTraits.mintsVersionIds === true && isUnsure(failed) ? { unsure: true } : {}),
  };
}

/** Not answered, or answered by something on the way that may not know. */
function isUnsure({ side, error }: StepFailure): boolean {
  return side === "destination" && (error.status === undefined || error.status >= 500);
}

function refused(code: FailureCode): CopyOutcome {
  return { done: false, code, failure: { code, step: "configuration", message: failureEntry(code).title } };
}
