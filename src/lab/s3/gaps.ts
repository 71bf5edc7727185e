/**
 * What the lab's S3 does not emulate: a written list, so that nobody has to find out. Operations on it answer 501
 * NotImplemented and name themselves.
 */

/** Operations of the API reference that are answered with 501. */
export const OPERATION_GAPS = [
  "CreateBucketMetadataConfiguration",
  "CreateBucketMetadataTableConfiguration",
  "CreateSession",
  "DeleteBucketAnalyticsConfiguration",
  "DeleteBucketCors",
  "DeleteBucketIntelligentTieringConfiguration",
  "DeleteBucketLifecycle",
  "DeleteBucketMetadataConfiguration",
  "DeleteBucketMetadataTableConfiguration",
  "DeleteBucketMetricsConfiguration",
  "DeleteBucketWebsite",
  "GetBucketAbac",
  "GetBucketAnalyticsConfiguration",
  "GetBucketIntelligentTieringConfiguration",
  "GetBucketMetadataConfiguration",
  "GetBucketMetadataTableConfiguration",
  "GetBucketMetricsConfiguration",
  "GetObjectTorrent",
  "ListBucketAnalyticsConfigurations",
  "ListBucketIntelligentTieringConfigurations",
  "ListBucketMetricsConfigurations",
  "PostObject",
  "PutBucketAbac",
  "PutBucketAccelerateConfiguration",
  "PutBucketAnalyticsConfiguration",
  "PutBucketCors",
  "PutBucketIntelligentTieringConfiguration",
  "PutBucketLifecycleConfiguration",
  "PutBucketMetricsConfiguration",
  "PutBucketWebsite",
  "RenameObject",
  "SelectObjectContent",
  "UpdateBucketMetadataInventoryTableConfiguration",
  "UpdateBucketMetadataJournalTableConfiguration",
  "UpdateObjectEncryption",
] as const;

export type GapOperation = (typeof OPERATION_GAPS)[number];

/** Ways in which emulated operations differ from AWS's, for people. */
export const BEHAVIOUR_GAPS = [
  "One endpoint serves all Regions: a request signed for another Region than the bucket's is served, not redirected.",
  "ACLs know no e-mail addresses, aws-exec-read grants EC2 nothing, and who may write to a bucket by its ACL may replace other accounts' objects there. Block Public Access is per bucket; there is none of accounts.",
  "Object Lock knows retention and legal holds; event holds and retention that depends on them are not emulated.",
  "S3 Bucket Keys change the encryption context, but every object still asks KMS for a key of its own.",
  "RestoreObject is done at once; nothing moves into an archive tier by itself; archived objects are not restored to another class or place.",
  "Events go to standard queues of SQS and to webhooks of the lab: topics and functions are refused, EventBridge is kept and gets nothing. Events of restores and of storage classes can be asked for and never happen.",
  "Lifecycle rules, CORS and website hosting are not emulated.",
  "Server access logs know no TLS, access points, ACL decisions and Regions of origin: those fields are hyphens. Calls within the process, and log objects themselves, are in no log.",
  "Inventories are written as CSV and, with @duckdb/node-api, as Parquet; ORC configurations are taken, and their reports are not written.",
  "A customer's encryption context is not carried over to replicas: reads do not tell it.",
  "Keys with U+0000 are refused.",
  "Transfer Acceleration, access points, directory buckets, browser form uploads and Signature Version 2 are not emulated.",
] as const;
