/**
 * The request headers by which a replicating service makes the written version the same version as the source's.
 *
 * The first is what AWS's own replication sends (seen in CloudTrail); the second is ours, for AWS's counterpart is not
 * public. The client writes them, the lab reads them, other stores ignore them. MinIO and its forks have a way of their
 * own, at the end of this file.
 *
 * @source aws-replication.md §5.4, §5.8
 */

/** The version id that the written version, or delete marker, takes. */
export const REPLICA_VERSION_ID_HEADER = "x-amz-version-id";

/** The `LastModified` that it takes, in milliseconds since 1970, decimal. */
export const REPLICA_LAST_MODIFIED_HEADER = "x-lockstep-source-last-modified";

/** Whose the replica is: the canonical user id of the source version's owner, or `REPLICA_OWNER_OVERRIDDEN`. */
export const REPLICA_OWNER_HEADER = "x-lockstep-replica-owner";

/** The destination bucket's owner owns the replica. */
export const REPLICA_OWNER_OVERRIDDEN = "destination";

/**
 * Sealed transfer: how an SSE-C version is replicated by somebody who cannot read it. The bytes move as they are stored.
 *
 * - GetObject with this header (any value) answers with the stored bytes, and in this header with an opaque text that
 *   says what they are: the wrapped key, the customer key's MD5, size, ETag, checksums. The text is sealed with a key of
 *   the service, so nobody can make one up. Versions under other encryption answer as if the header were not there.
 * - PutObject with the text, and the identity of the replica, writes those bytes: the same version under the same key.
 * - A multipart version goes part by part: CreateMultipartUpload takes the text of the version, GetObject with a part
 *   number answers with one part and a text of its own, UploadPart takes that part with its text. CompleteMultipartUpload
 *   is as ever.
 *
 * HeadObject needs no customer's key from replication. Checksums and sizes that a read tells are those of the
 * plaintext; the store that takes the bytes in checks them against what the text says of the stored ones.
 */
export const SEALED_HEADER = "x-lockstep-sealed";

/** In answers with sealed bytes: how long the object is for those who can read it. `Content-Length` is that of the bytes. */
export const SEALED_SIZE_HEADER = "x-lockstep-sealed-object-size";

/**
 * How MinIO is told whose replica a write is: the version id goes where reads have it, as the parameter `versionId` of
 * PutObject, CreateMultipartUpload and DeleteObject, and these headers say that it is meant so. The id has to be a UUID,
 * and the caller needs `s3:ReplicateObject`, or `s3:ReplicateDelete` for a delete marker.
 *
 * @source https://github.com/minio/minio-go/blob/master/api-put-object.go, api-remove.go, constants.go
 */
export const MINIO_REPLICATION_HEADER = "x-minio-source-replication-request";

/** The date that the replica takes: RFC 3339. */
export const MINIO_DATE_HEADER = "x-minio-source-mtime";

/** "true": the delete is a marker with the id in `versionId`, and not the end of that version. */
export const MINIO_MARKER_HEADER = "x-minio-source-deletemarker";

/** Also said by MinIO: the status that the version shows. */
export const MINIO_STATUS_HEADER = "x-amz-replication-status";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a version id is of the only form that MinIO takes from others. */
export function isUuid(versionId: string): boolean {
  return UUID.test(versionId);
}
