/**
 * The request headers by which a replicating service makes the written version the same version as the source's.
 *
 * The first is what AWS's own replication sends (seen in CloudTrail); the second is ours, for AWS's counterpart is not
 * public. The client writes them, the lab reads them, other stores ignore them.
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
