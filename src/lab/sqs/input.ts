/**
 * Input of a call of SQS: members that are read one by one. The query protocol knows texts only, so a number may come as
 * one.
 */
import type { NumberRange } from "../constraints.ts";
import { isObject } from "../json-protocol.ts";
import { invalidParameter, missingParameter, sqsError } from "./errors.ts";
import type { MessageAttribute, MessageAttributes } from "./model.ts";

/** Every reader throws a ServiceError when a member is not what it should be. */
export class Input {
  readonly #members: Readonly<Record<string, unknown>>;

  constructor(members: Readonly<Record<string, unknown>>) {
    this.#members = members;
  }

  optionalText(name: string): string | undefined {
    const value = this.#member(name);
    if (value === undefined || typeof value === "string") return value;
    throw wrongType(name);
  }

  text(name: string): string {
    const value = this.optionalText(name);
    if (value === undefined) throw missingParameter(name);
    return value;
  }

  integer(name: string, range: NumberRange): number | undefined {
    const member = this.#member(name);
    if (member === undefined) return undefined;
    const value = typeof member === "string" && /^-?\d{1,15}$/.test(member) ? Number(member) : member;
    if (typeof value !== "number" || !Number.isInteger(value)) throw wrongType(name);
    if (value >= range.min && value <= range.max) return value;
    throw invalidParameter(
      `Value ${value} for parameter ${name} is invalid. Reason: Must be between ${range.min} and ${range.max}, if provided.`,
    );
  }

  /** Empty when it is not there. */
  texts(name: string): readonly string[] {
    const value = this.#member(name) ?? [];
    if (!Array.isArray(value) || !value.every((one) => typeof one === "string")) throw wrongType(name);
    return value;
  }

  textMap(name: string): Readonly<Record<string, string>> {
    const value = this.#member(name) ?? {};
    if (!isObject(value) || !Object.values(value).every((one) => typeof one === "string")) throw wrongType(name);
    return value as Readonly<Record<string, string>>;
  }

  entries(name: string): readonly Input[] {
    const value = this.#member(name) ?? [];
    if (!Array.isArray(value)) throw wrongType(name);
    return value.map((one: unknown) => {
      if (!isObject(one)) throw wrongType(name);
      return new Input(one);
    });
  }

  messageAttributes(name: string): MessageAttributes {
    const value = this.#member(name) ?? {};
    if (!isObject(value)) throw wrongType(name);
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, attributeOf(key, one)]));
  }

  /** A null counts as not there. */
  #member(name: string): unknown {
    return Object.hasOwn(this.#members, name) ? (this.#members[name] ?? undefined) : undefined;
  }
}

/** @source SQS Developer Guide, "Amazon SQS message attributes" */
const ATTRIBUTE_NAME = /^(?!AWS\.|Amazon\.|\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,256}(?<!\.)$/i;
const DATA_TYPE = /^(?:String|Number|Binary)(?:\.[\s\S]{1,248})?$/;

function attributeOf(name: string, value: unknown): MessageAttribute {
  // The one system attribute that can be sent is of the service's own names.
  if (!ATTRIBUTE_NAME.test(name)) throw invalidParameter(`The message attribute name '${name}' is invalid.`);
  if (!isObject(value)) throw wrongType(name);
  const { DataType, StringValue, BinaryValue } = value;
  if (typeof DataType !== "string" || !DATA_TYPE.test(DataType)) {
    throw invalidParameter(`The type of message (user) attribute '${name}' is invalid.`);
  }
  const isBinary = DataType.startsWith("Binary");
  const content = isBinary ? BinaryValue : StringValue;
  if (typeof content !== "string" || content === "") {
    const kind = isBinary ? "binary" : "string";
    throw invalidParameter(
      `The message (user) attribute '${name}' must contain a non-empty message attribute value of type ${kind}.`,
    );
  }
  if (DataType.startsWith("Number") && !/^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(content)) {
    throw invalidParameter(`Can't cast the value of message (user) attribute '${name}' to a number.`);
  }
  return isBinary ? { DataType, BinaryValue: content } : { DataType, StringValue: content };
}

function wrongType(name: string) {
  return sqsError("SerializationException", `The value of ${name} has the wrong type.`);
}
