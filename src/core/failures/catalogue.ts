/**
 * Every reason why a version is not at its destination, as a closed table: AWS's own failure reasons, and ours for
 * what AWS has no word for. Codes with origin "lockstep" must never be shown as AWS's.
 *
 * `retry: "later"` keeps the version PENDING: the cause passes by itself. `retry: "never"` makes it FAILED: somebody has
 * to change something first.
 */

export type FailureClass =
  | "permission"
  | "configuration"
  | "storage"
  | "encryption"
  | "integrity"
  | "eligibility"
  | "transient"
  | "network"
  | "unknown";

export interface FailureEntry {
  readonly origin: "aws" | "lockstep";
  readonly class: FailureClass;
  /** One sentence: what happened. */
  readonly title: string;
  readonly retry: "never" | "later";
  /** One sentence: what to do. */
  readonly remedy: string;
  readonly source: string;
}

const REASONS = "aws-replication.md §4.1";
const SILENT = "aws-replication.md §2.1";

export const FAILURES = {
  AssumeRoleNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "S3 cannot assume the replication role",
    retry: "never",
    remedy: "Let the role's trust policy allow sts:AssumeRole to s3.amazonaws.com, and check that the role exists",
    source: REASONS,
  },
  DstBucketInvalidRegion: {
    origin: "aws",
    class: "configuration",
    title: "The destination bucket is not in the Region that the job expects",
    retry: "never",
    remedy: "Make the job again with the destination bucket's Region",
    source: REASONS,
  },
  DstBucketNotFound: {
    origin: "aws",
    class: "configuration",
    title: "The destination bucket does not exist",
    retry: "never",
    remedy: "Create the destination bucket, or correct its ARN in the rule",
    source: REASONS,
  },
  DstBucketObjectLockConfigMissing: {
    origin: "aws",
    class: "configuration",
    title: "The source has Object Lock and the destination bucket has not",
    retry: "never",
    remedy: "Enable Object Lock on the destination bucket",
    source: REASONS,
  },
  DstBucketUnversioned: {
    origin: "aws",
    class: "configuration",
    title: "The destination bucket's versioning is not enabled",
    retry: "never",
    remedy: "Enable versioning on the destination bucket",
    source: REASONS,
  },
  DstDelObjNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not write delete markers at the destination",
    retry: "never",
    remedy:
      "Allow s3:ReplicateDelete on the destination's objects to the role (and in the bucket policy across accounts)",
    source: REASONS,
  },
  DstKmsKeyInvalidState: {
    origin: "aws",
    class: "encryption",
    title: "The destination's KMS key cannot be used in its present state",
    retry: "never",
    remedy: "Enable the key, or cancel its deletion",
    source: REASONS,
  },
  DstKmsKeyNotFound: {
    origin: "aws",
    class: "encryption",
    title: "The rule's KMS key does not exist in the destination's Region",
    retry: "never",
    remedy: "Set ReplicaKmsKeyID to the ARN of a key in the destination bucket's Region",
    source: REASONS,
  },
  DstMultipartCompleteNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not complete multipart uploads at the destination",
    retry: "never",
    remedy: "Allow s3:ReplicateObject on the destination's objects to the role",
    source: REASONS,
  },
  DstMultipartInitNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not start multipart uploads at the destination",
    retry: "never",
    remedy: "Allow s3:ReplicateObject on the destination's objects, and the use of the destination's key, to the role",
    source: REASONS,
  },
  DstMultipartUploadNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not upload parts to the destination",
    retry: "never",
    remedy: "Allow s3:ReplicateObject on the destination's objects to the role",
    source: REASONS,
  },
  DstObjectHardDeleted: {
    origin: "aws",
    class: "storage",
    title: "The replica was permanently deleted at the destination",
    retry: "never",
    remedy: "Copy the source object in place: the new version replicates",
    source: REASONS,
  },
  DstPutAclNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not write the replica's access control list",
    retry: "never",
    remedy: "Allow s3:ReplicateObject to the role, and align Object Ownership of both buckets",
    source: REASONS,
  },
  DstPutLegalHoldNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not put a legal hold on the replica",
    retry: "never",
    remedy: "Allow s3:PutObjectLegalHold on the destination's objects to the role",
    source: REASONS,
  },
  DstPutObjectNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not write replicas to the destination",
    retry: "never",
    remedy: "Allow s3:ReplicateObject on the destination's objects, and the use of the destination's key, to the role",
    source: REASONS,
  },
  DstPutRetentionNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not set the replica's retention",
    retry: "never",
    remedy: "Allow s3:PutObjectRetention on the destination's objects to the role",
    source: REASONS,
  },
  DstPutTaggingNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not write tags to the replica",
    retry: "never",
    remedy: "Allow s3:ReplicateTags on the destination's objects to the role",
    source: REASONS,
  },
  DstVersionNotFound: {
    origin: "aws",
    class: "storage",
    title: "The version whose metadata changed is not at the destination",
    retry: "never",
    remedy: "Replicate the version itself again",
    source: REASONS,
  },
  InitiateReplicationNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The Batch Operations job's role may not initiate replication",
    retry: "never",
    remedy: "Allow s3:InitiateReplication on the source's objects to the job's role",
    source: REASONS,
  },
  SrcBucketInvalidRegion: {
    origin: "aws",
    class: "configuration",
    title: "The source bucket is not in the job's Region",
    retry: "never",
    remedy: "Make the job in the source bucket's Region",
    source: REASONS,
  },
  SrcBucketNotFound: {
    origin: "aws",
    class: "configuration",
    title: "The source bucket does not exist",
    retry: "never",
    remedy: "Check the bucket's name and account",
    source: REASONS,
  },
  SrcBucketReplicationConfigMissing: {
    origin: "aws",
    class: "configuration",
    title: "The source bucket has no replication configuration",
    retry: "never",
    remedy: "Put the replication configuration back",
    source: REASONS,
  },
  SrcGetAclNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not read the access control list of source versions",
    retry: "never",
    remedy: "Allow s3:GetObjectVersionAcl on the source's objects to the role; let the bucket's owner own the objects",
    source: REASONS,
  },
  SrcGetLegalHoldNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not read legal holds of source versions",
    retry: "never",
    remedy: "Allow s3:GetObjectLegalHold on the source's objects to the role",
    source: REASONS,
  },
  SrcGetObjectNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not read source versions",
    retry: "never",
    remedy: "Allow s3:GetObjectVersionForReplication on the source's objects, and kms:Decrypt on its key, to the role",
    source: REASONS,
  },
  SrcGetRetentionNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not read the retention of source versions",
    retry: "never",
    remedy: "Allow s3:GetObjectRetention on the source's objects to the role",
    source: REASONS,
  },
  SrcGetTaggingNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not read the tags of source versions",
    retry: "never",
    remedy: "Allow s3:GetObjectVersionTagging on the source's objects to the role",
    source: REASONS,
  },
  SrcHeadObjectNotPermitted: {
    origin: "aws",
    class: "permission",
    title: "The role may not read the metadata of source versions",
    retry: "never",
    remedy:
      "Allow s3:GetObjectVersionForReplication on the source's objects and s3:ListBucket on the source to the role",
    source: REASONS,
  },
  SrcKeyNotFound: {
    origin: "aws",
    class: "storage",
    title: "The source key was gone before it was replicated",
    retry: "never",
    remedy: "Nothing is to be done if the key was deleted on purpose",
    source: REASONS,
  },
  SrcKmsKeyInvalidState: {
    origin: "aws",
    class: "encryption",
    title: "The source's KMS key cannot be used in its present state",
    retry: "never",
    remedy: "Enable the key, or cancel its deletion",
    source: REASONS,
  },
  SrcObjectNotEligible: {
    origin: "aws",
    class: "eligibility",
    title: "No rule takes the source version any more",
    retry: "never",
    remedy: "Enable or correct the rule; copy archived objects to a readable storage class",
    source: REASONS,
  },
  SrcObjectNotFound: {
    origin: "aws",
    class: "storage",
    title: "The source object does not exist",
    retry: "never",
    remedy: "Nothing is to be done if the object was deleted on purpose; check the version ids of a manifest",
    source: REASONS,
  },
  SrcReplicationNotPending: {
    origin: "aws",
    class: "storage",
    title: "The version was replicated already",
    retry: "never",
    remedy: "Nothing: a second request for the same version is harmless",
    source: REASONS,
  },
  SrcVersionNotFound: {
    origin: "aws",
    class: "storage",
    title: "The source version was gone before it was replicated",
    retry: "never",
    remedy: "Nothing is to be done if the version was deleted on purpose",
    source: REASONS,
  },

  CredentialsInvalid: {
    origin: "lockstep",
    class: "permission",
    title: "The store does not accept the credentials",
    retry: "never",
    remedy: "Correct the access key and secret of the site",
    source: "aws-replication.md §12.1",
  },
  CredentialsExpired: {
    origin: "lockstep",
    class: "transient",
    title: "The session's credentials have run out",
    retry: "later",
    remedy: "Nothing: a new session is made on the next try",
    source: "aws-replication.md §12.1",
  },
  ClockSkewed: {
    origin: "lockstep",
    class: "transient",
    title: "The clock differs from the store's by more than 15 minutes",
    retry: "later",
    remedy: "Set the clock of this machine",
    source: "aws-replication.md §12.1",
  },
  DstQuotaExceeded: {
    origin: "lockstep",
    class: "storage",
    title: "The destination's quota is used up",
    retry: "never",
    remedy: "Raise the quota of the destination's bucket or user, or make room",
    source: "Ceph RGW 16.2: 403 QuotaExceeded",
  },
  RequestThrottled: {
    origin: "lockstep",
    class: "transient",
    title: "The store asks for fewer requests",
    retry: "later",
    remedy: "Nothing: it is tried again more slowly",
    source: "aws-replication.md §12.1",
  },
  KmsThrottled: {
    origin: "lockstep",
    class: "transient",
    title: "KMS asks for fewer requests",
    retry: "later",
    remedy: "Raise the KMS request quota, or use S3 Bucket Keys",
    source: "aws-replication.md §5.3",
  },
  StoreUnavailable: {
    origin: "lockstep",
    class: "transient",
    title: "The store answers with an error of its own",
    retry: "later",
    remedy: "Nothing: it is tried again until the store answers",
    source: "aws-replication.md §3.2",
  },
  EndpointUnreachable: {
    origin: "lockstep",
    class: "network",
    title: "Nobody answers at the store's address",
    retry: "later",
    remedy: "Check that the store runs and that its address and port are right",
    source: "aws-replication.md §3.2",
  },
  DnsFailed: {
    origin: "lockstep",
    class: "network",
    title: "The store's name cannot be resolved",
    retry: "later",
    remedy: "Check the endpoint's host name and the resolver",
    source: "aws-replication.md §3.2",
  },
  TlsFailed: {
    origin: "lockstep",
    class: "network",
    title: "No trusted TLS connection to the store can be made",
    retry: "later",
    remedy: "Check the store's certificate, and name its authority in the site's settings",
    source: "aws-replication.md §3.2",
  },
  ConnectionBroken: {
    origin: "lockstep",
    class: "network",
    title: "The connection to the store broke",
    retry: "later",
    remedy: "Nothing: it is tried again",
    source: "aws-replication.md §3.2",
  },
  ChecksumMismatch: {
    origin: "lockstep",
    class: "integrity",
    title: "The bytes that arrived are not the bytes that were sent",
    retry: "later",
    remedy: "Nothing: it is tried again; when it repeats, check the network and the source's disk",
    source: "aws-replication.md §12.1",
  },
  TruncatedBody: {
    origin: "lockstep",
    class: "integrity",
    title: "The source's body ended before its announced length",
    retry: "later",
    remedy: "Nothing: it is tried again; when it repeats, the source has lost part of the object",
    source: "RFC 9112 §8",
  },
  ReplicaAltered: {
    origin: "lockstep",
    class: "integrity",
    title: "The replica at the destination is not what was written",
    retry: "never",
    remedy: "Find out who writes to the destination, then replicate the version again",
    source: "ARCHITECTURE.md, Errors",
  },
  SourceChanged: {
    origin: "lockstep",
    class: "transient",
    title: "The source changed while it was copied",
    retry: "later",
    remedy: "Nothing: it is tried again with what is there then",
    source: "ARCHITECTURE.md, Errors",
  },
  FeatureUnsupported: {
    origin: "lockstep",
    class: "configuration",
    title: "The store does not know a feature that the version or the rule needs",
    retry: "never",
    remedy: "Use a destination that has the feature, or change the rule so that it is not needed",
    source: "aws-replication.md §12.1",
  },
  BodyTooLarge: {
    origin: "lockstep",
    class: "storage",
    title: "The destination does not take objects of this size",
    retry: "never",
    remedy: "Raise the destination's largest object size, or leave such objects out of the rule",
    source: "aws-replication.md §12.1",
  },
  DstStorageFull: {
    origin: "lockstep",
    class: "storage",
    title: "The destination has no room left",
    retry: "later",
    remedy: "Make room at the destination: it is tried again by itself",
    source: "RFC 4918 §11.5: 507 Insufficient Storage",
  },
  DstNewerVersionThere: {
    origin: "lockstep",
    class: "configuration",
    title: "A newer version is at the destination, and this one could only be put on top of it",
    retry: "never",
    remedy: "Leave it, or remove the newer replicas for good and replicate all of the key's versions again in order",
    source: "ARCHITECTURE.md, Replicas that get ids of their own",
  },
  DstVersionIdDiffers: {
    origin: "lockstep",
    class: "configuration",
    title: "The destination gave the replica another version id",
    retry: "never",
    remedy: "Use a destination that keeps version ids, or one whose own ids are mapped",
    source: "aws-replication.md §5.8",
  },
  EngineFault: {
    origin: "lockstep",
    class: "unknown",
    title: "Lockstep met a fault of its own",
    retry: "later",
    remedy: "Report it with the message",
    source: "ARCHITECTURE.md, Errors",
  },
  UnknownAnswer: {
    origin: "lockstep",
    class: "unknown",
    title: "The store gave an answer that Lockstep does not know",
    retry: "never",
    remedy: "Read the answer that is kept with the failure, and report it",
    source: "ARCHITECTURE.md, Errors",
  },

  NoConfiguration: {
    origin: "lockstep",
    class: "eligibility",
    title: "The bucket has no replication configuration, so nothing is replicated",
    retry: "never",
    remedy: "Put a replication configuration on the bucket",
    source: SILENT,
  },
  RuleDisabled: {
    origin: "lockstep",
    class: "eligibility",
    title: "The rule that would take these versions is disabled",
    retry: "never",
    remedy: "Enable the rule; what was written meanwhile needs a resync",
    source: SILENT,
  },
  PrefixDiffers: {
    origin: "lockstep",
    class: "eligibility",
    title: "The keys do not start with any rule's prefix",
    retry: "never",
    remedy: "Correct the prefix (no leading slash, no wildcard), or add a rule",
    source: SILENT,
  },
  TagsDiffer: {
    origin: "lockstep",
    class: "eligibility",
    title: "The versions did not carry the rule's tags when they were written",
    retry: "never",
    remedy: "Write the tags in the same request as the object, or select by prefix",
    source: SILENT,
  },
  KmsNotSelected: {
    origin: "lockstep",
    class: "eligibility",
    title: "KMS-encrypted versions are not selected by the rule",
    retry: "never",
    remedy: "Add SseKmsEncryptedObjects and a ReplicaKmsKeyID to the rule",
    source: `${SILENT}; that such versions carry no status is unconfirmed (A1)`,
  },
  DeleteMarkersNotReplicated: {
    origin: "lockstep",
    class: "eligibility",
    title: "The rule does not replicate delete markers",
    retry: "never",
    remedy: "Enable DeleteMarkerReplication in a rule without tags, if deletes are to reach the destination",
    source: SILENT,
  },
  MarkerByLifecycle: {
    origin: "lockstep",
    class: "eligibility",
    title: "Delete markers made by Lifecycle are never replicated",
    retry: "never",
    remedy: "By design: put the Lifecycle rule on the destination too",
    source: SILENT,
  },
  SourceArchived: {
    origin: "lockstep",
    class: "eligibility",
    title: "Archived versions cannot be read, so they are not replicated",
    retry: "never",
    remedy: "Restore them and copy them to a readable storage class",
    source: SILENT,
  },
  SourceIsReplica: {
    origin: "lockstep",
    class: "eligibility",
    title: "Replicas are not replicated on",
    retry: "never",
    remedy: "By design: replicate from the first bucket to each destination, or use Batch Replication",
    source: SILENT,
  },
  ModificationsNotReplicated: {
    origin: "lockstep",
    class: "eligibility",
    title: "Changes of replicas' metadata stay where they were made",
    retry: "never",
    remedy: "Enable replica modification sync in the rules of both buckets",
    source: SILENT,
  },
  NeverAdmitted: {
    origin: "lockstep",
    class: "eligibility",
    title: "The version was never replicated, so its metadata is not either",
    retry: "never",
    remedy: "Replicate the version itself first",
    source: SILENT,
  },
  NeverTried: {
    origin: "lockstep",
    class: "eligibility",
    title: "A rule takes these versions now, but they were never tried: they were written before it was in force",
    retry: "never",
    remedy: "Resync: existing versions are not replicated by themselves",
    source: SILENT,
  },
  RetryNeeded: {
    origin: "lockstep",
    class: "eligibility",
    title: "They failed earlier, for a cause that is gone; S3 never tries them again by itself",
    retry: "never",
    remedy: "Resync: a FAILED version stays FAILED until it is replicated again",
    source: "aws-replication.md §3.2",
  },
} as const satisfies Record<string, FailureEntry>;

export type FailureCode = keyof typeof FAILURES;

/** Spellings that AWS used in other documents or years. */
const ALIASES: ReadonlyMap<string, FailureCode> = new Map([
  ["DstMultipartPartUploadNotPermitted", "DstMultipartUploadNotPermitted"],
  ["SrcGetObjNotPermitted", "SrcGetObjectNotPermitted"],
]);

/** The code that a store, an event or a report names; undefined when it is none of the catalogue. */
export function failureCode(name: string): FailureCode | undefined {
  return isFailureCode(name) ? name : ALIASES.get(name);
}

export function isFailureCode(name: string): name is FailureCode {
  return Object.hasOwn(FAILURES, name);
}

export function failureEntry(code: FailureCode): FailureEntry {
  return FAILURES[code];
}
