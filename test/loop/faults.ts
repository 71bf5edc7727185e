/** Single faults that have nothing to do with each other: each is one change by an API call, and has a patch. */
import type { PatchTarget } from "../../src/core/diagnose/report.ts";
import type { FailureCode } from "../../src/core/failures/catalogue.ts";
import { allow, policy, type Statement, without, withStatement } from "./policies.ts";
import { REPLICA_ARN, SOURCE_ARN, type Standard } from "./standard.ts";
import { REPLICA } from "./world.ts";

export interface Fault {
  readonly name: string;
  /** What it is called; any of them, where one fault shows in several ways. */
  readonly codes: readonly FailureCode[];
  readonly action?: string;
  /** A word of its evidence, where action and code do not tell it from others. */
  readonly says?: RegExp;
  /** What its patch changes. */
  readonly target: PatchTarget;
  /** Before anything is written; else while the versions are PENDING. */
  readonly before?: true;
  readonly breakIt: (set: Standard) => Promise<void>;
}

function onlyOurNetwork(action: string, resource: string): Statement {
  const Condition = { StringNotEquals: { "aws:SourceVpce": "vpce-0a1b2c3d" } };
  return { ...allow(action, resource), Sid: "OurNetwork", Effect: "Deny", Principal: "*", Condition };
}

