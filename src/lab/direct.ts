/**
 * The lab's S3 as a Store, without sockets: the same brain, the same authorisation, S3Error for every no.
 *
 * For simulation and for tools in the same process. Signatures are not made; credentials are looked up for every call, so
 * a session that has expired is refused here too.
 */
import type { Credentials } from "../core/model.ts";
import { S3Error } from "../s3/errors.ts";
import type { CallOptions, Store, UploadRef } from "../s3/store.ts";
import {
  checksumChoice,
  claimsOf,
  conditionsOf,
  grantsOf,
  headOf,
  incoming,
  listedPart,
  type Named,
  rangeOf,
  readInput,
  replyBody,
  replyOf,
  sealedOf,
  sourceOf,
  storeError,
  writeInput,
} from "./direct-translation.ts";
import { type Caller, ServiceError } from "./model.ts";
import { takeRandomBytes } from "./random.ts";
import { refusal } from "./refusals.ts";
import { authorise, requireBucket } from "./s3/access.ts";
import { getObjectAcl, putObjectAcl } from "./s3/acl.ts";
import type { S3Call } from "./s3/call.ts";
import { completeMultipartUpload } from "./s3/complete.ts";
import { copyObject, uploadPartCopy } from "./s3/copy.ts";
import { deleteObject } from "./s3/delete.ts";
import { s3Error } from "./s3/errors.ts";
import { listVersions } from "./s3/listing.ts";
import { abortMultipartUpload, createMultipartUpload, uploadPart } from "./s3/multipart.ts";
import { putObject } from "./s3/put.ts";
import { getObject, headObject } from "./s3/read.ts";
import { getObjectLegalHold, getObjectRetention, putObjectLegalHold, putObjectRetention } from "./s3/retention.ts";
import type { S3Service } from "./s3/service.ts";
import { getObjectTagging, putObjectTagging } from "./s3/tagging.ts";
import { listParts } from "./s3/uploads.ts";

export interface DirectOptions {
  readonly by: Credentials | Caller;
  readonly region: string;
  readonly clock: () => number;
  /** 32 bytes: what every write that asks for SSE-C is encrypted by; without them such writes are refused. */
  readonly customerKey?: Uint8Array;
}

const KEYS_MAX = 1000;
const PARTS_PAGE_MAX = 1000;

