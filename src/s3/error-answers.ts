/**
 * Answers that are errors: a status of 300 or more, or an `<Error>` document under status 200.
 *
 * @source aws-replication.md §12.1
 */
import { gunzipSync } from "node:zlib";
import type { XmlElement } from "../core/xml.ts";
import { optional } from "./answers.ts";
import { S3Error } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { callText } from "./network-errors.ts";
import { parseXml } from "./xml.ts";

/** An error document is a few hundred bytes; a proxy's page may be more and is not worth reading. */
const ERROR_BYTES_MAX = 256 * 1024;

/**
 * Reads the body of an answer whose status is an error.
 *
 * A body that is no error document (HEAD has none, a proxy sends HTML) leaves the code undefined: the status stands.
 */
export async function errorOfAnswer(exchange: Exchange, nowMs: number): Promise<S3Error> {
  return errorOf(exchange, await readDocument(exchange), nowMs);
}

/** The error in a document whose root is `Error`, whatever the answer's status was. */
export function errorOfDocument(exchange: Exchange, root: XmlElement, nowMs: number): S3Error {
  return errorOf(exchange, root, nowMs);
}

async function readDocument(exchange: Exchange): Promise<XmlElement | undefined> {
  let body: Uint8Array;
  try {
    body = await exchange.bytesUpTo(ERROR_BYTES_MAX);
  } catch (error) {
    // The status is an answer already; only the caller's own wish to stop goes before it.
    if (error instanceof S3Error && error.fields.network !== "aborted") return undefined;
    throw error;
  }
  try {
    // Nobody asked for gzip, and there are gateways that send it.
    const isZipped = exchange.header("content-encoding") === "gzip";
    const bytes = isZipped ? gunzipSync(body, { maxOutputLength: ERROR_BYTES_MAX }) : Buffer.from(body);
    const root = parseXml(bytes.toString("utf8"));
    return root.name === "Error" ? root : undefined;
  } catch {
    return undefined;
  }
}

function errorOf(exchange: Exchange, root: XmlElement | undefined, nowMs: number): S3Error {
  const { call, status } = exchange;
  const details: Record<string, string> = {};
  for (const { name, text, children } of root?.children ?? []) if (children.length === 0) details[name] = text;
  const { Code: code, Message: message, RequestId: requestId, HostId: hostId, ...others } = details;
  // A redirect tells the right region in a header too, and for HEAD only there.
  const region = others["Region"] ?? exchange.header("x-amz-bucket-region");
  const fields = {
    operation: call.operation,
    ...optional("bucket", call.bucket),
    ...optional("key", call.key),
    status,
    ...optional("code", code),
    ...optional("requestId", exchange.header("x-amz-request-id") ?? requestId),
    ...optional("hostId", exchange.header("x-amz-id-2") ?? hostId),
    ...optional("retryAfterMs", retryAfterMs(exchange.header("retry-after"), nowMs)),
    ...(exchange.header("x-amz-delete-marker") === "true" ? { isDeleteMarker: true } : {}),
    details: region === undefined ? others : { ...others, Region: region },
  };
  return new S3Error(errorText(fields, message, call.origin), fields);
}

function errorText(
  fields: { readonly operation: string; readonly status: number; readonly code?: string; readonly requestId?: string },
  message: string | undefined,
  origin: string,
): string {
  const { status, code, requestId } = fields;
  const what = code === undefined ? `status ${status}` : `${code} (${status})`;
  const says = message === undefined || message === "" ? "" : `: ${message}`;
  const request = requestId === undefined ? "" : ` [request ${requestId}]`;
  return `${callText(fields)}: ${origin} answered ${what}${says}${request}`;
}

/** `Retry-After` holds seconds or a date. */
function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const atMs = Date.parse(value);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
