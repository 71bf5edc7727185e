/** CopyObject and UploadPartCopy: a read of one version and a write of another, both judged, in one call. */
import type { RequestContext } from "../../core/iam/model.ts";
import type { ChecksumAlgorithm } from "../../s3/store.ts";
import { authoriseAction, requireBucket } from "./access.ts";
import { refuseArchived } from "./archive.ts";
import type { Bucket } from "./bucket.ts";
import { bodyOf, type IncomingBody, type S3Call } from "./call.ts";
import { commitVersion } from "./commit.ts";
import { checkCopyConditions, type ReadConditions } from "./conditions.ts";
import { type CustomerKey, makeDataKey, openDataKey } from "./encryption.ts";
import { invalidRequest, s3Error } from "./errors.ts";
import { type AddedPart, addPart, locateUpload, type UploadRefInput } from "./multipart.ts";
import { aclOfWrite } from "./ownership.ts";
import {
  admitWrite,
  bodySealing,
  storedMetadata,
  type WriteAnswer,
  type WriteInput,
  wholeSeconds,
  writeAnswer,
} from "./put.ts";
import { parseCopyRange } from "./ranges.ts";
import { locate, shownVersionId } from "./read.ts";
import { BODY_BYTES_MAX, receiveBody } from "./receive.ts";
import { type ByteRange, findBytes } from "./serve.ts";
import type { S3Service } from "./service.ts";
import type { StoredVersion } from "./versions.ts";

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string;
  readonly conditions?: ReadConditions;
  readonly customerKey?: CustomerKey;
  /** The account that has to own the source's bucket. */
  readonly expectedOwner?: string;
}

export interface CopyInput extends WriteInput {
  readonly source: CopySource;
  /** COPY, which is the default, takes metadata from the source and ignores that of the request. */
  readonly metadataDirective?: "COPY" | "REPLACE";
  readonly taggingDirective: "COPY" | "REPLACE";
  readonly checksumAlgorithm?: ChecksumAlgorithm;
}

export interface CopyAnswer extends WriteAnswer {
  readonly sourceVersionId?: string;
}

export async function copyObject(s3: S3Service, call: S3Call, input: CopyInput): Promise<CopyAnswer> {
  const bucket = requireBucket(s3, input.bucket);
  const source = openSource(s3, call, input.source);
  const { version } = source;
  const tags = input.taggingDirective === "COPY" ? version.tags : input.tags;
  if (input.taggingDirective === "COPY" && tags.length > 0) {
    const action = input.source.versionId === undefined ? "s3:GetObjectTagging" : "s3:GetObjectVersionTagging";
    authoriseAction(s3, call, action, { bucket: source.bucket, key: version.key, existingTags: tags });
  }
  const metadata =
    input.metadataDirective !== "REPLACE"
      ? { contentHeaders: version.metadata.contentHeaders, userMetadata: version.metadata.userMetadata }
      : input.metadata;
  admitWrite(s3, call, "CopyObject", bucket, { ...input, metadata, tags, context: copyContext(input) });
  // The source's ACL is not copied, on S3 neither.
  const acl = aclOfWrite(s3, call, bucket, input);
  refuseCopyOntoItself(input, version);
  refuseLarge(version.sizeBytes);

  const [known] = Object.keys(version.checksums?.values ?? {});
  const algorithm = input.checksumAlgorithm ?? (known as ChecksumAlgorithm | undefined);
  const claims = algorithm === undefined ? {} : { defaultAlgorithm: algorithm };
  const { sealing, received } = await readSource(s3, call, source, undefined, async (bytes) => {
    const key = await makeDataKey(s3, call, bucket, input.key, input.encryption);
    return { sealing: key, received: await receiveBody(s3, bytes, claims, bodySealing(key, call)) };
  });
  try {
    const committed = await commitVersion(
      s3,
      call,
      bucket,
      {
        key: input.key,
        sizeBytes: received.sizeBytes,
        digest: received.md5.toString("hex"),
        body: received,
        sealing,
        storageClass: input.storageClass ?? "STANDARD",
        checksums: { type: "FULL_OBJECT", values: { [received.checksum.algorithm]: received.checksum.value } },
        metadata: storedMetadata(metadata, sealing, received),
        tags,
        ...(acl === undefined ? {} : { acl }),
        // A copy is protected as its own request says, not as its source is.
        ...(input.lock === undefined ? {} : { lock: input.lock }),
        modifiedMs: wholeSeconds(call.nowMs),
        store: (connection) => received.store(connection),
        drop: () => (received.inFile ? [received.bodyId] : []),
      },
      {
        event: "ObjectCreated:Copy",
        ...(input.conditions === undefined ? {} : { conditions: input.conditions }),
      },
    );
    return { ...writeAnswer(committed.version, committed.shownVersionId), ...source.shown };
  } catch (error) {
    received.discard();
    throw error;
  }
}

