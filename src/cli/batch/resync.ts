/**
 * `resync` by S3 Batch Replication, for buckets that AWS replicates itself.
 *
 * Which versions: S3 lists them by their status where that is enough, and says how many they are before it begins.
 * Otherwise (a canary, a limit, one cause or code) they are looked at here and written into a manifest.
 */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { type JobDocument, type JobList, jobDocument } from "../../core/batch/job.ts";
import type { JobUse } from "../../core/batch/job-role.ts";
import { MANIFEST_ROWS_MAX } from "../../core/batch/manifest.ts";
import { countStatuses, type Selected, selectVersions } from "../../core/batch/select.ts";
import type { Facts, VersionFacts } from "../../core/diagnose/facts.ts";
import { writeManifest } from "../../doctor/batch/manifest.ts";
import { JobNotes } from "../../doctor/batch/notes.ts";
import { plural } from "../../doctor/report.ts";
import { S3Error } from "../../s3/errors.ts";
import type { CommandResult } from "../command.ts";
import { confirm, requireConsent } from "../confirming.ts";
import type { Connection } from "../connection.ts";
import type { Context } from "../context.ts";
import { DEFAULT_REGION } from "../defaults.ts";
import { AccessError, UsageError } from "../errors.ts";
import { stateDirectory } from "../state-directory.ts";
import { resyncByCopy } from "./copy.ts";
import { lookAtVersions } from "./look.ts";
import { type BatchOutcome, batchResult, isClean, type JobRun } from "./outcome.ts";
import type { BatchRequest, NewJob } from "./request.ts";
import { jobRole } from "./role.ts";
import { type RunEnd, type Running, runJob } from "./run.ts";

/** @throws AccessError, UsageError, S3Error, AwsError */
export async function resyncByBatch(
  connection: Connection,
  request: BatchRequest,
  context: Context,
): Promise<CommandResult> {
  if (request.work.kind === "copy") return await resyncByCopy(connection, request, context);
  const { accountId } = connection;
  if (accountId === "")
    throw new AccessError(`${connection.endpoint} has no accounts, and so no S3 Batch: --via engine`);
  const { region = DEFAULT_REGION } = await connection.bucket(request.bucket);
  const running: Running = { connection, place: { accountId, region }, request, context };
  if (request.work.kind === "known") return await known(running, request.work.id);
  return await anew(running, request.work);
}

/** Looks at a job again, and confirms it where that is what it waits for. */
async function known(running: Running, id: string): Promise<CommandResult> {
  const { request, context, connection } = running;
  const job = await connection.s3Control.describeJob(running.place, id);
  if (job === undefined) {
    const notes = await notesOf(context).list({ bucket: request.bucket, endpoint: connection.endpoint });
    const made = notes.map((one) => `${one.id} of ${one.madeAt}`).join(", ");
    const ours = made === "" ? "none was made from here" : `made from here: ${made}`;
    throw new AccessError(`there is no job ${id} in ${running.place.region}; ${ours}`);
  }
  const ending = await runJob(running, id, "all");
  return resultOf(running, [ending], {});
}

async function anew(running: Running, work: NewJob): Promise<CommandResult> {
  const { connection, request, context } = running;
  const { bucket, canary, limit, selection, dryRun, isAgreed, evidence } = request;
  if (!dryRun) requireConsent(context, isAgreed, "a job is to be made");
  await requireOutput(connection, work);
  // A canary is chosen here, and the rest by S3 where that can be.
  const isListedHere = [limit, selection.codes, selection.causes, evidence].some((one) => one !== undefined);
  const use: JobUse = {
    accountId: connection.accountId,
    bucket,
    output: work.output,
    generated: !isListedHere,
    written: isListedHere || canary !== undefined,
  };
  const role = await jobRole(connection, use, work, request, context);
  if (role.state === "unfit") return role.result;
  if (role.state === "declined") return resultOf(running, [], { state: "declined" });
  const { arn: roleArn } = role;
  const undo = role.undo === undefined ? {} : { undo: role.undo };
  const looked = use.written || dryRun ? await look(running) : undefined;
  const maker = new JobMaker(running, work, roleArn);
  if (dryRun)
    return dryResult(running, maker, use, {
      ...(looked === undefined ? {} : lookedMembers(looked, request)),
      rolePatches: role.patches ?? [],
    });
  const more = { ...undo, ...(looked === undefined ? {} : lookedMembers(looked, request)) };
  if (looked === undefined) return resultOf(running, [await maker.generated("all")], more);
  const chosen = looked.selected.versions.slice(0, limit);
  if (chosen.length === 0) return resultOf(running, [], { ...more, state: "nothing" });
  const question = `Replicate ${plural(chosen.length, "version")} of s3://${bucket}?`;
  if (!(await confirm(context, question, isAgreed))) return resultOf(running, [], { ...more, state: "declined" });
  const agreed = new JobMaker({ ...running, request: { ...request, isAgreed: true } }, work, roleArn);
  if (canary === undefined) return resultOf(running, await agreed.written(chosen, "all"), more);
  const first = await agreed.written(chosen.slice(0, canary), "canary");
  if (first.some((one) => one.end !== "over")) return resultOf(running, first, more);
  if (!first.every((one) => isClean(one.run))) return resultOf(running, first, { ...more, state: "stopped" });
  if (chosen.length <= canary) return resultOf(running, first, more);
  const rest = isListedHere ? await agreed.written(chosen.slice(canary), "rest") : [await agreed.generated("rest")];
  return resultOf(running, [...first, ...rest], more);
}

