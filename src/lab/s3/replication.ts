/**
 * Replication as the store does it: decides at the write which rules take a version, shows the status, and keeps an
 * outbox of what has to happen at destinations. Moving the bytes is the engine's work, through the same front door
 * as everybody's.
 *
 * The outbox row is written in the transaction of the change, so no change that was acknowledged is forgotten.
 *
 * @source aws-replication.md §1.6, §3.2
 */
import { bucketOfArn } from "../../core/arn.ts";
import { eligibility } from "../../core/eligibility.ts";
import type {
  ChangeEvent,
  Credentials,
  ObjectVersion,
  Operation,
  ReplicationStatus,
  Rule,
  VersionRef,
} from "../../core/model.ts";
import { REPLICATION_SESSION } from "../../core/plan.ts";
import type { Connection, Row } from "../../ledger/database.ts";
import type { Bucket } from "./bucket.ts";
import { REPLICATION_SERVICE } from "./call.ts";
import { announceEvents } from "./events/outbox.ts";
import type { S3Service } from "./service.ts";
import { type EndedOperation, track, trackEnd } from "./tracking.ts";
import { findVersion, type NewVersion, type StoredVersion, updateVersion } from "./versions.ts";

/** What has to be replicated, in the order in which it happened. */
export interface Changes {
  /**
   * Hands out changes that this feed did not hand out before, the oldest first. Another feed, after a restart say, hands
   * out all that are not done again, so whoever takes them must be idempotent.
   */
  take(limit: number): Promise<readonly TakenChange[]>;
  /** Forgets changes that are safe somewhere else. */
  done(seqs: readonly number[]): Promise<void>;
  /** Calls back after a commit that added changes. Returns what ends it. */
  onChange(listener: () => void): () => void;
}

export interface TakenChange {
  readonly seq: number;
  readonly event: ChangeEvent;
}

/** Replication's fields of a version that is about to be written. */
export type Admission = Pick<NewVersion, "replicationStatus" | "destinations">;

/**
 * Decides which rules take a new version or marker, and puts it into the outbox when any does.
 *
 * Replicas are never taken: they keep their mark.
 */
export function admitNew(
  connection: Connection,
  bucket: Bucket,
  version: NewVersion,
  operation: "put" | "deleteMarker",
  atMs: number,
): Admission {
  if (version.isReplica) return { replicationStatus: "REPLICA" };
  if (bucket.replication === undefined) return {};
  const { taken } = eligibility(bucket.replication, candidateOf(version), operation);
  if (taken.length === 0) return {};
  addChange(connection, version, operation, taken, atMs);
  return { replicationStatus: "PENDING", destinations: pendingAt(taken) };
}

/** Changes of a version that leave its bytes as they are. */
export type MetadataOperation = Extract<Operation, "tags" | "acl" | "retention" | "legalHold">;

/**
 * Decides whether a change of metadata follows the version to where it went; of a replica: back to where it came from,
 * when a rule of the replica's own bucket says so (replica modification sync).
 *
 * Only for changes that users make. What replication itself writes is not admitted again, or two buckets with rules
 * both ways would send it to and fro for ever.
 *
 * @param version as it is with the change
 * @returns the version as it is to be stored: the same object when no rule takes the change
 * @source aws-replication.md §2 rows 23–25, §3.2
 */
export function admitMetadata(
  connection: Connection,
  bucket: Bucket,
  version: StoredVersion,
  operation: MetadataOperation,
  atMs: number,
): StoredVersion {
  if (bucket.replication === undefined) return version;
  const admittedTo = version.isReplica ? {} : { admittedTo: Object.keys(version.destinations ?? {}) };
  const { taken: able } = eligibility(bucket.replication, { ...candidateOf(version), ...admittedTo }, operation);
  // A replica whose owner was overridden has a list of its own. @source aws-replication.md §2 row 24
  const taken = operation === "acl" ? able.filter((rule) => !rule.destination.ownerOverride) : able;
  if (taken.length === 0) return version;
  addChange(connection, version, operation, taken, atMs);
  const destinations = { ...version.destinations, ...pendingAt(taken) };
  return { ...version, destinations, replicationStatus: shownStatus(destinations, version.isReplica) };
}

