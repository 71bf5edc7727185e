/**
 * The Store port: what replication needs of an S3 store, object by object.
 *
 * Implementations: `s3/client.ts` (signed HTTP), `lab/direct.ts` (the lab's brain without sockets) and decorators,
 * each of which is a Store and wraps one (faults, limits). Every implementation passes `test/conformance`.
 *
 * Contract for all methods:
 * - A promise rejects with an S3Error only: an answer of the store, or the reason why there is none. Nothing is
 *   retried below this port; the caller's policy decides.
 * - 404, 405, 403, 5xx and time-out stay five different answers.
 * - A key is the raw key: encoding is the implementation's business. ETags come without quotes.
 * - A call whose signal is aborted rejects and leaves no socket or open file behind.
 */
import type { AccessControlList, Encryption, Retention, Tag } from "../core/model.ts";

export interface Store {
  /** Rejects with 404 when there is no such version, with 405 when it is a delete marker. */
  headObject(request: ReadRequest, options?: CallOptions): Promise<ObjectHead>;

  /** Like `headObject`, and the bytes. The body must be read to its end or cancelled. */
  getObject(request: GetRequest, options?: CallOptions): Promise<ObjectReply>;

  /** Writes one version whole. The store verifies every checksum that it is given. */
  putObject(request: PutRequest, options?: CallOptions): Promise<PutReply>;

  /** Without a version id: adds a delete marker. With one: removes that version for good. */
  deleteObject(request: DeleteRequest, options?: CallOptions): Promise<DeleteReply>;

  createMultipartUpload(request: CreateUploadRequest, options?: CallOptions): Promise<{ readonly uploadId: string }>;
  uploadPart(request: UploadPartRequest, options?: CallOptions): Promise<UploadedPart>;
  completeMultipartUpload(request: CompleteUploadRequest, options?: CallOptions): Promise<PutReply>;
  /** Idempotent: an upload that is not there any more is no error. */
  abortMultipartUpload(request: UploadRef, options?: CallOptions): Promise<void>;
  /** One page of the parts that an upload has, in the order of their numbers. Rejects with 404 when it is gone. */
  listParts(request: ListPartsRequest, options?: CallOptions): Promise<PartPage>;

  /**
   * Writes one version with the bytes of another one of the same store, which copies them itself; the caller must be
   * allowed to read it. Metadata, tags and all else are those of the request: nothing of the source's is taken over.
   */
  copyObject(request: CopyRequest, options?: CallOptions): Promise<PutReply>;
  /** Like `copyObject`, a range of the source as one part. */
  uploadPartCopy(request: CopyPartRequest, options?: CallOptions): Promise<UploadedPart>;

  getObjectTagging(request: ReadRequest, options?: CallOptions): Promise<readonly Tag[]>;
  /** Replaces the whole set of the version. */
  putObjectTagging(request: PutTaggingRequest, options?: CallOptions): Promise<void>;
  getObjectAcl(request: ReadRequest, options?: CallOptions): Promise<AccessControlList>;
  putObjectAcl(request: PutAclRequest, options?: CallOptions): Promise<void>;

  /** Undefined when the version is not retained. Rejects with 400 in a bucket without Object Lock. */
  getObjectRetention(request: ReadRequest, options?: CallOptions): Promise<Retention | undefined>;
  putObjectRetention(request: PutRetentionRequest, options?: CallOptions): Promise<void>;
  /** Whether the version is held. Rejects with 400 in a bucket without Object Lock. */
  getObjectLegalHold(request: ReadRequest, options?: CallOptions): Promise<boolean>;
  putObjectLegalHold(request: PutLegalHoldRequest, options?: CallOptions): Promise<void>;

  /** One page, keys in UTF-8 order, within a key the newest version first. Delete markers are in it. */
  listObjectVersions(request: ListVersionsRequest, options?: CallOptions): Promise<VersionPage>;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /**
   * Asked when a request that may change something is about to go out, after whatever it had to wait for. False: it is not
   * sent, and fails as one that was aborted.
   */
  readonly mayWrite?: () => boolean;
}

export interface ReadRequest {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  /** From 1: only this part of a multipart object, and the number of parts in the answer. */
  readonly partNumber?: number;
  /** False: the answer need not tell checksums. Asking for them may need `kms:Decrypt` for a HEAD too. */
  readonly checksums?: boolean;
}

