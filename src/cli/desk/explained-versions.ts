/** The versions of a key between stores: what the rules say of each, and what the ledger has on record. */

import { failuresIn } from "../../console/failures.ts";
import type { VersionExplanation } from "../../core/diagnose/explain-version.ts";
import type { RecordedFailure } from "../../core/diagnose/facts.ts";
import { sayChange, saySkip } from "../../core/diagnose/skips.ts";
import { eligibility, type Verdict } from "../../core/eligibility.ts";
import type { ObjectVersion, ReplicationConfiguration } from "../../core/model.ts";
import { asListed, objectOf } from "../../engine/source-version.ts";
import type { Ledger, TaskRow } from "../../ledger/ledger.ts";
import type { Store } from "../../s3/store.ts";

export interface VersionsParts {
  readonly ledger: Pick<Ledger, "list" | "ofVersions" | "replicaOf">;
  readonly store: Store;
  readonly configuration: ReplicationConfiguration | undefined;
}

/** More versions of one key are not told. */
const VERSIONS_MAX = 100;
const FAILURES_MAX = 1000;

/** The youngest first. @throws S3Error, DatabaseError */
export async function explainedVersions(
  { ledger, store, configuration }: VersionsParts,
  { bucket, key }: { readonly bucket: string; readonly key: string },
): Promise<readonly VersionExplanation[]> {
  const page = await store.listObjectVersions({ bucket, prefix: key, maxKeys: VERSIONS_MAX });
  const listed = page.versions.filter((one) => one.key === key);
  const { failures } = await failuresIn(ledger, { bucket, prefix: key, limit: FAILURES_MAX });
  const rows = await ledger.ofVersions(listed.map(({ versionId }) => ({ bucket, key, versionId })));
  const explained: VersionExplanation[] = [];
  for (const [at, one] of listed.entries()) {
    const version = await asItIs(store, asListed(bucket, one), configuration);
    const operation = version.isDeleteMarker ? "deleteMarker" : "put";
    const verdict = configuration === undefined ? undefined : eligibility(configuration, version, operation);
    const own = failures.filter((failure) => failure.key === key && failure.versionId === one.versionId);
    const status = await statusOf(ledger, version, rows[at] ?? [], verdict);
    explained.push(explanationOf(version, { status, verdict, failures: own }));
  }
  return explained;
}

/** With what a listing does not tell, where it can be read. */
async function asItIs(
  store: Store,
  listed: ObjectVersion,
  configuration: ReplicationConfiguration | undefined,
): Promise<ObjectVersion> {
  if (listed.isDeleteMarker || configuration === undefined) return listed;
  const read = await objectOf(store, listed, configuration, new AbortController().signal);
  return read === undefined || read === "unreadable" ? listed : read;
}

/** `completed` only where a replica is known at every destination: nothing is guessed. */
async function statusOf(
  ledger: VersionsParts["ledger"],
  version: ObjectVersion,
  rows: readonly TaskRow[],
  verdict: Verdict | undefined,
): Promise<VersionExplanation["status"]> {
  if (version.replicationStatus === "REPLICA") return "replica";
  if (rows.some((one) => one.state === "parked")) return "failed";
  if (rows.length > 0) return "pending";
  const taken = verdict?.taken ?? [];
  for (const { destination } of taken) {
    if ((await ledger.replicaOf(version, destination.bucketArn)) === undefined) return "none";
  }
  return taken.length > 0 ? "completed" : "none";
}

interface Known {
  readonly status: VersionExplanation["status"];
  readonly verdict: Verdict | undefined;
  readonly failures: readonly RecordedFailure[];
}

function explanationOf(version: ObjectVersion, { status, verdict, failures }: Known): VersionExplanation {
  const { key, versionId, isDeleteMarker, sizeBytes, encryption, lastModifiedMs } = version;
  return {
    key,
    versionId,
    isDeleteMarker,
    status,
    written: new Date(lastModifiedMs).toISOString(),
    sizeBytes,
    encryption,
    rules: (verdict?.outcomes ?? []).map((one) => {
      const about = { rule: one.rule.id, destination: one.rule.destination.bucketArn };
      if (one.taken) return { ...about, taken: true, says: "The rule takes the version" };
      const { because } = one;
      const [says, change] = [saySkip(because), sayChange(because, version)];
      return { ...about, taken: false, because: because.reason, says, change };
    }),
    changes: [],
    steps: [],
    settings: [],
    failures,
    notes: [],
  };
}
