/** Cuts text that comes in chunks into lines. Holds no more than one line. */
import { LINE_LENGTH_MAX } from "./access-line.ts";

export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #onTooLong: (beginning: string) => void;
  #rest = "";
  /** Inside a line that is too long: nothing of it is kept. */
  #isSkipping = false;

  constructor(onLine: (line: string) => void, onTooLong: (beginning: string) => void) {
    this.#onLine = onLine;
    this.#onTooLong = onTooLong;
  }

  push(chunk: string): void {
    let from = 0;
    let to = chunk.indexOf("\n");
    if (to >= 0) {
      if (!this.#isSkipping) this.#line(this.#rest + chunk.slice(0, to));
      this.#isSkipping = false;
      this.#rest = "";
      from = to + 1;
      to = chunk.indexOf("\n", from);
    }
    while (to >= 0) {
      this.#line(chunk.slice(from, to));
      from = to + 1;
      to = chunk.indexOf("\n", from);
    }
    if (this.#isSkipping) return;
    this.#rest += chunk.slice(from);
    if (this.#rest.length <= LINE_LENGTH_MAX) return;
    this.#onTooLong(this.#rest);
    this.#rest = "";
    this.#isSkipping = true;
  }

  end(): void {
    if (!this.#isSkipping) this.#line(this.#rest);
    this.#rest = "";
    this.#isSkipping = false;
  }

  #line(text: string): void {
    const line = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (line === "") return;
    if (line.length > LINE_LENGTH_MAX) this.#onTooLong(line);
    else this.#onLine(line);
  }
}
