/** Facts of a bucket in which only these versions are looked at, whatever else is in it. */
import type { Facts } from "../../core/diagnose/facts.ts";
import { intercepted } from "../../s3/intercepted.ts";
import type { ListedVersion } from "../../s3/store.ts";
import { collectFacts } from "../collect.ts";
import type { FailureRecord, Surroundings } from "../ports.ts";

/**
 * @param records of these versions, and of versions that are to be looked for because they may be gone
 * @throws S3Error when the bucket cannot be reached or is not there
 */
export async function lookAt(
  surroundings: Surroundings,
  bucket: string,
  seen: { readonly listed: readonly ListedVersion[]; readonly records: readonly FailureRecord[] },
  onSeen: (versions: number) => void = () => {},
): Promise<Facts> {
  const { listed, records } = seen;
  const { records: _, ...others } = surroundings;
  const listing: Surroundings = {
    ...others,
    bucket: async (name) => {
      const access = await surroundings.bucket(name);
      if (name !== bucket) return access;
      const store = intercepted(access.store, ({ request }, ask) => ask(request));
      return { ...access, store: { ...store, listObjectVersions: () => Promise.resolve({ versions: listed }) } };
    },
    ...(records.length === 0 ? {} : { records: { failures: () => pagesOf(records) } }),
  };
  return await collectFacts(listing, { bucket, isExcerpt: true }, onSeen);
}

async function* pagesOf(records: readonly FailureRecord[]): AsyncGenerator<readonly FailureRecord[]> {
  yield records;
}
