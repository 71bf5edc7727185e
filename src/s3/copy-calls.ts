/**
 * Calls by which a store copies what it has itself: CopyObject and UploadPartCopy. No byte goes through the caller.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html, API_UploadPartCopy.html
 */
import { childText } from "../core/xml.ts";
import { optional, unquoted } from "./answers.ts";
import type { Caller } from "./caller.ts";
import { documentChecksums } from "./listings.ts";
import { failedCall } from "./network-errors.ts";
import { copySourceHeaders, writeHeaders } from "./requests.ts";
import type { CallOptions, CopyPartRequest, CopyRequest, PutReply, UploadedPart } from "./store.ts";

/** A store that copies for long sends its headers first, and blanks until it is done. */
const COPY_TIMEOUT_MS = 600_000;

/** S3 may answer 200 before it knows, and then fail in the document: that is an error like any other. */
export async function copyObject(caller: Caller, request: CopyRequest, options?: CallOptions): Promise<PutReply> {
  const { bucket, key, source } = request;
  const headers = {
    ...writeHeaders(request, caller.profile),
    ...copySourceHeaders(source),
    "x-amz-metadata-directive": "REPLACE",
    "x-amz-tagging-directive": "REPLACE",
  };
  const call = {
    operation: "CopyObject",
    method: "PUT",
    bucket,
    key,
    headers,
    headersTimeoutMs: COPY_TIMEOUT_MS,
  } as const;
  const { root, exchange } = await caller.sendForDocument(call, ["CopyObjectResult"], options);
  return {
    ...optional("versionId", exchange.header("x-amz-version-id")),
    etag: unquoted(childText(root, "ETag") ?? ""),
    ...optional("requestId", exchange.header("x-amz-request-id")),
  };
}

export async function uploadPartCopy(
  caller: Caller,
  request: CopyPartRequest,
  options?: CallOptions,
): Promise<UploadedPart> {
  const { bucket, key, uploadId, partNumber, source, range } = request;
  const headers = {
    ...copySourceHeaders(source),
    "x-amz-copy-source-range": `bytes=${range.firstByte}-${range.lastByte}`,
  };
  const call = {
    operation: "UploadPartCopy",
    method: "PUT",
    bucket,
    key,
    query: { partNumber, uploadId },
    headers,
    headersTimeoutMs: COPY_TIMEOUT_MS,
  } as const;
  const { root, exchange } = await caller.sendForDocument(call, ["CopyPartResult"], options);
  const etag = unquoted(childText(root, "ETag") ?? "");
  if (etag === "") throw failedCall("protocol", exchange.call, undefined, "the answer does not name the part's ETag");
  return { partNumber, etag, ...optional("checksums", documentChecksums(root)) };
}
