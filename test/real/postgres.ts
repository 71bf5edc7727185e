/**
 * A private PostgreSQL for tests: a cluster in a temporary directory, on a loopback port and a socket of its own, durable
 * as it is by default. It never touches a server that runs on the machine.
 *
 * Needs the package `postgresql`.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const VERSIONS = "/usr/lib/postgresql";
const READY = /database system is ready to accept connections/;

/** A server that runs. */
export interface PostgresServer {
  /** Of an empty schema that nobody else uses. */
  freshUrl(): string;
  /** The same over the socket. */
  socketUrl(): string;
  /** Ends it at once, as a crash does: nothing is written out, connections are cut. */
  crash(): Promise<void>;
  /** Ends it in order, as a restart for maintenance does: connections are cut, what is under way is taken back. */
  shutDown(): Promise<void>;
  /** Starts it again; what was committed is recovered. */
  start(): Promise<void>;
  /** Ends it, and removes its files. */
  stop(): Promise<void>;
}

/** The newest version that is installed; undefined when there is none. */
export function findPostgres(): string | undefined {
  if (!existsSync(VERSIONS)) return undefined;
  const newest = readdirSync(VERSIONS).sort((one, other) => Number(other) - Number(one))[0];
  return newest === undefined ? undefined : join(VERSIONS, newest, "bin");
}

/** Makes a cluster and starts it. */
export async function startPostgres(): Promise<PostgresServer> {
  const binaries = findPostgres();
  if (binaries === undefined) throw new Error("install Debian's package postgresql: apt-get install postgresql");
  const directory = mkdtempSync(join(tmpdir(), "lockstep-postgres-"));
  const data = join(directory, "data");
  mkdirSync(data, { mode: 0o700 });
  // PostgreSQL refuses to run as root.
  const owner = process.getuid?.() === 0 ? userOf("postgres") : undefined;
  if (owner !== undefined) for (const path of [directory, data]) chownSync(path, owner.uid, owner.gid);
  const user = owner ?? {};
  chmodSync(directory, 0o755);
  const initialise = ["-D", data, "-U", "lockstep", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"];
  execFileSync(join(binaries, "initdb"), initialise, { ...user, cwd: directory, stdio: "ignore" });
  const port = await freePort();
  const words = ["-D", data, "-h", "127.0.0.1", "-p", `${port}`, "-k", directory, "-c", "log_checkpoints=off"];
  let child: ChildProcess | undefined;
  let schemas = 0;
  const start = async () => {
    child = spawn(join(binaries, "postgres"), words, { ...user, cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
    await ready(child);
  };
  const end = async (signal: "SIGQUIT" | "SIGINT") => {
    const ending = child;
    child = undefined;
    if (ending === undefined) return;
    const exited = once(ending, "exit");
    ending.kill(signal);
    await exited;
  };
  await start();
  return {
    freshUrl: () => `postgres://lockstep@127.0.0.1:${port}/postgres?schema=fresh${++schemas}`,
    socketUrl: () => `postgres:///postgres?host=${directory}&port=${port}&user=lockstep&schema=fresh${++schemas}`,
    crash: () => end("SIGQUIT"),
    shutDown: () => end("SIGINT"),
    start,
    stop: async () => {
      await end("SIGINT");
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function ready(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  if (child.stderr === null) throw new Error("the server has no log");
  const lines = createInterface(child.stderr);
  await new Promise<void>((done, fail) => {
    lines.on("line", (line) => {
      if (said.length < 100) said.push(line);
      if (READY.test(line)) done();
    });
    child.once("exit", () => fail(new Error(`PostgreSQL does not start:\n${said.join("\n")}`)));
  });
}

function userOf(name: string): { readonly uid: number; readonly gid: number } {
  const id = (flag: string) => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
