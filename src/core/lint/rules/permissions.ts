/** The rules about documents that are checked together: what replication needs and they do not allow. */
import type { LintRule } from "./rule.ts";

export const PERMISSION_RULES = {
  "permission-missing": {
    severity: "error",
    title: "Replication needs an action that the policies deny",
    remedy: "Allow the action to the replication role",
    source: "aws-replication.md §5.1, §5.4",
  },
  "permission-missing-for-tags": {
    severity: "warning",
    title: "Versions with tags are FAILED: an action on tags is denied",
    remedy: "Allow the action to the replication role, unless no version has tags",
    source: "aws-replication.md §3.4",
  },
  "permission-missing-for-bucket-keys": {
    severity: "note",
    title: "Versions with a bucket key are FAILED: an action on the key is denied",
    remedy: "Allow the action with the bucket's ARN as encryption context, if the source uses bucket keys",
    source: "aws-replication.md §5.3",
  },
  "permission-not-in-role-policy": {
    severity: "warning",
    title: "The role's policies do not allow an action that replication needs",
    remedy: "Allow the action in the role's policy, or give the bucket's or key's policy to this command too",
    source: "aws-replication.md §5.1, §10.3",
  },
  "decrypt-nowhere": {
    severity: "warning",
    title: "A rule selects versions that KMS encrypts, and the role may decrypt nothing",
    remedy: "Allow kms:Decrypt on the source's key, unless its key policy allows it to the role itself",
    source: "aws-replication.md §11.3 row 37",
  },
} as const satisfies Record<string, LintRule>;
