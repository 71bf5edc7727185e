/**
 * Leases due tasks, tries each once, and records what came of it.
 *
 * The order of records makes a crash harmless: the status is shown before the ledger is told. What was shown too early is
 * shown again when the lease has run out and the task is tried anew; a replica is never written as another version.
 */
import { assert } from "../core/assert.ts";
import type { SkipReason } from "../core/eligibility.ts";
import type { FailureCode } from "../core/failures/catalogue.ts";
import { classify, isTransient } from "../core/failures/classify.ts";
import { nextState, type Outcome, shownStatus } from "../core/status.ts";
import type { Claim, FailedAttempt, Ledger, SizeRange, TaskRow } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import { type CopyOutcome, replicate } from "./copy.ts";
import { holdsReplicasName } from "./mark.ts";
import type { Clock, Sites } from "./ports.ts";
import { Wakeup } from "./wakeup.ts";

export interface WorkerOptions {
  /** No two that live at one time have the same: what a dead one of this name held is taken over. */
  readonly name: string;
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Tasks in flight at once. */
  readonly concurrency: number;
  /** Large objects have workers of their own. */
  readonly sizes?: SizeRange;
  readonly onFinished?: (task: TaskRow, outcome: FinishedOutcome) => void;
}

export type FinishedOutcome = "completed" | "retryLater" | "failed";

const LEASE_MS = 60_000;
const RENEW_EVERY_MS = 20_000;
/** The longest sleep: what another process adds to the same ledger is seen after it. */
const POLL_MS = 5_000;
const CLAIM_PAUSE_MS = 4;
/** What is due may be gone when it is claimed, to another process: that must not make us spin. */
const SPIN_GUARD_MS = 20;

interface Flight {
  readonly claim: Claim;
  readonly abort: AbortController;
  /** Somebody else has the task now: what comes of this try counts for nothing. */
  isLost: boolean;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #wakeup = new Wakeup();
  readonly #flights = new Map<number, Flight>();
  readonly #sizes: SizeRange;

  constructor(options: WorkerOptions) {
    assert(options.concurrency >= 1, "a worker needs a concurrency of at least 1");
    this.#options = options;
    this.#sizes = options.sizes ?? {};
  }

  /** Tells that there may be something to do. */
  wake(): void {
    this.#wakeup.wake();
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /**
   * Works until the signal is aborted, then waits for what is in flight. Rejects only when the ledger is broken.
   *
   * @param abandon aborted when what is in flight is not to be waited for: it is cut short and its leases given back
   */
  async run(signal: AbortSignal, abandon: AbortSignal): Promise<void> {
    await this.#options.ledger.expireLeases(this.#options.name);
    const { clock } = this.#options;
    const flying = new Set<Promise<void>>();
    const renewing = this.#renewWhileRunning(abandon);
    // Not AbortSignal.any for every task: on Node 20 a signal that lives long remembers all that were made of it.
    const cutShort = () => {
      for (const one of this.#flights.values()) one.abort.abort();
    };
    abandon.addEventListener("abort", cutShort);
    let broken: unknown;
    try {
      while (!signal.aborted && broken === undefined) {
        const claims = await this.#claim();
        for (const claim of claims) {
          const flight = this.#fly(claim, abandon)
            .catch((error: unknown) => {
              broken ??= error;
            })
            .finally(() => {
              flying.delete(flight);
              this.#wakeup.wake();
            });
          flying.add(flight);
        }
        if (claims.length === 0) await this.#sleep(signal);
        // Under load many leases are taken at once: each taking is a transaction.
        else await clock.sleep(CLAIM_PAUSE_MS, signal);
      }
      await Promise.all(flying);
    } finally {
      renewing.stop();
      abandon.removeEventListener("abort", cutShort);
    }
    if (broken !== undefined) throw broken;
  }

  #lose(id: number): void {
    const flight = this.#flights.get(id);
    if (flight === undefined) return;
    flight.isLost = true;
    flight.abort.abort();
  }

  async #claim(): Promise<readonly Claim[]> {
    const { ledger, clock, name, concurrency } = this.#options;
    const limit = concurrency - this.#flights.size;
    if (limit <= 0) return [];
    const nowMs = clock.nowMs();
    const leaseUntilMs = nowMs + LEASE_MS;
    const claims = await ledger.claim({ worker: name, limit, nowMs, leaseUntilMs, ...this.#sizes });
    for (const claim of claims) {
      this.#flights.set(claim.task.id, { claim, abort: new AbortController(), isLost: false });
    }
    return claims;
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const { ledger, clock, concurrency } = this.#options;
    if (this.#flights.size >= concurrency) return await this.#wakeup.wait(signal);
    const dueAtMs = await ledger.nextDueAtMs(this.#sizes);
    const untilDueMs = dueAtMs === undefined ? POLL_MS : dueAtMs - clock.nowMs();
    await this.#wakeup.wait(signal, { clock, ms: Math.min(Math.max(untilDueMs, SPIN_GUARD_MS), POLL_MS) });
  }

  async #fly(claim: Claim, abandon: AbortSignal): Promise<void> {
    const { task } = claim;
    const flight = this.#flights.get(task.id);
    assert(flight !== undefined, "a claimed task is in flight");
    if (abandon.aborted) flight.abort.abort();
    const startedAtMs = this.#options.clock.nowMs();
    try {
      const outcome = await this.#try(claim, flight.abort.signal);
      if (flight.isLost) return;
      if (outcome.done === "unwanted") await this.#drop(claim, outcome.because);
      else if (abandon.aborted && outcome.done === false) await this.#giveBack(claim, outcome);
      else await this.#record(claim, startedAtMs, outcome);
    } finally {
      this.#flights.delete(task.id);
    }
  }

  /** A bug in one task must not stop the others: it is recorded as a fault of the engine, and tried again. */
  async #try(claim: Claim, signal: AbortSignal): Promise<CopyOutcome> {
    const { sites, ledger } = this.#options;
    const { task } = claim;
    try {
      const configuration = await sites.configuration(task.version.bucket);
      return await replicate(
        task,
        configuration,
        { sites, replicas: ledger, note: (text) => ledger.note(claim, text) },
        signal,
      );
    } catch (error) {
      if (error instanceof S3Error) return unreadConfiguration(error);
      const code: FailureCode = "EngineFault";
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
      return { done: false, code, failure: { code, step: "engine", message } };
    }
  }

  /** A write that got no answer may have been done: such a lease runs out, and so the try is counted. */
  async #giveBack(claim: Claim, copied: FailedCopy): Promise<void> {
    if (copied.unsure !== true) await this.#options.ledger.release([claim]);
  }

  /** Somebody else may lease the task between the two calls: then it is theirs to drop. */
  async #drop(claim: Claim, because: SkipReason["reason"]): Promise<void> {
    const { ledger, onFinished } = this.#options;
    const { task } = claim;
    if (because === "isReplica") await ledger.setCheckpoint(holdsReplicasName(task.version.bucket), "true");
    await ledger.release([claim]);
    await ledger.discard({ ids: [task.id], state: "waiting" });
    onFinished?.(task, "completed");
  }