export const FAULTS: readonly Fault[] = [
  {
    name: "trust policy lacks s3.amazonaws.com",
    codes: ["AssumeRoleNotPermitted"],
    action: "sts:AssumeRole",
    target: "iam-trust-policy",
    breakIt: (set) =>
      set.putTrust(policy({ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" })),
  },
  {
    name: "role lacks s3:GetObjectVersionForReplication",
    codes: ["SrcGetObjectNotPermitted", "SrcHeadObjectNotPermitted"],
    action: "s3:GetObjectVersionForReplication",
    target: "iam-role-policy",
    breakIt: (set) => set.revoke("s3:GetObjectVersionForReplication"),
  },
  {
    name: "role lacks s3:GetObjectVersionAcl",
    codes: ["SrcGetAclNotPermitted"],
    action: "s3:GetObjectVersionAcl",
    target: "iam-role-policy",
    breakIt: (set) => set.revoke("s3:GetObjectVersionAcl"),
  },
  {
    name: "role lacks s3:GetObjectVersionTagging",
    codes: ["SrcGetTaggingNotPermitted"],
    action: "s3:GetObjectVersionTagging",
    target: "iam-role-policy",
    breakIt: (set) => set.revoke("s3:GetObjectVersionTagging"),
  },
  {
    name: "role lacks s3:ListBucket",
    codes: ["SrcHeadObjectNotPermitted"],
    action: "s3:ListBucket",
    target: "iam-role-policy",
    breakIt: (set) => set.revoke("s3:ListBucket"),
  },
  {
    name: "role lacks s3:ReplicateObject",
    codes: ["DstPutObjectNotPermitted"],
    action: "s3:ReplicateObject",
    target: "iam-role-policy",
    breakIt: (set) => set.revoke("s3:ReplicateObject"),
  },
  {
    name: "role lacks s3:ReplicateDelete",
    codes: ["DstDelObjNotPermitted"],
    action: "s3:ReplicateDelete",
    target: "iam-role-policy",
    breakIt: (set) => set.revoke("s3:ReplicateDelete"),
  },
  {
    name: "role lacks s3:ReplicateTags",
    codes: ["DstPutTaggingNotPermitted"],
    action: "s3:ReplicateTags",
    target: "iam-role-policy",
    breakIt: (set) => set.revoke("s3:ReplicateTags"),
  },
  {
    name: "role lacks kms:Decrypt on the source's key",
    codes: ["SrcGetObjectNotPermitted"],
    action: "kms:Decrypt",
    target: "iam-role-policy",
    breakIt: (set) => set.revokeKeyUse("source", "kms:Decrypt"),
  },
  {
    name: "role lacks kms:Encrypt on the destination's key",
    codes: ["DstPutObjectNotPermitted"],
    action: "kms:Encrypt",
    target: "iam-role-policy",
    breakIt: (set) => set.revokeKeyUse("replica", "kms:Encrypt"),
  },
  {
    name: "destination bucket policy lacks s3:ReplicateDelete",
    codes: ["DstDelObjNotPermitted"],
    action: "s3:ReplicateDelete",
    target: "bucket-policy",
    breakIt: (set) => set.editBucketPolicy("replica", (held) => without(held, "s3:ReplicateDelete")),
  },
  {
    name: "destination bucket policy lacks s3:ReplicateTags",
    codes: ["DstPutTaggingNotPermitted"],
    action: "s3:ReplicateTags",
    target: "bucket-policy",
    breakIt: (set) => set.editBucketPolicy("replica", (held) => without(held, "s3:ReplicateTags")),
  },
  {
    name: "key policy of the destination lacks kms:Decrypt, which bucket keys need",
    codes: ["DstPutObjectNotPermitted"],
    action: "kms:Decrypt",
    target: "kms-key-policy",
    breakIt: (set) => set.editKeyPolicy("replica", (held) => without(held, "kms:Decrypt")),
  },
  {
    name: "destination bucket policy lacks s3:ReplicateObject",
    codes: ["DstPutObjectNotPermitted"],
    action: "s3:ReplicateObject",
    target: "bucket-policy",
    breakIt: (set) => set.editBucketPolicy("replica", (held) => without(held, "s3:ReplicateObject")),
  },
  {
    name: "destination bucket policy denies s3:ReplicateObject but through a VPC endpoint",
    codes: ["DstPutObjectNotPermitted"],
    action: "s3:ReplicateObject",
    says: /OurNetwork/,
    target: "bucket-policy",
    breakIt: (set) =>
      set.editBucketPolicy("replica", (held) =>
        withStatement(held, onlyOurNetwork("s3:ReplicateObject", `${REPLICA_ARN}/*`)),
      ),
  },
  {
    name: "source bucket policy denies s3:GetObjectVersionAcl but through a VPC endpoint",
    codes: ["SrcGetAclNotPermitted"],
    action: "s3:GetObjectVersionAcl",
    says: /OurNetwork/,
    target: "bucket-policy",
    breakIt: (set) =>
      set.editBucketPolicy("source", (held) =>
        withStatement(held, onlyOurNetwork("s3:GetObjectVersionAcl", `${SOURCE_ARN}/*`)),
      ),
  },
  {
    name: "key policy of the destination lacks kms:Encrypt",
    codes: ["DstPutObjectNotPermitted"],
    action: "kms:Encrypt",
    target: "kms-key-policy",
    breakIt: (set) => set.editKeyPolicy("replica", (held) => without(held, "kms:Encrypt")),
  },
  {
    name: "role's boundary lacks s3:ListBucket",
    codes: ["SrcHeadObjectNotPermitted"],
    action: "s3:ListBucket",
    target: "iam-boundary-policy",
    breakIt: (set) => set.limitRole("s3:ListBucket"),
  },
  {
    name: "source key disabled",
    codes: ["SrcKmsKeyInvalidState"],
    target: "kms-key-state",
    breakIt: async ({ source }) => void (await source.kms.disableKey({ KeyId: source.keyArn })),
  },
  {
    name: "destination key disabled",
    codes: ["DstKmsKeyInvalidState"],
    target: "kms-key-state",
    breakIt: async ({ replica }) => void (await replica.kms.disableKey({ KeyId: replica.keyArn })),
  },
  {
    name: "destination versioning suspended",
    codes: ["DstBucketUnversioned"],
    target: "versioning",
    breakIt: async ({ replica }) => {
      await replica.s3.putBucketVersioning({ Bucket: REPLICA, VersioningConfiguration: { Status: "Suspended" } });
    },
  },
  {
    name: "KMS not selected",
    codes: ["KmsNotSelected"],
    target: "replication",
    before: true,
    breakIt: async (set) => {
      await set.editRule((rule) => ({
        ...rule,
        SourceSelectionCriteria: undefined,
        Destination: { Bucket: rule.Destination?.Bucket, Account: set.replica.account },
      }));
      // The bucket's own key is the one to propose, whatever its state.
      await set.replica.s3.putBucketEncryption({
        Bucket: REPLICA,
        ServerSideEncryptionConfiguration: {
          Rules: [
            {
              ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: set.replica.keyArn },
            },
          ],
        },
      });
    },
  },
];
