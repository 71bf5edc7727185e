/**
 * Works jobs off: one bounded step of one job at a time, the job of the highest priority first. Between two steps, and
 * between two pages of a long one, everybody else gets a turn.
 *
 * Every step ends in a transaction, so a job goes on where it was after a restart; what a step was in the middle of is
 * done again. Initiating a version and recording it are one transaction.
 */
import { setImmediate as turnOfEverybody } from "node:timers/promises";
import { assert, unreachable } from "../../core/assert.ts";
import type { Connection } from "../../ledger/database.ts";
import type { S3Call } from "../s3/call.ts";
import { destinationRegionsOf, initiateReplication } from "../s3/initiate.ts";
import { announceChange } from "../s3/replication.ts";
import type { S3Service } from "../s3/service.ts";
import { generatedRows, writeManifest } from "./generator.ts";
import type { JobChange, Jobs } from "./jobs.ts";
import { keyOfRow, rowsOfManifest } from "./manifest.ts";
import { type Job, JobError, type JobStatus } from "./model.ts";
import { writeReport } from "./report.ts";
import type { JobSessions } from "./session.ts";
import type { DoneTask, ManifestRow, Task, TaskOutcome, Tasks } from "./tasks.ts";

export interface RunnerOptions {
  readonly s3: S3Service;
  readonly jobs: Jobs;
  readonly tasks: Tasks;
  readonly sessions: JobSessions;
  readonly clock: () => number;
  /** Told of faults of ours; the job that met one has failed. */
  readonly onFault: (error: unknown) => void;
}

/** Tasks that are initiated in one transaction. */
const TASKS_AT_ONCE = 50;
const ROWS_AT_ONCE = 500;
/** @source aws-replication.md §6.3 */
const THRESHOLD_TASKS = 1000;
const THRESHOLD_SHARE = 0.5;

/** What AWS writes of a task that succeeded, and the status of one that did not. @source aws-replication.md §6.6 */
const SUCCESS: TaskOutcome = { httpStatus: 200, code: "", message: "success" };
/** Seen of SrcObjectNotEligible; taken to be the same for every reason of replication. */
const REFUSED_STATUS = 500;
/** @source aws-replication.md §6.2 */
const INVALID_STATUS = 400;

/** The runner is to stop: what it was in the middle of is done again after the next start. */
class Stopped extends Error {
  override readonly name = "Stopped";
}

export class Runner {
  readonly #options: RunnerOptions;
  #isStopping = false;
  #wake: (() => void) | undefined;
  #isAwake = true;
  #running: Promise<void> | undefined;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Works until `stop`. Call once. */
  start(): void {
    this.#running = this.#run();
  }

  /** Tells that a job may have something to do. */
  wake(): void {
    this.#isAwake = true;
    this.#wake?.();
  }

