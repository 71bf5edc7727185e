/** A request as it came over the wire: its target, headers and parameters taken apart, and the condition keys they give. */
import type { IncomingMessage } from "node:http";
import type { RequestContext } from "../core/iam/model.ts";
import type { Authenticated, WireRequest } from "./authenticate.ts";
import { s3Error } from "./s3/errors.ts";

/** What is known of a request before anybody looks at it. */
export interface Wire extends WireRequest {
  readonly requestId: string;
  readonly nowMs: number;
}

/** A target in absolute form (`GET http://host/path`) is allowed by HTTP; everything else starts with a slash. */
export function pathOf(url: string): string {
  if (url.startsWith("/")) return url;
  const match = /^https?:\/\/[^/?]*(.*)$/i.exec(url);
  const path = match?.[1] ?? "";
  return path.startsWith("/") ? path : `/${path}`;
}

/** Decoded parameters; of repeated ones the first counts. @throws ServiceError InvalidURI */
export function parseQuery(rawQuery: string): ReadonlyMap<string, string> {
  if (rawQuery === "") return NO_QUERY;
  const query = new Map<string, string>();
  for (const part of rawQuery.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = decode(equals < 0 ? part : part.slice(0, equals));
    if (!query.has(name)) query.set(name, equals < 0 ? "" : decode(part.slice(equals + 1)));
  }
  return query;
}

const NO_QUERY: ReadonlyMap<string, string> = new Map();

/** Nothing in S3 can hold U+0000, so a parameter with one means nothing. */
function decode(text: string): string {
  if (!/[%+]/.test(text)) return text;
  let decoded = "\0";
  try {
    decoded = decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    // Not the percent-encoding of UTF-8.
  }
  if (decoded.includes("\0")) throw s3Error("InvalidURI", { details: { URI: text } });
  return decoded;
}

/** Node joins repeated headers with a comma and a blank, and drops some; a signature covers them joined by a comma. */
export function headersOf({ headers, rawHeaders }: IncomingMessage): Readonly<Record<string, string>> {
  const names = Object.keys(headers);
  if (names.length * 2 === rawHeaders.length) return headers as Record<string, string>;
  const joined: Record<string, string> = {};
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? "").toLowerCase();
    const value = rawHeaders[index + 1] ?? "";
    const before = joined[name];
    joined[name] = before === undefined ? value : `${before},${value}`;
  }
  return joined;
}

/** The IP address that a request came from; IPv4 as such, however the socket spells it. */
export function remoteAddress({ socket }: IncomingMessage): string {
  return (socket.remoteAddress ?? "").replace(/^::ffff:/, "");
}

/** Condition keys that say where and when a request came from. */
export function networkContext(request: IncomingMessage, { headers, nowMs }: Wire): RequestContext {
  const now = secondOf(nowMs);
  const context: Record<string, string> = {
    "aws:currenttime": now.iso,
    "aws:epochtime": now.epoch,
    "aws:securetransport": "false",
    "aws:sourceip": remoteAddress(request),
  };
  const userAgent = headers["user-agent"];
  const referer = headers["referer"];
  if (userAgent !== undefined) context["aws:useragent"] = userAgent;
  if (referer !== undefined) context["aws:referer"] = referer;
  return context;
}

/** Condition keys of S3 that say how a request was signed. */
export function signatureContext({ headers }: Wire, { signed }: Authenticated): RequestContext {
  if (signed === undefined) return {};
  const context: Record<string, string> = {
    "s3:authtype": signed.claim.by === "header" ? "REST-HEADER" : "REST-QUERY-STRING",
    "s3:signatureversion": "AWS4-HMAC-SHA256",
    "s3:signatureage": String(signed.ageMs),
    "aws:requestedregion": signed.claim.scope.region,
  };
  const hash = headers["x-amz-content-sha256"];
  if (hash !== undefined) context["s3:x-amz-content-sha256"] = hash;
  return context;
}

// Thousands of requests share a second.
let second = { at: -1, iso: "", epoch: "" };

function secondOf(nowMs: number): { readonly iso: string; readonly epoch: string } {
  const at = Math.floor(nowMs / 1000);
  if (at !== second.at) second = { at, iso: `${new Date(at * 1000).toISOString().slice(0, 19)}Z`, epoch: String(at) };
  return second;
}
