/**
 * One to four `lockstep run` on one PostgreSQL ledger between two stores that answer everything after 20 ms, so that the
 * engines are what is measured; and before that what the ledger alone gives out. All processes share this machine: with
 * fewer processors than processes it is CPU per object that says what more machines would bring.
 *
 * Needs Debian's package `postgresql`.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Ledger } from "../../src/ledger/ledger.ts";
import { openLedger } from "../../src/ledger/open.ts";
import { BINARY, temporaryDirectory } from "../e2e/binary.ts";
import { findPostgres, type PostgresServer, startPostgres } from "../real/postgres.ts";
import { measure } from "./ledger.ts";
import { heading, line, round, startServer } from "./measure.ts";

const MACHINES = [1, 2, 4];
const OBJECTS = 6000;
const BYTES = 4096;
const LATENCY_MS = 20;
/** The rate is that between these shares of the objects: without the beginning and the end of the processes. */
const [FROM_SHARE, TO_SHARE] = [0.1, 0.9];
const LOOK_MS = 100;
const LOOKS_MAX = 6000;
/** Of `times(2)`, in which /proc counts. */
const TICK_MS = 10;

export async function benchCluster(): Promise<void> {
  heading("cluster: what the ledger gives out, claims of 100");
  if (findPostgres() === undefined) return line("PostgreSQL", "not installed");
  const server = await startPostgres();
  try {
    for (const machines of MACHINES) {
      const { claim } = await measure(server.freshUrl(), machines, ["add", "claim"]);
      line(
        `tasks leased, processes: ${machines}`,
        `${round(claim.perSecond)} /s`,
        `${round(claim.perSecond / 100)} claims/s`,
      );
    }
    heading(`cluster: ${OBJECTS} × ${BYTES / 1024} KiB between stores with ${LATENCY_MS} ms latency`);
    let alone: Measured | undefined;
    for (const machines of MACHINES) {
      const measured = await replicate(server, machines);
      alone ??= measured;
      const cpu = `${round(measured.engineCpuMs)} ms of the engines' CPU, ${round(measured.storeCpuMs)} of the stores' each`;
      const ratio = (measured.perSecond / alone.perSecond).toFixed(2);
      line(`engines: ${machines}`, `${round(measured.perSecond)} objects/s`, `${ratio} × one; ${cpu}`);
    }
  } finally {
    await server.stop();
  }
}

interface Measured {
  readonly perSecond: number;
  /** For one object. */
  readonly engineCpuMs: number;
  readonly storeCpuMs: number;
}

async function replicate(server: PostgresServer, machines: number): Promise<Measured> {
  const url = server.freshUrl();
  const directory = temporaryDirectory();
  const here = await startServer("fast-store-server", [`${LATENCY_MS}`, "from", `${OBJECTS}`, `${BYTES}`]);
  const there = await startServer("fast-store-server", [`${LATENCY_MS}`]);
  const path = `${directory.path}/lockstep.yaml`;
  writeFileSync(path, configuration(here.ready["endpoint"] ?? "", there.ready["endpoint"] ?? "", url));
  const environment = { PATH: process.env["PATH"], HOME: directory.path, KEY: "any" };
  const ledger = await openLedger(url);
  const engines: ChildProcess[] = [];
  try {
    const before = (await here.cpuMs()) + (await there.cpuMs());
    for (let count = 0; count < machines; count++) {
      const words = [BINARY, "run", "-c", path, "--json"];
      engines.push(spawn(process.execPath, words, { env: environment, stdio: "ignore" }));
    }
    const fromMs = await whenDone(ledger, OBJECTS * FROM_SHARE);
    const atFrom = await completedIn(ledger);
    const toMs = await whenDone(ledger, OBJECTS * TO_SHARE);
    const perSecond = (((await completedIn(ledger)) - atFrom) * 1000) / (toMs - fromMs);
    await whenDone(ledger, OBJECTS);
    const engineCpuMs = engines.reduce((sum, one) => sum + cpuOf(one), 0) / OBJECTS;
    const storeCpuMs = ((await here.cpuMs()) + (await there.cpuMs()) - before) / OBJECTS;
    return { perSecond, engineCpuMs, storeCpuMs };
  } finally {
    for (const one of engines) {
      one.kill("SIGTERM");
      if (one.exitCode === null) await once(one, "exit");
    }
    await ledger.close();
    await here.stop();
    await there.stop();
    directory.remove();
  }
}

async function whenDone(ledger: Ledger, objects: number): Promise<number> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    if ((await completedIn(ledger)) >= objects) return performance.now();
    await sleep(LOOK_MS);
  }
  throw new Error(`${objects} objects are not done`);
}

async function completedIn(ledger: Ledger): Promise<number> {
  const counts = await ledger.counts();
  return counts.reduce((sum, one) => sum + (one.state === "completed" ? one.tasks : 0), 0);
}

function cpuOf({ pid }: ChildProcess): number {
  // The second field is a name in parentheses, and may hold anything.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function configuration(here: string, there: string, ledger: string): string {
  const site = (endpoint: string) =>
    `{endpoint: "${endpoint}", provider: generic, credentials: {accessKeyId: "\${KEY}", secretAccessKey: "\${KEY}"}}`;
  return `
sites: {here: ${site(here)}, there: ${site(there)}}
replications:
  all:
    source: {site: here, bucket: from}
    configuration:
      Rules:
        - {ID: all, Priority: 1, Status: Enabled, Filter: {}, DeleteMarkerReplication: {Status: Enabled},
           Destination: {Bucket: "arn:aws:s3:::into"}}
    destinations: {"arn:aws:s3:::into": {site: there, bucket: into}}
intake: {scan: {every: 1h}}
ledger: ${ledger}
`;
}