  /** Ends after what is being written now. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.wake();
    await this.#running;
  }

  /** Does one step. False when there is nothing to do. */
  async step(): Promise<boolean> {
    const { jobs, tasks } = this.#options;
    await jobs.expire();
    const job = jobs.nextToRun();
    if (job !== undefined) {
      await this.#advance(job);
      return true;
    }
    const done = jobs.nextToSweep();
    return done !== undefined && (await tasks.removeSome(done.id));
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopping) {
        this.#isAwake = false;
        if (!(await this.step()) && !this.#isAwake && !this.#isStopping) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
        }
      }
    } catch (error) {
      // The record itself is broken: nothing can be done any more, and whoever calls next is told so.
      this.#options.onFault(error);
    }
  }

  async #advance(job: Job): Promise<void> {
    try {
      await this.#work(job);
    } catch (error) {
      if (error instanceof Stopped) return;
      await this.#fail(job, error);
    }
  }

  async #work(job: Job): Promise<void> {
    switch (job.status) {
      case "New":
        return await this.#move(job, { status: "Preparing" });
      case "Preparing":
        return await this.#prepare(job);
      case "Ready":
        return await this.#move(job, { status: "Active", activeSinceMs: this.#options.clock() });
      case "Active":
        return await this.#doTasks(job);
      case "Completing":
        return await this.#end(job, "Complete");
      case "Failing":
        return await this.#end(job, "Failed");
      case "Cancelling":
        return await this.#end(job, "Cancelled");
      case "Suspended":
      case "Paused":
      case "Pausing":
      case "Complete":
      case "Failed":
      case "Cancelled":
        return assert(false, `nothing is to be done for a job that is ${job.status}`);
      default:
        return unreachable(job.status);
    }
  }

  async #move(job: Job, change: JobChange): Promise<void> {
    await this.#options.jobs.move(job.id, [job.status], () => change);
  }

  async #fail(job: Job, error: unknown): Promise<void> {
    const { jobs, sessions, clock, onFault } = this.#options;
    const isKnown = error instanceof JobError;
    if (!isKnown) onFault(error);
    const fault = isKnown
      ? { code: error.code, reason: error.message.slice(0, REASON_LENGTH_MAX) }
      : { code: "InternalFailure", reason: "The lab had a fault while it worked on the job." };
    sessions.forget(job);
    await jobs.move(job.id, [job.status], ({ failures }) => ({
      status: job.status === "Cancelling" ? "Cancelled" : "Failed",
      endedMs: clock(),
      failures: [...failures, fault],
    }));
  }

  async #prepare(job: Job): Promise<void> {
    const { s3, tasks, sessions, clock, jobs } = this.#options;
    const { manifest, confirmationRequired } = job.request;
    // Rows of a preparation that was cut short.
    while (await tasks.removeSome(job.id)) this.#refuseWhenStopping();
    const session = await sessions.of(job);
    const pages =
      manifest.kind === "csv" ? pagesOf(rowsOfManifest(session, manifest)) : generatedRows(s3, job, session, manifest);
    let count = 0;
    for await (const rows of pages) {
      await tasks.add(job.id, count, rows);
      count += rows.length;
      if (jobs.find(job.id)?.status !== job.status) return;
      this.#refuseWhenStopping();
      await turnOfEverybody();
    }
    if (manifest.kind === "generator" && count === 0) {
      throw new JobError("ManifestGenerationFailed", "Manifest generation found no keys matching the filter criteria.");
    }
    const written =
      manifest.kind === "generator" && manifest.isOutputEnabled && manifest.output !== undefined
        ? {
            generated: await writeManifest(
              session,
              { job, output: manifest.output, pages: this.#taskPages(job) },
              clock(),
            ),
          }
        : {};
    const destinationRegions = Object.assign({}, ...tasks.buckets(job.id).map((one) => destinationRegionsOf(s3, one)));
    await this.#move(job, {
      ...(confirmationRequired ? { status: "Suspended", suspendedMs: clock() } : { status: "Ready" }),
      tasks: count,
      destinationRegions,
      ...written,
    });
  }

  async #doTasks(job: Job): Promise<void> {
    const { s3, jobs, tasks, clock } = this.#options;
    const page = tasks.page(job.id, job.nextTask, TASKS_AT_ONCE);
    const last = page.at(-1);
    if (last === undefined) return await this.#move(job, { status: "Completing", activeUntilMs: clock() });
    const call = await this.#callOf(job);
    const isInitiated = await s3.database.write((connection) => {
      // Cancelled since: what is not initiated yet is left alone.
      const outcomes: TaskOutcome[] = [];
      const changed = jobs.change(connection, job.id, ["Active"], (now) => {
        for (const task of page) outcomes.push(this.#initiate(job, call, task, connection));
        const failedTasks = now.failedTasks + outcomes.filter((one) => one.code !== "").length;
        return { nextTask: last.number + 1, failedTasks, ...failingOf(last.number + 1, failedTasks, clock()) };
      });
      if (changed === undefined) return false;
      for (const [index, outcome] of outcomes.entries()) {
        const task = page[index];
        if (task !== undefined) tasks.finish(connection, job.id, task.number, outcome);
      }
      return outcomes.some((one) => one.code === "");
    });
    if (isInitiated) announceChange(s3);
  }

  #initiate(job: Job, call: S3Call | JobError, task: Task, connection: Connection): TaskOutcome {
    if (call instanceof JobError) return { httpStatus: REFUSED_STATUS, code: call.code, message: call.message };
    const target = { bucket: task.bucket, key: keyOfRow(task), versionId: task.versionId };
    const refused = initiateReplication(this.#options.s3, connection, call, target, job.destinationRegions);
    if (refused === undefined) return SUCCESS;
    return { ...refused, httpStatus: refused.code === "InvalidRequest" ? INVALID_STATUS : REFUSED_STATUS };
  }

  /** A role that is not to be had fails the tasks one by one, and not the job. */
  async #callOf(job: Job): Promise<S3Call | JobError> {
    try {
      return (await this.#options.sessions.of(job)).call();
    } catch (error) {
      if (error instanceof JobError) return error;
      throw error;
    }
  }

  /** A report is written when at least one task was done, whatever became of the job. */
  async #end(job: Job, status: JobStatus): Promise<void> {
    const { s3, sessions, clock, tasks } = this.#options;
    if (job.request.report.isEnabled && job.nextTask > 0) {
      const session = await sessions.of(job);
      const pages = this.#pages((from) => tasks.donePage(job.id, from, ROWS_AT_ONCE));
      await writeReport(s3, session, { job, pages }, clock());
    }
    sessions.forget(job);
    await this.#move(job, { status, endedMs: clock() });
  }

  #taskPages(job: Job): AsyncGenerator<readonly Task[]> {
    return this.#pages((from) => this.#options.tasks.page(job.id, from, ROWS_AT_ONCE));
  }

  async *#pages<T extends Task | DoneTask>(read: (from: number) => readonly T[]): AsyncGenerator<readonly T[]> {
    for (let from = 0; ; ) {
      const page = read(from);
      const last = page.at(-1);
      if (last === undefined) return;
      yield page;
      from = last.number + 1;
      await turnOfEverybody();
      this.#refuseWhenStopping();
    }
  }

  #refuseWhenStopping(): void {
    if (this.#isStopping) throw new Stopped();
  }
}

/** The length of `FailureReason` in AWS's model. */
const REASON_LENGTH_MAX = 256;

/** After so many tasks a job in which most of them fail is given up. */
function failingOf(done: number, failed: number, nowMs: number): JobChange {
  if (done < THRESHOLD_TASKS || failed <= done * THRESHOLD_SHARE) return {};
  return {
    status: "Failing",
    activeUntilMs: nowMs,
    failures: [{ code: "TaskFailureThresholdExceeded", reason: `${failed} of the first ${done} tasks failed.` }],
  };
}

async function* pagesOf(rows: AsyncIterable<ManifestRow>): AsyncGenerator<readonly ManifestRow[]> {
  let page: ManifestRow[] = [];
  for await (const row of rows) {
    page.push(row);
    if (page.length < ROWS_AT_ONCE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
