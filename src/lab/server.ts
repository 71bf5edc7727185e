/**
 * The lab on a socket: every service on one port, told apart by the scope of the signature.
 *
 * A request's way: read its line and headers, see whose signature it claims to bear, authenticate, hand it to the
 * service's skin, send the answer. An unsigned request is S3's. Paths under `/_lockstep/` are the lab's own
 * (`admin.ts`). Whatever comes, there is an answer; a fault of ours is a 500 and is reported.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { RequestContext } from "../core/iam/model.ts";
import { hashPayload } from "../s3/sigv4.ts";
import { type Admin, isAdminPath } from "./admin.ts";
import {
  type Authenticated,
  AuthenticationError,
  authenticate,
  type Claim,
  readClaim,
  type WireRequest,
} from "./authenticate.ts";
import { bodyOfS3, readAll } from "./incoming-body.ts";
import { type Identity, type ServiceAnswer, ServiceError, type Skin } from "./model.ts";
import { takeRandomBytes } from "./random.ts";
import { refusal } from "./refusals.ts";
import type { IncomingCall } from "./s3/call.ts";
import { s3Error } from "./s3/errors.ts";
import { hostIdOf } from "./s3/skin/print.ts";
import type { S3Skin } from "./s3/skin/skin.ts";
import { writeAnswer } from "./write-answer.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly clock: () => number;
  readonly identity: Identity;
  readonly s3: S3Skin;
  /** The other services, by the name in the scope of their signatures. */
  readonly skins: ReadonlyMap<string, Skin>;
  readonly admin: Admin;
  /** Told of every fault of ours. */
  readonly onFault: (error: unknown, requestId: string) => void;
}

export interface LabServer {
  readonly host: string;
  readonly port: number;
  /** Takes no more connections, lets requests end, closes. Idempotent. */
  close(): Promise<void>;
}

/** The port cannot be listened on: it says which, and why. */
export class ListenError extends Error {
  override readonly name = "ListenError";
  readonly reason: "inUse" | "notPermitted" | "other";

