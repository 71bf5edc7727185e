/** The rules about what policies mean: their actions, resources and principals. */
import type { LintRule } from "./rule.ts";

const AUTHORIZATION = "Service Authorization Reference";

export const POLICY_RULES = {
  "unknown-action": {
    severity: "warning",
    title: "There is no such action",
    remedy: "Spell it as the Service Authorization Reference does",
    source: AUTHORIZATION,
  },
  "unknown-service": {
    severity: "warning",
    title: "There is no service of that name",
    remedy: "Write the service's prefix, such as s3 or kms",
    source: AUTHORIZATION,
  },
  "action-matches-nothing": {
    severity: "warning",
    title: "No action matches the pattern",
    remedy: "Spell it as the Service Authorization Reference does",
    source: AUTHORIZATION,
  },
  "action-of-other-service": {
    severity: "error",
    title: "The policy of a bucket or a key names an action of another service",
    remedy: "Move the action into the policy of the role, or of the other resource",
    source: "aws-replication.md §10.1; Amazon S3 User Guide, bucket policies",
  },
  "object-action-on-bucket": {
    severity: "error",
    title: "An action on objects is allowed or denied on a bucket only, where it never applies",
    remedy: "Write arn:aws:s3:::BUCKET/* for the objects",
    source: "aws-replication.md §11.3 row 27",
  },
  "bucket-action-on-objects": {
    severity: "error",
    title: "An action on buckets is allowed or denied on objects only, where it never applies",
    remedy: "Write arn:aws:s3:::BUCKET for the bucket",
    source: "aws-replication.md §10.1",
  },
  "action-needs-star": {
    severity: "warning",
    title: "An action that is on no resource is allowed or denied on a resource, where it never applies",
    remedy: 'Give it a statement of its own with "Resource": "*"',
    source: AUTHORIZATION,
  },
  "resource-trailing-slash": {
    severity: "error",
    title: "A resource ends with a slash and matches neither the bucket nor its objects",
    remedy: "Write arn:aws:s3:::BUCKET/* for the objects, arn:aws:s3:::BUCKET for the bucket",
    source: "aws-replication.md §11.3 row 27",
  },
  "resource-of-other-service": {
    severity: "warning",
    title: "No resource of the statement belongs to the action's service, so the action never applies",
    remedy: "Give the action a statement of its own with resources of its service",
    source: "aws-replication.md §10.1",
  },
  "bucket-arn-with-region": {
    severity: "warning",
    title: "The ARN of a bucket names a Region or an account, which buckets' ARNs do not have",
    remedy: "Write arn:aws:s3:::BUCKET",
    source: "aws-replication.md §10.1",
  },
  "kms-alias-resource": {
    severity: "warning",
    title: "The use of a key is allowed or denied on an alias, where it never applies",
    remedy: "Write the ARN of the key, or * with a condition on kms:ResourceAliases",
    source: "KMS Developer Guide, Controlling access to aliases",
  },
  "several-buckets": {
    severity: "error",
    title: "A bucket policy names a second bucket",
    remedy: "Keep the statements about other buckets in their own policies",
    source: "Amazon S3 User Guide, bucket policies",
  },
  "principal-session": {
    severity: "warning",
    title: "A principal is one session of a role, and replication's is called s3-replication",
    remedy: "Name the role: arn:aws:iam::ACCOUNT:role/NAME",
    source: "aws-replication.md §5.7",
  },
  "principal-unique-id": {
    severity: "warning",
    title: "A principal is the unique id of a role or user that was deleted",
    remedy: "Write the ARN again: a role that was made anew has another id",
    source: "aws-replication.md §11.3 row 25",
  },
  "principal-everyone": {
    severity: "warning",
    title: "Everybody is allowed, also without an account",
    remedy: "Name the replication role as the principal, or narrow the statement by aws:PrincipalArn",
    source: "aws-replication.md §10.1",
  },
  "principal-service-unknown": {
    severity: "warning",
    title: "There is no service principal of that name",
    remedy: "Replication's is s3.amazonaws.com in every Region, Batch Operations' is batchoperations.s3.amazonaws.com",
    source: "aws-replication.md §5.1",
  },
  "not-principal-with-deny": {
    severity: "warning",
    title: "Deny with NotPrincipal hits whoever is not listed in every form",
    remedy: "Use Principal * with a condition ArnNotLike on aws:PrincipalArn",
    source: "aws-replication.md §10.1",
  },
  "not-principal-with-allow": {
    severity: "warning",
    title: "Allow with NotPrincipal lets everybody else in, also without an account",
    remedy: "Name those who are let in",
    source: "IAM User Guide, elements: NotPrincipal",
  },
  "trust-lacks-s3": {
    severity: "warning",
    title: "S3 may not assume the role",
    remedy: "Allow sts:AssumeRole to the Service s3.amazonaws.com (and batchoperations.s3.amazonaws.com for jobs)",
    source: "aws-replication.md §11.3 row 24",
  },
  "trust-only-batch": {
    severity: "note",
    title: "Only Batch Operations may assume the role, so it cannot be a replication role",
    remedy: "Add s3.amazonaws.com, unless the role is for jobs only",
    source: "aws-replication.md §5.1",
  },
  "trust-source-unconfirmed": {
    severity: "note",
    title: "The trust depends on aws:SourceArn or aws:SourceAccount, and AWS does not say that S3 sends it",
    remedy: "Try it with one object, or take the condition out",
    source: "aws-replication.md §4.1 AssumeRoleNotPermitted",
    unconfirmed: true,
  },
  "trust-source-of-other-bucket": {
    severity: "warning",
    title: "The trust is for another source than the bucket",
    remedy: "Write the ARN of the source bucket, or take the condition out",
    source: "aws-replication.md §4.1 AssumeRoleNotPermitted",
    unconfirmed: true,
  },
  "trust-condition-never-holds": {
    severity: "warning",
    title: "The trust depends on something that a service does not send when it assumes a role",
    remedy: "Give the service a statement without that condition",
    source: "aws-replication.md §4.1 AssumeRoleNotPermitted",
  },
  "key-policy-without-root": {
    severity: "note",
    title: "The key does not let its account's policies decide, so IAM policies allow nothing on it",
    remedy: "Add the statement that allows kms:* to arn:aws:iam::ACCOUNT:root, or name every user of the key here",
    source: "aws-replication.md §10.4",
  },
  "key-policy-other-resource": {
    severity: "warning",
    title: "A statement of a key policy is about something else than the key, and never applies",
    remedy: 'Write "Resource": "*", which means this key',
    source: "KMS Developer Guide, Key policies",
  },
} as const satisfies Record<string, LintRule>;
