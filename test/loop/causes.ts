/**
 * Causes that people meet, one entry for each row of the list, and what becomes of it here.
 *
 * @source aws-replication.md §11
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import type { LoopCase } from "./case.ts";
import type { CASES } from "./cases.ts";
import { codesOf } from "./codes.ts";
import { ownerOf, publish, removeAll, tagAll, versionsOf, write } from "./objects.ts";
import { allow, changeStatement, policy, type Statement, withStatement } from "./policies.ts";
import {
  REPLICA_ARN,
  REPLICATION_BY_ROLE,
  ROLE,
  ROLE_ARN,
  SOURCE_ARN,
  type Standard,
  USE_BY_ROLE,
} from "./standard.ts";
import { ACCOUNT, REPLICA, SOURCE } from "./world.ts";

export type Cause =
  /** Goes through the whole loop. */
  | ({ readonly how: "loop"; readonly code: FailureCode } & LoopCase)
  /** Is the case of a code. */
  | { readonly how: "case"; readonly code: keyof typeof CASES }
  /** The configuration is refused when it is put. */
  | {
      readonly how: "refused";
      readonly name: string;
      readonly put: (set: Standard) => Promise<unknown>;
      readonly answers: RegExp;
    }
  /** Nothing is wrong, and so nothing is said. */
  | { readonly how: "play"; readonly name: string; readonly play: (set: Standard) => Promise<void> }
  /** Is shown or tested elsewhere. */
  | { readonly how: "elsewhere"; readonly path: string }
  /** Cannot be shown yet, and why. */
  | { readonly how: "outside"; readonly because: string };

const PERMISSION = { class: "permission", confidence: "proven" } as const;
const PATCH = { by: "patch" } as const;

