/** Everything that `run` holds while it runs: the ledger, the sites, the engine, the scans, the console. */
import { hostname } from "node:os";
import type { Desk } from "../../console/desk.ts";
import type { ConsoleOptions } from "../../console/options.ts";
import type { Replications } from "../../console/replications.ts";
import { Engine } from "../../engine/engine.ts";
import { NotifiedChanges } from "../../engine/notifications/notified-changes.ts";
import { type ScanResult, Scans } from "../../engine/scan.ts";
import { DatabaseError, holdFile } from "../../ledger/database.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { AlertingParts, OpenAlerting } from "../alerting.ts";
import { systemClock } from "../clock.ts";
import { Company } from "../company.ts";
import type { RunSettings } from "../config/settings.ts";
import type { Context } from "../context.ts";
import type { StoresDeskOptions } from "../desk/stores-desk.ts";
import { UsageError } from "../errors.ts";
import type { MeteringOptions } from "../metering.ts";
import { keptToken } from "../token.ts";
import { packageVersion } from "../version.ts";
import { SiteClients } from "./clients.ts";
import { documentDigests } from "./document-digests.ts";
import type { LiveIntake, LiveIntakeOptions } from "./live-intake.ts";
import { ledgerFileOf, openRunLedger } from "./open-ledger.ts";
import type { OpenMetering } from "./open-metering.ts";
import type { ScheduleParts } from "./schedules.ts";
import type { Scheduling, SchedulingNode } from "./scheduling.ts";
import { StoreSites } from "./store-sites.ts";
import { succeed } from "./succession.ts";

export interface EngineRoom {
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly scans: Scans;
  readonly sites: StoreSites;
  /** Undefined where the configuration names none. */
  readonly consoleUrl?: string;
  /** Undefined where metrics have no address of their own. */
  readonly metricsUrl?: string;
  /** In the order of the configuration, without their tokens. */
  readonly webhookUrls: readonly string[];
  /** Rejects when the engine cannot go on; never resolves. */
  readonly broken: Promise<never>;
  /** Takes new settings for what comes next; what is under way goes on. */
  use(settings: RunSettings): void;
  /** Takes nothing new, waits for what is under way for so long, closes everything. */
  close(): Promise<void>;
}

export interface EngineRoomOptions {
  readonly settings: RunSettings;
  readonly context: Context;
  /** Without a console, for runs that end by themselves. */
  readonly alone: boolean;
  readonly onTrouble: (says: string) => void;
  readonly onScan: (result: ScanResult) => void;
}

/** How long work under way may take to end. A second ctrl-C does not wait. */
const GRACE_MS = 30_000;

