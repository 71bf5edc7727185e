/**
 * The columns of an inventory: what each of them holds of a version, and how the formats call it. Pure.
 *
 * @source aws-replication.md §8.3
 */
import type { AccessControlList } from "../../core/model.ts";
import { encodeUri } from "../../s3/sigv4.ts";

import type { InventoryConfiguration } from "../s3/inventory.ts";
import { NULL_VERSION } from "../s3/version-id.ts";
import type { StoredVersion } from "../s3/versions.ts";

/** A version, and what its row needs to know besides. */
export interface Inventoried {
  readonly bucket: string;
  readonly version: StoredVersion;
  /** The ACL that holds for it. */
  readonly acl: AccessControlList;
}

/** A date is in milliseconds since 1970; what is undefined is empty. */
export type CellValue = string | number | boolean | undefined;

export interface Column {
  readonly name: string;
  readonly type: "string" | "boolean" | "integer" | "instant";
  /** In Parquet and ORC. */
  readonly snakeName: string;
  readonly cellOf: (row: Inventoried) => CellValue;
}

const column = (
  name: string,
  snakeName: string,
  type: Column["type"],
  cellOf: Column["cellOf"],
): readonly [string, Column] => [name, { name, snakeName, type, cellOf }];

/** What delete markers do not have. */
const ofObject =
  (cellOf: (version: StoredVersion) => CellValue) =>
  ({ version }: Inventoried): CellValue =>
    version.isMarker ? undefined : cellOf(version);

const TIERS = { ARCHIVE_ACCESS: "ARCHIVE", DEEP_ARCHIVE_ACCESS: "DEEP_ARCHIVE" } as const;

const COLUMNS: ReadonlyMap<string, Column> = new Map([
  column("Bucket", "bucket", "string", ({ bucket }) => bucket),
  column("Key", "key", "string", ({ version }) => version.key),
  column("VersionId", "version_id", "string", ({ version: { versionId } }) =>
    versionId === NULL_VERSION ? undefined : versionId,
  ),
  column("IsLatest", "is_latest", "boolean", ({ version }) => version.isLatest),
  column("IsDeleteMarker", "is_delete_marker", "boolean", ({ version }) => version.isMarker),
  column(
    "Size",
    "size",
    "integer",
    ofObject((version) => version.sizeBytes),
  ),
  column("LastModifiedDate", "last_modified_date", "instant", ({ version }) => version.modifiedMs),
  column(
    "ETag",
    "e_tag",
    "string",
    ofObject((version) => version.etag),
  ),
  column(
    "StorageClass",
    "storage_class",
    "string",
    ofObject((version) => version.storageClass),
  ),
  column("IsMultipartUploaded", "is_multipart_uploaded", "boolean", ({ version }) => version.upload !== undefined),
  column("ReplicationStatus", "replication_status", "string", ({ version }) => version.replicationStatus),
  column(
    "EncryptionStatus",
    "encryption_status",
    "string",
    ofObject((version) => version.encryption.kind),
  ),
  column(
    "ObjectLockRetainUntilDate",
    "object_lock_retain_until_date",
    "instant",
    ({ version }) => version.lock?.retention?.retainUntilMs,
  ),
  column("ObjectLockMode", "object_lock_mode", "string", ({ version }) => version.lock?.retention?.mode),
  column("ObjectLockLegalHoldStatus", "object_lock_legal_hold_status", "string", ({ version: { lock } }) =>
    lock?.legalHold === undefined ? undefined : lock.legalHold ? "On" : "Off",
  ),
  column(
    "IntelligentTieringAccessTier",
    "intelligent_tiering_access_tier",
    "string",
    ofObject(({ storageClass, metadata: { archive } }) => {
      if (storageClass !== "INTELLIGENT_TIERING") return undefined;
      return archive?.status === undefined ? "FREQUENT" : TIERS[archive.status];
    }),
  ),
  column(
    "BucketKeyStatus",
    "bucket_key_status",
    "string",
    ofObject(({ encryption }) => (encryption.bucketKey === true ? "ENABLED" : "DISABLED")),
  ),
  column("ChecksumAlgorithm", "checksum_algorithm", "string", ({ version: { checksums } }) =>
    checksums === undefined ? undefined : Object.keys(checksums.values).join(","),
  ),
  column("ObjectAccessControlList", "object_access_control_list", "string", ({ acl }) =>
    Buffer.from(JSON.stringify(aclDocument(acl))).toString("base64"),
  ),
  column("ObjectOwner", "object_owner", "string", ({ acl }) => acl.ownerId),
  // There are no lifecycle rules here.
  column("LifecycleExpirationDate", "lifecycle_expiration_date", "instant", () => undefined),
]);

const ALWAYS = ["Bucket", "Key"];
const OF_VERSIONS = ["VersionId", "IsLatest", "IsDeleteMarker"];

/** In the order in which a report has them. */
export function columnsOf({ versions, fields }: InventoryConfiguration): Column[] {
  const names = [...ALWAYS, ...(versions === "All" ? OF_VERSIONS : []), ...fields];
  return names.flatMap((name) => COLUMNS.get(name) ?? []);
}

/** Every value in quotation marks; keys percent-encoded, as CSV alone has them. */
export function csvLine(columns: readonly Column[], row: Inventoried): string {
  return `${columns.map((one) => `"${csvText(one, one.cellOf(row)).replaceAll('"', '""')}"`).join(",")}\n`;
}

function csvText({ name, type }: Column, value: CellValue): string {
  if (value === undefined) return "";
  if (type === "instant") return new Date(Number(value)).toISOString();
  // Whether slashes stay is unconfirmed; they do in listings that are encoded.
  return name === "Key" ? encodeUri(String(value), true) : String(value);
}

/** For the manifest: names in a row. */
export function csvSchema(columns: readonly Column[]): string {
  return columns.map((one) => one.name).join(", ");
}

const PARQUET_TYPES: Readonly<Record<Column["type"], readonly [type: string, annotation: string]>> = {
  string: ["binary", " (UTF8)"],
  boolean: ["boolean", ""],
  integer: ["int64", ""],
  instant: ["int64", " (TIMESTAMP_MILLIS)"],
};

/** For the manifest: a message of Parquet. */
export function parquetSchema(columns: readonly Column[]): string {
  const fields = columns.map(({ name, snakeName, type }) => {
    const [parquetType, annotation] = PARQUET_TYPES[type];
    return `${ALWAYS.includes(name) ? "required" : "optional"} ${parquetType} ${snakeName}${annotation};`;
  });
  return `message s3.inventory { ${fields.join(" ")}}`;
}

function aclDocument({ grants }: AccessControlList) {
  return {
    version: "2022-11-10",
    status: "AVAILABLE",
    grants: grants.map(({ grantee, permission }) =>
      grantee.kind === "user"
        ? { canonicalId: grantee.id, type: "CanonicalUser", permission }
        : { uri: grantee.uri, type: "Group", permission },
    ),
  };
}
