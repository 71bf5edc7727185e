/** What every measurement needs: load at a fixed concurrency, percentiles, processes whose CPU can be asked for. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Rate {
  readonly perSecond: number;
  readonly count: number;
}

/** Runs `work` again and again, `atOnce` at a time, for so long; errors end it. */
export async function load(atOnce: number, ms: number, work: (count: number) => Promise<unknown>): Promise<Rate> {
  const startMs = performance.now();
  let count = 0;
  const lane = async () => {
    while (performance.now() - startMs < ms) await work(count++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return { count, perSecond: (count * 1000) / (performance.now() - startMs) };
}

/** @param share 0..1 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** A server in a process of its own, which tells what CPU it has used. */
export interface Server {
  readonly ready: Readonly<Record<string, string>>;
  /** User and system time so far. */
  cpuMs(): Promise<number>;
  stop(): Promise<void>;
}

/** Starts `name.js` beside this file; it calls `serving`. */
export async function startServer(name: string, words: readonly string[] = []): Promise<Server> {
  const child: ChildProcess = fork(fileURLToPath(new URL(`./${name}.js`, import.meta.url)), [...words]);
  const [ready] = (await once(child, "message")) as [Record<string, string>];
  return {
    ready,
    cpuMs: async () => {
      child.send("cpu");
      const [answer] = (await once(child, "message")) as [{ cpuMs: number }];
      return answer.cpuMs;
    },
    stop: async () => {
      child.send("stop");
      await once(child, "exit");
    },
  };
}

/** The other side of `startServer`. */
export function serving(ready: Readonly<Record<string, string>>, stop: () => Promise<void>): void {
  process.on("message", (message) => {
    if (message === "cpu") process.send?.({ cpuMs: cpuMsOf(process.cpuUsage()) });
    else void stop().then(() => process.exit(0));
  });
  process.send?.(ready);
}

export function cpuMsOf(usage: NodeJS.CpuUsage): number {
  return (usage.user + usage.system) / 1000;
}

/** One line of the result: a figure, its floor, and the ratio of the two. */
export function line(what: string, figure: string, beside = ""): void {
  process.stdout.write(`  ${what.padEnd(46)} ${figure.padStart(18)}   ${beside}\n`);
}

export function heading(text: string): void {
  process.stdout.write(`\n${text}\n`);
}

export function round(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value.toPrecision(3);
}
