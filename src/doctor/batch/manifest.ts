/** Writes the manifest of a Batch Replication job: the versions that are meant, and no others. */
import { objectArn } from "../../core/arn.ts";
import type { JobList } from "../../core/batch/job.ts";
import { type ManifestVersion, manifestLine } from "../../core/batch/manifest.ts";
import type { Surroundings } from "../ports.ts";

/** @param place of the object that is written @throws S3Error */
export async function writeManifest(
  surroundings: Surroundings,
  place: { readonly bucket: string; readonly key: string },
  versions: readonly ManifestVersion[],
): Promise<JobList> {
  const { store } = await surroundings.bucket(place.bucket);
  const body = Buffer.from(versions.map(manifestLine).join(""));
  const contentHeaders = { "content-type": "text/csv" };
  const { etag } = await store.putObject({ ...place, body, contentHeaders, userMetadata: {} });
  return { kind: "written", objectArn: objectArn(place.bucket, place.key), etag };
}
