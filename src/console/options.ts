/** What the console is made of; every part of its API takes what it needs of it. */
import type { Engine } from "../engine/engine.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { SinkTest } from "../monitor/alerts/alerting.ts";
import type { Replications } from "./replications.ts";
import type { Metering } from "./routes/metrics.ts";
import type { Watches } from "./watches.ts";

export interface ConsoleOptions {
  readonly engine: Pick<Engine, "resync">;
  readonly ledger: Ledger;
  readonly replications: Replications;
  readonly clock: () => number;
  /** What callers have to show as a bearer token. */
  readonly token: string;
  /** Called after something was paused or resumed here: other engines see it a little later. */
  readonly onPaused?: () => void;
  /** What is looked at by the clock here. */
  readonly watches?: Watches;
  /** Sends a test to one sink of alerts, or to all. */
  readonly testAlerts?: (sink?: string) => Promise<readonly SinkTest[]>;
  /** What is measured. */
  readonly metering?: Metering;
}
