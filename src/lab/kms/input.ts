/** Input of a KMS call: parsed JSON whose members are read one by one, each against its constraint. */
import {
  NOT_NULL,
  type NumberRange,
  type TextRule,
  violatedByNumber,
  violatedByText,
  violation,
} from "../constraints.ts";
import { isObject } from "../json-protocol.ts";
import { kmsError, validationError } from "./errors.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Every reader throws ValidationException, or SerializationException when a member has another type. */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members;
  }

  optionalText(name: string, rule: TextRule = {}): string | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw wrongType(name);
    const violated = violatedByText(value, rule);
    if (violated !== undefined) throw validationError(violation(name, value, violated));
    return value;
  }

  text(name: string, rule?: TextRule): string {
    return this.optionalText(name, rule) ?? missing(name);
  }

  integer(name: string, range: NumberRange): number | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(name);
    const violated = violatedByNumber(value, range);
    if (violated !== undefined) throw validationError(violation(name, String(value), violated));
    return value;
  }

  flag(name: string): boolean {
    const value = this.#member(name);
    if (value !== undefined && typeof value !== "boolean") throw wrongType(name);
    return value ?? false;
  }

  /** From base64; what it holds is not shown in errors. */
  bytes(name: string, maxBytes: number): Uint8Array {
    const value = this.#member(name) ?? missing(name);
    if (typeof value !== "string" || !BASE64.test(value)) throw wrongType(name);
    const bytes = Buffer.from(value, "base64");
    const violated =
      bytes.length === 0
        ? "Member must have length greater than or equal to 1"
        : bytes.length > maxBytes
          ? `Member must have length less than or equal to ${maxBytes}`
          : undefined;
    if (violated !== undefined) throw validationError(violation(name, undefined, violated));
    return bytes;
  }

  texts(name: string, rule: TextRule = {}): string[] {
    return this.#list(name).map((value) => {
      if (typeof value !== "string") throw wrongType(name);
      const violated = violatedByText(value, rule);
      if (violated !== undefined) throw validationError(violation(name, value, violated));
      return value;
    });
  }

  /** A map from text to text; empty when it is not there. */
  textMap(name: string): Record<string, string> {
    const map = this.#member(name) ?? {};
    if (!isObject(map)) throw wrongType(name);
    for (const value of Object.values(map)) if (typeof value !== "string") throw wrongType(name);
    return map as Record<string, string>;
  }

  structure(name: string): Input | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (!isObject(value)) throw wrongType(name);
    return new Input(value);
  }

  structures(name: string): Input[] {
    return this.#list(name).map((value) => {
      if (!isObject(value)) throw wrongType(name);
      return new Input(value);
    });
  }

  has(name: string): boolean {
    return this.#member(name) !== undefined;
  }

  #list(name: string): readonly unknown[] {
    const value = this.#member(name) ?? [];
    if (!Array.isArray(value)) throw wrongType(name);
    return value;
  }

  /** A null counts as not there. */
  #member(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
  }
}

function missing(name: string): never {
  throw validationError(violation(name, undefined, NOT_NULL));
}

function wrongType(name: string) {
  return kmsError("SerializationException", `The value of ${name} has the wrong type.`);
}
