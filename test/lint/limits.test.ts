/** Documents that are too large for their places, and documents of any content at all. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readLintText } from "../../src/cli/lint/input.ts";
import { lint } from "../../src/core/lint/lint.ts";
import { LINT_KINDS, type LintKind } from "../../src/core/lint/model.ts";

function rulesOf(value: unknown, kind: LintKind): readonly string[] {
  const { document, findings } = readLintText("document.json", JSON.stringify(value, null, 4), kind);
  return lint(document === undefined ? [] : [document], {}, findings).findings.map(({ rule }) => rule);
}

/** A policy of exactly so many bytes without white space, a two-byte letter among them. */
function policyOf(bytes: number, principal?: object): object {
  const action = principal === undefined ? "s3:ListBucket" : "kms:*";
  const make = (prefix: string) => ({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        ...(principal === undefined ? {} : { Principal: principal }),
        Action: action,
        Resource: principal === undefined ? "arn:aws:s3:::photos" : "*",
        Condition: { StringLike: { "aws:PrincipalTag/padding": `é${prefix}` } },
      },
    ],
  });
  const empty = Buffer.byteLength(JSON.stringify(make("")));
  return make("x".repeat(bytes - empty));
}

describe("lint limits", () => {
  const ROOT = { AWS: "arn:aws:iam::111122223333:root" };

  it("a role's policy fits inline up to 10,240 bytes and is managed up to 6,144, without white space", () => {
    assert.deepEqual(rulesOf(policyOf(6144), "role-policy"), []);
    assert.deepEqual(rulesOf(policyOf(6145), "role-policy"), ["policy-near-limit"]);
    assert.deepEqual(rulesOf(policyOf(10_240), "role-policy"), ["policy-near-limit"]);
    assert.deepEqual(rulesOf(policyOf(10_241), "role-policy"), ["policy-too-large"]);
  });

  it("a key policy has at most 32,768 bytes", () => {
    assert.ok(!rulesOf(policyOf(32_768, ROOT), "key-policy").includes("policy-too-large"));
    assert.ok(rulesOf(policyOf(32_769, ROOT), "key-policy").includes("policy-too-large"));
  });

  it("a bucket policy has at most 20,480 bytes", () => {
    assert.ok(!rulesOf(policyOf(20_480, ROOT), "bucket-policy").includes("policy-too-large"));
    assert.ok(rulesOf(policyOf(20_481, ROOT), "bucket-policy").includes("policy-too-large"));
  });

  it("a configuration of 1,000 rules is taken, and one of more than 2 MB is not", () => {
    const rules = (prefix: string) =>
      Array.from({ length: 1000 }, (_, index) => ({
        ID: `rule-${index}`,
        Priority: index,
        Status: "Enabled",
        Filter: { Prefix: `${index}/${prefix}` },
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: "Enabled" } },
        DeleteMarkerReplication: { Status: "Enabled" },
        Destination: {
          Bucket: "arn:aws:s3:::photos-replica",
          EncryptionConfiguration: { ReplicaKmsKeyID: "arn:aws:kms:eu-west-1:111122223333:key/k" },
        },
      }));
    const Role = "arn:aws:iam::111122223333:role/replication";
    assert.deepEqual(rulesOf({ Role, Rules: rules("") }, "replication"), []);
    assert.deepEqual(rulesOf({ Role, Rules: rules("x".repeat(2000)) }, "replication"), ["configuration-too-large"]);
  });

  it("any document of any kind is checked without a fault, and every finding has its place", () => {
    const words = ["Statement", "Effect", "Allow", "Deny", "Principal", "Action", "s3:*", "Resource", "*", "Condition"];
    const more = ["StringLike", "Rules", "Role", "Filter", "And", "Destination", "Bucket", "__proto__", "constructor"];
    const word = fc.constantFrom(...words, ...more, "arn:aws:s3:::b", "kms:EncryptionContext:aws:s3:arn", "Null");
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { depthSize: "small" },
        word,
        fc.integer(),
        fc.constant(null),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(word, tie("tree"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(tree, fc.constantFrom(...LINT_KINDS), (value, kind) => {
        const { document } = readLintText("document.json", JSON.stringify(value), kind);
        if (document === undefined) return;
        for (const { line, column } of lint([document], { source: "b" }).findings) assert.ok(line >= 1 && column >= 1);
      }),
      { numRuns: 500 },
    );
  });
});