  async #record(claim: Claim, startedAtMs: number, copied: EndedCopy): Promise<void> {
    const { ledger, clock, onFinished } = this.#options;
    const { task } = claim;
    const nowMs = clock.nowMs();
    const state = nextState(toOutcome(copied), task.attempts + 1, { nowMs, jitter: clock.random() });
    if (copied.done) {
      await this.#publish(task, []);
      const { bytes, replicaVersionId } = copied;
      const minted = replicaVersionId === undefined ? {} : { replicaVersionId };
      await ledger.complete(claim, { startedAtMs, endedAtMs: nowMs, bytes, ...minted });
      onFinished?.(task, "completed");
      return;
    }
    const attempt: FailedAttempt = { startedAtMs, endedAtMs: nowMs, failure: copied.failure };
    if (state.status === "PENDING") {
      await ledger.retryLater(claim, attempt, state.nextTryAtMs);
      onFinished?.(task, "retryLater");
      return;
    }
    await this.#publish(task, ["FAILED"]);
    await ledger.park(claim, attempt);
    onFinished?.(task, "failed");
  }

  /** Shows what is left undone of the version at this destination: the task's own end, and its other tasks. */
  async #publish(task: TaskRow, own: readonly "FAILED"[]): Promise<void> {
    const { ledger, sites } = this.#options;
    if (sites.showsNoStatus === true) return;
    const [rows = []] = await ledger.ofVersions([task.version]);
    const others = rows.filter((one) => one.id !== task.id && one.destinationArn === task.destinationArn);
    const undone = others.map((one) => (one.state === "parked" ? "FAILED" : "PENDING"));
    await sites.publish(task.version, task.destinationArn, shownStatus([...own, ...undone]));
  }

  #renewWhileRunning(abandon: AbortSignal): { stop(): void } {
    const { clock, ledger } = this.#options;
    const over = new AbortController();
    const renew = async () => {
      for (;;) {
        await clock.sleep(RENEW_EVERY_MS, over.signal);
        if (over.signal.aborted || abandon.aborted) return;
        const claims = [...this.#flights.values()].map((one) => one.claim);
        if (claims.length === 0) continue;
        const { lost } = await ledger.renew(claims, clock.nowMs() + LEASE_MS);
        for (const id of lost) this.#lose(id);
      }
    };
    // When the ledger cannot renew, the leases run out, and the next claim of this worker meets the same fault.
    renew().catch(() => undefined);
    return { stop: () => over.abort() };
  }
}

/** Nothing was tried: what the store says of its configuration says nothing of the version, and passes. */
function unreadConfiguration({ fields, message }: S3Error): CopyOutcome {
  const named = classify({ name: "headVersion", side: "source", deniedCode: "StoreUnavailable" }, fields);
  const code = isTransient(named) ? named : "StoreUnavailable";
  const { status, code: errorCode, requestId } = fields;
  const failure = {
    code,
    step: "configuration",
    message,
    ...(status === undefined ? {} : { httpStatus: status }),
    ...(errorCode === undefined ? {} : { errorCode }),
    ...(requestId === undefined ? {} : { sourceRequestId: requestId }),
  };
  return { done: false, code, failure };
}

type EndedCopy = Exclude<CopyOutcome, { readonly done: "unwanted" }>;
type FailedCopy = Extract<CopyOutcome, { readonly done: false }>;

function toOutcome(copied: EndedCopy): Outcome {
  if (copied.done) return { done: true };
  return {
    done: false,
    code: copied.code,
    ...(copied.retryAfterMs === undefined ? {} : { retryAfterMs: copied.retryAfterMs }),
  };
}
