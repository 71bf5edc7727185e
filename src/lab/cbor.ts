/**
 * CBOR, as far as Smithy's RPC protocol needs it. Instants are tag 1: Dates go out, seconds since 1970 come in.
 *
 * @source RFC 8949; https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
 */

/** The bytes are not CBOR, or more than is read here. */
export class CborError extends Error {
  override readonly name = "CborError";
}

const UNSIGNED = 0;
const NEGATIVE = 1;
const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;

const EPOCH_TAG = 1;
const INDEFINITE = 31;
const BREAK = 0xff;
const DEPTH_MAX = 32;

/** Null, booleans, numbers, texts, bytes, Dates, and arrays and plain objects of these; undefined members are left out. */
export function encodeCbor(value: unknown): Uint8Array {
  const chunks: Uint8Array[] = [];
  encode(value, chunks);
  return Buffer.concat(chunks);
}

function encode(value: unknown, chunks: Uint8Array[]): void {
  if (value === null || value === undefined) chunks.push(Uint8Array.of(0xf6));
  else if (typeof value === "boolean") chunks.push(Uint8Array.of(value ? 0xf5 : 0xf4));
  else if (typeof value === "number") chunks.push(numberBytes(value));
  else if (typeof value === "string") {
    const bytes = Buffer.from(value);
    chunks.push(head(TEXT, bytes.length), bytes);
  } else if (value instanceof Uint8Array) chunks.push(head(BYTES, value.length), value);
  else if (value instanceof Date) chunks.push(head(TAG, EPOCH_TAG), numberBytes(value.getTime() / 1000));
  else if (Array.isArray(value)) {
    chunks.push(head(ARRAY, value.length));
    for (const one of value) encode(one, chunks);
  } else if (typeof value === "object") {
    const entries = Object.entries(value).filter(([, member]) => member !== undefined);
    chunks.push(head(MAP, entries.length));
    for (const [name, member] of entries) {
      encode(name, chunks);
      encode(member, chunks);
    }
  } else throw new CborError(`a ${typeof value} cannot be encoded`);
}

function numberBytes(value: number): Uint8Array {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
    return value < 0 ? head(NEGATIVE, -1 - value) : head(UNSIGNED, value);
  }
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfb;
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function head(major: number, argument: number): Uint8Array {
  const first = major << 5;
  if (argument < 24) return Uint8Array.of(first | argument);
  const size = argument < 0x100 ? 1 : argument < 0x1_0000 ? 2 : argument < 0x1_0000_0000 ? 4 : 8;
  const bytes = Buffer.alloc(1 + size);
  bytes[0] = first | (24 + Math.log2(size));
  if (size === 8) bytes.writeBigUInt64BE(BigInt(argument), 1);
  else bytes.writeUIntBE(argument, 1, size);
  return bytes;
}

/** @throws CborError */
export function decodeCbor(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  reader.end();
  return value;
}

class Reader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end(): void {
    if (this.#position < this.#bytes.length) throw new CborError("there is something behind the value");
  }

  value(depth: number): unknown {
    if (depth > DEPTH_MAX) throw new CborError("it is nested too deep");
    const first = this.#take(1).readUInt8();
    const [major, info] = [first >> 5, first & 31];
    if (major === SIMPLE) return this.#simple(info);
    if (info === INDEFINITE) return this.#indefinite(major, depth);
    const argument = this.#argument(info);
    switch (major) {
      case UNSIGNED:
        return argument;
      case NEGATIVE:
        return -1 - argument;
      case BYTES:
        return Uint8Array.from(this.#take(argument));
      case TEXT:
        return this.#take(argument).toString();
      case ARRAY:
        return this.#array(argument, depth);
      case MAP:
        return this.#map(argument, depth);
      default:
        // Tags only say what is meant: an instant is its seconds.
        return this.value(depth + 1);
    }
  }

  #take(count: number): Buffer {
    if (count > this.#bytes.length - this.#position) throw new CborError("it ends too early");
    this.#position += count;
    return this.#bytes.subarray(this.#position - count, this.#position);
  }

  #argument(info: number): number {
    if (info < 24) return info;
    if (info > 27) throw new CborError("a length is malformed");
    const size = 1 << (info - 24);
    if (size < 8) return this.#take(size).readUIntBE(0, size);
    const argument = Number(this.#take(8).readBigUInt64BE());
    if (!Number.isSafeInteger(argument)) throw new CborError("a number is too large");
    return argument;
  }

  #simple(info: number): unknown {
    if (info === 20 || info === 21) return info === 21;
    if (info === 22 || info === 23) return null;
    if (info === 25) return halfFloat(this.#take(2).readUInt16BE());
    if (info === 26) return this.#take(4).readFloatBE();
    if (info === 27) return this.#take(8).readDoubleBE();
    throw new CborError("a simple value is unknown");
  }

  #isBreak(): boolean {
    if (this.#bytes[this.#position] !== BREAK) return false;
    this.#position++;
    return true;
  }

  #indefinite(major: number, depth: number): unknown {
    if (major === ARRAY) return this.#array(Number.POSITIVE_INFINITY, depth);
    if (major === MAP) return this.#map(Number.POSITIVE_INFINITY, depth);
    if (major !== BYTES && major !== TEXT) throw new CborError("it has no end");
    const chunks: Uint8Array[] = [];
    while (!this.#isBreak()) {
      const chunk = this.value(depth + 1);
      chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk instanceof Uint8Array ? chunk : noChunk());
    }
    const whole = Buffer.concat(chunks);
    return major === TEXT ? whole.toString() : Uint8Array.from(whole);
  }

  #array(count: number, depth: number): unknown[] {
    const items: unknown[] = [];
    while (count === Number.POSITIVE_INFINITY ? !this.#isBreak() : items.length < count) {
      items.push(this.value(depth + 1));
    }
    return items;
  }

  #map(count: number, depth: number): Record<string, unknown> {
    const entries: [string, unknown][] = [];
    while (count === Number.POSITIVE_INFINITY ? !this.#isBreak() : entries.length < count) {
      const name = this.value(depth + 1);
      if (typeof name !== "string") throw new CborError("a name is not a text");
      entries.push([name, this.value(depth + 1)]);
    }
    return Object.fromEntries(entries);
  }
}

function noChunk(): never {
  throw new CborError("a chunk is neither bytes nor text");
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
