/**
 * The lab on a socket: every service on one port, told apart by the scope of the signature.
 *
 * A request's way: read its line and headers, see whose signature it claims to bear, authenticate, hand it to the
 * service's skin, send the answer. An unsigned request is S3's. Paths under `/_lockstep/` are the lab's own
 * (`admin.ts`). Whatever comes, there is an answer; a fault of ours is a 500 and is reported.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { hashPayload } from "../s3/sigv4.ts";
import { type Admin, isAdminPath } from "./admin.ts";
import { type Authenticated, AuthenticationError, authenticate, type Claim, readClaim } from "./authenticate.ts";
import { type ControlSkin, isControlRequest } from "./batch/skin/skin.ts";
import { type CallRecord, keepingDocument, type Recorders } from "./call-record.ts";
import { ConnectionCut } from "./disturbances/disturbances.ts";
import { isOutOfRoom, storageFull } from "./disturbances/full-disk.ts";
import { bodyOfS3, readAll } from "./incoming-body.ts";
import { type Identity, type ServiceAnswer, ServiceError, type Skin } from "./model.ts";
import { takeRandomBytes } from "./random.ts";
import { refusal } from "./refusals.ts";
import type { IncomingCall } from "./s3/call.ts";
import { s3Error } from "./s3/errors.ts";
import { hostIdOf } from "./s3/skin/print.ts";
import type { S3Skin } from "./s3/skin/skin.ts";
import {
  headersOf,
  networkContext,
  parseQuery,
  pathOf,
  remoteAddress,
  signatureContext,
  type Wire,
} from "./wire-request.ts";
import { writeAnswer } from "./write-answer.ts";

export interface ServerOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly clock: () => number;
  readonly identity: Identity;
  readonly s3: S3Skin;
  /** S3 Control, which signs as S3 and is told by path and account. */
  readonly control: ControlSkin;
  /** The other services, by the name in the scope of their signatures. */
  readonly skins: ReadonlyMap<string, Skin>;
  readonly admin: Admin;
  readonly recorders: Recorders;
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
/** Bodies of services other than S3, which have narrower limits of their own. */
const CONTROL_BODY_BYTES_MAX = 4 * 1024 * 1024;
const KEEP_ALIVE_MS = 65_000;
/** How long requests may take to end when the server closes. */
const CLOSE_MS_MAX = 5000;

/** @throws ListenError */
export async function startServer(options: ServerOptions): Promise<LabServer> {
  const server = createServer({ maxHeaderSize: HEADERS_BYTES_MAX, keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
  const handle = (request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void => {
    // Everything that can go wrong is answered inside; what is left is the connection itself.
    answerRequest(options, request, response, expectsContinue).catch((error: unknown) => {
      if (error instanceof ConnectionCut) {
        request.socket.resetAndDestroy();
        return;
      }
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
  const named = { requestId, rawPath, method, headers: headersOf(request) };
  let print = (error: ServiceError): ServiceAnswer => options.s3.printError(error, named);
  let answer: ServiceAnswer;
  let record: CallRecord | undefined;
  try {
    if (isAdminPath(rawPath)) {
      const { authorization } = request.headers;
      const readBody = (): Promise<Uint8Array> => {
        proceed();
        return readAll(request, CONTROL_BODY_BYTES_MAX);
      };
      answer = await options.admin.handle({ method, rawPath, authorization, readBody });
    } else {
      const rawQuery = question < 0 ? "" : path.slice(question + 1);
      const wire: Wire = {
        method,
        rawPath,
        rawQuery,
        headers: named.headers,
        query: parseQuery(rawQuery),
        requestId,
        nowMs: options.clock(),
      };
      const claim = claimOf(wire);
      record = options.recorders.begin(wire, claim, remoteAddress(request));
      const service = claim?.scope.service ?? "s3";
      const skin = service === "s3" ? undefined : options.skins.get(service);
      if (service !== "s3" && skin === undefined) {
        throw s3Error("AuthorizationHeaderMalformed", {
          message: `The authorization header is malformed; incorrect service "${service}". This endpoint belongs to "s3".`,
        });
      }
      const errors = skin ?? (isControlRequest(rawPath, wire.headers) ? options.control : undefined);
      if (errors !== undefined) print = (error) => errors.printError(error, named);
      answer =
        skin === undefined
          ? await callS3(options, { wire, claim, record }, request, proceed)
          : await callSkin(options, skin, { wire, claim, record }, request, proceed);
    }
  } catch (error) {
    if (error instanceof ConnectionCut) throw error;
    const refused = errorOf(error, requestId, options);
    if (record !== undefined) record.error = refused;
    answer = print(refused);
  }
  const readyMs = record === undefined ? 0 : options.clock();
  const headers: Record<string, string> = {
    "x-amz-request-id": requestId,
    "x-amz-id-2": hostIdOf(requestId),
    server: "AmazonS3",
    ...answer.headers,
  };
  await writeAnswer(
    request,
    response,
    { ...answer, headers },
    { isHead: method === "HEAD", bodyWasRefused: !continued },
  );
  if (record !== undefined) options.recorders.end(record, { answer, readyMs, sentMs: options.clock() });
}

/** A request before its signature is checked. */
interface Received {
  readonly wire: Wire;
  readonly claim: Claim | undefined;
  readonly record: CallRecord | undefined;
}

async function callS3(
  options: ServerOptions,
  { wire, claim, record }: Received,
  request: IncomingMessage,
  proceed: () => void,
): Promise<ServiceAnswer> {
  const authenticated = verify(wire, claim, options, undefined);
  const incoming = bodyOfS3(request, wire, authenticated, proceed);
  const body = record === undefined ? incoming : keepingDocument(incoming, record);
  if (record !== undefined) record.caller = authenticated.caller;
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
  return isControlRequest(wire.rawPath, wire.headers)
    ? options.control.handle({ ...call, rawQuery: wire.rawQuery })
    : options.s3.handle(call);
}

/** Other services sign the body itself, so it is read before anything is believed. */
async function callSkin(
  options: ServerOptions,
  skin: Skin,
  { wire, claim, record }: Received,
  request: IncomingMessage,
  proceed: () => void,
): Promise<ServiceAnswer> {
  proceed();
  const bytes = await readAll(request, CONTROL_BODY_BYTES_MAX);
  const { caller } = verify(wire, claim, options, hashPayload(bytes));
  if (record !== undefined) {
    record.caller = caller;
    record.body = bytes;
  }
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
    isGone: () => request.socket.destroyed,
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
  if (isOutOfRoom(error)) return storageFull();
  onFault(error, requestId);
  return s3Error("InternalError");
}
