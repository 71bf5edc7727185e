/** A bucket as one end of an audit: its listing of versions, page by page. */
import { S3Error } from "../../s3/errors.ts";
import type { ListedVersion, Store, VersionPage } from "../../s3/store.ts";
import type { AuditEnd } from "./ports.ts";

/** Of one key; who has more versions than that is looked at once only. */
const KEY_PAGES_MAX = 10;

/** @param prefix only keys that start with it */
export function listingEnd(
  store: Store,
  { name, bucket, prefix }: { readonly name: string; readonly bucket: string; readonly prefix: string },
): AuditEnd {
  const request = { bucket, ...(prefix === "" ? {} : { prefix }) };
  return {
    name,
    reader: { store, bucket },
    rows: (afterKey) => {
      let next: VersionPage["next"] | { readonly keyMarker: string } | undefined =
        afterKey === undefined ? undefined : { keyMarker: afterKey };
      return {
        next: async (signal) => {
          const page = await store.listObjectVersions({ ...request, ...next }, { signal });
          next = page.next;
          return { rows: page.versions, isLast: next === undefined };
        },
      };
    },
    nextKey: async (afterKey, signal) => {
      const behind = afterKey === "" ? {} : { keyMarker: afterKey };
      const { versions } = await store.listObjectVersions({ ...request, ...behind, maxKeys: 1 }, { signal });
      return versions[0]?.key;
    },
    ofKey: async (key, signal) => {
      const found: ListedVersion[] = [];
      let next: VersionPage["next"];
      for (let page = 0; page < KEY_PAGES_MAX; page++) {
        const { versions, next: more } = await store.listObjectVersions({ bucket, prefix: key, ...next }, { signal });
        found.push(...versions.filter((one) => one.key === key));
        if (more === undefined || versions.at(-1)?.key !== key) return found;
        next = more;
      }
      throw new S3Error(`${key} has more versions than can be looked at`, {
        operation: "ListObjectVersions",
        bucket,
        network: "protocol",
      });
    },
  };
}
