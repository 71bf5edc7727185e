/**
 * One POST to a receiver of alerts. Addresses may be secrets, as Slack's are: what is said of a failure names the host
 * only.
 */
import { oneLine } from "../alerts/words.ts";
import { SinkError } from "./sink.ts";

export interface Post {
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** What is secret in the body: beside the address and the authorization, never told of an answer that repeats it. */
  readonly secrets?: readonly string[];
}

/** What a receiver is read of its answer. */
const ANSWER_BYTES_MAX = 64 * 1024;
const SAID_MAX = 200;
/** The longest that a receiver may ask to wait. */
const RETRY_AFTER_MS_MAX = 3_600_000;
/** The receiver understood, and will not take this body. */
const FINAL: ReadonlySet<number> = new Set([400, 410, 413, 415, 422]);

/** @throws SinkError for every answer but 2xx, and when there is none */
export async function post(request: Post, nowMs: number, signal: AbortSignal): Promise<void> {
  const { url, headers, body } = request;
  const { host } = new URL(url);
  let answer: Response;
  let said: string;
  try {
    answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal });
    said = await textOf(answer);
  } catch (error) {
    throw new SinkError(`${host} does not answer (${codeOf(error)})`, { isFinal: false }, { cause: error });
  }
  if (answer.ok) return;
  const retryAfterMs = retryAfterOf(answer.headers.get("retry-after"), nowMs);
  const words = oneLine(withoutSecrets(said, request), SAID_MAX);
  throw new SinkError(`${host} answers ${answer.status}${words === "" ? "" : `: ${words}`}`, {
    isFinal: FINAL.has(answer.status),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** Shorter parts of a path are words, as `services` and `alerts` are. */
const SECRET_LENGTH_MIN = 6;

/** Many servers repeat in an answer what they were asked for. */
function withoutSecrets(said: string, { url, headers, secrets = [] }: Post): string {
  const { pathname, search, searchParams } = new URL(url);
  const parts = [...pathname.split("/"), ...searchParams.values()].filter((one) => one.length >= SECRET_LENGTH_MIN);
  const token = headers["authorization"]?.replace(/^Bearer /, "") ?? "";
  const whole = [`${pathname}${search}`, pathname].filter((one) => one.length > 1);
  const hidden = [...whole, search, token, ...secrets, ...parts].filter((one) => one !== "");
  return hidden.flatMap((one) => [one, decoded(one)]).reduce((text, one) => text.replaceAll(one, "(secret)"), said);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function textOf(answer: Response): Promise<string> {
  if (answer.body === null) return "";
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    sizeBytes += chunk.byteLength;
    if (sizeBytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString("utf8", 0, ANSWER_BYTES_MAX);
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const inner = error.cause instanceof Error ? error.cause : error;
  if ("code" in inner && typeof inner.code === "string") return inner.code;
  return inner.name;
}

/** Seconds, or a date. */
function retryAfterOf(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, RETRY_AFTER_MS_MAX) : undefined;
}
