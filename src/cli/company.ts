/**
 * What goes along with an engine wherever one runs: it follows what is paused, and tells how it is doing.
 *
 * The pauses are there before the engine, which asks them; both are begun when it is.
 */
import type { Engine } from "../engine/engine.ts";
import { beat } from "../engine/heartbeat.ts";
import { Pauses } from "../engine/pauses.ts";
import type { Clock, Sites } from "../engine/ports.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { packageVersion } from "./version.ts";

export interface CompanyOptions {
  readonly ledger: Ledger;
  readonly sites: Pick<Sites, "configuration">;
  readonly clock: Clock;
  /** The engine's. */
  readonly name: string;
  /** No other engine works with the ledger. */
  readonly isAlone: boolean;
}

export class Company {
  readonly #options: CompanyOptions;
  readonly #pauses: Pauses;
  #engine: Engine | undefined;

  constructor(options: CompanyOptions) {
    this.#options = options;
    this.#pauses = new Pauses({ ...options, onChanged: () => this.#engine?.wake() });
  }

  /** For the engine. */
  readonly paused = () => this.#pauses.streams();

  /** Something was paused or resumed in this process. */
  readonly onPaused = () => this.#pauses.wake();

  /** Reads what is paused, before the engine begins anything. */
  async prepare(): Promise<void> {
    await this.#pauses.look();
  }

  /** @returns how to end it; what the engine has told is taken back then */
  begin(engine: Engine, onBroken: (error: unknown) => void): () => Promise<void> {
    this.#engine = engine;
    const over = new AbortController();
    const tell = () => ({
      inFlight: engine.inFlight,
      total: engine.rates.total(),
      streams: engine.rates.streams(),
      breakers: engine.breakers().filter((one) => one.state !== "closed"),
    });
    const version = packageVersion();
    const running = [this.#pauses.run(over.signal), beat({ ...this.#options, version, tell }, over.signal)];
    const watched = running.map((one) => one.catch(onBroken));
    return async () => {
      over.abort();
      await Promise.all(watched);
    };
  }
}
