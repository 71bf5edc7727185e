/** Input of a call of AWS Organizations: parsed JSON whose members are read one by one, each against its constraint. */
import { type NumberRange, type TextRule, violatedByNumber, violatedByText } from "../constraints.ts";
import { isObject } from "../json-protocol.ts";
import { invalidInput, organizationsError } from "./errors.ts";
import { POLICY_TYPES, type PolicyType } from "./model.ts";

/** Every reader throws InvalidInputException, or SerializationException when a member has another type. */
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
    if (violated !== undefined) throw invalidInput(`${name}: ${violated}`, reasonOf(value, rule));
    return value;
  }

  text(name: string, rule?: TextRule): string {
    const value = this.optionalText(name, rule);
    if (value === undefined) throw invalidInput(`You must include a value for ${name}.`, "INPUT_REQUIRED");
    return value;
  }

  integer(name: string, range: NumberRange): number | undefined {
    const value = this.#member(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(name);
    const violated = violatedByNumber(value, range);
    if (violated !== undefined) {
      throw invalidInput(`${name}: ${violated}`, value < range.min ? "MIN_VALUE_EXCEEDED" : "MAX_VALUE_EXCEEDED");
    }
    return value;
  }

  policyType(name: string): PolicyType {
    const text = this.text(name);
    const found = POLICY_TYPES.find((one) => one === text);
    if (found === undefined) {
      throw invalidInput(`${text} is not a policy type that is known here.`, "INVALID_ENUM_POLICY_TYPE");
    }
    return found;
  }

  structure(name: string): Input {
    const value = this.#member(name);
    if (value === undefined) throw invalidInput(`You must include a value for ${name}.`, "INPUT_REQUIRED");
    if (!isObject(value)) throw wrongType(name);
    return new Input(value);
  }

  has(name: string): boolean {
    const value = this.#member(name);
    return value !== undefined && !(Array.isArray(value) && value.length === 0);
  }

  /** A null counts as not there. */
  #member(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
  }
}

function reasonOf(value: string, { min = 1, max }: TextRule): string {
  if (value.length < min) return "MIN_LENGTH_EXCEEDED";
  return max !== undefined && value.length > max ? "MAX_LENGTH_EXCEEDED" : "INVALID_PATTERN";
}

function wrongType(name: string) {
  return organizationsError("SerializationException", `The value of ${name} has the wrong type.`);
}
