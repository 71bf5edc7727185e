/** Everything that `run` holds while it runs: the ledger, the sites, the engine, the scans, and what attends them. */
import { hostname } from "node:os";
import { Engine } from "../../engine/engine.ts";
import { NotifiedChanges } from "../../engine/notifications/notified-changes.ts";
import { type ScanResult, Scans } from "../../engine/scan.ts";
import { DatabaseError, holdFile } from "../../ledger/database.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Tracing, TracingSettings } from "../../monitor/tracing.ts";
import { systemClock } from "../clock.ts";
import { Company } from "../company.ts";
import type { RunSettings } from "../config/settings.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { packageVersion } from "../version.ts";
import type { Attendance, Attended } from "./attendance.ts";
import { SiteClients } from "./clients.ts";
import { ledgerFileOf, openRunLedger } from "./open-ledger.ts";
import { StoreSites } from "./store-sites.ts";
import { succeed } from "./succession.ts";

export interface EngineRoom {
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly scans: Scans;
  readonly sites: StoreSites;
  /** Undefined for a run that ends by itself. */
  readonly attendance?: Attendance;
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
  /** With nothing that attends it, for runs that end by themselves. */
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
    const tracing =
      settings.tracing === undefined ? undefined : await traced(settings.tracing, name, onTrouble, opened);
    const engine = new Engine({
      ledger,
      feed: changes,
      sites,
      clock,
      name,
      paused: company.paused,
      onBroken,
      ...(tracing === undefined ? {} : { onTried: (tried) => tracing.tried(tried) }),
    });
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
    const attendance = options.alone
      ? undefined
      : await attended(
          {
            settings: () => settings,
            context,
            ledger,
            engine,
            sites,
            clients,
            changes,
            clock,
            name,
            isAlone,
            onPaused: company.onPaused,
            onTrouble,
            onBroken,
          },
          opened,
        );
    return {
      ledger,
      engine,
      scans,
      sites,
      ...(attendance === undefined ? {} : { attendance }),
      broken,
      use: (next) => {
        settings = next;
        sites.use(next);
        scans.wake();
        attendance?.use(next);
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

/** As with what attends a run: loaded where it is asked for. */
async function traced(
  settings: TracingSettings,
  instance: string,
  onTrouble: (says: string) => void,
  opened: (() => Promise<void> | void)[],
): Promise<Tracing> {
  const { Tracing } = await import("../../monitor/tracing.ts");
  const tracing = new Tracing({ settings, instance, version: packageVersion(), onTrouble });
  opened.push(() => tracing.close());
  return tracing;
}

/** What a run does not use is not loaded: to load it takes as long as to scan a small bucket. */
async function attended(parts: Attended, opened: (() => Promise<void> | void)[]): Promise<Attendance> {
  const { attend } = await import("./attendance.ts");
  return await attend(parts, opened);
}
