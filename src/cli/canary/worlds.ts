/** What canaries work with: behind a connection to AWS or the lab, and between the stores of a configuration. */

import { bucketOfArn } from "../../core/arn.ts";
import { documentOfXml } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { Operation, VersionRef } from "../../core/model.ts";
import type { CanaryFate, CanaryWorld } from "../../engine/canary/model.ts";
import type { Clock } from "../../engine/ports.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { S3Error } from "../../s3/errors.ts";
import type { ReplicationSettings } from "../config/settings.ts";
import type { Connection } from "../connection.ts";
import type { ConsoleClient } from "../console-client.ts";
import { unseen } from "../context.ts";
import { scan } from "../diagnosis/scan.ts";
import { AccessError, UsageError } from "../errors.ts";
import type { SiteClients } from "../run/clients.ts";
import type { StoreSites } from "../run/store-sites.ts";

/** A bucket whose versions show their status. @throws UsageError where it does not replicate; S3Error, AccessError */
export async function worldOfConnection(connection: Connection, bucket: string, clock: Clock): Promise<CanaryWorld> {
  const { store, settings } = await connection.bucket(bucket);
  const root = await settings.getBucketReplication(bucket);
  const configuration = root === undefined ? undefined : parseReplication(documentOfXml(root)).configuration;
  if (configuration === undefined) throw new UsageError(`s3://${bucket} has no replication configuration to try`);
  const { console } = connection;
  return {
    configuration,
    source: { bucket, store, settings },
    destination: async (arn) => {
      const name = bucketOfArn(arn) ?? arn;
      return { bucket: name, ...(await connection.bucket(name)) };
    },
    showsStatus: true,
    fateOf: async (version, operation, arn) =>
      console === undefined
        ? await diagnosedFate(connection, version, arn)
        : await toldFate(console, version, operation, arn),
    forget: async (prefix) => {
      try {
        await console?.forgetCanaries(bucket, prefix);
      } catch (error) {
        // Nothing is left to do about it but for the engine itself.
        if (!(error instanceof AccessError) && !(error instanceof UsageError)) throw error;
      }
    },
    clock,
  };
}

/** What the engine has on record. */
async function toldFate(
  console: ConsoleClient,
  { bucket, key, versionId }: VersionRef,
  operation: Operation,
  destinationArn: string,
): Promise<CanaryFate | undefined> {
  const { tasks } = await console.explain(bucket, key);
  const task = tasks.find(
    (one) => one.versionId === versionId && one.operation === operation && one.destinationArn === destinationArn,
  );
  if (task === undefined) return undefined;
  const { failure } = task;
  if (failure === undefined) return { is: "pending" };
  return { is: task.status === "FAILED" ? "failed" : "pending", code: failure.code, message: failure.message };
}

/** AWS shows that it is FAILED, and not why: the doctor concludes it of the same facts as for any object. */
async function diagnosedFate(
  connection: Connection,
  { bucket, key }: VersionRef,
  destinationArn: string,
): Promise<CanaryFate | undefined> {
  const { diagnosis } = await scan(connection, { bucket, prefix: key }, { stderr: unseen() });
  const cause =
    diagnosis.causes.find((one) => one.destination === destinationArn) ??
    diagnosis.causes.find((one) => one.destination === undefined);
  if (cause === undefined) return undefined;
  return { is: "failed", code: cause.code, message: cause.evidence[0]?.says ?? "" };
}

export interface SitesParts {
  readonly clients: SiteClients;
  readonly sites: StoreSites;
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** One replication between stores that show no status. @throws UsageError where it has no configuration; S3Error */
export async function worldOfReplication(
  { name, source, destinations }: ReplicationSettings,
  { clients, sites, ledger, clock }: SitesParts,
): Promise<CanaryWorld> {
  const configuration = await sites.configuration(source.name);
  if (configuration === undefined)
    throw new UsageError(`the source of ${name} has no replication configuration to try`);
  const end = ({ site, bucket }: { readonly site: string; readonly bucket: string }) => {
    const { store, settings } = clients.client(site);
    return { bucket, store, settings };
  };
  return {
    configuration,
    source: end(source),
    destination: async (arn) => {
      const place = destinations.get(arn);
      if (place !== undefined) return end(place);
      throw new S3Error(`${arn} is no destination of ${name}`, { operation: "Connect", status: 404 });
    },
    showsStatus: false,
    fateOf: async (version, operation, arn) =>
      await recordedFate(ledger, { ...version, bucket: source.name }, operation, arn),
    forget: async (prefix) => {
      await ledger.discard({ bucket: source.name, prefix });
    },
    clock,
  };
}

/** What the ledger has of a task: nothing of one that is done, nor of one that nobody has taken in yet. */
export async function recordedFate(
  ledger: Ledger,
  version: VersionRef,
  operation: Operation,
  destinationArn: string,
): Promise<CanaryFate | undefined> {
  const [rows = []] = await ledger.ofVersions([version]);
  const row = rows.find((one) => one.operation === operation && one.destinationArn === destinationArn);
  if (row === undefined) return undefined;
  const { failure, state } = row;
  if (failure === undefined) return { is: "pending" };
  return { is: state === "parked" ? "failed" : "pending", code: failure.code, message: failure.message };
}
