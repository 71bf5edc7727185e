/** Differences as Parquet, where the optional package of DuckDB is there. */
import { findDuckDb } from "../evidence/inventory-duckdb.ts";
import { sqlText } from "../evidence/key-conditions.ts";

const COLUMNS =
  "{verdict: 'VARCHAR', key: 'VARCHAR', versionId: 'VARCHAR', replicaVersionId: 'VARCHAR', isDeleteMarker: 'BOOLEAN', " +
  "sizeBytes: 'BIGINT', lastModifiedMs: 'BIGINT', status: 'VARCHAR', reason: 'VARCHAR', says: 'VARCHAR', isExpected: 'BOOLEAN'}";

/** @returns false where DuckDB is not installed or does not run */
export async function writeParquet(from: string, to: string): Promise<boolean> {
  const duckDb = await findDuckDb();
  if (duckDb === undefined) return false;
  const instance = await duckDb.DuckDBInstance.create(":memory:", {
    memory_limit: "256MB",
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  try {
    await connection.run(
      "COPY (SELECT verdict, key, versionId AS version_id, replicaVersionId AS replica_version_id, " +
        "isDeleteMarker AS is_delete_marker, sizeBytes AS size_bytes, make_timestamp(lastModifiedMs * 1000) AS last_modified, " +
        "status, reason, says, isExpected AS is_expected " +
        `FROM read_json(${sqlText(from)}, format = 'newline_delimited', columns = ${COLUMNS})) ` +
        `TO ${sqlText(to)} (FORMAT parquet, COMPRESSION zstd)`,
    );
    return true;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
