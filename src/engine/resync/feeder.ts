/**
 * Feeds one job: a few tasks at a time, so that a job of a million tasks keeps neither the memory nor the queue full.
 *
 * A step does one thing and keeps what it has done; between any two steps, and within one, the process may die, and
 * whoever takes the job up goes on from its row. What is done twice then is harmless: a task is added once, what the job
 * has fed before is not fed again, and a page that was counted is not counted again (`model.ts`).
 *
 * States: while the canary is not COMPLETED, no more than its tasks are fed; when they have all ended, the job is broken,
 * or the walk begins anew where it was cut. When the walk has ended and no task is open, the job is done.
 */
import { type AnsweredStep, classify, isTransient } from "../../core/failures/classify.ts";
import { DatabaseError } from "../../ledger/database-error.ts";
import type { JobRow, Ledger, NewTask, TaskRow } from "../../ledger/ledger.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Clock, Sites } from "../ports.ts";
import { giveBack } from "./give-back.ts";
import {
  type Counts,
  fedOf,
  foundOf,
  type Pending,
  type Position,
  positionOf,
  type ResyncRequest,
  requestOf,
} from "./model.ts";
import { addBodies, partGone, type Redriving, replacing, underRulesOfToday } from "./redrive.ts";
import { CHUNK_TASKS, type Chunk, chunksFrom } from "./walk.ts";

/** A job has at most so many tasks open at a time. */
export const WINDOW_TASKS = 2000;
/** A store that is away is asked again after so long, doubling. */
const TROUBLE_MS = 2000;
const TROUBLE_MS_MAX = 60_000;
/** Codes that a broken canary names. */
const CODES_NAMED_MAX = 5;

/** What a walk asks of a store, as the table of answers knows it. */
const LISTING: AnsweredStep = { name: "headVersion", side: "source", deniedCode: "SrcGetObjectNotPermitted" };

export interface FeederOptions {
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Called after tasks were made due. */
  readonly onAdded: () => void;
}

/** `waits`: for tasks to end, or for a store to come back. `over`: there is nothing to do for this job, now or ever. */
export type StepOutcome = "moved" | "waits" | "over";

export class Feeder {
  readonly #options: FeederOptions;
  readonly #id: string;
  readonly #signal: AbortSignal;
  #walk: AsyncGenerator<Chunk> | undefined;
  #troubles = 0;
  #notBeforeMs = 0;

  constructor(id: string, options: FeederOptions, signal: AbortSignal) {
    this.#id = id;
    this.#options = options;
    this.#signal = signal;
  }

