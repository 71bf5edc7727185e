/**
 * Runs works and remembers them: a work is running until its job settles, and then done, failed or, where somebody told it
 * to end before, cancelled. Ended ones are remembered for a while, in memory.
 *
 * Of one bucket one work writes at a time.
 */
import { randomUUID } from "node:crypto";
import type { Identity } from "./auth/identity.ts";
import type { Changes, EndChange } from "./changes.ts";
import type { Told, WorkProgress } from "./desk.ts";
import { ApiError, wordsOf } from "./errors.ts";
import type { Work, WorkKind } from "./works.ts";

export interface WorkOrder {
  readonly kind: WorkKind;
  readonly bucket: string;
  readonly causeId?: string;
  readonly who: Identity;
  /** What it changes, for the audit log; undefined when nothing. */
  readonly changes?: string;
  readonly run: (told: Told) => Promise<unknown>;
}

export interface WorkRunnerOptions {
  readonly clock: () => number;
  readonly changes: Changes;
  /** Called with every change of a work. */
  readonly onChange: (work: Work) => void;
  /** Told of faults of ours. */
  readonly onFault: (error: unknown) => void;
}

const RUNNING_MAX = 8;
const ENDED_KEPT = 50;

interface Running {
  work: Work;
  readonly abort: AbortController;
  readonly writes: boolean;
}

export class WorkRunner {
  readonly #options: WorkRunnerOptions;
  readonly #running = new Map<string, Running>();
  /** The oldest first. */
  readonly #ended = new Map<string, Work>();

  constructor(options: WorkRunnerOptions) {
    this.#options = options;
  }

  /** @throws ApiError when too many run, or another one writes to the bucket; DatabaseError when it cannot be written down */
  async begin(order: WorkOrder): Promise<Work> {
    const { kind, bucket, causeId, who, changes } = order;
    if (this.#running.size >= RUNNING_MAX)
      throw new ApiError(503, `${RUNNING_MAX} works run already: wait, or cancel one`);
    const writes = changes !== undefined;
    const other = [...this.#running.values()].find((one) => one.writes && one.work.bucket === bucket);
    if (writes && other !== undefined) throw new ApiError(409, `${other.work.kind} of ${bucket} is under way`);
    const abort = new AbortController();
    const work: Work = {
      id: randomUUID(),
      kind,
      bucket,
      ...(causeId === undefined ? {} : { causeId }),
      state: "running",
      by: who.user,
      startedAtMs: this.#options.clock(),
      progress: { says: "beginning" },
    };
    // It takes its place before it is written down, so that no other one takes it meanwhile.
    const running: Running = { work, abort, writes };
    this.#running.set(work.id, running);
    let end: EndChange | undefined;
    try {
      if (changes !== undefined) {
        const subject = causeId === undefined ? bucket : `${bucket} ${causeId}`;
        end = await this.#options.changes.begin(who, { action: changes, subject });
      }
    } catch (error) {
      this.#running.delete(work.id);
      throw error;
    }
    this.#options.onChange(work);
    void this.#run(running, order, end);
    return work;
  }

  /** The youngest first. */
  list(): readonly Work[] {
    const running = [...this.#running.values()].map((one) => one.work);
    return [...this.#ended.values(), ...running].toSorted((one, other) => other.startedAtMs - one.startedAtMs);
  }

  find(id: string): Work | undefined {
    return this.#running.get(id)?.work ?? this.#ended.get(id);
  }

  /** Tells it to end; what it is in the middle of writing is still written. Undefined when there is no such work. */
  cancel(id: string): Work | undefined {
    this.#running.get(id)?.abort.abort();
    return this.find(id);
  }

  cancelAll(): void {
    for (const { abort } of this.#running.values()) abort.abort();
  }

  async #run(running: Running, { run }: WorkOrder, end: EndChange | undefined): Promise<void> {
    const { abort } = running;
    const onProgress = (progress: WorkProgress) => {
      if (this.#running.has(running.work.id)) this.#change(running, { ...running.work, progress });
    };
    let ended: Pick<Work, "state" | "result" | "error">;
    try {
      ended = { state: "done", result: await run({ onProgress, signal: abort.signal, by: running.work.by }) };
    } catch (error) {
      ended = { state: abort.signal.aborted ? "cancelled" : "failed", error: wordsOf(error) };
    }
    try {
      await end?.(ended.state === "done" ? "done" : "failed", ended.error);
    } catch (error) {
      this.#options.onFault(error);
    }
    this.#running.delete(running.work.id);
    this.#change(running, { ...running.work, ...ended, endedAtMs: this.#options.clock() });
    this.#ended.set(running.work.id, running.work);
    const [oldest] = this.#ended.keys();
    if (this.#ended.size > ENDED_KEPT && oldest !== undefined) this.#ended.delete(oldest);
  }

  #change(running: Running, work: Work): void {
    running.work = work;
    this.#options.onChange(work);
  }
}
