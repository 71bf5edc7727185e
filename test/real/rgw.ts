/**
 * Two S3 stores that nobody here wrote: gateways of a small Ceph cluster from Debian's packages, each with users,
 * buckets and pools of its own, as if they were two providers.
 *
 * Loopback only, on free ports, in a temporary directory, with the data in memory. Every daemon runs under `keep.sh` and
 * ends with this process, also when it is killed.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import type { Credentials } from "../../src/core/model.ts";
import { createS3Client, type S3Client, type S3ClientOptions } from "../../src/s3/client.ts";
import { PROFILES } from "../../src/s3/profiles.ts";
import { type ClusterOptions, configurationText, OSD_PORTS, type Ports } from "./rgw-configuration.ts";

const PROGRAMS = [
  "/usr/bin/radosgw",
  "/usr/bin/radosgw-admin",
  "/usr/bin/ceph-mon",
  "/usr/bin/ceph-osd",
  "/usr/bin/ceph",
];
const REMEDY = "apt-get install --no-install-recommends radosgw ceph-mon ceph-osd ceph-common";
const KEEPER = resolve("test/real/keep.sh");

/** A daemon is ready, or the machine is too slow for the suite. */
const READY_MS_MAX = 60_000;
const ADMIN_MS_MAX = 60_000;
/** Ports below those that the system gives to outgoing connections, so that none of them is taken meanwhile. */
const [PORT_MIN, PORT_MAX] = [20_000, 32_000];
const PORTS_TRIED_MAX = 100;

export const REGION = "us-east-1";

export interface Quota {
  /** Of all buckets together, or of each. */
  readonly scope: "user" | "bucket";
  readonly objectsMax?: number;
  /** Rounded up to KiB. */
  readonly sizeBytesMax?: number;
}

/** One store. */
export interface Gateway {
  readonly name: string;
  readonly endpoint: string;
  /** A user with keys. */
  createUser(id: string): Promise<Credentials>;
  suspendUser(id: string): Promise<void>;
  enableUser(id: string): Promise<void>;
  setQuota(id: string, quota: Quota): Promise<void>;
  liftQuota(id: string, scope: Quota["scope"]): Promise<void>;
  /** `radosgw-admin` of this store; tells what it printed. */
  admin(...words: readonly string[]): Promise<string>;
  client(credentials: Credentials, more?: Partial<S3ClientOptions>): S3Client;
  /** kill -9; what was stored is there again after `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface Gateways {
  readonly a: Gateway;
  readonly b: Gateway;
  /** Ends every daemon and removes the data. Idempotent. */
  stop(): Promise<void>;
}

/** Starts both stores; takes a few seconds. @throws Error that names the remedy when a package is missing */
export async function startGateways(options: Omit<ClusterOptions, "multisite"> = {}): Promise<Gateways> {
  return await started(options, async (cluster) => {
    const [a, b] = await Promise.all([cluster.gateway("a"), cluster.gateway("b")]);
    return { a, b };
  });
}

/** Starts both as zones that replicate to each other by Ceph's own means; users are the same at both, and made at `a`. */
export async function startMultisite(): Promise<Gateways> {
  return await started({ multisite: true }, (cluster) => cluster.multisite());
}

async function started(
  options: ClusterOptions,
  gateways: (cluster: Cluster) => Promise<Omit<Gateways, "stop">>,
): Promise<Gateways> {
  const missing = PROGRAMS.filter((path) => !existsSync(path));
  if (missing.length > 0) throw new Error(`${missing.join(", ")} not found: ${REMEDY}`);
  const cluster = await Cluster.open(options);
  try {
    await cluster.start();
    return { ...(await gateways(cluster)), stop: () => cluster.stop() };
  } catch (error) {
    const log = cluster.lastWords();
    await cluster.stop();
    throw new Error(`the gateways did not start: ${String(error)}\n${log}`, { cause: error });
  }
}

/** One monitor and one OSD; gateways are added to them. */
class Cluster {
  readonly #directory: string;
  readonly #ports: Ports;
  readonly #daemons: Daemon[] = [];
  readonly #remover: ChildProcess;
  readonly #clients: S3Client[] = [];

