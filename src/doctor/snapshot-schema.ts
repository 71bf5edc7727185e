/**
 * The schema of a snapshot: every member of the facts, checked before anything is concluded from it.
 *
 * Each object is written against its type, so that a member that facts gain is a compile error here until it is read back
 * too. Members that are not known are left out, so a file of a newer program is understood.
 */
import { z } from "zod";
import type { DocumentValue } from "../core/config/document.ts";
import type { Alike, Sample } from "../core/diagnose/diagnose.ts";
import type {
  AccessFacts,
  BucketFacts,
  KeyFacts,
  OrganizationFacts,
  PolicyLevel,
  Read,
  RecordedFailure,
  RoleFacts,
  RolePolicy,
  Setup,
  VersionFacts,
} from "../core/diagnose/facts.ts";
import type { EncryptionSetting, ObjectLockSetting } from "../core/diagnose/setting-documents.ts";
import type { Grant } from "../core/iam/model.ts";
import type { InventorySetting, NotificationTarget, Tag } from "../core/model.ts";
import type { Snapshot, SnapshotCaller } from "./snapshot.ts";

/** JSON has no undefined, and the parser adds none: what is optional is there or is not. */
function members<T extends object>(shape: { readonly [K in keyof T]-?: z.ZodType<T[K] | undefined> }): z.ZodType<T> {
  return z.object(shape) as unknown as z.ZodType<T>;
}

function read<T>(value: z.ZodType<T>): z.ZodType<Read<T>> {
  return z.discriminatedUnion("state", [
    z.object({ state: z.literal("read"), value }),
    z.object({ state: z.literal("absent") }),
    z.object({ state: z.literal("unreadable"), because: z.string() }),
  ]);
}

const text = z.string();
const texts = z.array(text).readonly();
const flag = z.boolean();
/** What a Date can hold, to either side. */
const TIME_MS_MAX = 8_640_000_000_000_000;
const atMs = z.number().min(-TIME_MS_MAX).max(TIME_MS_MAX);
const count = z.number().int().nonnegative();
const mapOf = <T>(value: z.ZodType<T>) => z.record(text, value).readonly();
const listOf = <T>(value: z.ZodType<T>) => z.array(value).readonly();

const ENCRYPTION_KINDS = ["NOT-SSE", "SSE-S3", "SSE-KMS", "DSSE-KMS", "SSE-C"] as const;
const encryption = { kind: z.enum(ENCRYPTION_KINDS), kmsKeyArn: text.optional(), bucketKey: flag.optional() };
const document: z.ZodType<DocumentValue> = z.json();

const bucket = members<BucketFacts>({
  name: text.min(1),
  arn: text.min(1),
  account: text,
  accountTold: flag,
  notOwnedBy: texts,
  ownerId: read(text),
  region: read(text),
  versioning: read(z.enum(["Enabled", "Suspended"])),
  policy: read(text),
  defaultEncryption: read(members<EncryptionSetting>({ ...encryption, blocked: texts.optional() })),
  ownership: read(text),
  objectLock: read(
    members<ObjectLockSetting>({
      defaultRetention: members<NonNullable<ObjectLockSetting["defaultRetention"]>>({
        mode: z.enum(["GOVERNANCE", "COMPLIANCE"]),
        days: z.number().optional(),
        years: z.number().optional(),
      }).optional(),
    }),
  ),
  publicAccessBlock: read(z.object({ blockPublicAcls: flag })),
  requestPayer: read(z.enum(["BucketOwner", "Requester"])),
  replication: read(document),
  notification: read(
    listOf(
      members<NotificationTarget>({
        kind: z.enum(["queue", "topic", "function", "eventBridge"]),
        arn: text.optional(),
        events: texts,
        prefix: text.optional(),
        suffix: text.optional(),
      }),
    ),
  ).optional(),
  inventory: read(
    listOf(
      members<InventorySetting>({
        id: text,
        isEnabled: flag,
        prefix: text.optional(),
        versions: z.enum(["All", "Current"]),
        frequency: text,
        fields: texts,
        destinationArn: text,
        destinationPrefix: text.optional(),
        format: text,
      }),
    ),
  ).optional(),
});

const role = members<RoleFacts>({
  arn: text,
  name: text,
  roleId: text,
  trust: text,
  policies: listOf(
    members<RolePolicy>({ kind: z.enum(["inline", "managed"]), name: text, arn: text.optional(), document: text }),
  ),
  boundary: z.object({ arn: text, name: text, document: text }).optional(),
});

