/**
 * One engine's share in a walk that several engines make together.
 *
 * It takes a part that nobody walks, or what no part covers; at first that is everything, so one engine alone walks all of
 * it. One that finds nothing to take says that it is idle; an engine that comes upon that gives away the upper half of
 * what it has left. A part whose holder has not been heard of for a while is taken over behind its watermark.
 *
 * What is decided about the walk as a whole (its beginning, who takes what, its end) is decided by one engine at a time, by
 * a hold of the ledger. That only saves work: nothing depends on it (`scan-parts.ts`).
 */
import { randomBytes } from "node:crypto";
import type { Ledger } from "../ledger/ledger.ts";
import { cutBetween, type NextKey } from "../s3/key-cuts.ts";
import type { Clock } from "./ports.ts";
import { readScanCheckpoint, type Scanned, scanName, writeScanCheckpoint } from "./scan-checkpoint.ts";
import { gapsBetween, isFree, type KeySpan, type ScanPart } from "./scan-parts.ts";

export interface SharedWalkOptions {
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** Of the engine. One that is started again under its old name takes at once what it held. */
  readonly name: string;
}

/** So long after its holder was last heard of a part is taken over. */
const PART_HOLD_MS = 60_000;
/** Deciding takes a few statements. */
const TABLE_HOLD_MS = 10_000;
const TABLE_WAIT_MS = 100;
/** An idle engine looks again after so long, and says so anew. */
const IDLE_MS = 1000;
const IDLE_MS_MAX = 5 * IDLE_MS;
/** More of them do not make a walk faster. */
const PARTS_MAX = 500;

/** What there is to do: a part; nothing now, others walk the rest; or nothing any more. */
export type Share = { readonly part: ScanPart } | "waits" | "over";

export class SharedWalk {
  /** It had been begun before. */
  readonly resumed: boolean;
  readonly #options: SharedWalkOptions;
  readonly #scanned: Scanned;
  readonly #walk: string;
  /** The part it walks. */
  #part: ScanPart | undefined;

  private constructor(options: SharedWalkOptions, scanned: Scanned, walk: string, resumed: boolean) {
    this.#options = options;
    this.#scanned = scanned;
    this.#walk = walk;
    this.resumed = resumed;
  }

  /**
   * Joins the walk that is under way, or begins one.
   *
   * @param unlessEndedSinceMs none is begun when one has ended since then
   * @returns undefined when there is nothing to do, or the signal was aborted
   */
  static async join(
    options: SharedWalkOptions,
    scanned: Scanned,
    unlessEndedSinceMs: number,
    signal: AbortSignal,
  ): Promise<SharedWalk | undefined> {
    const { ledger } = options;
    return await atTheTable(options, scanned, signal, async () => {
      const kept = await readScanCheckpoint(ledger, scanned);
      const { walk, afterKey, endedAtMs = Number.NEGATIVE_INFINITY } = kept;
      if (walk !== undefined) return new SharedWalk(options, scanned, walk, true);
      if (afterKey === undefined && endedAtMs >= unlessEndedSinceMs) return undefined;
      const begun = randomBytes(6).toString("hex");
      await writeScanCheckpoint(ledger, scanned, { ...kept, walk: begun });
      return new SharedWalk(options, scanned, begun, afterKey !== undefined);
    });
  }

