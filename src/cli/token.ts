/** The token of a console: made once, readable by its owner only. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { UsageError } from "./errors.ts";

/** Shorter ones could be guessed. */
const LENGTH_MIN = 16;

/** The token in a file, which is made when it is not there. @throws UsageError for one that could be guessed */
export function keptToken(path: string): string {
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600 });
  const token = readFileSync(path, "utf8").trim();
  if (token.length >= LENGTH_MIN) return token;
  throw new UsageError(
    `the token in ${path} has fewer than ${LENGTH_MIN} characters: write a longer one, or remove the file`,
  );
}
