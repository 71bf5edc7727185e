/**
 * Group commit: calls that come in while one is under way go out together with the next, in one transaction.
 *
 * A call that comes alone goes out at the end of the turn and waits for nobody.
 */

/** Collects what is to be done and does much of it at once, one batch after another. */
export class Batches<Item, Answer> {
  readonly #work: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #itemsMax: number;
  /** Items of the same key go into different batches. */
  readonly #keyOf: (item: Item) => unknown;
  #waiting: Waiting<Item, Answer>[] = [];
  #isBusy = false;

  /** @param work  answers in the order of the items */
  constructor(options: {
    readonly work: (items: readonly Item[]) => Promise<readonly Answer[]>;
    readonly itemsMax: number;
    readonly keyOf?: (item: Item) => unknown;
  }) {
    this.#work = options.work;
    this.#itemsMax = options.itemsMax;
    this.#keyOf = options.keyOf ?? ((item) => item);
  }

  /** Resolves with the answer to this item, or rejects with what its whole batch met. */
  async push(item: Item): Promise<Answer> {
    const answer = new Promise<Answer>((resolve, reject) => this.#waiting.push({ item, resolve, reject }));
    if (!this.#isBusy) {
      this.#isBusy = true;
      setImmediate(() => void this.#run());
    }
    return await answer;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#next();
      try {
        const answers = await this.#work(batch.map((one) => one.item));
        for (const [index, one] of batch.entries()) one.resolve(answers[index] as Answer);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    this.#isBusy = false;
  }

  #next(): readonly Waiting<Item, Answer>[] {
    const keys = new Set<unknown>();
    let count = 0;
    for (; count < Math.min(this.#waiting.length, this.#itemsMax); count++) {
      const key = this.#keyOf((this.#waiting[count] as Waiting<Item, Answer>).item);
      if (keys.has(key)) break;
      keys.add(key);
    }
    const batch = this.#waiting.slice(0, count);
    this.#waiting = this.#waiting.slice(count);
    return batch;
  }
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}
