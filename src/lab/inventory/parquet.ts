/**
 * Parquet, by DuckDB: an optional dependency, looked for when the first report wants it.
 *
 * Rows come as lines of JSON in a file, and go into a file, so memory stays small however many there are.
 */
import { ServiceError } from "../model.ts";
import type { Column, Inventoried } from "./columns.ts";

const MEMORY = "256MB";

const SQL_TYPES: Readonly<Record<Column["type"], string>> = {
  string: "VARCHAR",
  boolean: "BOOLEAN",
  integer: "BIGINT",
  instant: "BIGINT",
};

/** A row as `writeParquet` reads it. */
export function jsonLine(columns: readonly Column[], row: Inventoried): string {
  return `${JSON.stringify(Object.fromEntries(columns.map((one) => [one.snakeName, one.cellOf(row) ?? null])))}\n`;
}

/** @throws ServiceError NotImplemented without DuckDB */
export async function requireParquet(): Promise<typeof import("@duckdb/node-api")> {
  try {
    return await import("@duckdb/node-api");
  } catch (cause) {
    const says =
      "Parquet inventories need the optional package @duckdb/node-api, which is not installed or does not run here.";
    const refused = new ServiceError("NotImplemented", 501, says);
    refused.cause = cause;
    throw refused;
  }
}

export async function writeParquet(columns: readonly Column[], jsonPath: string, parquetPath: string): Promise<void> {
  const { DuckDBInstance } = await requireParquet();
  const instance = await DuckDBInstance.create(":memory:", { threads: "1", memory_limit: MEMORY });
  try {
    const connection = await instance.connect();
    try {
      const types = columns.map(({ snakeName, type }) => `${snakeName}: '${SQL_TYPES[type]}'`).join(", ");
      const selected = columns.map(({ snakeName, type }) =>
        type === "instant" ? `CAST(make_timestamp_ms(${snakeName}) AS TIMESTAMP_MS) AS ${snakeName}` : snakeName,
      );
      await connection.run(
        `COPY (SELECT ${selected.join(", ")} FROM read_json(${quoted(jsonPath)}, format = 'newline_delimited', ` +
          `columns = {${types}}, maximum_object_size = ${LINE_BYTES_MAX})) TO ${quoted(parquetPath)} ` +
          "(FORMAT parquet, COMPRESSION snappy)",
      );
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

const LINE_BYTES_MAX = 1024 * 1024;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
