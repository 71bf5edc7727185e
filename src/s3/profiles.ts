/**
 * How providers of S3 differ, as data. What a profile says was met in a real store or is said by its maker, and its
 * source stands beside it; what nobody has met is not in here.
 *
 * A profile says how to speak to a store, and what may be assumed of it before it has been probed. Which profile a store
 * has is told by the endpoint's name here, and by its answers in `recognise.ts`.
 */
import type { Known, KnownCapabilities } from "./capabilities.ts";
import type { ChecksumAlgorithm } from "./store.ts";

export interface ProviderProfile {
  readonly name: string;
  /** `path`: `http://host/bucket/key`. `virtual`: `http://bucket.host/key`. */
  readonly addressing: "path" | "virtual";
  /**
   * Whether the body's bytes are under the signature. `always`: hashed before they are sent, streams chunk by chunk.
   * `without-tls`: bodies in memory are hashed unless TLS and a checksum protect them already; streams are not.
   */
  readonly payloadSigning: "always" | "without-tls";
  /**
   * Whether a checksum may follow a stream (`aws-chunked` with a trailer). Where it may not, `Payload.trailer` is not
   * sent, and the caller has to compare by other means.
   */
  readonly trailers: boolean;
  /**
   * How user metadata outside ASCII goes over the wire. AWS reads RFC 2047 words and answers with them; other stores
   * keep bytes, and UTF-8 goes through them unharmed.
   *
   * @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
   */
  readonly metadataText: "rfc2047" | "utf-8";
  /** How a replica is given the id of its source, where the store can: undefined is the lab's own way (`replica-headers.ts`). */
  readonly replicaWay?: "minio";
  /** What need not be found out. */
  readonly known: KnownCapabilities;
}

const ALL_CHECKSUMS: readonly ChecksumAlgorithm[] = ["CRC64NVME", "CRC32C", "CRC32", "SHA256", "SHA1"];

const yes = (source: string): Known<true> => ({ is: true, source });
const no = (source: string): Known<false> => ({ is: false, source });

/** Every class that a write may name. @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html */
const AWS_CLASSES: readonly string[] = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "GLACIER_IR",
  "DEEP_ARCHIVE",
  "OUTPOSTS",
  "SNOW",
  "EXPRESS_ONEZONE",
];

const S3_API = "https://docs.aws.amazon.com/AmazonS3/latest/API";
const S3_GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide";
/** Found by the project's own probe, `test/real/rgw-probe.test.ts`. */
const CEPH = "radosgw 16.2.15 of Debian 12, probed";
const R2 = "https://developers.cloudflare.com/r2/api/s3/api/";
const GARAGE = "https://garagehq.deuxfleurs.fr/documentation/reference-manual/s3-compatibility/";
const B2 = "https://www.backblaze.com/docs/cloud-storage-s3-compatible-api";

/** What every store that speaks S3 understands: the dialect of those below that have no other. */
const COMMON = {
  addressing: "path",
  payloadSigning: "without-tls",
  trailers: false,
  metadataText: "utf-8",
} as const;