  /** What to walk next. Ends the walk when everything has been walked. */
  async take(signal: AbortSignal): Promise<Share> {
    const { ledger, clock, name: holder } = this.#options;
    const share = await atTheTable(this.#options, this.#scanned, signal, async (): Promise<Share> => {
      const { walk, afterKey, rules } = await readScanCheckpoint(ledger, this.#scanned);
      if (walk !== this.#walk) return "over";
      const { parts } = await this.#look();
      const nowMs = clock.nowMs();
      const untilMs = nowMs + PART_HOLD_MS;
      const free = parts.find((one) => isFree(one, { holder, nowMs }));
      if (free !== undefined) return { part: await this.#hold({ ...free, holder, untilMs }) };
      const walked = afterKey === undefined ? [] : [{ upTo: afterKey }];
      const [gap] = gapsBetween([...walked, ...parts]);
      if (gap !== undefined)
        return { part: await this.#hold({ ...gap, id: partId(), isDone: false, holder, untilMs }) };
      if (parts.some((one) => !one.isDone)) return "waits";
      await writeScanCheckpoint(ledger, this.#scanned, { rules, endedAtMs: nowMs });
      await this.#forgetAll();
      return "over";
    });
    if (share === "waits") await ledger.setCheckpoint(this.#idleName, JSON.stringify({ atMs: clock.nowMs() }));
    return share ?? "over";
  }

  /** Until what others walk may have ended, or something was given away. */
  async idle(signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(IDLE_MS, signal);
  }

  /** The end of the part that is being walked: it comes nearer when some of the part is given away. */
  get upTo(): string | undefined {
    return this.#part?.upTo;
  }

  /** Whether the part is still its own: what was found out about it before a long sleep may not be true any more. */
  async isMine(): Promise<boolean> {
    const { clock, name } = this.#options;
    const held = this.#part;
    if (held === undefined) return false;
    if (held.untilMs > clock.nowMs()) return true;
    const kept = (await this.#look()).parts.find((one) => one.id === held.id);
    if (kept !== undefined && kept.holder === name && !kept.isDone) return true;
    this.#part = undefined;
    return false;
  }

  /**
   * Every key of the part up to this one has been dealt with. Gives some of the rest away where somebody is idle.
   *
   * @returns false when somebody else has taken the part over: then it is theirs to go on with
   */
  async advance(afterKey: string, nextKey: NextKey): Promise<boolean> {
    const { clock, name: holder } = this.#options;
    const { parts, idle } = await this.#look();
    const nowMs = clock.nowMs();
    const before = this.#part;
    const kept = parts.find((one) => one.id === before?.id);
    if (before === undefined || kept === undefined || kept.holder !== holder || kept.isDone) {
      this.#part = undefined;
      return false;
    }
    const hungry = idle.filter((one) => nowMs - one.atMs <= IDLE_MS_MAX && one.name !== this.#idleName);
    const free = parts.filter((one) => isFree(one, { holder: "", nowMs }));
    if (hungry.length > free.length && parts.length < PARTS_MAX) {
      const cut = await cutBetween(afterKey, before.upTo, nextKey);
      if (cut !== undefined) await this.#giveAway({ ...before, afterKey }, cut, hungry[0]?.name);
    }
    await this.#hold({ ...before, ...spanOf(this.#part), afterKey, untilMs: clock.nowMs() + PART_HOLD_MS });
    return true;
  }

  /** All of the part has been dealt with. */
  async done(): Promise<void> {
    if (this.#part !== undefined) await this.#write({ ...this.#part, isDone: true, untilMs: 0 });
    this.#part = undefined;
  }

  /** Takes no part in it any more: what is left is anybody's at once. */
  async leave(): Promise<void> {
    const { ledger } = this.#options;
    if (this.#part !== undefined) await this.#write({ ...this.#part, untilMs: 0 });
    this.#part = undefined;
    await ledger.setCheckpoint(this.#idleName, undefined);
  }

  async #giveAway(part: ScanPart, cut: string, idleName: string | undefined): Promise<void> {
    const { upTo } = part;
    const upper = { from: cut, ...(upTo === undefined ? {} : { upTo }) };
    await this.#write({ ...upper, id: partId(), isDone: false, holder: "", untilMs: 0 });
    this.#part = { ...part, upTo: cut };
    if (idleName !== undefined) await this.#options.ledger.setCheckpoint(idleName, undefined);
  }

  async #hold(part: ScanPart): Promise<ScanPart> {
    await this.#write(part);
    this.#part = part;
    return part;
  }

  async #write({ id, ...part }: ScanPart): Promise<void> {
    await this.#options.ledger.setCheckpoint(`${this.#partPrefix}${id}`, JSON.stringify(part));
  }

  async #look(): Promise<{ readonly parts: readonly ScanPart[]; readonly idle: readonly Idle[] }> {
    const rows = await this.#options.ledger.checkpoints(`${scanName(this.#scanned)} `);
    const prefix = this.#partPrefix;
    return {
      parts: rows
        .filter((one) => one.name.startsWith(prefix))
        .map(({ name, value }) => ({ ...(JSON.parse(value) as Omit<ScanPart, "id">), id: name.slice(prefix.length) })),
      idle: rows
        .filter((one) => one.name.startsWith(this.#idlePrefix))
        .map(({ name, value }) => ({ ...(JSON.parse(value) as { readonly atMs: number }), name })),
    };
  }

  /** Also what walks under other rules, and engines that died, have left behind. */
  async #forgetAll(): Promise<void> {
    const { ledger } = this.#options;
    for (const { name } of await ledger.checkpoints(`${scanName(this.#scanned)} `)) {
      await ledger.setCheckpoint(name, undefined);
    }
  }

  get #partPrefix(): string {
    return `${scanName(this.#scanned)} part ${this.#walk} `;
  }

  get #idlePrefix(): string {
    return `${scanName(this.#scanned)} idle `;
  }

  get #idleName(): string {
    return `${this.#idlePrefix}${this.#options.name}`;
  }
}

interface Idle {
  readonly name: string;
  readonly atMs: number;
}

function spanOf(part: ScanPart | undefined): KeySpan {
  return part?.upTo === undefined ? {} : { upTo: part.upTo };
}

function partId(): string {
  return randomBytes(6).toString("hex");
}

/** Does what one engine at a time may do. Undefined when the signal is aborted first. */
async function atTheTable<T>(
  { ledger, clock, name }: SharedWalkOptions,
  scanned: Scanned,
  signal: AbortSignal,
  decide: () => Promise<T>,
): Promise<T | undefined> {
  const table = scanName(scanned);
  while (!signal.aborted) {
    const nowMs = clock.nowMs();
    if (await ledger.hold(table, name, { nowMs, untilMs: nowMs + TABLE_HOLD_MS })) {
      try {
        return await decide();
      } finally {
        await ledger.letGo(table, name);
      }
    }
    await clock.sleep(TABLE_WAIT_MS, signal);
  }
  return undefined;
}
