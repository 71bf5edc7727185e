/**
 * Which versions go into a generated manifest.
 *
 * @source aws-replication.md §6.1 for the members; that delete markers are listed too, where their status, date and key
 * pass, follows from AWS's warning that a job may replicate a marker before the versions under it
 */
import { eligibility } from "../../core/eligibility.ts";
import type { ReplicationConfiguration } from "../../core/model.ts";
import { objectVersionOf } from "../s3/replication.ts";
import type { StoredVersion } from "../s3/versions.ts";
import type { EncryptionFilter, ManifestFilter } from "./model.ts";

/** @param configuration of the version's bucket as it is now */
export function passesFilter(
  filter: ManifestFilter,
  version: StoredVersion,
  configuration: ReplicationConfiguration | undefined,
): boolean {
  return (
    passesName(filter, version) &&
    passesDate(filter, version) &&
    passesStatus(filter, version) &&
    passesContent(filter, version) &&
    (filter.eligibleForReplication !== true || isEligible(version, configuration))
  );
}

function passesName({ prefixes, suffixes, substrings }: ManifestFilter, { key }: StoredVersion): boolean {
  return (
    (prefixes === undefined || prefixes.some((one) => key.startsWith(one))) &&
    (suffixes === undefined || suffixes.some((one) => key.endsWith(one))) &&
    (substrings === undefined || substrings.some((one) => key.includes(one)))
  );
}

function passesDate({ createdAfterMs, createdBeforeMs }: ManifestFilter, { modifiedMs }: StoredVersion): boolean {
  return (
    (createdAfterMs === undefined || modifiedMs > createdAfterMs) &&
    (createdBeforeMs === undefined || modifiedMs < createdBeforeMs)
  );
}

function passesStatus({ statuses }: ManifestFilter, { replicationStatus }: StoredVersion): boolean {
  if (statuses === undefined) return true;
  return replicationStatus !== "PENDING" && statuses.includes(replicationStatus ?? "NONE");
}

/** A delete marker has no content that a filter could ask for. */
function passesContent(filter: ManifestFilter, version: StoredVersion): boolean {
  const { sizeGreaterThanBytes, sizeLessThanBytes, storageClasses, encryptions } = filter;
  const { sizeBytes, storageClass, isMarker } = version;
  if (isMarker) {
    const asked = [sizeGreaterThanBytes, sizeLessThanBytes, storageClasses, encryptions];
    return asked.every((one) => one === undefined);
  }
  return (
    (sizeGreaterThanBytes === undefined || sizeBytes > sizeGreaterThanBytes) &&
    (sizeLessThanBytes === undefined || sizeBytes < sizeLessThanBytes) &&
    (storageClasses === undefined || storageClasses.includes(storageClass)) &&
    (encryptions === undefined || encryptions.some((one) => passesEncryption(one, version)))
  );
}

function passesEncryption(wanted: EncryptionFilter, { encryption }: StoredVersion): boolean {
  return (
    encryption.kind === wanted.kind &&
    (wanted.kmsKeyArn === undefined || encryption.kmsKeyArn === wanted.kmsKeyArn) &&
    (wanted.bucketKey === undefined || (encryption.bucketKey ?? false) === wanted.bucketKey)
  );
}

/** By the rules and the tags of today; that a version is a replica is no obstacle. @source aws-replication.md §2 rows 11, 22 */
function isEligible(version: StoredVersion, configuration: ReplicationConfiguration | undefined): boolean {
  if (configuration === undefined) return false;
  const { replicationStatus: _, ...asWritten } = objectVersionOf("", version);
  return eligibility(configuration, asWritten, version.isMarker ? "deleteMarker" : "put").taken.length > 0;
}
