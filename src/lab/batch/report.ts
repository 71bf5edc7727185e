/**
 * The completion report of a job, written as its role.
 *
 * The columns stand as AWS really writes them, status before code, and not as its `ReportSchema` says.
 *
 * @source aws-replication.md §6.6
 */
import { hash } from "node:crypto";
import { bucketOfArn } from "../../core/arn.ts";
import { lineOf } from "../../core/csv.ts";
import { S3Error } from "../../s3/errors.ts";
import type { S3Service } from "../s3/service.ts";
import { type Job, JobError, type Report } from "./model.ts";
import type { JobSession } from "./session.ts";
import type { DoneTask } from "./tasks.ts";

/** In AWS's words, which are not in AWS's order. */
const REPORT_SCHEMA = "Bucket, Key, VersionId, TaskStatus, ErrorCode, HTTPStatusCode, ResultMessage";
const ROWS_PER_FILE = 50_000;

type Kind = "succeeded" | "failed";

interface ReportFile {
  readonly TaskExecutionStatus: Kind;
  readonly Bucket: string;
  readonly MD5Checksum: string;
  readonly Key: string;
}

/**
 * Writes the results, then the `manifest.json` that names them, then its checksum. Idempotent: names follow from the job.
 *
 * @param pages the tasks that are done, in their order
 * @throws JobError when the bucket does not take it
 */
export async function writeReport(
  s3: S3Service,
  session: JobSession,
  { job, pages }: { readonly job: Job; readonly pages: AsyncIterable<readonly DoneTask[]> },
  nowMs: number,
): Promise<void> {
  const { report } = job.request;
  const bucket = bucketOfArn(report.bucketArn ?? "") ?? "";
  checkOwner(s3, report, bucket);
  const root = `${report.prefix === undefined ? "" : `${report.prefix}/`}job-${job.id}`;
  const put = async (key: string, text: string, contentType: string): Promise<void> => {
    const headers = { contentHeaders: { "content-type": contentType }, userMetadata: {} };
    try {
      const body = Buffer.from(text);
      await session.store.putObject({ bucket, key, body, ...headers, encryption: { kind: "SSE-S3" } });
    } catch (error) {
      throw error instanceof S3Error ? notWritten(error) : error;
    }
  };
  const files: ReportFile[] = [];
  for await (const { kind, text } of fileTexts(pages, report)) {
    const key = `${root}/results/${hash("sha1", `${job.id} ${kind} ${files.length}`)}.csv`;
    await put(key, text, "text/csv");
    files.push({ TaskExecutionStatus: kind, Bucket: bucket, MD5Checksum: hash("md5", text), Key: key });
  }
  const manifest = JSON.stringify({
    Format: "Report_CSV_20180820",
    ReportCreationDate: new Date(nowMs).toISOString(),
    Results: files,
    ReportSchema: REPORT_SCHEMA,
  });
  await put(`${root}/manifest.json`, manifest, "application/json");
  await put(`${root}/manifest.json.md5`, hash("md5", manifest), "text/plain");
}

function checkOwner(s3: S3Service, { expectedBucketOwner }: Report, bucket: string): void {
  if (expectedBucketOwner === undefined || s3.buckets.find(bucket)?.account === expectedBucketOwner) return;
  throw notWritten();
}

function notWritten(cause?: unknown): JobError {
  return new JobError("ReportNotWritten", "The job report could not be written to your report bucket.", { cause });
}

/** Succeeded and failed tasks stand in files of their own. */
async function* fileTexts(
  pages: AsyncIterable<readonly DoneTask[]>,
  { scope }: Report,
): AsyncGenerator<{ readonly kind: Kind; readonly text: string }> {
  const open: Record<Kind, { text: string; rows: number }> = {
    succeeded: { text: "", rows: 0 },
    failed: { text: "", rows: 0 },
  };
  for await (const page of pages) {
    for (const task of page) {
      const kind = task.code === "" ? "succeeded" : "failed";
      if (kind === "succeeded" && scope === "FailedTasksOnly") continue;
      const file = open[kind];
      file.text += lineOf(rowOf(task, kind));
      file.rows += 1;
      if (file.rows < ROWS_PER_FILE) continue;
      yield { kind, text: file.text };
      open[kind] = { text: "", rows: 0 };
    }
  }
  for (const kind of ["succeeded", "failed"] as const) {
    if (open[kind].rows > 0) yield { kind, text: open[kind].text };
  }
}

function rowOf({ bucket, key, versionId = "", httpStatus, code, message }: DoneTask, kind: Kind): (string | number)[] {
  return [bucket, key, versionId, kind, httpStatus, code, message];
}
