/**
 * Resync: replicates again what was lost, and only that. FAILED tasks, and versions that no rule took when they were
 * written but one takes now.
 *
 * A job is a row of the ledger, so it outlives the process: whichever engine holds its name feeds it (`resync/feeder.ts`),
 * and another one goes on where that one was cut off. Pausing, resuming and cancelling are changes of the row, which the
 * feeder sees before its next step, wherever they were asked for.
 */
import { randomUUID } from "node:crypto";
import type { JobRow, JobState, Ledger, TaskRow } from "../ledger/ledger.ts";
import { isPassing } from "./outage.ts";
import type { Clock, Sites } from "./ports.ts";
import { Feeder } from "./resync/feeder.ts";
import { progressOf, RESYNC_KIND, type ResyncProgress, type ResyncRequest } from "./resync/model.ts";
import { Wakeup } from "./wakeup.ts";
import type { FinishedOutcome } from "./worker.ts";

export interface ResyncOptions {
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Holds jobs: unique among living engines that share a ledger. */
  readonly name: string;
  /** Called after tasks were made due. */
  readonly onAdded: () => void;
}

/** Jobs that one engine feeds at a time; the others wait for their turn, or for another engine. */
const JOBS_AT_ONCE = 4;
/** So long after the death of its engine a job is taken up by another one. */
const HOLD_MS = 10_000;
const RENEW_BELOW_MS = 6_000;
/** What was changed elsewhere is seen after so long. */
const POLL_MS = 1_000;
/** Tasks that end wake their job, but not more often than this. */
const PAUSE_MS = 100;

interface Held {
  readonly feeder: Feeder;
  readonly over: AbortController;
  untilMs: number;
  /** Its steps under way. */
  shift: Promise<void> | undefined;
}

