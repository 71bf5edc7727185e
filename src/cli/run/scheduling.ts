/** The schedules of `run` while it runs: begun with the engine, given new settings, ended before the stores are closed. */
import type { Watches } from "../../console/watches.ts";
import { Schedules } from "../../monitor/schedules.ts";
import type { RunSettings } from "../config/settings.ts";
import { type ScheduleParts, schedulesOf } from "./schedules.ts";

export interface Scheduling extends Watches {
  use(settings: RunSettings): void;
  /** What is under way is cut short, and cleans up after itself first. */
  close(): Promise<void>;
}

export interface SchedulingNode {
  /** The engine's name. */
  readonly holder: string;
  readonly onTrouble: (says: string) => void;
  readonly onBroken: (error: unknown) => void;
}

export function beginScheduling(settings: RunSettings, parts: ScheduleParts, node: SchedulingNode): Scheduling {
  const { holder, onTrouble, onBroken } = node;
  const { ledger, clock } = parts;
  const schedules = new Schedules({
    ledger,
    clock,
    holder,
    onTrouble: (what, error) => onTrouble(`the ${what}: ${error instanceof Error ? error.message : String(error)}`),
  });
  const use = (next: RunSettings) => schedules.use(schedulesOf(next, parts));
  use(settings);
  const over = new AbortController();
  const running = schedules.run(over.signal).catch(onBroken);
  return {
    list: () => schedules.list(),
    start: (kind, subject) => schedules.start(kind, subject),
    use,
    close: async () => {
      over.abort();
      await running;
    },
  };
}
