/**
 * What watches found: canaries, probes, audits, rehearsals, lints; kept in the ledger, so that every engine on it shows the
 * same and a restart forgets nothing. Of each subject the latest few are kept. Long reports are files; here is what they say.
 */
import type { Ledger } from "../ledger/ledger.ts";

export type WatchKind = "canary" | "probe" | "audit" | "rehearse" | "lint";

/** `failed`: it could not be done. `findings`: it was done, and something is wrong. */
export type WatchVerdict = "ok" | "findings" | "failed";

export interface WatchResult {
  readonly kind: WatchKind;
  /** The replication or bucket that was watched, as commands call it. */
  readonly subject: string;
  /** Where the watch is of one rule and one of its destinations. */
  readonly ruleId?: string;
  readonly destinationArn?: string;
  /** When it ended. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly verdict: WatchVerdict;
  /** One line for a person, with what to do where something is wrong. */
  readonly says: string;
  /** Figures of its kind, by name: `versions`, `missing`, `latencyMs`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Absolute path of the whole report, on the machine that wrote it. */
  readonly report?: string;
}

/** Of each kind, subject, rule and destination. */
export const RESULTS_KEPT = 200;
const PREFIX = "watched ";
/** The youngest of each group stands here once more: who looks at how things are need not read what they were. */
const LATEST = "watched-last ";
/** Digits of a time in milliseconds, so that names sort by it until the year 2286. */
const TIME_DIGITS = 13;

/** Adds a result, and forgets the oldest of its like. */
export async function remember(ledger: Ledger, result: WatchResult): Promise<void> {
  const group = groupOf(result);
  const text = JSON.stringify(result);
  await ledger.setCheckpoint(`${PREFIX}${group}${timeOf(result.atMs)}`, text);
  await ledger.setCheckpoint(`${LATEST}${group}`, text);
  const kept = await ledger.checkpoints(`${PREFIX}${group}`);
  for (const { name } of kept.slice(0, Math.max(0, kept.length - RESULTS_KEPT))) {
    await ledger.setCheckpoint(name, undefined);
  }
}

/**
 * Adds everything that one watch of one subject has found. What an earlier one said of rules and destinations that this
 * one says nothing of is the latest no more: they are not there any longer.
 */
export async function rememberAll(
  ledger: Ledger,
  { kind, subject }: Pick<WatchResult, "kind" | "subject">,
  results: readonly WatchResult[],
): Promise<void> {
  for (const one of results) await remember(ledger, one);
  const told = new Set(results.map((one) => `${LATEST}${groupOf(one)}`));
  for (const { name } of await ledger.checkpoints(`${LATEST}${kind} ${subject} `)) {
    if (!told.has(name)) await ledger.setCheckpoint(name, undefined);
  }
}

/** Of one kind, or of one subject of it: the youngest first. */
export async function remembered(ledger: Ledger, kind?: WatchKind, subject?: string): Promise<readonly WatchResult[]> {
  return await read(
    ledger,
    `${PREFIX}${kind === undefined ? "" : `${kind} ${subject === undefined ? "" : `${subject} `}`}`,
  );
}

/** The youngest of each kind, subject, rule and destination; of those the youngest first. */
export async function latest(ledger: Ledger): Promise<readonly WatchResult[]> {
  return await read(ledger, LATEST);
}

async function read(ledger: Ledger, prefix: string): Promise<readonly WatchResult[]> {
  const kept = (await ledger.checkpoints(prefix)).map(({ value }) => JSON.parse(value) as WatchResult);
  return kept.toSorted((one, other) => other.atMs - one.atMs);
}

function groupOf({ kind, subject, ruleId = "", destinationArn = "" }: WatchResult): string {
  return `${kind} ${subject} ${encodeURIComponent(ruleId)} ${destinationArn} `;
}

function timeOf(ms: number): string {
  return String(Math.trunc(ms)).padStart(TIME_DIGITS, "0");
}
