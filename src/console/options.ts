/** What the console is made of; every part of its API takes what it needs of it. */
import type { Engine } from "../engine/engine.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { SinkTest } from "../monitor/alerts/alerting.ts";
import type { OwnChanges } from "../monitor/alerts/own-changes.ts";
import type { ConsoleUser } from "./auth/logins.ts";
import type { Desk } from "./desk.ts";
import type { LabDesk } from "./lab-desk.ts";
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
  /** Told of changes of documents that are Lockstep's own. */
  readonly ownChanges?: OwnChanges;
  /** Told of faults of ours; the console goes on. */
  readonly onFault?: (error: unknown) => void;
  readonly about: About;
  /** Undefined: nothing can be examined here. */
  readonly desk?: Desk;
  /** Where there is a lab. */
  readonly lab?: LabDesk;
  /** Who may log in with a password, by name. */
  readonly users?: ReadonlyMap<string, ConsoleUser>;
  /** Names that the console is asked by, besides `localhost` and addresses. */
  readonly names?: readonly string[];
  /** It is served with TLS. */
  readonly isSecure?: boolean;
  /** What is measured. */
  readonly metering?: Metering;
}

export interface About {
  readonly version: string;
  readonly mode: "up" | "run";
}
