/**
 * What events and reports tell of failed versions: the last failure of each version at each destination.
 *
 * A million of them fit into memory: what they say is kept once for all that say the same.
 */
import type { RecordedFailure } from "../../core/diagnose/facts.ts";
import type { FailureRecord, FailureRecords } from "../ports.ts";

/** What is told of versions beyond this number is counted and left out. */
const FAILURES_MAX = 4_000_000;
const PAGE = 1000;

export class FailureLog implements FailureRecords {
  /** By target, version and key the index of the entry. */
  readonly #places = new Map<string, number>();
  readonly #failures: number[] = [];
  readonly #timesMs: number[] = [];
  readonly #distinct: RecordedFailure[] = [];
  readonly #indexes = new Map<string, number>();
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
    const index = numberOf(this.#indexes, JSON.stringify(said));
    this.#distinct[index] ??= said;
    const at = place ?? this.#failures.length;
    this.#failures[at] = index;
    this.#timesMs[at] = atMs;
    if (place === undefined) this.#places.set(name, at);
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

  /** What is recorded of a version, as a number that is the same for versions of which the same is recorded. */
  numberOf(key: string, versionId: string): number | undefined {
    const indexes: number[] = [];
    for (const target of this.#targets.values()) {
      const place = this.#places.get(`${target}/${versionId}/${key}`);
      if (place !== undefined) indexes.push(this.#failures[place] ?? -1);
    }
    if (indexes.length === 0) return undefined;
    const number = numberOf(this.#sets, indexes.join());
    this.#setFailures[number] ??= indexes.flatMap((one) => this.#distinct[one] ?? []);
    return number;
  }

  /** What such a number stands for, without times. */
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

function numberOf(numbers: Map<string, number>, name: string): number {
  const known = numbers.get(name);
  if (known !== undefined) return known;
  numbers.set(name, numbers.size);
  return numbers.size - 1;
}