/** Both ends included, from 0. */
export interface ByteSpan {
  readonly firstByte: number;
  readonly lastByte: number;
}

export interface GetRequest extends ReadRequest {
  readonly range?: ByteSpan;
  /** An ETag: rejects with 412 when the version has another one. */
  readonly ifMatch?: string;
  /**
   * The bytes as they are stored, for versions under a customer's key (SSE-C): nobody but the customer can read them, and
   * replication need not. Only stores that replicate themselves know it; all others answer as if it were not asked, and
   * `ObjectHead.sealed` is undefined then. Not together with a range. `replica-headers.ts` describes the whole transfer.
   */
  readonly sealed?: boolean;
}

export type ChecksumAlgorithm = "CRC32" | "CRC32C" | "CRC64NVME" | "SHA1" | "SHA256";

/** Checksums of an object in base64, and whether they are of its bytes or of its parts' checksums. */
export interface Checksums {
  readonly type: "FULL_OBJECT" | "COMPOSITE";
  readonly values: Readonly<Partial<Record<ChecksumAlgorithm, string>>>;
}

/** What describes an object besides its bytes and is copied with it. */
export interface ObjectMetadata {
  /**
   * `content-type`, `cache-control`, `content-disposition`, `content-encoding`, `content-language`, `expires`, and
   * `x-amz-website-redirect-location`; names in lower case.
   */
  readonly contentHeaders: Readonly<Record<string, string>>;
  /** Without the `x-amz-meta-`; names in lower case. */
  readonly userMetadata: Readonly<Record<string, string>>;
}

export interface ObjectHead extends ObjectMetadata {
  /** Undefined from a store without versioning. */
  readonly versionId?: string;
  readonly etag: string;
  /** Of the whole object, also when a range or a part was asked for. */
  readonly sizeBytes: number;
  readonly lastModifiedMs: number;
  readonly storageClass: string;
  readonly encryption: Encryption;
  readonly checksums?: Checksums;
  /** As the store spells it; see `core/model.ts` for the values. */
  readonly replicationStatus?: string;
  /** How many tags the version has; undefined when the store does not tell. */
  readonly tagCount?: number;
  /** Only when a part was asked for. */
  readonly partsCount?: number;
  /** Undefined when there is none, and when the caller may not see it. */
  readonly retention?: Retention;
  readonly legalHold?: boolean;
  /** `x-amz-archive-status`: why an object of class INTELLIGENT_TIERING cannot be read now. */
  readonly archiveStatus?: string;
  /** Only when sealed bytes were asked for. */
  readonly sealed?: string;
  readonly requestId?: string;
}

export interface ObjectReply {
  readonly head: ObjectHead;
  readonly body: Body;
}

/** Bytes that are still on their way. Exactly one of the three methods may be called, once. */
export interface Body {
  /** Length of this body: of the range or part, where one was asked for. */
  readonly sizeBytes: number;
  /** The whole body; rejects when fewer or more bytes arrive than announced. */
  bytes(): Promise<Uint8Array>;
  /** In order, in chunks of the implementation's choice; throws when the body ends early. */
  stream(): AsyncIterable<Uint8Array>;
  /** Gives the connection back. Idempotent; allowed after a partly read stream. */
  cancel(): void;
}

/** Bytes to send: in memory, or a stream of known length that can be read once. */
export type Payload =
  | Uint8Array
  | { readonly sizeBytes: number; readonly stream: AsyncIterable<Uint8Array>; readonly trailer?: ChecksumAlgorithm };

/**
 * What makes a written version the same version as the source's: only a service that replicates may say it, and
 * only some stores listen (the lab does, as AWS does internally).
 *
 * @source aws-replication.md §5.4, §5.8
 */
export interface ReplicaIdentity {
  readonly versionId: string;
  /** Undefined: when it is written. */
  readonly lastModifiedMs?: number;
  /** `AccessControlTranslation`: the destination bucket's owner owns the replica. */
  readonly ownerOverride?: boolean;
  /** What `ObjectHead.sealed` said of the bytes that are written as they are. Opaque. */
  readonly sealed?: string;
}

export interface WriteRequest extends ObjectMetadata {
  readonly bucket: string;
  readonly key: string;
  readonly storageClass?: string;
  /** Undefined: the destination bucket's default. */
  readonly encryption?: Encryption;
  readonly tags?: readonly Tag[];
  /** Grants besides the owner's; undefined: the owner alone. */
  readonly acl?: AccessControlList;
  readonly retention?: Retention;
  readonly legalHold?: boolean;
  readonly replica?: ReplicaIdentity;
}

