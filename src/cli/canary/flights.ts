/** From the words of `canary` to what flies: a bucket behind a connection, or the replications of a configuration. */
import { rememberAll } from "../../monitor/history.ts";
import { systemClock } from "../clock.ts";
import type { CommandInput, CommandResult } from "../command.ts";
import type { RunSettings } from "../config/settings.ts";
import { connect } from "../connection.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { SiteClients } from "../run/clients.ts";
import { openRunLedger } from "../run/open-ledger.ts";
import { recognisedIn } from "../run/recognised.ts";
import { StoreSites } from "../run/store-sites.ts";
import type { CanaryFlight, Flights } from "./canarying.ts";
import { worldOfConnection, worldOfReplication } from "./worlds.ts";

export interface FlightRequest {
  readonly bucket: string | undefined;
  readonly file: string | undefined;
  readonly replication: string | undefined;
  readonly options: Omit<CanaryFlight["options"], "timeoutMs"> & { readonly timeoutMs?: number };
}

export interface OpenFlights {
  readonly flights: Flights;
  close(): Promise<void>;
}

/** AWS promises replication within 15 minutes where it promises anything. @source aws-replication.md §1.2 */
export const TIMEOUT_MS = 15 * 60_000;

/** @throws UsageError, AccessError, S3Error, DatabaseError; then nothing is left open */
export async function openFlights(
  request: FlightRequest,
  input: CommandInput,
  context: Context,
): Promise<OpenFlights | { readonly refused: CommandResult }> {
  const { bucket, file = "lockstep.yaml" } = request;
  if (bucket !== undefined) return await behindConnection(request, bucket, input, context);
  const read = await recognisedIn(file, context);
  return "refused" in read ? read : await betweenSites(request, read.settings, context);
}

async function behindConnection(
  { options }: FlightRequest,
  bucket: string,
  input: CommandInput,
  context: Context,
): Promise<OpenFlights> {
  const connection = await connect(input, context);
  try {
    const clock = systemClock(context.clock);
    const world = await worldOfConnection(connection, bucket, clock);
    const flight = { subject: bucket, world, options: { timeoutMs: TIMEOUT_MS, ...options } };
    return { flights: { flights: [flight], keep: async () => undefined }, close: () => connection.close() };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function betweenSites(
  { replication, options }: FlightRequest,
  settings: RunSettings,
  context: Context,
): Promise<OpenFlights> {
  const all = settings.replications;
  const wanted = all.filter((one) => replication === undefined || one.name === replication);
  if (wanted.length === 0) {
    const names = all.map((one) => one.name).join(", ");
    throw new UsageError(`--replication is one of ${names}, not "${replication ?? ""}"`);
  }
  const clock = systemClock(context.clock);
  const clients = new SiteClients({ environment: context.environment, clock });
  clients.use(settings.sites);
  const ledger = await openRunLedger(settings.ledgerUrl);
  const close = async () => {
    await clients.close();
    await ledger.close();
  };
  try {
    const sites = new StoreSites({ clients, clock, ledger, onTrouble: () => undefined });
    sites.use(settings);
    // What no store tells of is found by the next scan.
    const timeoutMs = settings.scanEveryMs + TIMEOUT_MS;
    const flights: CanaryFlight[] = [];
    for (const one of wanted) {
      const world = await worldOfReplication(one, { clients, sites, ledger, clock });
      flights.push({ subject: one.name, world, options: { timeoutMs, ...options } });
    }
    const keep: Flights["keep"] = (subject, results) => rememberAll(ledger, { kind: "canary", subject }, results);
    return { flights: { flights, keep }, close };
  } catch (error) {
    await close();
    throw error;
  }
}
