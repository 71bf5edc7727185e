/** The token of a console: made once, readable by its owner only. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** The token in a file, which is made when it is not there. */
export function keptToken(path: string): string {
  if (!existsSync(path)) writeFileSync(path, `${randomBytes(24).toString("hex")}\n`, { mode: 0o600 });
  return readFileSync(path, "utf8").trim();
}
