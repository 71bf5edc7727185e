/** Input of a call of CloudWatch, whichever protocol it came by: in a query numbers and instants are texts. */
import { isObject } from "../json-protocol.ts";
import { invalidValue, missing } from "./errors.ts";

/** Every reader throws InvalidParameterValue when a member is not what it should be. */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members;
  }

  optionalText(name: string): string | undefined {
    const value = this.#member(name);
    if (value === undefined || typeof value === "string") return value;
    throw invalidValue(name, "it is not a text");
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined || value === "") throw missing(name);
    return value;
  }

  integer(name: string): number {
    const member = this.#member(name);
    if (member === undefined) throw missing(name);
    const value = Number(member);
    if (!Number.isSafeInteger(value)) throw invalidValue(name, "it is not an integer");
    return value;
  }

  /** Seconds since 1970, or ISO 8601. @returns milliseconds since 1970 */
  instant(name: string): number {
    const member = this.#member(name);
    if (member === undefined) throw missing(name);
    const ms = typeof member === "number" ? member * 1000 : Date.parse(typeof member === "string" ? member : "");
    if (!Number.isFinite(ms)) throw invalidValue(name, "it is not a point in time");
    return ms;
  }

  /** True unless it says otherwise. */
  isNotFalse(name: string): boolean {
    const value = this.#member(name);
    return value !== false && value !== "false";
  }

  texts(name: string): readonly string[] {
    return this.#list(name).map((one) => {
      if (typeof one !== "string") throw invalidValue(name, "its members are not texts");
      return one;
    });
  }

  structures(name: string): readonly Input[] {
    return this.#list(name).map((one) => structureOf(name, one));
  }

  structure(name: string): Input | undefined {
    const value = this.#member(name);
    return value === undefined ? undefined : structureOf(name, value);
  }

  #list(name: string): readonly unknown[] {
    const value = this.#member(name) ?? [];
    if (!Array.isArray(value)) throw invalidValue(name, "it is not a list");
    return value;
  }

  /** A null counts as not there. */
  #member(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
  }
}

function structureOf(name: string, value: unknown): Input {
  if (!isObject(value)) throw invalidValue(name, "it is not a structure");
  return new Input(value);
}
