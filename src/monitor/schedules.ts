/**
 * Watches that are run by the clock: every so often, or at the times of a cron expression. Of the nodes that share a ledger
 * one runs each; what it finds is remembered.
 *
 * A schedule is *due* when its time has come since it was last begun; one that was missed while nobody ran is due once, at
 * the start. It is *running* while a node holds its name and renews that; when the node dies the hold runs out, and another
 * one begins it anew, a few times at most. It is *done* when its results are remembered. Nothing overlaps with itself, and
 * only so many run at once. What a watch does is handed in.
 */
import { Cron } from "croner";
import { assert } from "../core/assert.ts";
import { DatabaseError } from "../ledger/database-error.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { rememberAll, type WatchKind, type WatchResult } from "./history.ts";

/** Time and chance, so that a test can have its own. */
export interface ScheduleClock {
  nowMs(): number;
  /** Resolves after the time, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** 0..1 */
  random(): number;
}

export type When =
  | { readonly everyMs: number }
  /** Five or six fields; in UTC where no zone is named. */
  | { readonly cron: string; readonly timezone?: string };

export interface Schedule {
  readonly kind: WatchKind;
  /** As commands call it. */
  readonly subject: string;
  /** Undefined: only when somebody asks for it. */
  readonly when?: When;
  /** It begins so much later at most, by chance: schedules of one time do not all begin at it. */
  readonly jitterMs?: number;
  /** Rejects when it could not be done: that is a result, too. Ends soon after the signal is aborted. */
  run(signal: AbortSignal): Promise<readonly WatchResult[]>;
}

/** A schedule as it stands. */
export interface ScheduleStanding {
  readonly kind: WatchKind;
  readonly subject: string;
  /** `every 5m`, `0 3 * * * Europe/Berlin`, or `when asked`. */
  readonly when: string;
  /** Undefined where nothing is planned. */
  readonly nextAtMs?: number;
  readonly isRunning: boolean;
}

export interface SchedulesOptions {
  readonly ledger: Ledger;
  readonly clock: ScheduleClock;
  /** The node: no two on one ledger have the same. */
  readonly holder: string;
  /** Told of what a watch threw, with its name. */
  readonly onTrouble: (what: string, error: unknown) => void;
}

/** A node that has not renewed its hold for so long is dead. */
const HOLD_MS = 60_000;
const RENEW_MS = HOLD_MS / 3;
/** The clock is looked at again after so long at the latest, for it may have been set. */
const LOOK_MS_MAX = 60_000;
/** The ledger is away: it is asked again after so long. */
const AWAY_MS = 5000;
/** Another node was quicker: what it has begun is seen a moment later. */
const CROWD_MS = 1000;
const RUNNING_MAX = 4;
/** A watch that takes its node down with it is not begun again and again. */
const TRIES_MAX = 3;

/** What the ledger keeps of a schedule. */
interface Kept {
  /** When it was last begun, or first heard of. */
  readonly atMs: number;
  readonly isDone: boolean;
  readonly tries: number;
  /** The node that runs it is taken for alive until then. */
  readonly aliveUntilMs?: number;
}

export class Schedules {
  readonly #options: SchedulesOptions;
  #schedules: readonly Schedule[] = [];
  /** Names of those that run here, and their ends. */
  readonly #running = new Set<string>();
  readonly #ends = new Set<Promise<void>>();
  /** How much of its jitter each has got. */
  readonly #shares = new Map<string, number>();
  readonly #over = new AbortController();
  #wake = new AbortController();

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** Takes new schedules; what runs goes on to its end. */
  use(schedules: readonly Schedule[]): void {
    this.#schedules = schedules;
    this.#wake.abort();
  }

