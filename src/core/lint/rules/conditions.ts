/** The rules about conditions of policies: those that never hold, and those that replication does not meet. */
import type { LintRule } from "./rule.ts";

export const CONDITION_RULES = {
  "condition-key-unknown": {
    severity: "warning",
    title: "There is no such condition key",
    remedy: "Spell it as the Service Authorization Reference does",
    source: "Service Authorization Reference",
  },
  "condition-key-unsupported": {
    severity: "warning",
    title: "Requests for the action never carry the condition key",
    remedy: "Give the action a statement without the condition, or with …IfExists",
    source: "aws-replication.md §5.2; Service Authorization Reference",
  },
  "for-all-values-without-null": {
    severity: "warning",
    title: "ForAllValues also allows requests that do not carry the key at all",
    remedy: 'Add "Null": {"KEY": "false"} beside it',
    source: "aws-replication.md §10.2",
  },
  "wildcard-without-like": {
    severity: "warning",
    title: "StringEquals takes the wildcard literally",
    remedy: "Use StringLike, or ArnLike for ARNs",
    source: "aws-replication.md §10.2",
  },
  "encryption-context-objects-only": {
    severity: "warning",
    title: "The key may be used for objects without a bucket key only",
    remedy: "List the bucket's ARN beside BUCKET/*: with a bucket key the encryption context is the bucket's ARN",
    source: "aws-replication.md §5.3, §11.3 row 34",
  },
  "encryption-context-bucket-only": {
    severity: "note",
    title: "The key may be used for objects with a bucket key only",
    remedy: "List BUCKET/* beside the bucket's ARN, unless every object has a bucket key",
    source: "aws-replication.md §5.3",
  },
  "encryption-context-misspelt": {
    severity: "error",
    title: "S3 never sends this encryption context",
    remedy: "Write kms:EncryptionContext:aws:s3:arn",
    source: "aws-replication.md §5.3",
  },
  "via-service-shape": {
    severity: "warning",
    title: "kms:ViaService never has such a value",
    remedy: "Write s3.REGION.amazonaws.com",
    source: "aws-replication.md §5.3",
  },
  "via-service-region": {
    severity: "warning",
    title: "kms:ViaService names S3 in another Region than the key's",
    remedy: "Name the source's Region for the source's key, the destination's Region for the replicas' key",
    source: "aws-replication.md §5.3",
  },
  "network-condition-never-holds": {
    severity: "warning",
    title: "Replication comes from S3 itself: it has no address and no VPC of yours, so this allows it nothing",
    remedy: "Give replication a statement without the condition",
    source: "aws-replication.md §5.5, §5.7",
  },
  "network-condition-denies": {
    severity: "error",
    title: "Replication comes from S3 itself: it has no address and no VPC of yours, so this denies it",
    remedy: "Exempt the replication role: add ArnNotLike on aws:PrincipalArn to the statement",
    source: "aws-replication.md §11.3 row 41",
  },
  "mfa-condition": {
    severity: "warning",
    title: "A role that a service assumes has no second factor",
    remedy: "Exempt the replication role, or give it a statement without the condition",
    source: "aws-replication.md §9.3",
  },
  "passed-to-service-of-batch": {
    severity: "warning",
    title: "CreateJob does not carry iam:PassedToService, so it is always denied",
    remedy: "Allow iam:PassRole on the job's role without that condition",
    source: "aws-replication.md §5.1",
  },
} as const satisfies Record<string, LintRule>;
