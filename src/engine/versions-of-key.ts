/** The versions of one key, as a store lists them. */
import type { Step } from "../core/plan.ts";
import type { ListedVersion, Store } from "../s3/store.ts";
import { answered, type Run } from "./run.ts";

/** All versions of one key, the newest first. Other keys that begin with it come behind it in the listing. */
export async function* versionsOfKey(
  store: Store,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  step: Step,
  run: Run,
): AsyncGenerator<ListedVersion> {
  let next: { readonly keyMarker: string; readonly versionIdMarker: string } | undefined;
  do {
    const page = await answered(step, store.listObjectVersions({ bucket, prefix: key, ...next }, run));
    for (const one of page.versions) {
      if (one.key !== key) return;
      yield one;
    }
    next = page.next;
  } while (next !== undefined);
}
