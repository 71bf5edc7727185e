/**
 * What of a version's metadata differs between a version and its replica: no listing tells, so both are asked.
 *
 * That costs two requests a version for tags, and two to four for all. Grants are not compared: between stores they name
 * users that the other one does not have.
 */
import type { Tag, VersionRef } from "../core/model.ts";
import { S3Error } from "../s3/errors.ts";
import type { ObjectHead, Store } from "../s3/store.ts";
import { headIfThere } from "./head-if-there.ts";

/** `all`: tags, retention and legal hold. */
export type ComparedMetadata = "tags" | "all";

interface Ends<T> {
  readonly source: T;
  readonly destination: T;
}

/** What is to be brought to the replica. Nothing of what is gone, and of what may not be read. @throws S3Error */
export async function changedMetadata(
  stores: Ends<Store>,
  versions: Ends<VersionRef>,
  compared: ComparedMetadata,
  signal: AbortSignal,
): Promise<("tags" | "retention" | "legalHold")[]> {
  if (compared === "tags") return (await tagsDiffer(stores, versions, signal)) ? ["tags"] : [];
  const [source, destination] = await Promise.all([
    headIfThere(stores.source, versions.source, { signal }),
    headIfThere(stores.destination, versions.destination, { signal }),
  ]);
  if (source === undefined || destination === undefined) return [];
  const haveTags = source.tagCount !== 0 || destination.tagCount !== 0;
  return [
    ...(haveTags && (await tagsDiffer(stores, versions, signal)) ? (["tags"] as const) : []),
    ...(retentionOf(source) === retentionOf(destination) ? [] : (["retention"] as const)),
    ...((source.legalHold ?? false) === (destination.legalHold ?? false) ? [] : (["legalHold"] as const)),
  ];
}

async function tagsDiffer(stores: Ends<Store>, versions: Ends<VersionRef>, signal: AbortSignal): Promise<boolean> {
  const [source, destination] = await Promise.all([
    tagsIfThere(stores.source, versions.source, signal),
    tagsIfThere(stores.destination, versions.destination, signal),
  ]);
  return source !== undefined && destination !== undefined && textOf(source) !== textOf(destination);
}

/** Undefined when the version is gone, or its tags are somebody else's affair. */
async function tagsIfThere(
  store: Store,
  version: VersionRef,
  signal: AbortSignal,
): Promise<readonly Tag[] | undefined> {
  try {
    return await store.getObjectTagging(version, { signal });
  } catch (error) {
    if (error instanceof S3Error && [403, 404, 405].includes(error.status ?? 0)) return undefined;
    throw error;
  }
}

function textOf(tags: readonly Tag[]): string {
  return JSON.stringify(
    tags.map(({ key, value }) => [key, value]).sort(([one = ""], [other = ""]) => (one < other ? -1 : 1)),
  );
}

function retentionOf({ retention }: ObjectHead): string {
  return retention === undefined ? "" : `${retention.mode} ${retention.retainUntilMs}`;
}
