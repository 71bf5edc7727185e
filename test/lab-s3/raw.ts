/** Requests that no SDK makes: written byte by byte, or signed by our own signer with anything in them. */
import { connect } from "node:net";
import type { Credentials } from "../../src/core/model.ts";
import { EMPTY_PAYLOAD_HASH, hashPayload, signHeaders } from "../../src/s3/sigv4.ts";
import { REGION } from "./lab.ts";

export interface RawRequest {
  readonly method: string;
  /** With the query, as it is to be sent. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** In place of the body's hash. */
  readonly payloadHash?: string;
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Signs a request for S3. Returns all headers that it must be sent with. */
export function signed(
  port: number,
  credentials: Credentials,
  request: RawRequest,
  nowMs: number = Date.now(),
): Record<string, string> {
  const { method, target, body } = request;
  const question = target.indexOf("?");
  const headers: Record<string, string> = { host: `127.0.0.1:${port}`, ...request.headers };
  const payloadHash = request.payloadHash ?? (body === undefined ? EMPTY_PAYLOAD_HASH : hashPayload(body));
  const rawPath = question < 0 ? target : target.slice(0, question);
  const rawQuery = question < 0 ? "" : target.slice(question + 1);
  const added = signHeaders({ method, rawPath, rawQuery, headers }, payloadHash, {
    credentials,
    region: REGION,
    service: "s3",
    nowMs,
  });
  return { ...headers, ...added };
}

/** Sends bytes and reads until the server closes, or one whole answer is there. */
export function exchange(
  port: number,
  bytes: Uint8Array | string,
  then?: (socketWrite: (more: Uint8Array) => void, soFar: string) => void,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.setTimeout(10_000, () => socket.destroy(new Error(`no answer to ${String(bytes).slice(0, 200)}`)));
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      then?.((more) => socket.write(more), answer);
      if (isWhole(answer)) socket.end();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNRESET" || error.code === "EPIPE") resolve(answer);
      else reject(error);
    });
  });
}

/** Whether the last answer in the text is complete. */
function isWhole(text: string): boolean {
  const start = text.lastIndexOf("HTTP/1.1 ");
  const end = text.indexOf("\r\n\r\n", start);
  if (end < 0 || text.startsWith("HTTP/1.1 100", start)) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(start, end))?.[1];
  return length !== undefined && text.length >= end + 4 + Number(length);
}

/** Sends one signed request and reads its answer. */
export async function send(
  port: number,
  credentials: Credentials,
  request: RawRequest,
  nowMs?: number,
): Promise<RawAnswer> {
  return call(port, request, signed(port, credentials, request, nowMs));
}

/** Sends one request with exactly these headers. */
export async function call(
  port: number,
  request: RawRequest,
  headers: Readonly<Record<string, string>>,
): Promise<RawAnswer> {
  const { body } = request;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length =
    body === undefined || "content-length" in headers || "transfer-encoding" in headers
      ? ""
      : `content-length: ${body.length}\r\n`;
  const head = `${request.method} ${request.target} HTTP/1.1\r\n${lines.join("")}${length}connection: close\r\n\r\n`;
  return parseAnswer(await exchange(port, Buffer.concat([Buffer.from(head, "latin1"), body ?? new Uint8Array(0)])));
}

export function parseAnswer(text: string): RawAnswer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers: Record<string, string> = {};
  for (const line of lines)
    headers[line.slice(0, line.indexOf(":")).toLowerCase()] = line.slice(line.indexOf(":") + 1).trim();
  return { status: Number(first.split(" ")[1]), headers, body: text.slice(end + 4) };
}

/** The error code in an answer. */
export function errorCode(answer: RawAnswer): string {
  return `${/<Code>([^<]*)/.exec(answer.body)?.[1] ?? ""} ${answer.status}`;
}
