/** Tasks over HTTP: counts of them, those that have failed, and why those of one key are where they are. */
import { Hono } from "hono";
import { z } from "zod";
import type { TaskRow } from "../../ledger/ledger.ts";
import { explainKey } from "../explain.ts";
import type { ConsoleOptions } from "../options.ts";

const PAGE_MAX = 1000;

const failuresQuery = z.object({
  bucket: z.string().min(1),
  prefix: z.string().optional(),
  after: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(PAGE_MAX).default(PAGE_MAX),
});

const keyQuery = z.object({ bucket: z.string().min(1), key: z.string().min(1) });

export function taskRoutes(options: ConsoleOptions): Hono {
  const { ledger } = options;
  const app = new Hono();
  app.get("/counts", async (c) => c.json({ counts: await ledger.counts(c.req.query("bucket")) }));
  app.get("/failures", async (c) => {
    const { bucket, prefix, after, limit } = failuresQuery.parse(c.req.query());
    const selection = { bucket, ...(prefix === undefined ? {} : { prefix }) };
    const page = await ledger.list(selection, { limit, ...(after === undefined ? {} : { after }) });
    const failures = page.tasks.flatMap(failureOf);
    return c.json({ failures, ...(page.next === undefined ? {} : { next: page.next }) });
  });
  app.get("/tasks", async (c) => c.json(await explainKey(options, keyQuery.parse(c.req.query()))));
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
