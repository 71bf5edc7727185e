/** Handlers of listings: three of keys and versions, each with its own names for the same things. */
import type { XmlNode } from "../../../core/xml.ts";
import { encodeUri } from "../../../s3/sigv4.ts";
import type { ServiceAnswer } from "../../model.ts";
import { authorise, requireBucket } from "../access.ts";
import type { Bucket } from "../bucket.ts";
import { invalidArgument } from "../errors.ts";
import { listCurrent, listVersions } from "../listing.ts";
import type { S3Operation } from "../operations.ts";
import type { S3Service } from "../service.ts";
import type { StoredVersion } from "../versions.ts";
import { xmlAnswer, xmlDate } from "./print.ts";
import type { S3Request } from "./request.ts";

type Query = S3Request["query"];

const KEYS_MAX = 1000;

/** Parameters that all listings have. */
interface ListParameters {
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly encodingType: "url" | undefined;
  readonly encode: (text: string) => string;
}

export function handleListObjects(s3: S3Service, request: S3Request): ServiceAnswer {
  const bucket = openListing(s3, request, "ListObjects");
  const parameters = parametersOf(request.query);
  const { prefix, delimiter, maxKeys, encodingType, encode } = parameters;
  const marker = request.query.get("marker") ?? "";
  const page = listCurrent(s3.database.committed, { bucketId: bucket.id, ...parameters, after: marker });
  const ownerOf = ownerNodes(s3, bucket);
  return xmlAnswer([
    "ListBucketResult",
    [
      ["Name", bucket.name],
      ["Prefix", encode(prefix)],
      ["Marker", encode(marker)],
      // Without a delimiter S3 leaves it to the client to take the last key.
      ["NextMarker", page.next === undefined || delimiter === "" ? undefined : encode(page.next)],
      ["MaxKeys", maxKeys],
      ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
      ["EncodingType", encodingType],
      ["IsTruncated", page.next !== undefined],
      ...page.versions.map(
        (version): XmlNode => ["Contents", [["Key", encode(version.key)], ...objectNodes(version), ownerOf(version)]],
      ),
      ...prefixNodes(page.commonPrefixes, encode),
    ],
  ]);
}

export function handleListObjectsV2(s3: S3Service, request: S3Request): ServiceAnswer {
  const { query } = request;
  const bucket = openListing(s3, request, "ListObjectsV2");
  const parameters = parametersOf(query);
  const { prefix, delimiter, maxKeys, encodingType, encode } = parameters;
  const startAfter = query.get("start-after");
  const token = query.get("continuation-token");
  const after = token === undefined ? (startAfter ?? "") : keyOfToken(token);
  const page = listCurrent(s3.database.committed, { bucketId: bucket.id, ...parameters, after });
  const ownerOf = query.get("fetch-owner") === "true" ? ownerNodes(s3, bucket) : () => undefined;
  return xmlAnswer([
    "ListBucketResult",
    [
      ["Name", bucket.name],
      ["Prefix", encode(prefix)],
      ["KeyCount", page.versions.length + page.commonPrefixes.length],
      ["MaxKeys", maxKeys],
      ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
      ["EncodingType", encodingType],
      ["IsTruncated", page.next !== undefined],
      ["ContinuationToken", token],
      ["NextContinuationToken", page.next === undefined ? undefined : tokenOfKey(page.next)],
      ["StartAfter", startAfter === undefined ? undefined : encode(startAfter)],
      ...page.versions.map(
        (version): XmlNode => ["Contents", [["Key", encode(version.key)], ...objectNodes(version), ownerOf(version)]],
      ),
      ...prefixNodes(page.commonPrefixes, encode),
    ],
  ]);
}

export function handleListObjectVersions(s3: S3Service, request: S3Request): ServiceAnswer {
  const { query } = request;
  const bucket = openListing(s3, request, "ListObjectVersions");
  const parameters = parametersOf(query);
  const { prefix, delimiter, maxKeys, encodingType, encode } = parameters;
  const keyMarker = query.get("key-marker") ?? "";
  const versionIdMarker = query.get("version-id-marker");
  if (versionIdMarker !== undefined && keyMarker === "") {
    throw invalidArgument(
      "version-id-marker",
      versionIdMarker,
      "A version-id marker cannot be specified without a key marker.",
    );
  }
  if (versionIdMarker === "") {
    throw invalidArgument("version-id-marker", "", "A version-id marker cannot be empty.");
  }
  const page = listVersions(s3.database.committed, {
    bucketId: bucket.id,
    ...parameters,
    after: { key: keyMarker, ...(versionIdMarker === undefined ? {} : { versionId: versionIdMarker }) },
  });
  const { next } = page;
  // After a common prefix the next page starts at a key, not at a version.
  const nextMarker = typeof next === "string" ? { key: next } : next;
  const ownerOf = ownerNodes(s3, bucket);
  return xmlAnswer([
    "ListVersionsResult",
    [
      ["Name", bucket.name],
      ["Prefix", encode(prefix)],
      ["KeyMarker", encode(keyMarker)],
      ["VersionIdMarker", versionIdMarker ?? ""],
      ["NextKeyMarker", nextMarker === undefined ? undefined : encode(nextMarker.key)],
      ["NextVersionIdMarker", nextMarker?.versionId],
      ["MaxKeys", maxKeys],
      ["Delimiter", delimiter === "" ? undefined : encode(delimiter)],
      ["EncodingType", encodingType],
      ["IsTruncated", next !== undefined],
      ...page.versions.map((version): XmlNode => {
        const identity: XmlNode[] = [
          ["Key", encode(version.key)],
          ["VersionId", version.versionId],
          ["IsLatest", version.isLatest],
        ];
        if (version.isMarker) {
          return ["DeleteMarker", [...identity, ["LastModified", xmlDate(version.modifiedMs)], ownerOf(version)]];
        }
        return ["Version", [...identity, ...objectNodes(version), ownerOf(version)]];
      }),
      ...prefixNodes(page.commonPrefixes, encode),
    ],
  ]);
}

