/**
 * Leases due tasks, tries each once, and records what came of it. What may be begun is the gate's to say.
 *
 * The order of records makes a crash harmless: the status is shown before the ledger is told. What was shown too early is
 * shown again when the lease has run out and the task is tried anew; a replica is never written as another version.
 *
 * A process that was frozen finds on waking that its leases have run out. Before every write it makes sure that a task is
 * still its own, and once more by the clock alone when the write is about to go out; a ledger that cannot be asked is waited for, and what was under way is recorded when it is back.
 */
import type { SkipReason } from "../core/eligibility.ts";
import type { FailureCode } from "../core/failures/catalogue.ts";
import { classify, isTransient } from "../core/failures/classify.ts";
import { nextState, type Outcome, shownStatus } from "../core/status.ts";
import type { Claim, FailedAttempt, Ledger, SizeRange, TaskFailure, TaskRow } from "../ledger/ledger.ts";
import { S3Error } from "../s3/errors.ts";
import { type CopyOutcome, replicate } from "./copy.ts";
import { Gate, type Lane, type Pass, type Room } from "./gate.ts";
import { holdsReplicasName } from "./mark.ts";
import { isPassing, Outage } from "./outage.ts";
import type { Clock, Sites } from "./ports.ts";
import { NO_SIGNS, signsOf } from "./signs.ts";
import { Wakeup } from "./wakeup.ts";

export interface WorkerOptions {
  /** No two that live at one time have the same: what a dead one of this name held is taken over. */
  readonly name: string;
  readonly ledger: Ledger;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Tasks in flight at once, besides a reserve for streams that have none. */
  readonly concurrency: number;
  /** What an engine's workers share. Default: one of its own. */
  readonly gate?: Gate;
  /** Default: one of its own. */
  readonly outage?: Outage;
  /** Large objects have workers of their own. */
  readonly sizes?: SizeRange;
  readonly onFinished?: (task: TaskRow, outcome: FinishedOutcome) => void;
  /** Told of each try that counts. */
  readonly onTried?: (tried: Tried) => void;
}

/** A try that is over. */
export interface Tried {
  readonly task: TaskRow;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** Bytes that were sent, where it succeeded. */
  readonly bytes?: number;
  readonly failure?: TaskFailure;
}

export type FinishedOutcome = "completed" | "retryLater" | "failed";

const LEASE_MS = 60_000;
const RENEW_EVERY_MS = 20_000;
/** A write is begun on a lease that has so long to go at least: longer than a store takes to begin to answer. */
const LEASE_LEFT_MS_MIN = 15_000;
/** The longest sleep: what another process adds to the same ledger is seen after it. */
const POLL_MS = 5_000;
/** Each claim is a transaction: under load so much time is between two, and many leases are taken at once. */
const CLAIM_PAUSE_MS = 4;
/** While only a few places are free, they are filled together: when a quarter is free, or after so long. */
const FILL_EVERY_MS = 80;
const FILL_SHARE = 1 / 4;
/** How often, when all places but the reserve are taken, somebody is looked for who has none, unasked. */
const RESERVE_EVERY_MS = 250;
/** What is due may be gone when it is claimed, to another process: that must not make us spin. */
const SPIN_GUARD_MS = 20;

interface Flight {
  readonly claim: Claim;
  readonly pass: Pass;
  readonly abort: AbortController;
  leaseUntilMs: number;
  /** Somebody else has the task now: what comes of this try counts for nothing. */
  isLost: boolean;
}

