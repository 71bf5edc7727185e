/** The digests by which senders and receivers check that a message arrived as it was sent. */
import { createHash, hash } from "node:crypto";
import type { MessageAttributes } from "./model.ts";

export function md5OfBody(body: string): string {
  return hash("md5", body, "hex");
}

const STRING = 1;
const BINARY = 2;

/**
 * Undefined where there are no attributes.
 *
 * @source SQS Developer Guide, "Calculating the MD5 message digest for message attributes"
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const md5 = createHash("md5");
  const add = (bytes: Buffer): void => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    md5.update(length).update(bytes);
  };
  for (const name of names) {
    const { DataType = "", StringValue, BinaryValue } = attributes[name] ?? {};
    add(Buffer.from(name));
    add(Buffer.from(DataType));
    md5.update(Uint8Array.of(BinaryValue === undefined ? STRING : BINARY));
    add(BinaryValue === undefined ? Buffer.from(StringValue ?? "") : Buffer.from(BinaryValue, "base64"));
  }
  return md5.digest("hex");
}
