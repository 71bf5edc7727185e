/** Tells when something has happened in the engine's record, so that nobody has to sleep for it. */
import { once } from "node:events";
import type { ChangeFeed } from "../../src/engine/ports.ts";
import type { Lab } from "../../src/lab/lab.ts";
import type { Ledger } from "../../src/ledger/ledger.ts";

export class Events {
  readonly #target = new EventTarget();
  #count = 0;

  /** How many there were so far. */
  get count(): number {
    return this.#count;
  }

  tell(): void {
    this.#count += 1;
    this.#target.dispatchEvent(new Event("happened"));
  }

  /** Resolves when there were more than so many. Rejects with the signal. */
  async after(count: number, signal: AbortSignal): Promise<void> {
    while (this.#count <= count) await once(this.#target, "happened", { signal });
  }
}

/** A ledger that tells of every answer it gave. */
export function tellingLedger(ledger: Ledger, events: Events): Ledger {
  return new Proxy(ledger, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function" || !CHANGES.has(String(name))) {
        return typeof member === "function" ? member.bind(target) : member;
      }
      return async (...words: unknown[]) => {
        const answer: unknown = await Reflect.apply(member, target, words);
        events.tell();
        return answer;
      };
    },
  });
}

const CHANGES = new Set<string>([
  "add",
  "complete",
  "retryLater",
  "park",
  "release",
  "redrive",
  "discard",
] satisfies (keyof Ledger)[]);

/** The lab's changes, and a word when some of them are safe in the ledger. */
export function tellingFeed(lab: Lab, events: Events): ChangeFeed {
  const changes = lab.openChanges();
  return {
    take: async (limit) => (await changes.take(limit)).map(({ seq, event }) => ({ sequence: seq, event })),
    done: async (entries) => {
      await changes.done(entries.map((one) => one.sequence));
      events.tell();
    },
    onChange: (listener) => changes.onChange(listener),
  };
}
