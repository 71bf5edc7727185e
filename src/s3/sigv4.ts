/**
 * AWS Signature Version 4, for both ends: the client signs, the lab verifies.
 *
 * All text here is text as it goes over the wire: one character per byte, as `node:http` hands it out and undici takes
 * it. Text with characters above U+00FF has to be encoded before (`encodeUri` for paths and queries).
 *
 * Not here: reading the clock, deciding whether a signature is fresh, looking up secrets.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import type { Credentials } from "../core/model.ts";

/** What a signature is bound to besides the request. `date` is YYYYMMDD. */
export interface SigningScope {
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** A request as it goes over the wire. */
export interface SignableRequest {
  readonly method: string;
  /** As sent, percent-encoded. */
  readonly rawPath: string;
  /** As sent, without the question mark. */
  readonly rawQuery: string;
  /** Names in lower case; several values of one name are joined by a comma without a blank. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Who signs, where and when. */
export interface SigningContext {
  readonly credentials: Credentials;
  readonly region: string;
  /** `s3`, `sts`, `iam` … */
  readonly service: string;
  readonly nowMs: number;
}

/** Literals that stand in `x-amz-content-sha256` in place of the body's hash. */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";
export const STREAMING_PAYLOAD = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
export const STREAMING_PAYLOAD_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
export const STREAMING_UNSIGNED_PAYLOAD_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/** Hex SHA-256 of no bytes at all. */
export const EMPTY_PAYLOAD_HASH = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const ALGORITHM = "AWS4-HMAC-SHA256";

/** Headers that proxies and HTTP libraries add or change; the AWS SDKs leave the same ones unsigned. */
const UNSIGNED_HEADERS: ReadonlySet<string> = new Set([
  "accept-encoding",
  "authorization",
  "cache-control",
  "connection",
  "expect",
  "from",
  "keep-alive",
  "max-forwards",
  "pragma",
  "referer",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "user-agent",
  "x-amzn-trace-id",
]);

/**
 * Signs a request in its headers.
 *
 * @param request      its headers must hold `host`; all of them are signed but those that proxies change
 * @param payloadHash  hex SHA-256 of the body, or one of the literals that stand for it
 * @returns the headers to add: `x-amz-date`, `authorization` and, where they apply, `x-amz-content-sha256` (S3 only)
 *          and `x-amz-security-token`
 */
export function signHeaders(
  request: SignableRequest,
  payloadHash: string,
  context: SigningContext,
): Record<string, string> {
  const { credentials, region, service, nowMs } = context;
  const amzDate = formatAmzDate(nowMs);
  const scope = { date: amzDate.slice(0, 8), region, service };

  const added: Record<string, string> = { "x-amz-date": amzDate };
  if (service === "s3") added["x-amz-content-sha256"] = payloadHash;
  if (credentials.sessionToken !== undefined) added["x-amz-security-token"] = credentials.sessionToken;

  // Every request comes through here: joining the two records into one would take as long as hashing them.
  const signedHeaders: string[] = [];
  for (const name in request.headers) if (!UNSIGNED_HEADERS.has(name)) signedHeaders.push(name);
  for (const name in added) if (request.headers[name] === undefined) signedHeaders.push(name);
  signedHeaders.sort();

  const canonical = canonicalText(request, added, signedHeaders, payloadHash, service);
  const signed = signature(credentials.secretAccessKey, scope, stringToSign(amzDate, scope, canonical));
  const credential = `${credentials.accessKeyId}/${scopeText(scope)}`;
  added["authorization"] =
    `${ALGORITHM} Credential=${credential},SignedHeaders=${signedHeaders.join(";")},Signature=${signed}`;
  return added;
}

/**
 * Signs a request in its query: whoever holds the URL may send the request until it expires.
 *
 * @param origin            `https://host[:port]`, put in front of the path as it is
 * @param request           its headers must hold `host`; the bearer must send every one of them with the same value
 * @param expiresInSeconds  1..604800
 */
export function presignUrl(
  origin: string,
  request: SignableRequest,
  context: SigningContext & { readonly expiresInSeconds: number },
): string {
  const { credentials, region, service, nowMs, expiresInSeconds } = context;
  const amzDate = formatAmzDate(nowMs);
  const scope = { date: amzDate.slice(0, 8), region, service };
  const signedHeaders = Object.keys(request.headers).sort();

  const parameters = [
    `X-Amz-Algorithm=${ALGORITHM}`,
    `X-Amz-Credential=${encodeUri(`${credentials.accessKeyId}/${scopeText(scope)}`)}`,
    `X-Amz-Date=${amzDate}`,
    `X-Amz-Expires=${expiresInSeconds}`,
  ];
  if (credentials.sessionToken !== undefined) {
    parameters.push(`X-Amz-Security-Token=${encodeUri(credentials.sessionToken)}`);
  }
  parameters.push(`X-Amz-SignedHeaders=${encodeUri(signedHeaders.join(";"))}`);
  if (request.rawQuery !== "") parameters.unshift(request.rawQuery);

  const rawQuery = parameters.join("&");
  const payloadHash = service === "s3" ? UNSIGNED_PAYLOAD : EMPTY_PAYLOAD_HASH;
  const canonical = canonicalRequest({ ...request, rawQuery }, signedHeaders, payloadHash, service);
  const signed = signature(credentials.secretAccessKey, scope, stringToSign(amzDate, scope, canonical));
  return `${origin}${request.rawPath}?${rawQuery}&X-Amz-Signature=${signed}`;
}

/** What stands in an `Authorization` header. */
export interface ParsedAuthorization {
  readonly accessKeyId: string;
  readonly scope: SigningScope;
  /** In the order of the header. */
  readonly signedHeaders: readonly string[];
  /** 64 hex digits. */
  readonly signature: string;
}

/** Takes an `Authorization` header apart; undefined when it is not a Signature Version 4 one. */
export function parseAuthorization(headerValue: string): ParsedAuthorization | undefined {
  if (!headerValue.startsWith(`${ALGORITHM} `)) return undefined;
  const fields = new Map<string, string>();
  for (const field of headerValue.slice(ALGORITHM.length).split(",")) {
    const equals = field.indexOf("=");
    if (equals < 0) return undefined;
    fields.set(field.slice(0, equals).trim(), field.slice(equals + 1).trim());
  }
  const credential = parseCredential(fields.get("Credential") ?? "");
  const signedHeaders = fields.get("SignedHeaders");
  const signed = fields.get("Signature");
  if (credential === undefined || !signedHeaders || signed === undefined || !/^[0-9a-f]{64}$/.test(signed)) {
    return undefined;
  }
  return { ...credential, signedHeaders: signedHeaders.split(";"), signature: signed };
}

/** Takes `AKID/date/region/service/aws4_request` apart, as it stands in headers and in `X-Amz-Credential`. */
export function parseCredential(
  text: string,
): { readonly accessKeyId: string; readonly scope: SigningScope } | undefined {
  const parts = text.split("/");
  // An access key id of another store may hold slashes, so the scope is counted from the end.
  const [date, region, service, terminator] = parts.slice(-4);
  const accessKeyId = parts.slice(0, -4).join("/");
  if (accessKeyId === "" || terminator !== "aws4_request" || !date || !/^\d{8}$/.test(date)) return undefined;
  if (region === undefined || !service) return undefined;
  return { accessKeyId, scope: { date, region, service } };
}

/** Hex SHA-256 of a body. */
export function hashPayload(bytes: Uint8Array): string {
  return bytes.byteLength === 0 ? EMPTY_PAYLOAD_HASH : hash("sha256", bytes, "hex");
}

/**
 * The canonical form of a request. S3 takes the path as sent; every other service normalises it and encodes it once
 * more.
 *
 * @param signedHeaders names in lower case, sorted
 * @param payloadHash   hex SHA-256 of the body, or one of the literals that stand for it
 */
export function canonicalRequest(
  request: SignableRequest,
  signedHeaders: readonly string[],
  payloadHash: string,
  service: string,
): string {
  return canonicalText(request, {}, signedHeaders, payloadHash, service);
}

/** @param added headers that go before the request's own */
function canonicalText(
  request: SignableRequest,
  added: Readonly<Record<string, string>>,
  signedHeaders: readonly string[],
  payloadHash: string,
  service: string,
): string {
  const path = service === "s3" ? request.rawPath : encodeBytes(normalizePath(request.rawPath));
  let text = `${request.method}\n${path}\n${canonicalQuery(request.rawQuery)}\n`;
  for (const name of signedHeaders) {
    text += `${name}:${canonicalHeaderValue(added[name] ?? request.headers[name] ?? "")}\n`;
  }
  return `${text}\n${signedHeaders.join(";")}\n${payloadHash}`;
}

/** @param amzDate YYYYMMDDTHHMMSSZ */
export function stringToSign(amzDate: string, scope: SigningScope, canonical: string): string {
  return `${ALGORITHM}\n${amzDate}\n${scopeText(scope)}\n${hashText(canonical)}`;
}

/**
 * What the signature of one chunk of an aws-chunked body is made of.
 *
 * @param previousSignature of the chunk before; for the first chunk the request's own ("seed") signature
 * @param chunkHash         hex SHA-256 of the chunk's data
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */
export function chunkStringToSign(
  amzDate: string,
  scope: SigningScope,
  previousSignature: string,
  chunkHash: string,
): string {
  return `${ALGORITHM}-PAYLOAD\n${amzDate}\n${scopeText(scope)}\n${previousSignature}\n${EMPTY_PAYLOAD_HASH}\n${chunkHash}`;
}

/**
 * What the signature of the trailing headers of an aws-chunked body is made of.
 *
 * @param previousSignature of the last chunk, which has no data
 * @param trailers          names in lower case, in the order in which they are sent
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
export function trailerStringToSign(
  amzDate: string,
  scope: SigningScope,
  previousSignature: string,
  trailers: Readonly<Record<string, string>>,
): string {
  let text = "";
  for (const name in trailers) text += `${name}:${trailers[name]}\n`;
  return `${ALGORITHM}-TRAILER\n${amzDate}\n${scopeText(scope)}\n${previousSignature}\n${hashText(text)}`;
}

/** The signature of a string to sign, in hex. Signing keys are kept for a while. */
export function signature(secretAccessKey: string, scope: SigningScope, stringToSign: string): string {
  return createHmac("sha256", signingKey(secretAccessKey, scope)).update(stringToSign, "latin1").digest("hex");
}

/** A moment as YYYYMMDDTHHMMSSZ. */
export function formatAmzDate(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastDate.second) {
    lastDate = { second, text: new Date(second * 1000).toISOString().replace(/\.\d+|[-:]/g, "") };
  }
  return lastDate.text;
}

// One request in a thousand starts a new second: formatting a date costs as much as half a signature.
let lastDate = { second: 0, text: "19700101T000000Z" };

/**
 * Percent-encodes text as AWS wants it: every byte of its UTF-8 form but A-Z a-z 0-9 - . _ ~
 *
 * @param keepSlash whether `/` stays as it is: in paths, not in queries
 * @throws URIError for text that UTF-8 cannot carry (an unpaired surrogate)
 */
export function encodeUri(text: string, keepSlash = false): string {
  if (!(keepSlash ? /[^A-Za-z0-9\-._~/]/ : /[^A-Za-z0-9\-._~]/).test(text)) return text;
  const encoded = encodeURIComponent(text).replace(/[!'()*]/g, percent);
  return keepSlash ? encoded.replaceAll("%2F", "/") : encoded;
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
}

/** Encodes wire text once more: every character is a byte, and a percent sign is one of them. */
function encodeBytes(wireText: string): string {
  return wireText.replace(/[^A-Za-z0-9\-._~/]/g, percent);
}

/** RFC 3986 §5.2.4 without empty segments: what every service but S3 does to a path before it signs it. */
function normalizePath(rawPath: string): string {
  const kept: string[] = [];
  for (const segment of rawPath.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  const path = `/${kept.join("/")}`;
  return rawPath.endsWith("/") && kept.length > 0 ? `${path}/` : path;
}

/** Parameters in their one encoding, sorted by name and then by value, each with its equals sign. */
function canonicalQuery(rawQuery: string): string {
  if (rawQuery === "") return "";
  const parameters: { readonly name: string; readonly value: string }[] = [];
  for (const part of rawQuery.split("&")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    const value = equals < 0 ? "" : part.slice(equals + 1);
    parameters.push({ name: reencode(name), value: reencode(value) });
  }
  // Names are compared apart from values: "a" comes before "a-b", although "=" comes after "-".
  parameters.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value));
  return parameters.map(({ name, value }) => `${name}=${value}`).join("&");
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * Brings a name or value of a query into the encoding that `encodeUri` gives, whatever encoding it was sent in. A plus
 * sign is read as a blank, as form decoding does. (Unconfirmed for AWS; its own clients send %20 and %2B.)
 */
function reencode(sent: string): string {
  if (!/[^A-Za-z0-9\-._~]/.test(sent)) return sent;
  return sent.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/g, (one) => {
    if (one === "+") return "%20";
    if (one.length === 1) return percent(one);
    const character = String.fromCharCode(Number.parseInt(one.slice(1), 16));
    return /[A-Za-z0-9\-._~]/.test(character) ? character : one.toUpperCase();
  });
}

function canonicalHeaderValue(value: string): string {
  return /^\s|\s\s|\s$/.test(value) ? value.trim().replace(/\s+/g, " ") : value;
}

function scopeText(scope: SigningScope): string {
  return `${scope.date}/${scope.region}/${scope.service}/aws4_request`;
}

function hashText(wireText: string): string {
  return hash("sha256", Buffer.from(wireText, "latin1"), "hex");
}

/** Deriving a key takes four HMACs; one key serves all requests of a day. The oldest makes room. */
const SIGNING_KEYS_MAX = 256;
const signingKeys = new Map<string, KeyObject>();

function signingKey(secretAccessKey: string, scope: SigningScope): KeyObject {
  const id = `${secretAccessKey}\n${scope.date}\n${scope.region}\n${scope.service}`;
  const known = signingKeys.get(id);
  if (known !== undefined) return known;

  let key = createSecretKey(`AWS4${secretAccessKey}`, "utf8");
  for (const step of [scope.date, scope.region, scope.service, "aws4_request"]) {
    key = createSecretKey(createHmac("sha256", key).update(step).digest());
  }
  const [oldest] = signingKeys.keys();
  if (signingKeys.size >= SIGNING_KEYS_MAX && oldest !== undefined) signingKeys.delete(oldest);
  signingKeys.set(id, key);
  return key;
}
