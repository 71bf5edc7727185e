/** What a command knows of the process it runs in. The only place, with `main.ts`, that touches the process. */
import { Writable } from "node:stream";
import { styleText } from "node:util";

export interface Context {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: () => number;
  /** Progress and notes for people; never data. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Asks the person at the terminal; undefined where nobody is there to be asked. */
  readonly ask?: (question: string) => Promise<string>;
  readonly workingDirectory: string;
  /** Aborted by ctrl-C and by SIGTERM; a command that never looks at it is ended by them as usual. */
  readonly interrupted: AbortSignal;
  /** Calls the listener at every SIGHUP, which ends the process where nobody listens. Returns how to stop that. */
  onHangup(listener: () => void): () => void;
}

/** The context of the real process. */
export function processContext(): Context {
  let interrupted: AbortSignal | undefined;
  return {
    environment: process.env,
    clock: () => Date.now(),
    stderr: process.stderr,
    stdout: process.stdout,
    ...(process.stdin.isTTY && process.stderr.isTTY ? { ask: askTerminal } : {}),
    workingDirectory: process.cwd(),
    get interrupted() {
      interrupted ??= interruptions();
      return interrupted;
    },
    onHangup: (listener) => {
      process.on("SIGHUP", listener);
      return () => process.off("SIGHUP", listener);
    },
  };
}

/** Where progress goes that nobody sees: of what is done beside other things. */
export function unseen(): Context["stderr"] {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

async function askTerminal(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question);
  } finally {
    terminal.close();
  }
}

/** From the moment that somebody asks for it a signal no longer ends the process by itself. */
function interruptions(): AbortSignal {
  const interrupted = new AbortController();
  const interrupt = () => {
    // A second ctrl-C does not wait for what the first one asked for.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return interrupted.signal;
}

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Colours text for a person; plain when standard output is not a terminal or NO_COLOR is set. */
export function styled(style: Style, text: string): string {
  return process.stdout.isTTY && process.env["NO_COLOR"] === undefined ? styleText(style, text) : text;
}
