/**
 * One inventory report: the bucket is walked page by page into a file in a temporary directory, which S3 then puts into the
 * destination, with the manifest, its checksum and the list for Hive. Memory does not grow with the bucket.
 *
 * @source aws-replication.md §8.1, §8.2
 */
import { createHash, hash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as turnOfEverybody } from "node:timers/promises";
import { createGzip } from "node:zlib";
import { bucketArn, bucketOfArn } from "../../core/arn.ts";
import { ServiceError } from "../model.ts";
import type { Bucket } from "../s3/bucket.ts";
import { REPLICATION_SERVICE } from "../s3/call.ts";
import type { InventoryConfiguration } from "../s3/inventory.ts";
import { listCurrent, listVersions } from "../s3/listing.ts";
import { aclOfVersion } from "../s3/ownership.ts";
import type { S3Service } from "../s3/service.ts";
import type { StoredVersion } from "../s3/versions.ts";
import { putAsService, requireForService } from "../service-writer.ts";
import { type Column, columnsOf, csvLine, csvSchema, type Inventoried, parquetSchema } from "./columns.ts";
import { jsonLine, requireParquet, writeParquet } from "./parquet.ts";

export interface InventoryReport {
  /** Key of its `manifest.json`. */
  readonly manifest: string;
  readonly bucket: string;
  readonly rows: number;
}

const ROWS_AT_ONCE = 1000;

/** @throws ServiceError when the destination does not take it, or the format is not there */
export async function writeReport(
  s3: S3Service,
  bucket: Bucket,
  configuration: InventoryConfiguration,
  startMs: number,
): Promise<InventoryReport> {
  const { destination, id } = configuration;
  const { format } = destination;
  if (format === "ORC") throw new ServiceError("NotImplemented", 501, "The lab writes no inventories in ORC.");
  if (format === "Parquet") await requireParquet();
  const target = bucketOfArn(destination.bucketArn) ?? "";
  const root = `${destination.prefix === undefined ? "" : `${destination.prefix}/`}${bucket.name}/${id}`;
  const by = {
    service: REPLICATION_SERVICE,
    region: bucket.region,
    sourceArn: bucketArn(bucket.name),
    sourceAccount: bucket.account,
    nowMs: startMs,
  };
  // Better refused before the walk than after it.
  requireForService(s3, by, "s3:PutObject", { bucket: target, key: `${root}/data/` });
  const put = (key: string, body: Parameters<typeof putAsService>[2]["body"], contentType: string): Promise<void> =>
    putAsService(s3, by, {
      bucket: target,
      key,
      body,
      contentHeaders: { "content-type": contentType },
      ...(destination.encryption === undefined ? {} : { encryption: destination.encryption }),
    });

  const columns = columnsOf(configuration);
  const directory = await mkdtemp(join(tmpdir(), "lockstep-inventory-"));
  try {
    const file = await writeDataFile(s3, bucket, { configuration, columns, directory });
    const dataKey = `${root}/data/${randomUUID()}${EXTENSIONS[format]}`;
    const { size } = await stat(file.path);
    await put(dataKey, { stream: createReadStream(file.path), sizeBytes: size }, "application/octet-stream");
    const manifest = JSON.stringify({
      sourceBucket: bucket.name,
      destinationBucket: destination.bucketArn,
      version: "2016-11-30",
      creationTimestamp: String(startMs),
      fileFormat: format,
      fileSchema: format === "CSV" ? csvSchema(columns) : parquetSchema(columns),
      files: [{ key: dataKey, size, MD5checksum: await md5OfFile(file.path) }],
    });
    const minute = new Date(startMs).toISOString().slice(0, 16).replace(":", "-");
    const manifestKey = `${root}/${minute}Z/manifest.json`;
    await put(
      `${root}/hive/dt=${minute.replace("T", "-")}/symlink.txt`,
      Buffer.from(`s3://${target}/${dataKey}`),
      "text/plain",
    );
    await put(manifestKey, Buffer.from(manifest), "application/json");
    await put(`${root}/${minute}Z/manifest.checksum`, Buffer.from(hash("md5", manifest)), "text/plain");
    return { manifest: manifestKey, bucket: target, rows: file.rows };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const EXTENSIONS = { CSV: ".csv.gz", Parquet: ".parquet" } as const;

async function writeDataFile(
  s3: S3Service,
  bucket: Bucket,
  to: {
    readonly configuration: InventoryConfiguration;
    readonly columns: readonly Column[];
    readonly directory: string;
  },
): Promise<{ readonly path: string; readonly rows: number }> {
  const { configuration, columns, directory } = to;
  const count = { rows: 0 };
  const isCsv = configuration.destination.format === "CSV";
  const printed = Readable.from(
    lines(s3, bucket, configuration, count, (row) => (isCsv ? csvLine(columns, row) : jsonLine(columns, row))),
  );
  const path = join(directory, isCsv ? "data.csv.gz" : "data.json");
  if (isCsv) {
    await pipeline(printed, createGzip(), createWriteStream(path));
    return { path, rows: count.rows };
  }
  await pipeline(printed, createWriteStream(path));
  const parquetPath = join(directory, "data.parquet");
  await writeParquet(columns, path, parquetPath);
  return { path: parquetPath, rows: count.rows };
}

/** A page of rows at a time; everybody else gets a turn in between. */
async function* lines(
  s3: S3Service,
  bucket: Bucket,
  configuration: InventoryConfiguration,
  count: { rows: number },
  print: (row: Inventoried) => string,
): AsyncGenerator<string> {
  for (const page of pages(s3, bucket, configuration)) {
    count.rows += page.length;
    yield page
      .map((version) => print({ bucket: bucket.name, version, acl: aclOfVersion(s3, bucket, version) }))
      .join("");
    await turnOfEverybody();
  }
}

function* pages(
  s3: S3Service,
  bucket: Bucket,
  { prefix = "", versions }: InventoryConfiguration,
): Generator<readonly StoredVersion[]> {
  const request = { bucketId: bucket.id, prefix, delimiter: "", maxKeys: ROWS_AT_ONCE };
  if (versions === "Current") {
    for (let after: string | undefined = ""; after !== undefined; ) {
      const page: ReturnType<typeof listCurrent> = listCurrent(s3.database.committed, { ...request, after });
      yield page.versions;
      after = page.next;
    }
    return;
  }
  let next: ReturnType<typeof listVersions>["next"];
  do {
    const page = listVersions(s3.database.committed, { ...request, ...(next === undefined ? {} : { after: next }) });
    yield page.versions;
    next = page.next;
  } while (next !== undefined);
}

async function md5OfFile(path: string): Promise<string> {
  const md5 = createHash("md5");
  for await (const chunk of createReadStream(path)) md5.update(chunk as Buffer);
  return md5.digest("hex");
}
