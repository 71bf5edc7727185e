/**
 * The healthy set-up, made by the unmodified AWS SDK: two buckets in two Regions and, unless asked otherwise, in two
 * accounts, a key for each, a role that may do exactly what replication needs, and one rule. And hands to change it.
 */
import { IAM } from "@aws-sdk/client-iam";
import { KMS } from "@aws-sdk/client-kms";
import { type ReplicationRule, S3 } from "@aws-sdk/client-s3";
import type { DocumentValue } from "../../src/core/config/document.ts";
import { printReplication } from "../../src/core/config/print.ts";
import type { Credentials } from "../../src/core/model.ts";
import { allow, type Policy, policy, type Statement, without, withStatement } from "./policies.ts";
import { ACCOUNT, OTHER_ACCOUNT, REPLICA, REPLICA_REGION, SOURCE, SOURCE_REGION, World } from "./world.ts";

export const ROLE = "loop-replication";
export const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/${ROLE}`;
export const ROLE_POLICY = "replicate";
export const SOURCE_ARN = `arn:aws:s3:::${SOURCE}`;
export const REPLICA_ARN = `arn:aws:s3:::${REPLICA}`;
export const RULE = "everything";
/** Of `makeOrigin`. */
export const ORIGIN = "loop-origin";
const SYNC = { ReplicaModifications: { Status: "Enabled" } } as const;

type DocumentMembers = Readonly<Record<string, DocumentValue | undefined>>;

export interface StandardOptions {
  /** Both buckets belong to one account. */
  readonly sameAccount?: boolean;
  /** Which buckets have Object Lock; the role may do what that needs. */
  readonly objectLock?: "both" | "source";
}

/** A world with a healthy set-up, and clients of the owners of its two ends. */
export class Standard {
  readonly world: World;
  readonly iam: IAM;
  readonly source: End;
  readonly replica: End;
  readonly objectLock: StandardOptions["objectLock"];

  private constructor(world: World, iam: IAM, ends: Pick<Standard, "source" | "replica">, options: StandardOptions) {
    this.world = world;
    this.iam = iam;
    this.source = ends.source;
    this.replica = ends.replica;
    this.objectLock = options.objectLock;
  }

  static async make(stateDir: string, options: StandardOptions = {}): Promise<Standard> {
    const world = await World.make(stateDir);
    world.isAcrossAccounts = options.sameAccount !== true;
    const replicaAccount = world.isAcrossAccounts ? OTHER_ACCOUNT : ACCOUNT;
    const credentials = await world.credentials(ACCOUNT);
    const iam = new IAM(settings(world, credentials, SOURCE_REGION));
    world.onClose(async () => iam.destroy());
    const source = endOf(world, ACCOUNT, SOURCE_REGION, credentials);
    const replica = endOf(world, replicaAccount, REPLICA_REGION, await world.credentials(replicaAccount));
    const made = new Standard(world, iam, { source, replica }, options);
    await made.#furnish();
    return made;
  }

  async #furnish(): Promise<void> {
    await Promise.all([
      makeBucket(this.source, SOURCE, this.objectLock !== undefined),
      makeBucket(this.replica, REPLICA, this.objectLock === "both"),
      this.makeRole(),
    ]);
    this.source.keyArn = await makeKey(this.source);
    this.replica.keyArn = await makeKey(this.replica);
    await this.putStandardRolePolicy();
    if (this.replica.account !== ACCOUNT) {
      const held = policy(REPLICATION_BY_ROLE);
      await this.putBucketPolicy("replica", this.objectLock === undefined ? held : withLocks(held));
      await this.editKeyPolicy("replica", (held) => withStatement(held, USE_BY_ROLE));
    }
    await this.putStandardRule();
  }

  // The role.

  async makeRole(): Promise<void> {
    const trust = policy({ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
    await this.iam.createRole({ RoleName: ROLE, AssumeRolePolicyDocument: JSON.stringify(trust) });
  }

  async deleteRole(): Promise<void> {
    await this.iam.deleteRolePolicy({ RoleName: ROLE, PolicyName: ROLE_POLICY });
    await this.iam.deleteRole({ RoleName: ROLE });
  }

  async rolePolicy(): Promise<Policy> {
    const { PolicyDocument = "" } = await this.iam.getRolePolicy({ RoleName: ROLE, PolicyName: ROLE_POLICY });
    return JSON.parse(decodeURIComponent(PolicyDocument)) as Policy;
  }

  async putRolePolicy(document: Policy): Promise<void> {
    const PolicyDocument = JSON.stringify(document);
    await this.iam.putRolePolicy({ RoleName: ROLE, PolicyName: ROLE_POLICY, PolicyDocument });
  }

  async editRolePolicy(change: (held: Policy) => Policy): Promise<void> {
    await this.putRolePolicy(change(await this.rolePolicy()));
  }

  async putStandardRolePolicy(): Promise<void> {
    const held = rolePolicy(this.source.keyArn, this.replica.keyArn);
    await this.putRolePolicy(this.objectLock === undefined ? held : withLocks(held));
  }

  /** Takes an action from the role. */
  async revoke(action: string): Promise<void> {
    await this.editRolePolicy((held) => without(held, action));
  }

  /** Gives the role a permissions boundary that allows everything but one action. */
  async limitRole(action: string): Promise<void> {
    const limit = { Sid: "Limit", Effect: "Allow", NotAction: action, Resource: "*" };
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [limit] });
    const { Policy: made } = await this.iam.createPolicy({ PolicyName: "limit", PolicyDocument });
    await this.iam.putRolePermissionsBoundary({ RoleName: ROLE, PermissionsBoundary: made?.Arn });
  }

  /** Takes the use of one end's key from the role. */
  async revokeKeyUse(end: "source" | "replica", action: string): Promise<void> {
    const { keyArn } = this[end];
    await this.editRolePolicy((held) => ({
      ...held,
      Statement: held.Statement.flatMap((one) =>
        one.Resource === keyArn ? without({ ...held, Statement: [one] }, action).Statement : [one],
      ),
    }));
  }

  async putTrust(document: Policy): Promise<void> {
    await this.iam.updateAssumeRolePolicy({ RoleName: ROLE, PolicyDocument: JSON.stringify(document) });
  }

  // The ends.

  async makeReplicaBucket(): Promise<void> {
    await makeBucket(this.replica, REPLICA);
  }

  async putBucketPolicy(end: "source" | "replica", document: Policy): Promise<void> {
    const { s3, bucket } = this[end];
    await s3.putBucketPolicy({ Bucket: bucket, Policy: JSON.stringify(document) });
  }

  async bucketPolicy(end: "source" | "replica"): Promise<Policy> {
    const { s3, bucket } = this[end];
    const held = await s3.getBucketPolicy({ Bucket: bucket }).catch((error: unknown) => {
      if (error instanceof Error && error.name === "NoSuchBucketPolicy") return { Policy: undefined };
      throw error;
    });
    return held.Policy === undefined ? policy() : (JSON.parse(held.Policy) as Policy);
  }

  async editBucketPolicy(end: "source" | "replica", change: (held: Policy) => Policy): Promise<void> {
    const changed = change(await this.bucketPolicy(end));
    const { s3, bucket } = this[end];
    if (changed.Statement.length === 0) await s3.deleteBucketPolicy({ Bucket: bucket });
    else await this.putBucketPolicy(end, changed);
  }

  async editKeyPolicy(end: "source" | "replica", change: (held: Policy) => Policy): Promise<void> {
    const { kms, keyArn } = this[end];
    const { Policy: text = "" } = await kms.getKeyPolicy({ KeyId: keyArn, PolicyName: "default" });
    const changed = change(JSON.parse(text) as Policy);
    await kms.putKeyPolicy({ KeyId: keyArn, PolicyName: "default", Policy: JSON.stringify(changed) });
  }

  /** Lets lists have a say in an end's bucket, and public ones too. */
  async allowPublicLists(end: "source" | "replica"): Promise<void> {
    await this.useLists(end);
    const { s3, bucket } = this[end];
    await s3.deletePublicAccessBlock({ Bucket: bucket });
  }

  async useLists(end: "source" | "replica"): Promise<void> {
    const { s3, bucket } = this[end];
    const OwnershipControls = { Rules: [{ ObjectOwnership: "ObjectWriter" as const }] };
    await s3.putBucketOwnershipControls({ Bucket: bucket, OwnershipControls });
  }

  // The rules.

  /** Replicas are to belong to the destination's owner. */
  async overrideOwner(): Promise<void> {
    await this.editRule((rule) => ({
      ...rule,
      Destination: {
        ...rule.Destination,
        Bucket: REPLICA_ARN,
        AccessControlTranslation: { Owner: "Destination" },
      },
    }));
  }

  /** One rule that takes everything. */
  async putStandardRule(roleArn = ROLE_ARN): Promise<void> {
    const rule = {
      ID: RULE,
      Priority: 1,
      Status: "Enabled",
      Filter: { Prefix: "" },
      DeleteMarkerReplication: { Status: "Enabled" },
      SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
      Destination: {
        Bucket: REPLICA_ARN,
        Account: this.replica.account,
        EncryptionConfiguration: { ReplicaKmsKeyID: this.replica.keyArn },
      },
    } as const;
    await this.putRules([rule], roleArn);
  }

  async putRules(rules: readonly ReplicationRule[], roleArn = ROLE_ARN): Promise<void> {
    const { s3, bucket } = this.source;
    await s3.putBucketReplication({
      Bucket: bucket,
      ReplicationConfiguration: { Role: roleArn, Rules: [...rules] },
    });
  }

  /** Puts one rule with members that an SDK would not send. */
  async putRuleDocument(changed: DocumentMembers, bucket = SOURCE): Promise<void> {
    const rule: DocumentMembers = {
      ID: RULE,
      Priority: 1,
      Status: "Enabled",
      Filter: {},
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: { Bucket: REPLICA_ARN },
      ...changed,
    };
    const given = Object.fromEntries(
      Object.entries(rule).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])),
    );
    const { settings } = await (await this.world.doctor()).bucket(bucket);
    await settings.putBucketReplication(bucket, printReplication({ Role: ROLE_ARN, Rules: [given] }));
  }

  /** A third bucket, whose objects are replicated to the source. */
  async makeOrigin(): Promise<void> {
    await makeBucket(this.source, ORIGIN);
    await this.editRolePolicy((held) => ({
      ...held,
      Statement: [
        ...held.Statement,
        allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], `arn:aws:s3:::${ORIGIN}`),
        allow(["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl"], `arn:aws:s3:::${ORIGIN}/*`),
        allow("s3:ReplicateObject", `${SOURCE_ARN}/*`),
      ],
    }));
    const rule = {
      ID: "on",
      Priority: 1,
      Status: "Enabled",
      Filter: { Prefix: "" },
      DeleteMarkerReplication: { Status: "Disabled" },
      Destination: { Bucket: SOURCE_ARN },
    } as const;
    await this.source.s3.putBucketReplication({
      Bucket: ORIGIN,
      ReplicationConfiguration: { Role: ROLE_ARN, Rules: [rule] },
    });
  }

  /** Changes of replicas' metadata go back, by a rule of the destination's own and the same role's other rights. */
  async makeTwoWay(): Promise<void> {
    await this.editRule((rule) => ({ ...rule, SourceSelectionCriteria: { ...rule.SourceSelectionCriteria, ...SYNC } }));
    const role = { RoleName: "loop-back", PolicyName: ROLE_POLICY };
    const iam = new IAM(settings(this.world, await this.world.credentials(this.replica.account), REPLICA_REGION));
    this.world.onClose(async () => iam.destroy());
    const trust = policy({ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" });
    const { Role } = await iam.createRole({ RoleName: role.RoleName, AssumeRolePolicyDocument: JSON.stringify(trust) });
    const rights = policy(allow("s3:*", "*"), allow("kms:*", "*"));
    await iam.putRolePolicy({ ...role, PolicyDocument: JSON.stringify(rights) });
    const back = allow(["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], `${SOURCE_ARN}/*`);
    await this.putBucketPolicy("source", policy({ ...back, Principal: { AWS: Role?.Arn ?? "" } }));
    const rule = {
      ID: "back",
      Priority: 1,
      Status: "Enabled",
      Filter: { Prefix: "" },
      DeleteMarkerReplication: { Status: "Enabled" },
      SourceSelectionCriteria: SYNC,
      Destination: { Bucket: SOURCE_ARN, Account: this.source.account },
    } as const;
    await this.replica.s3.putBucketReplication({
      Bucket: REPLICA,
      ReplicationConfiguration: { Role: Role?.Arn, Rules: [rule] },
    });
  }

  async editRule(change: (held: ReplicationRule) => ReplicationRule): Promise<void> {
    const { s3, bucket } = this.source;
    const { ReplicationConfiguration } = await s3.getBucketReplication({ Bucket: bucket });
    await this.putRules((ReplicationConfiguration?.Rules ?? []).map(change));
  }
}

/** One end of the rule: its bucket and key, and clients of the account that owns them. */
export interface End {
  readonly account: string;
  readonly region: string;
  readonly bucket: string;
  readonly s3: S3;
  readonly kms: KMS;
  keyArn: string;
}

function endOf(world: World, account: string, region: string, credentials: Credentials): End {
  const config = settings(world, credentials, region);
  const s3 = new S3({ ...config, forcePathStyle: true });
  const kms = new KMS(config);
  world.onClose(async () => {
    s3.destroy();
    kms.destroy();
  });
  return { account, region, bucket: region === SOURCE_REGION ? SOURCE : REPLICA, s3, kms, keyArn: "" };
}

function settings(world: World, credentials: Credentials, region: string) {
  return { endpoint: world.endpoint, region, credentials, maxAttempts: 1 };
}

async function makeBucket({ s3, region }: End, bucket: string, isLocked = false): Promise<void> {
  const placed =
    region === SOURCE_REGION ? {} : { CreateBucketConfiguration: { LocationConstraint: REPLICA_REGION } as const };
  const lock = isLocked ? { ObjectLockEnabledForBucket: true } : {};
  await s3.createBucket({ Bucket: bucket, ...lock, ...placed });
  await s3.putBucketVersioning({ Bucket: bucket, VersioningConfiguration: { Status: "Enabled" } });
}

async function makeKey({ kms }: End): Promise<string> {
  return (await kms.createKey({})).KeyMetadata?.Arn ?? "";
}

/** Exactly what replication needs of the role, for tags, delete markers, KMS and bucket keys. @source aws-replication.md §5.6 */
function rolePolicy(sourceKey: string, replicaKey: string): Policy {
  const use = (sid: string, actions: readonly string[], key: string, bucket: string, region: string): Statement => ({
    Sid: sid,
    ...allow(actions, key),
    Condition: {
      StringLike: {
        "kms:ViaService": `s3.${region}.amazonaws.com`,
        "kms:EncryptionContext:aws:s3:arn": [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
      },
    },
  });
  return policy(
    { Sid: "ReadBucket", ...allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], SOURCE_ARN) },
    {
      Sid: "ReadVersions",
      ...allow(
        ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
        `${SOURCE_ARN}/*`,
      ),
    },
    {
      Sid: "WriteReplicas",
      ...allow(["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], `${REPLICA_ARN}/*`),
    },
    use("UseSourceKey", ["kms:Decrypt"], sourceKey, SOURCE, SOURCE_REGION),
    use("UseReplicaKey", ["kms:Encrypt", "kms:Decrypt"], replicaKey, REPLICA, REPLICA_REGION),
  );
}

const LOCK_READS = ["s3:GetObjectRetention", "s3:GetObjectLegalHold"];
const LOCK_WRITES = ["s3:PutObjectRetention", "s3:PutObjectLegalHold"];

/** What Object Lock adds, for the role and for the destination's bucket policy. */
function withLocks(document: Policy): Policy {
  const more: Readonly<Record<string, readonly string[]>> = {
    ReadVersions: LOCK_READS,
    WriteReplicas: LOCK_WRITES,
    ReplicationByRole: LOCK_WRITES,
  };
  const statements = document.Statement.map((one) => ({
    ...one,
    Action: [one.Action, more[one.Sid ?? ""] ?? []].flat(),
  }));
  return { ...document, Statement: statements };
}

/** What the destination's bucket policy grants across accounts. */
export const REPLICATION_BY_ROLE: Statement = {
  Sid: "ReplicationByRole",
  Principal: { AWS: ROLE_ARN },
  ...allow(["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"], `${REPLICA_ARN}/*`),
};

/** What the key policy of the destination grants across accounts. */
export const USE_BY_ROLE: Statement = {
  Sid: "UseByRole",
  Principal: { AWS: ROLE_ARN },
  ...allow(["kms:Encrypt", "kms:Decrypt"], "*"),
};