/** `max-keys` and its kin: 1000 at most, and by default. */
export function maxOf(query: Query, name: string): number {
  const text = query.get(name);
  if (text === undefined || text === "") return KEYS_MAX;
  if (!/^-?\d+$/.test(text))
    throw invalidArgument(name, text, `Provided ${name} not an integer or within integer range`);
  const value = Number(text);
  if (value < 0 || value > 0x7fffffff) {
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and 2147483647`);
  }
  return Math.min(value, KEYS_MAX);
}

export function encodingTypeOf(query: Query): "url" | undefined {
  const text = query.get("encoding-type");
  if (text === undefined || text === "" || text === "url") return text === "url" ? text : undefined;
  throw invalidArgument("encoding-type", text, "Invalid Encoding Method specified in Request");
}

/** Keys as they stand in a listing: percent-encoded, slashes kept, where the client asked for it. */
export function encodeForListing(text: string, encodingType: "url" | undefined): string {
  return encodingType === undefined ? text : encodeUri(text, true).replaceAll("%20", "+");
}

function openListing(s3: S3Service, request: S3Request, operation: S3Operation): Bucket {
  const bucket = requireBucket(s3, request.bucket);
  const context: Record<string, string> = {};
  // Keys of parameters that the request does not carry are absent, as all condition keys are.
  for (const [parameter, key] of LIST_CONDITION_KEYS) {
    const value = request.query.get(parameter);
    if (value !== undefined) context[key] = value;
  }
  authorise(s3, request.call, operation, { bucket, context });
  return bucket;
}

const LIST_CONDITION_KEYS = [
  ["prefix", "s3:prefix"],
  ["delimiter", "s3:delimiter"],
  ["max-keys", "s3:max-keys"],
] as const;

function parametersOf(query: Query): ListParameters {
  const encodingType = encodingTypeOf(query);
  return {
    prefix: query.get("prefix") ?? "",
    delimiter: query.get("delimiter") ?? "",
    maxKeys: maxOf(query, "max-keys"),
    encodingType,
    encode: (text) => encodeForListing(text, encodingType),
  };
}

function objectNodes(version: StoredVersion): XmlNode[] {
  const algorithms = Object.keys(version.checksums?.values ?? {});
  return [
    ["LastModified", xmlDate(version.modifiedMs)],
    ["ETag", `"${version.etag}"`],
    ...algorithms.map((one): XmlNode => ["ChecksumAlgorithm", one]),
    ["ChecksumType", version.checksums?.type],
    ["Size", version.sizeBytes],
    ["StorageClass", version.storageClass],
  ];
}

function prefixNodes(prefixes: readonly string[], encode: (text: string) => string): XmlNode[] {
  return prefixes.map((one) => ["CommonPrefixes", [["Prefix", encode(one)]]]);
}

/** Owners of versions as listings show them: the bucket's, but where ACLs are enabled and somebody else wrote. */
function ownerNodes(s3: S3Service, bucket: Bucket): (version: StoredVersion) => XmlNode {
  const bucketOwner = ownerNode(s3.identity.canonicalUserId(bucket.account));
  if (bucket.ownerEnforced) return () => bucketOwner;
  return ({ acl }) => (acl === undefined ? bucketOwner : ownerNode(acl.ownerId));
}

function ownerNode(id: string): XmlNode {
  return ["Owner", [["ID", id]]];
}

/** A continuation token is the last key or prefix of the page before, opaque to clients. */
function tokenOfKey(key: string): string {
  return Buffer.from(`1${key}`).toString("base64url");
}

function keyOfToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString();
  if (!text.startsWith("1")) {
    throw invalidArgument("continuation-token", token, "The continuation token provided is incorrect");
  }
  return text.slice(1);
}
