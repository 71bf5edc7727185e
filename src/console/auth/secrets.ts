/** Compares what is secret without telling by the time it takes where it differs, or how long it is. */
import { createHash, timingSafeEqual } from "node:crypto";

export function sameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
