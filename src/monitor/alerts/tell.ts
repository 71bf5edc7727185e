/**
 * What is to be said of what fires and what is over: one message per group, and never a storm. Pure.
 *
 * - A group that fires is told of once; again after `repeatMs`, or when another of its signs fires. When all of them are
 *   resolved, that is told, whether it is silenced or not: who was alarmed hears of the end.
 * - A silenced group is not told of. When the silence ends and it still fires, it is.
 * - So many groups within a while have messages of their own, the worst of them. All others are counted in one digest, which
 *   lists the worst, is renewed at most every ten minutes, and is over when all of them are.
 */
import { alertOf, type Book, byUrgency, groupsOf, idOf, signName, type Told, type Tracked } from "./book.ts";
import { type Alert, isAsSevere, type Message, type Severity, type Silence } from "./model.ts";
import { LISTED_MAX, posted, type SinkWish } from "./outbox.ts";
import type { AlertSettings } from "./settings.ts";

/** Groups that are told of in their own messages, within `WINDOW_MS`. */
export const OWN_MAX = 5;
export const WINDOW_MS = 5 * 60_000;
/** A group, or the digest, is told of anew after so long, when it has changed. */
const CHANGED_MS = 60_000;
const DIGEST_MS = 10 * 60_000;
/** A digest lists so many. */
const DIGEST_LISTED_MAX = 10;

export interface TellOptions {
  readonly silences: readonly Silence[];
  readonly settings: AlertSettings;
  readonly sinks: readonly SinkWish[];
  readonly nowMs: number;
}

/** The book with its messages in the outbox. */
export function told(book: Book, options: TellOptions): Book {
  return new Telling(book, options).run();
}

interface Group {
  readonly name: string;
  readonly alert: Alert;
  readonly members: readonly Tracked[];
  readonly firing: readonly Tracked[];
  readonly told: Told | undefined;
}

class Telling {
  readonly #options: TellOptions;
  readonly #groups: readonly Group[];
  #book: Book;

