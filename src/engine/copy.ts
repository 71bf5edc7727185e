/**
 * Performs the plan of one task: reads the source as the role, writes the replica, verifies on the way.
 *
 * This file is the seam of errors: what the stores throw below it becomes a value above it, with the raw answer kept.
 * It decides nothing about retries and writes nothing to the ledger.
 */
import { bucketOfArn } from "../core/arn.ts";
import { type FailureCode, failureEntry } from "../core/failures/catalogue.ts";
import { classify } from "../core/failures/classify.ts";
import type { ReplicationConfiguration } from "../core/model.ts";
import { planReplication, type Step, type StepName } from "../core/plan.ts";
import type { TaskFailure, TaskRow } from "../ledger/ledger.ts";
import type { Sites } from "./ports.ts";
import { Discrepancy, partsOf, type Run, StepFailure } from "./run.ts";
import { performStep } from "./steps.ts";

/** What came of one try. */
export type CopyOutcome =
  | { readonly done: true; readonly bytes: number; readonly replicaVersionId?: string }
  | {
      readonly done: false;
      readonly code: FailureCode;
      readonly failure: TaskFailure;
      readonly retryAfterMs?: number;
    };

/**
 * Tries one task once. Rejects only for bugs; an aborted signal is a failure like any other, of class network.
 *
 * @param configuration of the source bucket as it is now; undefined when it has none
 */
export async function replicate(
  task: TaskRow,
  configuration: ReplicationConfiguration | undefined,
  sites: Pick<Sites, "session" | "traits">,
  signal: AbortSignal,
): Promise<CopyOutcome> {
  if (configuration === undefined) return refused("SrcBucketReplicationConfigMissing");
  const rule = configuration.rules.find(
    (one) => one.id === task.ruleId && one.destination.bucketArn === task.destinationArn,
  );
  if (rule === undefined || !rule.enabled) return refused("SrcObjectNotEligible");
  const sourceTraits = await sites.traits(task.version.bucket);
  const destinationTraits = await sites.traits(bucketOfArn(task.destinationArn) ?? "");
  if (sourceTraits.objectLock === true && destinationTraits.objectLock === false && task.operation !== "deleteMarker") {
    return refused("DstBucketObjectLockConfigMissing");
  }
  const { roleArn } = configuration;
  const run: Run = { task, rule, roleArn, sites, signal, sourceTraits, destinationTraits, sentBytes: 0, source: {} };
  try {
    await perform(run);
  } catch (error) {
    if (error instanceof StepFailure) return outcomeOf(run, error);
    throw error;
  } finally {
    run.source.body?.cancel();
  }
  if (run.metadataFailure !== undefined) return outcomeOf(run, run.metadataFailure);
  const { replicaVersionId } = run;
  const kept = replicaVersionId === undefined || replicaVersionId === task.version.versionId;
  return { done: true, bytes: run.sentBytes, ...(kept ? {} : { replicaVersionId }) };
}

async function perform(run: Run): Promise<void> {
  let plan = planOf(run);
  for (let at = 0; at < plan.length; at++) {
    const step = plan[at];
    if (step === undefined) break;
    await performStep(run, step);
    // What follows depends on the version's tags, parts, encryption and locks. The steps so far stay the same.
    if (REVEALING.has(step.name)) plan = planOf(run);
  }
}

/** Steps after which more is known of the version than before. */
const REVEALING: ReadonlySet<StepName> = new Set<StepName>(["readVersion", "readLegalHold"]);

function planOf(run: Run): readonly Step[] {
  const { task, rule, roleArn, source } = run;
  const { bucket, key } = task.version;
  const parts = source.head === undefined ? undefined : partsOf(source.head);
  const version = {
    bucket,
    key,
    encryption: source.head?.encryption ?? { kind: "NOT-SSE" as const },
    tagCount: source.head?.tagCount ?? 0,
    partsCount: parts ?? 1,
    isMultipart: parts !== undefined,
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
    failure: {
      code,
      step: step.name,
      ...(status === undefined ? {} : { httpStatus: status }),
      ...(errorCode === undefined ? {} : { errorCode }),
      message: error.message,
      ...requestMember,
    },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function refused(code: FailureCode): CopyOutcome {
  return { done: false, code, failure: { code, step: "configuration", message: failureEntry(code).title } };
}