/** By number of the row; a row may have several faces. */
export const CAUSES: Readonly<Record<number, readonly Cause[]>> = {
  1: [{ how: "case", code: "NeverTried" }],
  2: [
    { how: "case", code: "PrefixDiffers" },
    {
      how: "loop",
      code: "PrefixDiffers",
      name: "the rule takes other keys: whether it should take these is for people to decide",
      kinds: ["plain", "kms", "marker"],
      breakIt: (set) => set.editRule((rule) => ({ ...rule, Filter: { Prefix: "reports/" } })),
      expect: { class: "eligibility", confidence: "proven", affected: 4, recorded: [] },
      mend: { by: "decision", person: (set) => set.putStandardRule() },
    },
  ],
  3: [{ how: "case", code: "RuleDisabled" }],
  4: [{ how: "case", code: "TagsDiffer" }],
  5: [{ how: "case", code: "KmsNotSelected" }],
  6: [{ how: "case", code: "SourceIsReplica" }],
  7: [{ how: "case", code: "SourceArchived" }],
  8: [
    { how: "play", name: "history does not follow a change of the destination", play: changeDestination },
    { how: "case", code: "ReplicaMissing" },
  ],
  9: [{ how: "case", code: "DeleteMarkersNotReplicated" }],
  10: [{ how: "play", name: "what is removed for good at the source stays at the destination", play: removeForGood }],
  11: [{ how: "elsewhere", path: "test/lab-batch/jobs.test.ts" }],
  12: [{ how: "elsewhere", path: "test/lab-batch/manifests.test.ts" }],
  13: [{ how: "outside", because: "the lab has every Region enabled in every account" }],
  14: [
    {
      how: "refused",
      name: "the destination is a directory bucket",
      put: (set) =>
        set.putRuleDocument({ Destination: { Bucket: "arn:aws:s3express:us-east-1:111122223333:bucket/d" } }),
      answers: /InvalidArgument.*Invalid bucket ARN/,
    },
  ],
  15: [
    {
      how: "refused",
      name: "the source has no versioning",
      put: async (set) => {
        const { s3 } = set.source;
        await s3.createBucket({ Bucket: "loop-unversioned" });
        return await set.putRuleDocument({}, "loop-unversioned");
      },
      answers: /InvalidRequest.*Versioning must be 'Enabled' on the bucket/,
    },
  ],
  16: [
    {
      how: "refused",
      name: "the destination has no versioning",
      put: async (set) => {
        await set.replica.s3.createBucket({ Bucket: "loop-unversioned" });
        return await set.putRuleDocument({ Destination: { Bucket: "arn:aws:s3:::loop-unversioned" } });
      },
      answers: /InvalidRequest.*Destination bucket must have versioning enabled/,
    },
  ],
  17: [
    {
      how: "refused",
      name: "the rule has ExistingObjectReplication",
      put: (set) => set.putRuleDocument({ ExistingObjectReplication: { Status: "Enabled" } }),
      answers: /MalformedXML/,
    },
    {
      how: "refused",
      name: "an old rule has no prefix",
      put: (set) => set.putRuleDocument({ Filter: undefined, Priority: undefined, DeleteMarkerReplication: undefined }),
      answers: /MalformedXML/,
    },
  ],
  18: [
    {
      how: "refused",
      name: "a new rule has no priority",
      put: (set) => set.putRuleDocument({ Priority: undefined }),
      answers: /InvalidRequest.*must be specified for this version of Cross Region Replication configuration schema/,
    },
    {
      how: "refused",
      name: "a new rule does not say whether delete markers are replicated",
      put: (set) => set.putRuleDocument({ DeleteMarkerReplication: undefined }),
      answers: /InvalidRequest.*must be specified for this version of Cross Region Replication configuration schema/,
    },
  ],
  19: [
    {
      how: "refused",
      name: "metrics have a threshold without replication time control",
      put: (set) =>
        set.putRuleDocument({
          Destination: { Bucket: REPLICA_ARN, Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } } },
        }),
      answers: /InvalidArgument.*Metrics cannot contain an event threshold/,
    },
  ],
  20: [
    {
      how: "refused",
      name: "SourceSelectionCriteria is empty",
      put: (set) => set.putRuleDocument({ SourceSelectionCriteria: {} }),
      answers: /InvalidRequest.*SourceSelectionCriteria cannot be empty/,
    },
  ],
  21: [
    {
      how: "refused",
      name: "KMS is selected and no key is named",
      put: (set) => set.putRuleDocument({ SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } } }),
      answers: /InvalidRequest.*ReplicaKmsKeyID must be specified/,
    },
    {
      how: "refused",
      name: "a key is named and KMS is not selected",
      put: (set) =>
        set.putRuleDocument({
          Destination: {
            Bucket: REPLICA_ARN,
            EncryptionConfiguration: { ReplicaKmsKeyID: set.replica.keyArn },
          },
        }),
      answers: /InvalidRequest.*SseKmsEncryptedObjects must be specified/,
    },
  ],
  22: [
    {
      how: "refused",
      name: "somebody of another account puts the configuration: a role is not passed across accounts",
      put: async (set) => {
        const other = policy({
          Effect: "Allow",
          Principal: { AWS: set.replica.account },
          Action: "s3:*",
          Resource: SOURCE_ARN,
        });
        await set.putBucketPolicy("source", other);
        const { ReplicationConfiguration } = await set.source.s3.getBucketReplication({ Bucket: SOURCE });
        return await set.replica.s3.putBucketReplication({ Bucket: SOURCE, ReplicationConfiguration });
      },
      answers: /AccessDenied/,
    },
  ],
  23: [
    {
      how: "loop",
      code: "AssumeRoleNotPermitted",
      name: "the role's name has a slip: PUT accepts it",
      kinds: ["plain"],
      breakIt: (set) => set.putStandardRule(`${ROLE_ARN}s`),
      expect: { ...PERMISSION, action: "sts:AssumeRole", affected: 1, says: /no such role/ },
      mend: { by: "decision", person: (set) => set.putStandardRule() },
    },
  ],
  24: [
    { how: "case", code: "AssumeRoleNotPermitted" },
    {
      how: "loop",
      code: "AssumeRoleNotPermitted",
      name: "the trust policy asks for what S3 does not send",
      kinds: ["plain"],
      breakIt: (set) =>
        set.putTrust(
          policy({
            Effect: "Allow",
            Principal: { Service: "s3.amazonaws.com" },
            Action: "sts:AssumeRole",
            Condition: { StringEquals: { "sts:ExternalId": "ours" } },
          }),
        ),
      expect: { ...PERMISSION, action: "sts:AssumeRole", affected: 1 },
      mend: PATCH,
    },
  ],
  25: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "the role was deleted and made again: the bucket policy names the old one's id",
      kinds: ["plain"],
      breakIt: async (set) => {
        const held = await set.rolePolicy();
        await set.deleteRole();
        await set.makeRole();
        await set.putRolePolicy(held);
      },
      expect: { ...PERMISSION, action: "s3:ReplicateObject", affected: 1 },
      mend: PATCH,
    },
  ],
  26: [
    {
      how: "refused",
      name: "a bucket policy names the role without its path",
      put: async (set) => {
        await set.iam.createRole({ RoleName: "pathed", Path: "/service-role/", AssumeRolePolicyDocument: TRUST });
        const Principal = { AWS: `arn:aws:iam::${ACCOUNT}:role/pathed` };
        return await set.putBucketPolicy("replica", policy({ ...REPLICATION_BY_ROLE, Principal }));
      },
      answers: /MalformedPolicy.*Invalid principal in policy/,
    },
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "a condition on aws:PrincipalArn names another path than the role's",
      kinds: ["plain"],
      breakIt: (set) =>
        set.putBucketPolicy(
          "replica",
          policy({
            ...REPLICATION_BY_ROLE,
            Principal: { AWS: ACCOUNT },
            Condition: { ArnEquals: { "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:role/service-role/${ROLE}` } },
          }),
        ),
      expect: { ...PERMISSION, action: "s3:ReplicateObject", affected: 1, says: /PrincipalArn/i },
      mend: PATCH,
    },
  ],
  27: ["", "/"].map((end) => ({
    how: "loop" as const,
    code: "DstPutObjectNotPermitted" as const,
    name: `the role's policy names the bucket as BUCKET${end}, which is none of its objects`,
    kinds: ["plain" as const],
    breakIt: (set: Standard) =>
      set.editRolePolicy((held) =>
        changeStatement(held, "WriteReplicas", (one) => ({ ...one, Resource: `${REPLICA_ARN}${end}` })),
      ),
    expect: { ...PERMISSION, action: "s3:ReplicateObject", affected: 1, says: /resource/ },
    mend: PATCH,
  })),
  28: [
    { how: "case", code: "SrcGetAclNotPermitted" },
    {
      how: "loop",
      code: "SrcGetObjectNotPermitted",
      name: "the role may s3:GetObjectVersion, which is not enough for KMS",
      kinds: ["plain", "kms"],
      breakIt: (set) =>
        set.editRolePolicy((held) =>
          changeStatement(held, "ReadVersions", (one) => ({
            ...one,
            Action: ["s3:GetObjectVersion", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"],
          })),
        ),
      expect: { ...PERMISSION, action: "s3:GetObjectVersionForReplication", affected: 2 },
      mend: PATCH,
    },
  ],
  29: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "the destination's bucket has no policy for the other account's role",
      kinds: ["plain", "multipart"],
      breakIt: async ({ replica }) => void (await replica.s3.deleteBucketPolicy({ Bucket: REPLICA })),
      expect: {
        ...PERMISSION,
        action: "s3:ReplicateObject",
        affected: 2,
        recorded: ["DstPutObjectNotPermitted", "DstMultipartInitNotPermitted"],
      },
      mend: PATCH,
    },
  ],
  30: [
    {
      how: "loop",
      code: "DstPutTaggingNotPermitted",
      name: "the destination's bucket policy denies tags",
      kinds: ["plain", "tagged"],
      breakIt: (set) => set.editBucketPolicy("replica", (held) => withStatement(held, deny("s3:ReplicateTags"))),
      expect: { ...PERMISSION, action: "s3:ReplicateTags", affected: 1, says: /NoThanks/ },
      mend: PATCH,
    },
  ],
  31: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "replicas are to belong to the destination's owner, and nobody lets the role do that",
      kinds: ["plain", "tagged"],
      breakIt: async (set) => {
        // Where the bucket's owner owns every object, nobody has to be asked.
        await set.useLists("replica");
        await set.overrideOwner();
      },
      expect: { ...PERMISSION, action: "s3:ObjectOwnerOverrideToBucketOwner", affected: 2 },
      mend: PATCH,
    },
  ],
  32: [
    {
      how: "loop",
      code: "SrcGetObjectNotPermitted",
      name: "another account has written objects, and lets the bucket's owner in to none of them",
      kinds: ["plain"],
      breakIt: writeAsStranger,
      expect: { ...PERMISSION, affected: 1, says: /not to the bucket's owner, who is not given READ/ },
      mend: PATCH,
    },
  ],
  33: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "the key policy of the destination does not name the role",
      kinds: ["plain", "kms"],
      breakIt: (set) =>
        set.editKeyPolicy("replica", (held) => ({
          ...held,
          Statement: held.Statement.filter((one) => one.Sid !== USE_BY_ROLE.Sid),
        })),
      expect: { ...PERMISSION, action: "kms:Encrypt", affected: 1 },
      mend: PATCH,
    },
  ],
  34: [
    {
      how: "loop",
      code: "SrcGetObjectNotPermitted",
      name: "bucket keys are turned on, and the role's policy knows object ARNs only",
      kinds: ["plain", "kms", "bucketKey"],
      breakIt: (set) =>
        set.editRolePolicy((held) =>
          changeStatement(held, "UseSourceKey", (one) => ({
            ...one,
            Condition: { StringLike: { "kms:EncryptionContext:aws:s3:arn": `${SOURCE_ARN}/*` } },
          })),
        ),
      expect: { ...PERMISSION, action: "kms:Decrypt", affected: 1, says: /kms:EncryptionContext:aws:s3:arn/i },
      mend: PATCH,
    },
  ],
  35: [
    { how: "case", code: "DstKmsKeyNotFound" },
    {
      how: "loop",
      code: "DstKmsKeyNotFound",
      name: "the rule names a key of another Region",
      kinds: ["plain", "kms"],
      breakIt: (set) =>
        set.editRule((rule) => ({
          ...rule,
          Destination: {
            ...rule.Destination,
            Bucket: REPLICA_ARN,
            EncryptionConfiguration: { ReplicaKmsKeyID: set.source.keyArn },
          },
        })),
      expect: { class: "encryption", confidence: "proven", affected: 1 },
      mend: PATCH,
    },
  ],
  36: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "replicas are to be encrypted with the other account's aws/s3 key",
      kinds: ["plain", "kms"],
      breakIt: async (set) => {
        const aliasArn = `arn:aws:kms:${set.replica.region}:${set.replica.account}:alias/aws/s3`;
        await set.replica.s3.putObject({ Bucket: REPLICA, Key: "mine", Body: "x", ServerSideEncryption: "aws:kms" });
        await removeAll(set, "replica");
        await set.editRule((rule) => ({
          ...rule,
          Destination: {
            ...rule.Destination,
            Bucket: REPLICA_ARN,
            EncryptionConfiguration: { ReplicaKmsKeyID: aliasArn },
          },
        }));
      },
      expect: { ...PERMISSION, action: "kms:Encrypt", affected: 1 },
      mend: PATCH,
    },
  ],
  37: [{ how: "case", code: "SrcGetObjectNotPermitted" }],
  38: [
    { how: "case", code: "SrcKmsKeyInvalidState" },
    { how: "case", code: "DstKmsKeyInvalidState" },
  ],
  39: [{ how: "case", code: "KmsThrottled" }],
  40: [
    { how: "elsewhere", path: "test/lab-organizations/doctor.test.ts" },
    {
      how: "loop",
      code: "DstDelObjNotPermitted",
      name: "the role's permissions boundary leaves delete markers out",
      kinds: ["plain", "marker"],
      breakIt: (set) => set.limitRole("s3:ReplicateDelete"),
      expect: { ...PERMISSION, action: "s3:ReplicateDelete", affected: 1, says: /boundary/ },
      mend: PATCH,
    },
  ],
  41: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "the destination's bucket policy denies whoever does not come through a VPC endpoint",
      kinds: ["plain"],
      breakIt: (set) =>
        set.editBucketPolicy("replica", (held) =>
          withStatement(held, {
            ...deny("s3:ReplicateObject"),
            Condition: { StringNotEquals: { "aws:SourceVpce": "vpce-0a1b2c3d" } },
          }),
        ),
      expect: { ...PERMISSION, action: "s3:ReplicateObject", affected: 1, says: /NoThanks/ },
      mend: PATCH,
    },
    {
      how: "loop",
      code: "SrcGetObjectNotPermitted",
      name: "the source's key policy denies whoever does not come from the company's addresses",
      kinds: ["kms"],
      breakIt: async () => undefined,
      late: (set) =>
        set.editKeyPolicy("source", (held) =>
          withStatement(held, {
            Sid: "NoThanks",
            Effect: "Deny",
            Principal: "*",
            Action: "kms:Decrypt",
            Resource: "*",
            Condition: {
              NotIpAddress: { "aws:SourceIp": "203.0.113.0/24" },
              ArnNotEquals: { "aws:PrincipalArn": `arn:aws:iam::${ACCOUNT}:root` },
            },
          }),
        ),
      expect: { ...PERMISSION, action: "kms:Decrypt", affected: 1, says: /NoThanks/ },
      mend: PATCH,
    },
  ],
  42: [
    { how: "case", code: "DstBucketObjectLockConfigMissing" },
    { how: "case", code: "SrcGetRetentionNotPermitted" },
    { how: "case", code: "SrcGetLegalHoldNotPermitted" },
  ],
  43: [{ how: "case", code: "DstBucketUnversioned" }],
  44: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "the destination of another account is Requester Pays",
      kinds: ["plain", "kms"],
      breakIt: async ({ replica }) => {
        await replica.s3.putBucketRequestPayment({
          Bucket: REPLICA,
          RequestPaymentConfiguration: { Payer: "Requester" },
        });
      },
      expect: { ...PERMISSION, affected: 2, says: /The requester pays/ },
      mend: PATCH,
    },
  ],
  45: [
    {
      how: "loop",
      code: "DstPutObjectNotPermitted",
      name: "the destination blocks SSE-C, as new buckets do",
      kinds: [],
      breakIt: async ({ source }) => {
        await source.s3.putBucketEncryption({
          Bucket: SOURCE,
          ServerSideEncryptionConfiguration: {
            Rules: [
              {
                ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" },
                BlockedEncryptionTypes: { EncryptionType: ["NONE"] },
              },
            ],
          },
        });
        await source.s3.putObject({ Bucket: SOURCE, Key: "sealed", Body: "x", ...CUSTOMER_KEY });
      },
      expect: { ...PERMISSION, affected: 1, says: /BlockedEncryptionTypes holds SSE-C/ },
      mend: PATCH,
      // Nobody reads it without the customer's key; that it is COMPLETED and nothing is left to do is what counts.
      except: (one) => one.key === "sealed",
    },
  ],
  46: [
    { how: "case", code: "DstPutAclNotPermitted" },
    {
      how: "loop",
      code: "DstPutAclNotPermitted",
      name: "an object is public, and the destination's owner decides that replicas may be",
      set: { sameAccount: true },
      kinds: ["plain"],
      breakIt: publish,
      expect: { ...PERMISSION, affected: 1, says: /BlockPublicAcls refuses/ },
      mend: { by: "decision", person: (set) => set.allowPublicLists("replica") },
    },
  ],
  47: [{ how: "case", code: "EndpointUnreachable" }],
  48: [{ how: "case", code: "RetryNeeded" }],
  49: [{ how: "case", code: "DstPutTaggingNotPermitted" }],
  50: [{ how: "play", name: "Lifecycle leaves a FAILED version alone, and it is told", play: lifecycleWaits }],
  51: [{ how: "elsewhere", path: "test/lab-batch/tasks.test.ts" }],
  52: [{ how: "elsewhere", path: "test/lab-batch/manifests.test.ts" }],
  53: [{ how: "case", code: "DstObjectHardDeleted" }],
  54: [{ how: "play", name: "two-way rules with replica modification sync come to rest", play: twoWays }],
  55: [{ how: "outside", because: "alarms are AWS's; here metrics are views of the ledger" }],
  56: [{ how: "play", name: "COMPLETED stays true when no rule takes the version any more", play: completedStays }],
  57: [{ how: "elsewhere", path: "test/loop/cases.ts" }],
};

