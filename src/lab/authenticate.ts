/**
 * Who signed a request: Signature Version 4 in the `Authorization` header or in the query.
 *
 * What it finds wrong is thrown as an `AuthenticationError`, a reason with its facts; `refusals.ts` words it as the
 * service at hand would. A request without a signature is anonymous, not wrong.
 *
 * Bodies are not read here. S3 signs a hash that stands in a header, and the server compares it with the bytes as they
 * come; for other services the server hashes the body before it asks.
 *
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
 */
import { timingSafeEqual } from "node:crypto";
import {
  canonicalRequest,
  parseAuthorization,
  parseCredential,
  type SignableRequest,
  type SigningScope,
  STREAMING_PAYLOAD,
  STREAMING_PAYLOAD_TRAILER,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
  signature,
  stringToSign,
  UNSIGNED_PAYLOAD,
} from "../s3/sigv4.ts";
import { ANONYMOUS, type Caller, type CredentialProblem, type Identity } from "./model.ts";

/** What a signature says of itself, before anything is checked. */
export interface Claim {
  readonly by: "header" | "query";
  readonly accessKeyId: string;
  readonly scope: SigningScope;
  readonly signedHeaders: readonly string[];
  /** 64 hex digits. */
  readonly signature: string;
}

/** Somebody whose signature is good, or nobody. */
export interface Authenticated {
  readonly caller: Caller;
  /** Undefined for anonymous requests. */
  readonly signed?: {
    readonly claim: Claim;
    /** `x-amz-date` */
    readonly amzDate: string;
    readonly ageMs: number;
    readonly secretAccessKey: string;
    /** What was signed in place of the body: a hash, or one of the literals. */
    readonly payloadHash: string;
  };
}

/** Why a request is refused. */
export type AuthenticationProblem =
  | { readonly reason: "unsupportedMechanism" }
  /** In the header and in the query; the value is the header's. */
  | { readonly reason: "twoMechanisms"; readonly value: string }
  | { readonly reason: "malformedHeader"; readonly says: string }
  | { readonly reason: "malformedQuery"; readonly says: string }
  | { readonly reason: "missingDate" }
  | { readonly reason: "missingPayloadHash" }
  | { readonly reason: "badPayloadHash"; readonly value: string }
  | { readonly reason: "skewed"; readonly requestMs: number; readonly nowMs: number }
  | { readonly reason: "expired"; readonly expiresSeconds: number; readonly atMs: number; readonly nowMs: number }
  | { readonly reason: "notYetValid"; readonly amzDate: string; readonly nowMs: number }
  | { readonly reason: "unsignedHeaders"; readonly names: readonly string[] }
  | { readonly reason: "credential"; readonly problem: CredentialProblem; readonly accessKeyId: string }
  | {
      readonly reason: "wrongSignature";
      readonly accessKeyId: string;
      readonly provided: string;
      readonly toSign: string;
      readonly canonical: string;
    };

export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
  readonly problem: AuthenticationProblem;

  constructor(problem: AuthenticationProblem) {
    super(problem.reason);
    this.problem = problem;
  }
}

export interface WireRequest extends SignableRequest {
  readonly query: ReadonlyMap<string, string>;
}

/** 15 minutes either way. */
const SKEW_MS_MAX = 15 * 60_000;
const EXPIRES_SECONDS_MAX = 604_800;
const ALGORITHM = "AWS4-HMAC-SHA256";

/** Reads who a request says it is from; undefined when it is not signed. @throws AuthenticationError */
export function readClaim(request: WireRequest): Claim | undefined {
  const header = request.headers["authorization"];
  const { query } = request;
  if (header !== undefined) {
    if (query.has("X-Amz-Algorithm") || query.has("Signature")) {
      throw new AuthenticationError({ reason: "twoMechanisms", value: header });
    }
    if (!header.startsWith(ALGORITHM)) throw new AuthenticationError({ reason: "unsupportedMechanism" });
    const parsed = parseAuthorization(header);
    if (parsed === undefined) throw malformedHeader("The authorization header that you provided is not valid.");
    return { by: "header", ...parsed };
  }
  if (query.has("X-Amz-Algorithm") || query.has("X-Amz-Credential") || query.has("X-Amz-Signature")) {
    return readQueryClaim(query);
  }
  if (query.has("Signature") && query.has("AWSAccessKeyId")) {
    throw new AuthenticationError({ reason: "unsupportedMechanism" });
  }
  return undefined;
}

