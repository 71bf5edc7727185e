/**
 * Cuts the text of CloudTrail files, which comes in chunks, into the texts of single records: `{"Records":[…]}` as trails
 * deliver it, `{"Events":[…]}` as LookupEvents answers, a list, or one record after the other. Holds no more than one record.
 *
 * It only counts braces outside of strings; what is between them is for a parser of JSON.
 */

/** CloudTrail's own limit is 256 KB; with room. */
export const RECORD_LENGTH_MAX = 2 * 1024 * 1024;

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
/** A wrapper is told by its first name. What begins like one and is longer than this is a record. */
const WRAPPER = /^\{\s{0,16}"(?:Records|Events)"\s{0,16}:\s{0,16}\[/;
const WRAPPER_LENGTH_MAX = 64;
const BETWEEN_LENGTH_MAX = 256;

export class RecordSplitter {
  readonly #onRecord: (text: string) => void;
  readonly #onJunk: (beginning: string) => void;
  /** From the first character that is not dealt with. */
  #text = "";
  /** How far into the text has been looked, from its beginning. */
  #at = 0;
  /** Braces that are open in the record that `#text` begins with; 0: between records. */
  #depth = 0;
  #isInString = false;
  #isTooLong = false;
  /** The beginning of what stands before the next record. */
  #between = "";

  constructor(onRecord: (text: string) => void, onJunk: (beginning: string) => void) {
    this.#onRecord = onRecord;
    this.#onJunk = onJunk;
  }

  push(chunk: string): void {
    this.#text += chunk;
    this.#cut(false);
  }

  /** What is not complete by now is junk. */
  end(): void {
    this.#cut(true);
    this.#tellJunk();
    if (this.#depth > 0 && !this.#isTooLong) this.#onJunk(this.#text);
    this.#text = "";
    this.#at = 0;
    this.#depth = 0;
    this.#isInString = false;
    this.#isTooLong = false;
  }

  #cut(isEnd: boolean): void {
    let begin = 0;
    for (;;) {
      if (this.#depth === 0) {
        const open = this.#findRecord(begin, isEnd);
        if (open < 0) {
          begin = -open - 1;
          break;
        }
        begin = open;
        this.#depth = 1;
        this.#at = open + 1;
      }
      const end = this.#findEnd();
      if (end < 0) break;
      if (!this.#isTooLong) this.#onRecord(this.#text.slice(begin, end));
      this.#isTooLong = false;
      begin = end;
      this.#at = end;
    }
    this.#keep(begin);
  }

  /** Forgets what is dealt with, and the record at hand when it is too long. */
  #keep(begin: number): void {
    const isTooLong = this.#depth > 0 && this.#text.length - begin > RECORD_LENGTH_MAX;
    if (isTooLong && !this.#isTooLong) {
      this.#onJunk(this.#text.slice(begin, begin + WRAPPER_LENGTH_MAX));
      this.#isTooLong = true;
    }
    const from = this.#isTooLong ? this.#at : begin;
    this.#text = this.#text.slice(from);
    this.#at -= from;
  }

  /** @returns where the next record begins, or -1 minus where to go on when more text has come */
  #findRecord(from: number, isEnd: boolean): number {
    const text = this.#text;
    let at = Math.max(from, this.#at);
    for (;;) {
      const open = text.indexOf("{", at);
      const to = open < 0 ? text.length : open;
      if (this.#between.length < BETWEEN_LENGTH_MAX)
        this.#between += text.slice(at, at + Math.min(to - at, BETWEEN_LENGTH_MAX));
      this.#at = to;
      if (open < 0) return -to - 1;
      const wrapper = WRAPPER.exec(text.slice(open, open + WRAPPER_LENGTH_MAX))?.[0];
      if (wrapper === undefined && !isEnd && text.length - open < WRAPPER_LENGTH_MAX) return -open - 1;
      this.#tellJunk();
      if (wrapper === undefined) return open;
      at = open + wrapper.length;
    }
  }

  /** Between records stand commas and brackets, and after them the members of a wrapper that are no records. */
  #tellJunk(): void {
    const between = this.#between;
    this.#between = "";
    if (!/^[\s,[\]}]*(?:"[A-Za-z]{1,64}"\s*:|$)/.test(between)) this.#onJunk(between.trim());
  }

  /** @returns where the record at hand has ended, or -1 */
  #findEnd(): number {
    const text = this.#text;
    let at = this.#at;
    while (at < text.length) {
      if (this.#isInString) {
        const quote = closingQuote(text, at);
        if (quote < 0) {
          this.#at = -quote - 1;
          return -1;
        }
        this.#isInString = false;
        at = quote + 1;
        continue;
      }
      const code = text.charCodeAt(at++);
      if (code === QUOTE) this.#isInString = true;
      else if (code === OPEN) this.#depth++;
      else if (code === CLOSE && --this.#depth === 0) return at;
    }
    this.#at = at;
    return -1;
  }
}

/** @returns where the string ends that `from` is in, or -1 minus where to go on when more text has come */
function closingQuote(text: string, from: number): number {
  let quote = text.indexOf('"', from);
  while (quote >= 0 && isEscaped(text, from, quote)) quote = text.indexOf('"', quote + 1);
  if (quote >= 0) return quote;
  // A backslash whose second half is in the next chunk: come back to both.
  return isEscaped(text, from, text.length) ? -text.length : -text.length - 1;
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, from: number, at: number): boolean {
  let first = at;
  while (first > from && text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (at - first) % 2 === 1;
}
