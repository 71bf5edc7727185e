/**
 * A policy document after reading: what every statement says, in one shape.
 *
 * `parse.ts` makes it from JSON, `compile.ts` turns it into matchers. Nothing is interpreted here: patterns, operators
 * and keys are as they were written.
 */

/** Which rules of the language hold for a document: what its statements must have and must not have. */
export type DocumentKind =
  /** Attached to an identity, and everything in that form: permissions boundaries, session policies, SCPs. */
  | "identity"
  /** Attached to a resource, and everything in that form: bucket and key policies, RCPs, VPC endpoint policies. */
  | "resource"
  /** Says who may assume a role. */
  | "trust";

export interface PolicyDocument {
  /** A document without a version counts as the older one, which has no policy variables. */
  readonly version: "2008-10-17" | "2012-10-17";
  readonly id?: string;
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly sid?: string;
  readonly effect: "Allow" | "Deny";
  readonly principal?: PrincipalElement;
  readonly action: PatternElement;
  /** Absent in trust policies, where the role itself is the resource. */
  readonly resource?: PatternElement;
  /** All of them have to hold. */
  readonly conditions: readonly Condition[];
}

/** `Action` or `NotAction`, `Resource` or `NotResource`. */
export interface PatternElement {
  /** True for the `Not…` member: it covers what none of the patterns matches. */
  readonly not: boolean;
  readonly patterns: readonly string[];
}

/** `Principal` or `NotPrincipal`. The text `"*"` is one entry of type `*`. */
export interface PrincipalElement {
  readonly not: boolean;
  readonly entries: readonly PrincipalEntry[];
}

export interface PrincipalEntry {
  readonly type: "*" | "AWS" | "Service" | "Federated" | "CanonicalUser";
  readonly value: string;
}

/** One key under one operator. */
export interface Condition {
  /** With its set qualifier and `IfExists`, such as `ForAnyValue:StringLikeIfExists`. */
  readonly operator: string;
  readonly key: string;
  /** One of them has to match; numbers and booleans have become text. */
  readonly values: readonly string[];
}
