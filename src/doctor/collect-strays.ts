/**
 * Replicas whose version is not at the source any more: a permanent delete is never replicated. Looked for where one key
 * is asked for; an audit compares whole buckets.
 */
import { bucketOfArn } from "../core/arn.ts";
import type { Stray, VersionFacts } from "../core/diagnose/facts.ts";
import type { ReplicationConfiguration } from "../core/model.ts";
import type { Surroundings } from "./ports.ts";
import { read } from "./read.ts";

const VERSIONS_MAX = 1000;

export async function collectStrays(
  surroundings: Surroundings,
  key: string,
  configuration: ReplicationConfiguration | undefined,
  versions: readonly VersionFacts[],
): Promise<Stray[]> {
  const ids = new Set(versions.map((one) => one.versionId));
  // Where the destination gives ids of its own, the same bytes are the same version.
  const contents = new Set(versions.map((one) => `${one.sizeBytes} ${one.etag}`));
  const found: Stray[] = [];
  for (const destinationArn of new Set(configuration?.rules.map((rule) => rule.destination.bucketArn))) {
    const bucket = bucketOfArn(destinationArn);
    if (bucket === undefined) continue;
    const page = await read(async () => {
      const { store } = await surroundings.bucket(bucket);
      return await store.listObjectVersions({ bucket, prefix: key, maxKeys: VERSIONS_MAX });
    });
    for (const one of page.state === "read" ? page.value.versions : []) {
      if (one.key !== key || one.isDeleteMarker) continue;
      if (ids.has(one.versionId) || contents.has(`${one.sizeBytes} ${one.etag}`)) continue;
      found.push({ destinationArn, key, versionId: one.versionId });
    }
  }
  return found;
}
