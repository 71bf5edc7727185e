/**
 * The console put together: its HTTP API for the command line and the page, and the page itself.
 *
 * Every call of the API is in a table (`routes/`), by which the guard lets it pass. GET changes nothing. What is wrong with a
 * call is told in `error`, with the status of its kind: 400 the call itself, 401 nobody is logged in, 403 this one may not,
 * 404 nothing there, 409 not in this state, 429 too many tries, 503 what is needed is out of reach.
 */
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { createGuard } from "./auth/guard.ts";
import type { ConsoleEnv } from "./auth/identity.ts";
import { Logins } from "./auth/logins.ts";
import { Sessions } from "./auth/sessions.ts";
import { Changes } from "./changes.ts";
import type { DeskDiagnosis } from "./desk.ts";
import { refusalOf } from "./errors.ts";
import { LiveEvents, type LiveTopic } from "./events.ts";
import { securityHeaders } from "./headers.ts";
import { openApiOf } from "./openapi.ts";
import type { ConsoleOptions } from "./options.ts";
import { type Overview, overviewOf } from "./overview.ts";
import { PAGE_DIRECTORY, Page } from "./page.ts";
import { aboutRoutes } from "./routes/about.ts";
import { alertRoutes, alertsOf } from "./routes/alerts.ts";
import { deskRoutes } from "./routes/desk.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { labRoutes } from "./routes/lab.ts";
import { metricsRoutes, seriesRoutes } from "./routes/metrics.ts";
import { replicationRoutes } from "./routes/replications.ts";
import { reportRoutes } from "./routes/reports.ts";
import { API_ROOT, type Route } from "./routes/route.ts";
import { sessionRoutes } from "./routes/session.ts";
import { taskRoutes } from "./routes/tasks.ts";
import { watchRoutes } from "./routes/watches.ts";
import { workRoutes } from "./routes/works.ts";
import { WorkRunner } from "./work-runner.ts";

export interface Api {
  readonly app: Hono<ConsoleEnv>;
  readonly routes: readonly Route[];
  /** Ends works and hangs up on listeners. */
  close(): void;
}

const BODY_BYTES_MAX = 4 * 1024 * 1024;
const OVERVIEW_MS = 2000;
/** Buckets whose last diagnosis is remembered. */
const DIAGNOSES_KEPT = 50;

/** Makes the API; `startConsole` in `server.ts` puts it on a port. */
export function createApi(options: ConsoleOptions): Api {
  const { clock, token, names = [], users = new Map(), isSecure = false } = options;
  const onFault = options.onFault ?? (() => undefined);
  const logins = new Logins({ token, users, clock });
  const sessions = new Sessions({ clock, ledger: options.ledger, standingOf: (user) => logins.standingOf(user) });
  const changes = new Changes(options);
  const events = eventsOf(options, onFault);
  const works = new WorkRunner({
    clock,
    changes,
    onFault,
    onChange: (work) => events.tell(`work ${work.id}`, "work", work),
  });
  const diagnoses = new Map<string, DeskDiagnosis>();
  const { desk, metering } = options;
  const told: Route[] = [
    ...sessionRoutes({ sessions, changes, isSecure, logins }),
    ...aboutRoutes({ ...options, changes, events, works }),
    ...replicationRoutes(options),
    ...taskRoutes(options),
    ...jobRoutes(options),
    ...deskRoutes({ desk, lastDiagnosis: (bucket) => diagnoses.get(bucket) }),
    ...workRoutes({ desk, works, onDiagnosed: keeper(diagnoses) }),
    ...alertRoutes(options),
    ...watchRoutes(options),
    ...reportRoutes(options),
    ...(metering === undefined ? [] : seriesRoutes(metering)),
    ...labRoutes(options.lab),
  ];
  const routes = [...told, openApiRoute(told, options.about.version)];
  const app = new Hono<ConsoleEnv>();
  app.use(securityHeaders(isSecure));
  app.use(
    "/api/*",
    bodyLimit({ maxSize: BODY_BYTES_MAX, onError: (c) => c.json({ error: "the body is too long" }, 413) }),
  );
  app.use("/api/*", createGuard({ routes, token, sessions, changes, names }));
  for (const { method, path, run } of routes) app.on(method, `${API_ROOT}${path}`, run);
  if (metering !== undefined) app.route("/", metricsRoutes(metering, token));
  const page = new Page(PAGE_DIRECTORY, names);
  app.get(
    "*",
    async (c, next) => (c.req.path.startsWith("/api/") ? undefined : await page.answer(c)) ?? (await next()),
  );
  app.notFound((c) => c.json({ error: `there is nothing at ${c.req.path}` }, 404));
  app.onError((error, c) => {
    const { status, body, isFault } = refusalOf(error);
    if (isFault) onFault(error);
    return c.json(body, status);
  });
  return {
    app,
    routes,
    close: () => {
      works.cancelAll();
      events.close();
    },
  };
}

function eventsOf(options: ConsoleOptions, onFault: (error: unknown) => void): LiveEvents {
  const { clock, engine, metering } = options;
  const overview = {
    name: "overview",
    everyMs: OVERVIEW_MS,
    read: async () => await overviewOf(options),
    // The time alone is no news.
    gistOf: (value: Overview) => ({ ...value, atMs: 0, engines: value.engines.map((one) => ({ ...one, atMs: 0 })) }),
  } satisfies LiveTopic<Overview>;
  const jobs = { name: "jobs", everyMs: OVERVIEW_MS, read: async () => ({ jobs: await engine.resync.list() }) };
  const series = { name: "series", everyMs: OVERVIEW_MS, read: async () => metering?.series.latest() };
  const alerts = { name: "alerts", everyMs: OVERVIEW_MS, read: async () => await alertsOf(options) };
  return new LiveEvents({ clock, onFault, topics: [overview, jobs, alerts, series] });
}

/** Remembers the diagnoses of the buckets that were looked at last. */
function keeper(diagnoses: Map<string, DeskDiagnosis>) {
  return (bucket: string, diagnosis: DeskDiagnosis): void => {
    diagnoses.delete(bucket);
    diagnoses.set(bucket, diagnosis);
    const [oldest] = diagnoses.keys();
    if (diagnoses.size > DIAGNOSES_KEPT && oldest !== undefined) diagnoses.delete(oldest);
  };
}

function openApiRoute(told: readonly Route[], version: string): Route {
  const route: Route = {
    method: "GET",
    path: "/openapi.json",
    access: "anybody",
    does: "This document",
    answers: "OpenAPI 3.1",
    run: (c) => c.json(openApiOf([...told, route], version)),
  };
  return route;
}