const KEY_STATES = [
  "Enabled",
  "Disabled",
  "PendingDeletion",
  "PendingImport",
  "PendingReplicaDeletion",
  "Unavailable",
  "Creating",
  "Updating",
] as const;

const key = members<KeyFacts>({
  arn: text,
  state: z.enum(KEY_STATES),
  aliases: texts,
  policy: read(text),
  grants: read(
    listOf(
      members<Grant>({
        grantId: text,
        granteePrincipal: text,
        operations: texts,
        encryptionContextEquals: mapOf(text).optional(),
        encryptionContextSubset: mapOf(text).optional(),
        sourceArn: text.optional(),
      }),
    ),
  ),
  managedBy: z.enum(["customer", "aws"]),
});

const levels = mapOf(
  listOf(members<PolicyLevel>({ target: text, policies: listOf(z.object({ id: text, name: text, document: text })) })),
);

const setup = members<Setup>({
  takenAtMs: atMs,
  source: bucket,
  destinations: mapOf(bucket),
  role: read(role),
  keys: mapOf(read(key)),
  candidateKeys: mapOf(listOf(key)),
  organization: read(
    members<OrganizationFacts>({
      id: text,
      managementAccountId: text,
      accounts: mapOf(text),
      scps: levels,
      rcps: levels,
      unread: mapOf(text),
    }),
  ),
  oldestCompletedMs: atMs.optional(),
  unread: texts.optional(),
});

const version = members<VersionFacts>({
  bucket: text,
  key: text,
  versionId: text,
  isDeleteMarker: flag,
  byLifecycle: flag.optional(),
  sizeBytes: count,
  etag: text,
  lastModifiedMs: atMs,
  storageClass: text,
  encryption: z.object(encryption) as unknown as z.ZodType<VersionFacts["encryption"]>,
  tags: listOf(members<Tag>({ key: text, value: text })),
  replicationStatus: z.enum(["PENDING", "COMPLETED", "FAILED", "REPLICA"]).optional(),
  archiveStatus: text.optional(),
  tagCount: count,
  partsCount: count,
  retained: flag.optional(),
  held: flag.optional(),
  access: members<AccessFacts>({
    ownerId: text,
    bucketOwnerMay: listOf(z.enum(["FULL_CONTROL", "READ", "READ_ACP", "WRITE", "WRITE_ACP"])).optional(),
    isPublic: flag.optional(),
  }).optional(),
  replicas: mapOf(z.enum(["present", "absent"])),
  failures: listOf(
    members<RecordedFailure>({
      destinationArn: text,
      ruleId: text,
      code: text,
      step: text,
      pending: flag,
      attempts: count,
      firstAttemptAtMs: atMs.optional(),
      lastAttemptAtMs: atMs.optional(),
      nextTryAtMs: atMs.optional(),
      httpStatus: z.number().optional(),
      errorCode: text.optional(),
      message: text,
      toldBy: z.enum(["event", "report"]).optional(),
    }),
  ),
  differs: listOf(z.enum(["tags", "acl"])).optional(),
  gone: z.literal(true).optional(),
  unreadable: text.optional(),
  undecided: text.optional(),
});

const alike = members<Alike>({
  version,
  versions: z.number().int().positive(),
  bytes: count,
  sinceMs: atMs,
  samples: listOf(members<Sample>({ key: text, versionId: text })),
});

export const SNAPSHOT = members<Snapshot>({
  format: z.literal("lockstep-snapshot"),
  version: z.literal(1),
  takenAt: z.iso.datetime(),
  caller: members<SnapshotCaller>({ accountId: text, arn: text.optional(), endpoint: text }),
  prefix: text.optional(),
  masked: listOf(z.enum(["accounts", "keys"])).optional(),
  setup,
  alike: listOf(alike),
});

/** The first of what is wrong, by its path, and how many there are. */
export function issueIn({ issues }: z.core.$ZodError, value: unknown): string {
  const [first] = issues;
  if (first === undefined) return "it cannot be read";
  const path = first.path.map((one) => (typeof one === "number" ? `[${one}]` : `.${String(one)}`)).join("");
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  const where = path === "" ? "the document" : path.replace(/^\./, "");
  const missing = isThere(value, first.path) ? "" : ": it is not there";
  return `${where}: ${first.message}${missing}${more}; take the snapshot again, or correct it`;
}

function isThere(value: unknown, path: readonly PropertyKey[]): boolean {
  let at = value;
  for (const step of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, step)) return false;
    at = (at as Readonly<Record<PropertyKey, unknown>>)[step];
  }
  return true;
}
