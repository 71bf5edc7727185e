/**
 * Replicates again what was lost, and only that: FAILED tasks, and versions that no rule took when they were written but
 * one takes now.
 *
 * A job lists first, then waits for its tasks. The tasks are ordinary ones of the ledger, so a job that ends with the
 * process loses nothing but its progress.
 */
import { randomUUID } from "node:crypto";
import type { FailureCode } from "../core/failures/catalogue.ts";
import type { ReplicationConfiguration, VersionRef } from "../core/model.ts";
import type { Ledger, NewTask, Selection, TaskRow } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import { sideBySide } from "../s3/side-by-side.ts";
import type { ObjectHead, Store } from "../s3/store.ts";
import type { Clock, Sites } from "./ports.ts";
import { hasRule, ruleIdOfToday } from "./rule-of-today.ts";
import { untriedTasks } from "./untried.ts";
import type { FinishedOutcome } from "./worker.ts";

export interface ResyncRequest {
  readonly bucket: string;
  /** Tasks that are FAILED; all of them, or only those with one of the codes. */
  readonly failed: boolean;
  readonly failureCodes?: readonly string[];
  /** Versions that were never tried and that a rule takes now. */
  readonly untried: boolean;
  /** Versions that show one of these, and are not at a destination that a rule names now. Default: none. */
  readonly arrived?: readonly ("COMPLETED" | "REPLICA")[];
  readonly prefix?: string;
  /** Counts, and changes nothing. */
  readonly dryRun: boolean;
  /** At most so many versions. */
  readonly limit?: number;
}

/** How far a job is. Numbers are of tasks: a version with two destinations has two. */
export interface ResyncProgress {
  readonly id: string;
  readonly bucket: string;
  readonly state: "listing" | "replicating" | "done" | "broken";
  readonly dryRun: boolean;
  readonly foundFailed: number;
  readonly foundUntried: number;
  /** Versions that were passed over, because the bucket's account may not read them. */
  readonly unreadable: number;
  readonly bytes: number;
  readonly completed: number;
  readonly failed: number;
  /** Tasks of versions that were removed at the source for good: there is nothing to replicate, they are forgotten. */
  readonly gone: number;
  /** Why listing ended early; only when broken. */
  readonly error?: string;
}

export interface ResyncOptions {
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Called after tasks were made due. */
  readonly onAdded: () => void;
}

const PAGE = 500;
const JOBS_KEPT_MAX = 100;

interface Job {
  progress: ResyncProgress;
  /** Tasks of the job that are not done yet. */
  readonly open: Set<string>;
}

export class Resync {
  readonly #options: ResyncOptions;
  readonly #jobs = new Map<string, Job>();

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  /** Starts a job and returns at once; `progress` tells how far it is. Listing stops when the signal is aborted. */
  start(request: ResyncRequest, signal: AbortSignal): ResyncProgress {
    const progress: ResyncProgress = {
      id: randomUUID(),
      bucket: request.bucket,
      state: "listing",
      dryRun: request.dryRun,
      foundFailed: 0,
      foundUntried: 0,
      unreadable: 0,
      bytes: 0,
      completed: 0,
      failed: 0,
      gone: 0,
    };
    const job: Job = { progress, open: new Set() };
    this.#jobs.set(progress.id, job);
    const [oldest] = this.#jobs.keys();
    if (this.#jobs.size > JOBS_KEPT_MAX && oldest !== undefined) this.#jobs.delete(oldest);
    this.#list(job, request, signal).then(
      () => this.#settle(job, { state: "replicating" }),
      (error: unknown) =>
        this.#settle(job, { state: "broken", error: error instanceof Error ? error.message : String(error) }),
    );
    return progress;
  }

  progress(id: string): ResyncProgress | undefined {
    return this.#jobs.get(id)?.progress;
  }

  /** Told by the workers of every task that ended a try. */
  finished(task: TaskRow, outcome: FinishedOutcome): void {
    if (outcome === "retryLater") return;
    for (const job of this.#jobs.values()) {
      if (!job.open.delete(nameOf(task))) continue;
      const { completed, failed } = job.progress;
      this.#settle(job, outcome === "completed" ? { completed: completed + 1 } : { failed: failed + 1 });
    }
  }