  constructor(reason: ListenError["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

const HEADERS_BYTES_MAX = 32 * 1024;
/** Bodies of services other than S3. */
const CONTROL_BODY_BYTES_MAX = 1024 * 1024;
const KEEP_ALIVE_MS = 65_000;
/** How long requests may take to end when the server closes. */
const CLOSE_MS_MAX = 5000;

/** @throws ListenError */
export async function startServer(options: ServerOptions): Promise<LabServer> {
  const server = createServer({ maxHeaderSize: HEADERS_BYTES_MAX, keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
  const handle = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    // Everything that can go wrong is answered inside; what is left is the connection itself.
    answerRequest(options, request, response, expectsContinue).catch((error: unknown) => {
      options.onFault(error, "");
      response.destroy();
    });
  };
  server.on("request", (request, response) => handle(request, response, false));
  server.on("checkContinue", (request, response) => handle(request, response, true));
  server.on("clientError", (error, socket) => {
    const isTooLarge = "code" in error && error.code === "HPE_HEADER_OVERFLOW";
    if (!socket.writable) return;
    socket.end(
      `HTTP/1.1 ${isTooLarge ? "431 Request Header Fields Too Large" : "400 Bad Request"}\r\nConnection: close\r\n\r\n`,
    );
  });
  await listen(server, options);
  const address = server.address() as AddressInfo;
  let closing: Promise<void> | undefined;
  return {
    host: options.host,
    port: address.port,
    close() {
      closing ??= closeServer(server);
      return closing;
    },
  };
}

function listen(server: Server, { host, port }: ServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const where = `${host}:${port}`;
      if (cause.code === "EADDRINUSE") {
        reject(
          new ListenError("inUse", `${where} is in use: stop what listens there, or choose another port`, { cause }),
        );
      } else if (cause.code === "EACCES") {
        reject(
          new ListenError("notPermitted", `no permission to listen on ${where}: choose a port above 1023`, { cause }),
        );
      } else reject(new ListenError("other", `cannot listen on ${where}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, () => {
      server.removeAllListeners("error");
      server.on("error", () => undefined);
      resolve();
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS_MAX);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}

/** What is known of a request before anybody looks at it. */
interface Wire extends WireRequest {
  readonly requestId: string;
  readonly nowMs: number;
}

async function answerRequest(
  options: ServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  expectsContinue: boolean,
): Promise<void> {
  const requestId = takeRandomBytes(8).toString("hex").toUpperCase();
  const { method = "GET", url = "/" } = request;
  const path = pathOf(url);
  const question = path.indexOf("?");
  const rawPath = question < 0 ? path : path.slice(0, question);
  let continued = !expectsContinue;
  const proceed = (): void => {
    if (continued) return;
    continued = true;
    response.writeContinue();
  };
  const named = { requestId, rawPath, method };
  let print = (error: ServiceError): ServiceAnswer => options.s3.printError(error, named);
  let answer: ServiceAnswer;
  try {
    if (isAdminPath(rawPath)) answer = await options.admin.handle(method, rawPath, request.headers["authorization"]);
    else {
      const rawQuery = question < 0 ? "" : path.slice(question + 1);
      const wire: Wire = {
        method,
        rawPath,
        rawQuery,
        headers: headersOf(request),
        query: parseQuery(rawQuery),
        requestId,
        nowMs: options.clock(),
      };
      const claim = claimOf(wire);
      const service = claim?.scope.service ?? "s3";
      const skin = service === "s3" ? undefined : options.skins.get(service);
      if (service !== "s3" && skin === undefined) {
        throw s3Error("AuthorizationHeaderMalformed", {
          message: `The authorization header is malformed; incorrect service "${service}". This endpoint belongs to "s3".`,
        });
      }
      if (skin !== undefined) print = (error) => skin.printError(error, named);
      answer =
        skin === undefined
          ? await callS3(options, wire, claim, request, proceed)
          : await callSkin(options, skin, wire, claim, request, proceed);
    }
  } catch (error) {
    answer = print(errorOf(error, requestId, options));
  }
  response.setHeader("x-amz-request-id", requestId);
  response.setHeader("x-amz-id-2", hostIdOf(requestId));
  response.setHeader("server", "AmazonS3");
  await writeAnswer(request, response, answer, { isHead: method === "HEAD", bodyWasRefused: !continued });
}

async function callS3(
  options: ServerOptions,
  wire: Wire,
  claim: Claim | undefined,
  request: IncomingMessage,
  proceed: () => void,
): Promise<ServiceAnswer> {
  const authenticated = verify(wire, claim, options, undefined);
  const body = bodyOfS3(request, wire, authenticated, proceed);
  const call: IncomingCall = {
    caller: authenticated.caller,
    region: claim?.scope.region ?? "us-east-1",
    requestId: wire.requestId,
    nowMs: wire.nowMs,
    context: { ...networkContext(request, wire), ...signatureContext(wire, authenticated) },
    method: wire.method,
    rawPath: wire.rawPath,
    query: wire.query,
    headers: wire.headers,
    readBody: (limitBytes) => body.bytes(limitBytes),
    body,
  };
  return options.s3.handle(call);
}

/** Other services sign the body itself, so it is read before anything is believed. */
async function callSkin(
  options: ServerOptions,
  skin: Skin,
  wire: Wire,
  claim: Claim | undefined,
  request: IncomingMessage,
  proceed: () => void,
): Promise<ServiceAnswer> {
  proceed();
  const bytes = await readAll(request, CONTROL_BODY_BYTES_MAX);
  const { caller } = verify(wire, claim, options, hashPayload(bytes));
  return skin.handle({
    caller,
    region: claim?.scope.region ?? "us-east-1",
    requestId: wire.requestId,
    nowMs: wire.nowMs,
    context: networkContext(request, wire),
    method: wire.method,
    rawPath: wire.rawPath,
    query: wire.query,
    headers: wire.headers,
    async readBody(limitBytes) {
      if (bytes.length > limitBytes) throw new ServiceError("RequestEntityTooLarge", 413, "The request is too large");
      return bytes;
    },
  });
}

function claimOf(wire: Wire): Claim | undefined {
  try {
    return readClaim(wire);
  } catch (error) {
    if (error instanceof AuthenticationError) throw refusal("s3", error.problem);
    throw error;
  }
}

function verify(
  wire: Wire,
  claim: Claim | undefined,
  { identity }: ServerOptions,
  bodyHash: string | undefined,
): Authenticated {
  try {
    return authenticate(wire, claim, {
      identity,
      nowMs: wire.nowMs,
      ...(bodyHash === undefined ? {} : { bodyHash }),
    });
  } catch (error) {
    if (error instanceof AuthenticationError) throw refusal(claim?.scope.service ?? "s3", error.problem);
    throw error;
  }
}

function errorOf(error: unknown, requestId: string, { onFault }: ServerOptions): ServiceError {
  if (error instanceof ServiceError) return error;
  onFault(error, requestId);
  return s3Error("InternalError");
}

/** A target in absolute form (`GET http://host/path`) is allowed by HTTP; everything else starts with a slash. */
function pathOf(url: string): string {
  if (url.startsWith("/")) return url;
  const match = /^https?:\/\/[^/?]*(.*)$/i.exec(url);
  const path = match?.[1] ?? "";
  return path.startsWith("/") ? path : `/${path}`;
}

/** Decoded parameters; of repeated ones the first counts. @throws ServiceError InvalidURI */
function parseQuery(rawQuery: string): ReadonlyMap<string, string> {
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
function headersOf({ headers, rawHeaders }: IncomingMessage): Readonly<Record<string, string>> {
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

function networkContext(request: IncomingMessage, { headers, nowMs }: Wire): RequestContext {
  const now = secondOf(nowMs);
  const context: Record<string, string> = {
    "aws:currenttime": now.iso,
    "aws:epochtime": now.epoch,
    "aws:securetransport": "false",
    "aws:sourceip": (request.socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
  };
  const userAgent = headers["user-agent"];
  const referer = headers["referer"];
  if (userAgent !== undefined) context["aws:useragent"] = userAgent;
  if (referer !== undefined) context["aws:referer"] = referer;
  return context;
}

function signatureContext({ headers }: Wire, { signed }: Authenticated): RequestContext {
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