  private constructor(directory: string, ports: Ports) {
    this.#directory = directory;
    this.#ports = ports;
    this.#remover = spawn(KEEPER, ["--remove", directory], { stdio: ["pipe", "ignore", "ignore"], detached: true });
    setReferenced(this.#remover, false);
  }

  static async open(options: ClusterOptions): Promise<Cluster> {
    const directory = mkdtempSync(join(tmpdir(), "lockstep-rgw-"));
    const ports = {
      monitor: await freePorts(1),
      osd: await freePorts(OSD_PORTS),
      a: await freePorts(1),
      b: await freePorts(1),
    };
    const cluster = new Cluster(directory, ports);
    for (const name of ["run", "log", "mon", "osd"]) mkdirSync(join(directory, name));
    writeFileSync(cluster.#configuration, configurationText(directory, randomUUID(), ports, options));
    return cluster;
  }

  async start(): Promise<void> {
    const configuration = this.#configuration;
    const map = join(this.#directory, "monmap");
    const address = `[v2:127.0.0.1:${this.#ports.monitor}]`;
    const fsid = /^fsid = (\S+)$/m.exec(readFileSync(configuration, "utf8"))?.[1] ?? "";
    const made = ["--create", "--clobber", "--fsid", fsid, "--addv", "a", address, "--set-min-mon-release", "16", map];
    await this.#run("monmaptool", made);
    await this.#run("ceph-mon", ["-c", configuration, "-i", "a", "--mkfs", "--monmap", map]);
    await this.#daemon("mon.a", "ceph-mon", ["-c", configuration, "-i", "a", "-f"], this.#ports.monitor);

    const osd = randomUUID();
    await this.#run("ceph", ["-c", configuration, "osd", "new", osd, "0"]);
    const blank = ["-c", configuration, "-i", "0", "--mkfs", "--osd-uuid", osd, "--no-mon-config"];
    await this.#run("ceph-osd", blank);
    await this.#daemon("osd.0", "ceph-osd", ["-c", configuration, "-i", "0", "-f"]);
    await until("the OSD is up", async () => {
      const { num_up_osds: up } = JSON.parse(
        await this.#run("ceph", ["-c", configuration, "osd", "stat", "-f", "json"]),
      );
      return up === 1;
    });
  }

  async gateway(name: "a" | "b"): Promise<Gateway> {
    const admin = (...words: readonly string[]) => this.#admin(name, ...words);
    const endpoint = this.#endpoint(name);
    const where = ["--rgw-realm", `realm-${name}`, "--rgw-zonegroup", `group-${name}`, "--rgw-zone", `zone-${name}`];
    await admin("realm", "create", ...where);
    await admin("zonegroup", "create", "--master", "--endpoints", endpoint, ...where);
    await admin("zone", "create", "--master", "--endpoints", endpoint, ...where);
    await admin("period", "update", "--commit", ...where);
    return await this.#serve(name);
  }

  /** @source https://docs.ceph.com/en/pacific/radosgw/multisite/ */
  async multisite(): Promise<{ readonly a: Gateway; readonly b: Gateway }> {
    const group = ["--rgw-realm", "realm", "--rgw-zonegroup", "group"];
    const zone = (name: "a" | "b") => ["--rgw-zone", `zone-${name}`, "--endpoints", this.#endpoint(name)];
    const keys = ["--access-key", "SYSTEM", "--secret", "system-secret"];
    const commit = ["period", "update", "--commit", "--rgw-realm", "realm"];
    await this.#admin("a", "realm", "create", "--rgw-realm", "realm");
    await this.#admin("a", "zonegroup", "create", "--master", "--endpoints", this.#endpoint("a"), ...group);
    await this.#admin("a", "zone", "create", "--master", ...group, ...zone("a"), ...keys);
    await this.#admin("a", ...commit);
    const system = ["--uid", "system", "--display-name", "system", "--system"];
    await this.#admin("a", "user", "create", ...system, ...keys);
    await this.#admin("a", "zone", "create", ...group, ...zone("b"), ...keys);
    await this.#admin("a", ...commit);
    return { a: await this.#serve("a"), b: await this.#serve("b") };
  }

  #endpoint(name: "a" | "b"): string {
    return `http://127.0.0.1:${this.#ports[name]}`;
  }

  #admin(name: "a" | "b", ...words: readonly string[]): Promise<string> {
    const as = ["-c", this.#configuration, "-n", `client.rgw.${name}`, "--admin-socket", ""];
    return this.#run("radosgw-admin", [...as, ...words]);
  }

  async #serve(name: "a" | "b"): Promise<Gateway> {
    const port = this.#ports[name];
    const endpoint = this.#endpoint(name);
    const configuration = this.#configuration;
    const admin = (...words: readonly string[]) => this.#admin(name, ...words);
    const words = ["-c", configuration, "-n", `client.rgw.${name}`, "-f"];
    const daemon = await this.#daemon(`rgw.${name}`, "radosgw", words, port);
    return {
      name,
      endpoint,
      admin,
      createUser: async (id) => {
        const keys = { accessKeyId: `AK${id.toUpperCase()}`, secretAccessKey: `${id}-secret-of-${name}` };
        const given = ["--access-key", keys.accessKeyId, "--secret-key", keys.secretAccessKey];
        await admin("user", "create", "--uid", id, "--display-name", id, ...given);
        return keys;
      },
      suspendUser: async (id) => void (await admin("user", "suspend", "--uid", id)),
      enableUser: async (id) => void (await admin("user", "enable", "--uid", id)),
      setQuota: async (id, { scope, objectsMax, sizeBytesMax }) => {
        const limits = [
          ...(objectsMax === undefined ? [] : [`--max-objects=${objectsMax}`]),
          ...(sizeBytesMax === undefined ? [] : [`--max-size=${Math.ceil(sizeBytesMax / 1024)}K`]),
        ];
        await admin("quota", "set", "--uid", id, `--quota-scope=${scope}`, ...limits);
        await admin("quota", "enable", "--uid", id, `--quota-scope=${scope}`);
      },
      liftQuota: async (id, scope) => void (await admin("quota", "disable", "--uid", id, `--quota-scope=${scope}`)),
      client: (credentials, more = {}) => {
        const fixed = { endpoint, region: REGION, credentials, profile: PROFILES.ceph, clock: () => Date.now() };
        const client = createS3Client({ ...fixed, ...more });
        this.#clients.push(client);
        return client;
      },
      kill: () => daemon.kill(),
      start: () => daemon.start(),
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    await Promise.all(this.#daemons.toReversed().map((daemon) => daemon.kill()));
    rmSync(this.#directory, { recursive: true, force: true, maxRetries: 5 });
    this.#remover.stdin?.end();
  }

  /** The ends of the logs, for the message of a start that failed. */
  lastWords(): string {
    return this.#daemons.map((daemon) => daemon.lastWords()).join("\n");
  }

  get #configuration(): string {
    return join(this.#directory, "ceph.conf");
  }

  async #daemon(name: string, program: string, words: readonly string[], port?: number): Promise<Daemon> {
    const log = join(this.#directory, "log", `${name}.out`);
    const daemon = new Daemon({ name, program, words, log, ...(port === undefined ? {} : { port }) });
    this.#daemons.push(daemon);
    await daemon.start();
    return daemon;
  }

  #run(program: string, words: readonly string[]): Promise<string> {
    return new Promise((done, failed) => {
      const options = { timeout: ADMIN_MS_MAX, maxBuffer: 2 ** 24 };
      execFile(program, [...words], options, (error, stdout, stderr) => {
        if (error === null) done(stdout);
        else failed(new Error(`${program} ${words.join(" ")}: ${error.message}\n${stderr}`));
      });
    });
  }
}

interface DaemonOptions {
  readonly name: string;
  readonly program: string;
  readonly words: readonly string[];
  readonly log: string;
  /** Where it listens when it is ready. */
  readonly port?: number;
}

class Daemon {
  readonly #options: DaemonOptions;
  #keeper: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(options: DaemonOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { name, program, words, log, port } = this.#options;
    const out = openSync(log, "a");
    // A group of its own: ctrl-C is for the test, which ends its daemons itself.
    const keeper = spawn(KEEPER, [program, ...words], { stdio: ["pipe", "ignore", out], detached: true });
    this.#keeper = keeper;
    this.#ended = new Promise((done) => keeper.once("exit", () => done()));
    // A suite that forgets to stop it does not keep the process alive.
    setReferenced(keeper, false);
    if (port === undefined) return;
    await until(`${name} listens`, async () => {
      if (keeper.exitCode !== null) throw new Error(`${name} ended with ${keeper.exitCode}`);
      return await listens(port);
    });
  }

  async kill(): Promise<void> {
    if (this.#keeper === undefined) return;
    setReferenced(this.#keeper, true);
    this.#keeper.stdin?.end();
    await this.#ended;
  }

  lastWords(): string {
    return readFileSync(this.#options.log, "utf8").split("\n").slice(-20).join("\n");
  }
}

function setReferenced(child: ChildProcess, isReferenced: boolean): void {
  const input = child.stdin as Socket | null;
  if (isReferenced) {
    child.ref();
    input?.ref();
  } else {
    child.unref();
    input?.unref();
  }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAtMs = performance.now() + READY_MS_MAX;
  while (!(await isSo())) {
    if (performance.now() > giveUpAtMs) throw new Error(`waited in vain: ${what}`);
    await wait(20);
  }
}

async function listens(port: number): Promise<boolean> {
  return await new Promise((done) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("connect", () => done(true));
    socket.once("error", () => done(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** The first of so many neighbouring ports that nobody listens on. */
async function freePorts(count: number): Promise<number> {
  for (let tried = 0; tried < PORTS_TRIED_MAX; tried++) {
    const first = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN - count));
    const wanted = Array.from({ length: count }, (_, index) => first + index);
    if ((await Promise.all(wanted.map(isFree))).every(Boolean)) return first;
  }
  throw new Error("there are no free ports");
}

async function isFree(port: number): Promise<boolean> {
  return await new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(false));
    server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
  });
}
