/**
 * What KMS keeps. Records are immutable: a change replaces the whole record.
 *
 * A key is, by `state`:
 * - *Enabled*: it encrypts and decrypts. Left by DisableKey and ScheduleKeyDeletion.
 * - *Disabled*: everything but cryptography. Left by EnableKey and ScheduleKeyDeletion.
 * - *PendingDeletion*: it can be looked at, and saved by CancelKeyDeletion, which leaves it Disabled. When the lab's
 *   clock reaches `deletionAtMs` it is gone, with its aliases and grants, and what it encrypted is lost.
 * - *PendingImport*: a key of origin EXTERNAL; it has no material, and importing some is not emulated.
 * - *Unavailable*, *Creating*, *Updating*: never entered by an operation; tests put keys there.
 *
 * @source aws-replication.md §10.4
 */
import type { Grant } from "../../core/iam/model.ts";

/** An account and region: where bare key ids and alias names belong. */
export interface Home {
  readonly accountId: string;
  readonly region: string;
}

export type KeyState =
  | "Enabled"
  | "Disabled"
  | "PendingDeletion"
  | "PendingImport"
  | "Unavailable"
  | "Creating"
  | "Updating";

/** A symmetric encryption key. */
export interface Key {
  /** A UUID, unique over all accounts and regions of the lab. */
  readonly keyId: string;
  readonly accountId: string;
  readonly region: string;
  readonly description: string;
  /** AWS: made by the lab for a service, such as `aws/s3`. */
  readonly manager: "AWS" | "CUSTOMER";
  readonly origin: "AWS_KMS" | "EXTERNAL";
  readonly state: KeyState;
  readonly createdAtMs: number;
  /** While PendingDeletion. */
  readonly deletionAtMs?: number;
  /** The key policy, principals pinned. */
  readonly policy: string;
  readonly tags: Readonly<Record<string, string>>;
  /** 256 bits in base64, encrypted under the lab's root key. Undefined for origin EXTERNAL. */
  readonly wrappedMaterial?: string;
  /** Set while automatic rotation is on. The lab tells so, and never rotates. */
  readonly rotationPeriodDays?: number;
}

export interface Alias {
  readonly arn: string;
  readonly accountId: string;
  readonly region: string;
  /** With its `alias/`. */
  readonly name: string;
  readonly keyId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A grant as the evaluator takes it, and what else is kept of it. */
export interface KeyGrant extends Grant {
  readonly keyId: string;
  readonly name?: string;
  readonly retiringPrincipal?: string;
  /** ARN of the account whose principal made it. */
  readonly issuingAccount: string;
  readonly createdAtMs: number;
  /** Names the grant in RetireGrant. Grants of the lab work at once, with or without their token. */
  readonly token: string;
}

export function keyArn(key: Pick<Key, "accountId" | "region" | "keyId">): string {
  return `arn:aws:kms:${key.region}:${key.accountId}:key/${key.keyId}`;
}

export function aliasArn(alias: Pick<Alias, "accountId" | "region" | "name">): string {
  return `arn:aws:kms:${alias.region}:${alias.accountId}:${alias.name}`;
}