export interface AuthenticateOptions {
  readonly identity: Identity;
  readonly nowMs: number;
  /** Hex SHA-256 of the body, for services that sign the body itself; S3 signs what a header says. */
  readonly bodyHash?: string;
}

/** Verifies a claim. @throws AuthenticationError */
export function authenticate(
  request: WireRequest,
  claim: Claim | undefined,
  options: AuthenticateOptions,
): Authenticated {
  if (claim === undefined) return { caller: ANONYMOUS };
  const { nowMs, identity } = options;
  const amzDate = signingDate(request, claim);
  const signedMs = msOfAmzDate(amzDate);
  if (signedMs === undefined) throw new AuthenticationError({ reason: "missingDate" });
  if (claim.scope.date !== amzDate.slice(0, 8)) {
    throw claimError(
      claim,
      `Invalid credential date "${claim.scope.date}". This date is not the same as X-Amz-Date: "${amzDate.slice(0, 8)}".`,
    );
  }
  if (claim.by === "header") {
    if (Math.abs(nowMs - signedMs) > SKEW_MS_MAX) {
      throw new AuthenticationError({ reason: "skewed", requestMs: signedMs, nowMs });
    }
  } else checkExpiry(request.query, { amzDate, signedMs, nowMs });
  const payloadHash = options.bodyHash ?? signedPayloadHash(request, claim);
  requireSignedHeaders(request, claim);

  const answer = identity.credential(claim.accessKeyId, sessionToken(request, claim), nowMs);
  if ("problem" in answer) {
    throw new AuthenticationError({ reason: "credential", problem: answer.problem, accessKeyId: claim.accessKeyId });
  }
  const { secretAccessKey, caller } = answer;
  const rawQuery = claim.by === "query" ? withoutSignature(request.rawQuery) : request.rawQuery;
  const canonical = canonicalRequest({ ...request, rawQuery }, claim.signedHeaders, payloadHash, claim.scope.service);
  const toSign = stringToSign(amzDate, claim.scope, canonical);
  if (!isSame(signature(secretAccessKey, claim.scope, toSign), claim.signature)) {
    const { accessKeyId, signature: provided } = claim;
    throw new AuthenticationError({ reason: "wrongSignature", accessKeyId, provided, toSign, canonical });
  }
  return { caller, signed: { claim, amzDate, ageMs: nowMs - signedMs, secretAccessKey, payloadHash } };
}

