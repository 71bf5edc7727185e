/**
 * The ledger out of reach: what to do until it is back, and since when it has been away.
 *
 * A database that is restarted, a disk that is full, a file that somebody else holds: all of that passes, and the engine
 * waits. A database of another kind or of a newer version does not become another one by waiting.
 */
import { DatabaseError } from "../ledger/database-error.ts";
import type { Clock } from "./ports.ts";

/** A restart of a server takes seconds; asked more often it would not be back earlier. */
const WAIT_MS_MIN = 250;
const WAIT_MS_MAX = 5000;

export interface OutageState {
  readonly sinceMs: number;
  /** What the database last said. */
  readonly message: string;
}

/** Whether an error is one of a database that may be back later. */
export function isPassing(error: unknown): error is DatabaseError {
  if (!(error instanceof DatabaseError)) return false;
  return error.reason === "io" || error.reason === "locked" || error.reason === "full";
}

export class Outage {
  readonly #clock: Clock;
  #state: OutageState | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined while the ledger answers. */
  get state(): OutageState | undefined {
    return this.#state;
  }

  /**
   * Works, and works again while the database is away. `work` may have been done although it failed.
   *
   * @returns undefined when the signal was aborted meanwhile
   * @throws what `work` throws for any other reason
   */
  async outlast<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (let waitMs = WAIT_MS_MIN; ; waitMs = Math.min(waitMs * 2, WAIT_MS_MAX)) {
      try {
        const value = await work();
        this.#state = undefined;
        return value;
      } catch (error) {
        if (!isPassing(error)) throw error;
        const { message } = error;
        this.#state = { sinceMs: this.#state?.sinceMs ?? this.#clock.nowMs(), message };
      }
      await this.#clock.sleep(Math.round(waitMs * (0.75 + this.#clock.random() / 2)), signal);
      if (signal.aborted) return undefined;
    }
  }
}
