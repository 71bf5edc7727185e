/**
 * Judges and sends, on one of the engines that share a ledger, until it is stopped.
 *
 * The order makes nothing get lost: what is seen and the messages about it are written down in one step, only then
 * anything is sent, and a message is taken off when its sink has taken it. A crash in between sends it once more, under the
 * same id. Whoever takes over reads what was written. A node that lost its hold writes nothing more; what it was just
 * sending may be sent twice.
 */
import { randomUUID } from "node:crypto";
import { DatabaseError } from "../../ledger/database-error.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Observation, Observe } from "../observation.ts";
import { type Sink, SinkError } from "../sinks/sink.ts";
import { type Book, forgetSilences, newBook, readBook, silencesIn, writeBook } from "./book.ts";
import { type Cause, causesOf, type Drifted, type Redriven } from "./conditions.ts";
import { type DocumentDigest, DRIFT_EVERY_MS, driftedNow, type ReadDigests } from "./drift.ts";
import { judged } from "./judge.ts";
import type { Message } from "./model.ts";
import { arrived, dueOf, nextDueAtMs, refused, type SinkWish, type Waiting } from "./outbox.ts";
import type { AlertSettings, ConditionSettings } from "./settings.ts";
import { exampleOf, RedriveSweep } from "./sweep.ts";
import { told, wantingExamples } from "./tell.ts";

export interface AlertClock {
  nowMs(): number;
  /** Resolves after the time, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** 0..1 */
  random(): number;
}

export interface ConfiguredSink extends SinkWish {
  readonly sink: Sink;
}

export interface AlertingOptions {
  readonly ledger: Ledger;
  readonly observe: Observe;
  readonly clock: AlertClock;
  /** Unique among the engines on the ledger. */
  readonly name: string;
  /** As they are at the time. */
  readonly settings: () => AlertSettings;
  readonly sinks: () => readonly ConfiguredSink[];
  /** Undefined where no documents can be read. */
  readonly digests?: ReadDigests;
  /** Told once of a sink that does not take messages, and of what could not be looked at. */
  readonly onTrouble: (says: string) => void;
}

/** Whether a sink took a test. */
export interface SinkTest {
  readonly sink: string;
  readonly ok: boolean;
  /** What went wrong. */
  readonly says?: string;
}

const HOLD = "alerts";
/** Another engine takes over after so long. */
const HOLD_MS = 60_000;
/** The longest that nobody looks whether something is due. */
const TICK_MS_MAX = 5000;
const TICK_MS_MIN = 100;
/** The end of the process waits so long for what is being sent; the rest is sent after the next start. */
const SEND_MS_MAX = 15_000;

export class Alerting {
  readonly #options: AlertingOptions;
  readonly #sweep: RedriveSweep;
  /** Undefined while another engine holds it. */
  #book: Book | undefined;
  /** The book is not yet as it was written last. */
  #isUnwritten = false;
  #lookedAtMs = -Infinity;
  #driftAtMs = -Infinity;
  #documents: readonly DocumentDigest[] | undefined;
  readonly #sending = new Map<string, Promise<void>>();
  #turns: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => undefined;
  readonly #said = new Set<string>();

  constructor(options: AlertingOptions) {
    this.#options = options;
    this.#sweep = new RedriveSweep(options.ledger);
  }

