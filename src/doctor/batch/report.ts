/** Fetches the completion report of a Batch Replication job; its format is `core/batch/report.ts`'s. */
import { createHash } from "node:crypto";
import type { JobDescription } from "../../aws/s3-control.ts";
import { OutcomeCount } from "../../core/batch/outcome.ts";
import { parseReportRow, type ReportRow } from "../../core/batch/report.ts";
import { type ReportManifest, readReportManifest } from "../../core/evidence/completion-report.ts";
import { linesOf } from "../../s3/csv-lines.ts";
import { S3Error } from "../../s3/errors.ts";
import type { Surroundings } from "../ports.ts";

/** Versions of a report that are looked at afterwards. */
const SAMPLED = 200;
/** Two keys' worth of percent-encoding and a message. */
const ROW_LENGTH_MAX = 32 * 1024;

export type JobReport =
  | { readonly state: "read"; readonly count: OutcomeCount }
  /** A job without a single task writes none. */
  | { readonly state: "absent" }
  | { readonly state: "broken"; readonly because: string };

/**
 * Reads the report of a job that is over. Nothing of it is kept but counts and samples.
 *
 * @param onRow is told every row
 * @throws S3Error
 */
export async function readJobReport(
  surroundings: Surroundings,
  { id, output }: Pick<JobDescription, "id" | "output">,
  onRow: (row: ReportRow) => void = () => undefined,
): Promise<JobReport> {
  if (output === undefined) return { state: "absent" };
  const key = `${output.prefix === undefined ? "" : `${output.prefix}/`}job-${id}/manifest.json`;
  const { store } = await surroundings.bucket(output.bucket);
  let text: string;
  try {
    const { body } = await store.getObject({ bucket: output.bucket, key });
    text = Buffer.from(await body.bytes()).toString("utf8");
  } catch (error) {
    if (error instanceof S3Error && error.status === 404) return { state: "absent" };
    throw error;
  }
  const manifest = readReportManifest(text);
  const where = `s3://${output.bucket}/${key}`;
  if (manifest === undefined) return { state: "broken", because: `${where} is no completion report` };
  const count = new OutcomeCount(SAMPLED);
  for (const file of manifest.results) {
    const because = await addFile(surroundings, file, (row) => {
      count.add(row);
      if (row !== undefined) onRow(row);
    });
    if (because !== undefined) return { state: "broken", because };
  }
  return { state: "read", count };
}

/** Returns what is wrong with the file. */
async function addFile(
  surroundings: Surroundings,
  file: ReportManifest["results"][number],
  onRow: (row: ReportRow | undefined) => void,
): Promise<string | undefined> {
  const { store } = await surroundings.bucket(file.bucket);
  const { body } = await store.getObject({ bucket: file.bucket, key: file.key });
  const digest = createHash("md5");
  async function* chunks() {
    for await (const chunk of body.stream()) {
      digest.update(chunk);
      yield chunk;
    }
  }
  for await (const line of linesOf(chunks(), ROW_LENGTH_MAX)) onRow(parseReportRow(line));
  if (digest.digest("hex") === file.md5) return undefined;
  return `s3://${file.bucket}/${file.key} is not what the report says it is: its MD5 differs`;
}
