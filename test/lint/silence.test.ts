/** No false alarms: documents that are known to be right. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readLintText } from "../../src/cli/lint/input.ts";
import { configuration, rolePolicy, TRUST } from "../../src/cli/up/example.ts";
import { lint } from "../../src/core/lint/lint.ts";
import type { LintOptions } from "../../src/core/lint/model.ts";

function said(documents: Readonly<Record<string, unknown>>, options: LintOptions = {}): readonly string[] {
  const inputs = Object.entries(documents).map(([file, value]) => readLintText(file, JSON.stringify(value, null, 2)));
  assert.deepEqual(
    inputs.flatMap((one) => one.findings),
    [],
  );
  return lint(
    inputs.flatMap((one) => one.document ?? []),
    options,
  ).findings.map(({ file, rule, severity, path }) => `${severity} ${rule} ${file} ${path}`);
}

describe("lint is silent about", () => {
  const key = (region: string, account = "111122223333") => `arn:aws:kms:${region}:${account}:key/k`;
  const roleArn = "arn:aws:iam::111122223333:role/photos-replication";
  const options = { source: "photos", sourceRegion: "us-east-1", destinationRegion: "eu-west-1" };

  it("each document of the example, but for what the example leaves out on purpose", () => {
    assert.deepEqual(said({ "role.json": rolePolicy(key("us-east-1"), key("eu-west-1")) }, options), []);
    assert.deepEqual(said({ "trust.json": TRUST }, options), []);
    assert.deepEqual(said({ "replication.json": configuration(roleArn) }, options), [
      "note kms-objects-not-selected replication.json Rules[0]",
    ]);
  });

  it("the example as a whole, but for the action that its role lacks", () => {
    const documents = {
      "replication.json": configuration(roleArn),
      "role.json": rolePolicy(key("us-east-1"), key("eu-west-1")),
      "trust.json": TRUST,
    };
    assert.deepEqual(said(documents, options), [
      "note kms-objects-not-selected replication.json Rules[0]",
      "warning permission-not-in-role-policy role.json Statement[2]",
    ]);
  });

  it("the smallest policies that a replication across accounts, with everything in it, needs", () => {
    const source = "arn:aws:s3:::photos";
    const replica = "arn:aws:s3:::photos-replica";
    const replicaKey = key("eu-west-1", "444455556666");
    const use = (region: string, bucket: string) => ({
      StringLike: {
        "kms:ViaService": `s3.${region}.amazonaws.com`,
        "kms:EncryptionContext:aws:s3:arn": [bucket, `${bucket}/*`],
      },
    });
    const allow = (Sid: string, Action: string | string[], Resource: string, more = {}) => {
      return { Sid, Effect: "Allow", ...more, Action, Resource };
    };
    const writes = [
      "s3:ReplicateObject",
      "s3:ReplicateDelete",
      "s3:ReplicateTags",
      "s3:ObjectOwnerOverrideToBucketOwner",
    ];
    const reads = [
      "s3:GetObjectVersionForReplication",
      "s3:GetObjectVersionAcl",
      "s3:GetObjectVersionTagging",
      "s3:GetObjectRetention",
      "s3:GetObjectLegalHold",
    ];
    const keyUse = ["kms:Encrypt", "kms:GenerateDataKey", "kms:Decrypt"];
    const Version = "2012-10-17";
    const Principal = { AWS: roleArn };
    const services = { Service: ["s3.amazonaws.com", "batchoperations.s3.amazonaws.com"] };
    const documents = {
      "trust.json": { Version, Statement: [{ Effect: "Allow", Principal: services, Action: "sts:AssumeRole" }] },
      "role.json": {
        Version,
        Statement: [
          allow("SrcBucket", ["s3:GetReplicationConfiguration", "s3:ListBucket"], source),
          allow("SrcObjects", reads, `${source}/*`),
          allow("DstObjects", writes, `${replica}/*`),
          allow("SrcKey", "kms:Decrypt", key("us-east-1"), { Condition: use("us-east-1", source) }),
          allow("DstKey", keyUse, replicaKey, { Condition: use("eu-west-1", replica) }),
        ],
      },
      "destination.json": { Version, Statement: [allow("Replicas", writes, `${replica}/*`, { Principal })] },
      "key.json": {
        Version,
        Statement: [
          allow("Enable IAM policies", "kms:*", "*", { Principal: { AWS: "arn:aws:iam::444455556666:root" } }),
          allow("Replicas", keyUse, "*", { Principal }),
        ],
      },
      "replication.json": {
        Role: roleArn,
        Rules: [
          {
            ID: "everything",
            Priority: 1,
            Status: "Enabled",
            Filter: {},
            SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
            DeleteMarkerReplication: { Status: "Enabled" },
            Destination: {
              Bucket: replica,
              Account: "444455556666",
              AccessControlTranslation: { Owner: "Destination" },
              EncryptionConfiguration: { ReplicaKmsKeyID: replicaKey },
              ReplicationTime: { Status: "Enabled", Time: { Minutes: 15 } },
              Metrics: { Status: "Enabled", EventThreshold: { Minutes: 15 } },
            },
          },
        ],
      },
    };
    assert.deepEqual(said(documents, options), []);
    for (const [file, document] of Object.entries(documents)) assert.deepEqual(said({ [file]: document }), [], file);
  });

  it("the policy of a role for Batch Operations", () => {
    const allow = (Action: string[], Resource: string) => ({ Effect: "Allow", Action, Resource });
    const job = {
      Version: "2012-10-17",
      Statement: [
        allow(["s3:InitiateReplication"], "arn:aws:s3:::photos/*"),
        allow(["s3:GetReplicationConfiguration", "s3:PutInventoryConfiguration"], "arn:aws:s3:::photos"),
        allow(["s3:GetObject", "s3:GetObjectVersion"], "arn:aws:s3:::manifests/*"),
        allow(["s3:PutObject"], "arn:aws:s3:::reports/*"),
      ],
    };
    assert.deepEqual(said({ "job.json": job }), []);
  });
});
