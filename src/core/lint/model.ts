/** What goes into `lint` and what comes out. */
import type { PlacedValue } from "./places.ts";
import type { Severity } from "./rules/rule.ts";
import type { LintRuleId } from "./rules.ts";

export const LINT_KINDS = ["replication", "role-policy", "trust-policy", "bucket-policy", "key-policy"] as const;
export type LintKind = (typeof LINT_KINDS)[number];
export type PolicyLintKind = Exclude<LintKind, "replication">;

export interface LintDocument extends PlacedValue {
  /** As it was named on the command line. */
  readonly file: string;
  readonly kind: LintKind;
}

/** What is known besides the documents; whatever is absent is not checked. */
export interface LintOptions {
  /** Name of the source bucket: a configuration does not say whose it is. */
  readonly source?: string;
  readonly sourceRegion?: string;
  readonly destinationRegion?: string;
}

/** An answer of AWS that the problem would bring. */
export interface AwsRefusal {
  readonly code: string;
  readonly status: number;
  readonly message?: string;
}

/** Something wrong with one document. */
export interface Problem {
  readonly rule: LintRuleId;
  /** `Rules[0].Filter.Prefix`; "" is the whole document. */
  readonly path: string;
  /** What is wrong, with the values at hand. */
  readonly says: string;
  /** Instead of the rule's own, where more is known. */
  readonly remedy?: string;
  readonly aws?: AwsRefusal;
}

/** A problem in its file. */
export interface LintFinding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly rule: LintRuleId;
  readonly severity: Severity;
  readonly says: string;
  readonly remedy: string;
  readonly aws?: AwsRefusal;
  readonly unconfirmed?: true;
}
