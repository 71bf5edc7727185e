/**
 * How many tasks a second are added to a ledger, claimed and completed: by one process on the embedded ledger, which is
 * made for one, and by one to four on the distributed one, on a private PostgreSQL with the same disk and processors,
 * where Debian's package is installed. And what a claim costs beside a stream that is left out.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { DESTINATION, OTHER_DESTINATION, request, task } from "../conformance/ledger/harness.ts";
import { temporaryDirectory } from "../e2e/binary.ts";
import { findPostgres, startPostgres } from "../real/postgres.ts";
import { cpuMsOf, heading, line, round } from "./measure.ts";

const CLIENT = fileURLToPath(new URL("./ledger-client.js", import.meta.url));
const TASKS = 24_000;
const CLIENTS = [1, 2, 4];
const BOTH = ["add", "complete"] as const;
const ADD_AT_ONCE = 10_000;

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
    const embedded = await measure(`sqlite:${join(directory.path, "ledger.db")}`, 1, BOTH);
    report("SQLite, one process", embedded);
    await benchLeftOut(`sqlite:${join(directory.path, "left-out.db")}`);
    if (server === undefined) return line("PostgreSQL", "not installed");
    for (const clients of CLIENTS) {
      report(`PostgreSQL, processes: ${clients}`, await measure(server.freshUrl(), clients, BOTH), embedded);
    }
  } finally {
    await server?.stop();
    directory.remove();
  }
}

const LEFT_OUT = 1_000_000;
const HERE = 5000;
const CLAIMS = 200;

/** What a claim costs when a stream is left out, without rows and with very many that are due. */
async function benchLeftOut(url: string): Promise<void> {
  const ledger = await openLedger(url);
  try {
    await addTo(ledger, DESTINATION, HERE);
    const without = await claimCost(ledger);
    await addTo(ledger, OTHER_DESTINATION, LEFT_OUT);
    const beside = await claimCost(ledger);
    const figure = `${beside.toFixed(2)} ms`;
    const ratio = `${(beside / without).toFixed(2)} × the same without them, client CPU`;
    line(`SQLite: claim 10 beside ${LEFT_OUT.toLocaleString("en")} left out`, figure, ratio);
  } finally {
    await ledger.close();
  }
}

async function addTo(ledger: Ledger, destinationArn: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += ADD_AT_ONCE) {
    await ledger.add(
      Array.from({ length: Math.min(ADD_AT_ONCE, count - from) }, (_, index) =>
        task({ key: `photos/${String(from + index).padStart(8, "0")}.jpg`, destinationArn, dueAtMs: from + index }),
      ),
    );
  }
}

async function claimCost(ledger: Ledger): Promise<number> {
  const limits = [{ bucket: "source", destinationArn: OTHER_DESTINATION, atMost: 0 }];
  const cpu = process.cpuUsage();
  for (let round = 0; round < CLAIMS; round++) {
    await ledger.release(await ledger.claim(request({ limit: 10, limits })));
    await ledger.nextDueAtMs({ limits });
  }
  return cpuMsOf(process.cpuUsage(cpu)) / CLAIMS;
}

/** `claim` leases and completes nothing. */
type Step = "add" | "claim" | "complete";
type Both = Readonly<Record<"add" | "complete", Measured>>;

function report(what: string, measured: Both, floor?: Both): void {
  for (const step of ["add", "complete"] as const) {
    const { perSecond, cpuMsPerTask } = measured[step];
    const ratio = floor === undefined ? "" : `, ${(perSecond / floor[step].perSecond).toFixed(2)} × SQLite`;
    line(`${what}: ${step}`, `${round(perSecond)} /s`, `${cpuMsPerTask.toFixed(3)} ms client CPU each${ratio}`);
  }
}

/** What so many processes do together, step after step. */
export async function measure<Name extends Step>(
  url: string,
  count: number,
  steps: readonly Name[],
): Promise<Readonly<Record<Name, Measured>>> {
  const clients: ChildProcess[] = [];
  const measured: Partial<Record<Name, Measured>> = {};
  try {
    for (let index = 0; index < count; index++) {
      const client = fork(CLIENT, [url, `client${index}`, `${TASKS / count}`]);
      clients.push(client);
      await once(client, "message");
    }
    for (const step of steps) measured[step] = await together(clients, step);
    return measured as Record<Name, Measured>;
  } finally {
    for (const client of clients) {
      client.send("stop");
      await once(client, "exit");
    }
  }
}

async function together(clients: readonly ChildProcess[], step: Step): Promise<Measured> {
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
