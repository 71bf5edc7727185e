/**
 * The nouns of the product, in AWS's words. Plain data: no behaviour, no validation.
 *
 * A version id is always a string; the version that has none (written before versioning) is the literal "null".
 */

/** One version of one key. */
export interface VersionRef {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

/** What a replication task does at the destination. */
export type Operation = "put" | "deleteMarker" | "tags" | "acl" | "retention" | "legalHold" | "delete";

/**
 * The value of `x-amz-replication-status`. A version that no rule selected has none.
 *
 * @source aws-replication.md §3.1
 */
export type ReplicationStatus = "PENDING" | "COMPLETED" | "FAILED" | "REPLICA";

/** How the bytes of a version are encrypted at rest, in the words of S3 Inventory's `EncryptionStatus`. */
export type EncryptionKind = "NOT-SSE" | "SSE-S3" | "SSE-KMS" | "DSSE-KMS" | "SSE-C";

export interface Encryption {
  readonly kind: EncryptionKind;
  /** Full key ARN; only with SSE-KMS and DSSE-KMS. */
  readonly kmsKeyArn?: string;
  /** Whether an S3 Bucket Key is used: the encryption context is then the bucket's ARN. */
  readonly bucketKey?: boolean;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

/**
 * Until when a version cannot be removed. GOVERNANCE can be lifted by those who may, COMPLIANCE by nobody.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
export interface Retention {
  readonly mode: "GOVERNANCE" | "COMPLIANCE";
  readonly retainUntilMs: number;
}

/** Who owns an object, and who else may do what with it. */
export interface AccessControlList {
  /** Canonical user id. */
  readonly ownerId: string;
  readonly grants: readonly AclGrant[];
}

export interface AclGrant {
  readonly grantee: { readonly kind: "user"; readonly id: string } | { readonly kind: "group"; readonly uri: string };
  readonly permission: "FULL_CONTROL" | "READ" | "READ_ACP" | "WRITE" | "WRITE_ACP";
}

/** A version as it is at its bucket. */
export interface ObjectVersion extends VersionRef {
  readonly isDeleteMarker: boolean;
  /** True when the marker was made by Lifecycle: such markers are never replicated. */
  readonly byLifecycle?: boolean;
  /** 0 for delete markers. */
  readonly sizeBytes: number;
  /** Without quotes; empty for delete markers. Never proof of difference. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  readonly storageClass: string;
  readonly encryption: Encryption;
  readonly tags: readonly Tag[];
  readonly replicationStatus?: ReplicationStatus;
  /** Where an object of class INTELLIGENT_TIERING lies when it cannot be read: `ARCHIVE_ACCESS`, `DEEP_ARCHIVE_ACCESS`. */
  readonly archiveStatus?: string;
}

/**
 * Something that happened to a version and may have to happen at destinations too.
 *
 * `taken` holds the rules that selected the version when it was written, where the store decided that itself (the
 * lab does, as S3 does); without it the intake decides by the configuration it reads.
 *
 * `isInitiated` marks a version whose replication somebody asked for again: what FAILED of it before is tried anew.
 */
export interface ChangeEvent {
  readonly operation: Operation;
  readonly version: ObjectVersion;
  readonly atMs: number;
  readonly taken?: readonly { readonly ruleId: string; readonly destinationArn: string }[];
  readonly isInitiated?: boolean;
}

/** A parsed replication configuration. `schema` tells which of the two generations its rules belong to. */
export interface ReplicationConfiguration {
  readonly roleArn: string;
  readonly schema: "V1" | "V2";
  /** In document order, 1..1000 of them. */
  readonly rules: readonly Rule[];
}

/** @source aws-replication.md §1.2 */
export interface Rule {
  readonly id: string;
  /** 0..2^31-1; V1 rules have none. Decides only between rules with the same destination. */
  readonly priority?: number;
  readonly enabled: boolean;
  /** A plain starts-with match; "" selects every key. */
  readonly prefix: string;
  /** All of them must be on the version, with equal values, when it is written. */
  readonly tags: readonly Tag[];
  /** V1: undefined, and markers made by users are replicated. */
  readonly deleteMarkers?: boolean;
  /** Whether SSE-KMS and DSSE-KMS versions are selected too (`SseKmsEncryptedObjects`). */
  readonly kmsObjects: boolean;
  readonly replicaModifications: boolean;
  readonly destination: Destination;
}

export interface Destination {
  readonly bucketArn: string;
  readonly account?: string;
  readonly storageClass?: string;
  /** `AccessControlTranslation`: the replica belongs to the destination bucket's owner. */
  readonly ownerOverride: boolean;
  /** Key or alias ARN that replicas of KMS-encrypted versions are encrypted with. */
  readonly replicaKmsKeyArn?: string;
  readonly replicationTimeMinutes?: number;
  readonly metrics: boolean;
}

/** One target of a bucket's event notifications. */
export interface NotificationTarget {
  readonly kind: "queue" | "topic" | "function" | "eventBridge";
  /** EventBridge has none. */
  readonly arn?: string;
  /** `s3:Replication:*` and the like; of EventBridge none are listed, for it gets all. */
  readonly events: readonly string[];
  readonly prefix?: string;
  readonly suffix?: string;
}

/** One inventory of a bucket: what is reported how often, and where to. */
export interface InventorySetting {
  readonly id: string;
  readonly isEnabled: boolean;
  readonly prefix?: string;
  readonly versions: "All" | "Current";
  /** `Daily` or `Weekly`. */
  readonly frequency: string;
  /** `ReplicationStatus` and the like. */
  readonly fields: readonly string[];
  readonly destinationArn: string;
  readonly destinationPrefix?: string;
  /** `CSV`, `ORC` or `Parquet`. */
  readonly format: string;
}

/** What a call needs to speak for somebody. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** When they end, for session credentials. */
  readonly expiresAtMs?: number;
}