/** Whether users changed metadata of the replica, and the source does not have the change yet. */
export function isOnItsWayBack({ replication }: Bucket, { destinations = {} }: StoredVersion): boolean {
  const rules = replication?.rules.filter((rule) => rule.enabled && rule.replicaModifications) ?? [];
  return rules.some(({ destination }) => (destinations[destination.bucketArn] ?? "COMPLETED") !== "COMPLETED");
}

/**
 * Sets what the header `x-amz-replication-status` shows, for one destination or for all.
 *
 * @param told.ended the operation that came to its end, and so is counted and told of
 * @returns false when the version is not there any more, or was never taken by a rule
 */
export async function setReplicationStatus(
  s3: S3Service,
  ref: VersionRef,
  status: "PENDING" | "COMPLETED" | "FAILED",
  told: { readonly destinationArn?: string; readonly ended?: EndedOperation; readonly nowMs: number },
): Promise<boolean> {
  const { destinationArn, ended, nowMs } = told;
  const bucket = s3.buckets.find(ref.bucket);
  if (bucket === undefined) return false;
  const isThere = await s3.database.write((connection) => {
    const version = findVersion(connection, bucket.id, ref.key, ref.versionId);
    if (version === undefined || (version.destinations === undefined && destinationArn === undefined)) return false;
    const named = destinationArn === undefined ? Object.keys(version.destinations ?? {}) : [destinationArn];
    const destinations = { ...version.destinations, ...Object.fromEntries(named.map((arn) => [arn, status])) };
    const replicationStatus = shownStatus(destinations, version.isReplica);
    updateVersion(connection, { ...version, destinations, replicationStatus });
    if (ended !== undefined && destinationArn !== undefined) {
      trackEnd(s3, connection, bucket, version, destinationArn, ended, nowMs);
    }
    return true;
  });
  if (ended !== undefined) announceEvents(s3, bucket);
  return isThere;
}

/** Credentials of the replication role, as S3 itself gets them. @throws ServiceError AccessDenied */
export function assumeReplicationRole(s3: S3Service, roleArn: string, nowMs: number): Promise<Credentials> {
  return s3.identity.assumeForService({
    service: REPLICATION_SERVICE,
    roleArn,
    sessionName: REPLICATION_SESSION,
    nowMs,
  });
}

export function openChanges(s3: S3Service): Changes {
  let handedOut = 0;

  async function done(seqs: readonly number[]): Promise<void> {
    await s3.database.write((connection) => {
      const statement = connection.prepare("DELETE FROM s3_changes WHERE seq = ?");
      for (const seq of seqs) statement.run(seq);
    });
  }

  /** The next rows, and how many of their versions are there still. */
  function takeSome(limit: number): { readonly rows: number; readonly taken: TakenChange[]; readonly gone: number[] } {
    const rows = s3.database.committed
      .prepare(
        "SELECT c.*, b.name FROM s3_changes c JOIN s3_buckets b ON b.id = c.bucket_id WHERE seq > ? ORDER BY seq LIMIT ?",
      )
      .all(handedOut, limit);
    const taken: TakenChange[] = [];
    const gone: number[] = [];
    for (const row of rows) {
      const seq = Number(row["seq"]);
      handedOut = seq;
      const [bucketId, key, versionId] = [Number(row["bucket_id"]), String(row["key"]), String(row["version_id"])];
      const version = findVersion(s3.database.committed, bucketId, key, versionId);
      // Whoever removed the version for good has settled the matter.
      if (version === undefined) gone.push(seq);
      else taken.push({ seq, event: eventOfRow(row, version) });
    }
    return { rows: rows.length, taken, gone };
  }

  return {
    done,
    async take(limit) {
      for (;;) {
        const { rows, taken, gone } = takeSome(limit);
        if (gone.length > 0) await done(gone);
        // Nothing means that there is nothing more, not that the next few are gone.
        if (taken.length > 0 || rows < limit) return taken;
      }
    },
    onChange(listener) {
      s3.changeListeners.add(listener);
      return () => void s3.changeListeners.delete(listener);
    },
  };
}

