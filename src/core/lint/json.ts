/**
 * Reads JSON and keeps where everything stands.
 *
 * As strict as `JSON.parse`, which tells neither the place of a value nor, on every version of Node, the place of a
 * mistake. Of a member that stands twice the last one counts, and the path is told.
 */
import type { DocumentValue } from "../config/document.ts";
import type { JsonPath } from "../iam/json-members.ts";
import { jsonIn } from "../json.ts";
import { leaf, type PlacedValue, type PlaceTree, type Position, positionsIn } from "./places.ts";

export interface JsonDocument extends PlacedValue {
  /** Members that stand again in the same object. */
  readonly repeated: readonly { readonly path: JsonPath; readonly at: Position }[];
}

/** Why a text could not be read. */
export interface SyntaxProblem {
  readonly says: string;
  readonly at: Position;
}

/** No document of AWS nests half as deep. */
const DEPTH_MAX = 64;

/** Pure and total: a mistake is a value. */
export function readJson(text: string): JsonDocument | SyntaxProblem {
  const reader = new JsonReader(text);
  try {
    return { ...reader.readDocument(), repeated: reader.repeated };
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    return { says: error.message, at: reader.positionOf(error.offset) };
  }
}

/** Never leaves this file. */
class Mistake extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

const BLANK = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;

class JsonReader {
  readonly repeated: { path: JsonPath; at: Position }[] = [];
  readonly positionOf: (offset: number) => Position;
  private readonly text: string;
  private at = 0;
  private readonly path: (string | number)[] = [];

  constructor(text: string) {
    this.text = text;
    this.positionOf = positionsIn(text);
  }

  readDocument(): PlacedValue {
    // Editors of Windows put a byte-order mark in front.
    if (this.text.startsWith("\uFEFF")) this.at = 1;
    const document = this.readValue();
    this.take(BLANK);
    if (this.at < this.text.length) this.fail("the document ends before this");
    return document;
  }

  private readValue(): PlacedValue {
    this.take(BLANK);
    const at = this.positionOf(this.at);
    const character = this.text[this.at];
    if (character === "{") return this.readObject(at);
    if (character === "[") return this.readList(at);
    const scalar = character === '"' ? this.readString() : (this.take(WORD) ?? this.take(NUMBER));
    if (scalar === undefined) this.fail("a value is expected");
    return { value: JSON.parse(scalar) as DocumentValue, places: leaf(at) };
  }

  private readObject(at: Position): PlacedValue {
    const value: Record<string, DocumentValue> = {};
    const members = new Map<string | number, PlaceTree>();
    this.readMembers("}", () => {
      const nameAt = this.at;
      if (this.text[this.at] !== '"') this.fail("a member's name in double quotes is expected");
      const name = String(JSON.parse(this.readString()));
      this.take(BLANK);
      if (this.text[this.at] !== ":") this.fail("a colon is expected");
      this.at += 1;
      this.path.push(name);
      if (members.has(name)) this.repeated.push({ path: [...this.path], at: this.positionOf(nameAt) });
      const member = this.readValue();
      this.path.pop();
      // An assignment to `__proto__` would change the object instead of adding to it.
      Object.defineProperty(value, name, { value: member.value, enumerable: true, configurable: true, writable: true });
      members.set(name, member.places);
    });
    return { value, places: { at, members } };
  }

  private readList(at: Position): PlacedValue {
    const value: DocumentValue[] = [];
    const members = new Map<string | number, PlaceTree>();
    this.readMembers("]", () => {
      this.path.push(value.length);
      const item = this.readValue();
      this.path.pop();
      members.set(value.length, item.places);
      value.push(item.value);
    });
    return { value, places: { at, members } };
  }

  private readMembers(end: "}" | "]", readOne: () => void): void {
    if (this.path.length >= DEPTH_MAX) this.fail(`it is nested deeper than ${DEPTH_MAX} levels`);
    this.at += 1;
    this.take(BLANK);
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      this.take(BLANK);
      readOne();
      this.take(BLANK);
      const character = this.text[this.at];
      if (character !== "," && character !== end) this.fail(`a comma or ${end} is expected`);
      this.at += 1;
      if (character === end) return;
    }
  }

  /** The text with its quotes. What stands between them is `JSON.parse`'s to judge. */
  private readString(): string {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== '"' && this.text[end] !== "\n") {
      end += this.text[end] === "\\" ? 2 : 1;
    }
    if (this.text[end] !== '"') this.fail("a text that ends on its line is expected");
    const written = this.text.slice(this.at, end + 1);
    if (jsonIn(written) === undefined) this.fail("a text without control characters and unknown escapes is expected");
    this.at = end + 1;
    return written;
  }

  private take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at;
    const [found] = pattern.exec(this.text) ?? [];
    if (found !== undefined) this.at += found.length;
    return found;
  }

  private fail(expected: string): never {
    const found = this.text[this.at];
    const says = found === undefined ? "the text ends here" : `found ${JSON.stringify(found)}`;
    throw new Mistake(`${expected}: ${says}`, this.at);
  }
}
