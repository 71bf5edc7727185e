/**
 * Version ids: opaque to clients, but the lab can read its own. Each holds the version's place in the order of its key,
 * so a replica that keeps the source's version id takes the same place, in this lab or in another one.
 *
 * 24 bytes in 32 characters: 13 random ones, 7 of the place, 4 of a checksum that tells our ids from other people's.
 */

import { randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";
import { takeRandomBytes } from "../random.ts";

/** The id of a version that has none: written before versioning, or while it is suspended. */
export const NULL_VERSION = "null";

const RANDOM_BYTES = 13;
const PLACE_BYTES = 7;
const CHECK_OFFSET = RANDOM_BYTES + PLACE_BYTES;

/**
 * @param place 0..2^53-1
 * @param kind "uuid": as MinIO's, which say nothing of their place
 */
export function mintVersionId(place: number, kind: "lab" | "uuid"): string {
  if (kind === "uuid") return randomUUID();
  const bytes = Buffer.allocUnsafe(24);
  takeRandomBytes(RANDOM_BYTES).copy(bytes);
  bytes.writeUIntBE(Math.floor(place / 2 ** 32), RANDOM_BYTES, 3);
  bytes.writeUInt32BE(place % 2 ** 32, RANDOM_BYTES + 3);
  bytes.writeUInt32BE(crc32(bytes.subarray(0, CHECK_OFFSET)), CHECK_OFFSET);
  return bytes.toString("base64url").replaceAll("-", ".");
}

/** The place in a version id that a lab minted; undefined for every other id. */
export function placeOfVersionId(versionId: string): number | undefined {
  if (versionId.length !== 32) return undefined;
  const bytes = Buffer.from(versionId.replaceAll(".", "-"), "base64url");
  if (bytes.length !== 24 || crc32(bytes.subarray(0, CHECK_OFFSET)) !== bytes.readUInt32BE(CHECK_OFFSET)) {
    return undefined;
  }
  const place = bytes.readUIntBE(RANDOM_BYTES, 3) * 2 ** 32 + bytes.readUInt32BE(RANDOM_BYTES + 3);
  return Number.isSafeInteger(place) ? place : undefined;
}

/** The place of a version whose id says nothing: by when it was last modified. */
export function placeOfTime(modifiedMs: number): number {
  return Math.floor(modifiedMs) * 1000;
}

/** Whether a string may be a version id at all. What may not is answered with InvalidArgument, as S3 does. */
export function isVersionId(text: string): boolean {
  return text.length > 0 && text.length <= 1024;
}