function eventOfRow(row: Row, version: StoredVersion): ChangeEvent {
  return {
    operation: String(row["operation"]) as Operation,
    version: objectVersionOf(String(row["name"]), version),
    atMs: Number(row["at_ms"]),
    taken: JSON.parse(String(row["taken"])) as NonNullable<ChangeEvent["taken"]>,
    ...(row["initiated"] === 1 ? { isInitiated: true } : {}),
  };
}

/** Tells listeners of a change that is committed. */
export function announceChange(s3: S3Service): void {
  for (const listener of s3.changeListeners) listener();
}

/** FAILED wins over PENDING wins over COMPLETED; a replica that is settled is a replica again. @source §3.2 */
export function shownStatus(
  destinations: Readonly<Record<string, ReplicationStatus>>,
  isReplica: boolean,
): ReplicationStatus {
  const statuses = Object.values(destinations);
  if (statuses.includes("FAILED")) return "FAILED";
  if (statuses.includes("PENDING")) return "PENDING";
  return isReplica ? "REPLICA" : "COMPLETED";
}

/** PENDING at the destination of every rule. */
export function pendingAt(rules: readonly Rule[]): Record<string, ReplicationStatus> {
  return Object.fromEntries(rules.map((rule) => [rule.destination.bucketArn, "PENDING"]));
}

/** Puts a change into the outbox. @param isInitiated whether somebody asked for the version to be replicated again */
export function addChange(
  connection: Connection,
  version: NewVersion,
  operation: Operation,
  rules: readonly Rule[],
  atMs: number,
  isInitiated = false,
): void {
  const taken = rules.map((rule) => ({ ruleId: rule.id, destinationArn: rule.destination.bucketArn }));
  const { bucketId, key, versionId } = version;
  connection
    .prepare(
      "INSERT INTO s3_changes (bucket_id, key, version_id, operation, taken, at_ms, initiated) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .run(bucketId, key, versionId, operation, JSON.stringify(taken), atMs, isInitiated ? 1 : 0);
  if (!isInitiated) track(connection, version, operation, rules, atMs);
}

function candidateOf(version: NewVersion): Omit<ObjectVersion, "bucket"> {
  const { isReplica, replicationStatus } = version;
  return {
    ...describe(version),
    ...(isReplica ? { replicationStatus: "REPLICA" } : replicationStatus === undefined ? {} : { replicationStatus }),
  };
}

/** A row in the nouns of the core. */
export function objectVersionOf(bucket: string, version: StoredVersion): ObjectVersion {
  const { replicationStatus } = version;
  return { bucket, ...describe(version), ...(replicationStatus === undefined ? {} : { replicationStatus }) };
}

function describe(version: NewVersion): Omit<ObjectVersion, "bucket" | "replicationStatus"> {
  return {
    key: version.key,
    versionId: version.versionId,
    isDeleteMarker: version.isMarker,
    ...(version.byLifecycle === true ? { byLifecycle: true } : {}),
    sizeBytes: version.sizeBytes,
    etag: version.etag,
    lastModifiedMs: version.modifiedMs,
    storageClass: version.storageClass,
    encryption: version.encryption,
    tags: version.tags,
    ...(version.metadata.archive?.status === undefined ? {} : { archiveStatus: version.metadata.archive.status }),
  };
}

/** The bucket that a rule writes to, where the lab has it. */
export function destinationOf(s3: S3Service, rule: Rule): Bucket | undefined {
  const name = bucketOfArn(rule.destination.bucketArn);
  return name === undefined ? undefined : s3.buckets.find(name);
}
