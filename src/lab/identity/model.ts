/**
 * What IAM and STS keep. Records are immutable: a change replaces the whole record, so whatever was computed from one
 * (a compiled policy, a caller) is stale exactly when the object is another.
 *
 * Policy documents are kept as text, as they were given. Principals in trust policies are pinned (`principals.ts`).
 */

export interface Account {
  /** 12 digits. */
  readonly accountId: string;
  /** 64 hex digits. */
  readonly canonicalUserId: string;
  readonly createdAtMs: number;
}

export type Tags = Readonly<Record<string, string>>;

/** What users, roles and groups have in common: a name, and policies. */
export interface HolderBase {
  /** AIDA…, AROA… or AGPA…: unique for ever, unlike the name. */
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** Begins and ends with a slash. */
  readonly path: string;
  readonly createdAtMs: number;
  readonly tags: Tags;
  /** Documents of inline policies by name. */
  readonly inline: Readonly<Record<string, string>>;
  /** ARNs of managed policies, in the order in which they were attached. */
  readonly attached: readonly string[];
}

export interface User extends HolderBase {
  readonly kind: "user";
  /** ARN of a managed policy. */
  readonly boundary?: string;
  /** Ids of the groups that the user is in. */
  readonly groups: readonly string[];
}

export interface Role extends HolderBase {
  readonly kind: "role";
  readonly boundary?: string;
  /** The trust policy, principals pinned. */
  readonly trust: string;
  readonly description: string;
  readonly maxSessionSeconds: number;
}

export interface Group extends HolderBase {
  readonly kind: "group";
}

/** Whatever policies can be attached to. */
export type Holder = User | Role | Group;
export type HolderKind = Holder["kind"];

/** A customer managed policy. */
export interface ManagedPolicy {
  readonly arn: string;
  /** ANPA… */
  readonly id: string;
  /** `aws` for policies that AWS manages. */
  readonly accountId: string;
  readonly name: string;
  readonly path: string;
  readonly description: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly tags: Tags;
  /** 1..5 of them, the newest last. */
  readonly versions: readonly PolicyVersion[];
  readonly defaultVersionId: string;
  /** Numbers are never given twice. */
  readonly nextVersion: number;
}

export interface PolicyVersion {
  /** `v1`, `v2`, … */
  readonly id: string;
  readonly document: string;
  readonly createdAtMs: number;
}

export interface AccessKey {
  /** AKIA… */
  readonly accessKeyId: string;
  readonly accountId: string;
  /** Undefined: the account's root user. */
  readonly userId?: string;
  /** Base64, encrypted under the lab's root key. */
  readonly wrappedSecret: string;
  readonly active: boolean;
  readonly createdAtMs: number;
}

/** Temporary credentials of a role. */
export interface Session {
  /** ASIA… */
  readonly accessKeyId: string;
  readonly wrappedSecret: string;
  readonly token: string;
  readonly roleId: string;
  readonly sessionName: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  /** Documents of session policies; undefined when none was given, which limits nothing. */
  readonly policies?: readonly string[];
  /** Session tags; they go before the role's tags of the same name. */
  readonly tags: Tags;
  readonly sourceIdentity?: string;
  /** The AWS service that assumed the role for its own work. */
  readonly invokedBy?: string;
}

/** `arn:aws:iam::ACCOUNT:role/path/NAME` and the like. */
export function holderArn(holder: Pick<Holder, "kind" | "accountId" | "path" | "name">): string {
  return `arn:aws:iam::${holder.accountId}:${holder.kind}${holder.path}${holder.name}`;
}

/** `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`: the path is dropped. */
export function sessionArn(role: Role, sessionName: string): string {
  return `arn:aws:sts::${role.accountId}:assumed-role/${role.name}/${sessionName}`;
}