  /** Looks and sends until the signal is aborted; what is being sent then is waited for. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, ledger, name } = this.#options;
    while (!signal.aborted) {
      await this.tick();
      const over = new AbortController();
      const end = () => over.abort();
      this.#wake = end;
      signal.addEventListener("abort", end);
      if (!signal.aborted) await clock.sleep(this.#untilNextMs(), over.signal);
      signal.removeEventListener("abort", end);
    }
    await this.settled();
    await patiently(() => ledger.letGo(HOLD, name));
  }

  /** Everything that is due now: looks, writes, and begins to send. Waits for no sink. */
  async tick(): Promise<void> {
    await patiently(async () => {
      if (!(await this.#hold())) return;
      const { clock, settings } = this.#options;
      if (clock.nowMs() - this.#lookedAtMs >= settings().everyMs) await this.look();
      await this.#inTurn(() => this.#write());
      if (!this.#isUnwritten) this.#sendDue();
    });
  }

  /** Looks once, and writes what it saw together with what is to be said of it. For the holder. */
  async look(): Promise<void> {
    const { ledger, observe, settings, clock } = this.#options;
    const { conditions } = settings();
    const nowMs = clock.nowMs();
    this.#lookedAtMs = nowMs;
    await forgetSilences(ledger, nowMs);
    const observation = await observe();
    const redriven = conditions.redriven === undefined ? [] : await this.#redriven(conditions.redriven, observation);
    const drifted = conditions.drift === undefined ? [] : await this.#drift();
    const silences = await silencesIn(ledger, nowMs);
    await this.#inTurn(async () => {
      if (this.#book === undefined) return;
      const sinks = this.#options.sinks();
      const known = new Set(sinks.map((one) => one.name));
      const outbox = this.#book.outbox.filter((one) => known.has(one.sink));
      const before = judged({ ...this.#book, outbox }, { observation, redriven, drifted }, settings());
      const telling = { silences, settings: settings(), sinks, nowMs };
      const examples = await this.#examplesFor(before, told(before, telling));
      this.#change(told({ ...before, examples: { ...before.examples, ...examples } }, telling));
      await this.#write();
    });
  }

  /** Resolves when what is being sent has arrived or was refused, and that is written. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending.values());
    await this.#turns;
  }

  /** Sends a message that says that it is a test, at once, to one sink or to all. Nothing is kept of it. */
  async test(name?: string): Promise<readonly SinkTest[]> {
    const atMs = this.#options.clock.nowMs();
    const message: Message = {
      id: `test-${randomUUID()}`,
      status: "firing",
      kind: "test",
      thread: "test",
      severity: "info",
      atMs,
      alerts: [],
      more: 0,
    };
    const sinks = this.#options.sinks().filter((one) => name === undefined || one.name === name);
    return await Promise.all(
      sinks.map(async (one) => {
        const refusal = await sent(one.sink, message);
        return {
          sink: one.name,
          ok: refusal === undefined,
          ...(refusal === undefined ? {} : { says: refusal.message }),
        };
      }),
    );
  }

  async #hold(): Promise<boolean> {
    const { ledger, name, clock } = this.#options;
    const nowMs = clock.nowMs();
    if (!(await ledger.hold(HOLD, name, { nowMs, untilMs: nowMs + HOLD_MS }))) {
      this.#book = undefined;
      this.#isUnwritten = false;
      return false;
    }
    if (this.#book === undefined) {
      const kept = await readBook(ledger);
      await this.#inTurn(async () => {
        this.#book = kept ?? newBook();
      });
    }
    return true;
  }

  #change(next: Book): void {
    if (JSON.stringify(next) === JSON.stringify(this.#book)) return;
    this.#book = next;
    this.#isUnwritten = true;
  }

  /** Only as long as it holds: another engine may write it now. */
  async #write(): Promise<void> {
    if (!this.#isUnwritten || this.#book === undefined) return;
    const { ledger, name, clock } = this.#options;
    const nowMs = clock.nowMs();
    const isHeld = await ledger.hold(HOLD, name, { nowMs, untilMs: nowMs + HOLD_MS });
    if (isHeld) await writeBook(ledger, this.#book);
    else this.#book = undefined;
    this.#isUnwritten = false;
  }

  /** Changes of the book come one after another. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turns.then(work);
    this.#turns = done.catch(() => undefined);
    return done;
  }

  async #examplesFor(before: Book, after: Book): Promise<Record<string, string>> {
    const examples: Record<string, string> = {};
    for (const { sign } of wantingExamples(before, after)) {
      const { bucket = "", ruleId = "", destinationArn = "", code = "" } = sign.subject;
      const cause: Cause = { bucket, ruleId, destinationArn, code };
      const key = await exampleOf(this.#options.ledger, cause);
      if (key !== undefined) examples[sign.group] = key;
    }
    return examples;
  }

  async #redriven({ below }: ConditionSettings, { counts }: Observation): Promise<readonly Redriven[] | undefined> {
    return await this.#sweep.look(below, causesOf(counts));
  }

  /** Undefined when nothing is known now. */
  async #drift(): Promise<readonly Drifted[] | undefined> {
    const { digests, ledger, clock, onTrouble } = this.#options;
    if (digests === undefined) return undefined;
    const nowMs = clock.nowMs();
    if (nowMs - this.#driftAtMs >= DRIFT_EVERY_MS) {
      this.#driftAtMs = nowMs;
      try {
        this.#documents = await digests();
        this.#said.delete("drift");
      } catch (error) {
        if (error instanceof DatabaseError) throw error;
        this.#documents = undefined;
        const says = error instanceof Error ? error.message : String(error);
        if (!this.#said.has("drift")) onTrouble(`alerts: documents cannot be compared with the known good: ${says}`);
        this.#said.add("drift");
      }
    }
    // Compared each time: what was read may have been accepted meanwhile.
    if (this.#documents === undefined) return undefined;
    return await driftedNow(ledger, this.#documents, { readAtMs: this.#driftAtMs, nowMs });
  }

  #sendDue(): void {
    for (const one of this.#options.sinks()) {
      if (this.#sending.has(one.name) || this.#book === undefined) continue;
      const due = dueOf(this.#book.outbox, one.name, this.#options.clock.nowMs());
      if (due === undefined) continue;
      const sent = this.#send(one, due).finally(() => {
        this.#sending.delete(one.name);
        this.#wake();
      });
      this.#sending.set(one.name, sent);
    }
  }

  /** Never rejects. */
  async #send({ name, sink }: ConfiguredSink, waiting: Waiting): Promise<void> {
    const refusal = await sent(sink, waiting.message);
    await patiently(() =>
      this.#inTurn(async () => {
        if (this.#book === undefined) return;
        const { [name]: before, ...troubles } = this.#book.troubles;
        if (refusal === undefined) {
          this.#change({ ...this.#book, outbox: arrived(this.#book.outbox, waiting), troubles });
        } else {
          const { clock, onTrouble } = this.#options;
          const nowMs = clock.nowMs();
          const { outbox, isGivenUp } = refused(this.#book.outbox, waiting, refusal, { nowMs, random: clock.random() });
          const trouble = { atMs: nowMs, says: refusal.message };
          const givenUp = this.#book.givenUp + (isGivenUp ? 1 : 0);
          this.#change({ ...this.#book, outbox, givenUp, troubles: { ...troubles, [name]: trouble } });
          if (before?.says !== refusal.message) onTrouble(`alerts: ${name} does not take messages: ${refusal.message}`);
        }
        await this.#write();
      }),
    );
  }

  #untilNextMs(): number {
    const { clock, settings } = this.#options;
    const nowMs = clock.nowMs();
    const idle = (this.#book?.outbox ?? []).filter((one) => !this.#sending.has(one.sink));
    const nextMs = Math.min(this.#lookedAtMs + settings().everyMs, nextDueAtMs(idle) ?? Infinity, nowMs + TICK_MS_MAX);
    return Math.max(TICK_MS_MIN, nextMs - nowMs);
  }
}

/** Brings a message, within a limit of time. @returns what was refused; never rejects */
export async function sent(sink: Sink, message: Message): Promise<SinkError | undefined> {
  try {
    await sink.send(message, AbortSignal.timeout(SEND_MS_MAX));
    return undefined;
  } catch (error) {
    if (error instanceof SinkError) return error;
    // A fault of a sink must not stop the others; what it says may hold what is secret.
    const name = error instanceof Error ? error.name : "unknown";
    return new SinkError(`a fault of Lockstep's own (${name})`, { isFinal: false }, { cause: error });
  }
}

/** While the ledger is away nobody looks and nothing is written; what was in memory is written when it is back. */
async function patiently(what: () => Promise<void>): Promise<void> {
  try {
    await what();
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
  }
}