export interface CopyPartInput extends UploadRefInput {
  readonly partNumber: number;
  readonly source: CopySource;
  /** `x-amz-copy-source-range` as it came. */
  readonly range?: string;
  readonly customerKey?: CustomerKey;
}

export interface CopyPartAnswer extends AddedPart {
  readonly sourceVersionId?: string;
}

export async function uploadPartCopy(s3: S3Service, call: S3Call, input: CopyPartInput): Promise<CopyPartAnswer> {
  const { bucket, upload } = locateUpload(s3, call, "UploadPartCopy", input, copyContext(input));
  const source = openSource(s3, call, input.source);
  const range = input.range === undefined ? undefined : parseCopyRange(input.range, source.version.sizeBytes);
  const added = await readSource(s3, call, source, range, (bytes) => {
    refuseLarge(bytes.sizeBytes ?? 0);
    return addPart(s3, call, bucket, upload, { ...input, claims: {} }, bytes);
  });
  return { ...added, ...source.shown };
}

/** A version that may be read, and has not been yet. */
interface OpenedSource {
  readonly bucket: Bucket;
  readonly version: StoredVersion;
  readonly customerKey: CustomerKey | undefined;
  /** What the answer says of it. */
  readonly shown: { readonly sourceVersionId?: string };
}

/** Finds and authorises the source. */
function openSource(s3: S3Service, call: S3Call, source: CopySource): OpenedSource {
  const { bucket, version } = locateSource(s3, call, source);
  if (source.expectedOwner !== undefined && source.expectedOwner !== bucket.account) throw s3Error("AccessDenied");
  if (source.conditions !== undefined) checkCopyConditions(version, source.conditions);
  refuseArchived(call, version);
  const shown = shownVersionId(bucket, version);
  return {
    bucket,
    version,
    customerKey: source.customerKey,
    shown: shown === undefined ? {} : { sourceVersionId: shown },
  };
}

function locateSource(s3: S3Service, call: S3Call, source: CopySource): ReturnType<typeof locate> {
  try {
    return locate(s3, call, "GetObject", source);
  } catch (error) {
    if (!(error instanceof Error && "code" in error) || error.code !== "MethodNotAllowed") throw error;
    throw invalidRequest("The source of a copy request may not specifically refer to a delete marker by version id.");
  }
}

/** Hands the source's bytes over; what of them is not read is let go in the end. */
async function readSource<T>(
  s3: S3Service,
  call: S3Call,
  { bucket, version, customerKey }: OpenedSource,
  range: ByteRange | undefined,
  use: (bytes: IncomingBody) => Promise<T>,
): Promise<T> {
  const found = findBytes(s3, version, range);
  try {
    const dataKey = await openDataKey(s3, call, bucket, version, customerKey);
    const sizeBytes = range === undefined ? version.sizeBytes : range.lastByte - range.firstByte + 1;
    return await use(bodyOf(found.read(dataKey), sizeBytes));
  } finally {
    found.release();
  }
}

/** Condition keys of a copy. @source https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html */
function copyContext({ source, metadataDirective }: Pick<CopyInput, "source" | "metadataDirective">): RequestContext {
  return {
    "s3:x-amz-copy-source": `${source.bucket}/${source.key}`,
    ...(metadataDirective === undefined ? {} : { "s3:x-amz-metadata-directive": metadataDirective }),
  };
}

function refuseCopyOntoItself(input: CopyInput, version: StoredVersion): void {
  const { source } = input;
  if (source.bucket !== input.bucket || source.key !== input.key || !version.isLatest) return;
  const { kind, kmsKeyId, customerKey } = input.encryption;
  const changes =
    input.metadataDirective === "REPLACE" ||
    input.taggingDirective === "REPLACE" ||
    (input.storageClass !== undefined && input.storageClass !== version.storageClass) ||
    kind !== undefined ||
    kmsKeyId !== undefined ||
    customerKey !== undefined ||
    source.versionId !== undefined;
  if (changes) return;
  throw invalidRequest(
    "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
  );
}

function refuseLarge(sizeBytes: number): void {
  if (sizeBytes <= BODY_BYTES_MAX) return;
  throw invalidRequest(
    `The specified copy source is larger than the maximum allowable size for a copy source: ${BODY_BYTES_MAX}`,
  );
}
