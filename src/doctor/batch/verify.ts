/**
 * Looks whether versions have arrived: a task that succeeded has only begun a replication.
 *
 * @source aws-replication.md §6.5
 */
import { replicationStatusOf } from "../../core/status.ts";
import { S3Error } from "../../s3/errors.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { Store } from "../../s3/store.ts";

export interface LookedAt {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
}

/** What the versions show now. */
export interface Verification {
  readonly looked: number;
  /** COMPLETED, or REPLICA, which a source that is a replica itself keeps. */
  readonly completed: number;
  readonly failed: number;
  readonly pending: number;
  /** No status: nothing was begun. Delete markers show none either, and are counted apart. */
  readonly none: number;
  readonly markers: number;
  readonly gone: number;
}

const HEADS_AT_ONCE = 32;
const WAIT_MS_FIRST = 200;
const WAIT_MS_MAX = 30_000;

type Shown = Exclude<keyof Verification, "looked">;

/** Looks until none is PENDING, or until somebody has waited long enough. @throws S3Error */
export async function verify(
  store: Pick<Store, "headObject">,
  versions: readonly LookedAt[],
  patience: { readonly sleep: (ms: number) => Promise<void>; readonly isOver: () => boolean },
): Promise<Verification> {
  const counts = { completed: 0, failed: 0, pending: 0, none: 0, markers: 0, gone: 0 };
  let open = versions;
  for (let waitMs = WAIT_MS_FIRST; ; waitMs = Math.min(waitMs * 2, WAIT_MS_MAX)) {
    const shown = await sideBySide(open, HEADS_AT_ONCE, (one) => lookAt(store, one));
    for (const one of shown) if (one !== "pending") counts[one] += 1;
    open = open.filter((_, index) => shown[index] === "pending");
    if (open.length === 0 || patience.isOver()) return { looked: versions.length, ...counts, pending: open.length };
    await patience.sleep(waitMs);
  }
}

async function lookAt(store: Pick<Store, "headObject">, ref: LookedAt): Promise<Shown> {
  try {
    const { replicationStatus } = await store.headObject({ ...ref, checksums: false });
    switch (replicationStatusOf(replicationStatus)) {
      case "COMPLETED":
      case "REPLICA":
        return "completed";
      case "FAILED":
        return "failed";
      case "PENDING":
        return "pending";
      case undefined:
        return "none";
    }
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    if (error.status === 405) return "markers";
    if (error.status === 404) return "gone";
    throw error;
  }
}
