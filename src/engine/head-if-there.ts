/** A look at a version that somebody may have removed since it was listed. */
import type { VersionRef } from "../core/model.ts";
import { S3Error } from "../s3/errors.ts";
import type { CallOptions, ObjectHead, Store } from "../s3/store.ts";

/** Undefined when the version is gone, or is a delete marker by now. Other refusals are thrown. */
export async function headIfThere(
  store: Store,
  version: VersionRef,
  options: CallOptions,
): Promise<ObjectHead | undefined> {
  try {
    return await store.headObject({ ...version, checksums: false }, options);
  } catch (error) {
    if (error instanceof S3Error && (error.status === 404 || error.status === 405)) return undefined;
    throw error;
  }
}
