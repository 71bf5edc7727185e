/**
 * What may be begun now, of which stream: the one place that knows pauses, breakers, throttles and fair shares.
 *
 * A gate is an engine's; each of its workers has a lane through it. A lane asks the ledger for no more of a stream than may
 * begin, so that what must wait waits in the ledger, untried. The ledger's turns and a lane's reserve make shares fair: the
 * last places are for streams that have nothing under way, so a slow stream with a long backlog never has them all.
 *
 * It keeps what it has seen: as many streams as there are in the configuration, and their ends.
 */
import { assert } from "../core/assert.ts";
import type { Stream, StreamLimit } from "../ledger/ledger.ts";
import { Breaker, type BreakerState, type LastAnswer, type Sign } from "./breaker.ts";
import type { Clock } from "./ports.ts";
import type { Signs } from "./signs.ts";
import { Throttle, type ThrottleState } from "./throttle.ts";

export interface GateOptions {
  readonly clock: Pick<Clock, "nowMs" | "random">;
  /** Streams of which nothing is to be begun; asked at every turn. Default: none. */
  readonly paused?: () => readonly Stream[];
  /** Told of streams whose end is tried again, or is back: what waits for a later try need not wait any more. */
  readonly onFreed?: (streams: readonly Stream[]) => void;
}

/** An end of streams: a source bucket by its name, or a destination by its ARN. */
export interface EndName {
  readonly side: "source" | "destination";
  readonly name: string;
}

interface End extends EndName {
  readonly breaker: Breaker;
  /** How often it was freed. */
  timesFreed: number;
}

interface KnownStream extends Stream {
  readonly source: End;
  readonly destination: End;
}

/** A ledger takes no more limits at once. */
const LIMITS_MAX = 1000;
/** A task that found nobody there waits so long at least, however soon after an outage. */
const WAIT_MS_MIN = 1000;
/** So many places, one at least, are kept for streams that have nothing under way: an eighth. */
const RESERVE_SHARE = 1 / 8;

export class Gate {
  readonly #options: GateOptions;
  readonly #ends = new Map<string, End>();
  readonly #streams = new Map<string, KnownStream>();
  readonly #lanes: Lane[] = [];

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** @param places tasks of one lane that may be under way, besides its reserve */
  lane(name: string, places: number): Lane {
    assert(places >= 1, "a lane needs a place at least");
    const lane = new Lane(this, name, places);
    this.#lanes.push(lane);
    return lane;
  }

