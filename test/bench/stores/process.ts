/** What a program takes until it ends: wall time, CPU of it and all it starts, peak of resident memory. Linux only. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

export interface Taken {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly rssBytes: number;
}

export interface ProgramRun {
  readonly program: string;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
}

/** The peak only grows, so the last look at it is a good one. */
const LOOK_MS = 20;
/** Of `times(2)`, in which /proc counts. */
const TICK_MS = 10;

/** Nothing else that this process has started may end meanwhile. @throws Error with what it complained of */
export async function take({ program, words, environment, directory }: ProgramRun): Promise<Taken> {
  const cpuBeforeMs = cpuOfEndedChildrenMs();
  const startMs = performance.now();
  const child = spawn(program, [...words], {
    env: environment,
    cwd: directory,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-2000);
  });
  let rssBytes = 0;
  const looking = setInterval(() => {
    rssBytes = peakOf(child.pid) ?? rssBytes;
  }, LOOK_MS);
  const [status] = (await once(child, "exit")) as [number | null];
  const wallMs = performance.now() - startMs;
  clearInterval(looking);
  if (status !== 0) throw new Error(`${program} ${words.join(" ")} ended with ${status}: ${complaints}`);
  return { wallMs, cpuMs: cpuOfEndedChildrenMs() - cpuBeforeMs, rssBytes };
}

/** cutime and cstime: counted when a child has ended, with those that it has waited for itself. */
function cpuOfEndedChildrenMs(): number {
  // The second field is a name in parentheses, and may hold anything.
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

function peakOf(pid: number | undefined): number | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return peak === undefined ? undefined : Number(peak) * 1024;
  } catch {
    // It has ended between two looks.
    return undefined;
  }
}