  constructor(book: Book, options: TellOptions) {
    this.#book = book;
    this.#options = options;
    this.#groups = [...groupsOf(book)].flatMap(([name, members]) => {
      const alert = alertOf(members, book, options.silences);
      if (alert === undefined) return [];
      const firing = members.filter(({ life }) => life.state === "firing");
      return [{ name, alert, members, firing, told: book.told[name] }];
    });
  }

  run(): Book {
    const { nowMs } = this.#options;
    this.#book = { ...this.#book, toldAtMs: this.#book.toldAtMs.filter((one) => nowMs - one < WINDOW_MS) };
    this.#tellEnds();
    const due = this.#groups.filter((one) => this.#isDue(one));
    const free = Math.max(0, OWN_MAX - this.#book.toldAtMs.length);
    // Who has a message of its own already keeps it; that may have to wait for its turn.
    const own = due
      .filter((one) => one.told?.way !== "digest")
      .toSorted(newOrWorst)
      .slice(0, free);
    for (const one of own) this.#tellOwn(one);
    const rest = due.filter((one) => one.told === undefined && !own.includes(one));
    for (const { name, alert, firing } of rest) {
      this.#remember(name, { atMs: nowMs, severity: alert.severity, signs: namesOf(firing), way: "digest" });
    }
    this.#tellDigest();
    const groups = new Set(this.#groups.map((one) => one.name));
    const examples = Object.fromEntries(Object.entries(this.#book.examples).filter(([name]) => groups.has(name)));
    return { ...this.#book, examples };
  }

  /** Something is to be said of its firing. */
  #isDue({ firing, told: before, alert }: Group): boolean {
    if (firing.length === 0 || alert.silencedUntilMs !== undefined) return false;
    if (before === undefined) return true;
    if (before.way === "digest") return false;
    const quietMs = this.#options.nowMs - before.atMs;
    const isChanged = namesOf(firing).some((one) => !before.signs.includes(one));
    if (isChanged && quietMs >= CHANGED_MS) return true;
    const repeatMs = this.#repeatMs(firing);
    return repeatMs !== undefined && quietMs >= repeatMs;
  }

  #repeatMs(firing: readonly Tracked[]): number | undefined {
    const all = firing.map(({ sign }) => this.#options.settings.conditions[sign.condition]?.repeatMs ?? 0);
    const some = all.filter((one) => one > 0);
    return some.length === 0 ? undefined : Math.min(...some);
  }

  #tellOwn({ name, alert, firing, told: before }: Group): void {
    const { nowMs } = this.#options;
    const severity = worst([alert.severity, ...(before === undefined ? [] : [before.severity])]);
    this.#remember(name, { atMs: nowMs, severity, signs: namesOf(firing), way: "own" });
    this.#book = { ...this.#book, toldAtMs: [...this.#book.toldAtMs, nowMs] };
    this.#post({ status: "firing", kind: "alert", thread: alert.id, severity, alerts: [alert] });
  }

  /** Of all groups that were told of and are over; many at once are told of together. */
  #tellEnds(): void {
    const over: { readonly alert: Alert; readonly severity: Severity }[] = [];
    for (const { name, alert, firing, told: before } of this.#groups) {
      if (before === undefined) continue;
      if (firing.length > 0) {
        // What is over of it is news when it fires again.
        const signs = before.signs.filter((one) => namesOf(firing).includes(one));
        if (signs.length !== before.signs.length) this.#remember(name, { ...before, signs });
        continue;
      }
      this.#remember(name, undefined);
      if (before.way === "own") over.push({ alert, severity: before.severity });
    }
    // A group of which nothing is left at all: its conditions were taken out of the configuration long ago.
    const names = new Set(this.#groups.map((one) => one.name));
    for (const name of Object.keys(this.#book.told)) if (!names.has(name)) this.#remember(name, undefined);
    const resolved = { status: "resolved", kind: "alert" } as const;
    if (over.length <= OWN_MAX) {
      for (const { alert, severity } of over) {
        this.#post({ ...resolved, thread: alert.id, severity, alerts: [asResolved(alert, this.#options.nowMs)] });
      }
      return;
    }
    for (let from = 0; from < over.length; from += LISTED_MAX) {
      const some = over.slice(from, from + LISTED_MAX);
      const alerts = some.map((one) => asResolved(one.alert, this.#options.nowMs));
      const severity = worst(some.map((one) => one.severity));
      this.#post({ ...resolved, thread: `resolved ${this.#book.messages}`, severity, alerts });
    }
  }

  #tellDigest(): void {
    const { nowMs } = this.#options;
    const { digest } = this.#book;
    const inDigest = this.#groups.filter((one) => this.#book.told[one.name]?.way === "digest");
    if (inDigest.length === 0) {
      if (digest === undefined) return;
      const { digest: _, ...rest } = this.#book;
      this.#book = rest;
      this.#post({
        status: "resolved",
        kind: "digest",
        thread: threadOf(digest),
        severity: digest.severity,
        alerts: [],
      });
      return;
    }
    const shown = inDigest.filter((one) => one.alert.silencedUntilMs === undefined);
    if (shown.length === 0) return;
    const isNew = shown.some((one) => (this.#book.told[one.name]?.atMs ?? 0) > (digest?.toldAtMs ?? -1));
    const repeatMs = this.#repeatMs(shown.flatMap((one) => one.firing));
    const quietMs = nowMs - (digest?.toldAtMs ?? -Infinity);
    if (!(isNew && quietMs >= DIGEST_MS) && !(repeatMs !== undefined && quietMs >= repeatMs)) return;
    const alerts = shown.map((one) => one.alert).toSorted(byUrgency);
    const severity = worst([...alerts.map((one) => one.severity), ...(digest === undefined ? [] : [digest.severity])]);
    const next = { sinceMs: digest?.sinceMs ?? nowMs, toldAtMs: nowMs, severity };
    this.#book = { ...this.#book, digest: next };
    this.#post(
      {
        status: "firing",
        kind: "digest",
        thread: threadOf(next),
        severity,
        alerts: alerts.slice(0, DIGEST_LISTED_MAX),
      },
      Math.max(0, alerts.length - DIGEST_LISTED_MAX),
    );
  }

  #remember(group: string, what: Told | undefined): void {
    const { [group]: _, ...others } = this.#book.told;
    this.#book = { ...this.#book, told: what === undefined ? others : { ...others, [group]: what } };
  }

  #post(message: Omit<Message, "id" | "atMs" | "more">, more = 0): void {
    const { sinks, nowMs } = this.#options;
    const { instance, messages, outbox } = this.#book;
    const whole: Message = { ...message, id: `${instance}-${messages + 1}`, atMs: nowMs, more };
    this.#book = { ...this.#book, messages: messages + 1, outbox: posted(outbox, whole, sinks) };
  }
}

function namesOf(members: readonly Tracked[]): string[] {
  return members.map(({ sign }) => signName(sign));
}

function threadOf({ sinceMs }: { readonly sinceMs: number }): string {
  return `digest ${sinceMs}`;
}

/** One that was told of and is only pending again is over for whom it was told. */
function asResolved(alert: Alert, nowMs: number): Alert {
  return { ...alert, state: "resolved", resolvedAtMs: alert.resolvedAtMs ?? nowMs };
}

function worst(severities: readonly Severity[]): Severity {
  return severities.reduce((one, other) => (isAsSevere(one, other) ? one : other), "info");
}

/** Repeats wait behind what nobody has heard of yet. */
function newOrWorst(one: Group, other: Group): number {
  const isOneNew = one.told === undefined;
  if (isOneNew !== (other.told === undefined)) return isOneNew ? -1 : 1;
  return byUrgency(one.alert, other.alert);
}

/** Groups that are about to be told of for the first time, and of which a version would make a good example. */
export function wantingExamples(before: Book, after: Book): readonly Tracked[] {
  return [...groupsOf(after)].flatMap(([name, members]) => {
    const [first] = members;
    const isNews = before.told[name]?.way !== "own" && after.told[name]?.way === "own";
    const wants = isNews && first?.sign.subject.code !== undefined && after.examples[name] === undefined;
    return wants ? [first] : [];
  });
}

/** The id that commands know an alert by. @returns undefined when it is none that is tracked */
export function groupWithId(book: Book, id: string): string | undefined {
  return [...groupsOf(book).keys()].find((one) => idOf(one) === id);
}
