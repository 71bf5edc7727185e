/**
 * Between the words of the Store port and those of the brain: requests one way, answers, bodies and errors the other. For
 * `direct.ts`, which makes the calls.
 */
import { createHash } from "node:crypto";
import type { AccessControlList } from "../core/model.ts";
import { CHECKSUM_ALGORITHMS } from "../s3/checksum.ts";
import { S3Error } from "../s3/errors.ts";
import type {
  Body,
  CallOptions,
  CreateUploadRequest,
  GetRequest,
  ListedPart,
  ObjectHead,
  Payload,
  CopySource as PortCopySource,
  PutReply,
  PutRequest,
  ReadRequest,
  WriteRequest,
} from "../s3/store.ts";
import { ConnectionCut } from "./disturbances/disturbances.ts";
import { isOutOfRoom, storageFull } from "./disturbances/full-disk.ts";
import { ServiceError } from "./model.ts";
import type { AclWish } from "./s3/acl-wish.ts";
import { bodyOf, type IncomingBody, type S3Call } from "./s3/call.ts";
import type { CopySource } from "./s3/copy.ts";
import type { EncryptionWish } from "./s3/encryption.ts";
import { invalidArgument, s3Error } from "./s3/errors.ts";
import type { WriteAnswer, WriteInput } from "./s3/put.ts";
import type { ReadAnswer, ReadInput } from "./s3/read.ts";
import { type BodyClaims, DEFAULT_ALGORITHM } from "./s3/receive.ts";
import type { StoredPart, Upload } from "./s3/upload-rows.ts";

/** What an error says it happened on. */
export interface Named {
  readonly bucket?: string;
  readonly key?: string;
}

/** What was thrown, as the Store port says it. */
export function storeError(
  error: unknown,
  named: { readonly operation: string } & Named,
  requestId: string,
  signal: AbortSignal | undefined,
): S3Error {
  if (error instanceof S3Error) return error;
  if (signal?.aborted === true)
    return new S3Error("the call was aborted", { ...named, network: "aborted" }, { cause: error });
  if (error instanceof ConnectionCut)
    return new S3Error(error.message, { ...named, network: "reset" }, { cause: error });
  const told = error instanceof ServiceError ? error : isOutOfRoom(error) ? storageFull() : s3Error("InternalError");
  // A HEAD has no body, so nobody over HTTP would know the code either.
  const isHead = named.operation === "HeadObject";
  return new S3Error(
    told.message,
    {
      ...named,
      status: told.status,
      requestId,
      ...(isHead ? {} : { code: told.code, details: told.details }),
      ...(told.headers["x-amz-delete-marker"] === "true" ? { isDeleteMarker: true } : {}),
      ...(told.headers["retry-after"] === undefined
        ? {}
        : { retryAfterMs: Number(told.headers["retry-after"]) * 1000 }),
    },
    { cause: error },
  );
}

export function readInput({ bucket, key, versionId, partNumber }: ReadRequest): ReadInput {
  return {
    bucket,
    key,
    ...(versionId === undefined ? {} : { versionId }),
    ...(partNumber === undefined ? {} : { partNumber }),
  };
}

export function rangeOf({ range }: GetRequest): { readonly range?: string } {
  return range === undefined ? {} : { range: `bytes=${range.firstByte}-${range.lastByte}` };
}

export function conditionsOf({ ifMatch }: GetRequest): Pick<ReadInput, "conditions"> {
  return ifMatch === undefined ? {} : { conditions: { ifMatch } };
}

export function sourceOf({ ifMatch, ...source }: PortCopySource): CopySource {
  return ifMatch === undefined ? source : { ...source, conditions: { ifMatch } };
}

/** An upload whose creator named no algorithm tells no checksums of its parts. */
export function listedPart(
  { number, etag, sizeBytes, checksum }: StoredPart,
  { details }: Pick<Upload, "details">,
): ListedPart {
  const part = { partNumber: number, etag, sizeBytes };
  if (!details.checksumWasNamed) return part;
  return { ...part, checksums: { type: "FULL_OBJECT", values: { [checksum.algorithm]: checksum.value } } };
}

export function sealedOf<Sealed>({ sealed }: { readonly sealed?: Sealed }): { readonly sealed?: Sealed } {
  return sealed === undefined ? {} : { sealed };
}

export function headOf(answer: ReadAnswer, call: S3Call): ObjectHead {
  const { version, shownVersionId, partsCount, lock } = answer;
  const { contentHeaders, userMetadata } = version.metadata;
  return {
    ...(shownVersionId === undefined ? {} : { versionId: shownVersionId }),
    etag: version.etag,
    sizeBytes: version.sizeBytes,
    lastModifiedMs: version.modifiedMs,
    storageClass: version.storageClass,
    encryption: version.encryption,
    contentHeaders: { "content-type": "binary/octet-stream", ...contentHeaders },
    userMetadata,
    ...(version.checksums === undefined ? {} : { checksums: version.checksums }),
    ...(version.replicationStatus === undefined ? {} : { replicationStatus: version.replicationStatus }),
    tagCount: version.tags.length,
    ...(partsCount === undefined ? {} : { partsCount }),
    ...sealedOf(answer),
    ...(version.metadata.archive?.status === undefined ? {} : { archiveStatus: version.metadata.archive.status }),
    ...lock,
    requestId: call.requestId,
  };
}

