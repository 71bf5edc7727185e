/** Jobs over HTTP: they are started, listed, asked for, paused, resumed and cancelled. */
import { z } from "zod";
import type { ResyncProgress, ResyncRequest } from "../../engine/resync/model.ts";
import { ApiError } from "../errors.ts";
import type { ConsoleOptions } from "../options.ts";
import type { ApiContext, Route } from "./route.ts";

const atMs = z.number().int();

const newJob = z.strictObject({
  kind: z.literal("resync"),
  bucket: z.string().min(1),
  failed: z.boolean(),
  failureCodes: z.array(z.string()).optional(),
  untried: z.boolean(),
  arrived: z.array(z.enum(["COMPLETED", "REPLICA"])).optional(),
  metadata: z.boolean().optional(),
  prefix: z.string().optional(),
  sinceMs: atMs.optional(),
  untilMs: atMs.optional(),
  dryRun: z.boolean(),
  canary: z.number().int().min(1).optional(),
  limit: z.number().int().min(1).optional(),
});

export function jobRoutes({ engine: { resync } }: Pick<ConsoleOptions, "engine">): readonly Route[] {
  const turns = [
    { verb: "pause", does: "Pauses a job", turn: (id: string) => resync.pause(id), wanted: "paused" },
    { verb: "resume", does: "Resumes a job", turn: (id: string) => resync.resume(id), wanted: "running" },
    { verb: "cancel", does: "Cancels a job", turn: (id: string) => resync.cancel(id), wanted: "cancelled" },
  ] as const;
  return [
    {
      method: "GET",
      path: "/jobs",
      access: "viewer",
      does: "Lists the jobs, the youngest first",
      answers: "{jobs: ResyncProgress[]}",
      run: async (c) => c.json({ jobs: await resync.list() }),
    },
    {
      method: "POST",
      path: "/jobs",
      access: "operator",
      does: "Starts a job",
      body: newJob,
      answers: "ResyncProgress",
      status: 202,
      run: async (c) => c.json(await resync.start(requestOf(newJob.parse(await c.req.json()))), 202),
    },
    {
      method: "GET",
      path: "/jobs/:id",
      access: "viewer",
      does: "Tells how far a job is",
      answers: "ResyncProgress",
      run: async (c) => answer(c, await resync.progress(c.req.param("id") ?? "")),
    },
    ...turns.map(
      ({ verb, does, turn, wanted }): Route => ({
        method: "POST",
        path: `/jobs/:id/${verb}`,
        access: "operator",
        does,
        answers: "ResyncProgress",
        run: async (c) => answer(c, await turn(c.req.param("id") ?? ""), wanted),
      }),
    ),
  ];
}

/** @param wanted the state that it was to be brought to; one that has ended stays as it is */
function answer(c: ApiContext, job: ResyncProgress | undefined, wanted?: ResyncProgress["state"]) {
  if (job === undefined) throw new ApiError(404, `there is no job ${c.req.param("id")}`);
  if (wanted === undefined || job.state === wanted) return c.json(job);
  throw new ApiError(409, `the job has ended: it is ${job.state}`, { job });
}

function requestOf(given: z.infer<typeof newJob>): ResyncRequest {
  const { bucket, failed, untried, dryRun, failureCodes, arrived, metadata, prefix, sinceMs, untilMs, canary, limit } =
    given;
  return {
    bucket,
    failed,
    untried,
    dryRun,
    ...(failureCodes === undefined ? {} : { failureCodes }),
    ...(arrived === undefined ? {} : { arrived }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(canary === undefined ? {} : { canary }),
    ...(limit === undefined ? {} : { limit }),
  };
}
