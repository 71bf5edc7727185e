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
 * Asks for the stored bytes of an SSE-C version, comes back with what describes them, and goes along when they are
 * written: replication cannot read what only the customer has the key of.
 */
export const SEALED_HEADER = "x-lockstep-sealed";
