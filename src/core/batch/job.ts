/** What CreateJob is asked for, as data and as the document that the service, its SDKs and its CLI take. */
import { bucketArn } from "../arn.ts";
import { MANIFEST_FIELDS } from "./manifest.ts";

/** `NONE` is a version without a status; for PENDING there is no filter. @source aws-replication.md §6.1 */
export type StatusFilter = "FAILED" | "NONE" | "COMPLETED" | "REPLICA";

/** Which versions S3 is to list by itself. What is undefined asks for nothing. */
export interface JobFilter {
  readonly statuses: readonly StatusFilter[];
  readonly prefix?: string;
  readonly createdAfterMs?: number;
  readonly createdBeforeMs?: number;
}

export type JobList =
  | { readonly kind: "generated"; readonly filter: JobFilter }
  /** @param etag of the manifest that was written, with or without quotes */
  | { readonly kind: "written"; readonly objectArn: string; readonly etag: string };

export interface JobPlan {
  readonly accountId: string;
  /** Source of the replication. */
  readonly bucket: string;
  readonly roleArn: string;
  /** Where the report goes. */
  readonly output: { readonly bucket: string; readonly prefix?: string };
  /** Two requests with one token make one job. */
  readonly token: string;
  readonly description: string;
  /** Suspended until somebody has seen how many versions it is about. */
  readonly confirmationRequired: boolean;
  readonly list: JobList;
}

/** Of the service's model as much as is used here. */
export interface JobDocument {
  readonly AccountId: string;
  readonly ConfirmationRequired: boolean;
  readonly Operation: { readonly S3ReplicateObject: Readonly<Record<string, never>> };
  readonly Report: {
    readonly Enabled: true;
    readonly Bucket: string;
    readonly Prefix?: string;
    readonly Format: "Report_CSV_20180820";
    readonly ReportScope: "AllTasks";
  };
  readonly ClientRequestToken: string;
  readonly Description: string;
  readonly Priority: number;
  readonly RoleArn: string;
  readonly Manifest?: {
    readonly Spec: {
      readonly Format: "S3BatchOperations_CSV_20180820";
      readonly Fields: ("Bucket" | "Key" | "VersionId")[];
    };
    readonly Location: { readonly ObjectArn: string; readonly ETag: string };
  };
  readonly ManifestGenerator?: {
    readonly S3JobManifestGenerator: {
      readonly ExpectedBucketOwner: string;
      readonly SourceBucket: string;
      readonly EnableManifestOutput: false;
      readonly Filter: {
        readonly EligibleForReplication: true;
        readonly ObjectReplicationStatuses: StatusFilter[];
        readonly KeyNameConstraint?: { readonly MatchAnyPrefix: string[] };
        /** ISO 8601 */
        readonly CreatedAfter?: string;
        readonly CreatedBefore?: string;
      };
    };
  };
}

const PRIORITY = 10;

/** The document of a job. The report names every task: what S3 counts of them is not to be relied on. */
export function jobDocument(plan: JobPlan): JobDocument {
  const { accountId, output } = plan;
  return {
    AccountId: accountId,
    ConfirmationRequired: plan.confirmationRequired,
    Operation: { S3ReplicateObject: {} },
    Report: {
      Enabled: true,
      Bucket: bucketArn(output.bucket),
      ...(output.prefix === undefined ? {} : { Prefix: output.prefix }),
      Format: "Report_CSV_20180820",
      ReportScope: "AllTasks",
    },
    ClientRequestToken: plan.token,
    Description: plan.description,
    Priority: PRIORITY,
    RoleArn: plan.roleArn,
    ...listMembers(plan),
  };
}

function listMembers({ accountId, bucket, list }: JobPlan): Pick<JobDocument, "Manifest" | "ManifestGenerator"> {
  if (list.kind === "written") {
    return {
      Manifest: {
        Spec: { Format: "S3BatchOperations_CSV_20180820", Fields: [...MANIFEST_FIELDS] },
        Location: { ObjectArn: list.objectArn, ETag: list.etag },
      },
    };
  }
  const { statuses, prefix, createdAfterMs, createdBeforeMs } = list.filter;
  return {
    ManifestGenerator: {
      S3JobManifestGenerator: {
        ExpectedBucketOwner: accountId,
        SourceBucket: bucketArn(bucket),
        EnableManifestOutput: false,
        Filter: {
          EligibleForReplication: true,
          ObjectReplicationStatuses: [...statuses],
          ...(prefix === undefined ? {} : { KeyNameConstraint: { MatchAnyPrefix: [prefix] } }),
          ...(createdAfterMs === undefined ? {} : { CreatedAfter: new Date(createdAfterMs).toISOString() }),
          ...(createdBeforeMs === undefined ? {} : { CreatedBefore: new Date(createdBeforeMs).toISOString() }),
        },
      },
    },
  };
}
