/** Where the process that serves a data directory can be reached: written by `up`, read by `env`. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const running = z.object({ endpoint: z.url(), consoleUrl: z.url(), pid: z.number().int() });

export type Running = z.infer<typeof running>;

const FILE = "up.json";

/** @returns how to take it away again */
export function writeRunning(dataDir: string, value: Running): () => Promise<void> {
  const path = join(dataDir, FILE);
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  return async () => rmSync(path, { force: true });
}

/** What was last written; undefined when nothing was. Whether the process still lives has to be asked of it. */
export function readRunning(dataDir: string): Running | undefined {
  try {
    return running.parse(JSON.parse(readFileSync(join(dataDir, FILE), "utf8")));
  } catch {
    return undefined;
  }
}
