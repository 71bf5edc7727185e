/**
 * The embedded whole, put together: the lab, the ledger, the engine between them, and the console.
 *
 * The engine works through the lab's front door like everybody else: it signs HTTP requests with the credentials of the
 * assumed role. Only three things pass by that door, as they do inside S3: the assumption of the role by the service, the
 * feed of changes, and the status that a version shows.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { ConsoleOptions } from "../../console/options.ts";
import type { Replication, Replications } from "../../console/replications.ts";
import type { ConsolePlace } from "../../console/server.ts";
import { Engine } from "../../engine/engine.ts";
import type { FlavourName } from "../../lab/flavours/flavours.ts";
import { type Lab, openLab } from "../../lab/lab.ts";
import type { LabServer } from "../../lab/server.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { openSqliteLedger } from "../../ledger/sqlite.ts";
import { openAlerting, UP_ALERTS } from "../alerts/alerting.ts";
import { AUDITS_DIRECTORY } from "../audit/places.ts";
import { systemClock } from "../clock.ts";
import { Company } from "../company.ts";
import { DEFAULT_HOST } from "../defaults.ts";
import { OwnersDesk } from "../desk/desk.ts";
import { LabRoom } from "../desk/lab-desk.ts";
import { LabWorld } from "../desk/lab-world.ts";
import { UsageError } from "../errors.ts";
import { startMetering } from "../metering.ts";
import { openConsole } from "../open-console.ts";
import { keptToken } from "../token.ts";
import { packageVersion } from "../version.ts";
import { labDigests } from "./digests.ts";
import { writeRunning } from "./running.ts";
import { LabSites } from "./sites.ts";
import { openLabWatches } from "./watches.ts";

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** Whose store the lab does as; default `aws`. */
  readonly flavour?: FlavourName;
  readonly host: string;
  readonly port: number;
  readonly consolePort: number;
  /** Where the console listens, and how; default: on this machine only, without TLS. */
  readonly console?: Partial<Pick<ConsolePlace, "host" | "tls" | "insecure">>;
  readonly clock: () => number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of faults of ours; the process goes on. */
  readonly onFault: (what: string, error: unknown) => void;
}

export interface Embedded {
  readonly lab: Lab;
  readonly ledger: Ledger;
  readonly engine: Engine;
  /** `http://127.0.0.1:9000` */
  readonly endpoint: string;
  readonly consoleUrl: string;
  readonly token: string;
  close(): Promise<void>;
}

const OTHERWISE = {
  port: "choose another one with --console-port",
  tls: "Give --console-tls-cert and --console-tls-key",
  insecure: "give --console-insecure",
};
/** How long work in flight may take to end. */
const STOP_GRACE_MS = 5000;

