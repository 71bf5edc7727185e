/**
 * What a store does of that which Amazon S3 does, as values that steer the engine: found out by a probe, or assumed from
 * what is known of the provider (`profiles.ts`).
 *
 * Plain data, so that it can be kept as JSON. A bucket has capabilities of its own: versioning and Object Lock are its
 * settings.
 */
import type { ChecksumAlgorithm } from "./store.ts";

export interface Capabilities {
  /** The bucket keeps every version. */
  readonly versioning: boolean;
  /** `kept`: a replica takes the id that it is given. `minted`: the store gives ids of its own. `none`: it has no ids. */
  readonly versionIds: "kept" | "minted" | "none";
  /** A replica takes the `LastModified` that it is given. */
  readonly keepsLastModified: boolean;
  /** `PutRequest.onlyIfAbsent` is heeded; otherwise the write happens all the same. */
  readonly conditionalPut: boolean;
  /** The ETag of an object that was put whole is the MD5 of its bytes. */
  readonly etagIsMd5: boolean;
  readonly multipart: boolean;
  /** The ETag of a multipart object is made of the MD5s of its parts, as S3 makes it. */
  readonly multipartEtag: boolean;
  /** CompleteMultipartUpload answers with the object's ETag; otherwise a HEAD has to tell it. */
  readonly completeTellsEtag: boolean;
  /** `ReadRequest.partNumber` is heeded; otherwise the answer is the whole object. */
  readonly readsParts: boolean;
  readonly tags: boolean;
  /** CreateMultipartUpload keeps the tags that it brings; otherwise they have to be put when the upload is complete. */
  readonly tagsOnUploads: boolean;
  /** CreateMultipartUpload keeps the retention and the hold that it brings; otherwise they have to be put afterwards. */
  readonly locksOnUploads: boolean;
  /** The storage classes that a write may name. */
  readonly storageClasses: readonly string[];
  /** User metadata may be any text, not only ASCII. */
  readonly metadataIsAnyText: boolean;
  /** A write whose bytes are not those of its `Content-MD5` is refused. */
  readonly md5Verified: boolean;
  /** A write with a wrong checksum of these is refused. */
  readonly checksumsVerified: readonly ChecksumAlgorithm[];
  /** A HEAD tells the checksums of these that a write brought. */
  readonly checksumsTold: readonly ChecksumAlgorithm[];
  /** The bucket protects versions by retention and legal hold. */
  readonly objectLock: boolean;
  /** A delete without a version id adds a marker. */
  readonly deleteMarkers: boolean;
  /** What the HEAD of a marker by its id is answered with; 404 cannot be told from a version that is gone. */
  readonly markerHead: 405 | 404;
  /** Answers say `x-amz-delete-marker`. */
  readonly namesMarkers: boolean;
}

/** Of a store that nobody knows: what is assumed here costs requests when it is wrong, and no data. */
export const CAUTIOUS: Capabilities = {
  versioning: false,
  versionIds: "minted",
  keepsLastModified: false,
  conditionalPut: false,
  etagIsMd5: false,
  multipart: true,
  multipartEtag: false,
  completeTellsEtag: false,
  readsParts: false,
  tags: true,
  tagsOnUploads: false,
  locksOnUploads: false,
  storageClasses: ["STANDARD"],
  metadataIsAnyText: true,
  md5Verified: false,
  checksumsVerified: [],
  checksumsTold: [],
  objectLock: false,
  deleteMarkers: true,
  markerHead: 404,
  namesMarkers: false,
};

/**
 * What people are told and nothing goes by: the answers themselves tell (checksums, markers), the bucket's settings are
 * asked for when they are needed, and what a store refuses is FAILED with its own reason (tags, metadata). Replicas do
 * not take the date of their source: dates are told in whole seconds, and would put versions of one second out of order.
 */
export const INFORMATIONAL = [
  "versioning",
  "keepsLastModified",
  "completeTellsEtag",
  "tags",
  "metadataIsAnyText",
  "checksumsTold",
  "objectLock",
  "deleteMarkers",
  "namesMarkers",
] as const satisfies readonly (keyof Capabilities)[];

/** One thing that is known of a provider, and where from. */
export interface Known<Value> {
  readonly is: Value;
  /** A page, a thread, or the release that was tried. */
  readonly source: string;
}

export type KnownCapabilities = { readonly [Name in keyof Capabilities]?: Known<Capabilities[Name]> };

/** What to assume of a store before it has been probed. */
export function assumedCapabilities(known: KnownCapabilities): Capabilities {
  const values = Object.entries(known).map(([name, { is }]) => [name, is]);
  return { ...CAUTIOUS, ...(Object.fromEntries(values) as Partial<Capabilities>) };
}