export class Resync {
  readonly #options: ResyncOptions;
  readonly #held = new Map<string, Held>();
  readonly #wakeup = new Wakeup();
  /** When the ledger is asked for jobs again. */
  #lookAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ResyncOptions) {
    this.#options = options;
  }

  /** Adds a job, which is durable when it returns; whichever engine has room feeds it. */
  async start(request: ResyncRequest): Promise<ResyncProgress> {
    const { ledger, clock } = this.#options;
    const id = randomUUID();
    const { bucket } = request;
    await ledger.addJob({
      id,
      kind: RESYNC_KIND,
      bucket,
      createdAtMs: clock.nowMs(),
      request: JSON.stringify(request),
    });
    this.#lookNow();
    const job = await ledger.job(id);
    if (job === undefined) throw new Error(`the job ${id} was added and is not there`);
    return progressOf(job);
  }

  async progress(id: string): Promise<ResyncProgress | undefined> {
    const job = await this.#options.ledger.job(id);
    return job?.kind === RESYNC_KIND ? progressOf(job) : undefined;
  }

  /** The youngest first. */
  async list(): Promise<readonly ResyncProgress[]> {
    return (await this.#options.ledger.jobs()).filter(isResync).map(progressOf);
  }

  /** Feeds nothing more until it is resumed; what is under way ends. @returns how the job is then; undefined: no such job */
  async pause(id: string): Promise<ResyncProgress | undefined> {
    return await this.#turnTo(id, "paused", ["running"]);
  }

  async resume(id: string): Promise<ResyncProgress | undefined> {
    return await this.#turnTo(id, "running", ["paused"]);
  }

  /** Ends it for good: what waits is given back. */
  async cancel(id: string): Promise<ResyncProgress | undefined> {
    return await this.#turnTo(id, "cancelled", ["running", "paused"]);
  }

  /** Told by the workers of every task that ended a try. */
  finished({ jobId }: TaskRow, outcome: FinishedOutcome): void {
    if (jobId !== undefined && outcome !== "retryLater") this.#wakeup.wake();
  }

  /** Feeds jobs until the signal is aborted, then lets go of them. Rejects only when the ledger is broken for good. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let broken: unknown;
    // A ledger that is out of reach for now is asked again at the next turn: jobs go on from their rows.
    const complain = (error: unknown) => {
      if (!isPassing(error)) broken ??= error;
    };
    try {
      while (!signal.aborted && broken === undefined) {
        const begun: readonly Promise<void>[] = await this.#begin().catch((error: unknown) => {
          complain(error);
          return [];
        });
        for (const one of begun) void one.catch(complain).finally(() => this.#wakeup.wake());
        if (broken === undefined) await this.#wakeup.wait(signal, { clock, ms: POLL_MS });
        await clock.sleep(PAUSE_MS, signal);
      }
    } finally {
      await this.#letAllGo();
    }
    if (broken !== undefined) throw broken;
  }

  /** Feeds every job as far as it goes now. */
  async turn(): Promise<void> {
    this.#lookNow();
    await Promise.all(await this.#begin());
  }

  #lookNow(): void {
    this.#lookAtMs = Number.NEGATIVE_INFINITY;
    this.#wakeup.wake();
  }

  /** Takes hold of what is there to do and begins a shift of every job; returns the shifts that it has begun. */
  async #begin(): Promise<readonly Promise<void>[]> {
    const nowMs = this.#options.clock.nowMs();
    for (const [id, held] of this.#held) await this.#holdOn(id, held);
    if (nowMs >= this.#lookAtMs) {
      this.#lookAtMs = nowMs + POLL_MS;
      await this.#lookForJobs();
    }
    const begun: Promise<void>[] = [];
    for (const [id, held] of this.#held) {
      if (held.shift !== undefined) continue;
      held.shift = this.#shift(id, held).finally(() => {
        held.shift = undefined;
      });
      begun.push(held.shift);
    }
    return begun;
  }

  async #lookForJobs(): Promise<void> {
    const { ledger, clock, name } = this.#options;
    const jobs = (await ledger.jobs()).filter((one) => hasWork(one) && !this.#held.has(one.id));
    // The oldest first: they come youngest first.
    for (const { id } of jobs.toReversed()) {
      if (this.#held.size >= JOBS_AT_ONCE) return;
      const nowMs = clock.nowMs();
      const untilMs = nowMs + HOLD_MS;
      if (!(await ledger.hold(holdOf(id), name, { nowMs, untilMs }))) continue;
      const over = new AbortController();
      this.#held.set(id, { feeder: new Feeder(id, this.#options, over.signal), over, untilMs, shift: undefined });
    }
  }

  async #holdOn(id: string, held: Held): Promise<void> {
    const { ledger, clock, name } = this.#options;
    const nowMs = clock.nowMs();
    if (held.untilMs - nowMs > RENEW_BELOW_MS) return;
    const untilMs = nowMs + HOLD_MS;
    if (await ledger.hold(holdOf(id), name, { nowMs, untilMs })) {
      held.untilMs = untilMs;
      return;
    }
    // Somebody else has it: what is under way here must not go on.
    held.over.abort();
    this.#held.delete(id);
  }

  async #shift(id: string, held: Held): Promise<void> {
    const { ledger, name } = this.#options;
    for (;;) {
      const outcome = await held.feeder.step();
      if (held.over.signal.aborted || outcome === "waits") return;
      if (outcome === "over") break;
    }
    this.#held.delete(id);
    await ledger.letGo(holdOf(id), name);
    // Another one may have waited for the place.
    this.#lookNow();
  }

  async #letAllGo(): Promise<void> {
    const { ledger, name } = this.#options;
    const held = [...this.#held];
    this.#held.clear();
    for (const [, one] of held) one.over.abort();
    await Promise.allSettled(held.flatMap(([, one]) => one.shift ?? []));
    // Where the ledger is broken the holds run out by themselves.
    await Promise.allSettled(held.map(([id]) => ledger.letGo(holdOf(id), name)));
  }

  async #turnTo(id: string, state: JobState, from: readonly JobState[]): Promise<ResyncProgress | undefined> {
    const { ledger, clock } = this.#options;
    const end = state === "cancelled" ? { endedAtMs: clock.nowMs() } : {};
    for (const before of from) {
      if (await ledger.changeJob(id, { state, ...end }, before)) break;
    }
    this.#lookNow();
    return await this.progress(id);
  }
}

function isResync({ kind }: JobRow): boolean {
  return kind === RESYNC_KIND;
}

/** A cancelled job has work as long as it has tasks to give back. */
function hasWork(job: JobRow): boolean {
  return isResync(job) && (job.state === "running" || (job.state === "cancelled" && job.open > 0));
}

function holdOf(id: string): string {
  return `job ${id}`;
}
