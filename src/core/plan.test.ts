import assert from "node:assert/strict";
import { test } from "node:test";
import { replicaEncryption } from "./encryption.ts";
import type { Encryption, Rule } from "./model.ts";
import { type PlanRequest, planReplication } from "./plan.ts";

const SOURCE_KEY = "arn:aws:kms:us-east-1:111122223333:key/source";
const REPLICA_KEY = "arn:aws:kms:eu-west-1:111122223333:key/replica";

const RULE: Rule = {
  id: "r",
  priority: 1,
  enabled: true,
  prefix: "",
  tags: [],
  deleteMarkers: true,
  kmsObjects: true,
  replicaModifications: false,
  destination: { bucketArn: "arn:aws:s3:::dst", ownerOverride: false, metrics: false, replicaKmsKeyArn: REPLICA_KEY },
};

interface Change {
  readonly operation?: PlanRequest["operation"];
  readonly encryption?: Encryption;
  readonly tagCount?: number;
  readonly partsCount?: number;
  readonly rule?: Rule;
  readonly destinationDefault?: Encryption;
  readonly copiesWithin?: boolean;
}

function plan(change: Change = {}) {
  const { operation = "put", encryption = { kind: "SSE-S3" }, tagCount = 0, partsCount = 1, rule = RULE } = change;
  return planReplication({
    operation,
    version: { bucket: "src", key: "k", encryption, tagCount, partsCount },
    rule,
    roleArn: "arn:aws:iam::111122223333:role/replication",
    sourceRegion: "us-east-1",
    destinationRegion: "eu-west-1",
    ...(change.destinationDefault === undefined ? {} : { destinationDefault: change.destinationDefault }),
    ...(change.copiesWithin === undefined ? {} : { copiesWithin: change.copiesWithin }),
  });
}

/** `step: action on resource`, a line per check. */
function lines(change: Change = {}): string[] {
  return plan(change).flatMap((step) => step.checks.map((one) => `${step.name}: ${one.action} on ${one.resource}`));
}

test("plan: a plain object is read, its ACL too, and written, each under its own action", () => {
  assert.deepEqual(lines(), [
    "assumeRole: sts:AssumeRole on arn:aws:iam::111122223333:role/replication",
    "readVersion: s3:GetObjectVersionForReplication on arn:aws:s3:::src/k",
    "readAcl: s3:GetObjectVersionAcl on arn:aws:s3:::src/k",
    "writeReplica: s3:ReplicateObject on arn:aws:s3:::dst/k",
  ]);
});

test("plan: where a store copies by itself, who writes has to be allowed to read", () => {
  const writes = (partsCount: number) =>
    plan({ copiesWithin: true, partsCount })
      .filter((one) => one.side === "destination")
      .map((one) => `${one.call}: ${one.checks.map((check) => check.action).join(" ")}`);
  assert.deepEqual(writes(1), ["CopyObject: s3:ReplicateObject s3:GetObjectVersionForReplication"]);
  assert.deepEqual(writes(2), [
    "CreateMultipartUpload: s3:ReplicateObject",
    "UploadPartCopy: s3:ReplicateObject s3:GetObjectVersionForReplication",
    "CompleteMultipartUpload: s3:ReplicateObject",
  ]);
});

test("plan: S3 assumes the role, the role does everything else", () => {
  assert.deepEqual(
    plan().map((one) => one.by),
    ["service", "role", "role", "role"],
  );
});

test("plan: a tagged object needs the tags read and s3:ReplicateTags, and its body can do without", () => {
  assert.deepEqual(lines({ tagCount: 2 }).slice(3), [
    "readTags: s3:GetObjectVersionTagging on arn:aws:s3:::src/k",
    "writeReplica: s3:ReplicateObject on arn:aws:s3:::dst/k",
    "writeReplica: s3:ReplicateTags on arn:aws:s3:::dst/k",
  ]);
  assert.equal(plan({ tagCount: 1 }).find((one) => one.name === "readTags")?.bodyNeedsIt, false);
  assert.equal(plan({ operation: "tags" }).find((one) => one.name === "readTags")?.bodyNeedsIt, true);
});

test("plan: a KMS object needs Decrypt at the source and Encrypt, not GenerateDataKey, for the replica", () => {
  const encryption: Encryption = { kind: "SSE-KMS", kmsKeyArn: SOURCE_KEY };
  assert.deepEqual(
    lines({ encryption }).filter((one) => one.includes("kms:")),
    [`readVersion: kms:Decrypt on ${SOURCE_KEY}`, `writeReplica: kms:Encrypt on ${REPLICA_KEY}`],
  );
});

