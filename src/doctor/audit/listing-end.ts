/** A bucket as one end of an audit: its listing of versions, page by page. */
import { S3Error } from "../../s3/errors.ts";
import type { ListedVersion, ListVersionsRequest, Store, VersionPage } from "../../s3/store.ts";
import type { AuditEnd, RowReader } from "./ports.ts";

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
    rows: (afterKey) =>
      new PageReader(store, { ...request, ...(afterKey === undefined ? {} : { keyMarker: afterKey }) }),
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

/** Asks for the next page while the one before is looked at: the store is what takes longest. */
class PageReader implements RowReader {
  readonly #store: Store;
  readonly #request: ListVersionsRequest;
  readonly #closed = new AbortController();
  #either: AbortSignal | undefined;
  #ahead: Promise<VersionPage> | undefined;

  constructor(store: Store, request: ListVersionsRequest) {
    this.#store = store;
    this.#request = request;
  }

  async next(signal: AbortSignal): Promise<{ readonly rows: readonly ListedVersion[]; readonly isLast: boolean }> {
    const page = await (this.#ahead ?? this.#ask({}, signal));
    this.#ahead = page.next === undefined ? undefined : this.#ask(page.next, signal);
    // Whoever asks for the page is told of it; where nobody does any more, nobody is.
    this.#ahead?.catch(() => undefined);
    return { rows: page.versions, isLast: page.next === undefined };
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#ahead?.catch(() => undefined);
  }

  #ask(from: NonNullable<VersionPage["next"]> | Record<string, never>, signal: AbortSignal): Promise<VersionPage> {
    this.#either ??= AbortSignal.any([signal, this.#closed.signal]);
    return this.#store.listObjectVersions({ ...this.#request, ...from }, { signal: this.#either });
  }
}
