/** What the console is made of; every part of its API takes what it needs of it. */
import type { Engine } from "../engine/engine.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { WatchKind, WatchResult } from "../monitor/history.ts";
import type { ConsoleUser } from "./auth/logins.ts";
import type { Desk, Told } from "./desk.ts";
import type { LiveTopic } from "./events.ts";
import type { LabDesk } from "./lab-desk.ts";
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
  /** What listeners are told besides how everything stands. */
  readonly topics?: readonly LiveTopic[];
  /** Does a watch now, out of turn. */
  readonly watch?: (kind: WatchKind, subject: string, told: Told) => Promise<WatchResult>;
}

export interface About {
  readonly version: string;
  readonly mode: "up" | "run";
}
