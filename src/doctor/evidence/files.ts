/** Files of evidence, here or in a bucket: read whole where they are small, else copied here piece by piece and checked. */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { S3Error } from "../../s3/errors.ts";
import type { Surroundings } from "../ports.ts";
import { EvidenceError } from "./error.ts";

export interface ObjectPlace {
  readonly bucket: string;
  readonly key: string;
}

/** Undefined for what is no address of an object. */
export function parseObjectPlace(text: string): ObjectPlace | undefined {
  const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/s.exec(text) ?? [];
  return bucket === undefined || key === undefined ? undefined : { bucket, key };
}

/** Manifests and checksums are small; a manifest names a hundred thousand files at most. */
const SMALL_BYTES_MAX = 64 * 1024 * 1024;

/** @throws EvidenceError when it is not there or too large, S3Error when it may not be read */
export async function readSmallObject(surroundings: Surroundings, { bucket, key }: ObjectPlace): Promise<Buffer> {
  const { store } = await surroundings.bucket(bucket);
  try {
    const { body } = await store.getObject({ bucket, key, checksums: false });
    if (body.sizeBytes <= SMALL_BYTES_MAX) return Buffer.from(await body.bytes());
    body.cancel();
    throw new EvidenceError(`s3://${bucket}/${key} is too large: ${body.sizeBytes} bytes`);
  } catch (error) {
    if (!(error instanceof S3Error) || error.status !== 404) throw error;
    throw new EvidenceError(`there is no s3://${bucket}/${key}`, { cause: error });
  }
}

/** @throws EvidenceError when it is not there or too large */
export async function readSmallFile(path: string): Promise<Buffer> {
  const size = await sizeOfFile(path);
  if (size === undefined) throw new EvidenceError(`there is no file ${path}`);
  if (size > SMALL_BYTES_MAX) throw new EvidenceError(`${path} is too large: ${size} bytes`);
  return await readFile(path);
}

/** Undefined where there is no such file. */
export async function sizeOfFile(path: string): Promise<number | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? found.size : undefined;
  } catch {
    return undefined;
  }
}

/** Copies an object into a file. @returns its MD5 in hexadecimal digits; rejects where fewer or more bytes come */
export async function copyObject(surroundings: Surroundings, place: ObjectPlace, path: string): Promise<string> {
  const { store } = await surroundings.bucket(place.bucket);
  const { body } = await store.getObject({ ...place, checksums: false });
  const md5 = createHash("md5");
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      md5.update(chunk);
      done(null, chunk);
    },
  });
  await pipeline(Readable.from(body.stream()), counted, createWriteStream(path));
  return md5.digest("hex");
}

export async function md5OfFile(path: string): Promise<string> {
  const md5 = createHash("md5");
  for await (const chunk of createReadStream(path)) md5.update(chunk as Buffer);
  return md5.digest("hex");
}
