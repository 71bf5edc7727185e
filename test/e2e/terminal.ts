/** A terminal for tests: the real binary with a pseudo-terminal of util-linux' `script` around it, and somebody who answers. */
import { execFileSync, spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { BINARY, type Environment, type Outcome } from "./binary.ts";

const COMMAND_MS_MAX = 60_000;

/** Why there is no terminal on this machine; false where there is one. */
export function noTerminal(): string | false {
  try {
    const told = execFileSync("script", ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return told.includes("util-linux") ? false : "script is not util-linux'";
  } catch {
    return "script of util-linux is not installed";
  }
}

export interface Typed extends Outcome {
  /** The questions that were asked, in order. */
  readonly questions: readonly string[];
}

/**
 * Types a command line at a terminal, and an answer to each question in turn; what follows the last answer is `n`. All that is
 * shown is in `stdout`, without colours and other movements.
 */
export async function typeAtTerminal(
  words: readonly string[],
  answers: readonly string[],
  environment: Environment,
  directory: string,
): Promise<Typed> {
  const quoted = [process.execPath, BINARY, ...words].map((one) => `'${one.replaceAll("'", `'\\''`)}'`).join(" ");
  const child = spawn("script", ["-qec", quoted, "/dev/null"], {
    env: { ...environment, SHELL: "/bin/sh", TERM: "xterm" },
    cwd: directory,
    stdio: ["pipe", "pipe", "pipe"],
    timeout: COMMAND_MS_MAX,
  });
  const [left, questions]: [string[], string[]] = [[...answers], []];
  let stdout = "";
  let heard = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += stripVTControlCharacters(chunk.toString());
    const asked = /[^\r\n]*\[y\/N\] ?/.exec(stdout.slice(heard));
    if (asked === null) return;
    heard += asked.index + asked[0].length;
    questions.push(asked[0]);
    child.stdin.write(`${left.shift() ?? "n"}\n`);
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const status = await new Promise<number>((done, failed) => {
    child.once("error", failed);
    child.once("close", (code) => done(code ?? -1));
  });
  return { status, stdout, stderr, questions };
}
