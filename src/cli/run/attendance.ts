/**
 * What attends an engine that goes on until somebody ends it: schedules, alerts, metrics, the console, and the ways in by
 * which stores tell of changes. A run that ends by itself has none of it, and does not load this.
 */
import type { ConsoleOptions } from "../../console/options.ts";
import type { Replications } from "../../console/replications.ts";
import type { Engine } from "../../engine/engine.ts";
import type { NotifiedChanges } from "../../engine/notifications/notified-changes.ts";
import type { Clock } from "../../engine/ports.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { openAlerting } from "../alerts/alerting.ts";
import type { RunSettings } from "../config/settings.ts";
import type { Context } from "../context.ts";
import { keptToken } from "../token.ts";
import { packageVersion } from "../version.ts";
import type { SiteClients } from "./clients.ts";
import { documentDigests } from "./document-digests.ts";
import { openLiveIntake } from "./live-intake.ts";
import type { OpenMetering } from "./open-metering.ts";
import { beginScheduling } from "./scheduling.ts";
import type { StoreSites } from "./store-sites.ts";

export interface Attended {
  /** As they are at the time. */
  readonly settings: () => RunSettings;
  readonly context: Context;
  readonly ledger: Ledger;
  readonly engine: Engine;
  readonly sites: StoreSites;
  readonly clients: SiteClients;
  readonly changes: NotifiedChanges;
  readonly clock: Clock;
  /** The engine's. */
  readonly name: string;
  /** No other engine works with the ledger. */
  readonly isAlone: boolean;
  /** Something was paused or resumed. */
  readonly onPaused: () => void;
  readonly onTrouble: (says: string) => void;
  readonly onBroken: (error: unknown) => void;
}

export interface Attendance {
  /** Undefined where the configuration names none. */
  readonly consoleUrl?: string;
  /** Undefined where metrics have no address of their own. */
  readonly metricsUrl?: string;
  /** In the order of the configuration, without their tokens. */
  readonly webhookUrls: readonly string[];
  use(settings: RunSettings): void;
}

const OTHERWISE = {
  port: "choose another one under console",
  tls: "Name a certificate and its key under console.tls",
  insecure: "write console.insecure: true",
};

/** @param opened gets what closes each part, the last one opened last @throws AccessError, UsageError */
export async function attend(parts: Attended, opened: (() => Promise<void> | void)[]): Promise<Attendance> {
  const { settings, context, ledger, sites, clients, changes, clock, name, isAlone, onTrouble, onBroken } = parts;
  const { environment } = context;
  const replications = replicationsOf(settings);
  const watches = beginScheduling(
    settings(),
    { clients, sites, ledger, clock, context },
    { holder: name, onTrouble, onBroken },
  );
  opened.push(() => watches.close());
  const metering = await meteringOf(parts, replications);
  if (metering !== undefined) opened.push(() => metering.close());
  const alerting = openAlerting({
    ledger,
    replications,
    clock: context.clock,
    environment,
    // Alone on its ledger it goes on at once where a dead one ended.
    name: isAlone ? "run" : name,
    settings: () => settings().alerts,
    digests: () => documentDigests(settings().replications, { sites, clients }),
    onTrouble,
    onBroken,
  });
  opened.push(() => alerting.close());
  const console_ = await consoleOf(parts, {
    replications,
    watches,
    testAlerts: alerting.test,
    ...(metering === undefined ? {} : { metering: metering.metering }),
  });
  if (console_ !== undefined) opened.push(() => console_.close());
  const live = await openLiveIntake({ settings: settings(), changes, sites, environment, clock, onTrouble, onBroken });
  opened.push(() => live.close());
  return {
    webhookUrls: live.webhookUrls,
    ...(console_ === undefined ? {} : { consoleUrl: console_.url }),
    ...(metering?.url === undefined ? {} : { metricsUrl: metering.url }),
    use: (next) => watches.use(next),
  };
}

/** Undefined where nobody can ask. */
async function meteringOf(
  { settings, ledger, clock, name, onBroken }: Attended,
  replications: Replications,
): Promise<OpenMetering | undefined> {
  const { console: console_, metrics } = settings();
  if (console_ === undefined && metrics.listen === undefined) return undefined;
  const { openMetering } = await import("./open-metering.ts");
  return await openMetering(metrics, { ledger, replications, clock, name, onBroken });
}

async function consoleOf(
  { settings, context, ledger, engine, sites, clock, onPaused, onTrouble }: Attended,
  others: Pick<ConsoleOptions, "replications" | "watches" | "testAlerts" | "metering">,
) {
  const where = settings().console;
  if (where === undefined) return undefined;
  const { tokenFile, users, names, ...place } = where;
  const [{ openConsole }, { StoresDesk }] = await Promise.all([
    import("../open-console.ts"),
    import("../desk/stores-desk.ts"),
  ]);
  const console_: ConsoleOptions = {
    ...others,
    engine,
    ledger,
    clock: context.clock,
    onPaused,
    onFault: (error) => onTrouble(`a fault in the console: ${stackOf(error)}`),
    about: { version: packageVersion(), mode: "run" },
    desk: new StoresDesk({ sites, ledger, clock, settings }),
    token: keptToken(tokenFile),
    users,
    names,
  };
  return await openConsole(console_, { ...place, otherwise: OTHERWISE });
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

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