test("plan: keys are used through S3 of their own Region, with the object's ARN as context", () => {
  const checks = plan({ encryption: { kind: "SSE-KMS", kmsKeyArn: SOURCE_KEY } }).flatMap((step) => step.checks);
  const context = (on: string) => checks.find((one) => one.on === on)?.context;
  assert.equal(context("sourceKey")?.["kms:viaservice"], "s3.us-east-1.amazonaws.com");
  assert.equal(context("sourceKey")?.["kms:encryptioncontext:aws:s3:arn"], "arn:aws:s3:::src/k");
  assert.equal(context("replicaKey")?.["kms:viaservice"], "s3.eu-west-1.amazonaws.com");
  assert.equal(context("replicaKey")?.["kms:encryptioncontext:aws:s3:arn"], "arn:aws:s3:::dst/k");
});

test("plan: with a bucket key the context is the bucket's ARN, and the replica's key must decrypt too", () => {
  const encryption: Encryption = { kind: "SSE-KMS", kmsKeyArn: SOURCE_KEY, bucketKey: true };
  const checks = plan({ encryption }).flatMap((step) => step.checks);
  const arns = checks.flatMap((one) => one.context["kms:encryptioncontext:aws:s3:arn"] ?? []);
  assert.deepEqual(arns, ["arn:aws:s3:::src", "arn:aws:s3:::dst", "arn:aws:s3:::dst"]);
  assert.deepEqual(
    checks.filter((one) => one.on === "replicaKey").map((one) => one.action),
    ["kms:Encrypt", "kms:Decrypt"],
  );
});

test("plan: an unencrypted source takes the destination's default, which needs GenerateDataKey", () => {
  const destinationDefault: Encryption = { kind: "SSE-KMS", kmsKeyArn: REPLICA_KEY };
  assert.equal(replicaEncryption({ kind: "NOT-SSE" }, RULE), undefined);
  assert.ok(
    lines({ encryption: { kind: "NOT-SSE" }, destinationDefault }).includes(
      `writeReplica: kms:GenerateDataKey on ${REPLICA_KEY}`,
    ),
  );
});

test("plan: SSE-S3 stays SSE-S3 whatever the destination's default, and needs no key", () => {
  const destinationDefault: Encryption = { kind: "SSE-KMS", kmsKeyArn: REPLICA_KEY };
  assert.deepEqual(
    lines({ destinationDefault }).filter((one) => one.includes("kms:")),
    [],
  );
});

test("plan: a multipart object is written by a multipart upload, permitted by s3:ReplicateObject throughout", () => {
  assert.deepEqual(lines({ partsCount: 3, tagCount: 1 }).slice(4), [
    "createUpload: s3:ReplicateObject on arn:aws:s3:::dst/k",
    "createUpload: s3:ReplicateTags on arn:aws:s3:::dst/k",
    "uploadParts: s3:ReplicateObject on arn:aws:s3:::dst/k",
    "completeUpload: s3:ReplicateObject on arn:aws:s3:::dst/k",
  ]);
});

test("plan: an owner override needs its own action on the destination", () => {
  const rule = { ...RULE, destination: { ...RULE.destination, account: "444455556666", ownerOverride: true } };
  assert.ok(lines({ rule }).includes("writeReplica: s3:ObjectOwnerOverrideToBucketOwner on arn:aws:s3:::dst/k"));
});

test("plan: a delete marker is looked at, which needs ListBucket, and written under s3:ReplicateDelete", () => {
  assert.deepEqual(lines({ operation: "deleteMarker" }).slice(1), [
    "headVersion: s3:GetObjectVersionForReplication on arn:aws:s3:::src/k",
    "headVersion: s3:ListBucket on arn:aws:s3:::src",
    "writeMarker: s3:ReplicateDelete on arn:aws:s3:::dst/k",
  ]);
});

test("plan: changed tags are read and written, no body moves", () => {
  assert.deepEqual(
    plan({ operation: "tags" }).map((one) => one.call),
    ["AssumeRole", "HeadObject", "GetObjectTagging", "PutObjectTagging"],
  );
});

test("plan: every check names the failure that its denial is", () => {
  const denied = plan({ tagCount: 1 }).flatMap((step) => step.checks.map((one) => `${one.action} ${one.deniedCode}`));
  assert.deepEqual(denied, [
    "sts:AssumeRole AssumeRoleNotPermitted",
    "s3:GetObjectVersionForReplication SrcGetObjectNotPermitted",
    "s3:GetObjectVersionAcl SrcGetAclNotPermitted",
    "s3:GetObjectVersionTagging SrcGetTaggingNotPermitted",
    "s3:ReplicateObject DstPutObjectNotPermitted",
    "s3:ReplicateTags DstPutTaggingNotPermitted",
  ]);
});