  /** All ends that were seen so far. */
  breakers(): readonly (EndName & BreakerState)[] {
    return [...this.#ends.values()].map(({ side, name, breaker }) => ({ side, name, ...breaker.state }));
  }

  /** Ends that are held back now. */
  throttles(): readonly (EndName & ThrottleState & { readonly lane: string })[] {
    const nowMs = this.#options.clock.nowMs();
    return this.#lanes.flatMap((lane) => lane.throttles(nowMs));
  }

  /** For its lanes. */
  get streams(): Iterable<KnownStream> {
    return this.#streams.values();
  }

  /** For its lanes. */
  paused(): ReadonlyMap<string, Stream> {
    const { paused } = this.#options;
    if (paused === undefined) return NONE_PAUSED;
    return new Map(paused().map((one) => [nameOf(one), one]));
  }

  /** For its lanes. */
  known(stream: Stream): KnownStream {
    const name = nameOf(stream);
    let known = this.#streams.get(name);
    if (known === undefined) {
      const { bucket, destinationArn } = stream;
      const source = this.#end({ side: "source", name: bucket });
      const destination = this.#end({ side: "destination", name: destinationArn });
      known = { bucket, destinationArn, source, destination };
      this.#streams.set(name, known);
    }
    return known;
  }

  /** For its lanes: lets time do its work, and tells when it does so next. */
  tick(nowMs: number): number | undefined {
    let nextMs: number | undefined;
    for (const end of this.#ends.values()) {
      if (end.breaker.tick(nowMs)) this.free(end);
      nextMs = earlier(nextMs, end.breaker.changesAtMs);
    }
    return nextMs;
  }

  /** For its lanes. */
  leave(end: End, sign: Sign, told: { readonly isTrial: boolean; readonly answer: LastAnswer }): void {
    const jitter = this.#options.clock.random();
    if (end.breaker.leave(sign, { ...told, jitter }) === "closed") this.free(end);
  }

  /** For its lanes: what was tried at this end need not wait any more. */
  free(end: End): void {
    end.timesFreed += 1;
    this.#options.onFreed?.([...this.#streams.values()].filter((one) => one.source === end || one.destination === end));
  }

  /** For its lanes: a task of the stream was recorded too late to be freed with the others. */
  freeLate({ bucket, destinationArn }: Stream): void {
    this.#options.onFreed?.([{ bucket, destinationArn }]);
  }

  #end(end: EndName): End {
    const name = `${end.side} ${end.name}`;
    let found = this.#ends.get(name);
    if (found === undefined) {
      found = { ...end, breaker: new Breaker(this.#options.clock.nowMs()), timesFreed: 0 };
      this.#ends.set(name, found);
    }
    return found;
  }
}

const NONE_PAUSED: ReadonlyMap<string, Stream> = new Map();

/** A task on its way through the gate. */
export interface Pass {
  /** It has ended. Call once. */
  leave(signs: Signs, told: { readonly answer: LastAnswer; readonly retryAfterMs?: number }): void;
  /**
   * When the task is tried again at the latest, if it ends with these signs. At an end that has been there again for some
   * time nobody waits longer than that for what is left of its outage; what fails on and on waits longer and longer.
   */
  tryAgainBy(signs: Signs, nowMs: number): number;
  /** That it is to be tried again later is on record. What freed its ends meanwhile did not find it there: it is now. */
  waits(): void;
}

/** What a claim may ask for now. */
export interface Room {
  /** 0: nothing. */
  readonly limit: number;
  readonly limits: readonly StreamLimit[];
  /** When there may be more room, although no task has ended; undefined when that takes a task's end. */
  readonly changesAtMs?: number;
}

/** One worker's way through the gate. */
export class Lane {
  readonly #gate: Gate;
  readonly #name: string;
  readonly #places: number;
  readonly #reserve: number;
  readonly #heldOf = new Map<KnownStream | End, number>();
  readonly #throttles = new Map<End, Throttle>();
  #held = 0;

  constructor(gate: Gate, name: string, places: number) {
    this.#gate = gate;
    this.#name = name;
    this.#places = places;
    this.#reserve = Math.ceil(places * RESERVE_SHARE);
  }

  get places(): number {
    return this.#places;
  }

  /** Places that are free besides the reserve; below 0 when some of that are taken. */
  get open(): number {
    return this.#places - this.#held;
  }

  /** Once all places but the reserve are taken, there is room only for streams that have nothing under way. */
  room(nowMs: number): Room {
    let changesAtMs = this.#gate.tick(nowMs);
    for (const throttle of this.#throttles.values()) changesAtMs = earlier(changesAtMs, throttle.changesAtMs(nowMs));
    const { open } = this;
    const isReserve = open <= 0;
    const limit = isReserve ? open + this.#reserve : open;
    const limits = limit <= 0 ? [] : this.#limits(nowMs, limit, isReserve);
    return { limit: Math.max(0, limit), limits, ...(changesAtMs === undefined ? {} : { changesAtMs }) };
  }

  /** A task begins. Undefined when it may not: its stream was not known when there was room. */
  enter(stream: Stream, nowMs: number): Pass | undefined {
    const known = this.#gate.known(stream);
    const ends = [known.source, known.destination];
    if (ends.some((end) => end.breaker.passing() === 0)) return undefined;
    const [isSourceTrial = false, isDestinationTrial = false] = ends.map((end) => end.breaker.enter());
    this.#count(known, 1);
    const timesFreed = known.source.timesFreed + known.destination.timesFreed;
    return {
      tryAgainBy: (signs, nowMs) =>
        Math.min(
          tryAgainBy(known.source, signs.source, nowMs),
          tryAgainBy(known.destination, signs.destination, nowMs),
        ),
      waits: () => {
        if (known.source.timesFreed + known.destination.timesFreed !== timesFreed) this.#gate.freeLate(known);
      },
      leave: (signs, told) => {
        const common = { ...told, startedAtMs: nowMs };
        this.#endOf(known.source, signs.source, { ...common, isTrial: isSourceTrial });
        this.#endOf(known.destination, signs.destination, { ...common, isTrial: isDestinationTrial });
        this.#count(known, -1);
      },
    };
  }

  throttles(nowMs: number): readonly (EndName & ThrottleState & { readonly lane: string })[] {
    return [...this.#throttles].map(([{ side, name }, one]) => ({ side, name, lane: this.#name, ...one.state(nowMs) }));
  }

  #limits(nowMs: number, limit: number, isReserve: boolean): StreamLimit[] {
    const paused = this.#gate.paused();
    const limits: StreamLimit[] = [...paused.values()].map(({ bucket, destinationArn }) => ({
      bucket,
      destinationArn,
      atMost: 0,
    }));
    for (const stream of this.#gate.streams) {
      const { bucket, destinationArn } = stream;
      if (paused.size > 0 && paused.has(nameOf(stream))) continue;
      const held = this.#heldOf.get(stream) ?? 0;
      const may =
        isReserve && held > 0 ? 0 : Math.min(this.#may(stream.source, nowMs), this.#may(stream.destination, nowMs));
      if (held === 0 && may >= limit) continue;
      limits.push({ bucket, destinationArn, atMost: Math.min(may, limit), held });
    }
    // What is left out is asked for too often rather than too seldom; `enter` refuses what may not begin.
    return limits.length <= LIMITS_MAX ? limits : limits.sort((a, b) => a.atMost - b.atMost).slice(0, LIMITS_MAX);
  }

  #may(end: End, nowMs: number): number {
    const passing = end.breaker.passing();
    const throttle = this.#throttles.get(end);
    return throttle === undefined ? passing : Math.min(passing, throttle.free(this.#heldOf.get(end) ?? 0, nowMs));
  }

  #endOf(end: End, sign: Sign, told: Told): void {
    const { answer, startedAtMs, retryAfterMs } = told;
    this.#gate.leave(end, sign, told);
    let throttle = this.#throttles.get(end);
    if (sign === "busy") {
      if (throttle === undefined) {
        throttle = new Throttle(this.#places);
        this.#throttles.set(end, throttle);
      }
      const held = this.#heldOf.get(end) ?? 1;
      throttle.busy({ nowMs: answer.atMs, startedAtMs, held, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) });
    } else if (sign === "there" && throttle?.done(answer.atMs) === true) {
      this.#throttles.delete(end);
      this.#gate.free(end);
    }
  }

  #count(stream: KnownStream, by: 1 | -1): void {
    this.#held += by;
    for (const one of [stream, stream.source, stream.destination]) {
      this.#heldOf.set(one, (this.#heldOf.get(one) ?? 0) + by);
    }
  }
}

function tryAgainBy({ breaker }: End, sign: Sign, nowMs: number): number {
  const { state, sinceMs } = breaker.state;
  if (sign !== "away" || state !== "closed") return Number.POSITIVE_INFINITY;
  return nowMs + Math.max(WAIT_MS_MIN, nowMs - sinceMs);
}

interface Told {
  readonly isTrial: boolean;
  readonly answer: LastAnswer;
  readonly startedAtMs: number;
  readonly retryAfterMs?: number;
}

function nameOf({ bucket, destinationArn }: Stream): string {
  return `${bucket} ${destinationArn}`;
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
