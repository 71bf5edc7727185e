/**
 * The console's API as the page calls it: one function per call that several parts need; a page's own calls stand beside it and are
 * made of `get`, `post`, `put` and `remove`. The browser sends the session's cookie; the token against forged requests is
 * sent with whatever changes something.
 */
import type { Application } from "../../doctor/history.ts";
import type { ResyncProgress, ResyncRequest } from "../../engine/resync/model.ts";
import type { Alert } from "../../monitor/alerts/model.ts";
import type { DeskBucket, DeskDiagnosis, DeskKey, KeysPage } from "../desk.ts";
import type { KeyExplanation } from "../explain.ts";
import type { Overview } from "../overview.ts";
import type { Work, WorkKind } from "../works.ts";
import type { About, Series, SeriesRange, Session } from "./shapes.ts";

/** An answer that is no success, or no answer at all (status 0). Its message is for the person. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ApiError";
    this.status = status;
  }
}

type Query = Readonly<Record<string, string | number | undefined>>;

interface Told {
  /** Called when the session is over, whoever finds out. */
  onEnded: () => void;
  csrf: string;
}

const told: Told = { onEnded: () => undefined, csrf: "" };

/** @param csrf of the session that begins; "" when it is over */
export function beginSession(csrf: string): void {
  told.csrf = csrf;
}

export function onSessionEnded(then: () => void): void {
  told.onEnded = then;
}

/** Absolute address of a call, also behind a proxy that serves the page below a path. */
export function addressOf(path: string, query: Query = {}): string {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  url.hash = "";
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url.href;
}

interface Asked {
  readonly query?: Query;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

export async function get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
  return ask<Answer>("GET", path, { query, ...(signal === undefined ? {} : { signal }) });
}

export async function post<Answer>(path: string, body: unknown = {}): Promise<Answer> {
  return ask<Answer>("POST", path, { body });
}

export async function put<Answer>(path: string, body: unknown): Promise<Answer> {
  return ask<Answer>("PUT", path, { body });
}

export async function remove<Answer>(path: string, query: Query = {}): Promise<Answer> {
  return ask<Answer>("DELETE", path, { query });
}

async function ask<Answer>(method: string, path: string, { query = {}, body, signal }: Asked): Promise<Answer> {
  const answer = await send(method, addressOf(path, query), body, signal);
  if (answer.status === 204) return undefined as Answer;
  const said = await bodyOf(answer);
  if (answer.ok) return said as Answer;
  if (answer.status === 401 && path !== "session") told.onEnded();
  throw new ApiError(answer.status, messageOf(said) ?? `The server answered ${answer.status} ${answer.statusText}`);
}

async function send(method: string, address: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  const headers = new Headers({ accept: "application/json" });
  if (body !== undefined) headers.set("content-type", "application/json");
  if (method !== "GET" && told.csrf !== "") headers.set("x-lockstep-csrf", told.csrf);
  try {
    return await fetch(address, {
      method,
      headers,
      credentials: "same-origin",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiError(0, "Lockstep does not answer. It may have been stopped, or the network is down.", {
      cause: error,
    });
  }
}

async function bodyOf(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch (error) {
    if (!answer.ok) return undefined;
    throw new ApiError(answer.status, "The server's answer is no JSON: something stands between it and this page.", {
      cause: error,
    });
  }
}

function messageOf(said: unknown): string | undefined {
  const isTold = typeof said === "object" && said !== null && "error" in said && typeof said.error === "string";
  return isTold ? String(said.error) : undefined;
}

export const sessionNow = () => get<Session>("session");
export const logIn = (credentials: { token: string } | { user: string; password: string }) =>
  post<Session>("session", credentials);
export const logOut = () => remove<undefined>("session");
export const about = () => get<About>("about");

export const overviewNow = (signal?: AbortSignal) => get<Overview>("status", {}, signal);
export const seriesOf = (range: SeriesRange, signal?: AbortSignal) => get<Series>("series", { range }, signal);
export const bucketsNow = (signal?: AbortSignal) =>
  get<{ readonly buckets: readonly DeskBucket[] }>("buckets", {}, signal);
export const alertsNow = (signal?: AbortSignal) => get<{ readonly alerts: readonly Alert[] }>("alerts", {}, signal);

export interface NewWork {
  readonly kind: WorkKind;
  readonly bucket: string;
  readonly causeId?: string;
  readonly text?: string;
  /** Of the application that is taken back. */
  readonly id?: string;
  readonly watch?: { readonly kind: string };
}

export const beginWork = (work: NewWork) => post<Work>("works", work);
export const worksNow = (signal?: AbortSignal) => get<{ readonly works: readonly Work[] }>("works", {}, signal);
export const cancelWork = (id: string) => remove<Work>(`works/${encodeURIComponent(id)}`);

export const diagnosisOf = (bucket: string, signal?: AbortSignal) =>
  get<{ readonly diagnosis: DeskDiagnosis | null }>("causes", { bucket }, signal);
export const applicationsOf = (bucket: string, signal?: AbortSignal) =>
  get<{ readonly applications: readonly Application[] }>("applications", { bucket }, signal);

export const keysOf = (
  bucket: string,
  page: { readonly prefix?: string; readonly after?: string; readonly limit: number },
  signal?: AbortSignal,
) => get<KeysPage>("objects", { bucket, ...page }, signal);
export const keyOf = (bucket: string, key: string, signal?: AbortSignal) =>
  get<DeskKey>("objects/key", { bucket, key }, signal);
export const tasksOf = (bucket: string, key: string, signal?: AbortSignal) =>
  get<KeyExplanation>("tasks", { bucket, key }, signal);

export const jobsNow = (signal?: AbortSignal) => get<{ readonly jobs: readonly ResyncProgress[] }>("jobs", {}, signal);
export const beginResync = (request: ResyncRequest) => post<ResyncProgress>("jobs", { kind: "resync", ...request });
export const changeJob = (id: string, change: "pause" | "resume" | "cancel") =>
  post<ResyncProgress>(`jobs/${encodeURIComponent(id)}/${change}`);
