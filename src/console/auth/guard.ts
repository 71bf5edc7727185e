/**
 * What every call of the API passes: where it comes from and goes to, who makes it, whether they may, and the audit log.
 *
 * 1. the name it was sent to is one of the console's (403);
 * 2. no page of another site sent it (403);
 * 3. it shows the token, or the cookie of a session (401);
 * 4. what changes something under a cookie shows the session's CSRF token and comes from a page of ours (403);
 * 5. the role is enough (403);
 * 6. what changes something is written down before it is done, and how it ended.
 *
 * A call that is in no table needs the role of its kind: GET a viewer, everything else an operator.
 */
import type { Context, MiddlewareHandler } from "hono";
import { getCookie } from "hono/cookie";
import type { Changes, EndChange } from "../changes.ts";
import { ApiError } from "../errors.ts";
import { API_ROOT, type Route } from "../routes/route.ts";
import { type ConsoleEnv, type Identity, TOKEN_USER } from "./identity.ts";
import { type Claims, isKnownHost, isOwnOrigin, saysOwnOrigin } from "./origins.ts";
import { sameSecret } from "./secrets.ts";
import type { Sessions } from "./sessions.ts";

export interface GuardOptions {
  readonly routes: readonly Route[];
  readonly token: string;
  readonly sessions: Sessions;
  readonly changes: Changes;
  /** Names that the console is known by, besides `localhost`. */
  readonly names: readonly string[];
}

export const SESSION_COOKIE = "lockstep_session";
export const CSRF_HEADER = "x-lockstep-csrf";

export function createGuard(options: GuardOptions): MiddlewareHandler<ConsoleEnv> {
  const find = finderOf(options.routes);
  return async (c, next) => {
    const claims = claimsOf(c);
    if (!isKnownHost(claims.host, options.names)) {
      throw new ApiError(403, `this console is not known as ${claims.host ?? "nothing"}: add it under console.names`);
    }
    if (!isOwnOrigin(claims)) throw new ApiError(403, "a page of another site has sent this");
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    const { route, subject } = find(isRead ? "GET" : c.req.method, c.req.path);
    const access = route?.access ?? (isRead ? "viewer" : "operator");
    if (access === "anybody") return await next();
    const who = await identify(c, options, route?.path !== EVENTS_PATH);
    if (who === undefined) throw new ApiError(401, "the token is missing or wrong, or the session has ended");
    if (!isRead && who.session !== undefined) checkSender(c, claims, who.session.csrf);
    if (access === "operator" && who.role !== "operator") {
      throw new ApiError(403, `only an operator may do this, and ${who.user} is a viewer`);
    }
    c.set("who", who);
    if (isRead || route?.unrecorded === true) return await next();
    const action = route?.does ?? `${c.req.method} ${c.req.path.slice(API_ROOT.length)}`;
    const end = await options.changes.begin(who, { action, subject: subject || (await subjectIn(c)) });
    await next();
    await record(c, end);
  };
}

/** A page that is only watched uses no session. */
const EVENTS_PATH = "/events";

function claimsOf(c: Context): Claims {
  const { host, origin, "sec-fetch-site": fetchSite } = c.req.header();
  return { host, origin, fetchSite };
}

/** Finds the route of a call, and what the names in its path stand for. */
function finderOf(routes: readonly Route[]) {
  const known = routes.map((route) => {
    const pattern = route.path.replaceAll(".", "\\.").replace(/:\w+/g, "([^/]+)");
    return { route, path: new RegExp(`^${API_ROOT}${pattern}$`) };
  });
  return (method: string, path: string): { readonly route?: Route; readonly subject: string } => {
    const found = known.find((one) => one.route.method === method && one.path.test(path));
    if (found === undefined) return { subject: "" };
    const names = found.path.exec(path)?.slice(1) ?? [];
    return { route: found.route, subject: names.map(decoded).join(" ") };
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

async function identify(c: Context, { token, sessions }: GuardOptions, isUse: boolean): Promise<Identity | undefined> {
  const from = addressOf(c);
  const given = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
  if (given !== undefined) return sameSecret(given, token) ? { user: TOKEN_USER, role: "operator", from } : undefined;
  const id = getCookie(c, SESSION_COOKIE);
  const session = id === undefined ? undefined : await (isUse ? sessions.use(id) : sessions.look(id));
  if (id === undefined || session === undefined) return undefined;
  const { user, role, csrf } = session;
  const isOver = () => sessions.expiresAtMs(id) === undefined;
  return { user, role, from, session: { csrf, isOver, expiresAtMs: sessions.expiresAtMs(id) ?? 0 } };
}

/** @throws ApiError */
function checkSender(c: Context, claims: Claims, csrf: string): void {
  if (!sameSecret(c.req.header(CSRF_HEADER) ?? "", csrf)) {
    throw new ApiError(403, `the header ${CSRF_HEADER} is missing or wrong`);
  }
  if (!saysOwnOrigin(claims)) throw new ApiError(403, "nothing says that the console's own page has sent this");
}

/** The peer of the socket; calls that came over none have no address. */
export function addressOf(c: Context): string {
  const { incoming } = (c.env ?? {}) as {
    readonly incoming?: { readonly socket?: { readonly remoteAddress?: string } };
  };
  return incoming?.socket?.remoteAddress ?? "";
}

/** What a body, or a query where there is none, says that it is about. */
async function subjectIn(c: Context): Promise<string> {
  const body: unknown = await c.req.json().catch(() => c.req.query());
  if (typeof body !== "object" || body === null) return "";
  const { bucket, key, name, id } = body as Readonly<Record<string, unknown>>;
  const said = [typeof bucket === "string" ? bucket : (name ?? id), key];
  return said.filter((one) => typeof one === "string").join("/");
}

async function record(c: Context, end: EndChange): Promise<void> {
  const { status } = c.res;
  if (status < 400) return await end("done");
  const { error } = (await c.res
    .clone()
    .json()
    .catch(() => ({}))) as { readonly error?: string };
  await end(status >= 500 ? "failed" : "refused", error);
}
