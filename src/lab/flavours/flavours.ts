/**
 * Whose store the lab does as: how stores other than Amazon S3 differ from it, as data. What is here was met in the store
 * or is said by its maker, and its source stands beside it; in all else a flavour does as the lab does.
 *
 * `skin.ts` is where the differences are made. A flavour is of the whole lab, and not of what is in it: another one may be
 * chosen while it runs.
 */
import type { HeaderTextCustom } from "../../s3/header-text.ts";
import type { S3ErrorCode } from "../s3/errors.ts";
import type { S3Operation } from "../s3/operations.ts";

export interface Flavour {
  /** Whose page or program the differences are from. */
  readonly source: string;
  /** How the server names itself; "" for one that does not. */
  readonly server: string;
  /** Form of `x-amz-request-id`. */
  readonly requestIds: "aws" | "ceph";
  readonly versionIds: "lab" | "uuid";
  /** How user metadata outside ASCII is told. */
  readonly metadataText: HeaderTextCustom;
  /** Takes over version ids from who may replicate (`s3/replica-headers.ts`). */
  readonly takesMinioReplicas: boolean;
  /** Operations that are not there, and what the store says then. */
  readonly lacks: Readonly<Partial<Record<S3Operation, S3ErrorCode>>>;
  /** Headers of requests that mean nothing to it; a name that ends in `*` is the beginning of many. */
  readonly ignoresHeaders: Readonly<Partial<Record<S3Operation, readonly string[]>>>;
  /** Likewise parameters. */
  readonly ignoresParameters: Readonly<Partial<Record<S3Operation, readonly string[]>>>;
  /** Headers with which a request is refused as NotImplemented. */
  readonly refusesHeaders: readonly string[];
  /** Headers that its answers lack. */
  readonly hidesHeaders: readonly string[];
  /** Tags that these operations bring are kept in a form that cannot be read. */
  readonly damagesTags: readonly S3Operation[];
  /** HEAD and GET of a delete marker by its id are 404, as if it were gone. */
  readonly hidesMarkers: boolean;
  /** The ETag in the answer to CompleteMultipartUpload is empty. */
  readonly forgetsEtags: boolean;
  /** Errors that go by another name, or another status. */
  readonly errors: Readonly<Partial<Record<string, { readonly code: string; readonly status?: number }>>>;
}

/** The lab itself. */
const AWS: Flavour = {
  source: "https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html",
  server: "AmazonS3",
  requestIds: "aws",
  versionIds: "lab",
  metadataText: "rfc2047",
  takesMinioReplicas: false,
  lacks: {},
  ignoresHeaders: {},
  ignoresParameters: {},
  refusesHeaders: [],
  hidesHeaders: [],
  damagesTags: [],
  hidesMarkers: false,
  forgetsEtags: false,
  errors: {},
};

const CHECKSUMS = ["x-amz-checksum-*", "x-amz-sdk-checksum-algorithm"];
const LOCKS = ["x-amz-object-lock-*"];
const ENCRYPTION = ["x-amz-server-side-encryption"];

const NO_VERSIONS = { PutBucketVersioning: "NotImplemented", ListObjectVersions: "NotImplemented" } as const;
const NO_TAGS = {
  GetObjectTagging: "NotImplemented",
  PutObjectTagging: "NotImplemented",
  DeleteObjectTagging: "NotImplemented",
} as const;
const NO_ACLS = {
  GetBucketAcl: "NotImplemented",
  PutBucketAcl: "NotImplemented",
  GetObjectAcl: "NotImplemented",
  PutObjectAcl: "NotImplemented",
} as const;
const NO_LOCKS = {
  GetObjectLockConfiguration: "NotImplemented",
  PutObjectLockConfiguration: "NotImplemented",
  GetObjectRetention: "NotImplemented",
  PutObjectRetention: "NotImplemented",
  GetObjectLegalHold: "NotImplemented",
  PutObjectLegalHold: "NotImplemented",
} as const;
const NO_REPLICATION = {
  GetBucketReplication: "NotImplemented",
  PutBucketReplication: "NotImplemented",
} as const;

export const FLAVOURS = {
  aws: AWS,

  minio: {
    ...AWS,
    source: "https://github.com/minio/minio-go (api-put-object.go, api-remove.go), test/fixtures/classify.json",
    server: "MinIO",
    metadataText: "utf-8",
    versionIds: "uuid",
    takesMinioReplicas: true,
    errors: { QuotaExceeded: { code: "XMinioAdminBucketQuotaExceeded", status: 400 } },
  },

  ceph: {
    ...AWS,
    source: "radosgw 16.2.15 of Debian 12, test/real/rgw-store.test.ts",
    server: "",
    requestIds: "ceph",
    metadataText: "utf-8",
    lacks: { PutBucketReplication: "MethodNotAllowed", PutBucketEncryption: "InvalidRequest" },
    ignoresHeaders: {
      PutObject: ["if-none-match", ...CHECKSUMS, ...ENCRYPTION],
      UploadPart: CHECKSUMS,
      CreateMultipartUpload: [...CHECKSUMS, ...LOCKS, ...ENCRYPTION],
      CompleteMultipartUpload: CHECKSUMS,
      CopyObject: ["x-amz-copy-source-if-match", ...CHECKSUMS, ...ENCRYPTION],
    },
    ignoresParameters: { GetObject: ["partNumber"], HeadObject: ["partNumber"] },
    hidesHeaders: ["x-amz-checksum-*", "x-amz-server-side-encryption", "x-amz-mp-parts-count"],
    damagesTags: ["CreateMultipartUpload", "CopyObject"],
    hidesMarkers: true,
    forgetsEtags: true,
    errors: { NoSuchVersion: { code: "NoSuchKey" } },
  },

  seaweedfs: {
    ...AWS,
    source: "https://github.com/seaweedfs/seaweedfs/issues/8800",
    server: "SeaweedFS",
    metadataText: "utf-8",
    ignoresHeaders: { PutObject: ["if-none-match"] },
  },

  garage: {
    ...AWS,
    source: "https://garagehq.deuxfleurs.fr/documentation/reference-manual/s3-compatibility/",
    server: "",
    metadataText: "utf-8",
    lacks: { ...NO_VERSIONS, ...NO_TAGS, ...NO_ACLS, ...NO_LOCKS, ...NO_REPLICATION },
  },

  r2: {
    ...AWS,
    source: "https://developers.cloudflare.com/r2/api/s3/api/",
    server: "cloudflare",
    lacks: { ...NO_VERSIONS, ...NO_TAGS, ...NO_ACLS, ...NO_LOCKS, ...NO_REPLICATION },
    refusesHeaders: ["x-amz-tagging", "x-amz-object-lock-*"],
  },
} as const satisfies Record<string, Flavour>;

export type FlavourName = keyof typeof FLAVOURS;

export function isFlavourName(name: string): name is FlavourName {
  return Object.hasOwn(FLAVOURS, name);
}

/** The flavour of a lab. */
export class FlavourChoice {
  #name: FlavourName;

  constructor(name: FlavourName = "aws") {
    this.#name = name;
  }

  get name(): FlavourName {
    return this.#name;
  }

  get now(): Flavour {
    return FLAVOURS[this.#name];
  }

  choose(name: FlavourName): void {
    this.#name = name;
  }
}
