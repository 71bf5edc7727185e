/** The objects that are copied: so many of one size in one bucket, random bytes in some prefixes. */
import { randomFillSync } from "node:crypto";
import { sideBySide } from "../../../src/s3/side-by-side.ts";
import type { RunWorld } from "../../real/run-world.ts";

export interface Objects {
  readonly bucket: string;
  readonly keys: readonly string[];
  readonly sizeBytes: number;
  /** How many a bare loop copies at once. */
  readonly atOnce: number;
}

export interface Shape {
  readonly name: string;
  readonly count: number;
  readonly sizeBytes: number;
  readonly atOnce: number;
}

const PREFIXES = 50;
const BLOCK_BYTES = 2 ** 20;
const METADATA = { contentHeaders: {}, userMetadata: {} };

/** A versioned bucket here with the objects in it. */
export async function written(world: RunWorld, { name, count, sizeBytes, atOnce }: Shape): Promise<Objects> {
  const bucket = `from-${name}`;
  const { here } = world.stores;
  await here.createBucket(bucket);
  await here.putBucketVersioning(bucket, "Enabled");
  const keys = Array.from({ length: count }, (_, index) => `${index % PREFIXES}/object ${index}`);
  const objects = { bucket, keys, sizeBytes, atOnce };
  await write(world, objects, keys);
  return objects;
}

/** Writes new versions of some. */
export async function write(
  world: RunWorld,
  { bucket, sizeBytes, atOnce }: Objects,
  keys: readonly string[],
): Promise<void> {
  await sideBySide(keys, Math.min(atOnce, 16), async (key) => {
    const body = sizeBytes > BLOCK_BYTES ? { sizeBytes, stream: blocks(sizeBytes) } : random(sizeBytes);
    await world.stores.here.putObject({ bucket, key, body, ...METADATA });
  });
}

export function random(sizeBytes: number): Uint8Array {
  return randomFillSync(new Uint8Array(sizeBytes));
}

async function* blocks(sizeBytes: number): AsyncGenerator<Uint8Array> {
  const block = random(BLOCK_BYTES);
  for (let at = 0; at < sizeBytes; at += BLOCK_BYTES) yield block.subarray(0, Math.min(BLOCK_BYTES, sizeBytes - at));
}
