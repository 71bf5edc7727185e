/** Who may call what: every route of the table, as everybody who could call it. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { openSqliteLedger } from "../ledger/sqlite.ts";
import { ANSWERS } from "./answers.ts";
import { type Api, createApi } from "./api.ts";
import { hashPassword } from "./auth/passwords.ts";
import { IDLE_MS, LIFE_MS } from "./auth/sessions.ts";
import type { Change } from "./changes.ts";
import type { Desk } from "./desk.ts";
import { API_ROOT, type Route } from "./routes/route.ts";
import type { SessionTold } from "./routes/session.ts";

const TOKEN = "a-token-that-nobody-guesses";
const HOST = "127.0.0.1:9400";
const ORIGIN = `http://${HOST}`;
const VIEWER = { user: "vera", password: "a viewer's password" };
const HASH = hashPassword(VIEWER.password, 1024);

interface World {
  readonly api: Api;
  readonly time: { nowMs: number };
  close(): Promise<void>;
}

async function open(): Promise<World> {
  const ledger = openSqliteLedger({ path: ":memory:" });
  const time = { nowMs: 1_700_000_000_000 };
  const desk = new Proxy({}, { get: () => async () => ({}) }) as Desk;
  const resync = {
    list: async () => [],
    start: async () => ({ id: "j" }),
    progress: async () => undefined,
    pause: async () => undefined,
    resume: async () => undefined,
    cancel: async () => undefined,
  };
  const api = createApi({
    engine: { resync: resync as never },
    ledger,
    replications: { list: async () => [], find: async () => undefined },
    clock: () => time.nowMs,
    token: TOKEN,
    about: { version: "1.2.3", mode: "up" },
    desk,
    users: new Map([["vera", { role: "viewer", passwordHash: await HASH }]]),
    names: ["lockstep.example"],
  });
  return {
    api,
    time,
    close: async () => {
      api.close();
      await ledger.close();
    },
  };
}

type Headers = Readonly<Record<string, string>>;

/** Calls a path of the API. */
async function call(api: Api, method: string, path: string, headers: Headers = {}, body?: unknown): Promise<Response> {
  return await api.app.request(`${ORIGIN}${API_ROOT}${path}`, {
    method,
    headers: { host: HOST, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function callRoute(api: Api, { method, path, body }: Route, headers: Headers): Promise<number> {
  const url = path.replace(/:\w+/g, "x");
  const answer = await call(api, method, url, headers, body === undefined ? undefined : {});
  await answer.body?.cancel();
  return answer.status;
}

const asBearer: Headers = { authorization: `Bearer ${TOKEN}` };
const ownPage: Headers = { origin: ORIGIN, "sec-fetch-site": "same-origin" };

interface LoggedIn {
  readonly cookie: string;
  readonly told: SessionTold;
  /** What the console's own page sends. */
  readonly page: Headers;
}

async function logIn(api: Api, login: unknown): Promise<LoggedIn> {
  const answer = await call(api, "POST", "/session", ownPage, login);
  assert.equal(answer.status, 200);
  const cookie = (answer.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const told = (await answer.json()) as SessionTold;
  return { cookie, told, page: { cookie, ...ownPage, "x-lockstep-csrf": told.csrf } };
}

async function changesIn(api: Api): Promise<readonly Change[]> {
  const answer = await call(api, "GET", "/changes", asBearer);
  return ((await answer.json()) as { readonly changes: readonly Change[] }).changes;
}

describe("who may call what", () => {
  it("every route answers nobody, viewers, operators, other sites and forged calls as its table says", async () => {
    const world = await open();
    const { api } = world;
    const [operator, viewer] = [await logIn(api, { token: TOKEN }), await logIn(api, VIEWER)];
    const { "x-lockstep-csrf": _, ...forged } = operator.page;
    // Logging out comes last, for it ends the session that the others are called under.
    const routes = api.routes.toSorted((one, other) => Number(isLogout(one)) - Number(isLogout(other)));
    for (const route of routes) {
      const name = `${route.method} ${route.path}`;
      const isOpen = route.access === "anybody";
      const isAllowed = (status: number) => status !== 401 && status !== 403 && status !== 500;
      const other = { ...asBearer, origin: "http://evil.example" };
      const neighbour = { ...operator.page, "sec-fetch-site": "same-site" };
      const renamed = { ...asBearer, host: "rebound.example" };
      assert.equal(await callRoute(api, route, other), 403, `${name} from another origin`);
      assert.equal(await callRoute(api, route, neighbour), 403, `${name} from another port of this machine`);
      assert.equal(await callRoute(api, route, renamed), 403, `${name} under another name`);
      const wrong = await callRoute(api, route, { authorization: "Bearer wrong" });
      assert.ok(isOpen ? isAllowed(wrong) : wrong === 401, `${name} with a wrong token: ${wrong}`);
      if (isOpen) continue;
      assert.equal(await callRoute(api, route, {}), 401, `${name} as nobody`);
      const isRead = route.method === "GET";
      assert.equal(isAllowed(await callRoute(api, route, forged)), isRead, `${name} without the CSRF token`);
      const silent = { cookie: operator.cookie, "x-lockstep-csrf": operator.told.csrf };
      assert.equal(isAllowed(await callRoute(api, route, silent)), isRead, `${name} from nowhere`);
      const byViewer = await callRoute(api, route, viewer.page);
      assert.equal(isAllowed(byViewer), route.access === "viewer", `${name} as a viewer: ${byViewer}`);
      assert.ok(isAllowed(await callRoute(api, route, operator.page)), `${name} as an operator`);
      if (!isLogout(route)) assert.ok(isAllowed(await callRoute(api, route, asBearer)), `${name} with the token`);
    }
    await world.close();
  });

  it("every route is in the OpenAPI document, which anybody may read", async () => {
    const world = await open();
    const answer = await call(world.api, "GET", "/openapi.json");
    const { paths } = (await answer.json()) as {
      readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    };
    const told = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((one) => `${one} ${path}`),
    );
    const known = world.api.routes.map((one) => `${one.method.toLowerCase()} ${one.path.replace(/:(\w+)/g, "{$1}")}`);
    assert.deepEqual(told.toSorted(), known.toSorted());
    await world.close();
  });

  it("every JSON answer has its schema, and no schema is of nothing", async () => {
    const world = await open();
    const told = new Set(world.api.routes.flatMap(({ answers }) => answers ?? []));
    const others = ["text/event-stream", "the file", "OpenAPI 3.1"];
    // There is no metering here, whose call tells a series.
    assert.deepEqual([...told, "ToldSeries"].toSorted(), [...Object.keys(ANSWERS), ...others].toSorted());
    await world.close();
  });

  it("a call that is in no table needs a login, and an operator to change something", async () => {
    const world = await open();
    const viewer = await logIn(world.api, VIEWER);
    assert.equal((await call(world.api, "GET", "/nothing")).status, 401);
    assert.equal((await call(world.api, "POST", "/nothing", viewer.page)).status, 403);
    assert.equal((await call(world.api, "POST", "/nothing", asBearer)).status, 404);
    await world.close();
  });

  it("viewers diagnose, prove and rehearse; to apply and to undo takes an operator", async () => {
    const world = await open();
    const viewer = await logIn(world.api, VIEWER);
    const begin = async (body: unknown) => (await call(world.api, "POST", "/works", viewer.page, body)).status;
    for (const kind of ["diagnose", "prove", "rehearse"]) assert.equal(await begin({ kind, bucket: "b" }), 202);
    assert.equal(await begin({ kind: "apply", bucket: "b" }), 403);
    assert.equal(await begin({ kind: "undo", bucket: "b", id: "u-1" }), 403);
    await world.close();
  });

  it("what an operator changes stands in the audit log with how it ended; what is only asked does not", async () => {
    const world = await open();
    const operator = await logIn(world.api, { token: TOKEN });
    await call(world.api, "POST", "/jobs/17/pause", operator.page);
    await call(world.api, "PUT", "/rules", operator.page, { bucket: "b", text: "x", digest: "d" });
    await call(world.api, "POST", "/rules/lint", operator.page, { bucket: "b", text: "x" });
    const [saved, paused, login, ...others] = await changesIn(world.api);
    assert.deepEqual(others, []);
    assert.equal(login?.action, "Logs in");
    const { action, subject, outcome, by, says } = paused ?? {};
    assert.deepEqual(
      { action, subject, outcome, by, says },
      { action: "Pauses a job", subject: "17", outcome: "refused", by: "token", says: "there is no job 17" },
    );
    assert.deepEqual([saved?.subject, saved?.outcome], ["b", "done"]);
    await world.close();
  });
});

describe("sessions of the console", () => {
  it("end when nothing is asked for half an hour, and after half a day whatever is asked", async () => {
    const world = await open();
    const { api, time } = world;
    const idle = await logIn(api, { token: TOKEN });
    time.nowMs += IDLE_MS - 1;
    assert.equal((await call(api, "GET", "/session", { cookie: idle.cookie })).status, 200);
    time.nowMs += IDLE_MS;
    assert.equal((await call(api, "GET", "/session", { cookie: idle.cookie })).status, 401);
    const busy = await logIn(api, { token: TOKEN });
    const untilMs = time.nowMs + LIFE_MS;
    for (; time.nowMs < untilMs; time.nowMs += IDLE_MS / 2) {
      assert.equal((await call(api, "GET", "/session", { cookie: busy.cookie })).status, 200);
    }
    assert.equal((await call(api, "GET", "/session", { cookie: busy.cookie })).status, 401);
    await world.close();
  });

  it("are over once somebody logs out", async () => {
    const world = await open();
    const { cookie, page } = await logIn(world.api, { token: TOKEN });
    assert.equal((await call(world.api, "DELETE", "/session", page)).status, 204);
    assert.equal((await call(world.api, "GET", "/session", { cookie })).status, 401);
    await world.close();
  });

  it("have a cookie that no script reads and no other site's page sends", async () => {
    const world = await open();
    const answer = await call(world.api, "POST", "/session", ownPage, { token: TOKEN });
    const cookie = answer.headers.get("set-cookie") ?? "";
    assert.match(cookie, /^lockstep_session=[A-Za-z0-9_-]{43}; /);
    for (const part of ["HttpOnly", "SameSite=Strict", "Path=/"]) assert.ok(cookie.includes(part), cookie);
    await world.close();
  });

  it("are not opened for whoever guesses: after five tries each takes longer than the one before", async () => {
    const world = await open();
    const { api, time } = world;
    const guess = async () => (await call(api, "POST", "/session", ownPage, { token: "a guess" })).status;
    for (let tries = 0; tries < 5; tries++) assert.equal(await guess(), 401);
    assert.equal(await guess(), 429);
    const right = await call(api, "POST", "/session", ownPage, { token: TOKEN });
    assert.equal(right.status, 429);
    assert.equal(right.headers.get("retry-after"), "1");
    time.nowMs += 1000;
    assert.equal(await guess(), 401);
    time.nowMs += 1000;
    assert.equal(await guess(), 429);
    time.nowMs += 1000;
    assert.equal((await call(api, "POST", "/session", ownPage, { token: TOKEN })).status, 200);
    await world.close();
  });

  it("are not opened for a user that does not exist, nor with another one's password", async () => {
    const world = await open();
    const status = async (login: unknown) => (await call(world.api, "POST", "/session", ownPage, login)).status;
    assert.equal(await status({ user: "nobody", password: VIEWER.password }), 401);
    assert.equal(await status({ user: "vera", password: "another password" }), 401);
    assert.equal(await status({ user: "vera", password: VIEWER.password }), 200);
    await world.close();
  });
});

describe("what the console answers to", () => {
  it("answers under addresses, localhost and names of its configuration, and under no others", async () => {
    const world = await open();
    const status = async (host: string) => (await call(world.api, "GET", "/openapi.json", { host })).status;
    for (const host of ["127.0.0.1:1", "[::1]:9400", "localhost", "192.0.2.7", "lockstep.example:443", "LOCALHOST"]) {
      assert.equal(await status(host), 200, host);
    }
    for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "lockstep.example.evil"]) {
      assert.equal(await status(host), 403, host);
    }
    await world.close();
  });

  it("sends headers that keep other sites, scripts and frames out, with errors too", async () => {
    const world = await open();
    for (const path of ["/", `${API_ROOT}/about`, `${API_ROOT}/openapi.json`]) {
      const { headers } = await world.api.app.request(`${ORIGIN}${path}`, { headers: { host: HOST } });
      assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'; script-src 'self';/);
      assert.equal(headers.get("x-content-type-options"), "nosniff");
      assert.equal(headers.get("cross-origin-resource-policy"), "same-origin");
      assert.equal(headers.get("access-control-allow-origin"), null);
    }
    await world.close();
  });

  it("refuses a body that is too long, and one that is not JSON", async () => {
    const world = await open();
    const long = await call(world.api, "POST", "/rules/lint", asBearer, { bucket: "b", text: "x".repeat(5_000_000) });
    assert.equal(long.status, 413);
    const url = `${ORIGIN}${API_ROOT}/rules/lint`;
    const headers = { host: HOST, ...asBearer };
    const wrong = await world.api.app.request(url, { method: "POST", headers, body: "{" });
    assert.equal(wrong.status, 400);
    assert.deepEqual(await wrong.json(), { error: "the body is not JSON" });
    await world.close();
  });
});

function isLogout({ method, path }: Route): boolean {
  return method === "DELETE" && path === "/session";
}
