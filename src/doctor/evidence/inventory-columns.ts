/** Whether an inventory is of a bucket and has the columns that a question needs. */
import { EvidenceError } from "./error.ts";
import type { LocalInventory } from "./inventory.ts";

const COLUMNS = {
  Key: "key",
  VersionId: "version_id",
  LastModifiedDate: "last_modified_date",
  ReplicationStatus: "replication_status",
} as const;

/** @throws EvidenceError that names what is to be configured */
export function requireColumns(
  { manifest, name }: Pick<LocalInventory, "manifest" | "name">,
  bucket: string,
  fields: readonly (keyof typeof COLUMNS)[],
): void {
  if (manifest.sourceBucket !== bucket)
    throw new EvidenceError(`${name} is an inventory of s3://${manifest.sourceBucket}, not of s3://${bucket}`);
  for (const field of fields) {
    if (!manifest.columns.includes(COLUMNS[field]))
      throw new EvidenceError(`${name} has no column ${field}: configure the inventory with it, of all versions`);
  }
}