/** @param customerKey for SSE-C, which the port itself carries no key for */
export function writeInput(request: WriteRequest, customerKey?: Uint8Array): WriteInput {
  const { bucket, key, contentHeaders, userMetadata, storageClass, tags, acl, retention, legalHold, replica } = request;
  const lock = {
    ...(retention === undefined ? {} : { retention }),
    ...(legalHold === undefined ? {} : { legalHold }),
  };
  return {
    bucket,
    key,
    metadata: { contentHeaders, userMetadata },
    encryption: wishOf(request, customerKey),
    tags: tags ?? [],
    ...(storageClass === undefined ? {} : { storageClass }),
    ...(acl === undefined ? {} : { acl: grantsOf(acl) }),
    ...(retention === undefined && legalHold === undefined ? {} : { lock }),
    ...(replica === undefined ? {} : { replica }),
  };
}

export function grantsOf({ ownerId, grants }: AccessControlList): AclWish {
  return { kind: "grants", grants, ownerId };
}

function wishOf({ encryption, replica }: WriteRequest, customerKey: Uint8Array | undefined): EncryptionWish {
  if (replica?.sealed !== undefined) return {};
  switch (encryption?.kind) {
    case undefined:
    case "NOT-SSE":
      return {};
    case "SSE-S3":
      return { kind: "SSE-S3" };
    case "SSE-KMS":
    case "DSSE-KMS":
      return {
        kind: encryption.kind,
        ...(encryption.kmsKeyArn === undefined ? {} : { kmsKeyId: encryption.kmsKeyArn }),
        ...(encryption.bucketKey === undefined ? {} : { bucketKey: encryption.bucketKey }),
      };
    case "SSE-C":
      if (customerKey !== undefined) {
        const md5 = createHash("md5").update(customerKey).digest("base64");
        return { customerKey: { bytes: customerKey, md5 } };
      }
      // The port carries no customer's key, and without one nothing can be encrypted by it.
      throw invalidArgument(
        "x-amz-server-side-encryption-customer-key",
        "null",
        "Requests specifying Server Side Encryption with Customer provided keys must provide an appropriate secret key.",
      );
  }
}

/** One checksum is verified, as over HTTP, where S3 takes one only. */
type Claiming = Pick<PutRequest, "checksums" | "md5" | "body">;

export function claimsOf({ checksums, md5, body }: Claiming): BodyClaims {
  const contentMd5 = md5 === undefined ? {} : { contentMd5: md5 };
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = checksums?.values[algorithm];
    if (value !== undefined) return { ...contentMd5, checksum: { algorithm, value } };
  }
  // A trailer would be computed from the same bytes that are hashed here: there is nothing to compare, and nothing to demand.
  const defaultAlgorithm = (body instanceof Uint8Array ? undefined : body.trailer) ?? DEFAULT_ALGORITHM;
  return { ...contentMd5, defaultAlgorithm };
}

export function checksumChoice({ checksums }: CreateUploadRequest) {
  return checksums === undefined ? {} : { checksum: checksums };
}

export function incoming(payload: Payload, callOptions: CallOptions | undefined): IncomingBody {
  if (payload instanceof Uint8Array) return bodyOf(payload, payload.length);
  return bodyOf(exactly(payload.stream, payload.sizeBytes, callOptions?.signal), payload.sizeBytes);
}

/** What a socket would find out: a stream that is shorter or longer than announced, and an abort. */
async function* exactly(
  stream: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  let size = 0;
  for await (const chunk of stream) {
    signal?.throwIfAborted();
    size += chunk.length;
    if (size > sizeBytes) throw s3Error("IncompleteBody");
    yield chunk;
  }
  if (size < sizeBytes) throw s3Error("IncompleteBody");
}

export function replyOf(answer: WriteAnswer, call: S3Call): PutReply {
  return {
    etag: answer.etag,
    requestId: call.requestId,
    ...(answer.versionId === undefined ? {} : { versionId: answer.versionId }),
  };
}

export function replyBody(
  answer: { readonly sizeBytes: number; readonly body: Uint8Array | AsyncIterable<Uint8Array>; cancel(): void },
  named: { readonly operation: string } & Named,
  signal: AbortSignal | undefined,
): Body {
  const { sizeBytes, body } = answer;
  async function* stream(): AsyncGenerator<Uint8Array> {
    try {
      if (body instanceof Uint8Array) {
        yield body;
        return;
      }
      for await (const chunk of body) {
        signal?.throwIfAborted();
        yield chunk;
      }
    } catch (error) {
      const network = signal?.aborted === true ? "aborted" : "truncated";
      throw new S3Error("the body ended early", { ...named, network }, { cause: error });
    } finally {
      answer.cancel();
    }
  }
  return {
    sizeBytes,
    stream,
    async bytes() {
      if (body instanceof Uint8Array) return body;
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream()) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    cancel: () => answer.cancel(),
  };
}
