/**
 * Which calls change what replication depends on, what each of them is about, and which of them can be behind which
 * failure. This table is the doctor's memory of how replication breaks.
 *
 * @source aws-replication.md §5.1–5.5, §9.3
 */
import { parseArn } from "../arn.ts";
import { type FailureCode, failureEntry, type PatchTarget } from "../failures/catalogue.ts";
import type { FailureClass } from "../failures/entry.ts";
import type { DenyingPolicy } from "./denial-text.ts";
import { type TrailRecord, textOf } from "./trail-record.ts";

/** What a change is a change of. */
export type ChangeArea =
  | "role"
  | "rolePolicy"
  | "boundary"
  | "trust"
  | "bucketPolicy"
  | "ownership"
  | "organization"
  | "keyPolicy"
  | "keyState"
  | "versioning"
  | "replication"
  | "encryption"
  | "objectLock"
  | "bucket";

export interface Change {
  readonly atMs: number;
  /** `PutBucketPolicy` */
  readonly event: string;
  readonly areas: readonly ChangeArea[];
  readonly by: string;
  readonly eventId: string;
  /** What the change is about, where the event tells it. */
  readonly bucket?: string;
  readonly role?: string;
  /** ARN or id. */
  readonly key?: string;
  /** Of a managed policy or an organisation's. */
  readonly policy?: string;
}

const S3: Readonly<Record<string, readonly ChangeArea[]>> = {
  CreateBucket: ["bucket"],
  DeleteBucket: ["bucket"],
  PutBucketPolicy: ["bucketPolicy"],
  DeleteBucketPolicy: ["bucketPolicy"],
  PutBucketOwnershipControls: ["ownership"],
  DeleteBucketOwnershipControls: ["ownership"],
  PutBucketPublicAccessBlock: ["ownership"],
  DeleteBucketPublicAccessBlock: ["ownership"],
  PutBucketAcl: ["ownership"],
  PutBucketRequestPayment: ["ownership"],
  PutBucketVersioning: ["versioning"],
  PutBucketReplication: ["replication"],
  DeleteBucketReplication: ["replication"],
  PutBucketEncryption: ["encryption"],
  DeleteBucketEncryption: ["encryption"],
  PutBucketObjectLockConfiguration: ["objectLock"],
};

const IAM: Readonly<Record<string, readonly ChangeArea[]>> = {
  CreateRole: ["role", "trust"],
  DeleteRole: ["role", "trust"],
  UpdateAssumeRolePolicy: ["trust"],
  PutRolePolicy: ["rolePolicy"],
  DeleteRolePolicy: ["rolePolicy"],
  AttachRolePolicy: ["rolePolicy"],
  DetachRolePolicy: ["rolePolicy"],
  // A managed policy may be a role's policy or its boundary.
  CreatePolicyVersion: ["rolePolicy", "boundary"],
  SetDefaultPolicyVersion: ["rolePolicy", "boundary"],
  PutRolePermissionsBoundary: ["boundary"],
  DeleteRolePermissionsBoundary: ["boundary"],
};

const KMS: Readonly<Record<string, readonly ChangeArea[]>> = {
  PutKeyPolicy: ["keyPolicy"],
  CreateGrant: ["keyPolicy"],
  RetireGrant: ["keyPolicy"],
  RevokeGrant: ["keyPolicy"],
  EnableKey: ["keyState"],
  DisableKey: ["keyState"],
  ScheduleKeyDeletion: ["keyState"],
  CancelKeyDeletion: ["keyState"],
  DeleteImportedKeyMaterial: ["keyState"],
  ImportKeyMaterial: ["keyState"],
};

const ORGANIZATIONS: Readonly<Record<string, readonly ChangeArea[]>> = {
  AttachPolicy: ["organization"],
  DetachPolicy: ["organization"],
  UpdatePolicy: ["organization"],
  EnablePolicyType: ["organization"],
  DisablePolicyType: ["organization"],
  MoveAccount: ["organization"],
  InviteAccountToOrganization: ["organization"],
  RemoveAccountFromOrganization: ["organization"],
};

const EVENTS: Readonly<Record<string, Readonly<Record<string, readonly ChangeArea[]>>>> = {
  "s3.amazonaws.com": S3,
  "iam.amazonaws.com": IAM,
  "kms.amazonaws.com": KMS,
  "organizations.amazonaws.com": ORGANIZATIONS,
};

/** Undefined for calls that failed, and for those that change nothing that replication depends on. */
export function changeOf(record: TrailRecord): Change | undefined {
  const events = Object.hasOwn(EVENTS, record.source) ? EVENTS[record.source] : undefined;
  if (events === undefined || !Object.hasOwn(events, record.name)) return undefined;
  if (record.errorCode !== undefined) return undefined;
  const { parameters, resources } = record;
  const bucket = textOf(parameters, "bucketName");
  const role = textOf(parameters, "roleName");
  const key = record.source === "kms.amazonaws.com" ? (resources[0] ?? textOf(parameters, "keyId")) : undefined;
  const policy = textOf(parameters, "policyArn") ?? textOf(parameters, "policyId");
  return {
    atMs: record.atMs,
    event: record.name,
    areas: events[record.name] ?? [],
    by: record.by,
    eventId: record.eventId,
    ...(bucket === undefined ? {} : { bucket }),
    ...(role === undefined ? {} : { role }),
    ...(key === undefined ? {} : { key }),
    ...(policy === undefined ? {} : { policy }),
  };
}

