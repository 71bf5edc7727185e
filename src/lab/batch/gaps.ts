/** What the lab's S3 Control does not emulate, or guesses: a written list, so that nobody has to find out. */

/** For people. Operations and parameters that are not there answer 501 NotImplemented and name themselves. */
export const BATCH_GAPS = [
  "Of S3 Control only CreateJob, DescribeJob, ListJobs, UpdateJobStatus and UpdateJobPriority are emulated; tags of a job count when it is made and cannot be read.",
  "Jobs replicate (S3ReplicateObject) and do nothing else.",
  "Manifests are CSV or generated; inventories (S3InventoryReport_CSV_20161130) are not read.",
  "A task succeeds when replication is initiated. What goes wrong afterwards shows as FAILED on the version and never in the report.",
  "Jobs of higher priority go first; one that is overtaken stays Active and is never Pausing or Paused.",
  "A destination that is in another Region than when the job was prepared fails its tasks with DstBucketInvalidRegion; when AWS says so is not documented.",
  "Rules with several destinations: one destination that lost the replica for good (DstObjectHardDeleted) keeps the version from being initiated at all.",
  "HTTP statuses in reports are 500 for every reason of replication, as seen of SrcObjectNotEligible, and codes in FailureReasons are ours where AWS documents only the text.",
] as const;
