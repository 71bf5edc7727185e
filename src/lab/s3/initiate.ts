/**
 * Initiating the replication of a version that is there already: what a task of a Batch Replication job does.
 *
 * A version that is initiated becomes PENDING at the destinations of the rules that take it now, and goes into the outbox
 * in the same transaction. That is all: whether a replica is written is the work of replication, and its failures show
 * as FAILED on the version. Only what AWS lists as reasons of batch jobs alone is decided here.
 *
 * Unlike a write it looks at the tags of today, and replicas may be replicated on.
 *
 * @source aws-replication.md §2 rows 9, 11, 22, 42; §4.1; §6.5
 */
import { bucketOfArn } from "../../core/arn.ts";
import { eligibility } from "../../core/eligibility.ts";
import type { FailureCode } from "../../core/failures/catalogue.ts";
import type { ReplicationStatus, Rule } from "../../core/model.ts";
import type { Connection } from "../../ledger/database.ts";
import { ServiceError } from "../model.ts";
import { authoriseAction } from "./access.ts";
import type { Bucket } from "./bucket.ts";
import type { S3Call } from "./call.ts";
import { addChange, objectVersionOf, pendingAt, shownStatus } from "./replication.ts";
import type { S3Service } from "./service.ts";
import { NULL_VERSION } from "./version-id.ts";
import { findVersion, latestVersion, type StoredVersion, updateVersion } from "./versions.ts";

/** What is to be initiated, as a manifest names it. */
export interface InitiationTarget {
  readonly bucket: string;
  readonly key: string;
  /** Undefined when the manifest has no such column; "" when the row leaves it empty. */
  readonly versionId: string | undefined;
}

/** Why a version is not initiated: codes of the catalogue, and S3's InvalidRequest. */
export interface InitiationRefusal {
  readonly code: FailureCode | "InvalidRequest";
  readonly message: string;
}

/**
 * Initiates one version, inside a write. Who does must tell of the change after the commit (`announceChange`).
 *
 * @param call of the job's role, in the job's Region
 * @param destinationRegions Regions that destinations were in when the job was prepared, by their ARNs
 * @returns why not; undefined when it is initiated
 */
export function initiateReplication(
  s3: S3Service,
  connection: Connection,
  call: S3Call,
  target: InitiationTarget,
  destinationRegions: Readonly<Record<string, string>>,
): InitiationRefusal | undefined {
  const known = s3.buckets.find(target.bucket);
  if (known === undefined) return refusal("SrcBucketNotFound", "The source bucket does not exist");
  const bucket = s3.buckets.current(connection, known);
  if (bucket.region !== call.region) {
    return refusal("SrcBucketInvalidRegion", `The source bucket is in ${bucket.region}, the job in ${call.region}`);
  }
  if (!mayInitiate(s3, call, bucket, target.key)) {
    return refusal("InitiateReplicationNotPermitted", "The job's role may not initiate replication of the object");
  }
  const found = findTarget(connection, bucket, target);
  if ("code" in found) return found;
  if (bucket.replication === undefined) {
    return refusal("SrcBucketReplicationConfigMissing", "The source bucket has no replication configuration");
  }
  const { replicationStatus: _, ...asWritten } = objectVersionOf(bucket.name, found);
  const operation = found.isMarker ? "deleteMarker" : "put";
  const { taken } = eligibility(bucket.replication, asWritten, operation);
  if (taken.length === 0) return refusal("SrcObjectNotEligible", "Object is not eligible for replication");
  for (const rule of taken) {
    const because = refusalAt(s3, connection, found, rule, destinationRegions);
    if (because !== undefined) return because;
  }
  addChange(connection, found, operation, taken, call.nowMs, true);
  const destinations = { ...completedOf(found), ...pendingAt(taken) };
  updateVersion(connection, { ...found, destinations, replicationStatus: shownStatus(destinations, found.isReplica) });
  return undefined;
}

function refusal(code: InitiationRefusal["code"], message: string): InitiationRefusal {
  return { code, message };
}

function mayInitiate(s3: S3Service, call: S3Call, bucket: Bucket, key: string): boolean {
  try {
    authoriseAction(s3, call, "s3:InitiateReplication", { bucket, key });
    return true;
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}

/** @source aws-replication.md §6.2 for the two texts about version ids */
function findTarget(
  connection: Connection,
  bucket: Bucket,
  { key, versionId }: InitiationTarget,
): StoredVersion | InitiationRefusal {
  if (versionId === undefined) return refusal("InvalidRequest", "Task failed due to missing VersionId");
  if (versionId === "") return refusal("SrcObjectNotFound", "Object versionID is invalid");
  const version = findVersion(connection, bucket.id, key, versionId);
  if (version !== undefined) return version;
  return latestVersion(connection, bucket.id, key) === undefined
    ? refusal("SrcKeyNotFound", "The source object key does not exist")
    : refusal("SrcVersionNotFound", "The source object version does not exist");
}

/** What AWS decides about a destination when a job asks, and not when the replica is written. */
function refusalAt(
  s3: S3Service,
  connection: Connection,
  version: StoredVersion,
  rule: Rule,
  destinationRegions: Readonly<Record<string, string>>,
): InitiationRefusal | undefined {
  const { bucketArn: arn } = rule.destination;
  const destination = s3.buckets.find(bucketOfArn(arn) ?? "");
  if (destination === undefined) return undefined;
  const region = destinationRegions[arn];
  if (region !== undefined && region !== destination.region) {
    return refusal("DstBucketInvalidRegion", `The destination bucket was in ${region} and is in ${destination.region}`);
  }
  // The next `null` version is another one of the same name: only one that has arrived can have been removed.
  const hasArrived = version.versionId !== NULL_VERSION || version.destinations?.[arn] === "COMPLETED";
  return hasArrived && isRemovedReplica(connection, destination, version)
    ? refusal("DstObjectHardDeleted", "The replica was permanently deleted from the destination bucket")
    : undefined;
}

/** What failed or waits at a destination that no rule writes to any more says nothing of the version. */
function completedOf({ destinations }: StoredVersion): Record<string, ReplicationStatus> {
  return Object.fromEntries(Object.entries(destinations ?? {}).filter(([, status]) => status === "COMPLETED"));
}

/** Remembers a replica that is removed for good: a batch job never writes it again. @source aws-replication.md §2 row 42 */
export function rememberRemovedReplica(connection: Connection, { bucketId, key, versionId }: StoredVersion): void {
  connection.prepare("INSERT OR IGNORE INTO s3_removed_replicas VALUES (?, ?, ?)").run(bucketId, key, versionId);
}

function isRemovedReplica(connection: Connection, destination: Bucket, { key, versionId }: StoredVersion): boolean {
  if (findVersion(connection, destination.id, key, versionId) !== undefined) return false;
  const row = connection
    .prepare("SELECT 1 FROM s3_removed_replicas WHERE bucket_id = ? AND key = ? AND version_id = ?")
    .get(destination.id, key, versionId);
  return row !== undefined;
}

/** The Regions of the destinations that a bucket's rules write to now, by the destinations' ARNs. */
export function destinationRegionsOf(s3: S3Service, bucketName: string): Record<string, string> {
  const regions: Record<string, string> = {};
  for (const rule of s3.buckets.find(bucketName)?.replication?.rules ?? []) {
    const name = bucketOfArn(rule.destination.bucketArn) ?? "";
    const destination = s3.buckets.find(name);
    if (destination !== undefined) regions[rule.destination.bucketArn] = destination.region;
  }
  return regions;
}
