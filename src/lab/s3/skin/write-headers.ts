/** The headers of a write (PutObject, CopyObject, CreateMultipartUpload), read into what the brain takes. */

import { fromHeaderText } from "../../../s3/header-text.ts";
import {
  REPLICA_LAST_MODIFIED_HEADER,
  REPLICA_OWNER_HEADER,
  REPLICA_OWNER_OVERRIDDEN,
  REPLICA_VERSION_ID_HEADER,
  SEALED_HEADER,
} from "../../../s3/replica-headers.ts";
import type { ObjectMetadata, ReplicaIdentity } from "../../../s3/store.ts";
import type { AclWish } from "../acl-wish.ts";
import type { WriteConditions } from "../conditions.ts";
import type { CopySource } from "../copy.ts";
import { type EncryptionWish, parseCustomerKey, parseKmsContext } from "../encryption.ts";
import { invalidArgument, s3Error } from "../errors.ts";
import type { WriteInput } from "../put.ts";
import { parseTaggingHeader } from "../tags.ts";
import { aclWishOf } from "./acl-headers.ts";
import { lockOf } from "./lock-headers.ts";
import { dateOf, type S3Request } from "./request.ts";

type Headers = S3Request["headers"];

/** Kept with the object and given back; names in lower case. */
export const CONTENT_HEADERS = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
] as const;

export function writeInputOf(request: S3Request): WriteInput {
  const { headers, bucket, key } = request;
  const storageClass = headers["x-amz-storage-class"];
  const conditions = writeConditionsOf(headers);
  const acl = aclWishOf(headers);
  return {
    bucket,
    key,
    metadata: metadataOf(headers),
    ...(storageClass === undefined ? {} : { storageClass }),
    encryption: encryptionWishOf(headers),
    tags: parseTaggingHeader(headers["x-amz-tagging"] ?? ""),
    ...(acl === undefined ? {} : { acl: withOwner(acl, headers[REPLICA_OWNER_HEADER]) }),
    ...(conditions === undefined ? {} : { conditions }),
    ...lockOf(headers),
    ...replicaOf(headers),
  };
}

/** Of a replica the header says whose its source is; everybody else's is ignored by the brain. */
function withOwner(acl: AclWish, ownerId: string | undefined): AclWish {
  return ownerId === undefined || acl.kind === "canned" ? acl : { ...acl, ownerId };
}

export function metadataOf(headers: Headers): ObjectMetadata {
  const contentHeaders: Record<string, string> = {};
  const userMetadata: Record<string, string> = {};
  for (const name of CONTENT_HEADERS) {
    const value = name === "content-encoding" ? contentEncodingOf(headers) : headers[name];
    if (value !== undefined && value !== "") contentHeaders[name] = fromHeaderText(value, "utf-8");
  }
  for (const name in headers) {
    if (!name.startsWith("x-amz-meta-")) continue;
    userMetadata[name.slice("x-amz-meta-".length)] = fromHeaderText(headers[name] ?? "", "rfc2047");
  }
  const redirect = headers["x-amz-website-redirect-location"];
  if (redirect !== undefined) contentHeaders["x-amz-website-redirect-location"] = redirect;
  return { contentHeaders, userMetadata };
}

/** `aws-chunked` is how the body travelled, not what the object is. */
function contentEncodingOf(headers: Headers): string | undefined {
  const value = headers["content-encoding"];
  if (value === undefined || !/aws-chunked/i.test(value)) return value;
  return value
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one.toLowerCase() !== "aws-chunked")
    .join(",");
}

const SSE_KINDS: Readonly<Record<string, NonNullable<EncryptionWish["kind"]>>> = {
  AES256: "SSE-S3",
  "aws:kms": "SSE-KMS",
  "aws:kms:dsse": "DSSE-KMS",
};

