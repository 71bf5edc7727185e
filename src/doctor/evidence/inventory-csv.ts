/** An inventory in CSV without a database: every question reads the files once more. Memory grows with the kinds of rows. */
import { createReadStream } from "node:fs";
import { createGunzip } from "node:zlib";
import { CsvError, fieldsOf } from "../../core/csv.ts";
import { linesOf } from "../../s3/csv-lines.ts";
import { EvidenceError } from "./error.ts";
import type { FailureLog } from "./failure-log.ts";
import { type InventoryGroup, type InventoryItem, SAMPLES_MAX, type Traits } from "./inventory-rows.ts";
import { GROUPS_MAX, type GroupRequest, type InventoryTable } from "./inventory-table.ts";

/** An access control list of a hundred grants in base64, and what stands beside it. */
const LINE_LENGTH_MAX = 256 * 1024;

/** A row by the names of its columns; empty values are left out. */
export type CsvRow = Readonly<Record<string, string>>;

type Counted = { -readonly [Name in keyof InventoryGroup]: InventoryGroup[Name] } & { samples: InventoryItem[] };

export class CsvTable implements InventoryTable {
  readonly #columns: readonly string[];
  readonly #paths: readonly string[];
  readonly #prefix: string;

  constructor(opened: {
    readonly columns: readonly string[];
    readonly paths: readonly string[];
    readonly prefix: string;
  }) {
    this.#columns = opened.columns;
    this.#paths = opened.paths;
    this.#prefix = opened.prefix;
  }

  async groups(request: GroupRequest): Promise<InventoryGroup[]> {
    const { conditions, log, markersFromMs } = request;
    const groups = new Map<string, Counted>();
    const hasVersions = this.#columns.includes("version_id");
    const tellsParts = this.#columns.includes("is_multipart_uploaded");
    for await (const row of this.#rows()) {
      const item = itemOf(row, hasVersions);
      const traits = traitsOf(row, item, tellsParts, request);
      if (markersFromMs !== undefined && !traits.marker) continue;
      const recorded = log.size === 0 ? undefined : log.numberOf(item.key, item.versionId ?? "");
      const whole: Traits = { ...traits, recorded: recorded ?? null };
      const name = `${Object.values(whole).join("|")}|${conditions.map((one) => (one.holds(item.key) ? "+" : "-")).join("")}`;
      let group = groups.get(name);
      if (group === undefined) {
        if (groups.size >= GROUPS_MAX)
          throw new EvidenceError(`the inventory holds more than ${GROUPS_MAX} kinds of rows: name a --prefix`);
        group = { traits: whole, rows: 0, bytes: 0, sinceMs: item.lastModifiedMs, untilMs: 0, samples: [] };
        groups.set(name, group);
      }
      group.rows += 1;
      group.bytes += item.sizeBytes;
      group.sinceMs = Math.min(group.sinceMs, item.lastModifiedMs);
      group.untilMs = Math.max(group.untilMs, item.lastModifiedMs);
      keepSample(group, item);
    }
    return [...groups.values()];
  }

  async unseen(log: FailureLog, limit: number): Promise<{ readonly key: string; readonly versionId: string }[]> {
    const seen = new Set<string>();
    for await (const row of this.#rows()) {
      const { key, versionId = "" } = itemOf(row, true);
      if (log.numberOf(key, versionId) !== undefined) seen.add(`${versionId}/${key}`);
    }
    const found: { readonly key: string; readonly versionId: string }[] = [];
    for (const one of log.versions()) {
      if (found.length >= limit) break;
      if (one.key.startsWith(this.#prefix) && !seen.has(`${one.versionId}/${one.key}`)) found.push(one);
    }
    return found;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #rows(): AsyncGenerator<CsvRow> {
    return csvRows({ columns: this.#columns, paths: this.#paths, prefix: this.#prefix });
  }
}

/** The rows of an inventory's files, in their order. @throws EvidenceError when they cannot be read */
export async function* csvRows({
  columns,
  paths,
  prefix,
}: {
  readonly columns: readonly string[];
  readonly paths: readonly string[];
  readonly prefix: string;
}): AsyncGenerator<CsvRow> {
  for (const path of paths) {
    const unpacked = createReadStream(path).pipe(createGunzip());
    try {
      for await (const line of linesOf(unpacked, LINE_LENGTH_MAX)) {
        const row = rowOf(line, columns);
        if (row["key"]?.startsWith(prefix) === true) yield row;
      }
    } catch (error) {
      if (!(error instanceof CsvError) && !isZlibError(error)) throw error;
      throw new EvidenceError(`the inventory's files cannot be read: ${error.message}`, { cause: error });
    }
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && String(error.code).startsWith("Z_");
}

/** One line of an inventory, its key decoded. @throws CsvError */
export function rowOf(line: string, columns: readonly string[]): CsvRow {
  const row: Record<string, string> = {};
  for (const [index, value] of fieldsOf(line).entries()) {
    const name = columns[index];
    if (name !== undefined && value !== "") row[name] = name === "key" ? decoded(value) : value;
  }
  return row;
}

/** Keys are encoded like forms or like paths; a plus sign itself is encoded in both. @source aws-replication.md §8.3 */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}

/** @param hasVersions whether the inventory is one of all versions, where no id is the id `null` */
export function itemOf(row: CsvRow, hasVersions: boolean): InventoryItem {
  const sizeBytes = Number(row["size"] ?? 0);
  return {
    key: row["key"] ?? "",
    versionId: hasVersions ? (row["version_id"] ?? "null") : undefined,
    isLatest: !hasVersions || isTrue(row["is_latest"]),
    sizeBytes: Number.isSafeInteger(sizeBytes) ? sizeBytes : 0,
    etag: (row["e_tag"] ?? "").replaceAll('"', ""),
    lastModifiedMs: timeOf(row["last_modified_date"] ?? ""),
  };
}

/** ISO 8601, as inventories have it; 0 for anything else. `Date.parse` alone takes "1" for a year and the 31st of February. */
function timeOf(text: string): number {
  const ms = /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text.slice(0, 10) ? 0 : ms;
}

/** The first of them; none is picked from all over the files, for they are read once. */
function keepSample(group: Counted, item: InventoryItem): void {
  if (group.samples.length < SAMPLES_MAX) group.samples.push(item);
}

function traitsOf(
  row: CsvRow,
  item: InventoryItem,
  tellsParts: boolean,
  { byOwner, markersFromMs }: GroupRequest,
): Traits {
  return {
    marker: isTrue(row["is_delete_marker"]),
    late: markersFromMs !== undefined && item.lastModifiedMs >= markersFromMs,
    multipart: tellsParts ? isTrue(row["is_multipart_uploaded"]) : item.etag.includes("-"),
    status: row["replication_status"] ?? null,
    encryption: row["encryption_status"] ?? null,
    bucketKey: row["bucket_key_status"] === undefined ? null : row["bucket_key_status"] === "ENABLED",
    storageClass: row["storage_class"] ?? null,
    tier: row["intelligent_tiering_access_tier"] ?? null,
    retained: row["object_lock_retain_until_date"] !== undefined,
    held:
      row["object_lock_legal_hold_status"] === undefined ? null : /^on$/i.test(row["object_lock_legal_hold_status"]),
    owner: byOwner ? (row["object_owner"] ?? null) : null,
    acl: byOwner ? (row["object_access_control_list"] ?? null) : null,
    recorded: null,
  };
}

function isTrue(text: string | undefined): boolean {
  return text?.toLowerCase() === "true";
}
