/** The manifest of a Batch Replication job that is written by hand: one version a line. Reading reports is `report.ts`'s. */
import { lineOf } from "../csv.ts";

/** The columns, as CreateJob is told of them. */
export const MANIFEST_FIELDS = ["Bucket", "Key", "VersionId"] as const;

/** A job that is given more rows at once takes hours to be prepared, and a report of as many to be read. */
export const MANIFEST_ROWS_MAX = 1_000_000;

export interface ManifestVersion {
  readonly bucket: string;
  readonly key: string;
  /** `null`, or "" as inventories write it, is the version from before versioning. */
  readonly versionId: string;
}

/**
 * One line with its end.
 *
 * Keys are percent-encoded but for their slashes. A version id is never left empty: an empty one fails its task, a missing
 * column the whole job.
 *
 * @source aws-replication.md §6.2
 */
export function manifestLine({ bucket, key, versionId }: ManifestVersion): string {
  return lineOf([bucket, encodeKey(key), versionId === "" ? "null" : versionId]);
}

function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll("%2F", "/")
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
}
