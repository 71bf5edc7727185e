/**
 * The BucketSettings port: what stands beside the objects. The doctor reads it, patches change it, set-up makes it.
 *
 * Implementations: `s3/client.ts` (signed HTTP) and whatever has buckets. The errors are those of the Store port
 * (`store.ts`); what a bucket does not have configured is no error but `undefined`.
 */
import type { AccessControlList, Encryption, InventorySetting, NotificationTarget } from "../core/model.ts";
import type { XmlElement } from "../core/xml.ts";
import type { ObjectPage } from "./listings.ts";
import type { CallOptions } from "./store.ts";

export interface BucketSettings {
  /** Every bucket of the account that signs. */
  listBuckets(options?: CallOptions): Promise<readonly ListedBucket[]>;
  createBucket(bucket: string, request?: CreateBucketRequest, options?: CallOptions): Promise<void>;
  /** Rejects with `BucketNotEmpty` while there is a version or a marker in it. */
  deleteBucket(bucket: string, options?: CallOptions): Promise<void>;
  /** Rejects with 404 when there is none. The region only from stores that tell it. */
  headBucket(bucket: string, options?: CallOptions): Promise<{ readonly region?: string }>;
  getBucketLocation(bucket: string, options?: CallOptions): Promise<string>;

  /** Undefined: the bucket never had versioning. */
  getBucketVersioning(bucket: string, options?: CallOptions): Promise<VersioningStatus | undefined>;
  putBucketVersioning(bucket: string, status: VersioningStatus, options?: CallOptions): Promise<void>;

  /** JSON text, as it is stored. */
  getBucketPolicy(bucket: string, options?: CallOptions): Promise<string | undefined>;
  putBucketPolicy(bucket: string, policy: string, options?: CallOptions): Promise<void>;
  deleteBucketPolicy(bucket: string, options?: CallOptions): Promise<void>;

  /** The `ReplicationConfiguration` element; `core/config` reads and prints it. */
  getBucketReplication(bucket: string, options?: CallOptions): Promise<XmlElement | undefined>;
  /** @param document XML text */
  putBucketReplication(bucket: string, document: string, options?: CallOptions): Promise<void>;
  deleteBucketReplication(bucket: string, options?: CallOptions): Promise<void>;

  /** What versions are encrypted with when their writer does not say. */
  getBucketEncryption(bucket: string, options?: CallOptions): Promise<BucketEncryption | undefined>;
  putBucketEncryption(bucket: string, encryption: BucketEncryption, options?: CallOptions): Promise<void>;
  deleteBucketEncryption(bucket: string, options?: CallOptions): Promise<void>;

  /** `BucketOwnerEnforced`, `BucketOwnerPreferred` or `ObjectWriter`, as the store spells it. */
  getBucketOwnership(bucket: string, options?: CallOptions): Promise<string | undefined>;
  putBucketOwnership(bucket: string, ownership: string, options?: CallOptions): Promise<void>;
  deleteBucketOwnership(bucket: string, options?: CallOptions): Promise<void>;
  getBucketAcl(bucket: string, options?: CallOptions): Promise<AccessControlList>;
  /** Undefined: the bucket was made without Object Lock. */
  getObjectLock(bucket: string, options?: CallOptions): Promise<ObjectLock | undefined>;
  /** Object Lock cannot be taken away again; its default retention can. */
  putObjectLock(bucket: string, lock: ObjectLock, options?: CallOptions): Promise<void>;
  getRequestPayment(bucket: string, options?: CallOptions): Promise<Payer>;
  putRequestPayment(bucket: string, payer: Payer, options?: CallOptions): Promise<void>;
  /** Whether the bucket is of that account; undefined where the store does not tell, or not to this caller. */
  isOwnedBy(bucket: string, account: string, options?: CallOptions): Promise<boolean | undefined>;
  getPublicAccessBlock(bucket: string, options?: CallOptions): Promise<PublicAccessBlock | undefined>;
  /** Every target; an empty list when nobody is told. */
  getBucketNotification(bucket: string, options?: CallOptions): Promise<readonly NotificationTarget[]>;
  listInventories(bucket: string, options?: CallOptions): Promise<readonly InventorySetting[]>;

  /** Current objects only, keys in UTF-8 order. */
  listObjects(request: ListObjectsRequest, options?: CallOptions): Promise<ObjectPage>;
  /** Up to 1,000 at once. Fulfilled also when the store refused some of them: those are in the reply. */
  deleteObjects(
    bucket: string,
    objects: readonly DeletedRef[],
    options?: CallOptions,
  ): Promise<readonly RefusedDelete[]>;
}

/** Who pays for requests and transfers. */
export type Payer = "BucketOwner" | "Requester";

/** What versions get when their writer does not say, and what the bucket refuses to take. */
export interface BucketEncryption extends Encryption {
  /** `SSE-C`, or `NONE` for nothing; undefined when the store does not say. */
  readonly blocked?: readonly string[];
}

export type VersioningStatus = "Enabled" | "Suspended";

export interface ListedBucket {
  readonly name: string;
  readonly createdAtMs: number;
}

export interface CreateBucketRequest {
  /** Default: the region that requests are signed for. `us-east-1` is not sent, and so fits every store with one region. */
  readonly region?: string;
  /** With Object Lock, and so with versioning. */
  readonly objectLock?: boolean;
}

export interface ObjectLock {
  /** What a version gets when its writer does not say; undefined: nothing. */
  readonly defaultRetention?: {
    readonly mode: "GOVERNANCE" | "COMPLIANCE";
    readonly days?: number;
    readonly years?: number;
  };
}

export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean;
  readonly ignorePublicAcls: boolean;
  readonly blockPublicPolicy: boolean;
  readonly restrictPublicBuckets: boolean;
}

export interface ListObjectsRequest {
  readonly bucket: string;
  readonly prefix?: string;
  readonly delimiter?: string;
  readonly continuationToken?: string;
  /** 1..1000, default 1000. */
  readonly maxKeys?: number;
}

export interface DeletedRef {
  readonly key: string;
  /** With it the version goes for good, without it a delete marker is added. */
  readonly versionId?: string;
}

export interface RefusedDelete extends DeletedRef {
  readonly code: string;
  readonly message: string;
}
