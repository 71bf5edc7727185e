/** What the catalogue says of one reason: its shape, and the closed lists of which it is made. */

export type FailureClass =
  | "permission"
  | "configuration"
  | "storage"
  | "encryption"
  | "integrity"
  | "eligibility"
  | "transient"
  | "network"
  | "unknown";

/**
 * What can show that something is so: a policy as it was evaluated, a setting of a bucket or role, a KMS key, an object
 * as it is, a line of a log, an event or report, an answer of a store.
 */
export type EvidenceKind = "policy" | "config" | "key" | "object" | "log" | "event" | "response";

/** The documents that a patch can change. */
export type PatchTarget =
  /** A role as such: there or not, with its trust policy. */
  | "iam-role"
  | "iam-role-policy"
  | "iam-trust-policy"
  /** The managed policy that is a role's permissions boundary. */
  | "iam-boundary-policy"
  /** A service control policy or resource control policy of AWS Organizations. */
  | "organization-policy"
  | "bucket-policy"
  | "replication"
  | "versioning"
  /** Object Ownership of a bucket. */
  | "ownership"
  /** Default encryption of a bucket, and the kinds that it refuses. */
  | "encryption"
  | "object-lock"
  /** Who pays for requests to a bucket. */
  | "request-payment"
  | "kms-key-policy"
  | "kms-key-state";

export interface FailureEntry {
  readonly origin: "aws" | "lockstep";
  readonly class: FailureClass;
  /** One sentence: what happened. */
  readonly title: string;
  readonly retry: "never" | "later";
  /** One sentence: what to do. */
  readonly remedy: string;
  /** Kinds of evidence that show it; every cause of this code has one of them. */
  readonly evidence: readonly EvidenceKind[];
  /** What a patch for it may change; without any a person decides. */
  readonly patch?: readonly PatchTarget[];
  /** What only a person can decide: always, or where no patch can be made. "Nothing": it is over, or passes by itself. */
  readonly decision?: string;
  readonly source: string;
}
