/** The map from versions to their replicas, where a destination mints its own ids. */
import { assert } from "../../core/assert.ts";
import type { VersionRef } from "../../core/model.ts";
import type { KnownReplica, ReplicaRange } from "../ledger.ts";
import { encodeKey } from "../words.ts";
import type { Groups } from "./groups.ts";
import { keyOf } from "./rows.ts";
import type { Server } from "./server.ts";

/** @see Ledger.replicaOf */
export async function replicaOf(
  server: Server,
  groups: Groups,
  version: VersionRef,
  destinationArn: string,
): Promise<string | undefined> {
  const ids = await groups.nameIds([version.bucket, destinationArn]);
  const [bucketId, destinationId] = [ids.get(version.bucket), ids.get(destinationArn)];
  if (bucketId === undefined || destinationId === undefined) return undefined;
  const [row] = await server.query(
    `SELECT replica_version_id FROM replicas
     WHERE bucket_id = $1 AND key = $2 AND version_id = $3 AND destination_id = $4`,
    [bucketId, encodeKey(version.key), version.versionId, destinationId],
  );
  return row === undefined ? undefined : String(row["replica_version_id"]);
}

/** @see Ledger.replicasBetween */
export async function replicasBetween(server: Server, groups: Groups, range: ReplicaRange): Promise<KnownReplica[]> {
  const { bucket, destinationArn, fromKey, toKey } = range;
  const ids = await groups.nameIds([bucket, destinationArn]);
  const [bucketId, destinationId] = [ids.get(bucket), ids.get(destinationArn)];
  if (bucketId === undefined || destinationId === undefined) return [];
  const rows = await server.query(
    `SELECT key, version_id, replica_version_id FROM replicas
     WHERE bucket_id = $1 AND key BETWEEN $2 AND $3 AND destination_id = $4 ORDER BY key`,
    [bucketId, encodeKey(fromKey), encodeKey(toKey), destinationId],
  );
  return rows.map((row) => ({
    version: { bucket, key: keyOf(row), versionId: String(row["version_id"]) },
    destinationArn,
    replicaVersionId: String(row["replica_version_id"]),
  }));
}

/** @see Ledger.rememberReplicas */
export async function rememberReplicas(
  server: Server,
  groups: Groups,
  replicas: readonly KnownReplica[],
): Promise<void> {
  // A statement may write a row once only: of several the last one counts.
  const last = new Map(
    replicas.map((one) => [
      JSON.stringify([one.version.bucket, one.version.key, one.version.versionId, one.destinationArn]),
      one,
    ]),
  );
  const rows = [...last.values()];
  const ids = await groups.ensureNames(rows.flatMap((one) => [one.version.bucket, one.destinationArn]));
  const idOf = (name: string): number => {
    const id = ids.get(name);
    assert(id !== undefined, "a name that was just written is there");
    return id;
  };
  await server.query(
    `INSERT INTO replicas (bucket_id, key, version_id, destination_id, replica_version_id)
     SELECT * FROM unnest($1::int[], $2::bytea[], $3::text[], $4::int[], $5::text[])
     ON CONFLICT (bucket_id, key, version_id, destination_id)
       DO UPDATE SET replica_version_id = EXCLUDED.replica_version_id`,
    [
      rows.map((one) => idOf(one.version.bucket)),
      rows.map((one) => encodeKey(one.version.key)),
      rows.map((one) => one.version.versionId),
      rows.map((one) => idOf(one.destinationArn)),
      rows.map((one) => one.replicaVersionId),
    ],
  );
}
