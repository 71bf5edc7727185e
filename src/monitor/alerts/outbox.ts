/**
 * Messages that have not reached their sinks: pure functions over a list that is kept with the alerts.
 *
 * - Of one sink and thread one message waits at most: a later one takes its place, for it says how it is now. One that is
 *   just being sent is not harmed: what was sent goes by its id, and its successor stays.
 * - Each sink has its own line: messages go in their order, and one that does not answer holds up nobody else.
 * - A line has a limit. Beyond it the oldest are joined into one message, which counts what it does not list.
 * - What cannot be brought now is tried again, later and later, without an end. What a sink refuses for what it is goes to
 *   the end of the line, so that it holds up nothing, and is given up after some tries.
 */
import { isAsSevere, type Message, type Severity } from "./model.ts";

export interface Waiting {
  readonly sink: string;
  readonly message: Message;
  /** Since when there is something to tell. */
  readonly atMs: number;
  readonly tries: number;
  readonly nextTryAtMs: number;
}

export interface SinkWish {
  readonly name: string;
  /** Less severe messages are none of its. */
  readonly severity: Severity;
}

export interface Refusal {
  /** The sink will not take this message, however often it is tried. */
  readonly isFinal: boolean;
  /** What the sink asked for. */
  readonly retryAfterMs?: number;
}

export const WAITING_MAX = 100;
/** Alerts of one message. */
export const LISTED_MAX = 50;
const REFUSALS_MAX = 5;
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 5 * 60_000;
/** What joined messages go by. */
const JOINED = "joined";

/** Puts a message into the line of every sink that wants it. */
export function posted(outbox: readonly Waiting[], message: Message, sinks: readonly SinkWish[]): readonly Waiting[] {
  return sinks
    .filter((one) => isAsSevere(message.severity, one.severity))
    .reduce((before, { name }) => limited(inLine(before, name, message), name), outbox);
}

function inLine(outbox: readonly Waiting[], sink: string, message: Message): readonly Waiting[] {
  const before = outbox.find((one) => one.sink === sink && one.message.thread === message.thread);
  // What is told as resolved together need not be told as firing one by one.
  const over = new Set(message.status === "resolved" ? message.alerts.map((one) => one.id) : []);
  const others = outbox.filter((one) => one.sink !== sink || (one !== before && !over.has(one.message.thread)));
  const { atMs, tries, nextTryAtMs } = before ?? { atMs: message.atMs, tries: 0, nextTryAtMs: message.atMs };
  return [...others, { sink, message, atMs, tries, nextTryAtMs }];
}

function limited(outbox: readonly Waiting[], sink: string): readonly Waiting[] {
  const line = outbox.filter((one) => one.sink === sink);
  if (line.length <= WAITING_MAX) return outbox;
  // A digest goes by a thread of its own, and there is one at a time.
  const [first, second] = line.filter((one) => one.message.kind === "alert");
  if (first === undefined || second === undefined) return outbox;
  const joined: Waiting = { ...first, message: joinedMessage(first.message, second.message) };
  return outbox.flatMap((one) => (one === first ? [joined] : one === second ? [] : [one]));
}

function joinedMessage(one: Message, other: Message): Message {
  const alerts = [...one.alerts, ...other.alerts];
  return {
    id: other.id,
    kind: "alert",
    thread: JOINED,
    status: one.status === "firing" || other.status === "firing" ? "firing" : "resolved",
    severity: isAsSevere(one.severity, other.severity) ? one.severity : other.severity,
    atMs: other.atMs,
    alerts: alerts.slice(0, LISTED_MAX),
    more: one.more + other.more + Math.max(0, alerts.length - LISTED_MAX),
  };
}

/** The first of a sink's line, when it is due: those behind it wait. */
export function dueOf(outbox: readonly Waiting[], sink: string, nowMs: number): Waiting | undefined {
  const first = outbox.find((one) => one.sink === sink);
  return first !== undefined && first.nextTryAtMs <= nowMs ? first : undefined;
}

/** When the first of a line is due; undefined when nothing waits. */
export function nextDueAtMs(outbox: readonly Waiting[]): number | undefined {
  const sinks = new Set(outbox.map((one) => one.sink));
  const firsts = [...sinks].map((sink) => outbox.find((one) => one.sink === sink)?.nextTryAtMs ?? Infinity);
  return firsts.length === 0 ? undefined : Math.min(...firsts);
}

/** It has arrived. */
export function arrived(outbox: readonly Waiting[], { sink, message }: Waiting): readonly Waiting[] {
  return outbox.filter((one) => one.sink !== sink || one.message.id !== message.id);
}

/** @param random 0..1 */
export function refused(
  outbox: readonly Waiting[],
  tried: Waiting,
  refusal: Refusal,
  { nowMs, random }: { readonly nowMs: number; readonly random: number },
): { readonly outbox: readonly Waiting[]; readonly isGivenUp: boolean } {
  const { sink, message } = tried;
  const isIt = (one: Waiting) => one.sink === sink && one.message.id === message.id;
  const found = outbox.find(isIt);
  // Its successor has taken its place meanwhile.
  if (found === undefined) return { outbox, isGivenUp: false };
  const tries = found.tries + 1;
  const backoffMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(tries - 1, 20), RETRY_MS_MAX) * (0.75 + random / 2);
  const later = { ...found, tries, nextTryAtMs: Math.round(nowMs + Math.max(backoffMs, refusal.retryAfterMs ?? 0)) };
  const others = outbox.filter((one) => !isIt(one));
  if (!refusal.isFinal) return { outbox: outbox.map((one) => (isIt(one) ? later : one)), isGivenUp: false };
  if (tries >= REFUSALS_MAX) return { outbox: others, isGivenUp: true };
  return { outbox: [...others, later], isGivenUp: false };
}
