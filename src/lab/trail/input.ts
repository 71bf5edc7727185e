/** Input of a call of CloudTrail: parsed JSON whose members are read one by one. */
import { isObject } from "../json-protocol.ts";
import { cloudTrailError } from "./errors.ts";

/** Every reader throws SerializationException when a member has another type. */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members;
  }

  optionalText(name: string): string | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (typeof value !== "string") throw wrongType(name);
    return value;
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined || value === "") {
      throw cloudTrailError("InvalidParameterCombinationException", `${name} is missing.`);
    }
    return value;
  }

  number(name: string): number | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number") throw wrongType(name);
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (typeof value !== "boolean") throw wrongType(name);
    return value;
  }

  texts(name: string): string[] | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every((one) => typeof one === "string")) throw wrongType(name);
    return value;
  }

  structures(name: string): Input[] | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (!Array.isArray(value) || !value.every(isObject)) throw wrongType(name);
    return value.map((one) => new Input(one));
  }

  has(name: string): boolean {
    return this.#member(name) !== undefined;
  }

  /** A null counts as not there. */
  #member(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
  }
}

function wrongType(name: string) {
  return cloudTrailError("SerializationException", `The value of ${name} has the wrong type.`);
}
