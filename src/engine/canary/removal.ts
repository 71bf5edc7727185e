/**
 * Removes what canaries wrote, version by version and marker by marker: that of a run, and what earlier ones left behind
 * that did not live to do so. Only keys that are a canary's are touched. Never cut short by an interruption.
 */
import { isCanaryKey } from "../../core/canary-key.ts";
import { S3Error } from "../../s3/errors.ts";
import type { ListedVersion, UploadRef } from "../../s3/store.ts";
import type { Clock } from "../ports.ts";
import { answerWords } from "./answers.ts";
import type { CanaryEnd, LeftCanary } from "./model.ts";

const ROUNDS_MAX = 4;
const PAUSE_MS = 500;
const PAGES_MAX = 100;

export interface Removed {
  readonly removed: number;
  readonly left: readonly LeftCanary[];
}

export interface RemovalOptions {
  readonly prefix: string;
  /** Which of the canaries under the prefix go; default all. */
  readonly which?: (key: string) => boolean;
  readonly clock: Clock;
}

/** Lists and removes until the listing is empty: what is on its way while it is removed is met by the next round. */
export async function removeCanaries(end: CanaryEnd, options: RemovalOptions): Promise<Removed> {
  const { prefix, which = () => true, clock } = options;
  let removed = 0;
  let left: LeftCanary[] = [];
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (round > 0) await clock.sleep(PAUSE_MS * round, new AbortController().signal);
    left = [];
    let seen = 0;
    try {
      for await (const { key, versionId } of listed(end, prefix)) {
        if (!isCanaryKey(key) || !which(key)) continue;
        seen += 1;
        const because = await remove(end, key, versionId);
        if (because === undefined) removed += 1;
        else left.push({ bucket: end.bucket, key, because });
      }
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      left.push({ bucket: end.bucket, key: `${prefix}*`, because: answerWords(error) });
      continue;
    }
    if (seen === 0) break;
  }
  return { removed, left };
}

async function* listed({ bucket, store }: CanaryEnd, prefix: string): AsyncGenerator<ListedVersion> {
  let marker = {};
  for (let page = 0; page < PAGES_MAX; page++) {
    const { versions, next } = await store.listObjectVersions({ bucket, prefix, ...marker });
    yield* versions;
    if (next === undefined) return;
    marker = next;
  }
}

/** @returns why it is still there */
async function remove({ bucket, store }: CanaryEnd, key: string, versionId: string): Promise<string | undefined> {
  try {
    await store.deleteObject({ bucket, key, versionId });
    return undefined;
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return error.status === 404 ? undefined : answerWords(error);
  }
}

/** Idempotent, also for one that was completed. */
export async function abortUpload({ store }: CanaryEnd, upload: UploadRef): Promise<void> {
  try {
    await store.abortMultipartUpload(upload);
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
  }
}
