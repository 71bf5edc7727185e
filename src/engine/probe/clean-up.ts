/**
 * Removes everything that a probe wrote: what the bucket lists under its prefix and, where listing is refused or unknown,
 * what its calls are known to have written.
 *
 * Never cut short by an interruption. An upload whose beginning was done but not answered cannot be found again.
 */
import { S3Error } from "../../s3/errors.ts";
import type { Store } from "../../s3/store.ts";
import type { Clock } from "../ports.ts";
import { answerWords, type Bench, codeOfError, type WrittenRef } from "./bench.ts";
import type { LeftBehind } from "./model.ts";

const ROUNDS_MAX = 4;
const PAUSE_MS = 500;
/** A probe writes fewer versions than one page holds. */
const PAGES_MAX = 10;

export async function cleanUp(bench: Bench, store: Store, clock: Clock): Promise<readonly LeftBehind[]> {
  let left: readonly LeftBehind[] = [];
  const removed = new Set<string>();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (round > 0) await clock.sleep(PAUSE_MS * round, new AbortController().signal);
    const uploads = await abortUploads(bench, store);
    const listed = await listWritten(bench, store);
    const rows = listed ?? bench.written.filter((row) => !removed.has(nameOf(row)));
    const versions = await removeAll(bench, store, rows, removed);
    left = [...uploads, ...versions];
    // A listing that is empty proves that nothing is left; removals that were answered are believed.
    if (left.length === 0 && (listed === undefined || listed.length === 0)) break;
  }
  const wrote = bench.written.length + bench.uploads.length > 0;
  const says = wrote ? "everything that was written is removed" : "nothing was written";
  if (left.length === 0) bench.note("clean-up.empty", "ok", says);
  else bench.note("clean-up.empty", "broken", `${left.length} versions are left under ${bench.prefix}`);
  return left;
}

function nameOf({ key, versionId }: WrittenRef): string {
  return `${key}\0${versionId ?? ""}`;
}

/** Idempotent, also for uploads that were completed. */
async function abortUploads(bench: Bench, store: Store): Promise<LeftBehind[]> {
  const left: LeftBehind[] = [];
  for (const upload of bench.uploads) {
    const error = await failure(() => store.abortMultipartUpload(upload));
    // Some stores say that an upload which was completed is not there, and not by the usual word.
    if (error === undefined || error.status === 404) continue;
    left.push({ key: upload.key, uploadId: upload.uploadId, because: answerWords(error) });
  }
  return left;
}

/** Undefined when the store does not tell. */
async function listWritten(bench: Bench, store: Store): Promise<readonly WrittenRef[] | undefined> {
  const { bucket, prefix } = bench;
  const rows: WrittenRef[] = [];
  let marker = {};
  for (let page = 0; page < PAGES_MAX; page++) {
    try {
      const { versions, next } = await store.listObjectVersions({ bucket, prefix, ...marker });
      rows.push(...versions.map(({ key, versionId }) => ({ key, versionId })));
      if (next === undefined) return rows;
      marker = next;
    } catch (error) {
      if (error instanceof S3Error) return undefined;
      throw error;
    }
  }
  return rows;
}

async function removeAll(
  bench: Bench,
  store: Store,
  rows: readonly WrittenRef[],
  removed: Set<string>,
): Promise<LeftBehind[]> {
  const left: LeftBehind[] = [];
  for (const row of rows) {
    const error = await failure(() => remove(bench, store, row));
    if (error === undefined || error.status === 404) removed.add(nameOf(row));
    else left.push({ key: row.key, ...versionOf(row), because: answerWords(error) });
  }
  return left;
}

async function remove(bench: Bench, store: Store, row: WrittenRef): Promise<void> {
  const at = { bucket: bench.bucket, key: row.key, ...versionOf(row) };
  const error = await failure(() => store.deleteObject(at));
  if (error === undefined) return;
  if (row.key !== bench.key("lock") || codeOfError(error) !== "refused") throw error;
  // Written under a lock: the hold first, then the retention, where the caller may.
  const held = await failure(() => store.putObjectLegalHold({ ...at, legalHold: false }));
  if (held !== undefined) throw held;
  await store.deleteObject({ ...at, bypassGovernance: true });
}

function versionOf({ versionId }: WrittenRef): { readonly versionId?: string } {
  return versionId === undefined ? {} : { versionId };
}

async function failure(deed: () => Promise<unknown>): Promise<S3Error | undefined> {
  try {
    await deed();
    return undefined;
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
}
