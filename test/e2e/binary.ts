/** The real binary for tests: a served lab in a directory of its own, and commands typed against it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const BINARY = resolve("dist/bundle/cli/main.js");
const COMMAND_MS_MAX = 60_000;

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** Of the machine only what a program needs to run: nothing of AWS, no lab of anybody else. */
export function cleanEnvironment(home: string): Environment {
  const { PATH, LANG } = process.env;
  return { PATH, LANG, HOME: home, LOCKSTEP_STATE_DIR: join(home, "state") };
}

/** Types a command line and waits for its end. */
export async function lockstep(
  words: readonly string[],
  environment: Environment,
  directory = ".",
  limitMs = COMMAND_MS_MAX,
): Promise<Outcome> {
  return await run(process.execPath, [BINARY, ...words], environment, directory, limitMs);
}

export async function run(
  program: string,
  words: readonly string[],
  environment: Environment,
  directory = ".",
  limitMs = COMMAND_MS_MAX,
): Promise<Outcome> {
  return await new Promise((done) => {
    const options = {
      env: environment,
      cwd: directory,
      timeout: limitMs,
      maxBuffer: 2 ** 26,
    };
    execFile(program, [...words], options, (error, stdout, stderr) => {
      const status = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      done({ status, stdout, stderr });
    });
  });
}

/** A directory that is gone after `remove`. */
export function temporaryDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "lockstep-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** A `lockstep` on the PATH, so that examples can be typed as they stand in the help. */
export function installShim(directory: string): void {
  writeFileSync(join(directory, "lockstep"), `#!/bin/sh\nexec ${process.execPath} ${BINARY} "$@"\n`, { mode: 0o755 });
}

export interface Served {
  readonly endpoint: string;
  readonly consoleUrl: string;
  /** Of its process. */
  readonly pid: number;
  /** What `up --json` said when it was ready. */
  readonly said: Readonly<Record<string, unknown>>;
  /** The variables that `lockstep env` prints for this lab. */
  environment(account?: string): Promise<Environment>;
  /** Ctrl-C; resolves with the exit status. */
  stop(): Promise<number | null>;
  /** kill -9 */
  kill(): Promise<void>;
}

/** Serves a data directory on free ports. Rejects with what it wrote to standard error when it does not get ready. */
export async function serve(dataDir: string, home: string, more: readonly string[] = []): Promise<Served> {
  const words = ["up", "--json", "--data", dataDir, "--port", "0", "--console-port", "0", ...more];
  const child = spawn(process.execPath, [BINARY, ...words], {
    env: cleanEnvironment(home),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = JSON.parse(await firstLine(child)) as { endpoint: string; consoleUrl: string };
  const ended = new Promise<number | null>((done) => child.once("exit", (status) => done(status)));
  return {
    ...said,
    said,
    pid: child.pid ?? 0,
    environment: async (account) => {
      const more_ = account === undefined ? [] : ["--account", account];
      const answer = await lockstep(["env", "--json", "--data", dataDir, ...more_], cleanEnvironment(home));
      return { ...cleanEnvironment(home), ...(JSON.parse(answer.stdout) as Environment) };
    },
    stop: async () => {
      child.kill("SIGINT");
      return await ended;
    },
    kill: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  return await new Promise((found, failed) => {
    let text = "";
    let complaints = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      complaints += chunk.toString();
    });
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      const end = text.indexOf("\n");
      if (end >= 0) found(text.slice(0, end));
    });
    child.once("exit", (status) => failed(new Error(`up ended with ${status}: ${complaints}`)));
  });
}
