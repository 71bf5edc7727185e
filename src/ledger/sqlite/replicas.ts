/** The map from versions to their replicas, where a destination mints its own ids. */
import { assert } from "../../core/assert.ts";
import type { VersionRef } from "../../core/model.ts";
import type { Connection } from "../database.ts";
import type { KnownReplica, ReplicaRange } from "../ledger.ts";
import { encodeKey } from "../words.ts";
import type { Groups } from "./groups.ts";
import { decodeKey } from "./rows.ts";

export function replicaOf(
  connection: Connection,
  groups: Groups,
  version: VersionRef,
  destinationArn: string,
): string | undefined {
  const bucketId = groups.nameId(version.bucket);
  const destinationId = groups.nameId(destinationArn);
  if (bucketId === undefined || destinationId === undefined) return undefined;
  const row = connection
    .prepare(
      `SELECT replica_version_id FROM replicas
       WHERE bucket_id = ? AND key = ? AND version_id = ? AND destination_id = ?`,
    )
    .get(bucketId, encodeKey(version.key), version.versionId, destinationId);
  return row === undefined ? undefined : String(row["replica_version_id"]);
}

export function replicasBetween(connection: Connection, groups: Groups, range: ReplicaRange): KnownReplica[] {
  const { bucket, destinationArn, fromKey, toKey } = range;
  const bucketId = groups.nameId(bucket);
  const destinationId = groups.nameId(destinationArn);
  if (bucketId === undefined || destinationId === undefined) return [];
  return connection
    .prepare(
      `SELECT key, version_id, replica_version_id FROM replicas
       WHERE bucket_id = ? AND key BETWEEN ? AND ? AND destination_id = ? ORDER BY key`,
    )
    .all(bucketId, encodeKey(fromKey), encodeKey(toKey), destinationId)
    .map((row) => ({
      version: { bucket, key: decodeKey(row["key"]), versionId: String(row["version_id"]) },
      destinationArn,
      replicaVersionId: String(row["replica_version_id"]),
    }));
}

export function rememberReplicas(connection: Connection, replicas: readonly KnownReplica[]): void {
  const insert = connection.prepare("INSERT OR REPLACE INTO replicas VALUES (?, ?, ?, ?, ?)");
  for (const { version, destinationArn, replicaVersionId } of replicas) {
    const bucketId = nameIdOf(connection, version.bucket);
    const destinationId = nameIdOf(connection, destinationArn);
    insert.run(bucketId, encodeKey(version.key), version.versionId, destinationId, replicaVersionId);
  }
}

/** Makes the name known where it is new: after a loss of the file nobody has named it yet. */
function nameIdOf(connection: Connection, name: string): number {
  connection.prepare("INSERT INTO names (name) VALUES (?) ON CONFLICT DO NOTHING").run(name);
  const row = connection.prepare("SELECT id FROM names WHERE name = ?").get(name);
  assert(row !== undefined, "a name that was just written is there");
  return Number(row["id"]);
}
