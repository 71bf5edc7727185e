/** Answers of the S3 skin: documents, errors, and the headers that describe a version. */
import { escapeXml, printXml, type XmlNode } from "../../../core/xml.ts";
import { checksumHeader } from "../../../s3/checksum.ts";
import { toHeaderText } from "../../../s3/header-text.ts";
import type { ChecksumAlgorithm, Checksums } from "../../../s3/store.ts";
import type { ServiceAnswer, ServiceError } from "../../model.ts";
import { printKmsContext } from "../encryption.ts";
import { SSE_HEADER, type WriteAnswer } from "../put.ts";
import type { StoredVersion } from "../versions.ts";

export type AnswerHeaders = Record<string, string>;

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
const XML = "application/xml";

/** An answer with a document. */
export function xmlAnswer(root: XmlNode & object, headers: AnswerHeaders = {}, status = 200): ServiceAnswer {
  return { status, headers: { "content-type": XML, ...headers }, body: printXml(root, NAMESPACE) };
}

export function emptyAnswer(status = 200, headers: AnswerHeaders = {}): ServiceAnswer {
  return { status, headers };
}

/** The error document. HEAD answers have none, and 304 neither. */
export function printS3Error(
  error: ServiceError,
  call: { readonly requestId: string; readonly rawPath: string; readonly method: string },
): ServiceAnswer {
  if (call.method === "HEAD" || error.status === 304) return { status: error.status, headers: error.headers };
  let body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${error.code}</Code><Message>${xmlText(error.message)}</Message>`;
  for (const [name, value] of Object.entries(error.details)) {
    const element = name.replace(/[^A-Za-z0-9_-]/g, "");
    body += `<${element}>${xmlText(value)}</${element}>`;
  }
  body += `<RequestId>${call.requestId}</RequestId><HostId>${hostIdOf(call.requestId)}</HostId></Error>`;
  return { status: error.status, headers: { "content-type": XML, ...error.headers }, body };
}

/** `x-amz-id-2`: opaque, and the same for one request wherever it is printed. */
export function hostIdOf(requestId: string): string {
  return Buffer.from(`lockstep-lab/${requestId}`).toString("base64");
}

/** Text for a document; what XML 1.0 cannot hold is shown as U+FFFD. */
function xmlText(text: string): string {
  return escapeXml(
    NOT_PRINTABLE.test(text)
      ? text.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, "\ufffd")
      : text,
  );
}

const NOT_PRINTABLE = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

/** Headers by which S3 describes how a version is encrypted. */
export function encryptionHeaders(
  of: Pick<WriteAnswer, "encryption" | "customerKeyMd5">,
  headers: AnswerHeaders = {},
): AnswerHeaders {
  const { kind, kmsKeyArn, bucketKey } = of.encryption;
  if (kind === "SSE-C") {
    headers["x-amz-server-side-encryption-customer-algorithm"] = "AES256";
    headers["x-amz-server-side-encryption-customer-key-MD5"] = of.customerKeyMd5 ?? "";
  } else if (kind !== "NOT-SSE") headers["x-amz-server-side-encryption"] = SSE_HEADER[kind];
  if (kmsKeyArn !== undefined) headers["x-amz-server-side-encryption-aws-kms-key-id"] = kmsKeyArn;
  if (bucketKey === true) headers["x-amz-server-side-encryption-bucket-key-enabled"] = "true";
  return headers;
}

/** `x-amz-checksum-*` and its type. */
export function checksumHeaders(checksums: Checksums | undefined, headers: AnswerHeaders = {}): AnswerHeaders {
  if (checksums === undefined) return headers;
  for (const algorithm in checksums.values) {
    headers[checksumHeader(algorithm as ChecksumAlgorithm)] = checksums.values[algorithm as ChecksumAlgorithm] ?? "";
  }
  headers["x-amz-checksum-type"] = checksums.type;
  return headers;
}

/** The same as elements: `ChecksumCRC32`, …, and `ChecksumType`. */
export function checksumNodes(checksums: Checksums | undefined, withType = true): XmlNode[] {
  if (checksums === undefined) return [];
  const nodes: XmlNode[] = Object.entries(checksums.values).map(([algorithm, value]) => [
    `Checksum${algorithm}`,
    value,
  ]);
  return withType ? [...nodes, ["ChecksumType", checksums.type]] : nodes;
}

/** Headers that GET and HEAD have in common. */
export function versionHeaders(version: StoredVersion, shownVersionId: string | undefined): AnswerHeaders {
  const { metadata } = version;
  const headers: AnswerHeaders = {
    "accept-ranges": "bytes",
    etag: `"${version.etag}"`,
    "last-modified": httpDate(version.modifiedMs),
    "content-type": "binary/octet-stream",
  };
  for (const name in metadata.contentHeaders)
    headers[name] = toHeaderText(metadata.contentHeaders[name] ?? "", "utf-8");
  for (const name in metadata.userMetadata) {
    headers[`x-amz-meta-${name}`] = toHeaderText(metadata.userMetadata[name] ?? "", "rfc2047");
  }
  if (shownVersionId !== undefined) headers["x-amz-version-id"] = shownVersionId;
  const { customerKeyMd5 } = metadata;
  const { encryption } = version;
  encryptionHeaders(customerKeyMd5 === undefined ? { encryption } : { encryption, customerKeyMd5 }, headers);
  if (version.storageClass !== "STANDARD") headers["x-amz-storage-class"] = version.storageClass;
  if (version.tags.length > 0) headers["x-amz-tagging-count"] = String(version.tags.length);
  if (version.replicationStatus !== undefined) headers["x-amz-replication-status"] = version.replicationStatus;
  return headers;
}

/** Writes tell it, reads do not. */
export const KMS_CONTEXT_HEADER = "x-amz-server-side-encryption-context";

/** Headers of the answer to a write. */
export function writeHeaders(answer: WriteAnswer): AnswerHeaders {
  const headers: AnswerHeaders = { etag: `"${answer.etag}"` };
  if (answer.versionId !== undefined) headers["x-amz-version-id"] = answer.versionId;
  if (answer.kmsContext !== undefined) headers[KMS_CONTEXT_HEADER] = printKmsContext(answer.kmsContext);
  return checksumHeaders(answer.checksums, encryptionHeaders(answer, headers));
}

// Many objects were written within one second, and a date takes longer to print than the rest of the headers.
let lastDate = { ms: -1, text: "" };

export function httpDate(ms: number): string {
  if (ms !== lastDate.ms) lastDate = { ms, text: new Date(ms).toUTCString() };
  return lastDate.text;
}

let lastIsoDate = { ms: -1, text: "" };

/** As dates stand in documents. */
export function xmlDate(ms: number): string {
  if (ms !== lastIsoDate.ms) lastIsoDate = { ms, text: new Date(ms).toISOString() };
  return lastIsoDate.text;
}

/** Buckets that were never versioned show none. */
export function versionIdHeader(versionId: string | undefined): AnswerHeaders {
  return versionId === undefined ? {} : { "x-amz-version-id": versionId };
}