const SECRET = Buffer.alloc(32, 7);
const CUSTOMER_KEY = {
  SSECustomerAlgorithm: "AES256",
  SSECustomerKey: SECRET.toString("base64"),
  SSECustomerKeyMD5: createHash("md5").update(SECRET).digest("base64"),
};

const TRUST = JSON.stringify(
  policy({ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" }),
);

function deny(action: string): Statement {
  return { ...allow(action, `${REPLICA_ARN}/*`), Sid: "NoThanks", Effect: "Deny", Principal: "*" };
}

async function writeAsStranger(set: Standard): Promise<void> {
  const { source, replica, world } = set;
  await set.useLists("source");
  await set.putBucketPolicy(
    "source",
    policy({ ...allow("s3:PutObject", `${SOURCE_ARN}/*`), Principal: { AWS: replica.account } }),
  );
  const stranger = world.lab.direct(await world.credentials(replica.account), source.region);
  const body = Buffer.from("theirs");
  await stranger.putObject({ bucket: SOURCE, key: "foreign", body, contentHeaders: {}, userMetadata: {} });
}

async function assertNothingSaid(set: Standard): Promise<void> {
  await set.world.settle();
  const said = await set.world.diagnose();
  assert.deepEqual(codesOf(said), []);
  assert.deepEqual(said.unexplained, []);
}

async function changeDestination(set: Standard): Promise<void> {
  await write(set, ["plain"]);
  await set.world.settle();
  const { s3 } = set.replica;
  await s3.createBucket({
    Bucket: "loop-second",
    CreateBucketConfiguration: { LocationConstraint: "eu-west-1" },
  });
  await s3.putBucketVersioning({ Bucket: "loop-second", VersioningConfiguration: { Status: "Enabled" } });
  await set.editRule((rule) => ({
    ...rule,
    Destination: {
      Bucket: "arn:aws:s3:::loop-second",
      Account: set.replica.account,
      EncryptionConfiguration: rule.Destination?.EncryptionConfiguration,
    },
  }));
  assert.deepEqual(codesOf(await set.world.diagnose()), ["ReplicaMissing"]);
  const store = await ownerOf(set, "replica");
  assert.deepEqual(await versionsOf(store, "loop-second"), []);
  assert.equal((await versionsOf(store, REPLICA)).length, 1);
}

async function removeForGood(set: Standard): Promise<void> {
  await write(set, ["plain"]);
  await set.world.settle();
  await removeAll(set, "source");
  await assertNothingSaid(set);
  assert.equal((await versionsOf(await ownerOf(set, "replica"), REPLICA)).length, 1);
}

async function twoWays(set: Standard): Promise<void> {
  await set.makeTwoWay();
  await write(set, ["plain", "tagged"]);
  await set.world.settle();
  await tagAll(set);
  await assertNothingSaid(set);
  for (const [end, bucket] of [
    ["source", SOURCE],
    ["replica", REPLICA],
  ] as const) {
    assert.equal((await versionsOf(await ownerOf(set, end), bucket)).length, 2, end);
  }
}

async function lifecycleWaits(set: Standard): Promise<void> {
  const { world } = set;
  await set.revoke("s3:ReplicateObject");
  await write(set, ["plain"]);
  await world.settle();
  const expire = () => world.order("POST", `buckets/${SOURCE}/expire`, { key: "plain/1" });
  await assert.rejects(expire(), /Lifecycle leaves versions alone whose replication is FAILED/);
  const { notes } = await world.diagnose();
  assert.deepEqual(
    notes.map((one) => `${one.kind} ${one.versions}`),
    ["lifecycleWaits 1"],
  );
  await world.fixAll();
  await world.resync();
  await expire();
}

async function completedStays(set: Standard): Promise<void> {
  await write(set, ["plain"]);
  await set.world.settle();
  await set.editRule((rule) => ({ ...rule, Status: "Disabled" }));
  await assertNothingSaid(set);
}
