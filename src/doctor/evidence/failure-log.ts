/**
 * What events and reports tell of failed versions: the last failure of each version at each destination.
 *
 * A million of them fit into memory: what they say is kept once for all that say the same.
 */
import type { RecordedFailure } from "../../core/diagnose/facts.ts";
import type { FailureRecord, FailureRecords } from "../ports.ts";

/** What is told of versions beyond this number is counted and left out. */
const FAILURES_MAX = 4_000_000;
/**
 * Answers that differ, at most: many name the object, so that each is another. A version beyond them is told of in the words of
 * the first that failed alike.
 */
const ANSWERS_MAX = 20_000;
const PAGE = 1000;

export class FailureLog implements FailureRecords {
  /** By target, version and key the index of the entry. */
  readonly #places = new Map<string, number>();
  readonly #failures: number[] = [];
  readonly #timesMs: number[] = [];
  readonly #distinct: RecordedFailure[] = [];
  readonly #indexes = new Map<string, number>();
  /** Of each of the distinct ones, the first that decides the same; the same by what decides. */
  readonly #firsts: number[] = [];
  readonly #firstOf = new Map<string, number>();
  readonly #targets = new Map<string, number>();
  readonly #sets = new Map<string, number>();
  readonly #setFailures: RecordedFailure[][] = [];
  /** Whether events or reports are in it, and not an engine's own records alone. */
  isTold = false;
  /** How many had no place any more. */
  leftOut = 0;

  get size(): number {
    return this.#places.size;
  }

  /** Keeps the newer of two failures of the same version at the same destination. */
  add({ key, versionId, ...failure }: FailureRecord): void {
    const { firstAttemptAtMs: _first, lastAttemptAtMs: atMs = 0, ...said } = failure;
    this.isTold ||= said.toldBy !== undefined;
    const target = numberOf(this.#targets, `${said.destinationArn} ${said.ruleId}`);
    const name = `${target}/${versionId}/${key}`;
    const place = this.#places.get(name);
    if (place === undefined && this.#places.size >= FAILURES_MAX) {
      this.leftOut += 1;
      return;
    }
    if (place !== undefined && (this.#timesMs[place] ?? 0) > atMs) return;
    const index = this.#indexOf(said);
    const at = place ?? this.#failures.length;
    this.#failures[at] = index;
    this.#timesMs[at] = atMs;
    if (place === undefined) this.#places.set(name, at);
  }

  #indexOf(said: RecordedFailure): number {
    const whole = JSON.stringify(said);
    const known = this.#indexes.get(whole);
    if (known !== undefined) return known;
    const first = this.#firstOf.get(decisive(said));
    if (first !== undefined && this.#distinct.length >= ANSWERS_MAX) return first;
    const index = this.#distinct.push(said) - 1;
    this.#indexes.set(whole, index);
    this.#firsts[index] = first ?? index;
    if (first === undefined) this.#firstOf.set(decisive(said), index);
    return index;
  }

  of(key: string, versionId: string): RecordedFailure[] {
    const found: RecordedFailure[] = [];
    for (const target of this.#targets.values()) {
      const place = this.#places.get(`${target}/${versionId}/${key}`);
      const failure = place === undefined ? undefined : this.#distinct[this.#failures[place] ?? -1];
      if (place === undefined || failure === undefined) continue;
      found.push({ ...failure, lastAttemptAtMs: this.#timesMs[place] ?? 0 });
    }
    return found;
  }

  /** What is recorded of a version, as a number that is the same for versions that failed alike, whatever the answers' words. */
  numberOf(key: string, versionId: string): number | undefined {
    const indexes: number[] = [];
    for (const target of this.#targets.values()) {
      const place = this.#places.get(`${target}/${versionId}/${key}`);
      if (place !== undefined) indexes.push(this.#firsts[this.#failures[place] ?? -1] ?? -1);
    }
    if (indexes.length === 0) return undefined;
    const number = numberOf(this.#sets, indexes.join());
    this.#setFailures[number] ??= indexes.flatMap((one) => this.#distinct[one] ?? []);
    return number;
  }

  /** What such a number stands for, without times, in the words of the first. */
  numbered(number: number): readonly RecordedFailure[] {
    return this.#setFailures[number] ?? [];
  }

  /** Every version once. */
  *versions(): Generator<{ readonly key: string; readonly versionId: string }> {
    const seen = new Set<string>();
    for (const name of this.#places.keys()) {
      const [, target = "", versionId = "", key = ""] = /^(\d+)\/([^/]*)\/(.*)$/s.exec(name) ?? [];
      if (this.#targets.size > 1) {
        const rest = name.slice(target.length);
        if (seen.has(rest)) continue;
        seen.add(rest);
      }
      yield { key, versionId };
    }
  }

  async *failures(_bucket: string, prefix = ""): AsyncGenerator<readonly FailureRecord[]> {
    let page: FailureRecord[] = [];
    for (const { key, versionId } of this.versions()) {
      if (!key.startsWith(prefix)) continue;
      page.push(...this.of(key, versionId).map((one) => ({ key, versionId, ...one })));
      if (page.length < PAGE) continue;
      yield page;
      page = [];
    }
    if (page.length > 0) yield page;
  }
}

/** What a diagnosis tells failures apart by: neither the words of the answer nor how often it was tried. */
function decisive({
  destinationArn,
  ruleId,
  code,
  step,
  pending,
  httpStatus,
  errorCode,
  toldBy,
}: RecordedFailure): string {
  return JSON.stringify([destinationArn, ruleId, code, step, pending, httpStatus, errorCode, toldBy]);
}

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}
