/**
 * The console's HTTP API: what the engine knows and can be asked to do, for the command line and the page.
 *
 * Every call carries the token. Reading changes nothing; the only call that does something is the start of a resync.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { z } from "zod";
import type { Engine } from "../engine/engine.ts";
import type { Ledger, TaskRow } from "../ledger/ledger.ts";

export interface ConsoleOptions {
  readonly engine: Pick<Engine, "resync" | "stopping">;
  readonly ledger: Ledger;
  /** What callers have to show as a bearer token. */
  readonly token: string;
}

const PAGE_MAX = 1000;

const failuresQuery = z.object({
  bucket: z.string().min(1),
  prefix: z.string().optional(),
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_MAX),
});

const resyncBody = z.object({
  bucket: z.string().min(1),
  failed: z.boolean(),
  failureCodes: z.array(z.string()).optional(),
  untried: z.boolean(),
  arrived: z.array(z.enum(["COMPLETED", "REPLICA"])).optional(),
  prefix: z.string().optional(),
  dryRun: z.boolean(),
  limit: z.number().int().min(1).optional(),
});

/** Makes the API; `serve` in `server.ts` puts it on a port. */
export function createApi(options: ConsoleOptions): Hono {
  const { engine, ledger } = options;
  const app = new Hono();
  app.use("/api/*", async (c, next) => {
    const given = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
    if (given === undefined || !sameSecret(given, options.token))
      return c.json({ error: "the token is missing or wrong" }, 401);
    return await next();
  });
  app.get("/api/v1/health", (c) => c.json({ ok: true }));
  app.get("/api/v1/counts", async (c) => c.json({ counts: await ledger.counts(c.req.query("bucket")) }));
  app.get("/api/v1/failures", async (c) => {
    const { bucket, prefix, after, limit } = failuresQuery.parse(c.req.query());
    const selection = { bucket, ...(prefix === undefined ? {} : { prefix }) };
    const page = await ledger.list(selection, { limit, ...(after === undefined ? {} : { after }) });
    const failures = page.tasks.flatMap(failureOf);
    return c.json({ failures, ...(page.next === undefined ? {} : { next: page.next }) });
  });
  app.post("/api/v1/resync", async (c) => {
    const { failureCodes, arrived, prefix, limit, ...request } = resyncBody.parse(await c.req.json());
    const optional = {
      ...(failureCodes === undefined ? {} : { failureCodes }),
      ...(arrived === undefined ? {} : { arrived }),
      ...(prefix === undefined ? {} : { prefix }),
      ...(limit === undefined ? {} : { limit }),
    };
    return c.json(engine.resync.start({ ...request, ...optional }, engine.stopping), 202);
  });
  app.get("/api/v1/resync/:id", (c) => {
    const progress = engine.resync.progress(c.req.param("id"));
    return progress === undefined ? c.json({ error: "there is no such job" }, 404) : c.json(progress);
  });
  app.notFound((c) => c.json({ error: `there is nothing at ${c.req.path}` }, 404));
  app.onError((error, c) => {
    if (error instanceof z.ZodError) return c.json({ error: z.prettifyError(error) }, 400);
    if (error instanceof RangeError) return c.json({ error: error.message }, 400);
    if (error instanceof SyntaxError) return c.json({ error: "the body is not JSON" }, 400);
    return c.json({ error: error.message }, 500);
  });
  return app;
}

/** What is recorded of a task's last try; nothing for a task that waits for its first. */
function failureOf(row: TaskRow) {
  if (row.failure === undefined) return [];
  const { code, step, httpStatus, errorCode, message } = row.failure;
  return [
    {
      key: row.version.key,
      versionId: row.version.versionId,
      destinationArn: row.destinationArn,
      ruleId: row.ruleId,
      code,
      step,
      pending: row.state !== "parked",
      attempts: row.attempts,
      firstAttemptAtMs: row.firstAttemptAtMs,
      lastAttemptAtMs: row.lastAttemptAtMs,
      nextTryAtMs: row.state === "parked" ? undefined : row.nextTryAtMs,
      httpStatus,
      errorCode,
      message,
    },
  ];
}

/** Compares digests, so that neither length nor content of the secret shows in the time it takes. */
function sameSecret(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
