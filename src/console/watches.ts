/** Watches as the console sees them: `cli` hands in those that run by the clock where it runs. */
import type { WatchKind } from "../monitor/history.ts";
import type { ScheduleStanding } from "../monitor/schedules.ts";

export interface Watches {
  list(): Promise<readonly ScheduleStanding[]>;
  /** Begins one now. Undefined when there is none of that kind and subject. */
  start(kind: WatchKind, subject: string): Promise<"started" | "running" | undefined>;
}
