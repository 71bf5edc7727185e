/**
 * SQL over an inventory: rows are counted by what decides about them, and a few of each kind are picked by their place.
 * One scan reads each column that has a say once; version ids and ETags, which compress badly, only of what is picked.
 */
import { SAMPLES_MAX } from "./inventory-rows.ts";
import { GROUPS_MAX, type GroupRequest } from "./inventory-table.ts";
import { sqlText } from "./key-conditions.ts";

/** Where rows come from. */
export interface RowSource {
  /** After FROM; has the columns and `row_place`, a number that no two rows share. */
  readonly sql: string;
  readonly columns: ReadonlySet<string>;
  /** Rows whose key has not this prefix are left out. */
  readonly prefix: string;
}

/** Conditions are packed into integers, so many in each. */
const CONDITIONS_PER_COLUMN = 60;

/** Yields a row for each group and sample; the columns of traits are named as in `Traits`. */
export function groupsQuery({ sql, columns, prefix }: RowSource, request: GroupRequest): string {
  const { conditions, byOwner, log, markersFromMs } = request;
  const has = (name: string, expression: string, without = "NULL") => (columns.has(name) ? expression : without);
  const isMarker = has("is_delete_marker", "coalesce(is_delete_marker, false)", "false");
  const multipart = [
    ...(columns.has("is_multipart_uploaded") ? ["is_multipart_uploaded"] : []),
    ...(!columns.has("is_multipart_uploaded") && columns.has("e_tag") ? ["contains(e_tag, '-')"] : []),
    "false",
  ];
  const text = (name: string) => has(name, `nullif(${name}, '')`);
  const traits: readonly (readonly [string, string])[] = [
    ["marker", isMarker],
    ["late", markersFromMs === undefined ? "false" : `epoch_ms(last_modified_date) >= ${markersFromMs}`],
    ["multipart", `coalesce(${multipart.join(", ")})`],
    ["status", text("replication_status")],
    ["encryption", text("encryption_status")],
    ["bucketKey", has("bucket_key_status", "bucket_key_status = 'ENABLED'")],
    ["storageClass", text("storage_class")],
    ["tier", text("intelligent_tiering_access_tier")],
    ["retained", has("object_lock_retain_until_date", "object_lock_retain_until_date IS NOT NULL")],
    ["held", has("object_lock_legal_hold_status", "lower(object_lock_legal_hold_status) = 'on'")],
    ["owner", byOwner ? text("object_owner") : "NULL"],
    ["acl", byOwner ? text("object_access_control_list") : "NULL"],
    ["recorded", log.size > 0 ? "recorded" : "NULL"],
  ];
  const flags: string[] = [];
  for (let at = 0; at < conditions.length; at += CONDITIONS_PER_COLUMN) {
    const bits = conditions.slice(at, at + CONDITIONS_PER_COLUMN);
    flags.push(bits.map((one, index) => `((${one.sql})::BIGINT << ${index})`).join(" | "));
  }
  const since = has("last_modified_date", "epoch_ms(min(last_modified_date))", "0");
  const until = has("last_modified_date", "epoch_ms(max(last_modified_date))", "0");
  const where = [
    ...(prefix === "" ? [] : [`prefix(key, ${sqlText(prefix)})`]),
    ...(markersFromMs === undefined ? [] : [isMarker]),
  ];
  const joined =
    log.size > 0
      ? `${sql} LEFT JOIN recorded ON recorded.recorded_key = key AND recorded.recorded_version = coalesce(nullif(version_id, ''), 'null')`
      : sql;
  return (
    `SELECT ${traits.map(([name, expression]) => `${expression} AS "${name}"`).join(", ")}, ` +
    `${flags.map((one, index) => `${one} AS "flags${index}", `).join("")}` +
    // Neighbours in a file are alike in more than an inventory tells: what is picked comes from all over it.
    `hash(row_place) % ${SAMPLES_MAX} AS pick, count(*) AS "rows", ` +
    `${has("size", "coalesce(sum(size), 0)::DOUBLE", "0.0")} AS bytes, ${since} AS since, ${until} AS until, ` +
    `min(row_place) AS place FROM ${joined}` +
    `${where.length === 0 ? "" : ` WHERE ${where.join(" AND ")}`} GROUP BY ALL LIMIT ${GROUPS_MAX + 1}`
  );
}

/** The rows at these places. */
export function itemsQuery(source: string, columns: ReadonlySet<string>, where: string): string {
  const has = (name: string, expression: string, without: string) => (columns.has(name) ? expression : without);
  return (
    `SELECT row_place AS place, key, ${has("version_id", "coalesce(nullif(version_id, ''), 'null')", "NULL")} AS version, ` +
    `${has("is_latest", "coalesce(is_latest, false)", "true")} AS latest, ${has("size", "coalesce(size, 0)", "0")}::DOUBLE AS size, ` +
    `${has("e_tag", "coalesce(e_tag, '')", "''")} AS etag, ` +
    `${has("last_modified_date", "epoch_ms(last_modified_date)", "0")} AS modified FROM ${source} WHERE ${where}`
  );
}

/** A table `rows` of the files of a CSV inventory, with the types that Parquet has. */
export function csvImport(columns: readonly string[], paths: readonly string[]): string {
  // A name that is not known, or there twice, is told by its place.
  const names = columns.map((one, index) =>
    /^[a-z_]+$/.test(one) && columns.indexOf(one) === index ? one : `column${index}`,
  );
  const read =
    `read_csv(${sqlList(paths)}, header = false, delim = ',', quote = '"', escape = '"', compression = 'gzip', ` +
    `auto_detect = false, nullstr = '', max_line_size = ${CSV_LINE_BYTES_MAX}, ` +
    `columns = {${names.map((one) => `'${one}': 'VARCHAR'`).join(", ")}})`;
  const kept = names.filter((one) => CSV_TYPES.has(one));
  const selected = kept.map((one) => `${CSV_TYPES.get(one) ?? one} AS ${one}`);
  return `CREATE TABLE rows AS SELECT ${selected.join(", ")} FROM ${read}`;
}

export function sqlList(texts: readonly string[]): string {
  return `[${texts.map(sqlText).join(", ")}]`;
}

const CSV_LINE_BYTES_MAX = 1024 * 1024;

const asBoolean = (name: string) => `lower(${name}) = 'true'`;

/** Columns that have a say, and what becomes of their text. Keys are encoded like forms or like paths. */
const CSV_TYPES: ReadonlyMap<string, string> = new Map([
  ["key", "coalesce(try(url_decode(replace(key, '+', ' '))), key)"],
  ["version_id", "version_id"],
  ["is_latest", asBoolean("is_latest")],
  ["is_delete_marker", asBoolean("is_delete_marker")],
  ["size", "try_cast(size AS BIGINT)"],
  ["last_modified_date", "try_cast(last_modified_date AS TIMESTAMP)"],
  ["e_tag", "e_tag"],
  ["storage_class", "storage_class"],
  ["is_multipart_uploaded", asBoolean("is_multipart_uploaded")],
  ["replication_status", "replication_status"],
  ["encryption_status", "encryption_status"],
  ["object_lock_retain_until_date", "object_lock_retain_until_date"],
  ["object_lock_legal_hold_status", "object_lock_legal_hold_status"],
  ["intelligent_tiering_access_tier", "intelligent_tiering_access_tier"],
  ["bucket_key_status", "bucket_key_status"],
  ["object_access_control_list", "object_access_control_list"],
  ["object_owner", "object_owner"],
]);