  /** Begins what is due until the signal is aborted; resolves when all of it has ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const stop = () => {
      this.#over.abort();
      this.#wake.abort();
    };
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const waitMs = await this.#turn();
      if (!signal.aborted) await clock.sleep(waitMs, this.#wake.signal);
    }
    await Promise.all(this.#ends);
  }

  /** Every schedule, in the order in which they were given. @throws DatabaseError */
  async list(): Promise<readonly ScheduleStanding[]> {
    const nowMs = this.#options.clock.nowMs();
    return await Promise.all(
      this.#schedules.map(async (one): Promise<ScheduleStanding> => {
        const kept = await this.#read(one);
        const isRunning = this.#running.has(nameOf(one)) || isAlive(kept, nowMs);
        const nextAtMs = one.when === undefined ? undefined : this.#dueAtMs(one, kept, nowMs);
        const { kind, subject } = one;
        return { kind, subject, when: whenWords(one.when), isRunning, ...(nextAtMs === undefined ? {} : { nextAtMs }) };
      }),
    );
  }

  /** Begins one now, whatever its time. Undefined when there is no such schedule. @throws DatabaseError */
  async start(kind: WatchKind, subject: string): Promise<"started" | "running" | undefined> {
    const schedule = this.#schedules.find((one) => one.kind === kind && one.subject === subject);
    if (schedule === undefined) return undefined;
    return (await this.#begin(schedule, "asked")) ? "started" : "running";
  }

  /** @returns how long nothing is to be begun */
  async #turn(): Promise<number> {
    let waitMs = LOOK_MS_MAX;
    for (const schedule of this.#schedules) {
      try {
        waitMs = Math.min(waitMs, await this.#look(schedule));
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        waitMs = Math.min(waitMs, AWAY_MS);
      }
    }
    return waitMs;
  }

  async #look(schedule: Schedule): Promise<number> {
    const { clock } = this.#options;
    if (schedule.when === undefined || this.#running.has(nameOf(schedule))) return LOOK_MS_MAX;
    const nowMs = clock.nowMs();
    let kept = await this.#read(schedule);
    if (kept === undefined) {
      // Times count from when it is first heard of, and what is done every so often begins soon.
      const sinceMs = "cron" in schedule.when ? nowMs : nowMs - schedule.when.everyMs + this.#jitterMs(schedule);
      kept = { atMs: sinceMs, isDone: true, tries: 0 };
      await this.#write(schedule, kept);
    }
    const dueAtMs = this.#dueAtMs(schedule, kept, nowMs) ?? nowMs + LOOK_MS_MAX;
    if (dueAtMs > nowMs) return dueAtMs - nowMs;
    if (this.#running.size >= RUNNING_MAX) return LOOK_MS_MAX;
    if (await this.#begin(schedule, "due")) return LOOK_MS_MAX;
    return isAlive(kept, nowMs) ? RENEW_MS : CROWD_MS;
  }

  /** Past when it should have begun already. */
  #dueAtMs(schedule: Schedule, kept: Kept | undefined, nowMs: number): number | undefined {
    const { when } = schedule;
    if (kept !== undefined && !kept.isDone && kept.tries < TRIES_MAX) return kept.atMs;
    if (when === undefined) return undefined;
    const jitterMs = this.#jitterMs(schedule);
    if ("cron" in when) {
      const next = cronOf(when).nextRun(new Date(kept?.atMs ?? nowMs));
      return next === null ? undefined : next.getTime() + jitterMs;
    }
    // A clock that was set back does not make it wait for longer than its period.
    return kept === undefined ? nowMs + jitterMs : Math.min(kept.atMs, nowMs) + when.everyMs;
  }

  #jitterMs(schedule: Schedule): number {
    const name = nameOf(schedule);
    const share = this.#shares.get(name) ?? this.#options.clock.random();
    this.#shares.set(name, share);
    return Math.floor(share * (schedule.jitterMs ?? 0));
  }

  /** False when it runs already, here or elsewhere, or is not due any more. */
  async #begin(schedule: Schedule, because: "due" | "asked"): Promise<boolean> {
    const { ledger, clock, holder } = this.#options;
    const name = nameOf(schedule);
    if (this.#running.has(name) || this.#over.signal.aborted) return false;
    // Before anything is awaited: nobody else in this process begins it meanwhile.
    this.#running.add(name);
    let isBegun = false;
    try {
      const nowMs = clock.nowMs();
      if (!(await ledger.hold(name, holder, { nowMs, untilMs: nowMs + HOLD_MS }))) return false;
      const kept = await this.#read(schedule);
      const dueAtMs = this.#dueAtMs(schedule, kept, nowMs) ?? nowMs;
      if (because === "due" && dueAtMs > nowMs) {
        await ledger.letGo(name, holder);
        return false;
      }
      const tries = kept === undefined || kept.isDone || because === "asked" ? 1 : kept.tries + 1;
      await this.#write(schedule, { atMs: nowMs, isDone: false, tries, aliveUntilMs: nowMs + HOLD_MS });
      isBegun = true;
      const end = this.#conduct(schedule, { atMs: nowMs, tries }).finally(() => {
        this.#running.delete(name);
        this.#ends.delete(end);
        this.#wake.abort();
      });
      this.#ends.add(end);
      return true;
    } finally {
      if (!isBegun) this.#running.delete(name);
    }
  }

  /** Never rejects. */
  async #conduct(schedule: Schedule, begun: Pick<Kept, "atMs" | "tries">): Promise<void> {
    const { ledger, holder, onTrouble } = this.#options;
    const name = nameOf(schedule);
    const { kind, subject } = schedule;
    const ended = new AbortController();
    const lost = new AbortController();
    const signal = AbortSignal.any([this.#over.signal, lost.signal]);
    const renewing = this.#renew(schedule, begun, ended.signal, lost);
    try {
      const results = await this.#results(schedule, signal);
      ended.abort();
      await renewing;
      // What was cut short says nothing, and is begun again.
      if (!signal.aborted) {
        await rememberAll(ledger, { kind, subject }, results);
        await this.#write(schedule, { ...begun, isDone: true });
      }
      await ledger.letGo(name, holder);
    } catch (error) {
      onTrouble(`${kind} of ${subject}`, error);
    }
  }

  async #results(schedule: Schedule, signal: AbortSignal): Promise<readonly WatchResult[]> {
    const { kind, subject } = schedule;
    const { clock } = this.#options;
    const startedAtMs = clock.nowMs();
    try {
      return await schedule.run(signal);
    } catch (error) {
      const atMs = clock.nowMs();
      const says = error instanceof Error ? error.message : String(error);
      if (!signal.aborted) this.#options.onTrouble(`${kind} of ${subject}`, error);
      return [{ kind, subject, atMs, tookMs: atMs - startedAtMs, verdict: "failed", says, counts: {} }];
    }
  }

  async #renew(
    schedule: Schedule,
    begun: Pick<Kept, "atMs" | "tries">,
    ended: AbortSignal,
    lost: AbortController,
  ): Promise<void> {
    const { ledger, clock, holder } = this.#options;
    for (;;) {
      await clock.sleep(RENEW_MS, ended);
      if (ended.aborted) return;
      const nowMs = clock.nowMs();
      const aliveUntilMs = nowMs + HOLD_MS;
      try {
        if (!(await ledger.hold(nameOf(schedule), holder, { nowMs, untilMs: aliveUntilMs }))) return lost.abort();
        if (!ended.aborted) await this.#write(schedule, { ...begun, isDone: false, aliveUntilMs });
      } catch (error) {
        // While the ledger is away nobody else can take it either.
        if (!(error instanceof DatabaseError)) throw error;
      }
    }
  }

  async #read(schedule: Schedule): Promise<Kept | undefined> {
    const text = await this.#options.ledger.checkpoint(nameOf(schedule));
    return text === undefined ? undefined : (JSON.parse(text) as Kept);
  }

  async #write(schedule: Schedule, kept: Kept): Promise<void> {
    await this.#options.ledger.setCheckpoint(nameOf(schedule), JSON.stringify(kept));
  }
}

