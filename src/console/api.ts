/**
 * The console's HTTP API: what the engines know and can be asked to do, for the command line and the page.
 *
 * Every call carries the token. GET changes nothing. What is wrong with a call is told in `error`, with the status of its
 * kind: 400 the call itself, 401 the token, 404 nothing there, 409 not in this state, 503 the ledger is out of reach.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import { DatabaseError } from "../ledger/database-error.ts";
import type { ConsoleOptions } from "./options.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { metricsRoutes, seriesRoutes } from "./routes/metrics.ts";
import { replicationRoutes } from "./routes/replications.ts";
import { taskRoutes } from "./routes/tasks.ts";

/** Makes the API; `serve` in `server.ts` puts it on a port. */
export function createApi(options: ConsoleOptions): Hono {
  const app = new Hono();
  app.use("/api/*", async (c, next) => {
    const given = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    if (given === undefined || !sameSecret(given, options.token))
      return c.json({ error: "the token is missing or wrong" }, 401);
    return await next();
  });
  app.get("/api/v1/health", (c) => c.json({ ok: true }));
  app.route("/api/v1", taskRoutes(options));
  app.route("/api/v1", jobRoutes(options));
  app.route("/api/v1", replicationRoutes(options));
  if (options.metering !== undefined) {
    app.route("/", metricsRoutes(options.metering, options.token));
    app.route("/api/v1", seriesRoutes(options.metering));
  }
  app.notFound((c) => c.json({ error: `there is nothing at ${c.req.path}` }, 404));
  app.onError((error, c) => {
    if (error instanceof z.ZodError) return c.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof RangeError) return c.json({ error: error.message }, 400);
    if (error instanceof SyntaxError) return c.json({ error: "the body is not JSON" }, 400);
    if (error instanceof DatabaseError) {
      const waits = "what is PENDING waits until it is back";
      return c.json({ error: `the ledger cannot be reached: ${error.message}; ${waits}` }, 503);
    }
    return c.json({ error: error.message }, 500);
  });
  return app;
}

/** Compares digests, so that neither length nor content of the secret shows in the time it takes. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
