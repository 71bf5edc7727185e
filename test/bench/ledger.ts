/**
 * How many tasks a second are added to a ledger, claimed and completed: by one process on the embedded ledger, which is
 * made for one, and by one to four on the distributed one, on a private PostgreSQL with the same disk and processors,
 * where Debian's package is installed.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryDirectory } from "../e2e/binary.ts";
import { findPostgres, startPostgres } from "../real/postgres.ts";
import { heading, line, round } from "./measure.ts";

const CLIENT = fileURLToPath(new URL("./ledger-client.js", import.meta.url));
const TASKS = 24_000;
const CLIENTS = [1, 2, 4];

interface Answer {
  readonly tasks: number;
  readonly cpuMs: number;
}

interface Measured {
  readonly perSecond: number;
  readonly cpuMsPerTask: number;
}

export async function benchLedger(): Promise<void> {
  heading(`ledger: ${TASKS.toLocaleString("en")} tasks, added by 500, claimed by 100, completed one call each`);
  const directory = temporaryDirectory();
  const server = findPostgres() === undefined ? undefined : await startPostgres();
  try {
    const embedded = await measure(`sqlite:${join(directory.path, "ledger.db")}`, 1);
    report("SQLite, one process", embedded);
    if (server === undefined) return line("PostgreSQL", "not installed");
    for (const clients of CLIENTS) {
      report(`PostgreSQL, processes: ${clients}`, await measure(server.freshUrl(), clients), embedded);
    }
  } finally {
    await server?.stop();
    directory.remove();
  }
}

type Both = { readonly add: Measured; readonly complete: Measured };

function report(what: string, measured: Both, floor?: Both): void {
  for (const step of ["add", "complete"] as const) {
    const { perSecond, cpuMsPerTask } = measured[step];
    const ratio = floor === undefined ? "" : `, ${(perSecond / floor[step].perSecond).toFixed(2)} × SQLite`;
    line(`${what}: ${step}`, `${round(perSecond)} /s`, `${cpuMsPerTask.toFixed(3)} ms client CPU each${ratio}`);
  }
}

async function measure(url: string, count: number): Promise<Both> {
  const clients: ChildProcess[] = [];
  try {
    for (let index = 0; index < count; index++) {
      const client = fork(CLIENT, [url, `client${index}`, `${TASKS / count}`]);
      clients.push(client);
      await once(client, "message");
    }
    return { add: await together(clients, "add"), complete: await together(clients, "complete") };
  } finally {
    for (const client of clients) {
      client.send("stop");
      await once(client, "exit");
    }
  }
}

async function together(clients: readonly ChildProcess[], step: "add" | "complete"): Promise<Measured> {
  const startMs = performance.now();
  const answers = await Promise.all(
    clients.map(async (client) => {
      const answered = once(client, "message");
      client.send(step);
      const [answer] = (await answered) as [Answer];
      return answer;
    }),
  );
  const seconds = (performance.now() - startMs) / 1000;
  const tasks = answers.reduce((sum, one) => sum + one.tasks, 0);
  const cpuMs = answers.reduce((sum, one) => sum + one.cpuMs, 0);
  return { perSecond: tasks / seconds, cpuMsPerTask: cpuMs / tasks };
}
