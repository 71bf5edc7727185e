/** Identifiers of AWS Organizations, in the shapes that AWS gives them. */
import { randomBytes, randomInt } from "node:crypto";

const LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz";

/** So many small letters and digits. */
export function randomId(length: number): string {
  let id = "";
  for (const byte of randomBytes(length)) id += LETTERS[byte % LETTERS.length];
  return id;
}

/** The number of a new account. */
export function randomAccountId(): string {
  return String(randomInt(100_000_000_000, 1_000_000_000_000));
}