export class Worker {
  readonly #options: WorkerOptions;
  readonly #wakeup = new Wakeup();
  readonly #flights = new Map<number, Flight>();
  readonly #sizes: SizeRange;
  readonly #lane: Lane;
  readonly #outage: Outage;
  /** Since the last claim somebody said that there may be something to do. */
  #hasNews = true;
  #claimedAtMs = Number.NEGATIVE_INFINITY;
  /** Leases of its name may be held for which nothing is in flight: of one that died, or whose answer was lost. */
  #mayHoldOthers = true;
  /** It waits for more places to be free, and nothing else. */
  #isFilling = false;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#sizes = options.sizes ?? {};
    const { clock, name, concurrency, gate = new Gate({ clock }), outage = new Outage(clock) } = options;
    this.#lane = gate.lane(name, concurrency);
    this.#outage = outage;
  }

  /** Tells that there may be something to do. */
  wake(): void {
    this.#hasNews = true;
    this.#wakeup.wake();
  }

  get inFlight(): number {
    return this.#flights.size;
  }

  /**
   * Works until the signal is aborted, then waits for what is in flight. Waits for a ledger that is away; rejects only
   * when it is broken.
   *
   * @param abandon aborted when what is in flight is not to be waited for: it is cut short and its leases given back
   */
  async run(signal: AbortSignal, abandon: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const flying = new Set<Promise<void>>();
    const renewing = this.#renewWhileRunning(abandon);
    // Not AbortSignal.any for every task: on Node 20 a signal that lives long remembers all that were made of it.
    const cutShort = () => {
      for (const one of this.#flights.values()) one.abort.abort();
    };
    abandon.addEventListener("abort", cutShort);
    let broken: unknown;
    const breakOff = (error: unknown) => {
      broken ??= error;
      this.#wakeup.wake();
    };
    try {
      while (!signal.aborted && broken === undefined) {
        const nowMs = clock.nowMs();
        const waitMs = this.#fillsAtMs() - nowMs;
        if (waitMs > 0) {
          this.#isFilling = true;
          await this.#wakeup.wait(signal, { clock, ms: waitMs });
          this.#isFilling = false;
          continue;
        }
        if (this.#mayHoldOthers && this.#flights.size === 0) await this.#outage.outlast(() => this.#letGo(), signal);
        const room = this.#lane.room(nowMs);
        const flights = await this.#outage.outlast(() => this.#claim(room), signal);
        if (flights === undefined) break;
        if (flights.length === 0) {
          await this.#outage.outlast(() => this.#sleep(room, signal), signal);
          continue;
        }
        for (const one of flights) {
          const flight = this.#fly(one, abandon).catch(breakOff);
          flying.add(flight);
          void flight.then(() => {
            flying.delete(flight);
            // The first place that is free sets the time when it is filled, together with others.
            if (!this.#isFilling || this.#isWorthFilling || this.#lane.open === 1) this.#wakeup.wake();
          });
        }
        // Under load many leases are taken at once: each taking is a transaction.
        await clock.sleep(CLAIM_PAUSE_MS, signal);
      }
    } catch (error) {
      broken ??= error;
    }
    await Promise.all(flying);
    renewing.stop();
    abandon.removeEventListener("abort", cutShort);
    if (broken !== undefined) throw broken;
  }

  get #isWorthFilling(): boolean {
    const { open, places } = this.#lane;
    return open >= places * FILL_SHARE;
  }

  /** When the free places are filled at the latest. */
  #fillsAtMs(): number {
    const { open } = this.#lane;
    if (this.#isWorthFilling || (open <= 0 && this.#hasNews)) return Number.NEGATIVE_INFINITY;
    return this.#claimedAtMs + (open > 0 ? FILL_EVERY_MS : RESERVE_EVERY_MS);
  }

  #lose(flight: Flight | undefined): void {
    if (flight === undefined) return;
    flight.isLost = true;
    flight.abort.abort();
  }

  async #letGo(): Promise<void> {
    const { ledger, name } = this.#options;
    await ledger.expireLeases(name);
    this.#mayHoldOthers = false;
  }

  async #claim({ limit, limits }: Room): Promise<readonly Flight[]> {
    const { ledger, clock, name } = this.#options;
    const nowMs = clock.nowMs();
    this.#claimedAtMs = nowMs;
    this.#hasNews = false;
    if (limit === 0) return [];
    // When the ledger was away for long: what has been done and waits to be recorded is not to be claimed and done again.
    const expired = [...this.#flights.values()].filter((one) => !one.isLost && one.leaseUntilMs <= nowMs);
    if (expired.length > 0) await this.#renew(expired);
    const leaseUntilMs = nowMs + LEASE_MS;
    const claiming = ledger.claim({ worker: name, limit, limits, nowMs, leaseUntilMs, ...this.#sizes });
    const claims = await claiming.catch((error: unknown) => {
      this.#mayHoldOthers = true;
      throw error;
    });
    const flights: Flight[] = [];
    const refused: Claim[] = [];
    for (const claim of claims) {
      const { version, destinationArn, id } = claim.task;
      const pass = this.#lane.enter({ bucket: version.bucket, destinationArn }, nowMs);
      if (pass === undefined) {
        refused.push(claim);
        continue;
      }
      const flight = { claim, pass, abort: new AbortController(), leaseUntilMs, isLost: false };
      this.#flights.set(id, flight);
      flights.push(flight);
    }
    // Should that fail, they come again when their leases have run out.
    if (refused.length > 0) await ledger.release(refused).catch(unlessPassing);
    return flights;
  }

  async #sleep({ limit, limits, changesAtMs = Number.POSITIVE_INFINITY }: Room, signal: AbortSignal): Promise<void> {
    // Every place is taken: the end of a task is what wakes.
    if (limit === 0) return await this.#wakeup.wait(signal);
    const { ledger, clock } = this.#options;
    const dueAtMs = (await ledger.nextDueAtMs({ ...this.#sizes, limits })) ?? Number.POSITIVE_INFINITY;
    const untilMs = Math.min(dueAtMs, changesAtMs) - clock.nowMs();
    await this.#wakeup.wait(signal, { clock, ms: Math.min(Math.max(untilMs, SPIN_GUARD_MS), POLL_MS) });
  }

  async #fly(flight: Flight, abandon: AbortSignal): Promise<void> {
    const { claim, pass } = flight;
    const { clock } = this.#options;
    if (abandon.aborted) flight.abort.abort();
    const startedAtMs = clock.nowMs();
    let outcome: CopyOutcome = { done: "lost" };
    try {
      outcome = await this.#try(flight);
    } finally {
      // What was cut short by ourselves says nothing of the stores.
      const signs = flight.abort.signal.aborted ? NO_SIGNS : signsOf(outcome);
      pass.leave(signs, answerOf(outcome, clock.nowMs()));
    }
    try {
      await this.#outage.outlast(() => this.#end(flight, startedAtMs, outcome, abandon), abandon);
    } finally {
      this.#flights.delete(claim.task.id);
    }
  }

  async #end(flight: Flight, startedAtMs: number, outcome: CopyOutcome, abandon: AbortSignal): Promise<void> {
    const { claim } = flight;
    // Where the task is lost, what comes of this try counts for nothing, and is not shown either.
    if (outcome.done === "lost" || !(await this.#isStillMine(flight))) return;
    if (outcome.done === "unwanted") await this.#drop(claim, outcome.because);
    else if (abandon.aborted && outcome.done === false) await this.#giveBack(claim, outcome);
    else await this.#record(flight, startedAtMs, outcome);
  }

  /** Asks the clock, and the ledger when the lease is about to run out or has done so: nobody took it if it can be renewed. */
  async #isStillMine(flight: Flight): Promise<boolean> {
    const { clock } = this.#options;
    while (!flight.isLost && flight.leaseUntilMs - clock.nowMs() < LEASE_LEFT_MS_MIN) await this.#renew([flight]);
    return !flight.isLost;
  }

  async #renew(flights: readonly Flight[]): Promise<void> {
    const { ledger, clock } = this.#options;
    const leaseUntilMs = clock.nowMs() + LEASE_MS;
    const { lost } = await ledger.renew(
      flights.map((one) => one.claim),
      leaseUntilMs,
    );
    const isLost = new Set(lost);
    for (const one of flights) {
      if (isLost.has(one.claim.task.id)) this.#lose(one);
      else one.leaseUntilMs = leaseUntilMs;
    }
  }

  /** A bug in one task must not stop the others: it is recorded as a fault of the engine, and tried again. */
  async #try(flight: Flight): Promise<CopyOutcome> {
    const { sites, ledger } = this.#options;
    const { claim } = flight;
    try {
      const configuration = await sites.configuration(claim.task.version.bucket);
      const surroundings = {
        sites,
        replicas: ledger,
        stillMine: () => this.#isStillMine(flight),
        mayWrite: () => !flight.isLost && flight.leaseUntilMs > this.#options.clock.nowMs(),
        note: (text: string) => ledger.note(claim, text),
      };
      return await replicate(claim.task, configuration, surroundings, flight.abort.signal);
    } catch (error) {
      // What the ledger knows of the version is not known: the lease runs out, and the try is counted.
      if (isPassing(error)) {
        this.#mayHoldOthers = true;
        return { done: "lost" };
      }
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

  async #record({ claim, pass }: Flight, startedAtMs: number, copied: EndedCopy): Promise<void> {
    const { ledger, clock, onFinished, onTried } = this.#options;
    const { task } = claim;
    const nowMs = clock.nowMs();
    const tried = { task, startedAtMs, endedAtMs: nowMs };
    const state = nextState(toOutcome(copied), task.attempts + 1, { nowMs, jitter: clock.random() });
    if (copied.done) {
      await this.#publish(task, undefined);
      const { bytes, replicaVersionId } = copied;
      const minted = replicaVersionId === undefined ? {} : { replicaVersionId };
      if (await ledger.complete(claim, { startedAtMs, endedAtMs: nowMs, bytes, ...minted })) {
        onTried?.({ ...tried, bytes });
        onFinished?.(task, "completed");
      }
      return;
    }
    const { failure } = copied;
    const attempt: FailedAttempt = { startedAtMs, endedAtMs: nowMs, failure };
    if (state.status === "PENDING") {
      const nextTryAtMs = Math.min(state.nextTryAtMs, pass.tryAgainBy(signsOf(copied), nowMs));
      if (!(await ledger.retryLater(claim, attempt, nextTryAtMs))) return;
      pass.waits();
      onTried?.({ ...tried, failure });
      onFinished?.(task, "retryLater");
      return;
    }
    await this.#publish(task, copied.code);
    if (!(await ledger.park(claim, attempt))) return;
    onTried?.({ ...tried, failure });
    onFinished?.(task, "failed");
  }

  /** Shows what is left undone of the version at this destination: the task's own end, and its other tasks. */
  async #publish(task: TaskRow, failure: FailureCode | undefined): Promise<void> {
    const { ledger, sites } = this.#options;
    if (sites.showsNoStatus === true) return;
    const [rows = []] = await ledger.ofVersions([task.version]);
    const others = rows.filter((one) => one.id !== task.id && one.destinationArn === task.destinationArn);
    const undone = others.map((one) => (one.state === "parked" ? "FAILED" : "PENDING"));
    const status = shownStatus(failure === undefined ? undone : ["FAILED", ...undone]);
    const { version, destinationArn, operation, ruleId } = task;
    const ended = { operation, ruleId, ...(failure === undefined ? {} : { failure }) };
    await sites.publish(version, destinationArn, status, ended);
  }

  #renewWhileRunning(abandon: AbortSignal): { stop(): void } {
    const { clock } = this.#options;
    const over = new AbortController();
    const renew = async () => {
      for (;;) {
        await clock.sleep(RENEW_EVERY_MS, over.signal);
        if (over.signal.aborted || abandon.aborted) return;
        if (this.#flights.size === 0) continue;
        await this.#outage.outlast(() => this.#renew([...this.#flights.values()]), over.signal);
      }
    };
    // What is broken is met by the next claim of this worker, too.
    renew().catch(() => undefined);
    return { stop: () => over.abort() };
  }
}

function unlessPassing(error: unknown): void {
  if (!isPassing(error)) throw error;
}

/** What the gate is told of the answer. */
function answerOf(outcome: CopyOutcome, atMs: number): Parameters<Pass["leave"]>[1] {
  if (outcome.done !== false) return { answer: { atMs } };
  const { code, failure, retryAfterMs } = outcome;
  const { httpStatus, message } = failure;
  const answer = { atMs, code, message, ...(httpStatus === undefined ? {} : { httpStatus }) };
  return { answer, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
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
  return { done: false, code, side: "source", failure };
}

type EndedCopy = Exclude<CopyOutcome, { readonly done: "unwanted" | "lost" }>;
type FailedCopy = Extract<CopyOutcome, { readonly done: false }>;

function toOutcome(copied: EndedCopy): Outcome {
  if (copied.done) return { done: true };
  return {
    done: false,
    code: copied.code,
    ...(copied.retryAfterMs === undefined ? {} : { retryAfterMs: copied.retryAfterMs }),
  };
}
