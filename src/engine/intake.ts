/**
 * The way in: from a change at the source to tasks in the ledger. It decides nothing itself: the rules do.
 *
 * An entry is done only after its tasks are durable, so a crash in between makes it come again; adding a task twice is
 * harmless.
 *
 * A scan leaves FAILED tasks parked. Two kinds of change try them again: a version that somebody asked for
 * (`isInitiated`), and a change of metadata, which takes along what of the version's metadata has failed before. A body
 * that was never copied is not brought by a change of metadata (a guess, A11).
 *
 * @source aws-replication.md §3.2
 */
import { eligibility } from "../core/eligibility.ts";
import type { ChangeEvent } from "../core/model.ts";
import type { Ledger, NewTask, TaskOrigin, TaskRow } from "../ledger/ledger.ts";
import { isWithoutBelongings } from "./belongings.ts";
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
    const events: TakenEvent[] = [];
    for (const { event } of entries) events.push({ ...event, taken: event.taken ?? (await this.#decide(event)) });
    const tasks = events.flatMap((event) => event.taken.map((one) => newTask(event, one, originOf(event))));
    const parked = await this.#parkedOf(events.filter(mayHaveFailed));
    if (parked.outdated.length > 0) await ledger.discard({ ids: parked.outdated, state: "parked" });
    if (tasks.length > 0) await ledger.add(tasks);
    // Behind the adding: what waits already is left as it is by both.
    for (const { ids, atMs, origin } of parked.current.values()) {
      await ledger.redrive({ ids, state: "parked" }, atMs, { origin });
    }
    await feed.done(entries);
    if (tasks.length > 0) onAdded();
    return entries.length;
  }

  /** FAILED tasks of the changed versions, at the destinations that are to be tried again. */
  async #parkedOf(events: readonly TakenEvent[]): Promise<{
    /** Those of one time and origin together. */
    readonly current: ReadonlyMap<string, Redriven>;
    /** Of rules that do not write to the destination any more. */
    readonly outdated: readonly number[];
  }> {
    const current = new Map<string, Redriven>();
    const outdated: number[] = [];
    if (events.length === 0) return { current, outdated };
    const rows = await this.#options.ledger.ofVersions(events.map((one) => one.version));
    for (const [index, event] of events.entries()) {
      const origin = originOf(event);
      for (const row of rows[index] ?? []) {
        const becomes = whatBecomesOf(row, event);
        if (becomes === "outdated") outdated.push(row.id);
        if (becomes !== "current") continue;
        const group = current.get(`${event.atMs} ${origin}`) ?? { ids: [], atMs: event.atMs, origin };
        group.ids.push(row.id);
        current.set(`${event.atMs} ${origin}`, group);
      }
    }
    return { current, outdated };
  }

  async #decide(event: ChangeEvent): Promise<TakenEvent["taken"]> {
    const configuration = await this.#options.sites.configuration(event.version.bucket);
    if (configuration === undefined) return [];
    const { taken } = eligibility(configuration, event.version, event.operation);
    return taken.map((rule) => ({ ruleId: rule.id, destinationArn: rule.destination.bucketArn }));
  }
}

/** A change, and the rules that take it. */
type TakenEvent = ChangeEvent & Required<Pick<ChangeEvent, "taken">>;

interface Redriven {
  readonly ids: number[];
  readonly atMs: number;
  readonly origin: TaskOrigin;
}

function originOf(event: ChangeEvent): TaskOrigin {
  return event.isInitiated === true ? "resync" : "live";
}

/** New versions have no past, but for the next one that is called `null`. */
function mayHaveFailed({ operation, version, isInitiated }: ChangeEvent): boolean {
  const isNew = operation === "put" || operation === "deleteMarker";
  return isInitiated === true || !isNew || version.versionId === "null";
}

/** What a change makes of a task that has failed. */
function whatBecomesOf(row: TaskRow, event: TakenEvent): "current" | "outdated" | "same" {
  const taken = event.taken.find((one) => one.destinationArn === row.destinationArn);
  if (row.state !== "parked" || taken === undefined) return "same";
  const isMeant = event.isInitiated === true || row.operation === event.operation;
  if (taken.ruleId !== row.ruleId) return isMeant ? "outdated" : "same";
  if (isMeant) return "current";
  const isBody = row.operation === "put" || row.operation === "deleteMarker";
  return !isBody || isWithoutBelongings(row.failure) ? "current" : "same";
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
