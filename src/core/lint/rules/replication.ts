/** The rules about replication configurations. What AWS refuses by itself is found by `core/config`. */
import type { LintRule } from "./rule.ts";

export const REPLICATION_RULES = {
  "malformed-xml": {
    severity: "error",
    title: "AWS refuses the configuration: MalformedXML",
    remedy: "Write the element as the schema has it",
    source: "aws-replication.md §1.4",
  },
  "invalid-request": {
    severity: "error",
    title: "AWS refuses the configuration: InvalidRequest",
    remedy: "Bring the elements that contradict each other into line",
    source: "aws-replication.md §1.4",
  },
  "invalid-argument": {
    severity: "error",
    title: "AWS refuses the configuration: InvalidArgument",
    remedy: "Give the element a value that it may have",
    source: "aws-replication.md §1.4",
  },
  "text-expected": {
    severity: "error",
    title: "A number or a word stands where a text belongs",
    remedy: "Put the value in quotes",
    source: "aws-replication.md §1.2",
  },
  "configuration-too-large": {
    severity: "error",
    title: "The configuration is larger than AWS takes",
    remedy: "Join rules by shorter prefixes, or split the bucket",
    source: "aws-replication.md §1.2; the error code is unconfirmed",
  },
  "destination-is-source": {
    severity: "error",
    title: "A rule replicates the bucket into itself",
    remedy: "Name another bucket as the destination",
    source: "aws-replication.md §1.4 row 13",
  },
  "prefix-leading-slash": {
    severity: "warning",
    title: "A prefix begins with a slash, and keys do not",
    remedy: "Take the first slash away, unless the keys themselves begin with one",
    source: "aws-replication.md §11.1 row 2",
  },
  "prefix-wildcard": {
    severity: "warning",
    title: "A prefix holds a wildcard, which it takes literally",
    remedy: "Leave the wildcard out: a prefix selects everything that begins with it",
    source: "aws-replication.md §1.2",
  },
  "rule-shadowed": {
    severity: "warning",
    title: "A rule never applies: another one to the same destination takes all that it would take",
    remedy: "Raise its priority above the other's, or remove it",
    source: "aws-replication.md §1.6",
  },
  "rules-overlap": {
    severity: "note",
    title: "Two rules to the same destination select some of the same versions",
    remedy: "See that the one with the higher priority is the one that is meant for them",
    source: "aws-replication.md §1.6",
  },
  "rule-disabled": {
    severity: "note",
    title: "A rule is disabled",
    remedy: "Enable it or remove it; what is written in between is replicated by Batch Replication only",
    source: "aws-replication.md §1.5, §11.1 row 3",
  },
  "all-rules-disabled": {
    severity: "warning",
    title: "Every rule is disabled: nothing is replicated",
    remedy: "Enable a rule",
    source: "aws-replication.md §11.1 row 3",
  },
  "kms-objects-not-selected": {
    severity: "note",
    title: "Versions that KMS encrypts are left out in silence",
    remedy: "Add SourceSelectionCriteria.SseKmsEncryptedObjects and a ReplicaKmsKeyID, if the bucket has such versions",
    source: "aws-replication.md §11.1 row 5",
  },
  "replica-key-alias": {
    severity: "warning",
    title: "ReplicaKmsKeyID is an alias, which is looked up in the account that asks",
    remedy: "Write the ARN of the key",
    source: "aws-replication.md §11.3 row 35",
  },
  "replica-key-aws-managed": {
    severity: "error",
    title: "Replicas in another account cannot use a key that AWS manages",
    remedy: "Make a customer managed key in the destination's account and allow it to the role in its key policy",
    source: "aws-replication.md §11.3 row 36",
  },
  "replica-key-region": {
    severity: "error",
    title: "The key of the replicas is in another Region than the destination",
    remedy: "Name a key of the destination's Region; a multi-Region key is an ordinary one here",
    source: "aws-replication.md §11.3 row 35",
  },
  "owner-not-overridden": {
    severity: "note",
    title: "Replicas in another account belong to the source's account",
    remedy: "Add AccessControlTranslation with Owner Destination, unless the bucket is BucketOwnerEnforced",
    source: "aws-replication.md §5.1, §1.2",
  },
  "tag-filter-at-write": {
    severity: "note",
    title: "A rule selects by tags, which must be on the version when it is written",
    remedy: "Send the tags with the PUT itself: tags added later select nothing, and delete markers have none",
    source: "aws-replication.md §11.1 row 4",
  },
  "delete-markers-not-replicated": {
    severity: "note",
    title: "Delete markers are not replicated: what is deleted stays visible at the destination",
    remedy: "Set DeleteMarkerReplication to Enabled, if deletions shall be replicated",
    source: "aws-replication.md §11.1 row 9",
  },
  "replication-time-without-filter": {
    severity: "warning",
    title: "A rule with ReplicationTime has no Filter",
    remedy: "Use a Filter (an empty one selects everything) with Priority and DeleteMarkerReplication",
    source: "aws-replication.md §1.3, A6",
    unconfirmed: true,
  },
  "role-without-path": {
    severity: "warning",
    title: "The console puts roles of this name under service-role/, and this ARN lacks it",
    remedy: "Copy the ARN from IAM: it is probably arn:aws:iam::ACCOUNT:role/service-role/NAME",
    source: "aws-replication.md §11.3 row 26",
  },
} as const satisfies Record<string, LintRule>;
