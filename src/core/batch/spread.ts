/** A few of many, evenly spread over all of them, without knowing beforehand how many there will be. */

/** Keeps every n-th; n doubles whenever there are twice as many as wanted. The same items yield the same few. */
export class Spread<T> {
  readonly #wanted: number;
  #kept: T[] = [];
  #step = 1;
  #seen = 0;

  /** @param wanted at least 1; about so many up to twice as many are kept */
  constructor(wanted: number) {
    this.#wanted = wanted;
  }

  add(item: T): void {
    if (this.#seen % this.#step === 0) this.#kept.push(item);
    this.#seen += 1;
    if (this.#kept.length < 2 * this.#wanted) return;
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#step *= 2;
  }

  get items(): readonly T[] {
    return this.#kept;
  }
}
