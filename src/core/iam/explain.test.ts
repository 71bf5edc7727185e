import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compilePolicy } from "./compile.ts";
import { explain, sayDecision, sayNearMiss } from "./explain.ts";
import type { AccessRequest } from "./model.ts";
import { parsePolicy } from "./parse.ts";

const REQUEST: AccessRequest = {
  principal: {
    kind: "session",
    accountId: "111122223333",
    arn: "arn:aws:sts::111122223333:assumed-role/replication/s3-replication",
    roleArn: "arn:aws:iam::111122223333:role/replication",
    roleId: "AROAEXAMPLEROLE00001",
    sessionName: "s3-replication",
  },
  action: "kms:Encrypt",
  resource: "arn:aws:kms:eu-west-1:111122223333:key/1",
  resourceAccount: "111122223333",
  context: { "kms:encryptioncontext:aws:s3:arn": "arn:aws:s3:::dst", "aws:tagkeys": ["a", "b"] },
};

function explainBy(statement: object) {
  const { document } = parsePolicy({ Version: "2012-10-17", Statement: statement }, "identity");
  assert.ok(document !== undefined);
  const name = 'inline policy "replicate" of role replication';
  return explain(REQUEST, { identity: [compilePolicy(document, { kind: "identity", name })], resourceRule: "either" });
}

describe("a near miss", () => {
  it("is said in one sentence, with what was expected and what was found", () => {
    const { nearMisses } = explainBy({
      Sid: "DstKey",
      Effect: "Allow",
      Action: "kms:Encrypt",
      Resource: "*",
      Condition: { StringLike: { "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::dst/*" } },
    });
    assert.deepEqual(nearMisses.map(sayNearMiss), [
      'Statement "DstKey" of inline policy "replicate" of role replication would allow it but for its condition: expected StringLike kms:EncryptionContext:aws:s3:arn = arn:aws:s3:::dst/*, found kms:EncryptionContext:aws:s3:arn = arn:aws:s3:::dst.',
    ]);
  });

  it("by a condition carries that condition as data", () => {
    const { nearMisses } = explainBy({
      Effect: "Allow",
      Action: "*",
      Resource: "*",
      Condition: { "ForAllValues:StringEquals": { "aws:TagKeys": ["a", "c"] }, Bool: { "aws:ViaAWSService": true } },
    });
    assert.deepEqual(nearMisses[0]?.conditions, [
      { operator: "ForAllValues:StringEquals", key: "aws:TagKeys", values: ["a", "c"], actual: ["a", "b"] },
      { operator: "Bool", key: "aws:ViaAWSService", values: ["true"] },
    ]);
    assert.equal(nearMisses[0]?.actual, "aws:TagKeys = a, b; aws:ViaAWSService not in the request");
  });

  it("of a statement without a Sid is said with its number", () => {
    const { nearMisses } = explainBy({ Effect: "Allow", Action: "kms:Decrypt", Resource: "*" });
    assert.match(
      nearMisses.map(sayNearMiss).join(),
      /^Statement 1 of inline policy .* its action: expected kms:Decrypt, found kms:Encrypt\.$/,
    );
  });
});

describe("a decision", () => {
  it("that denies says which statement of which policy denies", () => {
    const { decision } = explainBy({ Effect: "Deny", Action: "kms:*", Resource: "*" });
    assert.equal(
      sayDecision(REQUEST, decision),
      'Role replication (session s3-replication) may not kms:Encrypt on arn:aws:kms:eu-west-1:111122223333:key/1: statement 1 of inline policy "replicate" of role replication denies it.',
    );
  });
});
