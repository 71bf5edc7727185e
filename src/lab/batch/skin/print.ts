/** Jobs as DescribeJob and ListJobs show them. @source the service's model, `JobDescriptor` and `JobListDescriptor` */
import type { XmlNode } from "../../../core/xml.ts";
import {
  isFinal,
  type Job,
  jobArn,
  type Manifest,
  type ManifestFilter,
  type ManifestGenerator,
  type ManifestOutput,
  REPLICATE_OPERATION,
  type Report,
  SUSPENDED_CAUSE,
} from "../model.ts";

/** Everything of a job. */
export function descriptorNode(job: Job, nowMs: number): XmlNode {
  const { request, generated, suspendedMs, status } = job;
  const { manifest } = request;
  return [
    "Job",
    [
      ["JobId", job.id],
      ["ConfirmationRequired", request.confirmationRequired],
      ["Description", request.description],
      ["JobArn", jobArn(job)],
      ["Status", status],
      manifest.kind === "csv" ? manifestNode(manifest) : undefined,
      ["Operation", [[REPLICATE_OPERATION, ""]]],
      ["Priority", job.priority],
      progressNode(job, nowMs),
      ["StatusUpdateReason", job.statusUpdateReason],
      job.failures.length === 0
        ? undefined
        : [
            "FailureReasons",
            job.failures.map(
              ({ code, reason }): XmlNode => [
                "member",
                [
                  ["FailureCode", code],
                  ["FailureReason", reason],
                ],
              ],
            ),
          ],
      reportNode(request.report),
      ["CreationTime", isoDate(job.createdMs)],
      ["TerminationDate", job.endedMs === undefined ? undefined : isoDate(job.endedMs)],
      ["RoleArn", request.roleArn],
      ["SuspendedDate", suspendedMs === undefined ? undefined : isoDate(suspendedMs)],
      ["SuspendedCause", status === "Suspended" ? SUSPENDED_CAUSE : undefined],
      manifest.kind === "generator"
        ? ["ManifestGenerator", [["S3JobManifestGenerator", generatorNodes(manifest)]]]
        : undefined,
      generated === undefined || manifest.kind === "csv"
        ? undefined
        : [
            "GeneratedManifestDescriptor",
            [
              ["Format", manifest.output?.format],
              [
                "Location",
                [
                  ["ObjectArn", generated.objectArn],
                  ["ETag", generated.etag],
                ],
              ],
            ],
          ],
    ],
  ];
}

/** What a list shows of a job. */
export function listedNode(job: Job, nowMs: number): XmlNode {
  return [
    "member",
    [
      ["JobId", job.id],
      ["Description", job.request.description],
      ["Operation", REPLICATE_OPERATION],
      ["Priority", job.priority],
      ["Status", job.status],
      ["CreationTime", isoDate(job.createdMs)],
      ["TerminationDate", job.endedMs === undefined ? undefined : isoDate(job.endedMs)],
      progressNode(job, nowMs),
    ],
  ];
}

function progressNode(job: Job, nowMs: number): XmlNode {
  const { tasks, nextTask, failedTasks, activeSinceMs, activeUntilMs } = job;
  const untilMs = activeUntilMs ?? (isFinal(job.status) ? activeSinceMs : nowMs) ?? 0;
  const activeMs = activeSinceMs === undefined ? 0 : Math.max(0, untilMs - activeSinceMs);
  return [
    "ProgressSummary",
    [
      ["TotalNumberOfTasks", tasks],
      ["NumberOfTasksSucceeded", nextTask - failedTasks],
      ["NumberOfTasksFailed", failedTasks],
      ["Timers", [["ElapsedTimeInActiveSeconds", Math.floor(activeMs / 1000)]]],
    ],
  ];
}

function manifestNode({ fields, objectArn, objectVersionId, etag }: Manifest): XmlNode {
  return [
    "Manifest",
    [
      [
        "Spec",
        [
          ["Format", "S3BatchOperations_CSV_20180820"],
          ["Fields", membersOf(fields)],
        ],
      ],
      [
        "Location",
        [
          ["ObjectArn", objectArn],
          ["ObjectVersionId", objectVersionId],
          ["ETag", etag],
        ],
      ],
    ],
  ];
}

function generatorNodes(generator: ManifestGenerator): XmlNode[] {
  const { output } = generator;
  return [
    ["ExpectedBucketOwner", generator.expectedBucketOwner],
    ["SourceBucket", generator.sourceBucketArn],
    output === undefined ? undefined : ["ManifestOutputLocation", outputNodes(output)],
    ["Filter", filterNodes(generator.filter)],
    ["EnableManifestOutput", generator.isOutputEnabled],
  ];
}

function outputNodes({ expectedBucketOwner, bucketArn, prefix, kmsKeyId, format }: ManifestOutput): XmlNode[] {
  return [
    ["ExpectedManifestBucketOwner", expectedBucketOwner],
    ["Bucket", bucketArn],
    ["ManifestPrefix", prefix],
    ["ManifestEncryption", kmsKeyId === undefined ? [["SSE-S3", ""]] : [["SSE-KMS", [["KeyId", kmsKeyId]]]]],
    ["ManifestFormat", format],
  ];
}

function filterNodes(filter: ManifestFilter): XmlNode[] {
  const { prefixes, suffixes, substrings, createdAfterMs, createdBeforeMs } = filter;
  const hasNames = prefixes !== undefined || suffixes !== undefined || substrings !== undefined;
  return [
    ["EligibleForReplication", filter.eligibleForReplication],
    ["CreatedAfter", createdAfterMs === undefined ? undefined : isoDate(createdAfterMs)],
    ["CreatedBefore", createdBeforeMs === undefined ? undefined : isoDate(createdBeforeMs)],
    ["ObjectReplicationStatuses", membersOf(filter.statuses)],
    hasNames
      ? [
          "KeyNameConstraint",
          [
            ["MatchAnyPrefix", membersOf(prefixes)],
            ["MatchAnySuffix", membersOf(suffixes)],
            ["MatchAnySubstring", membersOf(substrings)],
          ],
        ]
      : undefined,
    ["ObjectSizeGreaterThanBytes", filter.sizeGreaterThanBytes],
    ["ObjectSizeLessThanBytes", filter.sizeLessThanBytes],
    ["MatchAnyStorageClass", membersOf(filter.storageClasses)],
    [
      "MatchAnyObjectEncryption",
      filter.encryptions?.map(
        ({ kind, kmsKeyArn, bucketKey }): XmlNode => [
          "ObjectEncryption",
          [
            [
              kind,
              [
                ["KmsKeyArn", kmsKeyArn],
                ["BucketKeyEnabled", bucketKey],
              ],
            ],
          ],
        ],
      ),
    ],
  ];
}

function reportNode(report: Report): XmlNode {
  return [
    "Report",
    [
      ["Bucket", report.bucketArn],
      ["Format", report.format],
      ["Enabled", report.isEnabled],
      ["Prefix", report.prefix],
      ["ReportScope", report.isEnabled ? report.scope : undefined],
      ["ExpectedBucketOwner", report.expectedBucketOwner],
    ],
  ];
}

function membersOf(values: readonly string[] | undefined): XmlNode[] | undefined {
  return values?.map((one) => ["member", one]);
}

function isoDate(ms: number): string {
  return new Date(ms).toISOString();
}
