/** Ways in which the lab's CloudTrail differs from AWS's, for people. */
export const TRAIL_GAPS = [
  "Recorded are S3, S3 Control, IAM, STS, KMS, Organizations and CloudTrail itself; data events are those of AWS::S3::Object.",
  "Calls within the process (batch jobs' own reads and writes, stores that were opened without sockets) leave no events.",
  "Events can be looked up at once and are delivered every few seconds; LookupEvents is not limited to two requests per second.",
  "The history keeps the last 100,000 events of 90 days.",
  "Organization trails, Insights, event data stores, digest files, tags, SNS, CloudWatch Logs and encryption of a trail's files by its own KMS key are not emulated; UpdateTrail neither.",
  "Session tokens are never recorded, where AWS shows those that AssumeRole hands out.",
] as const;
