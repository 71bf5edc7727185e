/**
 * Inventory configurations of a bucket as they are set and shown. The reports are written by `inventory/`.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html; aws-replication.md §8
 */
import { bucketOfArn } from "../../core/arn.ts";
import type { Bucket } from "./bucket.ts";
import type { S3Call } from "./call.ts";
import { s3Error } from "./errors.ts";
import type { S3Operation } from "./operations.ts";
import type { S3Service } from "./service.ts";
import { openSettings } from "./settings.ts";

/** In the order in which reports have them. */
export const INVENTORY_FIELDS = [
  "Size",
  "LastModifiedDate",
  "ETag",
  "StorageClass",
  "IsMultipartUploaded",
  "ReplicationStatus",
  "EncryptionStatus",
  "ObjectLockRetainUntilDate",
  "ObjectLockMode",
  "ObjectLockLegalHoldStatus",
  "IntelligentTieringAccessTier",
  "BucketKeyStatus",
  "ChecksumAlgorithm",
  "ObjectAccessControlList",
  "ObjectOwner",
  "LifecycleExpirationDate",
] as const;
export type InventoryField = (typeof INVENTORY_FIELDS)[number];

export interface InventoryConfiguration {
  readonly id: string;
  readonly isEnabled: boolean;
  readonly prefix?: string;
  readonly versions: "All" | "Current";
  readonly frequency: "Daily" | "Weekly";
  /** In the order of `INVENTORY_FIELDS`. */
  readonly fields: readonly InventoryField[];
  readonly destination: InventoryDestination;
}

export interface InventoryDestination {
  readonly bucketArn: string;
  readonly accountId?: string;
  readonly format: "CSV" | "ORC" | "Parquet";
  readonly prefix?: string;
  readonly encryption?: { readonly kind: "SSE-S3" } | { readonly kind: "SSE-KMS"; readonly kmsKeyId: string };
}

/** A configuration and when it was put and last worked off. */
export interface StoredInventory {
  readonly configuration: InventoryConfiguration;
  readonly setMs: number;
  readonly lastMs?: number;
}

const CONFIGURATIONS_MAX = 1000;
const PAGE_MAX = 100;

export function getInventory(s3: S3Service, call: S3Call, bucketName: string, id: string): InventoryConfiguration {
  const bucket = openSettings(s3, call, "GetBucketInventoryConfiguration", bucketName);
  return requireInventory(bucket, id).configuration;
}

/** @throws ServiceError NoSuchConfiguration */
export function requireInventory(bucket: Bucket, id: string): StoredInventory {
  const found = bucket.settings.inventories?.find((one) => one.configuration.id === id);
  if (found === undefined) throw s3Error("NoSuchConfiguration");
  return found;
}

/** In the order of their ids. */
export function listInventories(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  after: string,
): { readonly page: readonly InventoryConfiguration[]; readonly next?: string } {
  const { settings } = openSettings(s3, call, "ListBucketInventoryConfigurations", bucketName);
  const rest = (settings.inventories ?? []).map((one) => one.configuration).filter((one) => one.id > after);
  const page = rest.slice(0, PAGE_MAX);
  const last = rest.length > page.length ? page.at(-1) : undefined;
  return { page, ...(last === undefined ? {} : { next: last.id }) };
}

/** Whether the destination is there and lets S3 in is found out when a report is written. */
export async function putInventory(
  s3: S3Service,
  call: S3Call,
  bucketName: string,
  configuration: InventoryConfiguration,
): Promise<void> {
  const bucket = openSettings(s3, call, "PutBucketInventoryConfiguration", bucketName);
  if (bucketOfArn(configuration.destination.bucketArn) === undefined) {
    throw s3Error("InvalidS3DestinationBucket", { details: { BucketName: configuration.destination.bucketArn } });
  }
  await changeInventories(s3, bucket, (before) => {
    const others = before.filter((one) => one.configuration.id !== configuration.id);
    if (others.length >= CONFIGURATIONS_MAX) throw s3Error("TooManyConfigurations");
    return [...others, { configuration, setMs: call.nowMs }];
  });
}

export async function deleteInventory(s3: S3Service, call: S3Call, bucketName: string, id: string): Promise<void> {
  const operation: S3Operation = "DeleteBucketInventoryConfiguration";
  const bucket = openSettings(s3, call, operation, bucketName);
  await changeInventories(s3, bucket, (before) => {
    const others = before.filter((one) => one.configuration.id !== id);
    if (others.length === before.length) throw s3Error("NoSuchConfiguration");
    return others;
  });
}

/** Remembers that a configuration was worked off, unless it is gone. */
export async function markInventory(s3: S3Service, bucket: Bucket, id: string, lastMs: number): Promise<void> {
  await changeInventories(s3, bucket, (before) =>
    before.map((one) => (one.configuration.id === id ? { ...one, lastMs } : one)),
  );
}

async function changeInventories(
  s3: S3Service,
  bucket: Bucket,
  change: (before: readonly StoredInventory[]) => readonly StoredInventory[],
): Promise<void> {
  await s3.buckets.update(bucket, ({ settings: { inventories = [], ...settings } }) => {
    const after = [...change(inventories)].sort((a, b) => (a.configuration.id < b.configuration.id ? -1 : 1));
    return { settings: after.length === 0 ? settings : { ...settings, inventories: after } };
  });
}
