/**
 * A hash of pieces that come in any order: each waits for its turn. So the MD5 of a whole object is known although its
 * parts are read side by side, and no more pieces are held than are under way.
 */
import type { Hasher } from "../s3/checksum.ts";

export class InOrderHash {
  readonly #hasher: Hasher;
  readonly #waiting = new Map<number, () => void>();
  #next = 1;
  #isBroken = false;

  constructor(hasher: Hasher) {
    this.#hasher = hasher;
  }

  /** Resolves when the piece is hashed, or when nothing comes of the whole any more. @param number from 1, each once */
  async take(number: number, bytes: Uint8Array): Promise<void> {
    if (number !== this.#next && !this.#isBroken) await new Promise<void>((turn) => this.#waiting.set(number, turn));
    if (this.#isBroken) return;
    this.#hasher.update(bytes);
    this.#next += 1;
    const turn = this.#waiting.get(this.#next);
    this.#waiting.delete(this.#next);
    turn?.();
  }

  /** A piece will not come: nobody waits any longer. */
  break(): void {
    this.#isBroken = true;
    for (const turn of this.#waiting.values()) turn();
    this.#waiting.clear();
  }

  digest(): string {
    return this.#hasher.digest();
  }
}