export const PROFILES = {
  /** Amazon S3, and the lab, which does as Amazon does. */
  aws: {
    name: "aws",
    addressing: "virtual",
    payloadSigning: "without-tls",
    trailers: true,
    metadataText: "rfc2047",
    known: {
      versionIds: { is: "minted", source: `${S3_GUIDE}/versioning-workflows.html` },
      conditionalPut: yes(`${S3_GUIDE}/conditional-writes.html`),
      multipartEtag: yes(`${S3_GUIDE}/checking-object-integrity-upload.html`),
      completeTellsEtag: yes(`${S3_API}/API_CompleteMultipartUpload.html`),
      readsParts: yes(`${S3_API}/API_GetObject.html`),
      tagsOnUploads: yes(`${S3_API}/API_CreateMultipartUpload.html`),
      locksOnUploads: yes(`${S3_API}/API_CreateMultipartUpload.html`),
      storageClasses: { is: AWS_CLASSES, source: `${S3_API}/API_PutObject.html` },
      md5Verified: yes(`${S3_API}/API_PutObject.html`),
      checksumsVerified: { is: ALL_CHECKSUMS, source: `${S3_GUIDE}/checking-object-integrity.html` },
      checksumsTold: { is: ALL_CHECKSUMS, source: `${S3_GUIDE}/checking-object-integrity.html` },
      markerHead: { is: 405, source: `${S3_API}/API_HeadObject.html` },
      namesMarkers: yes(`${S3_API}/API_HeadObject.html`),
    },
  },

  /** The Ceph Object Gateway. It refuses trailers (MissingContentLength), and needs no DNS for buckets in the path. */
  ceph: {
    ...COMMON,
    name: "ceph",
    known: {
      versionIds: { is: "minted", source: CEPH },
      conditionalPut: no(CEPH),
      etagIsMd5: yes(CEPH),
      multipartEtag: yes(CEPH),
      // The element is there and empty.
      completeTellsEtag: no(CEPH),
      readsParts: no(CEPH),
      // What is kept cannot be read: GetObjectTagging answers 200 without a body.
      tagsOnUploads: no(CEPH),
      locksOnUploads: no("radosgw 16.2.15 of Debian 12, test/real/rgw-store.test.ts"),
      // Others than STANDARD are there where its administrator has made them: a rule may name one.
      storageClasses: {
        is: ["STANDARD"],
        source: "https://docs.ceph.com/en/pacific/radosgw/placement/#storage-classes",
      },
      md5Verified: yes("radosgw 16.2.15 of Debian 12, test/real/rgw-store.test.ts"),
      checksumsVerified: { is: [], source: CEPH },
      checksumsTold: { is: [], source: CEPH },
      markerHead: { is: 404, source: CEPH },
      namesMarkers: no(CEPH),
    },
  },

  /** MinIO and its forks (Silo, RustFS), which answer as it does. */
  minio: {
    ...COMMON,
    name: "minio",
    replicaWay: "minio",
    known: {
      // Ids are taken over from callers who may s3:ReplicateObject, and only UUIDs. Whether that is so here a probe tells.
      versionIds: { is: "minted", source: "https://github.com/minio/minio-go/blob/master/api-put-object.go" },
      storageClasses: {
        is: ["STANDARD", "REDUCED_REDUNDANCY"],
        source: "https://github.com/minio/minio/blob/master/docs/erasure/storage-class/README.md",
      },
      md5Verified: yes("https://github.com/minio/minio/blob/master/internal/hash/reader.go"),
      // 405 without a body, which others took for a failure.
      markerHead: { is: 405, source: "https://github.com/rustfs/rustfs/issues/7959" },
    },
  },

  /** No versions, no tags, no locks: a destination for nothing that needs versioning. */
  garage: {
    ...COMMON,
    name: "garage",
    known: {
      versioning: no(GARAGE),
      versionIds: { is: "none", source: GARAGE },
      tags: no(GARAGE),
      tagsOnUploads: no(GARAGE),
      objectLock: no(GARAGE),
      deleteMarkers: no(GARAGE),
    },
  },

  seaweedfs: {
    ...COMMON,
    name: "seaweedfs",
    known: {
      versionIds: { is: "minted", source: "https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API" },
      // Unknown before 3.97, wrong in versioned buckets before 4.08, and not atomic in 4.16.
      conditionalPut: no("https://github.com/seaweedfs/seaweedfs/issues/8800"),
    },
  },

  /** Cloudflare R2. Reads RFC 2047 words in metadata, and answers with them. */
  r2: {
    ...COMMON,
    name: "r2",
    // https://developers.cloudflare.com/r2/api/s3/extensions/
    metadataText: "rfc2047",
    known: {
      versioning: no(R2),
      versionIds: { is: "none", source: R2 },
      conditionalPut: yes(R2),
      storageClasses: {
        is: ["STANDARD", "STANDARD_IA"],
        source: "https://developers.cloudflare.com/r2/buckets/storage-classes/",
      },
      tags: no(R2),
      tagsOnUploads: no(R2),
      objectLock: no(R2),
      deleteMarkers: no(R2),
    },
  },

  /** Backblaze B2; over TLS only. */
  b2: {
    ...COMMON,
    name: "b2",
    known: {
      versionIds: { is: "minted", source: B2 },
      // x-amz-tagging is refused, not ignored.
      tags: no("https://www.backblaze.com/apidocs/s3-copy-object"),
      tagsOnUploads: no("https://www.backblaze.com/apidocs/s3-copy-object"),
    },
  },

  wasabi: {
    ...COMMON,
    name: "wasabi",
    known: {
      tags: yes("https://docs.wasabi.com/docs/december-2023-apis"),
    },
  },

  /** A store that nobody recognises. */
  generic: { ...COMMON, name: "generic", known: {} },
} as const satisfies Record<string, ProviderProfile>;

export type ProfileName = keyof typeof PROFILES;

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name);
}

/** Names of hosts that only one provider has. */
const HOSTS: readonly { readonly pattern: RegExp; readonly profile: ProfileName; readonly source: string }[] = [
  {
    pattern: /(^|\.)amazonaws\.com(\.cn)?$/,
    profile: "aws",
    source: "https://docs.aws.amazon.com/general/latest/gr/s3.html",
  },
  { pattern: /(^|\.)r2\.cloudflarestorage\.com$/, profile: "r2", source: R2 },
  {
    pattern: /(^|\.)backblazeb2\.com$/,
    profile: "b2",
    source: "https://www.backblaze.com/docs/cloud-storage-call-the-s3-compatible-api",
  },
  { pattern: /(^|\.)wasabisys\.com$/, profile: "wasabi", source: "https://docs.wasabi.com/docs/wasabi-api" },
];

/** The profile of an endpoint that says by its name whose it is; `generic` for every other. */
export function profileOf(endpoint: string): ProviderProfile {
  const { hostname } = new URL(endpoint);
  const host = HOSTS.find(({ pattern }) => pattern.test(hostname));
  return host === undefined ? PROFILES.generic : PROFILES[host.profile];
}
