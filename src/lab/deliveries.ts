/**
 * When logs, trails and inventories are delivered: all together, again and again, some seconds after the last time. One
 * round at a time.
 */

export interface DeliveriesOptions {
  /** Each is run once a round; what they throw is a fault of ours. */
  readonly works: readonly (() => Promise<void>)[];
  readonly onFault: (error: unknown) => void;
}

export const DELIVERY_MS_DEFAULT = 5000;

export class Deliveries {
  readonly #options: DeliveriesOptions;
  #intervalMs = DELIVERY_MS_DEFAULT;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  get intervalMs(): number {
    return this.#intervalMs;
  }

  /** The next round comes after the new interval. */
  set intervalMs(ms: number) {
    this.#intervalMs = ms;
    if (this.#isRunning) this.#schedule();
  }

  start(): void {
    this.#isRunning = true;
    this.#schedule();
  }

  /** Delivers everything there is; after a round that is under way. */
  now(): Promise<void> {
    this.#round = this.#round.then(() => this.#runRound());
    return this.#round;
  }

  /** Delivers a last time. Idempotent. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    clearTimeout(this.#timer);
    await this.now();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    // Nobody waits for logs: they alone keep no process alive.
    this.#timer = setTimeout(() => void this.#tick(), this.#intervalMs).unref();
  }

  async #tick(): Promise<void> {
    await this.now();
    if (this.#isRunning) this.#schedule();
  }

  async #runRound(): Promise<void> {
    for (const work of this.#options.works) {
      try {
        await work();
      } catch (error) {
        this.#options.onFault(error);
      }
    }
  }
}
