/** Reads a file of certificates or of a private key that an option names. */
import { readFileSync } from "node:fs";
import { UsageError } from "./errors.ts";

/** @throws UsageError when it cannot be read, or is not PEM */
export function readPem(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new UsageError(`${file} cannot be read (${code})`, { cause });
  }
  if (!text.includes("-----BEGIN ")) throw new UsageError(`${file} is not in PEM`);
  return text;
}
