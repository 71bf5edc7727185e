/**
 * FAILED tasks on their way back to work: which of them are left, under which rule, and what has to go before them.
 *
 * Everything here may be done twice.
 */
import type { FailureCode } from "../../core/failures/catalogue.ts";
import type { ReplicationConfiguration, VersionRef } from "../../core/model.ts";
import type { Ledger, NewTask, TaskRow } from "../../ledger/ledger.ts";
import { S3Error } from "../../s3/errors.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { ObjectHead, Store } from "../../s3/store.ts";
import { headIfThere } from "../head-if-there.ts";
import type { Clock, Sites } from "../ports.ts";
import { hasRule, ruleIdOfToday } from "../rule-of-today.ts";

export interface Redriving {
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** What is made due belongs to it. */
  readonly jobId: string;
  readonly signal: AbortSignal;
}

const HEADS_AT_ONCE = 16;
const MISSING_THERE: FailureCode = "DstVersionNotFound";

/** Tells the tasks whose versions are still there from those whose are gone for good. */
export async function partGone(
  { sites, signal }: Redriving,
  tasks: readonly TaskRow[],
): Promise<{ readonly there: readonly TaskRow[]; readonly gone: readonly TaskRow[] }> {
  const areGone = await sideBySide(tasks, HEADS_AT_ONCE, async ({ version, operation }) => {
    const isHidden = operation === "deleteMarker" && (await sites.traits(version.bucket)).hidesMarkers === true;
    return !isHidden && (await isGone(sites.reader(version.bucket), version, signal));
  });
  return { there: tasks.filter((_, index) => !areGone[index]), gone: tasks.filter((_, index) => areGone[index]) };
}

/** Tasks whose rule is gone, each with the rule that takes it now. */
export async function underRulesOfToday(
  { sites, signal }: Redriving,
  tasks: readonly TaskRow[],
  configuration: ReplicationConfiguration,
): Promise<readonly TaskRow[]> {
  const ruleless = tasks.filter((one) => !hasRule(one, configuration));
  const ruleIds = await sideBySide(ruleless, HEADS_AT_ONCE, (one) => ruleIdOfToday(one, configuration, sites, signal));
  return ruleless.flatMap((task, index) => {
    const ruleId = ruleIds[index];
    return ruleId === undefined ? [] : [{ ...task, ruleId }];
  });
}

/** A task keeps its rule: this one takes the place of the row, which is discarded. */
export function replacing({ clock, jobId }: Redriving, row: TaskRow): NewTask {
  const { version, operation, destinationArn, ruleId, sizeBytes, writtenAtMs } = row;
  const dueAtMs = clock.nowMs();
  return { version, operation, destinationArn, ruleId, sizeBytes, writtenAtMs, dueAtMs, origin: "resync", jobId };
}

/**
 * A change of metadata cannot arrive before the version itself: what is missing there is replicated first. Such a task
 * goes ahead in the lane of the change, and the job, which waits for the change, needs not count it.
 */
export async function addBodies({ ledger, sites, clock, signal }: Redriving, tasks: readonly TaskRow[]): Promise<void> {
  const wanted = tasks.filter((one) => one.operation !== "put" && one.failure?.code === MISSING_THERE);
  if (wanted.length === 0) return;
  const bodies = await sideBySide(wanted, HEADS_AT_ONCE, async (task): Promise<NewTask | undefined> => {
    const { version, destinationArn, ruleId } = task;
    const head = await headIfReadable(sites.reader(version.bucket), version, signal);
    if (head === undefined) return undefined;
    const { sizeBytes, lastModifiedMs: writtenAtMs } = head;
    const row = { version, destinationArn, ruleId, sizeBytes, writtenAtMs, dueAtMs: clock.nowMs() };
    return { ...row, operation: "put", origin: "resync" };
  });
  await ledger.add(bodies.filter((one) => one !== undefined));
  // The body may have failed, too, for a reason that nobody asked about: then it was not added just now, and is not one
  // of the job's own tasks, which are made due after this.
  const own = new Set(tasks.map((one) => one.id));
  const rows = await ledger.ofVersions(wanted.map((one) => one.version));
  const parked = wanted.flatMap(({ destinationArn }, index) =>
    (rows[index] ?? []).filter(
      (row) =>
        row.operation === "put" && row.state === "parked" && row.destinationArn === destinationArn && !own.has(row.id),
    ),
  );
  if (parked.length === 0) return;
  await ledger.redrive({ ids: parked.map((one) => one.id), state: "parked" }, clock.nowMs(), { origin: "resync" });
}

/** Only a definite 404 says that it is gone; a delete marker answers 405. */
async function isGone(store: Store, version: VersionRef, signal: AbortSignal): Promise<boolean> {
  try {
    await store.headObject(version, { signal });
    return false;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return error.status === 404;
  }
}

/** Undefined when the version is gone or may not be read: then the task fails for that reason. */
async function headIfReadable(store: Store, version: VersionRef, signal: AbortSignal): Promise<ObjectHead | undefined> {
  try {
    return await headIfThere(store, version, { signal });
  } catch (error) {
    if (error instanceof S3Error && error.status === 403) return undefined;
    throw error;
  }
}
