/** Identifiers and secrets of IAM and STS, in the shapes that AWS gives them. */
import { randomBytes } from "node:crypto";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/**
 * The unique id of an entity, or an access key id.
 *
 * @source https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html (prefixes)
 */
export function uniqueId(prefix: "AIDA" | "AROA" | "AGPA" | "ANPA" | "AKIA" | "ASIA"): string {
  const isAccessKey = prefix === "AKIA" || prefix === "ASIA";
  let id: string = prefix;
  for (const byte of randomBytes(isAccessKey ? 16 : 17)) id += BASE32[byte & 31];
  return id;
}

/** 40 characters, as the secret of every access key. */
export function secretAccessKey(): string {
  return randomBytes(30).toString("base64");
}

/** Opaque; says nothing and is looked up. */
export function sessionToken(): string {
  return randomBytes(192).toString("base64");
}