  /** Rejects only when the ledger is broken. */
  async step(): Promise<StepOutcome> {
    const { ledger, clock } = this.#options;
    const job = await ledger.job(this.#id);
    if (job?.state === "cancelled") return await giveBack(job, this.#options);
    if (job?.state !== "running" || this.#signal.aborted) return "over";
    if (clock.nowMs() < this.#notBeforeMs) return "waits";
    try {
      const outcome = await this.#advance(job);
      if (this.#troubles > 0) await ledger.changeJob(job.id, { error: "" });
      this.#troubles = 0;
      return outcome;
    } catch (error) {
      if (this.#signal.aborted) return "over";
      await this.#leaveWalk();
      return await this.#afterTrouble(job, error);
    }
  }

  async #advance(job: JobRow): Promise<StepOutcome> {
    const request = requestOf(job);
    const position = positionOf(job);
    const allowed = allowance(job, request, position);
    if (allowed === 0 && isCanary(request, position)) return await this.#judgeCanary(job, position);
    if (allowed === 0 || position.walk.of === "nothing") return await this.#finish(job, position);
    if (job.open > WINDOW_TASKS - CHUNK_TASKS) return "waits";
    if (this.#walk === undefined) await this.#addRenewed(position);
    const { ledger, sites, clock } = this.#options;
    const options = { jobId: job.id, request, ledger, sites, clock };
    this.#walk ??= chunksFrom(position.walk, options, this.#signal);
    const { value: chunk, done } = await this.#walk.next();
    if (this.#signal.aborted) return "over";
    if (done === true) await this.#keep(job, { ...position, walk: { of: "nothing" } });
    else await this.#feed(job, chunk, allowed);
    return "moved";
  }

  /** What a crash left between the two halves of taking a task's place. */
  async #addRenewed({ pending }: Position): Promise<void> {
    if (pending?.renewed === undefined) return;
    await this.#options.ledger.add(pending.renewed);
    this.#options.onAdded();
  }

  async #feed(job: JobRow, chunk: Chunk, allowed: number): Promise<void> {
    const request = requestOf(job);
    const { tasks, gone } = await this.#whatIsLeft(job, chunk);
    const isCut = tasks.length > allowed;
    const fed = tasks.slice(0, allowed);
    const renewed = request.dryRun ? [] : await this.#renewedOf(job, chunk, fed);
    const unreadable = isCut ? 0 : chunk.unreadable;
    const next = isCut ? undefined : chunk.upTo;
    const counts = countsOf(job, { of: chunk.of, tasks: fed, unreadable, gone: gone.length });
    const position = positionOf(job);
    if (request.dryRun) {
      await this.#keep(job, { ...position, ...(next === undefined ? {} : { walk: next }) }, counts);
    } else {
      const replacements = renewed.map((one) => replacing(this.#redriving(job), one));
      const pending: Pending = {
        tasks: fed.length,
        unreadable,
        gone: gone.length,
        ...(replacements.length === 0 ? {} : { renewed: replacements }),
      };
      await this.#keep(job, { ...position, pending }, counts);
      await this.#makeDue(job, chunk, { fed, gone, renewed, replacements });
      await this.#keep(job, settled({ ...position, ...(next === undefined ? {} : { walk: next }) }));
    }
    // What is left of the page is found again from its beginning, when more may be fed.
    if (isCut) await this.#leaveWalk();
  }

  async #whatIsLeft(job: JobRow, chunk: Chunk): Promise<{ readonly tasks: Fed; readonly gone: readonly TaskRow[] }> {
    if (chunk.of === "untried") return { tasks: chunk.tasks, gone: [] };
    const { there, gone } = await partGone(this.#redriving(job), chunk.tasks);
    return { tasks: there, gone };
  }

  async #renewedOf(job: JobRow, chunk: Chunk, fed: Fed): Promise<readonly TaskRow[]> {
    if (chunk.of === "untried") return [];
    const configuration = await this.#options.sites.configuration(job.bucket);
    if (configuration === undefined) return [];
    return await underRulesOfToday(this.#redriving(job), fed.filter(isRow), configuration);
  }

  async #makeDue(job: JobRow, chunk: Chunk, { fed, gone, renewed, replacements }: MadeDue): Promise<void> {
    const { ledger, clock, onAdded } = this.#options;
    if (gone.length > 0) await ledger.discard({ ids: gone.map((one) => one.id), state: "parked" });
    if (fed.length === 0) return;
    await this.#showPending(fed);
    if (chunk.of === "untried") {
      await ledger.add(fed.map((one) => ({ ...one, jobId: job.id })));
    } else {
      const rows = fed.filter(isRow);
      await addBodies(this.#redriving(job), [...renewed, ...rows]);
      if (renewed.length > 0) {
        await ledger.discard({ ids: renewed.map((one) => one.id), state: "parked" });
        await ledger.add(replacements);
      }
      const ids = rows.map((one) => one.id);
      await ledger.redrive({ ids, state: "parked" }, clock.nowMs(), { origin: "resync", jobId: job.id });
    }
    onAdded();
  }

  /** Before they are made due: a worker may be done with a task, and have shown that, before the next line runs. */
  async #showPending(tasks: Fed): Promise<void> {
    const { sites } = this.#options;
    await Promise.all(tasks.map((one) => sites.publish(one.version, one.destinationArn, "PENDING")));
  }

  async #judgeCanary(job: JobRow, position: Position): Promise<StepOutcome> {
    if (job.open > 0) return "waits";
    if (job.failed > 0) return await this.#breakCanary(job);
    await this.#leaveWalk();
    await this.#keep(job, settled({ ...position, canaryPassed: true }));
    return "moved";
  }

  async #finish(job: JobRow, position: Position): Promise<StepOutcome> {
    if (job.open > 0 && !requestOf(job).dryRun) return "waits";
    if (isCanary(requestOf(job), position) && job.failed > 0) return await this.#breakCanary(job);
    return await this.#end(job, { state: "done" });
  }

  async #breakCanary(job: JobRow): Promise<StepOutcome> {
    const { tasks } = await this.#options.ledger.list({ jobId: job.id, state: "parked" }, { limit: CHUNK_TASKS });
    const codes = new Map<string, number>();
    for (const { failure } of tasks) codes.set(failure?.code ?? "", (codes.get(failure?.code ?? "") ?? 0) + 1);
    const named = [...codes]
      .toSorted((one, other) => other[1] - one[1])
      .slice(0, CODES_NAMED_MAX)
      .map(([code, count]) => (count === 1 ? code : `${code} (${count})`));
    const tried = job.completed + job.failed;
    const error = `${job.failed} of the ${tried} that went first FAILED again: ${named.join(", ")}; the rest was not tried`;
    return await this.#end(job, { state: "broken", error });
  }

  /** A store that is away is waited for; what only a person can change ends the job. */
  async #afterTrouble(job: JobRow, error: unknown): Promise<StepOutcome> {
    const { clock, ledger } = this.#options;
    if (error instanceof DatabaseError) throw error;
    const says = error instanceof Error ? error.message : String(error);
    const isPassing = error instanceof S3Error && isTransient(classify(LISTING, error.fields));
    if (!isPassing) return await this.#end(job, { state: "broken", error: says });
    const waitMs = Math.min(TROUBLE_MS * 2 ** this.#troubles, TROUBLE_MS_MAX);
    this.#troubles += 1;
    this.#notBeforeMs = clock.nowMs() + waitMs;
    await ledger.changeJob(job.id, { error: `waits for a store: ${says}` }, "running");
    return "waits";
  }

  /** Somebody may have paused or cancelled it meanwhile: then that holds. */
  async #end(
    job: JobRow,
    change: { readonly state: "done" | "broken"; readonly error?: string },
  ): Promise<StepOutcome> {
    const { ledger, clock } = this.#options;
    const ended = await ledger.changeJob(job.id, { error: "", ...change, endedAtMs: clock.nowMs() }, "running");
    return ended ? "over" : "moved";
  }

  async #keep(job: JobRow, position: Position, counts?: Counts): Promise<void> {
    const change = { position: JSON.stringify(position), ...(counts === undefined ? {} : { counts }) };
    await this.#options.ledger.changeJob(job.id, change);
  }

  async #leaveWalk(): Promise<void> {
    const walk = this.#walk;
    this.#walk = undefined;
    await walk?.return(undefined);
  }

