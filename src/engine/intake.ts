/**
 * The way in: from a change at the source to tasks in the ledger. It decides nothing itself: the rules do.
 *
 * An entry is done only after its tasks are durable, so a crash in between makes it come again; adding a task twice is
 * harmless.
 *
 * A scan leaves FAILED tasks parked. A version that somebody asked for (`isInitiated`) is tried again: its parked tasks
 * are redriven, or dropped where another rule writes to the destination now.
 */
import { eligibility } from "../core/eligibility.ts";
import type { ChangeEvent } from "../core/model.ts";
import type { Ledger, NewTask, TaskOrigin } from "../ledger/ledger.ts";
import type { ChangeFeed, Sites } from "./ports.ts";
import { Wakeup } from "./wakeup.ts";

export interface IntakeOptions {
  readonly feed: ChangeFeed;
  readonly ledger: Ledger;
  readonly sites: Pick<Sites, "configuration">;
  /** Called after tasks were added. */
  readonly onAdded: () => void;
}

const ENTRIES_PER_TURN_MAX = 500;

export class Intake {
  readonly #options: IntakeOptions;
  readonly #wakeup = new Wakeup();
  readonly #unsubscribe: () => void;

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#unsubscribe = options.feed.onChange(() => this.#wakeup.wake());
  }

  /** Takes changes until the signal is aborted. Rejects only when the feed or the ledger is broken. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      while (!signal.aborted) {
        if ((await this.turn()) === 0) await this.#wakeup.wait(signal);
      }
    } finally {
      this.#unsubscribe();
    }
  }

  /** Takes one batch of changes; returns how many. */
  async turn(): Promise<number> {
    const { feed, ledger, onAdded } = this.#options;
    const entries = await feed.take(ENTRIES_PER_TURN_MAX);
    if (entries.length === 0) return 0;
    const tasks: NewTask[] = [];
    for (const { event } of entries) tasks.push(...(await this.#tasksOf(event)));
    const initiated = entries.flatMap(({ event }) => (event.isInitiated === true ? [event] : []));
    const parked = await this.#parkedOf(initiated);
    if (parked.outdated.length > 0) await ledger.discard({ ids: parked.outdated, state: "parked" });
    if (tasks.length > 0) await ledger.add(tasks);
    // Behind the adding: what waits already is left as it is by both.
    for (const [atMs, ids] of parked.current) await ledger.redrive({ ids, state: "parked" }, atMs, "resync");
    await feed.done(entries);
    if (tasks.length > 0) onAdded();
    return entries.length;
  }

  async #tasksOf(event: ChangeEvent): Promise<NewTask[]> {
    const taken = event.taken ?? (await this.#decide(event));
    return taken.map((one) => newTask(event, one, event.isInitiated === true ? "resync" : "live"));
  }

  /** FAILED tasks of versions that somebody asked for, at the destinations that are to be tried again. */
  async #parkedOf(events: readonly ChangeEvent[]): Promise<{
    /** By the time at which they were asked for. */
    readonly current: ReadonlyMap<number, readonly number[]>;
    /** Of rules that do not write to the destination any more. */
    readonly outdated: readonly number[];
  }> {
    const current = new Map<number, number[]>();
    const outdated: number[] = [];
    if (events.length === 0) return { current, outdated };
    const rows = await this.#options.ledger.ofVersions(events.map((one) => one.version));
    for (const [index, event] of events.entries()) {
      for (const row of rows[index] ?? []) {
        const taken = event.taken?.find((one) => one.destinationArn === row.destinationArn);
        if (row.state !== "parked" || taken === undefined) continue;
        if (taken.ruleId !== row.ruleId) outdated.push(row.id);
        else current.set(event.atMs, [...(current.get(event.atMs) ?? []), row.id]);
      }
    }
    return { current, outdated };
  }

  async #decide(event: ChangeEvent): Promise<NonNullable<ChangeEvent["taken"]>> {
    const configuration = await this.#options.sites.configuration(event.version.bucket);
    if (configuration === undefined) return [];
    const { taken } = eligibility(configuration, event.version, event.operation);
    return taken.map((rule) => ({ ruleId: rule.id, destinationArn: rule.destination.bucketArn }));
  }
}

/** The task for one destination of a change. */
export function newTask(
  event: ChangeEvent,
  rule: { readonly ruleId: string; readonly destinationArn: string },
  origin: TaskOrigin,
): NewTask {
  const { bucket, key, versionId, sizeBytes } = event.version;
  return {
    version: { bucket, key, versionId },
    operation: event.operation,
    destinationArn: rule.destinationArn,
    ruleId: rule.ruleId,
    origin,
    sizeBytes: event.operation === "put" ? sizeBytes : 0,
    writtenAtMs:
      event.operation === "put" || event.operation === "deleteMarker" ? event.version.lastModifiedMs : event.atMs,
    dueAtMs: event.atMs,
  };
}
