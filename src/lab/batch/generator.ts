/**
 * The manifest that S3 makes itself: walks the bucket page by page, and writes down what passes the filter.
 *
 * The role must be allowed to read the replication configuration and to make an inventory of the bucket; listing it is
 * S3's own work.
 *
 * @source aws-replication.md §5.1, §6.2, §6.7, §8.2
 */
import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { bucketOfArn, objectArn } from "../../core/arn.ts";
import { lineOf } from "../../core/csv.ts";
import type { Encryption } from "../../core/model.ts";
import { S3Error } from "../../s3/errors.ts";
import { encodeUri } from "../../s3/sigv4.ts";
import { ServiceError } from "../model.ts";
import { authoriseAction } from "../s3/access.ts";
import type { Bucket } from "../s3/bucket.ts";
import { listVersions, type VersionMarker } from "../s3/listing.ts";
import type { S3Service } from "../s3/service.ts";
import { passesFilter } from "./filter.ts";
import { type GeneratedManifest, type Job, JobError, type ManifestGenerator, type ManifestOutput } from "./model.ts";
import { codeOfRefusal, type JobSession } from "./session.ts";
import type { ManifestRow, Task } from "./tasks.ts";

const PAGE = 500;

/** The rows of a generated manifest, one list for each page of the bucket. @throws JobError */
export function* generatedRows(
  s3: S3Service,
  job: Job,
  session: JobSession,
  generator: ManifestGenerator,
): Generator<readonly ManifestRow[]> {
  const bucket = sourceOf(s3, job, session, generator);
  const [only] = generator.filter.prefixes ?? [];
  let after: VersionMarker | undefined;
  do {
    // Settings of now: a walk takes a while.
    const configuration = s3.buckets.find(bucket.name)?.replication;
    const page = listVersions(s3.database.committed, {
      bucketId: bucket.id,
      prefix: generator.filter.prefixes?.length === 1 && only !== undefined ? only : "",
      delimiter: "",
      maxKeys: PAGE,
      ...(after === undefined ? {} : { after }),
    });
    after = page.next;
    yield page.versions
      .filter((version) => passesFilter(generator.filter, version, configuration))
      .map(({ key, versionId }) => ({ bucket: bucket.name, key: encodeUri(key, true), versionId }));
  } while (after !== undefined);
}

/** @throws JobError */
function sourceOf(s3: S3Service, job: Job, session: JobSession, generator: ManifestGenerator): Bucket {
  const bucket = s3.buckets.find(bucketOfArn(generator.sourceBucketArn) ?? "");
  if (bucket === undefined) throw failed("The source bucket does not exist.");
  if (generator.expectedBucketOwner !== undefined && generator.expectedBucketOwner !== bucket.account) {
    throw failed("The source bucket does not belong to the expected owner.");
  }
  if (bucket.region !== job.region) throw failed("The source bucket is in another Region than the job.");
  try {
    for (const action of ["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"]) {
      authoriseAction(s3, session.call(), action, { bucket });
    }
  } catch (error) {
    if (error instanceof ServiceError) throw failed(`Access denied: ${error.message}`, error);
    throw error;
  }
  return bucket;
}

function failed(reason: string, cause?: unknown): JobError {
  return new JobError("ManifestGenerationFailed", `Error occurred when preparing manifest: ${reason}`, { cause });
}

const ROWS_PER_FILE = 50_000;
const pack = promisify(gzip);

/**
 * Writes the generated manifest as an inventory of it would look: data files, `manifest.json`, `manifest.checksum`.
 *
 * The names of the objects are a guess; `manifest.json` is where DescribeJob says it is.
 *
 * @param pages tasks of the job in their order
 * @throws JobError
 */
export async function writeManifest(
  session: JobSession,
  {
    job,
    output,
    pages,
  }: { readonly job: Job; readonly output: ManifestOutput; readonly pages: AsyncIterable<readonly Task[]> },
  nowMs: number,
): Promise<GeneratedManifest> {
  const bucket = bucketOfArn(output.bucketArn) ?? "";
  const root = `${output.prefix === undefined ? "" : `${output.prefix}/`}job-${job.id}`;
  const put = async (key: string, body: Buffer, contentType: string): Promise<string> => {
    const contentHeaders = { "content-type": contentType };
    try {
      const request = { bucket, key, body, contentHeaders, userMetadata: {}, encryption: encryptionOf(output) };
      return (await session.store.putObject(request)).etag;
    } catch (error) {
      if (error instanceof S3Error) throw failed(`Failed to write manifest: ${codeOfRefusal(error)}`, error);
      throw error;
    }
  };
  const files: { readonly key: string; readonly size: number; readonly MD5checksum: string }[] = [];
  for await (const text of fileTexts(pages)) {
    const body = await pack(text);
    const key = `${root}/data/${hash("sha1", `${job.id} ${files.length}`)}.csv.gz`;
    await put(key, body, "application/gzip");
    files.push({ key, size: body.length, MD5checksum: hash("md5", body) });
  }
  const manifest = JSON.stringify({
    sourceBucket: bucketOfArn((job.request.manifest as ManifestGenerator).sourceBucketArn),
    destinationBucket: output.bucketArn,
    version: "2021-11-30",
    creationTimestamp: String(nowMs),
    fileFormat: "CSV",
    fileSchema: "Bucket, Key, VersionId",
    files,
  });
  const etag = await put(`${root}/manifest.json`, Buffer.from(manifest), "application/json");
  await put(`${root}/manifest.checksum`, Buffer.from(hash("md5", manifest)), "text/plain");
  return { objectArn: objectArn(bucket, `${root}/manifest.json`), etag };
}

async function* fileTexts(pages: AsyncIterable<readonly Task[]>): AsyncGenerator<string> {
  let text = "";
  let rows = 0;
  for await (const page of pages) {
    for (const { bucket, key, versionId = "" } of page) text += lineOf([bucket, key, versionId]);
    rows += page.length;
    if (rows < ROWS_PER_FILE) continue;
    yield text;
    [text, rows] = ["", 0];
  }
  if (rows > 0) yield text;
}

function encryptionOf({ kmsKeyId }: ManifestOutput): Encryption {
  return kmsKeyId === undefined ? { kind: "SSE-S3" } : { kind: "SSE-KMS", kmsKeyArn: kmsKeyId };
}
