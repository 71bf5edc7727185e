/**
 * Everything that a diagnosis reads, as one document. `doctor/collect.ts` fills it; nothing in `core/diagnose` asks the
 * world for more.
 *
 * Every document is `Read`: its content, the knowledge that there is none, or the reason why it could not be read. What
 * could not be read lowers the confidence of what is concluded; it is never taken for "there is none".
 */
import type { DocumentValue } from "../config/document.ts";
import type { Grant } from "../iam/model.ts";
import type { AclGrant, InventorySetting, NotificationTarget, ObjectVersion } from "../model.ts";
import type { EncryptionSetting, ObjectLockSetting } from "./setting-documents.ts";

export type Read<T> =
  | { readonly state: "read"; readonly value: T }
  | { readonly state: "absent" }
  | { readonly state: "unreadable"; readonly because: string };

/** What a diagnosis reads besides the versions themselves. */
export interface Setup {
  readonly takenAtMs: number;
  readonly source: BucketFacts;
  /** By bucket ARN: one for every destination that a rule names. */
  readonly destinations: Readonly<Record<string, BucketFacts>>;
  readonly role: Read<RoleFacts>;
  /** By key ARN: keys of source versions and of rules. */
  readonly keys: Readonly<Record<string, Read<KeyFacts>>>;
  /** By Region: customer managed keys that a rule could name for its replicas. */
  readonly candidateKeys: Readonly<Record<string, readonly KeyFacts[]>>;
  /** "absent" when the account that asks is in none. */
  readonly organization: Read<OrganizationFacts>;
  /** When the oldest version that shows COMPLETED was written, where that is known beforehand. */
  readonly oldestCompletedMs?: number;
  /** What else could not be read, and why: sentences, sorted. */
  readonly unread?: readonly string[];
}

export interface Facts extends Setup {
  readonly versions: readonly VersionFacts[];
  /** Replicas whose version is not at the source any more; looked for only where one key is asked for. */
  readonly strays?: readonly Stray[];
}

export interface Stray {
  readonly destinationArn: string;
  readonly key: string;
  readonly versionId: string;
}

/** The organisation whose policies cap the accounts at hand. */
export interface OrganizationFacts {
  /** o-… */
  readonly id: string;
  /** Nothing caps it. */
  readonly managementAccountId: string;
  /**
   * By account that is known to be in it: where it stands, as `aws:PrincipalOrgPaths` says it (`o-…/r-…/ou-…/`);
   * "" when that could not be read.
   */
  readonly accounts: Readonly<Record<string, string>>;
  /** By account, from the root to the account itself; an empty list where this kind of policy is not in use. */
  readonly scps: Readonly<Record<string, readonly PolicyLevel[]>>;
  readonly rcps: Readonly<Record<string, readonly PolicyLevel[]>>;
  /** By account: why its policies are not known. */
  readonly unread: Readonly<Record<string, string>>;
}

/** What is attached to a root, an organisational unit or an account. */
export interface PolicyLevel {
  /** r-…, ou-… or the account's number. */
  readonly target: string;
  /** Documents are JSON text. */
  readonly policies: readonly { readonly id: string; readonly name: string; readonly document: string }[];
}

export interface BucketFacts {
  readonly name: string;
  readonly arn: string;
  /** The account that owns it, as far as it can be told. */
  readonly account: string;
  /** Whether the store says so; else it is what the rule names, or the account that asks. */
  readonly accountTold: boolean;
  /** Accounts of which the store says that they do not own it. */
  readonly notOwnedBy: readonly string[];
  /** Canonical user id of the owner. */
  readonly ownerId: Read<string>;
  /** "absent" when there is no such bucket. */
  readonly region: Read<string>;
  readonly versioning: Read<"Enabled" | "Suspended">;
  /** JSON text. */
  readonly policy: Read<string>;
  /** With the kinds that are refused; "NONE" among them stands for nothing. */
  readonly defaultEncryption: Read<EncryptionSetting>;
  /** Object Ownership; "absent" where nothing is set, which is `ObjectWriter`. */
  readonly ownership: Read<string>;
  /** "absent" when the bucket has no Object Lock. */
  readonly objectLock: Read<ObjectLockSetting>;
  readonly publicAccessBlock: Read<{ readonly blockPublicAcls: boolean }>;
  readonly requestPayer: Read<"BucketOwner" | "Requester">;
  /** In the JSON form; of the source only. */
  readonly replication: Read<DocumentValue>;
  /** Who is told of events; has no say in a diagnosis. */
  readonly notification?: Read<readonly NotificationTarget[]>;
  /** Has no say in a diagnosis; tells where reports of statuses lie. */
  readonly inventory?: Read<readonly InventorySetting[]>;
}

