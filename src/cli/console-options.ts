/** Where the console of a running engine is, from a command's options or the environment, and the client that asks it. */
import { readFileSync } from "node:fs";
import { type CommandInput, type OptionSpec, textOption } from "./command.ts";
import { ConsoleClient } from "./console-client.ts";
import type { Context } from "./context.ts";
import { AccessError, UsageError } from "./errors.ts";

export const CONSOLE_OPTIONS: readonly OptionSpec[] = [
  { flags: "--server <url>", help: "console of a running engine (LOCKSTEP_CONSOLE_URL)" },
  { flags: "--token-file <file>", help: "file that holds its token (LOCKSTEP_CONSOLE_TOKEN)" },
];

/** Undefined when nobody says where it is; nothing is asked. @throws UsageError for a file that cannot be read */
export function consoleIn(input: CommandInput, { environment }: Context): ConsoleClient | undefined {
  const url = textOption(input, "server") ?? environment["LOCKSTEP_CONSOLE_URL"];
  if (url === undefined) return undefined;
  if (!URL.canParse(url)) throw new UsageError(`--server takes an address such as http://127.0.0.1:9001, not "${url}"`);
  const file = textOption(input, "tokenFile");
  return new ConsoleClient(url, file === undefined ? (environment["LOCKSTEP_CONSOLE_TOKEN"] ?? "") : tokenIn(file));
}

/** For commands that are nothing without an engine. @throws AccessError */
export function neededConsole(input: CommandInput, context: Context): ConsoleClient {
  const found = consoleIn(input, context);
  if (found !== undefined) return found;
  const how = 'run `eval "$(lockstep env)"` for `lockstep up`, or give --server and --token-file for `lockstep run`';
  throw new AccessError(`no engine is known: ${how}`);
}

function tokenIn(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new UsageError(`the token file ${file} cannot be read (${code})`, { cause });
  }
}
