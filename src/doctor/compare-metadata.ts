/**
 * Compares what belongs to versions and to their replicas: nothing else shows that a change was left where it was made.
 * Looked at where one key is asked for; an audit compares whole buckets.
 */
import { bucketOfArn } from "../core/arn.ts";
import type { MetadataDifference, VersionFacts } from "../core/diagnose/facts.ts";
import type { AccessControlList, Tag, VersionRef } from "../core/model.ts";
import type { Store } from "../s3/store.ts";
import type { Surroundings } from "./ports.ts";
import { read } from "./read.ts";

/** Of a key with many versions the newest. */
const VERSIONS_MAX = 20;

/** Adds the differences to versions that are settled and have a replica; what may not be read differs in nothing. */
export async function withDifferences(
  surroundings: Surroundings,
  store: Store,
  versions: readonly VersionFacts[],
): Promise<VersionFacts[]> {
  const found: VersionFacts[] = [];
  for (const [index, version] of versions.entries()) {
    const isCompared = index < VERSIONS_MAX && SETTLED.has(version.replicationStatus ?? "") && !version.isDeleteMarker;
    const differs = isCompared ? await differencesOf(surroundings, store, version) : [];
    found.push(differs.length === 0 ? version : { ...version, differs });
  }
  return found;
}

/** What is PENDING or FAILED differs for another reason. */
const SETTLED: ReadonlySet<string> = new Set(["COMPLETED", "REPLICA"]);

async function differencesOf(
  surroundings: Surroundings,
  store: Store,
  { bucket, key, versionId, replicas }: VersionFacts,
): Promise<MetadataDifference[]> {
  const here = { bucket, key, versionId };
  const found = new Set<MetadataDifference>();
  for (const [arn, presence] of Object.entries(replicas)) {
    const other = bucketOfArn(arn);
    if (presence !== "present" || other === undefined) continue;
    const access = await read(() => surroundings.bucket(other));
    if (access.state !== "read") continue;
    const there = { bucket: other, key, versionId };
    const isSame = async (of: (of: Store, ref: VersionRef) => Promise<string>) => {
      const [one, two] = [await read(() => of(store, here)), await read(() => of(access.value.store, there))];
      return one.state !== "read" || two.state !== "read" || one.value === two.value;
    };
    if (!(await isSame(async (of, ref) => sayTags(await of.getObjectTagging(ref))))) found.add("tags");
    if (!(await isSame(async (of, ref) => sayGrants(await of.getObjectAcl(ref))))) found.add("acl");
  }
  return [...found];
}

function sayTags(tags: readonly Tag[]): string {
  return JSON.stringify(tags.map((one) => JSON.stringify([one.key, one.value])).sort());
}

/** Besides the owner, who may be another one there. */
function sayGrants({ ownerId, grants }: AccessControlList): string {
  const others = grants.filter(({ grantee }) => grantee.kind !== "user" || grantee.id !== ownerId);
  return JSON.stringify(others.map((one) => JSON.stringify(one)).sort());
}
