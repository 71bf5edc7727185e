/**
 * The questions that the policy evaluator answers, and the shape of its answers.
 *
 * A policy document is compiled once (`compile.ts`) and evaluated often (`evaluate.ts`). Every answer names the
 * deciding statement, or the kind of policy that lacks an allow.
 */

/** Who asks. ARNs are full; a role's ARN carries its path, its session's ARN does not. */
export type Principal =
  | { readonly kind: "root"; readonly accountId: string; readonly canonicalUserId?: string; readonly arn: string }
  | {
      readonly kind: "user";
      readonly accountId: string;
      /** The 64 hex digits by which S3 calls the account; without it `CanonicalUser` principals match nobody. */
      readonly canonicalUserId?: string;
      readonly arn: string;
      readonly userId: string;
    }
  | {
      readonly kind: "session";
      readonly accountId: string;
      readonly canonicalUserId?: string;
      /** `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION` */
      readonly arn: string;
      readonly roleArn: string;
      /** The role's unique id, AROA…; stored policies refer to it, so a recreated role is another principal. */
      readonly roleId: string;
      readonly sessionName: string;
    }
  | { readonly kind: "service"; readonly service: string }
  | { readonly kind: "anonymous" };

/**
 * Values of condition keys, keys in lower case. Multi-valued keys hold arrays. Keys that the request does not
 * carry are absent, which conditions can tell from empty.
 */
export type RequestContext = Readonly<Record<string, string | readonly string[]>>;

export interface AccessRequest {
  readonly principal: Principal;
  /** `service:Action`, in AWS's spelling. */
  readonly action: string;
  /** Full ARN of the resource that is acted on. */
  readonly resource: string;
  /** The account that owns the resource: decides whether both sides must allow. */
  readonly resourceAccount: string;
  readonly context: RequestContext;
}

/** Which kind of document a statement stands in; the words of AWS's enhanced AccessDenied message follow from it. */
export type PolicyKind = "identity" | "resource" | "boundary" | "session" | "scp" | "rcp" | "vpcEndpoint" | "grant";

/** Where a document comes from, for people: `inline policy "replicate" of role photos-replication`. */
export interface PolicySource {
  readonly kind: PolicyKind;
  readonly name: string;
  /** ARN of what it is attached to, where it has one. */
  readonly attachedTo?: string;
}

/** Which statement decided. */
export interface StatementRef {
  readonly source: PolicySource;
  readonly sid?: string;
  /** From 0, in document order. */
  readonly index: number;
  readonly effect: "Allow" | "Deny";
}

/** A statement that would have applied but for one thing, and what that thing is. */
export interface NearMiss {
  readonly statement: StatementRef;
  readonly failed: "principal" | "action" | "resource" | "condition";
  /** What the statement says there, and what the request has, for a person to read. */
  readonly expected: string;
  readonly actual: string;
  /** The conditions that do not hold, when that is what failed; never empty then. */
  readonly conditions?: readonly FailedCondition[];
}

/** A condition that does not hold for a request. */
export interface FailedCondition {
  readonly operator: string;
  readonly key: string;
  /** What the policy asks for; one of them would do. */
  readonly values: readonly string[];
  /** Absent when the request does not carry the key. */
  readonly actual?: string | readonly string[];
}

export type Decision =
  | {
      readonly allowed: true;
      readonly by: StatementRef | "accountRoot";
      /** The resource's side, where it had to allow besides an identity policy: across accounts, or by delegation. */
      readonly andBy?: StatementRef;
    }
  | { readonly allowed: false; readonly because: "explicitDeny"; readonly by: StatementRef }
  | {
      readonly allowed: false;
      readonly because: "noAllow";
      /** The kind of policy that would have to allow and does not; several when each of them has to. */
      readonly missing: readonly PolicyKind[];
    };

/**
 * How much weight the resource's own policy has.
 *
 * `either`: within an account an identity policy or the resource policy is enough (S3 buckets). `resource`: the
 * resource policy must allow, directly or by delegating to the account (role trust policies, KMS key policies).
 *
 * @source aws-replication.md §10.3
 */
export type ResourceRule = "either" | "resource";

/** A KMS grant: allow-only, for one principal on one key. */
export interface Grant {
  readonly grantId: string;
  readonly granteePrincipal: string;
  /** Operation names without the `kms:`, such as `Encrypt`. */
  readonly operations: readonly string[];
  readonly encryptionContextEquals?: Readonly<Record<string, string>>;
  readonly encryptionContextSubset?: Readonly<Record<string, string>>;
  /** The resource on whose behalf a request has to be made: its `aws:SourceArn`. */
  readonly sourceArn?: string;
}
