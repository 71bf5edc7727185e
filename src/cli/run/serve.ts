/** `run`: from the command's words to an engine between stores, until somebody ends it. */
import { once } from "node:events";
import { isDeepStrictEqual } from "node:util";
import { systemClock } from "../clock.ts";
import type { CommandResult } from "../command.ts";
import { ConfigError } from "../config/issues.ts";
import { readConfiguration } from "../config/read.ts";
import type { RunSettings } from "../config/settings.ts";
import type { Context } from "../context.ts";
import { keptToken } from "../token.ts";
import { SiteClients } from "./clients.ts";
import { type EngineRoom, openEngineRoom } from "./engine-room.ts";
import { runOnce, scanWords } from "./once.ts";
import { openRunLedgerIfThere } from "./open-ledger.ts";
import { recognisedIn, withProfiles } from "./recognised.ts";
import { StoreSites } from "./store-sites.ts";

export interface RunOptions {
  /** The configuration. */
  readonly file: string;
  readonly mode: "check" | "once" | "serve";
  readonly json: boolean;
}

export async function run(options: RunOptions, context: Context): Promise<CommandResult> {
  const read = await recognisedIn(options.file, context);
  if ("refused" in read) return read.refused;
  const { settings } = read;
  if (options.mode === "check") return await check(settings, options.file, context);
  const tell = (says: string) => context.stderr.write(`${says}\n`);
  const room = await openEngineRoom({
    settings,
    context,
    alone: options.mode === "once",
    onTrouble: tell,
    onScan: (result) => {
      const isNews = result.added > 0 || result.error !== undefined;
      if (options.mode === "serve" && isNews) tell(scanWords(result));
    },
  });
  try {
    if (options.mode === "once") return await runOnce(room, context);
    await serve(room, { ...options, settings, tell }, context);
    return { status: 0, value: undefined, words: () => "" };
  } finally {
    await room.close();
  }
}

async function check(settings: RunSettings, file: string, context: Context): Promise<CommandResult> {
  const clock = systemClock(context.clock);
  const clients = new SiteClients({ environment: context.environment, clock });
  const ledger = await openRunLedgerIfThere(settings.ledgerUrl);
  try {
    const parts = { clients, clock, ...(ledger === undefined ? {} : { ledger }) };
    const sites = new StoreSites({ ...parts, onTrouble: () => undefined });
    sites.use(settings);
    const { checkReach } = await import("./reach.ts");
    return await checkReach(settings, { clients, sites, environment: context.environment, clock, file });
  } finally {
    await clients.close();
    await ledger?.close();
  }
}

interface ServeOptions extends RunOptions {
  readonly settings: RunSettings;
  readonly tell: (says: string) => void;
}

/** Resolves when it is interrupted; rejects when the engine cannot go on. */
async function serve(room: EngineRoom, options: ServeOptions, context: Context): Promise<void> {
  const { interrupted, stdout } = context;
  const { file, settings, json, tell } = options;
  let current = settings;
  const reload = async (): Promise<void> => {
    try {
      const next = await withProfiles(readConfiguration(file, context.environment));
      const fixed = unchangeable(current, next);
      if (fixed.length > 0) tell(`${fixed.join(" and ")} changed in ${file}: that takes effect after a restart`);
      room.use(next);
      current = { ...next, ledgerUrl: current.ledgerUrl };
      tell(`read ${file} again: ${summary(next)}`);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      tell(`${file} cannot be used, and the configuration stays as it was:\n${error.message}`);
    }
  };
  let failed: (error: unknown) => void = () => undefined;
  const reloading = new Promise<never>((_, reject) => {
    failed = reject;
  });
  const stopListening = context.onHangup(() => void reload().catch(failed));
  const { consoleUrl, metricsUrl, webhookUrls } = room.attendance ?? { webhookUrls: [] };
  const said = {
    replications: settings.replications.map((one) => one.name),
    ...(settings.watched.length === 0 ? {} : { watched: settings.watched.map((one) => one.name) }),
    ...(webhookUrls.length === 0 ? {} : { webhookUrls }),
    ...(consoleUrl === undefined ? {} : { consoleUrl }),
    ...(metricsUrl === undefined ? {} : { metricsUrl }),
  };
  const parts = [
    summary(settings),
    ...(webhookUrls.length === 0 ? [] : [`notifications at ${webhookUrls.join(", ")}`]),
    ...(settings.queues.length === 0 ? [] : [`notifications from ${settings.queues.map((one) => one.url).join(", ")}`]),
    ...(consoleUrl === undefined ? [] : [`console at ${entryOf(consoleUrl, settings, stdout.isTTY === true)}`]),
    ...(metricsUrl === undefined ? [] : [`metrics at ${metricsUrl}`]),
    "ctrl-C stops",
  ];
  const { basisLines } = await import("./reach.ts");
  // Read before it says that it is ready: after that, a database that is away is waited for.
  const bases = await basisLines(room.sites, file);
  const line = parts.join("; ");
  stdout.write(`${json ? JSON.stringify(said) : line}\n`);
  for (const says of bases) tell(says);
  for (const { name } of settings.replications.filter((one) => one.propagateDeletes === true)) {
    tell(
      `${name}: versions that are removed for good at the source are removed at the destinations (propagateDeletes)`,
    );
  }
  const scanning = room.scans.run(interrupted);
  try {
    await Promise.race([
      interrupted.aborted ? undefined : once(interrupted, "abort"),
      scanning,
      room.broken,
      reloading,
    ]);
    tell("stopping");
    await scanning;
  } finally {
    stopListening();
  }
}

/** A person gets an address that logs in; what may be kept in a log gets none. */
function entryOf(consoleUrl: string, { console: where }: RunSettings, isPerson: boolean): string {
  if (where === undefined) return consoleUrl;
  return isPerson
    ? `${consoleUrl}/#token=${keptToken(where.tokenFile)}`
    : `${consoleUrl}, its token in ${where.tokenFile}`;
}

function summary({ replications, watched, scanEveryMs }: RunSettings): string {
  const names = (all: readonly { readonly name: string }[]) => all.map((one) => one.name).join(", ");
  return [
    ...(replications.length === 0
      ? []
      : [`replicating ${names(replications)}, scanning every ${scanEveryMs / 1000} s`]),
    ...(watched.length === 0 ? [] : [`watching ${names(watched)} by CloudWatch`]),
  ].join("; ");
}

/** What a running engine cannot take up. */
function unchangeable(before: RunSettings, after: RunSettings): string[] {
  const same = (member: "webhooks" | "queues") => JSON.stringify(before[member]) === JSON.stringify(after[member]);
  return [
    ...(same("webhooks") ? [] : ["the webhooks"]),
    ...(same("queues") ? [] : ["the queues"]),
    ...(before.ledgerUrl === after.ledgerUrl ? [] : ["the ledger"]),
    ...(isDeepStrictEqual(before.console, after.console) ? [] : ["the console"]),
    ...(JSON.stringify(before.metrics) === JSON.stringify(after.metrics) ? [] : ["the metrics"]),
    ...(isDeepStrictEqual(before.tracing, after.tracing) ? [] : ["tracing"]),
  ];
}
