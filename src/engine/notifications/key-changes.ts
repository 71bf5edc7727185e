/**
 * What a key that has changed calls for: its versions are listed at the source, and at a destination where the ledger
 * alone cannot tell what is missing there. A notification decides nothing; what is there does.
 */
import { bucketOfArn } from "../../core/arn.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { ListedVersion, Store } from "../../s3/store.ts";
import { type Judged, PairSearch, type TakenChange } from "../pair-search.ts";
import type { Clock, Sites } from "../ports.ts";
import type { DirtyKey, MetadataNotice } from "./dirty-keys.ts";

export interface KeyChanges {
  /** For each destination the oldest version first, then changes of metadata. */
  readonly changes: readonly TakenChange[];
  /** Something is being written to the key by a replication into its bucket: it has to be looked at once more. */
  readonly isUnsettled: boolean;
}

/** @throws S3Error when a store does not answer */
export async function changesOfKey(
  { bucket, key, metadata }: DirtyKey,
  parts: { readonly ledger: Ledger; readonly sites: Sites; readonly clock: Clock },
  signal: AbortSignal,
): Promise<KeyChanges> {
  const configuration = await parts.sites.configuration(bucket);
  const rules = configuration?.rules.filter((one) => one.enabled && key.startsWith(one.prefix)) ?? [];
  if (configuration === undefined || rules.length === 0) return { changes: [], isUnsettled: false };
  const source = await versionsOf(parts.sites.reader(bucket), { bucket, key }, signal);
  const changes: TakenChange[] = [];
  let isUnsettled = false;
  for (const destinationArn of new Set(rules.map((one) => one.destination.bucketArn))) {
    const search = await PairSearch.open({ bucket, destinationArn, configuration, ...parts });
    const judged = await judge(
      search,
      { key, source },
      async () => {
        const target = bucketOfArn(destinationArn) ?? "";
        return await versionsOf(parts.sites.reader(target), { bucket: target, key }, signal);
      },
      signal,
    );
    changes.push(...judged.changes);
    isUnsettled ||= judged.unsettled > 0;
    for (const { version, operation } of noticed(metadata, source)) {
      changes.push(...(await search.metadataChanges(version, operation)));
    }
  }
  return { changes, isUnsettled };
}

async function judge(
  search: PairSearch,
  { key, source }: { readonly key: string; readonly source: readonly ListedVersion[] },
  listDestination: () => Promise<readonly ListedVersion[]>,
  signal: AbortSignal,
): Promise<Judged> {
  const judged = await search.judgeNewest(source, signal);
  if (judged !== undefined) return judged;
  return await search.judge([{ key, source, destination: await listDestination() }], signal);
}

/** The versions that changes of metadata were of, those that are still there. */
function noticed(metadata: readonly MetadataNotice[], source: readonly ListedVersion[]) {
  return metadata.flatMap(({ operation, versionId }) => {
    const version = source.find((one) => (versionId === undefined ? one.isLatest : one.versionId === versionId));
    return version === undefined ? [] : [{ version, operation }];
  });
}

/** Most keys have few versions; other keys that begin with this one come behind it in the listing. */
const FIRST_PAGE = 20;

/** All versions of one key, the newest first. */
async function versionsOf(
  store: Store,
  { bucket, key }: { readonly bucket: string; readonly key: string },
  signal: AbortSignal,
): Promise<ListedVersion[]> {
  const found: ListedVersion[] = [];
  let page = await store.listObjectVersions({ bucket, prefix: key, maxKeys: FIRST_PAGE }, { signal });
  for (;;) {
    const own = page.versions.filter((one) => one.key === key);
    found.push(...own);
    if (page.next === undefined || own.length < page.versions.length) return found;
    page = await store.listObjectVersions({ bucket, prefix: key, ...page.next }, { signal });
  }
}
