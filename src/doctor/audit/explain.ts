/**
 * Why a version is not at its destination, on AWS and in the lab: the version is looked at as a diagnosis does, and its
 * status, its record and the rules say why. Nothing is changed.
 */
import { bucketOfArn } from "../../core/arn.ts";
import { reasonOf } from "../../core/diagnose/reason.ts";
import { oldestCompleted, readRules } from "../../core/diagnose/rules.ts";
import { worldOf } from "../../core/diagnose/world.ts";
import { FAILURES } from "../../core/failures/catalogue.ts";
import { S3Error } from "../../s3/errors.ts";
import { sideBySide } from "../../s3/side-by-side.ts";
import type { ListedVersion } from "../../s3/store.ts";
import type { FailureLog } from "../evidence/failure-log.ts";
import { lookAt } from "../evidence/look.ts";
import type { Surroundings } from "../ports.ts";
import { GONE } from "./page.ts";
import type { Explanation } from "./ports.ts";

const STATUSES = {
  completed: "COMPLETED",
  failed: "FAILED",
  pending: "PENDING",
  replica: "REPLICA",
  none: undefined,
  unreadable: undefined,
} as const;

const CALLS_AT_ONCE = 16;

/** What explains versions of a bucket that are not at one of its destinations. */
export function explainer(
  surroundings: Surroundings,
  { bucket, destination, log }: { readonly bucket: string; readonly destination: string; readonly log: FailureLog },
): (rows: readonly ListedVersion[]) => Promise<(Explanation | undefined)[]> {
  return async (rows) => {
    const records = rows.flatMap(({ key, versionId }) =>
      log.of(key, versionId).map((one) => ({ key, versionId, ...one })),
    );
    const { versions, ...setup } = await lookAt(surroundings, bucket, { listed: rows, records });
    const rules = readRules(setup, () => oldestCompleted(versions));
    const world = worldOf(setup, rules.configuration?.roleArn ?? "");
    const seen = new Map(versions.map((one) => [`${one.versionId}/${one.key}`, one]));
    return rows.map((row): Explanation | undefined => {
      const version = seen.get(`${row.versionId}/${row.key}`);
      if (version === undefined || version.gone === true) return gone();
      const reasoning = reasonOf(world, rules, version);
      const status = STATUSES[reasoning.state];
      const shown = status === undefined ? {} : { status };
      const finding = reasoning.findings.find(
        (one) => one.destination === undefined || bucketOfArn(one.destination) === destination,
      );
      const taken = rules.verdict(version)?.taken ?? [];
      const isTaken = taken.some((rule) => bucketOfArn(rule.destination.bucketArn) === destination);
      if (finding !== undefined) {
        const says = `${FAILURES[finding.code].title}. ${finding.remedy}`;
        return { ...shown, reason: finding.code, says, isExpected: !isTaken && status !== "FAILED" };
      }
      if (reasoning.state === "pending")
        return {
          ...shown,
          reason: "NotThereYet",
          says: "The version is PENDING: it is being replicated",
          isExpected: false,
        };
      const [note] = reasoning.notes ?? [];
      if (!isTaken && reasoning.missing === undefined) {
        const reason = note === "lifecycleMarker" ? "MarkerByLifecycle" : "NotSelected";
        return { ...shown, reason, says: "No rule takes the version to this destination", isExpected: true };
      }
      return status === undefined ? undefined : { ...shown, reason: "NotThere", says: "", isExpected: false };
    });
  };
}

function gone(): Explanation {
  return { reason: GONE, says: "It is not at the source any more", isExpected: true };
}

/** Tells replicas of what was removed at the source from what somebody wrote at the destination. */
export function extraExplainer(
  surroundings: Surroundings,
  bucket: string,
): (rows: readonly ListedVersion[], signal: AbortSignal) => Promise<(Explanation | undefined)[]> {
  return async (rows, signal) => {
    const { store } = await surroundings.bucket(bucket);
    return await sideBySide(rows, CALLS_AT_ONCE, async ({ key, versionId, isDeleteMarker }) => {
      // No store shows the status of a delete marker.
      if (isDeleteMarker) return undefined;
      try {
        const head = await store.headObject({ bucket, key, versionId, checksums: false }, { signal });
        const status = head.replicationStatus === undefined ? {} : { status: head.replicationStatus };
        return head.replicationStatus === "REPLICA"
          ? { ...status, ...SOURCE_REMOVED }
          : { ...status, reason: "WrittenThere", says: "It is no replica: somebody wrote it there", isExpected: false };
      } catch (error) {
        if (!(error instanceof S3Error) || error.status === undefined || error.status >= 500) throw error;
        return error.status === 404 ? gone() : undefined;
      }
    });
  };
}

export const SOURCE_REMOVED: Explanation = {
  reason: "SourceRemoved",
  says: "It is a replica whose version was removed for good at the source",
  isExpected: true,
};