export interface RoleFacts {
  readonly arn: string;
  readonly name: string;
  /** AROA… */
  readonly roleId: string;
  /** JSON text. */
  readonly trust: string;
  readonly policies: readonly RolePolicy[];
  readonly boundary?: { readonly arn: string; readonly name: string; readonly document: string };
}

export interface RolePolicy {
  readonly kind: "inline" | "managed";
  readonly name: string;
  /** Of a managed policy. */
  readonly arn?: string;
  /** JSON text. */
  readonly document: string;
}

export type KeyState =
  | "Enabled"
  | "Disabled"
  | "PendingDeletion"
  | "PendingImport"
  | "PendingReplicaDeletion"
  | "Unavailable"
  | "Creating"
  | "Updating";

export interface KeyFacts {
  readonly arn: string;
  readonly state: KeyState;
  readonly aliases: readonly string[];
  readonly policy: Read<string>;
  readonly grants: Read<readonly Grant[]>;
  readonly managedBy: "customer" | "aws";
}

/** What of a version may be another at its replica. */
export type MetadataDifference = "tags" | "acl";

/** A version as it was seen, with what is known of its replication. */
export interface VersionFacts extends ObjectVersion {
  /** Tags themselves are read only where a rule asks for them; their number always. */
  readonly tagCount: number;
  readonly partsCount: number;
  /** Undefined where it is not known; both false in a bucket without Object Lock. */
  readonly retained?: boolean;
  readonly held?: boolean;
  /** Only where Object Ownership leaves objects to their writers. */
  readonly access?: AccessFacts;
  /** By destination bucket ARN; a destination that was not or could not be asked is not in it. */
  readonly replicas: Readonly<Record<string, "present" | "absent">>;
  /** What the engine (or an event, or a report) recorded of the last try. */
  readonly failures: readonly RecordedFailure[];
  /** Looked for only where one key is asked for. */
  readonly differs?: readonly MetadataDifference[];
  /** It was removed at the source for good: there is a record of it, and nothing else. */
  readonly gone?: true;
  /** Why nothing but its name is known; then status, encryption and tags say nothing. */
  readonly unreadable?: string;
  /** What is not known of it and decides why it has its status: what would have to be looked at. */
  readonly undecided?: string;
}

/** Who owns a version, and whom its access control list lets in. */
export interface AccessFacts {
  /** Canonical user id. */
  readonly ownerId: string;
  /** What the list gives to the bucket's owner; undefined when the list was not or could not be read. */
  readonly bucketOwnerMay?: readonly AclGrant["permission"][];
  /** Whether the list lets everybody in; undefined as above. */
  readonly isPublic?: boolean;
}

export interface RecordedFailure {
  readonly destinationArn: string;
  readonly ruleId: string;
  readonly code: string;
  readonly step: string;
  /** Whether it is tried again by itself. */
  readonly pending: boolean;
  readonly attempts: number;
  readonly firstAttemptAtMs?: number;
  readonly lastAttemptAtMs?: number;
  readonly nextTryAtMs?: number;
  readonly httpStatus?: number;
  readonly errorCode?: string;
  readonly message: string;
  /** Where it is known from, if not from an engine: an event of S3, a completion report of S3 Batch Operations. */
  readonly toldBy?: "event" | "report";
}