export interface PutRequest extends WriteRequest {
  readonly body: Payload;
  /** Sent as `x-amz-checksum-*`; the store must verify it, or say that it cannot. */
  readonly checksums?: Checksums;
  /** Sent as `Content-MD5`, in base64: a store that knows it refuses other bytes (`Capabilities.md5Verified`). */
  readonly md5?: string;
  /**
   * `If-None-Match: *`. Rejects with 412 when the key has an object; stores that do not know the condition write all the
   * same (`Capabilities.conditionalPut`).
   */
  readonly onlyIfAbsent?: boolean;
}

export interface PutReply {
  readonly versionId?: string;
  readonly etag: string;
  readonly requestId?: string;
}

export interface DeleteRequest {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  readonly replica?: ReplicaIdentity;
  /** Removes a version also while a retention in GOVERNANCE mode protects it, where the caller may. */
  readonly bypassGovernance?: boolean;
}

export interface DeleteReply {
  /** The marker's id, or the id of the version that was removed. */
  readonly versionId?: string;
  readonly isDeleteMarker: boolean;
  readonly requestId?: string;
}

export interface CreateUploadRequest extends WriteRequest {
  readonly checksums?: { readonly algorithm: ChecksumAlgorithm; readonly type: Checksums["type"] };
}

export interface UploadRef {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export interface UploadPartRequest extends UploadRef {
  /** 1..10000 */
  readonly partNumber: number;
  readonly body: Payload;
  readonly checksums?: Checksums;
  /** What `ObjectHead.sealed` said of the part, when its bytes are written as they are. */
  readonly sealed?: string;
}

export interface UploadedPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly checksums?: Checksums;
}

export interface ListPartsRequest extends UploadRef {
  /** Continue behind this number. */
  readonly partNumberMarker?: number;
  /** 1..1000, default 1000. */
  readonly maxParts?: number;
}

/** A part that is there. */
export interface ListedPart extends UploadedPart {
  readonly sizeBytes: number;
}

export interface PartPage {
  readonly parts: readonly ListedPart[];
  /** Where the next page starts; undefined on the last one. */
  readonly next?: number;
}

/** A version of a bucket of the same store. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  /** Rejects with 412 when the version has another ETag; some stores do not look. */
  readonly ifMatch?: string;
}

export interface CopyRequest extends WriteRequest {
  readonly source: CopySource;
}

export interface CopyPartRequest extends UploadRef {
  /** 1..10000 */
  readonly partNumber: number;
  readonly source: CopySource;
  readonly range: ByteSpan;
}

export interface CompleteUploadRequest extends UploadRef {
  readonly parts: readonly UploadedPart[];
  /** Of the whole object, where the source has one. */
  readonly checksums?: Checksums;
  readonly replica?: ReplicaIdentity;
}

export interface PutTaggingRequest extends ReadRequest {
  readonly tags: readonly Tag[];
}

/** Replaces the whole list of the version. */
export interface PutAclRequest extends ReadRequest {
  readonly acl: AccessControlList;
}

/** Undefined retention ends it, where the caller may. */
export interface PutRetentionRequest extends ReadRequest {
  readonly retention: Retention | undefined;
  readonly bypassGovernance?: boolean;
}

export interface PutLegalHoldRequest extends ReadRequest {
  readonly legalHold: boolean;
}

export interface ListVersionsRequest {
  readonly bucket: string;
  readonly prefix?: string;
  /** Continue behind this key (and version). */
  readonly keyMarker?: string;
  readonly versionIdMarker?: string;
  /** 1..1000, default 1000. */
  readonly maxKeys?: number;
}

export interface ListedVersion {
  readonly key: string;
  readonly versionId: string;
  readonly isLatest: boolean;
  readonly isDeleteMarker: boolean;
  readonly lastModifiedMs: number;
  /** 0 and "" for delete markers. */
  readonly sizeBytes: number;
  readonly etag: string;
  readonly storageClass: string;
  /** Canonical user id; undefined when the store does not tell. */
  readonly ownerId?: string;
}

export interface VersionPage {
  readonly versions: readonly ListedVersion[];
  /** Where the next page starts; undefined on the last one. */
  readonly next?: { readonly keyMarker: string; readonly versionIdMarker: string };
}
