/** The rules about what any document must keep: files that can be read, and the grammar of policies. */
import type { LintRule } from "./rule.ts";

const GRAMMAR = "IAM User Guide, Grammar of the IAM JSON policy language; aws-replication.md §10.1, §10.2";

export const DOCUMENT_RULES = {
  "unreadable-document": {
    severity: "error",
    title: "The file cannot be read as a document",
    remedy: "Correct it there: everything else in the file is unchecked until then",
    source: "the grammars of JSON, XML and YAML",
  },
  "repeated-member": {
    severity: "error",
    title: "A member stands twice in one object, and only the last one counts",
    remedy: "Join the two into one",
    source: "IAM User Guide, Grammar of the IAM JSON policy language",
  },
  "policy-not-an-object": {
    severity: "error",
    title: "The policy is not an object",
    remedy: 'Write {"Version": "2012-10-17", "Statement": […]}',
    source: GRAMMAR,
  },
  "policy-unknown-member": {
    severity: "error",
    title: "A member has a name that policies do not know",
    remedy: "Spell the name as the grammar has it; capitals count",
    source: GRAMMAR,
  },
  "policy-missing-member": {
    severity: "error",
    title: "A member that has to be there is missing",
    remedy: "Add it",
    source: GRAMMAR,
  },
  "policy-wrong-type": {
    severity: "error",
    title: "A value has the wrong type",
    remedy: "Write it as the grammar has it",
    source: GRAMMAR,
  },
  "policy-empty-list": {
    severity: "error",
    title: "A list is empty",
    remedy: "Give it an entry, or remove what it belongs to",
    source: GRAMMAR,
  },
  "policy-both-members": {
    severity: "error",
    title: "A member and its negation stand in one statement",
    remedy: "Keep one of the two",
    source: GRAMMAR,
  },
  "policy-bad-version": {
    severity: "error",
    title: "The version of the policy language does not exist",
    remedy: "Write 2012-10-17: it is the version of the language, not a date of your own",
    source: GRAMMAR,
  },
  "policy-bad-effect": {
    severity: "error",
    title: "The effect is neither Allow nor Deny",
    remedy: "Write Allow or Deny; capitals count",
    source: GRAMMAR,
  },
  "policy-bad-sid": {
    severity: "error",
    title: "IAM refuses the Sid",
    remedy: "Use letters and digits only",
    source: GRAMMAR,
  },
  "policy-repeated-sid": {
    severity: "error",
    title: "IAM refuses a Sid that stands twice",
    remedy: "Give each statement a Sid of its own, or none",
    source: GRAMMAR,
  },
  "policy-bad-action": {
    severity: "error",
    title: "An action is not written as one",
    remedy: "Write service:Action, such as s3:ReplicateObject",
    source: GRAMMAR,
  },
  "policy-bad-resource": {
    severity: "error",
    title: "A resource is not written as an ARN",
    remedy: "Write the ARN with its six parts, such as arn:aws:s3:::BUCKET/*",
    source: GRAMMAR,
  },
  "policy-bad-principal": {
    severity: "error",
    title: "A principal is not written as one",
    remedy:
      "Name an account, or the full ARN of a user, role or session: wildcards are for conditions on aws:PrincipalArn",
    source: GRAMMAR,
  },
  "policy-principal-not-allowed": {
    severity: "error",
    title: "An identity policy names a principal",
    remedy: "Remove it, or attach the policy to the bucket or the key instead",
    source: GRAMMAR,
  },
  "policy-resource-not-allowed": {
    severity: "error",
    title: "A trust policy names a resource",
    remedy: "Remove it: a trust policy is about its own role",
    source: GRAMMAR,
  },
  "policy-unknown-operator": {
    severity: "error",
    title: "There is no such condition operator",
    remedy: "Use one of String…, Arn…, Numeric…, Date…, Bool, IpAddress, NotIpAddress, BinaryEquals, Null",
    source: "aws-replication.md §10.2",
  },
  "policy-bad-condition-key": {
    severity: "error",
    title: "A condition key is not written as one",
    remedy: "Write service:name, such as aws:PrincipalArn",
    source: GRAMMAR,
  },
  "policy-bad-condition-value": {
    severity: "error",
    title: "The operator cannot compare with this value, so the condition never holds",
    remedy: "Bool takes true and false, IpAddress a CIDR block, Date… an ISO 8601 date, Numeric… a number",
    source: "aws-replication.md §10.2",
  },
  "policy-too-large": {
    severity: "error",
    title: "The policy is larger than its place takes",
    remedy: "Join statements, use wildcards, or split it into several policies",
    source: "IAM User Guide, IAM and AWS STS quotas; Amazon S3 User Guide, bucket policies; KMS quotas",
  },
  "policy-near-limit": {
    severity: "note",
    title: "The policy is larger than the usual quota of one of its places",
    remedy: "Attach it inline, ask for a higher quota, or make it shorter",
    source: "IAM User Guide, IAM and AWS STS quotas",
  },
  "version-without-variables": {
    severity: "warning",
    title: "The policy uses variables, which its version of the language takes literally",
    remedy: "Set Version to 2012-10-17",
    source: "aws-replication.md §10.2; IAM User Guide, elements: Version",
  },
  "version-old": {
    severity: "note",
    title: "The policy is written in the older version of the language",
    remedy: "Set Version to 2012-10-17",
    source: "IAM User Guide, elements: Version",
  },
  "duplicate-sid": {
    severity: "note",
    title: "Two statements have the same Sid, so messages cannot tell them apart",
    remedy: "Give each statement a Sid of its own, or none",
    source: "IAM User Guide, elements: Sid",
  },
  "duplicate-statement": {
    severity: "note",
    title: "A statement says what another one has said",
    remedy: "Remove one of the two",
    source: "aws-replication.md §10.1",
  },
} as const satisfies Record<string, LintRule>;
