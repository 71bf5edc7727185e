/** What the engine needs of its surroundings. `cli` hands it in; tests hand in simulations. */
import type { FailureCode } from "../core/failures/catalogue.ts";
import type { ChangeEvent, Operation, ReplicationConfiguration, ReplicationStatus, VersionRef } from "../core/model.ts";
import type { ChecksumAlgorithm, Store } from "../s3/store.ts";

/** Time and chance, so that a test can have its own. */
export interface Clock {
  nowMs(): number;
  /** Resolves after the time, or at once when the signal is aborted. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** 0..1 */
  random(): number;
}

/** Both ends of one rule, speaking as the rule's role. */
export interface Session {
  readonly source: Store;
  readonly destination: Store;
  /** Both hand over SSE-C versions as they are stored (`s3/replica-headers.ts`); other stores cannot replicate them. */
  readonly movesSealed?: boolean;
  /** Both buckets are of one store, and who writes may read: the name by which `destination` knows the source's bucket. */
  readonly sourceWithin?: string;
}

export interface Sites {
  /** The bucket's replication configuration as it is now; undefined when it has none. */
  configuration(bucket: string): Promise<ReplicationConfiguration | undefined>;

  /** What of a bucket decides about its replication besides its configuration. Cheap when repeated. */
  traits(bucket: string): Promise<BucketTraits>;

  /**
   * Assumes the role for one source and destination. Cheap when repeated: sessions are kept for a while.
   *
   * @throws S3Error when the role cannot be assumed
   */
  session(request: SessionRequest): Promise<Session>;

  /** Reads and lists a bucket for the engine's own purposes: scans, resync. Not for replication itself. */
  reader(bucket: string): Store;

  /** The replications that write into a bucket, where more than one store is known: what they wrote is no news there. */
  origins?(bucket: string): readonly Origin[];

  /**
   * Shows the status of a version for one destination at the source, where the store can show one; the store sums up
   * over destinations. Idempotent.
   *
   * @param ended the task whose end this tells of, where it does: stores tell others of failures, with their reasons
   */
  publish(version: VersionRef, destinationArn: string, status: ReplicationStatus, ended?: EndedTask): Promise<void>;

  /** Whether versions that are removed for good at a bucket are removed at its destinations; AWS never does that. */
  propagatesDeletes?(bucket: string): boolean;

  /** No store here shows a status: `publish` does nothing, and what it would be told need not be found out. */
  readonly showsNoStatus?: boolean;
}

/** What was to be done to a version, and why it is FAILED, if it is. */
export interface EndedTask {
  readonly operation: Operation;
  readonly ruleId: string;
  /** Undefined when it is done. */
  readonly failure?: FailureCode;
}

/** A bucket whose versions are replicated to a destination. */
export interface Origin {
  readonly bucket: string;
  readonly destinationArn: string;
}

/** Members are undefined where they are not known. */
export interface BucketTraits {
  readonly objectLock?: boolean;
  /** Object Ownership is BucketOwnerEnforced: access control lists have no say. */
  readonly ownerEnforced?: boolean;
  /** What is written there gets a version id of its own: replicas carry a mark, and the ledger remembers their ids. */
  readonly mintsVersionIds?: boolean;
  /** Nevertheless a replica takes the id of its source, where that is a UUID. */
  readonly keepsUuids?: boolean;
  /** False where the accounts of a source mean nothing: its grants are then not even read. */
  readonly takesGrants?: boolean;
  /** False where a store knows no uploads in parts: everything is written whole. */
  readonly takesUploads?: boolean;
  /** False where a part cannot be asked for: objects of several parts are then read and written whole. */
  readonly readsParts?: boolean;
  /** False where a multipart upload loses the tags that it brings: they are put when it is complete. */
  readonly tagsOnUploads?: boolean;
  /** False where a multipart upload loses the retention and the hold that it brings. */
  readonly locksOnUploads?: boolean;
  /** The ETag of an object that was put whole, and of a part, is the MD5 of its bytes. */
  readonly etagIsMd5?: boolean;
  /** The ETag of an object of parts is made of theirs as S3 makes it. */
  readonly multipartEtag?: boolean;
  /** A write whose bytes are not those of its `Content-MD5` is refused. */
  readonly md5Verified?: boolean;
  /** A write with a wrong checksum of these is refused. */
  readonly checksumsVerified?: readonly ChecksumAlgorithm[];
  /** A write that is only for an absent key is refused when there is an object. */
  readonly conditionalPut?: boolean;
  /** A source's class that is not among them becomes the store's default one. */
  readonly storageClasses?: readonly string[];
  /** The HEAD of a delete marker is a 404, as if it were gone: only a listing tells. */
  readonly hidesMarkers?: boolean;
}

export interface SessionRequest {
  readonly roleArn: string;
  readonly sourceBucket: string;
  readonly destinationArn: string;
}

/**
 * Changes in the order in which they happened. At least once: what was taken and not done is taken again after a
 * restart.
 */
export interface ChangeFeed {
  take(limit: number): Promise<readonly FeedEntry[]>;
  done(entries: readonly FeedEntry[]): Promise<void>;
  /** Calls the listener after every change. Returns how to stop that. */
  onChange(listener: () => void): () => void;
}

export interface FeedEntry {
  readonly sequence: number;
  readonly event: ChangeEvent;
}