function nameOf({ kind, subject }: Pick<Schedule, "kind" | "subject">): string {
  return `schedule ${kind} ${subject}`;
}

function isAlive(kept: Kept | undefined, nowMs: number): boolean {
  return kept !== undefined && !kept.isDone && (kept.aliveUntilMs ?? 0) > nowMs;
}

/** Why an expression cannot be used; undefined when it can. */
export function cronComplaint(cron: string, timezone?: string): string | undefined {
  try {
    const next = cronOf({ cron, ...(timezone === undefined ? {} : { timezone }) }).nextRun(new Date(0));
    return next === null ? "it never comes" : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function cronOf({ cron, timezone = "UTC" }: Extract<When, { readonly cron: string }>): Cron {
  return new Cron(cron, { timezone, paused: true, mode: "5-or-6-parts" });
}

const UNITS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1000, "s"],
];

function whenWords(when: When | undefined): string {
  if (when === undefined) return "when asked";
  if ("cron" in when) return when.timezone === undefined ? when.cron : `${when.cron} ${when.timezone}`;
  const [ms, unit] = UNITS.find(([one]) => when.everyMs % one === 0) ?? [1, "ms"];
  assert(when.everyMs > 0, "a schedule has a period");
  return `every ${when.everyMs / ms}${unit}`;
}