  #settle(job: Job, change: Partial<ResyncProgress>): void {
    job.progress = { ...job.progress, ...change };
    if (job.progress.state === "replicating" && job.open.size === 0) job.progress = { ...job.progress, state: "done" };
  }

  async #list(job: Job, request: ResyncRequest, signal: AbortSignal): Promise<void> {
    const configuration = await this.#options.sites.configuration(request.bucket);
    if (request.failed) await this.#listFailed(job, request, configuration, signal);
    const isWalked = request.untried || (request.arrived ?? []).length > 0;
    if (isWalked && configuration !== undefined) await this.#listUntried(job, request, configuration, signal);
  }

  async #listFailed(
    job: Job,
    request: ResyncRequest,
    configuration: ReplicationConfiguration | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { ledger, clock, onAdded } = this.#options;
    const selection: Selection = {
      bucket: request.bucket,
      state: "parked",
      ...(request.prefix === undefined ? {} : { prefix: request.prefix }),
      ...(request.failureCodes === undefined ? {} : { failureCodes: request.failureCodes }),
    };
    let after: string | undefined;
    do {
      const limit = Math.min(PAGE, leftOf(job, request));
      if (limit === 0) return;
      const page = await ledger.list(selection, { limit, ...(after === undefined ? {} : { after }) });
      after = page.next;
      const tasks = await this.#forgetGone(job, page.tasks, request);
      if (tasks.length === 0) continue;
      this.#count(job, tasks, "foundFailed");
      if (request.dryRun) continue;
      await this.#showPending(tasks);
      const renewed = configuration === undefined ? [] : await this.#underRulesOfToday(tasks, configuration, signal);
      await this.#addBodies([...renewed, ...tasks]);
      await this.#replace(renewed);
      await ledger.redrive({ ids: tasks.map((one) => one.id), state: "parked" }, clock.nowMs(), { origin: "resync" });
      onAdded();
    } while (after !== undefined && !signal.aborted);
  }

  /** Returns the tasks whose versions are still there. */
  async #forgetGone(job: Job, tasks: readonly TaskRow[], { dryRun }: ResyncRequest): Promise<readonly TaskRow[]> {
    const { ledger, sites } = this.#options;
    const areGone = await sideBySide(tasks, HEADS_AT_ONCE, async ({ version, operation }) => {
      const isHidden = operation === "deleteMarker" && (await sites.traits(version.bucket)).hidesMarkers === true;
      return !isHidden && (await isGone(sites.reader(version.bucket), version));
    });
    const ids = tasks.filter((_, index) => areGone[index]).map((one) => one.id);
    if (ids.length === 0) return tasks;
    job.progress = { ...job.progress, gone: job.progress.gone + ids.length };
    if (!dryRun) await ledger.discard({ ids, state: "parked" });
    return tasks.filter((_, index) => !areGone[index]);
  }

  /** A change of metadata cannot arrive before the version itself: what is missing there is replicated first. */
  async #addBodies(tasks: readonly TaskRow[]): Promise<void> {
    const { ledger, sites, clock } = this.#options;
    const wanted = tasks.filter((one) => one.operation !== "put" && one.failure?.code === MISSING_THERE);
    if (wanted.length === 0) return;
    const bodies = await sideBySide(wanted, HEADS_AT_ONCE, async (task): Promise<NewTask | undefined> => {
      const { version, destinationArn, ruleId } = task;
      const head = await headIfThere(sites.reader(version.bucket), version);
      if (head === undefined) return undefined;
      const { sizeBytes, lastModifiedMs: writtenAtMs } = head;
      const row = { version, destinationArn, ruleId, sizeBytes, writtenAtMs, dueAtMs: clock.nowMs() };
      return { ...row, operation: "put", origin: "resync" };
    });
    await ledger.add(bodies.filter((one) => one !== undefined));
    // The body may have failed, too, for a reason that nobody asked about: then it was not added just now.
    const rows = await ledger.ofVersions(wanted.map((one) => one.version));
    const parked = wanted.flatMap(({ destinationArn }, index) =>
      (rows[index] ?? []).filter(
        (row) => row.operation === "put" && row.state === "parked" && row.destinationArn === destinationArn,
      ),
    );
    if (parked.length === 0) return;
    await ledger.redrive({ ids: parked.map((one) => one.id), state: "parked" }, clock.nowMs(), { origin: "resync" });
  }

  /** Tasks whose rule is gone, each under the rule that takes it now. */
  async #underRulesOfToday(
    tasks: readonly TaskRow[],
    configuration: ReplicationConfiguration,
    signal: AbortSignal,
  ): Promise<readonly TaskRow[]> {
    const { sites } = this.#options;
    const ruleless = tasks.filter((one) => !hasRule(one, configuration));
    const ruleIds = await sideBySide(ruleless, HEADS_AT_ONCE, (one) =>
      ruleIdOfToday(one, configuration, sites, signal),
    );
    return ruleless.flatMap((task, index) => {
      const ruleId = ruleIds[index];
      return ruleId === undefined ? [] : [{ ...task, ruleId }];
    });
  }

  /** A task keeps its rule, so another task takes its place. */
  async #replace(renewed: readonly TaskRow[]): Promise<void> {
    const { ledger, clock } = this.#options;
    if (renewed.length === 0) return;
    const dueAtMs = clock.nowMs();
    await ledger.discard({ ids: renewed.map((one) => one.id), state: "parked" });
    await ledger.add(
      renewed.map(({ version, operation, destinationArn, ruleId, sizeBytes, writtenAtMs }): NewTask => {
        return { version, operation, destinationArn, ruleId, sizeBytes, writtenAtMs, dueAtMs, origin: "resync" };
      }),
    );
  }

  async #listUntried(
    job: Job,
    request: ResyncRequest,
    configuration: ReplicationConfiguration,
    signal: AbortSignal,
  ): Promise<void> {
    const { ledger, sites, clock, onAdded } = this.#options;
    const { bucket, prefix, failed, untried, arrived = [] } = request;
    // PENDING that the ledger knows nothing of is nobody's work, FAILED likewise.
    const lost = untried ? (["NONE", "PENDING", ...(failed ? (["FAILED"] as const) : [])] as const) : [];
    const statuses = new Set([...lost, ...arrived]);
    const pages = untriedTasks(
      { bucket, statuses, configuration, ledger, sites, clock, ...(prefix === undefined ? {} : { prefix }) },
      signal,
    );
    for await (const found of pages) {
      job.progress = { ...job.progress, unreadable: job.progress.unreadable + found.unreadable };
      const tasks = found.tasks.slice(0, leftOf(job, request));
      this.#count(job, tasks, "foundUntried");
      if (!request.dryRun && tasks.length > 0) {
        await this.#showPending(tasks);
        await ledger.add(tasks);
        onAdded();
      }
      if (leftOf(job, request) === 0) return;
    }
  }

  /** Before they are made due: a worker may be done with a task, and have shown that, before the next line runs. */
  async #showPending(tasks: readonly (NewTask | TaskRow)[]): Promise<void> {
    const { sites } = this.#options;
    await Promise.all(tasks.map((one) => sites.publish(one.version, one.destinationArn, "PENDING")));
  }

  /** Before they are made due, for the same reason. */
  #count(job: Job, tasks: readonly (NewTask | TaskRow)[], into: "foundFailed" | "foundUntried"): void {
    const bytes = job.progress.bytes + tasks.reduce((sum, one) => sum + one.sizeBytes, 0);
    job.progress = { ...job.progress, [into]: job.progress[into] + tasks.length, bytes };
    if (!job.progress.dryRun) for (const task of tasks) job.open.add(nameOf(task));
  }
}

const MISSING_THERE: FailureCode = "DstVersionNotFound";
const HEADS_AT_ONCE = 16;

/** Only a definite 404 says that it is gone; a delete marker answers 405. */
async function isGone(store: Store, version: VersionRef): Promise<boolean> {
  try {
    await store.headObject(version);
    return false;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return error.status === 404;
  }
}

/** Undefined when the version is gone or may not be read: then the task fails for that reason. */
async function headIfThere(store: Store, version: VersionRef): Promise<ObjectHead | undefined> {
  try {
    return await store.headObject(version);
  } catch (error) {
    if (error instanceof S3Error && [403, 404, 405].includes(error.status ?? 0)) return undefined;
    throw error;
  }
}

function leftOf(job: Job, request: ResyncRequest): number {
  const { foundFailed, foundUntried } = job.progress;
  return Math.max(0, (request.limit ?? Number.POSITIVE_INFINITY) - foundFailed - foundUntried);
}

function nameOf(task: Pick<NewTask, "version" | "operation" | "destinationArn">): string {
  return JSON.stringify([refOf(task.version), task.operation, task.destinationArn]);
}

function refOf(version: VersionRef): readonly string[] {
  return [version.bucket, version.key, version.versionId];
}
