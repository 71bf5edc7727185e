/** The engine put together: intake, workers for small and for large objects, resync. */
import { type Ledger, SIZE_CLASS_BYTES } from "../ledger/ledger.ts";
import { Intake } from "./intake.ts";
import type { ChangeFeed, Clock, Sites } from "./ports.ts";
import { Rates } from "./rates.ts";
import { Resync } from "./resync.ts";
import { Worker } from "./worker.ts";

export interface EngineOptions {
  readonly ledger: Ledger;
  readonly feed: ChangeFeed;
  readonly sites: Sites;
  readonly clock: Clock;
  /** Names the engine in leases: unique among living engines that share a ledger. One that is started again may keep its name. */
  readonly name: string;
  /** Tasks of small objects in flight; default 32. */
  readonly smallTasks?: number;
  /** Tasks of large objects in flight; default 4. */
  readonly largeTasks?: number;
  /** Called once when the engine cannot go on: its ledger or its feed is broken. */
  readonly onBroken?: (error: unknown) => void;
}

/** Objects of more bytes go through the lane of large ones, so that they never hold back small ones. */
export const SMALL_MAX_BYTES = SIZE_CLASS_BYTES[0];

/** Small and large objects have workers of their own. */
const LANES = ["small", "large"] as const;

export class Engine {
  readonly resync: Resync;
  readonly rates: Rates;
  readonly #options: EngineOptions;
  readonly #workers: readonly Worker[];
  readonly #intake: Intake;
  readonly #stop = new AbortController();
  readonly #abandon = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: EngineOptions) {
    this.#options = options;
    const { ledger, sites, clock, feed, name } = options;
    const onAdded = () => this.wake();
    this.resync = new Resync({ ledger, sites, clock, name, onAdded });
    this.rates = new Rates(clock);
    const common: Pick<ConstructorParameters<typeof Worker>[0], "ledger" | "sites" | "clock" | "onFinished"> = {
      ledger,
      sites,
      clock,
      onFinished: (task, outcome) => {
        this.resync.finished(task, outcome);
        this.rates.finished(task, outcome);
      },
    };
    this.#workers = [
      new Worker({
        ...common,
        name: `${name}/small`,
        concurrency: options.smallTasks ?? 32,
        sizes: { sizeAtMostBytes: SMALL_MAX_BYTES },
      }),
      new Worker({
        ...common,
        name: `${name}/large`,
        concurrency: options.largeTasks ?? 4,
        sizes: { sizeOverBytes: SMALL_MAX_BYTES },
      }),
    ];
    this.#intake = new Intake({ feed, ledger, sites, onAdded });
  }

  /** Starts to work. Call once. */
  start(): void {
    const parts = [
      this.#intake.run(this.#stop.signal),
      this.resync.run(this.#stop.signal),
      ...this.#workers.map((worker) => worker.run(this.#stop.signal, this.#abandon.signal)),
    ];
    let told = false;
    const watched = parts.map((part) =>
      part.catch((error: unknown) => {
        if (!told) this.#options.onBroken?.(error);
        told = true;
      }),
    );
    this.#running = Promise.all(watched).then(() => undefined);
  }

  /** Tells that tasks were added to the ledger. */
  wake(): void {
    for (const worker of this.#workers) worker.wake();
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
}
