/** The engine put together: intake, workers for small, medium and large objects, resync. */
import { type Ledger, SIZE_CLASS_BYTES, type Stream } from "../ledger/ledger.ts";
import type { BreakerState } from "./breaker.ts";
import { type EndName, Gate } from "./gate.ts";
import { Intake } from "./intake.ts";
import { isPassing, Outage, type OutageState } from "./outage.ts";
import type { ChangeFeed, Clock, Sites } from "./ports.ts";
import { Rates } from "./rates.ts";
import { Resync } from "./resync.ts";
import type { ThrottleState } from "./throttle.ts";
import { type Tried, Worker, type WorkerOptions } from "./worker.ts";

export interface EngineOptions {
  readonly ledger: Ledger;
  readonly feed: ChangeFeed;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Names the engine in leases: unique among living engines that share a ledger. One that is started again may keep its name. */
  readonly name: string;
  /** Tasks of small objects in flight; default 48, and a few more when several streams have work. */
  readonly smallTasks?: number;
  /** Tasks of objects in between in flight; default 8, and one more when several streams have work. */
  readonly mediumTasks?: number;
  /** Tasks of large objects in flight; default 4, and one more when several streams have work. */
  readonly largeTasks?: number;
  /** Streams of which nothing is to be begun. Asked at every turn; `wake` after a change makes it felt at once. */
  readonly paused?: () => readonly Stream[];
  /** Called once when the engine cannot go on: its ledger or its feed is broken, and no waiting would heal it. */
  readonly onBroken?: (error: unknown) => void;
  /** Told of each try of a task that is over. */
  readonly onTried?: (tried: Tried) => void;
}

/** Objects of more bytes have lanes of their own, so that they never hold back small ones. */
const [SMALL_MAX_BYTES, MEDIUM_MAX_BYTES] = SIZE_CLASS_BYTES;

/** Each lane has a worker of its own. */
const LANES = ["small", "medium", "large"] as const;

export class Engine {
  readonly resync: Resync;
  readonly rates: Rates;
  readonly #options: EngineOptions;
  readonly #workers: readonly Worker[];
  readonly #gate: Gate;
  readonly #outage: Outage;
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  #running: Promise<void> | undefined;
  #isBroken = false;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { ledger, sites, clock, name, paused, onTried } = options;
    const onAdded = () => this.wake();
    this.resync = new Resync({ ledger, sites, clock, name, onAdded });
    this.rates = new Rates(clock);
    this.#outage = new Outage(clock);
    this.#gate = new Gate({
      clock,
      ...(paused === undefined ? {} : { paused }),
      onFreed: (streams) => void this.#hurry(streams),
    });
    const common: Omit<WorkerOptions, "name" | "concurrency" | "sizes"> = {
      ledger,
      sites,
      clock,
      gate: this.#gate,
      outage: this.#outage,
      ...(onTried === undefined ? {} : { onTried }),
      onFinished: (task, outcome) => {
        this.resync.finished(task, outcome);
        this.rates.finished(task, outcome);
      },
    };
    this.#workers = [
      new Worker({
        ...common,
        name: `${name}/small`,
        concurrency: options.smallTasks ?? 48,
        sizes: { sizeAtMostBytes: SMALL_MAX_BYTES },
      }),
      new Worker({
        ...common,
        name: `${name}/medium`,
        concurrency: options.mediumTasks ?? 8,
        sizes: { sizeOverBytes: SMALL_MAX_BYTES, sizeAtMostBytes: MEDIUM_MAX_BYTES },
      }),
      new Worker({
        ...common,
        name: `${name}/large`,
        concurrency: options.largeTasks ?? 4,
        sizes: { sizeOverBytes: MEDIUM_MAX_BYTES },
      }),
    ];
  }

  /** Starts to work. Call once. */
  start(): void {
    const { signal } = this.#stop;
    const parts = [
      this.#takeIn(),
      this.resync.run(signal),
      ...this.#workers.map((worker) => worker.run(signal, this.#abandon.signal)),
    ];
    // Other processes may add to the same ledger.
    const deafen = this.#options.ledger.onDue(() => this.wake());
    signal.addEventListener("abort", deafen);
    this.#running = Promise.all(parts.map((part) => part.catch((error: unknown) => this.#break(error)))).then(
      () => undefined,
    );
  }

  /** Tells that tasks were added to the ledger. */
  wake(): void {
    for (const worker of this.#workers) worker.wake();
  }

  /** Sources and destinations that tasks were tried at, and whether they are there. */
  breakers(): readonly (EndName & BreakerState)[] {
    return this.#gate.breakers();
  }

  /** Sources and destinations that said "slow down", and how many tasks at once they take now. */
  throttles(): readonly (EndName & ThrottleState & { readonly lane: string })[] {
    return this.#gate.throttles();
  }

  /** Since when the ledger cannot be reached; undefined when it can. */
  get outage(): OutageState | undefined {
    return this.#outage.state;
  }

  /** Takes over at once what an engine of that name held. The caller vouches that it is dead. */
  async takeOver(name: string): Promise<void> {
    for (const lane of LANES) await this.#options.ledger.expireLeases(`${name}/${lane}`);
    this.wake();
  }

  /** Tasks in the hands of its workers. */
  get inFlight(): number {
    return this.#workers.reduce((sum, one) => sum + one.inFlight, 0);
  }

  /** The signal that ends jobs of this engine. */
  get stopping(): AbortSignal {
    return this.#stop.signal;
  }

  /** Takes nothing new, waits for what is in flight for so long, then cuts it short. The ledger stays open. */
  async stop(graceMs: number): Promise<void> {
    this.#stop.abort();
    const over = new AbortController();
    void this.#options.clock.sleep(graceMs, over.signal).then(() => this.#abandon.abort());
    await this.#running;
    over.abort();
  }

  async #takeIn(): Promise<void> {
    const { feed, ledger, sites } = this.#options;
    const { signal } = this.#stop;
    const onAdded = () => this.wake();
    await this.#outage.outlast(() => new Intake({ feed, ledger, sites, onAdded }).run(signal), signal);
  }

  /** An end is back, or is tried again: what waits for a later try of its streams is due now. */
  async #hurry(streams: readonly Stream[]): Promise<void> {
    const { ledger, clock } = this.#options;
    try {
      for (const one of streams) await ledger.hurry(one, clock.nowMs());
      this.wake();
    } catch (error) {
      // What is not hurried comes by itself, later.
      if (!isPassing(error)) this.#break(error);
    }
  }

  #break(error: unknown): void {
    if (!this.#isBroken) this.#options.onBroken?.(error);
    this.#isBroken = true;
  }
}
