/**
 * Listings of keys and versions, page by page, straight off the order of the table: each common prefix and each page
 * costs one seek, however much lies under it.
 *
 * What a page is called in XML and which parameters are echoed is the skin's business.
 */
import type { Connection, Row } from "../../ledger/database.ts";
import { placeOfVersionId } from "./version-id.ts";
import { LISTED_COLUMNS, type StoredVersion, versionOfRow } from "./versions.ts";

export interface ListRequest {
  readonly bucketId: number;
  readonly prefix: string;
  /** "" rolls nothing up. */
  readonly delimiter: string;
  /** 0..1000: entries and common prefixes together. */
  readonly maxKeys: number;
}

/** One page. `next` is where the following page starts; undefined on the last one. */
export interface ListPage<Next> {
  readonly versions: readonly StoredVersion[];
  /** In order, each once. */
  readonly commonPrefixes: readonly string[];
  readonly next?: Next;
}

/** The latest versions that are objects, keys behind `after` in UTF-8 order. */
export function listCurrent(
  connection: Connection,
  request: ListRequest & { readonly after: string },
): ListPage<string> {
  const walk = new Walk<string>(request);
  for (let start = startOf(request, request.after); start !== undefined && !walk.isFull; ) {
    const rows = connection.prepare(CURRENT[start.comparison]).iterate(request.bucketId, start.key);
    start = walk.take(rows, (row) => row["key"] as string);
  }
  return walk.page();
}

/** Where a listing of versions goes on: behind a version of a key, or behind all of them. */
export interface VersionMarker {
  readonly key: string;
  readonly versionId?: string;
}

/** All versions and markers, within a key the newest first. */
export function listVersions(
  connection: Connection,
  request: ListRequest & { readonly after?: VersionMarker },
): ListPage<VersionMarker> {
  const walk = new Walk<VersionMarker>(request);
  const next = (row: Row): VersionMarker => ({ key: row["key"] as string, versionId: row["version_id"] as string });
  const { after } = request;
  if (after?.versionId !== undefined && after.key.startsWith(request.prefix)) {
    walk.take(restOfKey(connection, request.bucketId, after.key, after.versionId), next);
  }
  for (let start = startOf(request, after?.key ?? ""); start !== undefined && !walk.isFull; ) {
    start = walk.take(connection.prepare(ALL[start.comparison]).iterate(request.bucketId, start.key), next);
  }
  return walk.page();
}

/** The first key of a walk: this one, or the first behind it. */
interface Start {
  readonly comparison: ">=" | ">";
  readonly key: string;
}

const currentBy = (comparison: Start["comparison"]): string =>
  `SELECT ${LISTED_COLUMNS} FROM s3_versions INDEXED BY s3_versions_current ` +
  `WHERE bucket_id = ? AND key ${comparison} ? AND is_latest = 1 AND is_marker = 0 ORDER BY key`;
const CURRENT = { ">=": currentBy(">="), ">": currentBy(">") };

const allBy = (comparison: Start["comparison"]): string =>
  `SELECT ${LISTED_COLUMNS} FROM s3_versions WHERE bucket_id = ? AND key ${comparison} ? ` +
  "ORDER BY bucket_id, key, place DESC, version_id";
const ALL = { ">=": allBy(">="), ">": allBy(">") };

/** Collects rows until the page is full. `Next` is what a following page needs to know of the last entry. */
class Walk<Next> {
  readonly #request: ListRequest;
  readonly #versions: StoredVersion[] = [];
  readonly #prefixes: string[] = [];
  #last: Next | string | undefined;
  #isTruncated = false;

  constructor(request: ListRequest) {
    this.#request = request;
  }

  get isFull(): boolean {
    return this.#isTruncated || this.#request.maxKeys === 0;
  }

  /** Takes rows in order. Returns where to go on from, when the rows under a prefix are to be leapt over. */
  take(rows: Iterable<Row>, nextOf: (row: Row) => Next): Start | undefined {
    const { prefix, delimiter, maxKeys } = this.#request;
    for (const row of rows) {
      const key = row["key"] as string;
      if (!key.startsWith(prefix)) return undefined;
      if (this.#versions.length + this.#prefixes.length >= maxKeys) {
        this.#isTruncated = true;
        return undefined;
      }
      const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      if (end >= 0) {
        const common = key.slice(0, end + delimiter.length);
        this.#prefixes.push(common);
        this.#last = common;
        return behindPrefix(common);
      }
      this.#versions.push(versionOfRow(this.#request.bucketId, row));
      this.#last = nextOf(row);
    }
    return undefined;
  }

  page(): ListPage<Next> {
    const page = { versions: this.#versions, commonPrefixes: this.#prefixes };
    if (!this.#isTruncated || this.#last === undefined) return page;
    return { ...page, next: this.#last as Next };
  }
}

/** Where a page starts. A marker that is a common prefix itself leaps over everything under it. */
function startOf({ prefix, delimiter }: ListRequest, after: string): Start | undefined {
  if (after === "" || compareKeys(after, prefix) < 0) return { comparison: ">=", key: prefix };
  const end = delimiter === "" || !after.startsWith(prefix) ? -1 : after.indexOf(delimiter, prefix.length);
  if (end >= 0 && end + delimiter.length === after.length) return behindPrefix(after);
  return { comparison: ">", key: after };
}

function behindPrefix(prefix: string): Start | undefined {
  const key = successor(prefix);
  return key === undefined ? undefined : { comparison: ">=", key };
}

/** The versions of a key that are older than the given one. */
function restOfKey(connection: Connection, bucketId: number, key: string, versionId: string): Iterable<Row> {
  const place =
    placeOfVersionId(versionId) ??
    connection
      .prepare("SELECT place FROM s3_versions WHERE bucket_id = ? AND key = ? AND version_id = ? AND foreign_id = 1")
      .get(bucketId, key, versionId)?.["place"];
  // A marker that is gone and whose id says nothing of its place: what is left of the key cannot be told.
  if (place === undefined || place === null) return [];
  return connection
    .prepare(
      `SELECT ${LISTED_COLUMNS} FROM s3_versions WHERE bucket_id = ? AND key = ? AND (place < ? OR (place = ? AND version_id > ?)) ` +
        "ORDER BY bucket_id, key, place DESC, version_id",
    )
    .iterate(bucketId, key, place, place, versionId);
}

/** Orders keys as S3 does: by their UTF-8 bytes. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The smallest key that is greater than every key with this prefix; undefined when there is none. */
export function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (one) => one.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // Surrogates are no characters: U+D7FF is followed by U+E000.
    points.push(last === 0xd7ff ? 0xe000 : last + 1);
    return String.fromCodePoint(...points);
  }
  return undefined;
}
