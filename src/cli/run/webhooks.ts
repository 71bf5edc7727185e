/**
 * The addresses that stores send notifications to. A notification is answered with 200 when everything that it calls for
 * is durable, and with 503 when that cannot be done now: then its sender sends it again.
 *
 * Knows nothing of what notifications hold. Every request carries the token, and a body has a limit.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { NotTakenError } from "../../engine/notifications/dirty-keys.ts";
import type { NotificationReceiver } from "../../engine/notifications/receiver.ts";
import { isPassing } from "../../engine/outage.ts";
import type { Clock } from "../../engine/ports.ts";
import { S3Error } from "../../s3/errors.ts";
import type { WebhookSettings } from "../config/settings.ts";
import { AccessError } from "../errors.ts";

export interface WebhooksOptions {
  readonly webhooks: readonly WebhookSettings[];
  readonly receiver: Pick<NotificationReceiver, "take">;
  readonly clock: Clock;
  readonly onTrouble: (says: string) => void;
}

export interface Webhooks {
  /** Without their tokens, in the order of the settings. */
  readonly urls: readonly string[];
  /** Takes nothing new, and waits a while for what is under way. */
  close(): Promise<void>;
}

/** AWS and SNS send 256 KiB at most. */
const BODY_MAX_BYTES = 4 * 1024 * 1024;
const HEADERS_MS_MAX = 10_000;
const REQUEST_MS_MAX = 30_000;
const KEEP_ALIVE_MS = 60_000;
const CONNECTIONS_MAX = 1024;
/** Senders wait for half a minute or so. What was looked up goes on, and is found done when they come again. */
const ANSWER_MS_MAX = 20_000;
const CLOSE_MS_MAX = 5000;
const RETRY_AFTER_SECONDS = 5;

/** @throws AccessError when a port cannot be listened on */
export async function openWebhooks(options: WebhooksOptions): Promise<Webhooks> {
  const byAddress = new Map<string, WebhookSettings[]>();
  for (const one of options.webhooks) {
    const address = `${one.host}:${one.port}`;
    byAddress.set(address, [...(byAddress.get(address) ?? []), one]);
  }
  const listeners: Listener[] = [];
  const close = async () => void (await Promise.all(listeners.map((one) => one.close())));
  try {
    for (const webhooks of byAddress.values()) listeners.push(await listen(webhooks, options));
  } catch (error) {
    await close();
    throw error;
  }
  const urlOf = new Map(listeners.flatMap((one) => [...one.urls]));
  return { urls: options.webhooks.map((one) => urlOf.get(one) ?? ""), close };
}

interface Listener {
  readonly urls: ReadonlyMap<WebhookSettings, string>;
  close(): Promise<void>;
}

async function listen(webhooks: readonly WebhookSettings[], options: WebhooksOptions): Promise<Listener> {
  const [first] = webhooks;
  const { host = "", port = 0, tls } = first ?? {};
  const serve = (request: IncomingMessage, response: ServerResponse) =>
    void answer(request, response, webhooks, options).catch(() => response.destroy());
  const server: Server =
    tls === undefined ? createServer(serve) : createTlsServer({ cert: tls.certificate, key: tls.key }, serve);
  server.headersTimeout = HEADERS_MS_MAX;
  server.requestTimeout = REQUEST_MS_MAX;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    const why = code === "EADDRINUSE" ? "is in use" : `cannot be listened on (${code})`;
    throw new AccessError(`port ${port} ${why}: choose another one under intake.webhooks`, { cause });
  }
  const scheme = tls === undefined ? "http" : "https";
  const authority = `${host.includes(":") ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`;
  return {
    urls: new Map(webhooks.map((one) => [one, `${scheme}://${authority}${one.path}`])),
    close: async () => {
      const over = new AbortController();
      void options.clock.sleep(CLOSE_MS_MAX, over.signal).then(() => server.closeAllConnections());
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await closed;
      over.abort();
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  webhooks: readonly WebhookSettings[],
  { receiver, clock, onTrouble }: WebhooksOptions,
): Promise<void> {
  const path = (request.url ?? "/").replace(/[?#].*$/, "");
  const meant = webhooks.find((one) => path === one.path || path.startsWith(`${one.path}/`));
  if (meant === undefined || (path !== meant.path && !sameSecret(path.slice(meant.path.length + 1), meant.token))) {
    return send(response, 404, { error: "there is no webhook at this path" });
  }
  if (path === meant.path && !isShown(request.headers.authorization, meant.token)) {
    response.setHeader("www-authenticate", 'Basic realm="lockstep"');
    return send(response, 401, { error: "the token is missing or wrong" });
  }
  // How senders try whether somebody is there.
  if (request.method === "HEAD" || request.method === "GET") return send(response, 200, { ok: true });
  if (request.method !== "POST" && request.method !== "PUT") return send(response, 405, { error: "send a POST" });
  const body = await bodyOf(request);
  if (body === undefined) return send(response, 413, { error: `a body has at most ${BODY_MAX_BYTES} bytes` });
  const sender = { name: `webhook ${meant.path}`, site: meant.site };
  try {
    const taken = await inTime(receiver.take(body, sender), clock);
    const isUnderstood = taken.problems.length === 0 || taken.changes > 0;
    send(response, isUnderstood ? 200 : 400, taken);
  } catch (error) {
    const says = error instanceof Error ? error.message : String(error);
    const isExpected = error instanceof NotTakenError || error instanceof S3Error || isPassing(error);
    if (!isExpected) onTrouble(`${sender.name}: ${says}`);
    response.setHeader("retry-after", String(RETRY_AFTER_SECONDS));
    send(response, 503, { error: says });
  }
}

/** MinIO and SeaweedFS send a bearer token, Ceph and SNS the user and password of their URL. */
function isShown(authorization: string | undefined, token: string): boolean {
  const [, scheme = "", credentials = ""] = /^(\S+) +(.+)$/.exec(authorization ?? "") ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return sameSecret(credentials, token);
    case "basic": {
      const text = Buffer.from(credentials, "base64").toString();
      return sameSecret(text.slice(text.indexOf(":") + 1), token);
    }
    default:
      return false;
  }
}

function sameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** Undefined when it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    // The rest is read and let go: who is in the middle of sending hears no answer.
    if (sizeBytes <= BODY_MAX_BYTES) chunks.push(chunk);
    else chunks.length = 0;
  }
  return sizeBytes > BODY_MAX_BYTES ? undefined : Buffer.concat(chunks).toString();
}

async function inTime<T>(taken: Promise<T>, clock: Clock): Promise<T> {
  const over = new AbortController();
  const late = clock.sleep(ANSWER_MS_MAX, over.signal).then((): never => {
    throw new NotTakenError("it takes too long");
  });
  try {
    return await Promise.race([taken, late]);
  } finally {
    over.abort();
    late.catch(() => undefined);
    taken.catch(() => undefined);
  }
}

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(value)}\n`);
}
