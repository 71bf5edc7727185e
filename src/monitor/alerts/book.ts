/**
 * Everything that alerts remember, as one document: what is tracked, what has been told, and what waits to be sent. It is
 * written as a whole, so a crash leaves both the state and the messages that belong to it, or neither.
 *
 * Silences are checkpoints of their own: whoever is asked for one writes it, also on another node than the one that
 * judges.
 */
import { createHash, randomUUID } from "node:crypto";
import type { Ledger } from "../../ledger/ledger.ts";
import type { BacklogTracks } from "./backlog.ts";
import type { Life } from "./lifecycle.ts";
import { type Alert, CONDITIONS, isAsSevere, SEVERITIES, type Severity, type Sign, type Silence } from "./model.ts";
import type { Waiting } from "./outbox.ts";

export interface Tracked {
  /** As it was last seen. */
  readonly sign: Sign;
  readonly life: Life;
}

/** What has been said of a group that fires. */
export interface Told {
  readonly atMs: number;
  /** The most severe that was told. */
  readonly severity: Severity;
  /** Which of its signs. */
  readonly signs: readonly string[];
  /** In a message of its own, or only counted in a digest. */
  readonly way: "own" | "digest";
}

export interface Book {
  readonly version: 1;
  /** Tells apart what several Locksteps send to one place. */
  readonly instance: string;
  /** By `signName`. */
  readonly tracked: Readonly<Record<string, Tracked>>;
  /** By group. */
  readonly told: Readonly<Record<string, Told>>;
  /** While groups fire that are told of in a digest. */
  readonly digest?: { readonly sinceMs: number; readonly toldAtMs: number; readonly severity: Severity };
  /** When groups were told of in messages of their own, lately. */
  readonly toldAtMs: readonly number[];
  /** A key of each cause that was told. */
  readonly examples: Readonly<Record<string, string>>;
  /** Messages that were made. */
  readonly messages: number;
  readonly outbox: readonly Waiting[];
  /** By sink: what went wrong last, until something arrives there. */
  readonly troubles: Readonly<Record<string, { readonly atMs: number; readonly says: string }>>;
  /** Messages that sinks refused for good. */
  readonly givenUp: number;
  readonly backlogs: BacklogTracks;
}

const BOOK = "alerts book";
const SILENCE = "alerts silence ";

export async function readBook(ledger: Pick<Ledger, "checkpoint">): Promise<Book | undefined> {
  const text = await ledger.checkpoint(BOOK);
  return text === undefined ? undefined : (JSON.parse(text) as Book);
}

export function newBook(): Book {
  const nothing = { tracked: {}, told: {}, toldAtMs: [], examples: {}, outbox: [], troubles: {}, backlogs: {} };
  return { version: 1, instance: randomUUID().slice(0, 8), ...nothing, messages: 0, givenUp: 0 };
}

export async function writeBook(ledger: Pick<Ledger, "setCheckpoint">, book: Book): Promise<void> {
  await ledger.setCheckpoint(BOOK, JSON.stringify(book));
}

/** Those that have not run out. */
export async function silencesIn(ledger: Pick<Ledger, "checkpoints">, nowMs: number): Promise<readonly Silence[]> {
  const kept = (await ledger.checkpoints(SILENCE)).map(({ value }) => JSON.parse(value) as Silence);
  return kept.filter((one) => one.untilMs > nowMs);
}

/** Idempotent; an earlier one of the same alert ends. */
export async function silence(ledger: Pick<Ledger, "setCheckpoint">, given: Silence): Promise<void> {
  await ledger.setCheckpoint(`${SILENCE}${given.id}`, JSON.stringify(given));
}

export async function unsilence(ledger: Pick<Ledger, "setCheckpoint">, id: string): Promise<void> {
  await ledger.setCheckpoint(`${SILENCE}${id}`, undefined);
}

/** Takes away those that have run out. */
export async function forgetSilences(ledger: Ledger, nowMs: number): Promise<void> {
  for (const { value } of await ledger.checkpoints(SILENCE)) {
    const { id, untilMs } = JSON.parse(value) as Silence;
    if (untilMs <= nowMs) await unsilence(ledger, id);
  }
}

export function signName({ condition, key }: Pick<Sign, "condition" | "key">): string {
  return `${condition} ${key}`;
}

/** What an alert is called: short enough to be typed. */
export function idOf(group: string): string {
  return createHash("sha256").update(group).digest("hex").slice(0, 12);
}

/** By group. */
export function groupsOf({ tracked }: Pick<Book, "tracked">): ReadonlyMap<string, readonly Tracked[]> {
  const groups = new Map<string, Tracked[]>();
  for (const one of Object.values(tracked)) {
    const group = groups.get(one.sign.group);
    if (group === undefined) groups.set(one.sign.group, [one]);
    else group.push(one);
  }
  return groups;
}

const STATES = ["firing", "pending", "resolved"] as const;

/** A group as it is shown: what holds first, and of that the most severe. */
export function alertOf(
  members: readonly Tracked[],
  { examples }: Pick<Book, "examples">,
  silences: readonly Silence[],
): Alert | undefined {
  const state = STATES.find((one) => members.some(({ life }) => life.state === one));
  const ordered = members.filter(({ life }) => life.state === state).toSorted(bySeverity);
  const [main] = ordered;
  if (main === undefined || state === undefined) return undefined;
  const { sign } = main;
  const { replication, ...place } = sign.subject;
  const id = idOf(sign.group);
  const lives = ordered.map(({ life }) => life);
  const fired = lives.flatMap((life) => (life.state === "pending" ? [] : [life.firedAtMs]));
  const resolved = lives.flatMap((life) => (life.state === "resolved" ? [life.resolvedAtMs] : []));
  const silenced = silences.find((one) => one.id === id);
  const example = examples[sign.group];
  return {
    id,
    condition: sign.condition,
    conditions: ordered.map((one) => one.sign.condition),
    state,
    severity: sign.severity,
    title: sign.title,
    says: [...new Set(ordered.map((one) => one.sign.says))].join(" "),
    counts: Object.assign({}, ...ordered.map((one) => one.sign.counts)) as Record<string, number>,
    command: sign.command,
    subject: replication,
    ...place,
    ...(example === undefined ? {} : { exampleKey: example }),
    sinceMs: Math.min(...lives.map((life) => life.sinceMs)),
    ...(fired.length === 0 ? {} : { firedAtMs: Math.min(...fired) }),
    ...(resolved.length === 0 ? {} : { resolvedAtMs: Math.max(...resolved) }),
    ...(silenced === undefined ? {} : { silencedUntilMs: silenced.untilMs }),
  };
}

function bySeverity({ sign: one }: Tracked, { sign: other }: Tracked): number {
  if (one.severity !== other.severity) return isAsSevere(one.severity, other.severity) ? -1 : 1;
  return CONDITIONS.indexOf(one.condition) - CONDITIONS.indexOf(other.condition);
}

/** The worst first: what fires before what is pending or over, the more severe, the more versions. */
export function byUrgency(one: Alert, other: Alert): number {
  return (
    STATES.indexOf(one.state) - STATES.indexOf(other.state) ||
    SEVERITIES.indexOf(other.severity) - SEVERITIES.indexOf(one.severity) ||
    (other.counts["failed"] ?? 0) - (one.counts["failed"] ?? 0) ||
    (one.id < other.id ? -1 : 1)
  );
}
