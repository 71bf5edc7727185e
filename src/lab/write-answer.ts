/** Sends a service's answer: at the client's pace, and to the end or not at all. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ConnectionCut } from "./disturbances/disturbances.ts";
import type { ServiceAnswer } from "./model.ts";

/** A body that nobody read and that is longer than this is not worth reading: the connection is closed instead. */
const DRAIN_BYTES_MAX = 256 * 1024;

/**
 * Resolves when everything is handed to the socket, or the client is gone. A stream that fails breaks the connection:
 * the client must not take what came for the whole.
 */
export async function writeAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: ServiceAnswer & { readonly headers: Record<string, string> },
  how: { readonly isHead: boolean; readonly bodyWasRefused: boolean },
): Promise<void> {
  // All headers go to `writeHead` at once: that is the fast way through node:http.
  const { status, headers, body } = answer;
  const mustClose = how.bodyWasRefused || hasLongRest(request);
  if (mustClose) headers["connection"] = "close";
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    const bytes = typeof body === "string" ? Buffer.from(body) : (body ?? NO_BYTES);
    const hasBody = status !== 204 && status !== 304;
    if (hasBody && headers["content-length"] === undefined && !how.isHead) {
      headers["content-length"] = String(bytes.length);
    }
    response.writeHead(status, headers);
    if (!hasLongRest(request) || how.bodyWasRefused) response.end(how.isHead || !hasBody ? undefined : bytes);
    else {
      if (!how.isHead && hasBody) response.write(bytes);
      await drain(request);
      response.end();
    }
    return;
  }
  response.writeHead(status, headers);
  try {
    for await (const chunk of body) {
      // After a break the loop is left through the stream's own clean-up.
      if (response.destroyed) return;
      if (!response.write(chunk)) await untilWritable(response);
    }
    response.end();
  } catch (error) {
    if (error instanceof ConnectionCut) {
      // What came before the cut is sent.
      response.flushHeaders();
      request.socket.end();
      return;
    }
    response.destroy();
    throw error;
  }
}

function hasLongRest(request: IncomingMessage): boolean {
  if (request.complete || request.readableEnded) return false;
  const length = Number(request.headers["content-length"] ?? 0);
  return length > DRAIN_BYTES_MAX || (request.headers["transfer-encoding"] !== undefined && !request.complete);
}

function untilWritable(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}

/**
 * Reads on for a while after the answer: a socket that is closed while the client is still sending is reset, and the
 * answer is lost with it.
 */
function drain(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let left = LINGER_BYTES_MAX;
    const timer = setTimeout(resolve, LINGER_MS_MAX);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) done();
    });
    for (const event of ["end", "close", "error"]) request.on(event, done);
    request.resume();
  });
}

const LINGER_BYTES_MAX = 64 * 1024 * 1024;
const LINGER_MS_MAX = 2000;
const NO_BYTES = new Uint8Array(0);
