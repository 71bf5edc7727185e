/** Jobs over HTTP: they are started, listed, asked for, paused, resumed and cancelled. */
import { type Context, Hono } from "hono";
import { z } from "zod";
import type { ResyncProgress, ResyncRequest } from "../../engine/resync/model.ts";
import type { ConsoleOptions } from "../options.ts";

const atMs = z.number().int();

const newJob = z.strictObject({
  kind: z.literal("resync"),
  bucket: z.string().min(1),
  failed: z.boolean(),
  failureCodes: z.array(z.string()).optional(),
  untried: z.boolean(),
  arrived: z.array(z.enum(["COMPLETED", "REPLICA"])).optional(),
  prefix: z.string().optional(),
  sinceMs: atMs.optional(),
  untilMs: atMs.optional(),
  dryRun: z.boolean(),
  canary: z.number().int().min(1).optional(),
  limit: z.number().int().min(1).optional(),
});

export function jobRoutes({ engine: { resync } }: Pick<ConsoleOptions, "engine">): Hono {
  const app = new Hono();
  app.get("/jobs", async (c) => c.json({ jobs: await resync.list() }));
  app.post("/jobs", async (c) => c.json(await resync.start(requestOf(newJob.parse(await c.req.json()))), 202));
  app.get("/jobs/:id", async (c) => answer(c, await resync.progress(c.req.param("id"))));
  app.post("/jobs/:id/pause", async (c) => answer(c, await resync.pause(c.req.param("id")), "paused"));
  app.post("/jobs/:id/resume", async (c) => answer(c, await resync.resume(c.req.param("id")), "running"));
  app.post("/jobs/:id/cancel", async (c) => answer(c, await resync.cancel(c.req.param("id")), "cancelled"));
  return app;
}

/** @param wanted the state that it was to be brought to; one that has ended stays as it is */
function answer(c: Context, job: ResyncProgress | undefined, wanted?: ResyncProgress["state"]) {
  if (job === undefined) return c.json({ error: `there is no job ${c.req.param("id")}` }, 404);
  const isSo = wanted === undefined || job.state === wanted;
  return isSo ? c.json(job) : c.json({ error: `the job has ended: it is ${job.state}`, job }, 409);
}

function requestOf(given: z.infer<typeof newJob>): ResyncRequest {
  const { bucket, failed, untried, dryRun, failureCodes, arrived, prefix, sinceMs, untilMs, canary, limit } = given;
  return {
    bucket,
    failed,
    untried,
    dryRun,
    ...(failureCodes === undefined ? {} : { failureCodes }),
    ...(arrived === undefined ? {} : { arrived }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(canary === undefined ? {} : { canary }),
    ...(limit === undefined ? {} : { limit }),
  };
}