export function openDirectStore(s3: S3Service, options: DirectOptions): Store {
  const run = runner(s3, options);
  return {
    headObject: (request, callOptions) =>
      run("HeadObject", request, callOptions, (call) => headOf(headObject(s3, call, readInput(request)), call)),

    getObject: (request, callOptions) =>
      run("GetObject", request, callOptions, async (call) => {
        const answer = await getObject(s3, call, {
          ...readInput(request),
          ...rangeOf(request),
          ...conditionsOf(request),
          ...sealedOf(request),
        });
        return {
          head: headOf(answer, call),
          body: replyBody(answer, { operation: "GetObject", ...request }, callOptions?.signal),
        };
      }),

    putObject: (request, callOptions) =>
      run("PutObject", request, callOptions, async (call) => {
        const claims = claimsOf(request);
        const conditions = request.onlyIfAbsent === true ? { conditions: { ifNoneMatch: "*" } } : {};
        const input = { ...writeInput(request, options.customerKey), ...conditions, claims };
        return replyOf(await putObject(s3, call, input, incoming(request.body, callOptions)), call);
      }),

    deleteObject: (request, callOptions) =>
      run("DeleteObject", request, callOptions, async (call) => {
        const { versionId, isMarker } = await deleteObject(s3, call, request);
        return {
          isDeleteMarker: isMarker,
          requestId: call.requestId,
          ...(versionId === undefined ? {} : { versionId }),
        };
      }),

    createMultipartUpload: (request, callOptions) =>
      run("CreateMultipartUpload", request, callOptions, async (call) => {
        const { uploadId } = await createMultipartUpload(s3, call, {
          ...writeInput(request),
          ...checksumChoice(request),
        });
        return { uploadId };
      }),

    uploadPart: (request, callOptions) =>
      run("UploadPart", request, callOptions, async (call) => {
        const { bucket, key, uploadId, partNumber } = request;
        const claims = claimsOf(request);
        const input = { bucket, key, uploadId, partNumber, claims, ...sealedOf(request) };
        const { part } = await uploadPart(s3, call, input, incoming(request.body, callOptions));
        const { algorithm, value } = part.checksum;
        return { partNumber, etag: part.etag, checksums: { type: "FULL_OBJECT", values: { [algorithm]: value } } };
      }),

    completeMultipartUpload: (request, callOptions) =>
      run("CompleteMultipartUpload", request, callOptions, async (call) => {
        const parts = request.parts.map(({ partNumber, etag, checksums }) => ({
          partNumber,
          etag,
          ...(checksums === undefined ? {} : { checksums: checksums.values }),
        }));
        return replyOf(await completeMultipartUpload(s3, call, { ...request, parts }), call);
      }),

    abortMultipartUpload: (request: UploadRef, callOptions) =>
      run("AbortMultipartUpload", request, callOptions, async (call) => {
        await abortMultipartUpload(s3, call, request).catch((error: unknown) => {
          if (!(error instanceof ServiceError) || error.code !== "NoSuchUpload") throw error;
        });
      }),

    listParts: (request, callOptions) =>
      run("ListParts", request, callOptions, (call) => {
        const { partNumberMarker: afterNumber = 0, maxParts = PARTS_PAGE_MAX } = request;
        const asked = { ...request, afterNumber, maxParts: Math.min(maxParts, PARTS_PAGE_MAX) };
        const { parts, isTruncated, upload } = listParts(s3, call, asked);
        const last = parts.at(-1);
        const listed = parts.map((one) => listedPart(one, upload));
        return isTruncated && last !== undefined ? { parts: listed, next: last.number } : { parts: listed };
      }),

    copyObject: ({ source, ...request }, callOptions) =>
      run("CopyObject", request, callOptions, async (call) => {
        const directives = { metadataDirective: "REPLACE", taggingDirective: "REPLACE" } as const;
        const input = { ...writeInput(request), ...directives, source: sourceOf(source) };
        return replyOf(await copyObject(s3, call, input), call);
      }),

    uploadPartCopy: ({ source, range, ...request }, callOptions) =>
      run("UploadPartCopy", request, callOptions, async (call) => {
        const input = { ...request, source: sourceOf(source), range: `bytes=${range.firstByte}-${range.lastByte}` };
        const { part, details } = await uploadPartCopy(s3, call, input);
        const { sizeBytes: _, ...uploaded } = listedPart(part, { details });
        return uploaded;
      }),

    getObjectTagging: (request, callOptions) =>
      run("GetObjectTagging", request, callOptions, (call) => getObjectTagging(s3, call, request).tags),

    putObjectTagging: (request, callOptions) =>
      run("PutObjectTagging", request, callOptions, async (call) => {
        await putObjectTagging(s3, call, request, request.tags);
      }),

    getObjectAcl: (request, callOptions) =>
      run("GetObjectAcl", request, callOptions, (call) => getObjectAcl(s3, call, request)),

    putObjectAcl: ({ acl, ...request }, callOptions) =>
      run("PutObjectAcl", request, callOptions, (call) => putObjectAcl(s3, call, { ...request, acl: grantsOf(acl) })),

    getObjectRetention: (request, callOptions) =>
      run("GetObjectRetention", request, callOptions, (call) => getObjectRetention(s3, call, request)),

    putObjectRetention: (request, callOptions) =>
      run("PutObjectRetention", request, callOptions, (call) => {
        const { retention, ...rest } = request;
        return putObjectRetention(s3, call, retention === undefined ? rest : { ...rest, retention });
      }),

    getObjectLegalHold: (request, callOptions) =>
      run("GetObjectLegalHold", request, callOptions, (call) => getObjectLegalHold(s3, call, request) === true),

    putObjectLegalHold: (request, callOptions) =>
      run("PutObjectLegalHold", request, callOptions, (call) => putObjectLegalHold(s3, call, request)),

    listObjectVersions: (request, callOptions) =>
      run("ListObjectVersions", request, callOptions, (call) => {
        const bucket = requireBucket(s3, request.bucket);
        const { prefix = "", keyMarker, versionIdMarker, maxKeys = KEYS_MAX } = request;
        const context = prefix === "" ? {} : { context: { "s3:prefix": prefix } };
        authorise(s3, call, "ListObjectVersions", { bucket, ...context });
        const { versions, next } = listVersions(s3.database.committed, {
          bucketId: bucket.id,
          prefix,
          delimiter: "",
          maxKeys: Math.min(maxKeys, KEYS_MAX),
          ...(keyMarker === undefined
            ? {}
            : { after: { key: keyMarker, ...(versionIdMarker === undefined ? {} : { versionId: versionIdMarker }) } }),
        });
        const listed = versions.map((one) => ({
          key: one.key,
          versionId: one.versionId,
          isLatest: one.isLatest,
          isDeleteMarker: one.isMarker,
          lastModifiedMs: one.modifiedMs,
          sizeBytes: one.sizeBytes,
          etag: one.etag,
          storageClass: one.storageClass,
        }));
        if (next === undefined || typeof next === "string") return { versions: listed };
        return { versions: listed, next: { keyMarker: next.key, versionIdMarker: next.versionId ?? "" } };
      }),
  };
}

