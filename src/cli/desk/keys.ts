/** Keys of a bucket, a page at a time, each with its latest version. */
import type { KeysPage, KeysRequest } from "../../console/desk.ts";
import type { Store } from "../../s3/store.ts";

/** Versions come with their keys, and some keys have very many: after so many requests a page is as long as it is. */
const REQUESTS_MAX = 20;
const VERSIONS_AT_ONCE = 1000;

export async function pageOfKeys(
  store: Pick<Store, "listObjectVersions">,
  bucket: string,
  { prefix, after, limit }: KeysRequest,
): Promise<KeysPage> {
  const keys: KeysPage["keys"][number][] = [];
  let keyMarker = after;
  for (let requests = 0; requests < REQUESTS_MAX; requests++) {
    const { versions, next } = await store.listObjectVersions({
      bucket,
      maxKeys: VERSIONS_AT_ONCE,
      ...(prefix === undefined ? {} : { prefix }),
      ...(keyMarker === undefined ? {} : { keyMarker }),
    });
    for (const one of versions) {
      if (!one.isLatest) continue;
      const last = keys.at(-1);
      if (keys.length >= limit && last !== undefined) return { keys, next: last.key };
      const { key, versionId, isDeleteMarker, sizeBytes, lastModifiedMs: writtenAtMs } = one;
      keys.push({ key, versionId, isDeleteMarker, sizeBytes, writtenAtMs });
    }
    // A key alone as the marker goes on behind all of its versions.
    const last = versions.at(-1);
    if (next === undefined || last === undefined) return { keys };
    keyMarker = last.key;
  }
  return { keys, ...(keyMarker === undefined ? {} : { next: keyMarker }) };
}