/** @throws UsageError, AccessError, DatabaseError; what was opened is closed again */
export async function openEngineRoom(options: EngineRoomOptions): Promise<EngineRoom> {
  const { context, onTrouble } = options;
  let { settings } = options;
  const opened: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const one of opened.splice(0).toReversed()) await one();
  };
  try {
    const isAlone = holdLedger(settings.ledgerUrl, opened);
    const ledger = await openRunLedger(settings.ledgerUrl);
    opened.push(() => ledger.close());
    const { name, succession } = isAlone ? await succeed(ledger) : { name: `run ${hostname()} ${process.pid}` };
    const clock = systemClock(context.clock);
    const clients = new SiteClients({ environment: context.environment, clock });
    opened.push(() => clients.close());
    const sites = new StoreSites({ clients, clock, ledger, onTrouble });
    sites.use(settings);
    let onBroken: (error: unknown) => void = () => undefined;
    const broken = new Promise<never>((_, reject) => {
      onBroken = reject;
    });
    // Somebody may wait for it, or nobody: then it is no fault of its own.
    broken.catch(() => undefined);
    const changes = new NotifiedChanges({ ledger, sites, clock });
    const company = new Company({ ledger, sites, clock, name, isAlone });
    await company.prepare();
    const engine = new Engine({ ledger, feed: changes, sites, clock, name, paused: company.paused, onBroken });
    const scans = new Scans({
      ledger,
      sites,
      clock,
      // Alone on its ledger it takes over at once what its predecessors walked.
      name: isAlone ? "run" : name,
      buckets: () => sites.sources(),
      everyMs: () => settings.scanEveryMs,
      metadata: () => settings.scanMetadata,
      onAdded: () => engine.wake(),
      onEnded: options.onScan,
    });
    engine.start();
    opened.push(() => engine.stop(GRACE_MS));
    opened.push(company.begin(engine, onBroken));
    if (succession !== undefined) opened.push(succession.begin({ engine, ledger, clock, onBroken }));
    const watches = options.alone
      ? undefined
      : await beginSchedules(
          settings,
          { clients, sites, ledger, clock, context },
          { holder: name, onTrouble, onBroken },
        );
    if (watches !== undefined) opened.push(() => watches.close());
    const replications = replicationsOf(() => settings);
    const metering = options.alone
      ? undefined
      : await meteringOf(settings, { ledger, replications, clock, name, onBroken }, opened);
    const { environment } = context;
    const alerting = options.alone
      ? undefined
      : await alertingOf({
          ledger,
          replications,
          clock: context.clock,
          environment,
          // Alone on its ledger it goes on at once where a dead one ended.
          name: isAlone ? "run" : name,
          settings: () => settings.alerts,
          digests: () => documentDigests(settings.replications, { sites, clients }),
          onTrouble,
          onBroken,
        });
    if (alerting !== undefined) opened.push(() => alerting.close());
    const console_ =
      alerting === undefined
        ? undefined
        : await consoleOf(settings, {
            engine,
            ledger,
            clock: context.clock,
            replications,
            onPaused: company.onPaused,
            onFault: (error) => onTrouble(`a fault in the console: ${stackOf(error)}`),
            about: { version: packageVersion(), mode: "run" },
            desk: await deskOf({ sites, ledger, clock, settings: () => settings }),
            testAlerts: alerting.test,
            ...(watches === undefined ? {} : { watches }),
            ...(metering === undefined ? {} : { metering: metering.metering }),
          });
    if (console_ !== undefined) opened.push(() => console_.close());
    const live = options.alone
      ? undefined
      : await liveIntake({ settings, changes, sites, environment, clock, onTrouble, onBroken });
    if (live !== undefined) opened.push(() => live.close());
    return {
      ledger,
      engine,
      scans,
      sites,
      webhookUrls: live?.webhookUrls ?? [],
      ...(console_ === undefined ? {} : { consoleUrl: console_.url }),
      ...(metering?.url === undefined ? {} : { metricsUrl: metering.url }),
      broken,
      use: (next) => {
        settings = next;
        sites.use(next);
        scans.wake();
        watches?.use(next);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A file has one engine at a time; a database is shared. True for a file, which is held until everything is closed. */
function holdLedger(url: string, opened: (() => void)[]): boolean {
  const file = ledgerFileOf(url);
  if (file === undefined || file === ":memory:") return file !== undefined;
  try {
    const hold = holdFile(`${file}.lock`);
    opened.push(() => hold.release());
    return true;
  } catch (cause) {
    if (!(cause instanceof DatabaseError) || cause.reason !== "locked") throw cause;
    const remedy = "stop it, or name another ledger in the configuration";
    throw new UsageError(`another lockstep run works with the ledger ${file}: ${remedy}`, { cause });
  }
}

/** Those of the configuration as it is at the time. */
function replicationsOf(settings: () => RunSettings): Replications {
  const all = () =>
    settings().replications.map(({ name, source }) => ({ name, bucket: source.name, showsStatus: false }));
  return {
    list: async () => all(),
    find: async (name) => all().find((one) => one.name === name) ?? all().find((one) => one.bucket === name),
  };
}

/** What a run does not use is not loaded: to load it takes as long as to scan a small bucket. */
async function liveIntake(options: LiveIntakeOptions): Promise<LiveIntake> {
  const { openLiveIntake } = await import("./live-intake.ts");
  return await openLiveIntake(options);
}

/** What is looked at by the clock; also without schedules, for a configuration that is read again may bring some. */
async function beginSchedules(settings: RunSettings, parts: ScheduleParts, node: SchedulingNode): Promise<Scheduling> {
  const { beginScheduling } = await import("./scheduling.ts");
  return beginScheduling(settings, parts, node);
}

async function deskOf(options: StoresDeskOptions): Promise<Desk> {
  const { StoresDesk } = await import("../desk/stores-desk.ts");
  return new StoresDesk(options);
}

async function alertingOf(parts: AlertingParts): Promise<OpenAlerting> {
  const { openAlerting } = await import("../alerting.ts");
  return openAlerting(parts);
}

/** Undefined where nobody can ask. */
async function meteringOf(
  settings: RunSettings,
  parts: Omit<MeteringOptions, "isPublic">,
  opened: (() => Promise<void> | void)[],
): Promise<OpenMetering | undefined> {
  if (settings.console === undefined && settings.metrics.listen === undefined) return undefined;
  const { openMetering } = await import("./open-metering.ts");
  const open = await openMetering(settings.metrics, parts);
  opened.push(() => open.close());
  return open;
}

async function consoleOf({ console: where }: RunSettings, parts: Omit<ConsoleOptions, "token">) {
  if (where === undefined) return undefined;
  const { tokenFile, users, names, ...place } = where;
  const { openConsole } = await import("../open-console.ts");
  return await openConsole({ ...parts, token: keptToken(tokenFile), users, names }, { ...place, otherwise: OTHERWISE });
}

const OTHERWISE = {
  port: "choose another one under console",
  tls: "Name a certificate and its key under console.tls",
  insecure: "write console.insecure: true",
};

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