/** @throws DatabaseError, ListenError, AccessError; what was opened is closed again */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { dataDir, clock, onFault } = options;
  makeDirectory(dataDir);
  const opened: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of opened.toReversed()) await one();
  };
  try {
    const token = keptToken(join(dataDir, "token"));
    const flavour = options.flavour ?? "aws";
    const lab = await openLab({
      dataDir,
      clock,
      flavour,
      adminToken: token,
      onFault: (error) => onFault("the lab", error),
    });
    opened.push(() => lab.close());
    const ledger = openSqliteLedger({ path: join(dataDir, "ledger.db") });
    opened.push(() => ledger.close());
    const server = await lab.listen({ host: options.host, port: options.port });
    const endpoint = urlOf(server);
    const sites = new LabSites(lab, endpoint, clock);
    opened.push(() => sites.close());
    const changes = lab.openChanges();
    // The directory's lock sees to it that there is only one.
    const name = "up";
    const onBroken = (error: unknown) => onFault("the engine", error);
    const company = new Company({ ledger, sites, clock: systemClock(clock), name, isAlone: true });
    await company.prepare();
    const engine = new Engine({
      name,
      paused: company.paused,
      ledger,
      feed: {
        take: async (limit) => (await changes.take(limit)).map(({ seq, event }) => ({ sequence: seq, event })),
        done: (entries) => changes.done(entries.map((one) => one.sequence)),
        onChange: (listener) => changes.onChange(listener),
      },
      sites,
      clock: systemClock(clock),
      onBroken,
    });
    engine.start();
    opened.push(() => engine.stop(STOP_GRACE_MS));
    opened.push(company.begin(engine, onBroken));
    const replications = replicationsOf(lab, ledger);
    const monitoring = beginMonitoring({ dataDir, lab, endpoint, ledger, replications, clock, name, onFault }, opened);
    const where = { host: DEFAULT_HOST, ...options.console, port: options.consolePort, otherwise: OTHERWISE };
    const console_ = await openConsole(
      {
        engine,
        ledger,
        token,
        clock,
        replications,
        onPaused: company.onPaused,
        ...monitoring,
        onFault: (error) => onFault("the console", error),
        about: { version: packageVersion(), mode: "up" },
        desk: new OwnersDesk(new LabWorld({ lab, endpoint, ledger, clock, environment: options.environment })),
        lab: new LabRoom({ lab, endpoint, token, clock }),
      },
      where,
    );
    opened.push(() => console_.close());
    opened.push(writeRunning(dataDir, { endpoint, consoleUrl: console_.url, pid: process.pid }));
    return { lab, ledger, engine, endpoint, consoleUrl: console_.url, token, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Monitored extends Pick<EmbeddedOptions, "dataDir" | "clock" | "onFault"> {
  readonly lab: Lab;
  readonly endpoint: string;
  readonly ledger: Ledger;
  readonly replications: Replications;
  /** The engine's. */
  readonly name: string;
}

/** What looks after the engine: watches, alerts, metrics. For the console. */
function beginMonitoring(
  { dataDir, lab, endpoint, ledger, replications, clock, name, onFault }: Monitored,
  opened: (() => Promise<void>)[],
): Pick<ConsoleOptions, "watches" | "testAlerts" | "metering"> {
  const common = { ledger, replications, name, onBroken: (error: unknown) => onFault("monitoring", error) };
  const timer = systemClock(clock);
  const watches = openLabWatches({
    ...common,
    lab,
    endpoint,
    clock: timer,
    holder: name,
    auditsDirectory: join(dataDir, AUDITS_DIRECTORY),
    onTrouble: () => undefined,
  });
  opened.push(() => watches.close());
  const alerting = openAlerting({
    ...common,
    clock,
    environment: {},
    settings: () => UP_ALERTS,
    digests: async () => {
      const buckets = (await replications.list()).map((one) => one.bucket);
      return await labDigests(buckets, { lab, endpoint, clock });
    },
    onTrouble: (says) => onFault("alerts", new Error(says)),
  });
  opened.push(() => alerting.close());
  const metering = startMetering({ ...common, clock: timer, isPublic: false });
  opened.push(() => metering.stop());
  return { watches, testAlerts: alerting.test, metering };
}

/** The lab's buckets that replicate: those that the ledger has heard of, and any other by its name. */
function replicationsOf(lab: Lab, ledger: Ledger): Replications {
  const find = (bucket: string): Replication | undefined =>
    lab.bucket(bucket)?.replication === undefined ? undefined : { name: bucket, bucket, showsStatus: true };
  return {
    list: async () => {
      const buckets = new Set((await ledger.counts()).map((one) => one.bucket));
      return [...buckets].toSorted().flatMap((one) => find(one) ?? []);
    },
    find: async (name) => find(name),
  };
}

function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    const why = code === "EEXIST" || code === "ENOTDIR" ? "is not a directory" : `cannot be made (${code})`;
    throw new UsageError(`${path} ${why}: choose another one with --data`, { cause });
  }
}

function urlOf(server: LabServer): string {
  return `http://${server.host}:${server.port}`;
}