type Run = <T>(
  operation: string,
  request: Named,
  callOptions: CallOptions | undefined,
  work: (call: S3Call) => T | Promise<T>,
) => Promise<T>;

/** Looks the caller up, runs one operation, and turns what is thrown into an S3Error. */
function runner(s3: S3Service, options: DirectOptions): Run {
  return async (operation, { bucket, key }, callOptions, work) => {
    const requestId = takeRandomBytes(8).toString("hex").toUpperCase();
    const named = {
      operation,
      ...(bucket === undefined ? {} : { bucket }),
      ...(key === undefined ? {} : { key }),
    };
    if (callOptions?.signal?.aborted === true)
      throw new S3Error("the call was aborted", { ...named, network: "aborted" });
    try {
      if (key?.includes("\0")) throw s3Error("InvalidURI");
      const call = callOf(s3, options, requestId);
      const disturbances = s3.disturbances.active;
      if (disturbances === undefined) return await work(call);
      return await disturbances.disturb({ operation, bucket: bucket ?? "", key: key ?? "" }, () => work(call));
    } catch (error) {
      throw storeError(error, named, requestId, callOptions?.signal);
    }
  };
}

/** A call as the brain sees it, of whoever the options name. @throws ServiceError when the credentials are not good */
export function callOf(s3: S3Service, { by, region, clock }: DirectOptions, requestId: string): S3Call {
  const nowMs = clock();
  const iso = new Date(nowMs).toISOString();
  const context = {
    "aws:currenttime": iso,
    "aws:epochtime": String(Math.floor(nowMs / 1000)),
    "aws:securetransport": "true",
    "aws:requestedregion": region,
    "s3:authtype": "REST-HEADER",
    "s3:signatureversion": "AWS4-HMAC-SHA256",
  };
  return { caller: callerOf(s3, by, nowMs), region, requestId, nowMs, context };
}

function callerOf(s3: S3Service, by: Credentials | Caller, nowMs: number): Caller {
  if ("principal" in by) return by;
  const answer = s3.identity.credential(by.accessKeyId, by.sessionToken, nowMs);
  if ("caller" in answer) return answer.caller;
  throw refusal("s3", { reason: "credential", problem: answer.problem, accessKeyId: by.accessKeyId });
}
