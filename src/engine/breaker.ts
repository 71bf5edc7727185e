/**
 * The circuit breaker of one end of replication: a source, or a destination. When nobody is there, work is not wasted on it.
 *
 * States, and what leaves them:
 * - *closed*: tasks pass. Each one that finds nobody there is counted, and any answer sets the count back to nothing; the
 *   `FAILURES_TO_OPEN`th in a row leads to *open*.
 * - *open*: no task passes, so tasks wait untried and use up no attempts. The time of the next trial leads to *half-open*;
 *   an answer to what was still under way to *closed*. That more of what was under way finds nobody changes nothing.
 * - *half-open*: one task passes, the trial. An answer leads to *closed*. Nobody there leads back to *open*, for twice as
 *   long as before. When the trial ends without a word from this end, another task is the trial.
 *
 * A denial, a missing key or bucket, a conflict and "slow down" are answers: somebody is there. What is asked of a store
 * that is there but busy is the affair of `throttle.ts`. Every engine has its own breakers: one that cannot reach a store
 * does not know for the others.
 */

/** Less may be chance: a connection that was closed, a gateway of several that restarts. */
export const FAILURES_TO_OPEN = 5;
/** An outage of seconds is over for us a second later. */
export const TRIAL_AFTER_MS_MIN = 1000;
/** Work goes on so long after a long outage at the latest, and a store that is away is asked no more often. */
export const TRIAL_AFTER_MS_MAX = 30_000;

/** What a task has told of one end. `silent`: nothing. */
export type Sign = "there" | "away" | "busy" | "silent";

/** What an end last said, or why it said nothing. */
export interface LastAnswer {
  readonly atMs: number;
  /** Of the failure catalogue; none for a success. */
  readonly code?: string;
  readonly httpStatus?: number;
  readonly message?: string;
}

export interface BreakerState {
  readonly state: "closed" | "open" | "halfOpen";
  /** Since when it has been closed, or has not: from trial to trial it is one outage. */
  readonly sinceMs: number;
  /** Tasks in a row that found nobody there. */
  readonly failures: number;
  readonly lastAnswer?: LastAnswer;
  /** While it is open. */
  readonly nextTrialAtMs?: number;
}

export class Breaker {
  #state: BreakerState["state"] = "closed";
  #sinceMs: number;
  #failures = 0;
  #lastAnswer: LastAnswer | undefined;
  #trialAfterMs = TRIAL_AFTER_MS_MIN;
  #nextTrialAtMs = 0;
  #isOnTrial = false;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  get state(): BreakerState {
    return {
      state: this.#state,
      sinceMs: this.#sinceMs,
      failures: this.#failures,
      ...(this.#lastAnswer === undefined ? {} : { lastAnswer: this.#lastAnswer }),
      ...(this.#state === "open" ? { nextTrialAtMs: this.#nextTrialAtMs } : {}),
    };
  }

  /** When it changes by itself; undefined when it does not. */
  get changesAtMs(): number | undefined {
    return this.#state === "open" ? this.#nextTrialAtMs : undefined;
  }

  /** How many tasks may pass now. */
  passing(): number {
    if (this.#state === "closed") return Number.POSITIVE_INFINITY;
    return this.#state === "halfOpen" && !this.#isOnTrial ? 1 : 0;
  }

  /** Lets time do its work. True when it has become half-open just now. */
  tick(nowMs: number): boolean {
    if (this.#state !== "open" || nowMs < this.#nextTrialAtMs) return false;
    this.#become("halfOpen", nowMs);
    return true;
  }

  /** A task passes. True when it is the trial. */
  enter(): boolean {
    if (this.#state !== "halfOpen") return false;
    this.#isOnTrial = true;
    return true;
  }

  /**
   * A task has ended.
   *
   * @param jitter 0..1, so that engines that lost a store together do not come back together
   * @returns what has become of the breaker
   */
  leave(
    sign: Sign,
    told: { readonly isTrial: boolean; readonly answer: LastAnswer; readonly jitter: number },
  ): "opened" | "closed" | "same" {
    const { isTrial, answer, jitter } = told;
    if (isTrial) this.#isOnTrial = false;
    if (sign === "silent") return "same";
    this.#lastAnswer = answer;
    if (sign !== "away") {
      this.#failures = 0;
      if (this.#state === "closed") return "same";
      this.#trialAfterMs = TRIAL_AFTER_MS_MIN;
      this.#become("closed", answer.atMs);
      return "closed";
    }
    this.#failures += 1;
    const opens = this.#state === "closed" ? this.#failures >= FAILURES_TO_OPEN : isTrial;
    if (!opens) return "same";
    this.#nextTrialAtMs = answer.atMs + Math.round(this.#trialAfterMs * (0.75 + jitter / 4));
    this.#trialAfterMs = Math.min(this.#trialAfterMs * 2, TRIAL_AFTER_MS_MAX);
    this.#become("open", answer.atMs);
    return "opened";
  }

  #become(state: BreakerState["state"], nowMs: number): void {
    if (state === "closed" || this.#state === "closed") this.#sinceMs = nowMs;
    this.#state = state;
    this.#isOnTrial = false;
  }
}
