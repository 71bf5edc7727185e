/** Every patch target in every form, against files that were checked with `terraform fmt` and read by people. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parse, parseAllDocuments } from "yaml";
import type { DocumentValue } from "../../src/core/config/document.ts";
import type { Patch } from "../../src/core/diagnose/report.ts";
import { patchCloudFormation } from "../../src/doctor/patch-forms/cloudformation.ts";
import { patchTerraform } from "../../src/doctor/patch-forms/terraform.ts";
import { patchCommand, patchDiff } from "../../src/doctor/patch-forms.ts";

const ROLE = "arn:aws:iam::111122223333:role/service/photos-replication";
const BUCKET = "arn:aws:s3:::photos-replica";
const KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const MANAGED = "arn:aws:iam::111122223333:policy/replicate";
const ALLOW = policy({ Sid: "Replicas", Effect: "Allow", Action: ["s3:ReplicateObject"], Resource: `${BUCKET}/*` });
const BUCKET_POLICY = policy({
  Effect: "Allow",
  Principal: { AWS: ROLE },
  Action: "s3:ReplicateObject",
  Resource: `${BUCKET}/\${aws:username}/*`,
  Condition: { StringEquals: { "aws:SourceAccount": "111122223333" }, Bool: { "aws:SecureTransport": "true" } },
});

/** By the name of its golden file. */
const PATCHES: Readonly<Record<string, Omit<Patch, "id">>> = {
  "bucket-policy": { target: "bucket-policy", resource: BUCKET, before: null, after: BUCKET_POLICY },
  "iam-role-policy": { target: "iam-role-policy", resource: ROLE, name: "replicate", before: policy(), after: ALLOW },
  "iam-role-policy-managed": {
    target: "iam-role-policy",
    resource: ROLE,
    name: MANAGED,
    before: policy(),
    after: ALLOW,
  },
  "iam-boundary-policy": { target: "iam-boundary-policy", resource: MANAGED, before: policy(), after: ALLOW },
  "iam-trust-policy": {
    target: "iam-trust-policy",
    resource: ROLE,
    before: policy(),
    after: policy({ Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "sts:AssumeRole" }),
  },
  "organization-policy": {
    target: "organization-policy",
    resource: "p-12345678",
    name: "guard",
    before: policy(),
    after: policy({ Effect: "Deny", Action: "s3:DeleteBucket", Resource: "*" }),
  },
  replication: {
    target: "replication",
    resource: "arn:aws:s3:::photos",
    before: { Role: ROLE, Rules: [] },
    after: {
      Role: ROLE,
      Rules: [
        {
          ID: "everything",
          Priority: 1,
          Status: "Enabled",
          Filter: { And: { Prefix: "2026/", Tags: [{ Key: "team", Value: "blue" }] } },
          DeleteMarkerReplication: { Status: "Disabled" },
          SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
          Destination: {
            Bucket: BUCKET,
            Account: "444455556666",
            AccessControlTranslation: { Owner: "Destination" },
            EncryptionConfiguration: { ReplicaKmsKeyID: KEY },
            ReplicationTime: { Status: "Enabled", Time: { Minutes: 15 } },
            Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } },
          },
        },
        { ID: "old", Status: "Enabled", Filter: {}, Destination: { Bucket: BUCKET, StorageClass: "STANDARD_IA" } },
      ],
    },
  },
  versioning: { target: "versioning", resource: BUCKET, before: null, after: { Status: "Enabled" } },
  encryption: {
    target: "encryption",
    resource: BUCKET,
    before: null,
    after: {
      Rules: [
        {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: KEY },
          BucketKeyEnabled: true,
          BlockedEncryptionTypes: { EncryptionType: ["NONE"] },
        },
      ],
    },
  },
  ownership: {
    target: "ownership",
    resource: BUCKET,
    before: null,
    after: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
  },
  "object-lock": {
    target: "object-lock",
    resource: BUCKET,
    before: null,
    after: { ObjectLockEnabled: "Enabled", Rule: { DefaultRetention: { Mode: "GOVERNANCE", Days: 30 } } },
  },
  "request-payment": {
    target: "request-payment",
    resource: BUCKET,
    before: { Payer: "Requester" },
    after: { Payer: "BucketOwner" },
  },
  "kms-key-policy": {
    target: "kms-key-policy",
    resource: KEY,
    before: policy(),
    after: policy({ Effect: "Allow", Principal: { AWS: ROLE }, Action: ["kms:Encrypt"], Resource: "*" }),
  },
  "kms-key-state": {
    target: "kms-key-state",
    resource: KEY,
    before: { KeyState: "Disabled" },
    after: { KeyState: "Enabled" },
  },
  "kms-key-state-pending": {
    target: "kms-key-state",
    resource: KEY,
    before: { KeyState: "PendingDeletion" },
    after: { KeyState: "Enabled" },
  },
};

function policy(...statements: DocumentValue[]): DocumentValue {
  return { Version: "2012-10-17", Statement: statements };
}

function golden(name: string): string {
  return readFileSync(`test/fixtures/patch-forms/${name}`, "utf8");
}

/** Nothing of the machine's configuration, and no question to anybody whether it is the newest. */
const { PATH } = process.env;
const TERRAFORM = { PATH, CHECKPOINT_DISABLE: "1" };
const HAS_TERRAFORM = spawnSync("terraform", ["version"], { env: TERRAFORM }).status === 0;

describe("patch forms", () => {
  for (const [name, one] of Object.entries(PATCHES)) {
    const patch: Patch = { id: "p-0123456789ab", ...one };

    it(`${name} is the resource of Terraform that holds the document`, () => {
      assert.equal(patchTerraform(patch), golden(`${name}.tf`));
    });

    it(`${name} is a property of CloudFormation, in YAML that reads back`, () => {
      const text = patchCloudFormation(patch);
      assert.equal(text, golden(`${name}.yaml`));
      assert.deepEqual(
        parseAllDocuments(text).flatMap((document) => ("errors" in document ? document.errors : [])),
        [],
      );
    });

    it(`${name} is a diff and a command of the AWS CLI`, () => {
      assert.equal(`${patchDiff(patch)}\n\n${patchCommand(patch, undefined)}\n`, golden(`${name}.txt`));
    });

    it(`${name} is as \`terraform fmt\` would have it`, { skip: !HAS_TERRAFORM }, () => {
      const { stdout, stderr, status } = spawnSync("terraform", ["fmt", "-"], {
        input: golden(`${name}.tf`),
        env: TERRAFORM,
      });
      assert.equal(stderr.toString(), "");
      assert.equal(status, 0);
      assert.equal(stdout.toString(), golden(`${name}.tf`));
    });
  }

  it("an interpolation in a policy stays text in Terraform", () => {
    assert.match(golden("bucket-policy.tf"), /photos-replica\/\$\$\{aws:username\}\/\*/);
  });

  it("a policy that is taken away has no resource any more", () => {
    const patch: Patch = { id: "p-1", target: "bucket-policy", resource: BUCKET, before: BUCKET_POLICY, after: null };
    assert.match(patchTerraform(patch), /^# bucket policy of photos-replica\n# remove the resource/);
    assert.match(patchCloudFormation(patch), /\n# remove the resource or property that declares it\n$/);
  });

  it("the policy that CloudFormation is given is the policy of the patch", () => {
    const template = parse(golden("bucket-policy.yaml")) as {
      Resources: Record<string, { Properties: { PolicyDocument: unknown } }>;
    };
    const [resource] = Object.values(template.Resources);
    assert.deepEqual(resource?.Properties.PolicyDocument, BUCKET_POLICY);
  });
});
