/** One job from its making to what has come of it, with its progress on standard error. */
import { SingleBar } from "cli-progress";
import type { JobDescription, JobPlace } from "../../aws/s3-control.ts";
import { followJob, isOver } from "../../doctor/batch/follow.ts";
import { readJobReport } from "../../doctor/batch/report.ts";
import { type LookedAt, verify } from "../../doctor/batch/verify.ts";
import { verifyByInventory } from "../../doctor/batch/verify-inventory.ts";
import { plural } from "../../doctor/report.ts";
import { sleep } from "../clock.ts";
import { confirm } from "../confirming.ts";
import type { Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import { AccessError } from "../errors.ts";
import { type JobRun, VERIFY_MS_MAX } from "./outcome.ts";
import type { BatchRequest } from "./request.ts";

export interface Running {
  readonly connection: Connection;
  readonly place: JobPlace;
  readonly request: BatchRequest;
  readonly context: Context;
}

export type RunEnd = { readonly run: JobRun; readonly end: "over" | "underWay" | "declined" };

/**
 * Confirms a job that waits for it, waits until it is over, reads its report and looks at versions.
 *
 * @param versions those that are looked at afterwards; by default some of the report
 * @throws AccessError when there is no such job
 */
export async function runJob(
  running: Running,
  id: string,
  part: JobRun["part"],
  versions?: readonly LookedAt[],
): Promise<RunEnd> {
  const { connection, place, request, context } = running;
  let job = await watched(running, id);
  if (job.status === "Suspended") {
    const question = `Replicate ${plural(job.tasks ?? 0, "version")} of s3://${request.bucket}?`;
    const isAgreed = await confirm(context, question, request.isAgreed);
    await connection.s3Control.setStatus(place, id, isAgreed ? "Ready" : "Cancelled");
    if (!isAgreed) return { run: { ...runOf(job, part), status: "Cancelled" }, end: "declined" };
    if (request.detach) return { run: { ...runOf(job, part), status: "Ready" }, end: "underWay" };
    job = await watched(running, id);
  }
  if (!isOver(job)) return { run: runOf(job, part), end: "underWay" };
  return { run: await ended(running, job, part, versions), end: "over" };
}

function runOf({ id, status, tasks, failures }: JobDescription, part: JobRun["part"]): JobRun {
  return { id, part, status, ...(tasks === undefined ? {} : { tasks }), failures };
}

async function watched({ connection, place, request, context }: Running, id: string): Promise<JobDescription> {
  const bar = new SingleBar({
    format: "batch job {status} {bar} {value}/{total} initiated",
    stream: context.stderr,
    noTTYOutput: false,
    hideCursor: true,
    clearOnComplete: true,
  });
  const isShown = context.stderr.isTTY === true;
  if (isShown) bar.start(0, 0, { status: "" });
  try {
    const job = await followJob(connection.s3Control, place, id, {
      sleep: (ms) => sleep(ms, context.interrupted),
      // Whoever does not wait has to see that it began, no more; a job that is to be confirmed is waited for.
      isOver: () => context.interrupted.aborted || (request.detach && request.isAgreed),
      onProgress: ({ status, tasks = 0, succeeded, failed }) => {
        if (!isShown) return;
        bar.setTotal(tasks);
        bar.update(succeeded + failed, { status });
      },
    });
    if (job === undefined) throw new AccessError(`there is no job ${id} in ${place.region}: S3 keeps jobs for 90 days`);
    return job;
  } finally {
    if (isShown) bar.stop();
  }
}

async function ended(
  running: Running,
  job: JobDescription,
  part: JobRun["part"],
  versions: readonly LookedAt[] | undefined,
): Promise<JobRun> {
  const { connection, request, context } = running;
  const run = runOf(job, part);
  const report = await readJobReport(connection, job);
  if (report.state === "broken") return { ...run, reportBroken: report.because };
  const sample = versions ?? (report.state === "read" ? report.count.sample.items : []);
  const { store } = await connection.bucket(request.bucket);
  const untilMs = context.clock() + VERIFY_MS_MAX;
  const verified = await verify(store, sample, {
    sleep: (ms) => sleep(ms, context.interrupted),
    isOver: () => context.interrupted.aborted || context.clock() >= untilMs,
  });
  return {
    ...run,
    ...(report.state === "read" ? { outcome: report.count.outcome() } : {}),
    ...(sample.length === 0 ? {} : { verified }),
    ...(await inventoried(running, job)),
  };
}

async function inventoried({ connection, request }: Running, job: JobDescription): Promise<Pick<JobRun, "inventory">> {
  const where = request.work.kind === "known" ? request.work.inventory : undefined;
  if (where === undefined) return {};
  return { inventory: await verifyByInventory(connection, request.bucket, job, where) };
}
