/** What the console is made of; every part of its API takes what it needs of it. */
import type { Engine } from "../engine/engine.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Replications } from "./replications.ts";
import type { Metering } from "./routes/metrics.ts";

export interface ConsoleOptions {
  readonly engine: Pick<Engine, "resync">;
  readonly ledger: Ledger;
  readonly replications: Replications;
  readonly clock: () => number;
  /** What callers have to show as a bearer token. */
  readonly token: string;
  /** Called after something was paused or resumed here: other engines see it a little later. */
  readonly onPaused?: () => void;
  /** What is measured. */
  readonly metering?: Metering;
}
