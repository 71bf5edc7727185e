/**
 * Jobs of S3 Batch Operations as they are stored, and the states they go through.
 *
 * - `New`: accepted, nothing has been looked at. The runner makes it `Preparing`.
 * - `Preparing`: the manifest is read or generated, one task per row. Ends in `Suspended` when the job was made with
 *   ConfirmationRequired, else in `Ready`; in `Failed` when there is no manifest to work on.
 * - `Suspended`: waits for UpdateJobStatus `Ready`, 30 days at most; then `Failed`.
 * - `Ready`: may start; the runner makes it `Active` when no job of higher priority has work.
 * - `Active`: tasks are done in the order of the manifest. Ends in `Completing`, or in `Failing` when too many failed.
 * - `Completing`, `Failing`, `Cancelling`: the report of the tasks that were done is written; then `Complete`, `Failed`,
 *   `Cancelled`, which are final and are forgotten after 90 days.
 *
 * UpdateJobStatus `Cancelled` leads from every state before `Completing` to `Cancelling`.
 *
 * @source aws-replication.md §6.1, §6.3, §6.4
 */
import type { EncryptionKind, ReplicationStatus, Tag } from "../../core/model.ts";

export const JOB_STATUSES = [
  "Active",
  "Cancelled",
  "Cancelling",
  "Complete",
  "Completing",
  "Failed",
  "Failing",
  "New",
  "Paused",
  "Pausing",
  "Preparing",
  "Ready",
  "Suspended",
] as const;

export type JobStatus = (typeof JOB_STATUSES)[number];

export const FINAL_STATUSES = ["Complete", "Failed", "Cancelled"] as const satisfies readonly JobStatus[];

/** States in which a job can still be cancelled. */
export const CANCELLABLE_STATUSES: readonly JobStatus[] = ["New", "Preparing", "Suspended", "Ready", "Active"];

/** What CreateJob asks for. */
export interface JobRequest {
  readonly clientRequestToken: string;
  readonly priority: number;
  readonly roleArn: string;
  readonly confirmationRequired: boolean;
  readonly description?: string;
  readonly tags: readonly Tag[];
  readonly manifest: Manifest | ManifestGenerator;
  readonly report: Report;
}

/** A list of objects that somebody has written: CSV, one object in each row. */
export interface Manifest {
  readonly kind: "csv";
  readonly fields: readonly ManifestField[];
  readonly objectArn: string;
  readonly objectVersionId?: string;
  readonly etag: string;
}

export const MANIFEST_FIELDS = ["Ignore", "Bucket", "Key", "VersionId"] as const;
export type ManifestField = (typeof MANIFEST_FIELDS)[number];

/** A list of objects that S3 makes itself: the versions of a bucket that pass the filter. */
export interface ManifestGenerator {
  readonly kind: "generator";
  readonly expectedBucketOwner?: string;
  readonly sourceBucketArn: string;
  readonly output?: ManifestOutput;
  /** Whether `output` is used. */
  readonly isOutputEnabled: boolean;
  readonly filter: ManifestFilter;
}

export interface ManifestOutput {
  readonly bucketArn: string;
  readonly prefix?: string;
  readonly expectedBucketOwner?: string;
  readonly format: string;
  /** Undefined: SSE-S3. */
  readonly kmsKeyId?: string;
}

/** Every member that is there must be satisfied. Lists are satisfied by any of their values. */
export interface ManifestFilter {
  readonly eligibleForReplication?: boolean;
  readonly createdAfterMs?: number;
  readonly createdBeforeMs?: number;
  readonly statuses?: readonly StatusFilter[];
  readonly prefixes?: readonly string[];
  readonly suffixes?: readonly string[];
  readonly substrings?: readonly string[];
  readonly sizeGreaterThanBytes?: number;
  readonly sizeLessThanBytes?: number;
  readonly storageClasses?: readonly string[];
  readonly encryptions?: readonly EncryptionFilter[];
}

export const STATUS_FILTERS = ["COMPLETED", "FAILED", "REPLICA", "NONE"] as const;
/** `NONE` is a version without a status. There is no value for PENDING. @source aws-replication.md §6.1 */
export type StatusFilter = Exclude<ReplicationStatus, "PENDING"> | "NONE";

export interface EncryptionFilter {
  readonly kind: EncryptionKind;
  readonly kmsKeyArn?: string;
  readonly bucketKey?: boolean;
}

export interface Report {
  readonly isEnabled: boolean;
  readonly bucketArn?: string;
  readonly prefix?: string;
  readonly format?: string;
  readonly scope: "AllTasks" | "FailedTasksOnly";
  readonly expectedBucketOwner?: string;
}

export interface Job {
  readonly id: string;
  readonly account: string;
  readonly region: string;
  readonly request: JobRequest;
  readonly status: JobStatus;
  readonly priority: number;
  readonly createdMs: number;
  /** When it became final. */
  readonly endedMs?: number;
  readonly suspendedMs?: number;
  readonly statusUpdateReason?: string;
  readonly failures: readonly JobFault[];
  readonly tasks: number;
  /** Tasks that are done are those with smaller numbers. */
  readonly nextTask: number;
  readonly failedTasks: number;
  /** When it became `Active`, and when it stopped to be. */
  readonly activeSinceMs?: number;
  readonly activeUntilMs?: number;
  readonly generated?: GeneratedManifest;
  /** The Regions of the destinations, by ARN, when the job was prepared. */
  readonly destinationRegions: Readonly<Record<string, string>>;
}

/** One of `FailureReasons`. */
export interface JobFault {
  readonly code: string;
  readonly reason: string;
}

export interface GeneratedManifest {
  readonly objectArn: string;
  readonly etag: string;
}

/** What cannot be worked on any further, in the words of `FailureReasons`. */
export class JobError extends Error {
  override readonly name = "JobError";
  readonly code: string;

  constructor(code: string, reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.code = code;
  }
}

export const SUSPENDED_MS_MAX = 30 * 24 * 3_600_000;
export const KEPT_MS = 90 * 24 * 3_600_000;

/** Why a job is suspended: the value of `SuspendedCause` and of s3:JobSuspendedCause. */
export const SUSPENDED_CAUSE = "AWAITING_CONFIRMATION";

/** The only operation of jobs that the lab has. */
export const REPLICATE_OPERATION = "S3ReplicateObject";

export function isFinal(status: JobStatus): boolean {
  return (FINAL_STATUSES as readonly JobStatus[]).includes(status);
}

export function jobArn(job: Pick<Job, "account" | "region" | "id">): string {
  return `arn:aws:s3:${job.region}:${job.account}:job/${job.id}`;
}
