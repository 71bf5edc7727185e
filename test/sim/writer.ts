/** Somebody who writes to the source as people do: new objects, other bytes, deletes, tags, all on few keys. */
import { createHash } from "node:crypto";
import { S3Error } from "../../src/s3/errors.ts";
import type { PutReply, Store, UploadedPart } from "../../src/s3/store.ts";
import type { VirtualTime } from "./virtual-time.ts";
import { SOURCE } from "./world.ts";

const KEYS = ["a", "b/1", "b/2", "c d+e%20", "ü/ß/日本", "z".repeat(200), "tail/", "dot/../dot"];
const SIZES = [0, 1, 17, 4096, 70_000, 300_000];
const PART_BYTES = 5 * 1024 * 1024;

/** Does `count` things. @param written gets every version that is made, as `versionId key` */
export async function writeSome(store: Store, time: VirtualTime, count: number, written: Set<string>): Promise<void> {
  for (let done = 0; done < count; done++) {
    await writeOne(store, time, written);
    if (time.random() < 0.3) await time.sleep(time.below(300), new AbortController().signal);
  }
}

async function writeOne(store: Store, time: VirtualTime, written: Set<string>): Promise<void> {
  const key = time.pick(KEYS);
  const chance = time.random();
  const made = ({ versionId }: { readonly versionId?: string }) => void written.add(`${versionId} ${key}`);
  try {
    if (chance < 0.6) made(await put(store, time, key));
    else if (chance < 0.63) made(await upload(store, time, key));
    else if (chance < 0.8) made(await store.deleteObject({ bucket: SOURCE, key }));
    else if (chance < 0.97) await retag(store, time, key);
    else await removeOldest(store, key);
  } catch (error) {
    // Tagging or removing what is not there, or is a marker, is part of life.
    if (!(error instanceof S3Error) || (error.status !== 404 && error.status !== 405)) throw error;
  }
}

async function put(store: Store, time: VirtualTime, key: string): Promise<PutReply> {
  const isTagged = time.random() < 0.4;
  return await store.putObject({
    bucket: SOURCE,
    key,
    body: bytesOf(time, time.pick(SIZES)),
    contentHeaders: { "content-type": "application/x-sim" },
    userMetadata: { dice: String(time.below(1000)) },
    ...(isTagged ? { tags: [{ key: "t", value: String(time.below(10)) }] } : {}),
  });
}

async function upload(store: Store, time: VirtualTime, key: string): Promise<PutReply> {
  const ref = { bucket: SOURCE, key };
  const { uploadId } = await store.createMultipartUpload({ ...ref, contentHeaders: {}, userMetadata: { big: "yes" } });
  const parts: UploadedPart[] = [];
  for (const size of [PART_BYTES, 1 + time.below(1000)]) {
    const body = bytesOf(time, size);
    parts.push(await store.uploadPart({ ...ref, uploadId, partNumber: parts.length + 1, body }));
  }
  return await store.completeMultipartUpload({ ...ref, uploadId, parts });
}

async function retag(store: Store, time: VirtualTime, key: string): Promise<void> {
  const { versionId } = await store.headObject({ bucket: SOURCE, key });
  const tags = time.random() < 0.2 ? [] : [{ key: "t", value: `later ${time.below(10)}` }];
  await store.putObjectTagging({ bucket: SOURCE, key, ...(versionId === undefined ? {} : { versionId }), tags });
}

/** Permanent deletes never reach the destination: what was under way may end as gone. */
async function removeOldest(store: Store, key: string): Promise<void> {
  const page = await store.listObjectVersions({ bucket: SOURCE, prefix: key });
  const oldest = page.versions.filter((one) => one.key === key).at(-1);
  if (oldest !== undefined) await store.deleteObject({ bucket: SOURCE, key, versionId: oldest.versionId });
}

function bytesOf(time: VirtualTime, size: number): Uint8Array {
  const block = createHash("sha512").update(String(time.random())).digest();
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += block.length) bytes.set(block.subarray(0, Math.min(block.length, size - at)), at);
  return bytes;
}