function readQueryClaim(query: ReadonlyMap<string, string>): Claim {
  if (query.get("X-Amz-Algorithm") !== ALGORITHM) {
    throw malformedQuery('X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"');
  }
  const signed = query.get("X-Amz-Signature");
  const headers = query.get("X-Amz-SignedHeaders");
  if (
    !query.has("X-Amz-Credential") ||
    !query.has("X-Amz-Date") ||
    !query.has("X-Amz-Expires") ||
    !signed ||
    !headers
  ) {
    throw malformedQuery(
      "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
  }
  const credential = parseCredential(query.get("X-Amz-Credential") ?? "");
  if (credential === undefined) {
    throw malformedQuery(
      'Error parsing the X-Amz-Credential parameter; the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  return { by: "query", ...credential, signedHeaders: headers.split(";"), signature: signed };
}

function checkExpiry(
  query: ReadonlyMap<string, string>,
  at: { readonly amzDate: string; readonly signedMs: number; readonly nowMs: number },
): void {
  const text = query.get("X-Amz-Expires") ?? "";
  if (!/^-?\d{1,12}$/.test(text)) throw malformedQuery("X-Amz-Expires should be a number");
  const expiresSeconds = Number(text);
  if (expiresSeconds < 0) throw malformedQuery("X-Amz-Expires must be non-negative");
  if (expiresSeconds > EXPIRES_SECONDS_MAX) {
    throw malformedQuery(
      "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds",
    );
  }
  const { amzDate, signedMs, nowMs } = at;
  if (signedMs > nowMs + SKEW_MS_MAX) throw new AuthenticationError({ reason: "notYetValid", amzDate, nowMs });
  const atMs = signedMs + expiresSeconds * 1000;
  if (nowMs > atMs) throw new AuthenticationError({ reason: "expired", expiresSeconds, atMs, nowMs });
}

/** `x-amz-date`; without it the `Date` header, which old clients sign. */
function signingDate({ headers, query }: WireRequest, claim: Claim): string {
  if (claim.by === "query") return query.get("X-Amz-Date") ?? "";
  const amzDate = headers["x-amz-date"];
  if (amzDate !== undefined) return amzDate;
  const ms = Date.parse(headers["date"] ?? "");
  return Number.isNaN(ms) ? "" : new Date(ms).toISOString().replace(/\.\d+|[-:]/g, "");
}

/** The instant of YYYYMMDDTHHMMSSZ; undefined when it is none. */
function msOfAmzDate(text: string): number | undefined {
  if (text === lastInstant.text) return lastInstant.ms;
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  lastInstant = { text, ms };
  return ms;
}

// Requests of one second have one date.
let lastInstant = { text: "", ms: 0 };

const LITERALS: ReadonlySet<string> = new Set([
  UNSIGNED_PAYLOAD,
  STREAMING_PAYLOAD,
  STREAMING_PAYLOAD_TRAILER,
  STREAMING_UNSIGNED_PAYLOAD_TRAILER,
]);

function signedPayloadHash({ headers }: WireRequest, claim: Claim): string {
  const value = headers["x-amz-content-sha256"];
  if (value === undefined) {
    if (claim.by === "query") return UNSIGNED_PAYLOAD;
    throw new AuthenticationError({ reason: "missingPayloadHash" });
  }
  if (!LITERALS.has(value) && !/^[0-9a-fA-F]{64}$/.test(value)) {
    throw new AuthenticationError({ reason: "badPayloadHash", value });
  }
  return value;
}

/** `host` and everything that S3 acts on has to be signed, or anybody on the way could change it. */
function requireSignedHeaders({ headers }: WireRequest, claim: Claim): void {
  const { signedHeaders } = claim;
  const names: string[] = signedHeaders.includes("host") ? [] : ["host"];
  for (const name in headers) {
    // A presigned URL may be used with a payload hash that nobody signed; it is then a claim about the body only.
    if (claim.by === "query" && name === "x-amz-content-sha256") continue;
    if (name.startsWith("x-amz-") && !signedHeaders.includes(name)) names.push(name);
  }
  if (names.length > 0) throw new AuthenticationError({ reason: "unsignedHeaders", names });
}

function sessionToken({ headers, query }: WireRequest, claim: Claim): string | undefined {
  return claim.by === "query"
    ? (query.get("X-Amz-Security-Token") ?? headers["x-amz-security-token"])
    : headers["x-amz-security-token"];
}

/** The signature is made before it can be a parameter itself. */
function withoutSignature(rawQuery: string): string {
  return rawQuery
    .split("&")
    .filter((one) => !one.startsWith("X-Amz-Signature="))
    .join("&");
}

function isSame(computed: string, provided: string): boolean {
  return (
    computed.length === provided.length &&
    timingSafeEqual(Buffer.from(computed, "latin1"), Buffer.from(provided, "latin1"))
  );
}

function malformedHeader(says: string): AuthenticationError {
  return new AuthenticationError({ reason: "malformedHeader", says });
}

function malformedQuery(says: string): AuthenticationError {
  return new AuthenticationError({ reason: "malformedQuery", says });
}

function claimError(claim: Claim, says: string): AuthenticationError {
  return claim.by === "header" ? malformedHeader(says) : malformedQuery(says);
}