export function encryptionWishOf(headers: Headers): EncryptionWish {
  const algorithm = headers["x-amz-server-side-encryption"];
  const kmsKeyId = headers["x-amz-server-side-encryption-aws-kms-key-id"];
  const bucketKey = headers["x-amz-server-side-encryption-bucket-key-enabled"];
  const customerKey = parseCustomerKey(headers);
  const context = headers["x-amz-server-side-encryption-context"];
  if ((algorithm ?? kmsKeyId ?? bucketKey ?? context ?? customerKey) === undefined) return NO_WISH;
  const kind = algorithm === undefined || !Object.hasOwn(SSE_KINDS, algorithm) ? undefined : SSE_KINDS[algorithm];
  if (algorithm !== undefined && kind === undefined) {
    throw s3Error("InvalidEncryptionAlgorithmError", {
      details: { ArgumentName: "x-amz-server-side-encryption", ArgumentValue: algorithm },
    });
  }
  if (customerKey !== undefined && kind !== undefined) {
    throw invalidArgument(
      "x-amz-server-side-encryption",
      algorithm ?? "",
      "Server Side Encryption with Customer provided key is incompatible with the encryption method specified",
    );
  }
  if (kmsKeyId !== undefined && (kind === undefined || kind === "SSE-S3")) {
    throw invalidArgument(
      "x-amz-server-side-encryption",
      algorithm ?? "null",
      "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
    );
  }
  return {
    ...(kind === undefined ? {} : { kind }),
    ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    ...(bucketKey === undefined ? {} : { bucketKey: bucketKey.toLowerCase() === "true" }),
    ...(context === undefined ? {} : { kmsContext: parseKmsContext(context) }),
    ...(customerKey === undefined ? {} : { customerKey }),
  };
}

const NO_WISH: EncryptionWish = {};

export function writeConditionsOf(headers: Headers): WriteConditions | undefined {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  if (
    (ifNoneMatch !== undefined && ifNoneMatch.trim() !== "*") ||
    (ifMatch !== undefined && ifNoneMatch !== undefined)
  ) {
    throw s3Error("NotImplemented", { details: { Header: "If-None-Match" } });
  }
  return { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
}

/** Reads `x-amz-copy-source` and what belongs to it. @throws ServiceError InvalidArgument */
export function copySourceOf(headers: Headers): CopySource {
  const header = headers["x-amz-copy-source"] ?? "";
  const question = header.indexOf("?versionId=");
  const path = question < 0 ? header : header.slice(0, question);
  const wrong = invalidArgument(
    "x-amz-copy-source",
    header,
    "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
  );
  let decoded: string;
  let versionId: string | undefined;
  try {
    decoded = decodeURIComponent(path.replaceAll("+", "%20")).replace(/^\//, "");
    versionId = question < 0 ? undefined : decodeURIComponent(header.slice(question + "?versionId=".length));
  } catch {
    throw wrong;
  }
  const slash = decoded.indexOf("/");
  if (slash <= 0 || slash === decoded.length - 1 || decoded.includes("\0") || versionId?.includes("\0")) throw wrong;
  const source = "x-amz-copy-source-if-";
  const ifMatch = headers[`${source}match`];
  const ifNoneMatch = headers[`${source}none-match`];
  const ifModifiedSinceMs = dateOf(headers[`${source}modified-since`]);
  const ifUnmodifiedSinceMs = dateOf(headers[`${source}unmodified-since`]);
  const customerKey = parseCustomerKey(headers, "x-amz-copy-source-server-side-encryption-customer-");
  const expectedOwner = headers["x-amz-source-expected-bucket-owner"];
  return {
    bucket: decoded.slice(0, slash),
    key: decoded.slice(slash + 1),
    ...(versionId === undefined ? {} : { versionId }),
    conditions: {
      ...(ifMatch === undefined ? {} : { ifMatch }),
      ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
      ...(ifModifiedSinceMs === undefined ? {} : { ifModifiedSinceMs }),
      ...(ifUnmodifiedSinceMs === undefined ? {} : { ifUnmodifiedSinceMs }),
    },
    ...(customerKey === undefined ? {} : { customerKey }),
    ...(expectedOwner === undefined ? {} : { expectedOwner }),
  };
}

/** `COPY` or `REPLACE`. */
export function directiveOf(headers: Headers, name: string): "COPY" | "REPLACE" {
  const value = headers[name] ?? "COPY";
  if (value === "COPY" || value === "REPLACE") return value;
  throw invalidArgument(
    name,
    value,
    `Unknown ${name === "x-amz-tagging-directive" ? "tagging" : "metadata"} directive.`,
  );
}

/** What a replica is to be; the brain ignores it from everybody but S3's own replication. */
export function replicaOf(headers: Headers): { readonly replica?: ReplicaIdentity } {
  const versionId = headers[REPLICA_VERSION_ID_HEADER];
  const modified = headers[REPLICA_LAST_MODIFIED_HEADER];
  if (versionId === undefined || (modified !== undefined && !/^\d{1,15}$/.test(modified))) return {};
  const ownerOverride = headers[REPLICA_OWNER_HEADER] === REPLICA_OWNER_OVERRIDDEN;
  const sealed = headers[SEALED_HEADER];
  return {
    replica: {
      versionId,
      ...(modified === undefined ? {} : { lastModifiedMs: Number(modified) }),
      ...(ownerOverride ? { ownerOverride } : {}),
      ...(sealed === undefined ? {} : { sealed }),
    },
  };
}