/** What failed, as far as a change can be behind it. */
export interface Broken {
  readonly code: FailureCode;
  /** The kind of policy that denied, where an answer told it. */
  readonly policy?: DenyingPolicy["kind"];
  readonly action?: string;
  /** Names of the buckets that are involved. */
  readonly buckets: readonly string[];
  /** The role's name. */
  readonly role?: string;
  /** ARNs of keys. */
  readonly keys: readonly string[];
  /** Where it is known what would mend it: that has been changed. */
  readonly areas?: readonly ChangeArea[];
}

const ACCESS: readonly ChangeArea[] = [
  "role",
  "rolePolicy",
  "boundary",
  "bucketPolicy",
  "ownership",
  "organization",
  "keyPolicy",
  "replication",
];

const BY_POLICY: Readonly<Record<DenyingPolicy["kind"], readonly ChangeArea[]>> = {
  // A configuration with another role, or that asks for more, needs other permissions.
  identity: ["role", "rolePolicy", "replication"],
  resource: ["bucketPolicy", "keyPolicy", "replication"],
  boundary: ["boundary"],
  session: [],
  scp: ["organization"],
  rcp: ["organization"],
  vpcEndpoint: [],
  grant: ["keyPolicy"],
  trust: ["trust", "role", "replication"],
};

const BY_CODE: Readonly<Partial<Record<FailureCode, readonly ChangeArea[]>>> = {
  AssumeRoleNotPermitted: ["trust", "role", "organization", "replication"],
  SrcKmsKeyInvalidState: ["keyState"],
  DstKmsKeyInvalidState: ["keyState", "replication", "encryption"],
  DstKmsKeyNotFound: ["keyState", "replication", "encryption"],
  DstBucketUnversioned: ["versioning", "bucket", "replication"],
  DstBucketNotFound: ["bucket", "replication"],
  DstBucketObjectLockConfigMissing: ["objectLock", "bucket", "replication"],
  SrcBucketNotFound: ["bucket"],
};

const BY_CLASS: Readonly<Record<FailureClass, readonly ChangeArea[]>> = {
  permission: ACCESS,
  configuration: ["replication", "versioning", "objectLock", "encryption", "ownership", "bucket"],
  storage: [],
  encryption: ["keyState", "keyPolicy", "encryption", "replication"],
  integrity: [],
  eligibility: ["replication", "versioning"],
  transient: [],
  network: [],
  unknown: [...ACCESS, "trust", "keyState", "versioning", "encryption", "objectLock", "bucket"],
};

/** What changes can be behind a failure. None for what no change of configuration makes: networks, throttling. */
export function areasBehind({ code, policy, areas }: Broken): readonly ChangeArea[] {
  if (areas !== undefined) return areas;
  if (policy !== undefined) return BY_POLICY[policy];
  return BY_CODE[code] ?? (code.endsWith("NotPermitted") ? ACCESS : BY_CLASS[failureEntry(code).class]);
}

/** Whether a change can be behind it: "certain" where it is about the same thing, "possible" where that is not told. */
export function bearing(change: Change, broken: Broken): "certain" | "possible" | "none" {
  const areas = areasBehind(broken);
  if (!change.areas.some((one) => areas.includes(one))) return "none";
  // A rule may be the source's, of which the logs of a destination know nothing.
  if (change.areas.includes("replication"))
    return broken.buckets.includes(change.bucket ?? "") ? "certain" : "possible";
  if (change.bucket !== undefined) return broken.buckets.includes(change.bucket) ? "certain" : "none";
  if (change.role !== undefined) return agree(change.role, broken.role);
  if (change.key !== undefined) {
    if (broken.keys.length === 0) return broken.action?.startsWith("s3:") === true ? "none" : "possible";
    return broken.keys.some((one) => keyId(one) === keyId(change.key ?? "")) ? "certain" : "none";
  }
  return "possible";
}

function agree(one: string, other: string | undefined): "certain" | "possible" | "none" {
  return other === undefined ? "possible" : one === other ? "certain" : "none";
}

function keyId(arn: string): string {
  return (parseArn(arn)?.resource ?? arn).replace(/^key\//, "");
}

/** What a change is about, in a few words. */
export function changedThing({ bucket, role, key, policy }: Change): string | undefined {
  if (bucket !== undefined) return bucket;
  if (role !== undefined) return `role ${role}`;
  if (key !== undefined) return `key ${keyId(key)}`;
  return policy === undefined ? undefined : `policy ${policy}`;
}

const BY_DOCUMENT: Readonly<Record<PatchTarget, readonly ChangeArea[]>> = {
  replication: ["replication", "bucket"],
  "bucket-policy": ["bucketPolicy", "bucket"],
  "iam-role-policy": ["rolePolicy", "role"],
  "iam-role": ["role"],
  "iam-trust-policy": ["trust"],
  "iam-boundary-policy": ["boundary"],
  "organization-policy": ["organization"],
  "kms-key-policy": ["keyPolicy"],
  "kms-key-state": ["keyState"],
  versioning: ["versioning", "bucket"],
  encryption: ["encryption", "bucket"],
  ownership: ["ownership", "bucket"],
  "object-lock": ["objectLock", "bucket"],
  "request-payment": ["ownership", "bucket"],
};

/** What a change is a change of, if it changed this document. */
export function areasOfDocument(target: PatchTarget): readonly ChangeArea[] {
  return BY_DOCUMENT[target];
}
