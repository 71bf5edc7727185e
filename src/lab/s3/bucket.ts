/**
 * Buckets and their settings: immutable values, kept in memory as they are committed, one row each in `lab.db`.
 *
 * Whoever reads gets the committed bucket. Whoever writes versions asks `current` inside the transaction and gets the
 * bucket as the transaction sees it, so a PUT and a change of versioning have an order.
 */

import type { DocumentValue } from "../../core/config/document.ts";
import { parseReplication } from "../../core/config/parse.ts";
import type { CompiledPolicy } from "../../core/iam/compile.ts";
import type { AclGrant, EncryptionKind, ReplicationConfiguration, Retention, Tag } from "../../core/model.ts";
import type { Connection, Database, Row } from "../../ledger/database.ts";
import { s3Error } from "./errors.ts";
import type { NotificationConfiguration } from "./events/configuration.ts";
import type { StoredInventory } from "./inventory.ts";
import type { BucketLogging } from "./logging.ts";
import { compileBucketPolicy, isPolicyPublic } from "./policy-document.ts";

export interface Bucket {
  readonly id: number;
  readonly name: string;
  /** Account that owns the bucket and, where ACLs are disabled, everything in it. */
  readonly account: string;
  readonly region: string;
  readonly createdMs: number;
  /** Grows with every change of the row. */
  readonly revision: number;
  /** "" is a bucket that was never versioned. */
  readonly versioning: "" | "Enabled" | "Suspended";
  readonly settings: BucketSettings;
  /** Of `settings.policy`. */
  readonly policy?: CompiledPolicy;
  /** Whether that policy lets everybody in. */
  readonly policyIsPublic: boolean;
  /** Of `settings.replication`. */
  readonly replication?: ReplicationConfiguration;
  /** Whether versions can be protected; once it is so, it stays so. */
  readonly objectLock: boolean;
  /**
   * Whether everything in the bucket belongs to its owner, and ACLs are disabled. A bucket whose Object Ownership was
   * deleted is as buckets were before there was one.
   */
  readonly ownerEnforced: boolean;
}

/** What the configuration calls set, as it is stored. */
export interface BucketSettings {
  /** The document as it was put. */
  readonly policy?: string;
  readonly encryption?: BucketEncryption;
  readonly replication?: DocumentValue;
  readonly publicAccessBlock?: PublicAccessBlock;
  readonly ownership?: ObjectOwnership;
  /** Grants of the bucket's own ACL, where they are not the owner's alone. They sleep while ACLs are disabled. */
  readonly acl?: readonly AclGrant[];
  readonly requesterPays?: boolean;
  readonly tags?: readonly Tag[];
  readonly objectLock?: ObjectLockSettings;
  readonly notification?: NotificationConfiguration;
  readonly logging?: BucketLogging;
  /** In the order of their ids. */
  readonly inventories?: readonly StoredInventory[];
}

/** That they are there means that Object Lock is enabled. */
export interface ObjectLockSettings {
  readonly defaultRetention?: DefaultRetention;
}

/** What a new version is protected by, when its writer does not say. */
export type DefaultRetention = { readonly mode: Retention["mode"] } & (
  | { readonly days: number }
  | { readonly years: number }
);

export interface BucketEncryption {
  readonly kind: Extract<EncryptionKind, "SSE-S3" | "SSE-KMS" | "DSSE-KMS">;
  /** As it was put: a key id, ARN or alias. */
  readonly kmsKeyId?: string;
  readonly bucketKey: boolean;
  /** `SSE-C`: uploads with the customer's own keys are refused. `NONE`: nothing is. */
  readonly blockedTypes: readonly ("SSE-C" | "NONE")[];
}

/**
 * What a bucket has before anybody sets it: since April 2026 new buckets block SSE-C.
 *
 * @source aws-replication.md §2 row 8; https://docs.aws.amazon.com/AmazonS3/latest/userguide/blocking-unblocking-s3-c-encryption-gpb.html
 */
export const DEFAULT_ENCRYPTION: BucketEncryption = { kind: "SSE-S3", bucketKey: false, blockedTypes: ["SSE-C"] };

export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean;
  readonly ignorePublicAcls: boolean;
  readonly blockPublicPolicy: boolean;
  readonly restrictPublicBuckets: boolean;
}

export const OBJECT_OWNERSHIPS = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"] as const;
export type ObjectOwnership = (typeof OBJECT_OWNERSHIPS)[number];

/** What a change of a bucket replaces. */
export interface BucketChange {
  readonly versioning?: Bucket["versioning"];
  readonly settings?: BucketSettings;
}

