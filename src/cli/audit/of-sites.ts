/** `audit -c lockstep.yaml`: a replication between two sites, with the ledger's map of ids and its word on what is missing. */
import { dirname, resolve } from "node:path";
import { systemClock } from "../clock.ts";
import { type CommandInput, type CommandResult, isGiven, textOption } from "../command.ts";
import type { ReplicationSettings, RunSettings } from "../config/settings.ts";
import { consoleIn } from "../console-options.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { SiteClients } from "../run/clients.ts";
import { openRunLedger } from "../run/open-ledger.ts";
import { recognisedIn } from "../run/recognised.ts";
import { StoreSites } from "../run/store-sites.ts";
import { auditsBeside } from "./places.ts";
import { siteEnds } from "./site-ends.ts";
import { auditResult, auditWish, watchedAudit } from "./wish.ts";

/** @throws UsageError, EvidenceError, S3Error, DatabaseError */
export async function auditSites(file: string, input: CommandInput, context: Context): Promise<CommandResult> {
  const wish = auditWish(input);
  const read = await recognisedIn(file, context);
  if ("refused" in read) return read.refused;
  const { settings } = read;
  const replication = replicationOf(settings, textOption(input, "replication"), file);
  const destinationArn = destinationOf(replication, textOption(input, "destination"));
  const prefix = textOption(input, "prefix");
  const clock = systemClock(context.clock);
  const ledger = await openRunLedger(settings.ledgerUrl);
  const clients = new SiteClients({ environment: context.environment, clock });
  try {
    const onTrouble = (says: string) => void context.stderr.write(`${says}\n`);
    const sites = new StoreSites({ clients, clock, ledger, onTrouble });
    sites.use(settings);
    const bucket = replication.source.name;
    const asked = { bucket, destinationArn, ...(prefix === undefined ? {} : { prefix }) };
    const ends = await siteEnds({ sites, ledger }, asked);
    const request = { subject: replication.name, destinationArn, ...wish };
    const directory = resolve(
      context.workingDirectory,
      textOption(input, "reportDir") ?? auditsBeside(settings, dirname(resolve(file))),
    );
    const found = await watchedAudit({ request, ends, directory, ledger }, context);
    if (!isGiven(input, "repair")) return auditResult(found);
    const { repair } = await import("./repair.ts");
    return auditResult(found, await repair(found.report, { bucket, engine: consoleIn(input, context) }, context));
  } finally {
    await clients.close();
    await ledger.close();
  }
}

function replicationOf({ replications }: RunSettings, name: string | undefined, file: string): ReplicationSettings {
  const [first, second] = replications;
  if (name === undefined && first !== undefined && second === undefined) return first;
  const found = replications.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = replications.map((one) => one.name).join(", ");
  throw new UsageError(`--replication is one of ${names} in ${file}${name === undefined ? "" : `, not "${name}"`}`);
}

function destinationOf({ name, destinations }: ReplicationSettings, given: string | undefined): string {
  const arns = [...destinations.keys()];
  const [first, second] = arns;
  if (given === undefined && first !== undefined && second === undefined) return first;
  if (given !== undefined && destinations.has(given)) return given;
  throw new UsageError(
    `--destination is one of ${arns.join(", ")} of ${name}${given === undefined ? "" : `, not "${given}"`}`,
  );
}
