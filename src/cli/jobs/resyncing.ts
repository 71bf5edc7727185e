/** What `resync` does: starts a job of the engine, shows how far it is, words how it ended. */
import { setTimeout as sleep } from "node:timers/promises";
import { SingleBar } from "cli-progress";
import { isFailureCode } from "../../core/failures/catalogue.ts";
import { plural, sizeWords } from "../../doctor/report.ts";
import type { ResyncProgress, ResyncRequest } from "../../engine/resync/model.ts";
import { S3Error } from "../../s3/errors.ts";
import type { CommandResult } from "../command.ts";
import type { Connection } from "../connection.ts";
import type { ConsoleClient } from "../console-client.ts";
import { type Context, styled } from "../context.ts";
import { withRecord } from "../diagnosis/scan.ts";
import { UsageError } from "../errors.ts";
import { ID_SHOWN } from "./words.ts";

const POLL_MS = 200;

/** @param options `detach`: do not wait for the end */
export async function resync(
  engine: ConsoleClient,
  request: ResyncRequest,
  options: { readonly detach: boolean },
  context: Context,
): Promise<CommandResult> {
  for (const code of request.failureCodes ?? []) {
    if (!isFailureCode(code)) throw new UsageError(`there is no failure reason "${code}": diagnose shows the codes`);
  }
  const started = await engine.startResync(request);
  if (options.detach) return { status: 0, value: started, words: () => detachedWords(started) };
  const ended = await follow(engine, started, context);
  const isFinding = request.dryRun ? foundOf(ended) > 0 : ended.state !== "done" || ended.failed > 0 || ended.open > 0;
  // A canary that FAILED is a finding; whatever else breaks a job is a store that does not let it in.
  const isCutOff = ended.state === "broken" && ended.failed === 0;
  return { status: isCutOff ? 3 : isFinding ? 1 : 0, value: ended, words: () => resyncWords(ended) };
}

function detachedWords({ id }: ResyncProgress): string {
  const short = id.slice(0, ID_SHOWN);
  return `Job ${short} has begun: lockstep jobs shows it, lockstep pause --job ${short} holds it up.`;
}

/**
 * Whether the bucket is there, or gone as somebody says that it is: the engine forgets versions that answer 404, so the
 * word of one person is not enough.
 *
 * @throws S3Error when it cannot be reached; UsageError when it is there all the same
 */
export async function checkBucket(connection: Connection, bucket: string, isGone: boolean): Promise<void> {
  try {
    await connection.bucket(bucket);
  } catch (error) {
    if (isGone && error instanceof S3Error && error.status === 404) return;
    throw await withRecord(connection, bucket, error);
  }
  if (isGone) throw new UsageError(`s3://${bucket} is there: leave --gone out`);
}

/** Polls until the job is over or paused, or ctrl-C; the job itself goes on in the engine. */
async function follow(engine: ConsoleClient, started: ResyncProgress, context: Context): Promise<ResyncProgress> {
  const bar = new SingleBar({
    format: "resync {bar} {value}/{total} completed, {failed} failed",
    stream: context.stderr,
    noTTYOutput: false,
    hideCursor: true,
    clearOnComplete: true,
  });
  const isShown = context.stderr.isTTY === true && !started.dryRun;
  if (isShown) bar.start(0, 0, { failed: 0 });
  try {
    let progress = started;
    while (progress.state === "running" && !context.interrupted.aborted) {
      await sleep(POLL_MS);
      progress = await engine.job(started.id);
      if (isShown) {
        bar.setTotal(foundOf(progress));
        bar.update(progress.completed, { failed: progress.failed });
      }
    }
    return progress;
  } finally {
    if (isShown) bar.stop();
  }
}

function foundOf(progress: ResyncProgress): number {
  return progress.foundFailed + progress.foundUntried;
}

function resyncWords(progress: ResyncProgress): string {
  const words = outcomeWords(progress);
  if (progress.unreadable === 0) return words;
  const passed = `${plural(progress.unreadable, "version")} passed over: the bucket's account may not read them`;
  return `${words}\n${styled("yellow", `${passed}; lockstep diagnose s3://${progress.bucket}`)}`;
}

function outcomeWords(progress: ResyncProgress): string {
  const found = foundOf(progress);
  const parts = `${progress.foundFailed} FAILED, ${progress.foundUntried} not at the destination`;
  const what = `${plural(found, "version")} (${parts}), ${sizeWords(progress.bytes)}`;
  const gone =
    progress.gone === 0 ? [] : [`${plural(progress.gone, "version")} gone at the source: nothing is left to do`];
  if (found === 0 && progress.state === "done")
    return [...gone, styled("green", "Nothing is to be replicated again.")].join("\n");
  if (progress.dryRun && progress.state === "done") return [...gone, `Would replicate ${what} again.`].join("\n");
  const lines = [...gone, `Replicated ${what}: ${styled("green", `${progress.completed} COMPLETED`)}`];
  if (progress.failed > 0)
    lines.push(styled("red", `${progress.failed} FAILED again: lockstep diagnose s3://${progress.bucket}`));
  const { open, state, error, id } = progress;
  const short = id.slice(0, ID_SHOWN);
  if (open > 0) lines.push(styled("yellow", `${open} still under way: lockstep status s3://${progress.bucket}`));
  if (state === "broken") lines.push(styled("red", `It ended early: ${error ?? "unknown"}.`), goOnWords(progress));
  if (state === "paused") lines.push(styled("yellow", `It is paused: lockstep resume --job ${short} goes on`));
  if (state === "cancelled") lines.push(styled("yellow", "It was cancelled: what waited was given back"));
  if (state === "running") lines.push(`Job ${short} goes on: lockstep jobs shows how far it is`);
  return lines.join("\n");
}

/** A new job finds what the one before has left. */
function goOnWords({ bucket }: ResyncProgress): string {
  return `lockstep diagnose s3://${bucket} says why and what to change; then the same command again goes on with what is left.`;
}
