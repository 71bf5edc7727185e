/**
 * Files of logs, wherever they lie: on this machine, in a folder, under a prefix of a bucket. Lists and opens them, and knows
 * nothing of what is in them.
 */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BucketAccess } from "../ports.ts";

export interface LogFile {
  /** As a person finds it again. */
  readonly name: string;
  open(): Promise<AsyncIterable<Uint8Array>>;
}

/** Larger chunks cost memory and are not faster. */
const CHUNK_BYTES = 512 * 1024;
/** Objects up to this size are fetched ahead: access logs are many small ones, and each costs a round trip. */
const AHEAD_BYTES_MAX = 4 * 1024 * 1024;
const AHEAD_MAX = 8;

/** Digests of CloudTrail's files stand beside them, and hold no events. */
const NO_LOGS = /(?:^|\/)CloudTrail-Digest\//;

/** A file, or all files in a folder and below it. Rejects as node:fs does where there is none. */
export async function* localFiles(path: string): AsyncGenerator<LogFile> {
  if (!(await stat(path)).isDirectory()) {
    yield localFile(path);
    return;
  }
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  for (const file of files.filter((one) => !NO_LOGS.test(one)).sort(trailsFirst)) yield localFile(file);
}

function localFile(path: string): LogFile {
  return { name: path, open: async () => createReadStream(path, { highWaterMark: CHUNK_BYTES }) };
}

/** CloudTrail tells why something failed, access logs do not: of a call that both tell of, the first mention is kept. */
function trailsFirst(one: string, other: string): number {
  const byKind = Number(isTrailName(other)) - Number(isTrailName(one));
  return byKind !== 0 ? byKind : one < other ? -1 : 1;
}

function isTrailName(name: string): boolean {
  return /\.json(?:\.gz)?$/.test(name);
}

export interface Prefix {
  readonly bucket: string;
  readonly prefix: string;
  /** A log is delivered after what it tells of: objects that were written earlier are left out. */
  readonly sinceMs?: number;
}

/** The objects under a prefix, in the order of their keys. @throws S3Error */
export async function* storedFiles(
  access: BucketAccess,
  { bucket, prefix, sinceMs = 0 }: Prefix,
): AsyncGenerator<LogFile> {
  const ahead: LogFile[] = [];
  for await (const { key, sizeBytes, lastModifiedMs } of objectsUnder(access, bucket, prefix)) {
    if (sizeBytes === 0 || lastModifiedMs < sinceMs || NO_LOGS.test(key)) continue;
    ahead.push(storedFile(access, bucket, key, sizeBytes));
    const next = ahead.length > AHEAD_MAX ? ahead.shift() : undefined;
    if (next !== undefined) yield next;
  }
  yield* ahead;
}

async function* objectsUnder({ settings }: BucketAccess, bucket: string, prefix: string) {
  let next: { readonly continuationToken?: string } = {};
  do {
    const page = await settings.listObjects({ bucket, prefix, ...next });
    yield* page.objects;
    next = page.continuationToken === undefined ? {} : { continuationToken: page.continuationToken };
  } while (next.continuationToken !== undefined);
}

function storedFile({ store }: BucketAccess, bucket: string, key: string, sizeBytes: number): LogFile {
  const get = async () => (await store.getObject({ bucket, key, checksums: false })).body;
  const fetched = sizeBytes <= AHEAD_BYTES_MAX ? get().then((body) => body.bytes()) : undefined;
  // Whoever opens it is told; until then nobody else shall be.
  fetched?.catch(() => undefined);
  return {
    name: `s3://${bucket}/${key}`,
    open: async () => (fetched === undefined ? (await get()).stream() : once(await fetched)),
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