  #redriving(job: JobRow): Redriving {
    const { ledger, sites, clock } = this.#options;
    return { ledger, sites, clock, jobId: job.id, signal: this.#signal };
  }
}

type Fed = readonly (TaskRow | NewTask)[];

interface MadeDue {
  readonly fed: Fed;
  readonly gone: readonly TaskRow[];
  /** Rows with the rule of today, and the tasks that take their places. */
  readonly renewed: readonly TaskRow[];
  readonly replacements: readonly NewTask[];
}

function isRow(task: TaskRow | NewTask): task is TaskRow {
  return "id" in task;
}

/** The page is over: nothing of it is pending. */
function settled({ walk, canaryPassed }: Position): Position {
  return { walk, ...(canaryPassed === undefined ? {} : { canaryPassed }) };
}

function isCanary({ canary, dryRun }: ResyncRequest, { canaryPassed }: Position): boolean {
  return canary !== undefined && !dryRun && canaryPassed !== true;
}

/** How many tasks may still be fed. */
function allowance(job: JobRow, request: ResyncRequest, position: Position): number {
  const found = foundOf(job) - uncounted(job, position);
  const left = (request.limit ?? Number.POSITIVE_INFINITY) - found;
  const canary = isCanary(request, position) ? (request.canary ?? 0) - fedOf(job) : Number.POSITIVE_INFINITY;
  return Math.max(0, Math.min(left, canary));
}

/** Of a page that was counted before a crash: how many of its tasks were not fed. */
function uncounted(job: JobRow, { pending }: Position): number {
  return Math.min(pending?.tasks ?? 0, Math.max(0, foundOf(job) - fedOf(job)));
}

/** What a chunk adds to the counts, less what a crash let be counted already. */
function countsOf(
  job: JobRow,
  chunk: { readonly of: Chunk["of"]; readonly tasks: Fed; readonly unreadable: number; readonly gone: number },
): Counts {
  const position = positionOf(job);
  const { pending } = position;
  const known = requestOf(job).dryRun ? 0 : uncounted(job, position);
  const tasks = chunk.tasks.slice(known);
  return {
    [chunk.of === "failed" ? "foundFailed" : "foundUntried"]: tasks.length,
    bytes: tasks.reduce((sum, one) => sum + one.sizeBytes, 0),
    unreadable: Math.max(0, chunk.unreadable - (pending?.unreadable ?? 0)),
    gone: Math.max(0, chunk.gone - (pending?.gone ?? 0)),
  };
}