export interface Buckets {
  /** The committed bucket. */
  find(name: string): Bucket | undefined;
  /** The bucket as the transaction sees it. @throws ServiceError NoSuchBucket when it was deleted meanwhile */
  current(connection: Connection, bucket: Bucket): Bucket;
  all(): Bucket[];
  /** In order of their names. */
  ofAccount(account: string): Bucket[];
  /** Fails with BucketAlreadyExists when somebody was faster. */
  create(bucket: Omit<PlainBucket, "revision">): Promise<Bucket>;
  /** `change` sees the bucket as the transaction does; what it throws is thrown. */
  update(bucket: Bucket, change: (now: Bucket) => BucketChange): Promise<Bucket>;
  /** `check` may refuse by throwing. */
  remove(bucket: Bucket, check: (connection: Connection) => void): Promise<void>;
}

export function openBuckets(database: Database): Buckets {
  const byName = new Map<string, Bucket>();
  const fromRow = (row: Row): Bucket => withDerived(bucketOfRow(row));
  for (const row of database.committed.prepare("SELECT * FROM s3_buckets").all()) {
    const bucket = fromRow(row);
    byName.set(bucket.name, bucket);
  }

  function current(connection: Connection, bucket: Bucket): Bucket {
    const row = connection.prepare("SELECT revision FROM s3_buckets WHERE id = ?").get(bucket.id);
    if (row === undefined) throw noSuchBucket(bucket.name);
    if (row["revision"] === bucket.revision) return bucket;
    const whole = connection.prepare("SELECT * FROM s3_buckets WHERE id = ?").get(bucket.id);
    return whole === undefined ? bucket : fromRow(whole);
  }

  return {
    find: (name) => byName.get(name),
    current,
    all: () => [...byName.values()],
    ofAccount: (account) =>
      [...byName.values()].filter((one) => one.account === account).sort((a, b) => (a.name < b.name ? -1 : 1)),

    async create(bucket) {
      const created = await database.write((connection) => {
        if (connection.prepare("SELECT 1 FROM s3_buckets WHERE name = ?").get(bucket.name) !== undefined) {
          throw s3Error("BucketAlreadyExists", { details: { BucketName: bucket.name } });
        }
        const fresh = withDerived({ ...bucket, revision: 1 });
        connection
          .prepare("INSERT INTO s3_buckets VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
          .run(
            fresh.id,
            fresh.name,
            fresh.account,
            fresh.region,
            fresh.createdMs,
            fresh.revision,
            fresh.versioning,
            JSON.stringify(fresh.settings),
          );
        return fresh;
      });
      byName.set(created.name, created);
      return created;
    },

    async update(bucket, change) {
      const updated = await database.write((connection) => {
        const now = current(connection, bucket);
        const next = change(now);
        const after = withDerived({
          ...now,
          versioning: next.versioning ?? now.versioning,
          settings: next.settings ?? now.settings,
          revision: now.revision + 1,
        });
        connection
          .prepare("UPDATE s3_buckets SET revision = ?, versioning = ?, settings = ? WHERE id = ?")
          .run(after.revision, after.versioning, JSON.stringify(after.settings), after.id);
        return after;
      });
      byName.set(updated.name, updated);
      return updated;
    },

    async remove(bucket, check) {
      await database.write((connection) => {
        current(connection, bucket);
        check(connection);
        connection.prepare("DELETE FROM s3_buckets WHERE id = ?").run(bucket.id);
      });
      if (byName.get(bucket.name)?.id === bucket.id) byName.delete(bucket.name);
    },
  };
}

export function noSuchBucket(name: string): Error {
  return s3Error("NoSuchBucket", { details: { BucketName: name } });
}

/** A bucket as its row has it. */
type PlainBucket = Omit<Bucket, "policy" | "policyIsPublic" | "replication" | "objectLock" | "ownerEnforced">;

function bucketOfRow(row: Row): PlainBucket {
  return {
    id: Number(row["id"]),
    name: String(row["name"]),
    account: String(row["account"]),
    region: String(row["region"]),
    createdMs: Number(row["created_ms"]),
    revision: Number(row["revision"]),
    versioning: String(row["versioning"]) as Bucket["versioning"],
    settings: JSON.parse(String(row["settings"])) as BucketSettings,
  };
}

/** Adds what follows from the settings, once per change. */
function withDerived(bucket: PlainBucket): Bucket {
  const { id, name, account, region, createdMs, revision, versioning, settings } = bucket;
  const { policy } = settings;
  const { configuration } = settings.replication === undefined ? {} : parseReplication(settings.replication);
  return {
    id,
    name,
    account,
    region,
    createdMs,
    revision,
    versioning,
    settings,
    ...(policy === undefined ? {} : { policy: compileBucketPolicy(policy, name) }),
    policyIsPublic: policy !== undefined && isPolicyPublic(policy),
    ...(configuration === undefined ? {} : { replication: configuration }),
    objectLock: settings.objectLock !== undefined,
    ownerEnforced: settings.ownership === "BucketOwnerEnforced",
  };
}
