/** JSON that somebody else wrote. */
import type { DocumentValue } from "./config/document.ts";

/** What a text says; undefined where it is no JSON, which nothing in JSON is. */
export function jsonIn(text: string): DocumentValue | undefined {
  try {
    return JSON.parse(text) as DocumentValue;
  } catch {
    return undefined;
  }
}