/** S3 Batch notices when the job is over, and then its report is lost. @throws UsageError, S3Error */
async function requireOutput(connection: Connection, { output }: NewJob): Promise<void> {
  try {
    await connection.bucket(output.bucket);
  } catch (error) {
    if (!(error instanceof S3Error) || error.status !== 404) throw error;
    throw new UsageError(`there is no bucket ${output.bucket} for the job's report: --job-output names another`, {
      cause: error,
    });
  }
}

interface Looked {
  readonly facts: Facts;
  readonly selected: Selected;
}

async function look({ connection, request, context }: Running): Promise<Looked> {
  const facts = await lookAtVersions(connection, request, context);
  return { facts, selected: selectVersions(facts, request.selection) };
}

/** Of an inventory not all versions were looked at: how many show what is not known of those. */
function lookedMembers(
  { facts, selected }: Looked,
  { evidence }: BatchRequest,
): Pick<BatchOutcome, "before" | "selected"> {
  const { versions, bytes, notEligible } = selected;
  const before = evidence?.wish.inventory === undefined ? { before: countStatuses(facts.versions) } : {};
  return { ...before, selected: { versions: versions.length, bytes, notEligible } };
}

function dryResult(running: Running, maker: JobMaker, use: JobUse, more: Partial<BatchOutcome>): CommandResult {
  const requests: JobDocument[] = [];
  if (use.written) requests.push(maker.document(maker.manifestToBe(), "the versions of the manifest"));
  if (use.generated) requests.push(maker.document(maker.list(), "the versions that S3 lists"));
  return resultOf(running, [], { ...more, state: "dryRun", requests });
}

function resultOf({ request }: Running, endings: readonly RunEnd[], more: Partial<BatchOutcome>): CommandResult {
  const jobs: JobRun[] = endings.map((one) => one.run);
  const last = endings.at(-1)?.end ?? "over";
  const outcome: BatchOutcome = { via: "batch", bucket: request.bucket, state: last, jobs, ...more };
  return batchResult(outcome, request);
}

function notesOf(context: Context): JobNotes {
  return new JobNotes(join(stateDirectory(context), "batch-jobs"));
}

/** Makes jobs and runs them, each to its end. */
class JobMaker {
  readonly #running: Running;
  readonly #work: NewJob;
  readonly #roleArn: string;

  constructor(running: Running, work: NewJob, roleArn: string) {
    this.#running = running;
    this.#work = work;
    this.#roleArn = roleArn;
  }

  /** The list that S3 makes by itself. */
  list(): JobList {
    const { prefix, selection } = this.#running.request;
    const { statuses, sinceMs, untilMs } = selection;
    return {
      kind: "generated",
      filter: {
        statuses,
        ...(prefix === undefined ? {} : { prefix }),
        // S3's own bound is exclusive.
        ...(sinceMs === undefined ? {} : { createdAfterMs: sinceMs - 1 }),
        ...(untilMs === undefined ? {} : { createdBeforeMs: untilMs }),
      },
    };
  }

  /** A manifest that has not been written. */
  manifestToBe(): JobList {
    const { output } = this.#work;
    return { kind: "written", objectArn: `arn:aws:s3:::${output.bucket}/${this.#manifestKey("ID")}`, etag: "ETAG" };
  }

  document(list: JobList, what: string): JobDocument {
    const { place, request } = this.#running;
    return jobDocument({
      accountId: place.accountId,
      bucket: request.bucket,
      roleArn: this.#roleArn,
      output: this.#work.output,
      token: randomUUID(),
      description: `lockstep resync: ${what}`,
      // S3 tells how many versions it found before it begins; somebody is asked about that number.
      confirmationRequired: list.kind === "generated" && !request.isAgreed,
      list,
    });
  }

  async generated(part: JobRun["part"]): Promise<RunEnd> {
    const id = await this.#make(this.document(this.list(), part));
    return await runJob(this.#running, id, part);
  }

  /** One job for each manifest's worth, one after the other; the next only when the one before is over. */
  async written(versions: readonly VersionFacts[], part: JobRun["part"]): Promise<RunEnd[]> {
    const endings: RunEnd[] = [];
    for (let from = 0; from < versions.length; from += MANIFEST_ROWS_MAX) {
      const chunk = versions.slice(from, from + MANIFEST_ROWS_MAX);
      const key = this.#manifestKey(randomUUID());
      const list = await writeManifest(this.#running.connection, { bucket: this.#work.output.bucket, key }, chunk);
      const id = await this.#make(this.document(list, part));
      const ending = await runJob(this.#running, id, part, part === "canary" ? chunk : undefined);
      endings.push(ending);
      if (ending.end !== "over") break;
    }
    return endings;
  }

  #manifestKey(name: string): string {
    const { prefix } = this.#work.output;
    return `${prefix === undefined ? "" : `${prefix}/`}manifests/${name}.csv`;
  }

  async #make(document: JobDocument): Promise<string> {
    const { connection, place, request, context } = this.#running;
    const id = await connection.s3Control.createJob(place.region, document);
    await notesOf(context).save({
      id,
      bucket: request.bucket,
      endpoint: connection.endpoint,
      accountId: place.accountId,
      madeAt: new Date(context.clock()).toISOString(),
    });
    if (context.stderr.isTTY === true) context.stderr.write(`job ${id} was made\n`);
    return id;
  }
}
