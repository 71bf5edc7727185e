/**
 * Completion reports of S3 Batch Operations into the log of failures.
 *
 * A report does not say at which destination a task failed: where rules have several, a failure counts for each of them, and
 * the facts decide which of them they bear out.
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { documentOfXml } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import { CsvError, fieldsOf } from "../../core/csv.ts";
import { failureOfRow, readReportManifest } from "../../core/evidence/completion-report.ts";
import { linesOf } from "../../s3/csv-lines.ts";
import type { Surroundings } from "../ports.ts";
import { EvidenceError } from "./error.ts";
import type { FailureLog } from "./failure-log.ts";
import { parseObjectPlace, readSmallFile, readSmallObject, sizeOfFile } from "./files.ts";

export interface ReportCount {
  readonly failures: number;
  /** Tasks that succeeded, in files that were read, and rows of other buckets. */
  readonly others: number;
  readonly createdAtMs: number | undefined;
}

/**
 * @param where `s3://BUCKET/…/manifest.json`, or the path of a `manifest.json` whose results are beside it, or of one CSV file
 * @throws EvidenceError when there is no such report, or a checksum does not fit
 */
export async function readReport(
  surroundings: Surroundings,
  bucket: string,
  where: string,
  log: FailureLog,
): Promise<ReportCount> {
  const into = { bucket, log, targets: await targetsOf(surroundings, bucket) };
  const place = parseObjectPlace(where);
  if (place === undefined && /\.csv$/i.test(where)) {
    return { ...(await addRows(await readSmallFile(where), undefined, into)), createdAtMs: undefined };
  }
  const text = place === undefined ? await readSmallFile(where) : await readSmallObject(surroundings, place);
  const manifest = readReportManifest(text.toString());
  if (manifest === undefined)
    throw new EvidenceError(
      `${where} is no manifest of a completion report: name the manifest.json beside the report of a job`,
    );
  let failures = 0;
  let others = 0;
  for (const result of manifest.results.filter((one) => one.failed)) {
    const data =
      place === undefined
        ? await readSmallFile(await findBeside(where, result.key))
        : await readSmallObject(surroundings, { bucket: place.bucket, key: result.key });
    if (createHash("md5").update(data).digest("hex") !== result.md5)
      throw new EvidenceError(`${result.key} does not fit its MD5 in ${where}`);
    const count = await addRows(data, manifest.createdAtMs, into);
    failures += count.failures;
    others += count.others;
  }
  return { failures, others, createdAtMs: manifest.createdAtMs };
}

interface Target {
  readonly destinationArn: string;
  readonly ruleId: string;
}

async function targetsOf(surroundings: Surroundings, bucket: string): Promise<readonly Target[]> {
  const { settings } = await surroundings.bucket(bucket);
  const element = await settings.getBucketReplication(bucket);
  const rules = element === undefined ? [] : (parseReplication(documentOfXml(element)).configuration?.rules ?? []);
  const targets = rules.map((rule) => ({ destinationArn: rule.destination.bucketArn, ruleId: rule.id }));
  return [...new Map(targets.map((one) => [one.destinationArn, one])).values()];
}

async function findBeside(manifest: string, key: string): Promise<string> {
  const name = basename(key);
  for (const path of [join(dirname(manifest), name), join(dirname(manifest), "results", name)]) {
    if ((await sizeOfFile(path)) !== undefined) return path;
  }
  throw new EvidenceError(`${manifest} names ${key}, which is not here`);
}

async function addRows(
  data: Buffer,
  atMs: number | undefined,
  into: { readonly bucket: string; readonly log: FailureLog; readonly targets: readonly Target[] },
): Promise<{ readonly failures: number; readonly others: number }> {
  let failures = 0;
  let others = 0;
  try {
    for await (const line of linesOf(inOne(data))) {
      const failure = failureOfRow(fieldsOf(line), atMs);
      if (failure === undefined || failure.bucket !== into.bucket) {
        others += 1;
        continue;
      }
      failures += 1;
      const { bucket: _, ...told } = failure;
      for (const target of into.targets) into.log.add({ ...told, ...target });
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new EvidenceError(`a completion report cannot be read: ${error.message}`, { cause: error });
  }
  return { failures, others };
}

async function* inOne(data: Buffer): AsyncGenerator<Uint8Array> {
  yield data;
}
